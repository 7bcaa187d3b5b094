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

LETTERS_PER_SECOND = 14.0
"""A usual pace of speech, with the spaces between words. A Han, Kana or Hangul character takes as long as three letters."""

SPACED_LETTER = 1.2
"""How many letters' time a letter takes with its share of the spaces and marks."""

SECONDS_PER_SOUND_TAG = 1.5
"""Of `[laugh]` and its like: half a second to three seconds."""

SECONDS_PER_SPELLED_LETTER = 0.35
SECONDS_PER_SPOKEN_SIGN = 0.4
SECONDS_PER_DIGIT_OF_A_NUMBER = 0.5
"""Of long numbers and amounts of money, which are read with words such as "million" and "dollars"."""

_SOUND_TAG = re.compile(r"\[[a-z][a-z ]*\]", re.IGNORECASE)
_NUMBER = re.compile(r"[$€£¥₹]\s?\d[\d.,]*|\d[\d.,]*\s?[$€£¥₹%‰]|\d(?:[.,'’ ]?\d){4,}")
_SPELLED = re.compile(
    r"\b[A-Z]{2,}\b|\b(?=[A-Za-z]{2,5}\b)[A-Za-z]*[A-Z][a-z]*[A-Z][A-Za-z]*\b|\b[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ]{2,}\b|(?<=\d)[A-Za-z]\b|\b[A-Za-z](?=\d)"
)
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\S+@\S+\.\w+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/\S*", re.IGNORECASE)
_SPOKEN_SIGN = re.compile(r"[@#%&+=<>|\\^_~*°§©®™$€£¥₹×÷±√∞≤≥≠/]")
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


def expected_seconds(text: str) -> float:
    """About how many seconds a model takes for a segment of text at a usual pace, whatever it is given: words, digits, signs, addresses.

    What is read letter by letter or sign by sign takes longer than as many letters of words; combining marks take no time of their own.
    """
    text, num_tags = _SOUND_TAG.subn(" ", without_phonemes(_TAG.sub("", text)))
    seconds = num_tags * SECONDS_PER_SOUND_TAG
    num_signs = 0
    for address in _ADDRESS.findall(text):
        num_signs += sum(1 for sign in address if not sign.isalnum())
    text = _ADDRESS.sub(lambda address: "".join(sign if sign.isalnum() else " " for sign in address[0]), text)
    num_signs += len(_SPOKEN_SIGN.findall(text))
    for number in _NUMBER.findall(text):
        seconds += sum(map(str.isdecimal, number)) * (SECONDS_PER_DIGIT_OF_A_NUMBER - SECONDS_PER_DIGIT)
    num_spelled = sum(map(len, _SPELLED.findall(text)))
    num_digits = sum(map(str.isdecimal, text))
    num_syllables = sum(1 for _ in _SYLLABLE_SIGN.finditer(text))
    num_letters = sum(map(str.isalpha, text)) - num_syllables - num_spelled
    seconds += (SPACED_LETTER * max(0, num_letters) + 3 * num_syllables) / LETTERS_PER_SECOND
    seconds += num_spelled * SECONDS_PER_SPELLED_LETTER + num_digits * SECONDS_PER_DIGIT
    return seconds + num_signs * SECONDS_PER_SPOKEN_SIGN


def _at_normal_speed(text: str) -> float:
    text = without_phonemes(_TAG.sub("", text))
    num_signs = sum(1 for _ in _SYLLABLE_SIGN.finditer(text))
    num_digits = sum(1 for _ in _DIGIT.finditer(text))
    num_others = len(text) - num_signs - num_digits
    return num_others * SECONDS_PER_CHARACTER + num_signs * SECONDS_PER_SYLLABLE_SIGN + num_digits * SECONDS_PER_DIGIT
