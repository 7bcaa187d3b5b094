"""How long a text takes to be spoken, known before it is spoken."""

from __future__ import annotations

import re

from tts_server.text.inline_tags import LANGUAGE_TAG, RATE_TAG
from tts_server.text.markup.tags import PAUSE_TAG, total_pause
from tts_server.text.phonemes import without_phonemes
from tts_server.text.sentences import SPACELESS

SECONDS_PER_CHARACTER = 0.07
"""Of an alphabet, with the pauses between sentences. Measured: 0.061 to 0.075 for English, on every voice at its normal speed."""

SECONDS_PER_SYLLABLE_SIGN = 0.2
"""Of Han, Kana and Hangul, where a character is a syllable."""

SECONDS_PER_DIGIT = 0.4
"""Digits are left where a text is not normalized; then the model says each as a word."""

_SYLLABLE_SIGN = re.compile(f"[{SPACELESS}\uac00-\ud7af]")
_DIGIT = re.compile(r"\d")
_TAG = re.compile(f"{PAUSE_TAG.pattern}|{LANGUAGE_TAG.pattern}")


def estimate_seconds(text: str, speed: float, *, min_speed: float, max_speed: float) -> float:
    """About how many seconds the text of a `Reading` takes at `speed`; within a rate tag at its factor, between both limits."""
    seconds = total_pause(text) / speed
    rate, position = 1.0, 0
    for end, following, new_rate in [*((tag.start(), tag.end(), float(tag[1])) for tag in RATE_TAG.finditer(text)), (len(text), 0, 1.0)]:
        seconds += _at_normal_speed(text[position:end]) / min(max(speed * rate, min_speed), max_speed)
        rate, position = new_rate, following
    return seconds


def _at_normal_speed(text: str) -> float:
    text = without_phonemes(_TAG.sub("", text))
    num_signs = sum(1 for _ in _SYLLABLE_SIGN.finditer(text))
    num_digits = sum(1 for _ in _DIGIT.finditer(text))
    num_others = len(text) - num_signs - num_digits
    return num_others * SECONDS_PER_CHARACTER + num_signs * SECONDS_PER_SYLLABLE_SIGN + num_digits * SECONDS_PER_DIGIT
