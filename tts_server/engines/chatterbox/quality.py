"""Does what was made sound like its text? Cheap tests of speech tokens and samples; no torch.

A token model that has lost its way says too much, too little, the same over and over, or nothing for seconds. None of it can be repaired,
but all of it can be seen, and another seed usually does better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.speech import Samples

_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_TAG = re.compile(r"\[[a-z ]+\]")

LETTERS_PER_SECOND = 14.0
"""A usual pace of speech. Chinese, Japanese and Korean characters count three letters each."""

FASTEST, SLOWEST = 3.0, 3.0
"""How many times quicker or slower than the usual pace a whole segment may be, short ones with a second's grace."""

GRACE_SECONDS = 1.0
MIN_SECONDS = 0.16

REPEATED_TOKENS = 25
"""So many equal speech tokens in a row (a second) are a stuck decoder: a held vowel or a pause varies more."""

CYCLE_SECONDS = 3.0
"""A stretch that says the same short cycle for so long is a loop."""
MAX_CYCLE = 25

MAX_SILENCE_SECONDS = 1.6
FRAME_SECONDS = 0.02
SILENCE_DB = -45.0
TAIL_SECONDS = 0.15
TAIL_GAP_SECONDS = 0.3
TAIL_BURST_SECONDS = 0.25


def usual_seconds(text: str) -> float:
    """How long a text takes at a usual pace."""
    text = _TAG.sub("", text)
    dense = len(_DENSE.findall(text))
    letters = sum(character.isalnum() for character in text) - dense
    return (1.2 * letters + 3.0 * dense) / LETTERS_PER_SECOND


def fault_of_tokens(tokens: Sequence[int], text: str) -> str | None:
    """What is wrong with the speech tokens of a text (`too long`, `too short`, `stuck`, `looping`), None if nothing is."""
    seconds = len(tokens) / TOKEN_RATE
    usual = usual_seconds(text)
    if seconds > SLOWEST * usual + GRACE_SECONDS:
        return "too long"
    if seconds < max(MIN_SECONDS, usual / FASTEST - 0.3):
        return "too short"
    return "stuck" if _longest_run(tokens) >= REPEATED_TOKENS else "looping" if _is_looping(tokens) else None


def fault_of_samples(samples: Samples, text: str) -> str | None:
    """What is wrong with the audio of a text (`silent`, `long silence`, `not a number`), None if nothing is."""
    if not np.isfinite(samples).all():
        return "not a number"
    levels = _levels(samples)
    if not len(levels) or levels.max() < SILENCE_DB:
        return "silent"
    loud = np.flatnonzero(levels > max(SILENCE_DB, levels.max() - 40.0))
    gaps = np.diff(loud) * FRAME_SECONDS
    allowed = MAX_SILENCE_SECONDS + (1.0 if _TAG.search(text) else 0.0)
    return "long silence" if len(gaps) and gaps.max() > allowed else None


def without_tail(samples: Samples) -> Samples:
    """The audio without what follows the last words: silence, and a short burst of noise behind a gap."""
    levels = _levels(samples)
    if not len(levels):
        return samples
    loud = np.flatnonzero(levels > max(SILENCE_DB, levels.max() - 35.0))
    if not len(loud):
        return samples
    last = int(loud[-1])
    gaps = np.flatnonzero(np.diff(loud) * FRAME_SECONDS >= TAIL_GAP_SECONDS)
    if len(gaps):
        before, after = int(loud[gaps[-1]]), int(loud[gaps[-1] + 1])
        is_short = (last - after + 1) * FRAME_SECONDS <= TAIL_BURST_SECONDS
        # A last word can be as short; noise is weaker than words.
        if is_short and levels[after : last + 1].max() < levels.max() - 15.0:
            last = before
    end = round(((last + 1) * FRAME_SECONDS + TAIL_SECONDS) * SAMPLE_RATE)
    return samples[:end]


def _levels(samples: Samples) -> np.ndarray:
    """The level of each frame, in dB of full scale."""
    length = round(FRAME_SECONDS * SAMPLE_RATE)
    whole = len(samples) // length * length
    power = np.square(samples[:whole].reshape(-1, length)).mean(axis=1) if whole else np.zeros(0)
    return np.asarray(10.0 * np.log10(power + 1e-12))


def _longest_run(tokens: Sequence[int]) -> int:
    longest = run = 0
    previous: int | None = None
    for token in tokens:
        run = run + 1 if token == previous else 1
        previous = token
        longest = max(longest, run)
    return longest


def _is_looping(tokens: Sequence[int]) -> bool:
    """Does some stretch repeat a cycle of 2 to MAX_CYCLE tokens for CYCLE_SECONDS?"""
    values = np.asarray(tokens)
    needed = round(CYCLE_SECONDS * TOKEN_RATE)
    for cycle in range(2, MAX_CYCLE + 1):
        if len(values) < needed + cycle:
            return False
        equal = (values[cycle:] == values[:-cycle]).astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], equal, [0]])))
        if len(edges) and (edges[1::2] - edges[::2]).max() >= needed:
            return True
    return False
