"""How long a model takes to speak a segment of text at a usual pace, whatever it is given: words, digits, signs, addresses, sounds."""

from __future__ import annotations

import re

_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CONSONANTAL = re.compile("[\u05d0-\u05ea\u0620-\u064a]")
"""Hebrew and Arabic, which leave most vowels out."""

SOUND_TAG = re.compile(r"\[[a-z ]+\]", re.IGNORECASE)
_MONEY = re.compile(r"[$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd%]")
_SYMBOL = re.compile(
    r"[$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd%&@#+=*/\\\\<>^~_|\u00b0\u00a7\u00b1\u00d7\u00f7\u221a\u2248\u2260\u2264\u2265\u2192]"
)
"""Read out wherever they stand."""

_INNER_MARK = re.compile(r"(?<=\w)[.,:\-\u2013](?=\w)|://|\?(?=\w)")
"""Read out in numbers and addresses: point, dot, dash, colon."""

_ADDRESS = re.compile(r"://|\bwww\.|\w@\w|\w\.[a-z]{2,4}\b|/\w+/", re.IGNORECASE)
_LATIN_WORD = re.compile("[A-Za-z]{2,}|(?<![A-Za-z])[B-HJ-Z](?![A-Za-z])")
_VOWEL = re.compile("[aeiouy]", re.IGNORECASE)

LETTERS_PER_SECOND = 14.0
"""A usual pace of speech. A Chinese, Japanese or Korean character takes as long as three letters."""

SPACED = 1.2
"""How many letters' time a letter takes with its share of the spaces and marks."""

TAG_SECONDS = 3.0
"""The longest sound that a tag such as `[laugh]` asks for; a usual one takes a third."""

DIGIT_SECONDS = 0.35 - SPACED / LETTERS_PER_SECOND
LONG_NUMBER = 4
LONG_NUMBER_DIGIT_SECONDS = 0.5 - SPACED / LETTERS_PER_SECOND
"""Of money, and of numbers with more digits than LONG_NUMBER. As for SPELLED_SECONDS, beyond the time of a letter."""
SPELLED_SECONDS = 0.3 - SPACED / LETTERS_PER_SECOND
SYMBOL_SECONDS = 0.4


def usual_seconds(text: str) -> float:
    """How long a text takes at a usual pace: its letters, and what is spoken without standing there in letters."""
    spoken = SOUND_TAG.sub(" ", text)
    return seconds_of_letters(spoken) + _seconds_beyond_letters(spoken) + TAG_SECONDS / 3 * len(SOUND_TAG.findall(text))


def seconds_of_letters(text: str) -> float:
    """How long the letters and digits of a text take where each is a part of a word. Combining marks take no time of their own."""
    num_dense, num_consonants = len(_DENSE.findall(text)), len(_CONSONANTAL.findall(text))
    num_others = sum(character.isalnum() for character in text) - num_dense - num_consonants
    return (SPACED * (num_others + 1.5 * num_consonants) + 3.0 * num_dense) / LETTERS_PER_SECOND


def _seconds_beyond_letters(text: str) -> float:
    """The extra time of digits, of words that are spelled, and of symbols that are read out."""
    seconds = 0.0
    for word in text.split():
        digits = sum(character.isdigit() for character in word)
        seconds += digits * (LONG_NUMBER_DIGIT_SECONDS if digits > LONG_NUMBER or _MONEY.search(word) else DIGIT_SECONDS)
        symbols = len(_SYMBOL.findall(word))
        if digits or _ADDRESS.search(word):
            symbols += len(_INNER_MARK.findall(word))
        seconds += SYMBOL_SECONDS * symbols
        seconds += SPELLED_SECONDS * sum(len(part) for part in _LATIN_WORD.findall(word) if _is_spelled(part, has_digits=digits > 0))
    return seconds


def _is_spelled(word: str, *, has_digits: bool) -> bool:
    """Whether a word of Latin letters may be read letter by letter: capitals, a formula, no vowel."""
    return word.isupper() or has_digits or not _VOWEL.search(word) or any(character.isupper() for character in word[1:])
