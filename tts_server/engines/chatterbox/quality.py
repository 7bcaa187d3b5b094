"""Cheap checks of speech tokens and samples against their text; no torch.

A token model can fail to stop, stop early, repeat itself, or be silent for seconds. None of this can be repaired, but all of it can be
detected, and another seed usually gives better speech.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.engines.chatterbox.pauses import FRAME_SECONDS, LONGEST_SECONDS, SILENCE_DB, frame_levels
from tts_server.speech import Samples
from tts_server.text.pace import SOUND_TAG, TAG_SECONDS, seconds_of_letters, usual_seconds

FASTEST, SLOWEST = 3.0, 3.0
"""How many times quicker or slower than the usual pace a whole segment may be, with GRACE_SECONDS more."""

GRACE_SECONDS = 1.0
SHORT_TEXT = 15
"""Letters and digits below which a text is short: its pace varies more."""
SHORT_GRACE_SECONDS = 1.0

MIN_SECONDS = 0.16

REPEATED_TOKENS = 25
"""This many equal speech tokens in a row (a second) are a stuck decoder: a long vowel or a pause varies more."""

CYCLE_SECONDS = 3.0
"""Tokens that repeat a short cycle for this long are a loop."""
MAX_CYCLE = 25

TAIL_SECONDS = 0.15
TAIL_GAP_SECONDS = 0.3
TAIL_BURST_SECONDS = 0.25


class SpeechJudge:
    """Judges speech tokens and samples by their text. `language` is the code of the text's language, where it is known."""

    def usual_seconds(self, text: str, language: str | None = None) -> float:
        """How long a text takes at a usual pace."""
        return usual_seconds(text)

    def longest_seconds(self, text: str, language: str | None = None) -> float:
        """How long speech of a text may be: SLOWEST times the usual length, plus TAG_SECONDS for each tag and a grace."""
        num_tags = len(SOUND_TAG.findall(text))
        without_tags = SOUND_TAG.sub(" ", text)
        is_short = sum(character.isalnum() for character in without_tags) < SHORT_TEXT
        grace = GRACE_SECONDS + (SHORT_GRACE_SECONDS if is_short else 0.0)
        return SLOWEST * self.usual_seconds(without_tags, language) + TAG_SECONDS * num_tags + grace

    def shortest_seconds(self, text: str, language: str | None = None) -> float:
        """How short speech of a text may be. Tags may be silent, and letters that could be spelled may be read as a word."""
        return max(MIN_SECONDS, seconds_of_letters(SOUND_TAG.sub(" ", text)) / FASTEST - 0.3)

    def longest_pause(self, text: str) -> float:
        """Seconds of silence that speech of a text may have inside; a sound that a tag asks for may be as quiet."""
        return LONGEST_SECONDS + (1.0 if SOUND_TAG.search(text) else 0.0)

    def faults_of_tokens(self, tokens: Sequence[int], text: str, language: str | None = None) -> tuple[str, ...]:
        """What is wrong with the speech tokens of a text: `too long`, `too short`, `stuck`, `looping`."""
        seconds = len(tokens) / TOKEN_RATE
        faults = []
        if seconds > self.longest_seconds(text, language):
            faults.append("too long")
        if seconds < self.shortest_seconds(text, language):
            faults.append("too short")
        if _longest_run(tokens) >= REPEATED_TOKENS:
            faults.append("stuck")
        elif _is_looping(tokens):
            faults.append("looping")
        return tuple(faults)

    def faults_of_samples(self, samples: Samples) -> tuple[str, ...]:
        """What is wrong with audio that should be speech: `silent`, `not a number`."""
        if not np.isfinite(samples).all():
            return ("not a number",)
        levels = frame_levels(samples)
        return () if len(levels) and levels.max() >= SILENCE_DB else ("silent",)


def without_tail(samples: Samples) -> Samples:
    """The audio up to the end of the last word: without silence, and without a short burst of noise after a gap."""
    levels = frame_levels(samples)
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


def _longest_run(tokens: Sequence[int]) -> int:
    longest = run = 0
    previous: int | None = None
    for token in tokens:
        run = run + 1 if token == previous else 1
        previous = token
        longest = max(longest, run)
    return longest


def _is_looping(tokens: Sequence[int]) -> bool:
    """Whether some stretch repeats a cycle of 2 to MAX_CYCLE tokens for CYCLE_SECONDS."""
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
