"""Numbers as Turkish words, and the suffixes that follow them."""

from __future__ import annotations

import functools

MAX_DIGITS = 15
"""The longest number that is read as one; longer ones are read digit by digit."""

_ONES = ("", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz")
_TENS = ("", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan")
_GROUPS = ("", "bin", "milyon", "milyar", "trilyon")
_VOWELS = "aıoueiöü"
_BACK = "aıou"
_HIGH = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "i": "i", "ö": "ü", "ü": "ü"}
"""The high vowel of a suffix after each vowel."""


@functools.lru_cache(maxsize=2048)
def turkish_number(value: int) -> str:
    """A number below 10**15 as Turkish words."""
    if value == 0:
        return "sıfır"
    words: list[str] = []
    for index in range(4, -1, -1):
        group = value // 1000**index % 1000
        if group == 0:
            continue
        if not (index == 1 and group == 1):  # A thousand is bin, a million is bir milyon.
            hundreds = group // 100
            words += [_ONES[hundreds], "yüz"] if hundreds > 1 else ["yüz"] * hundreds
            words += _TENS[group // 10 % 10], _ONES[group % 10]
        words.append(_GROUPS[index])
    return " ".join(word for word in words if word)


def turkish_ordinal(words: str) -> str:
    """The ordinal of a number in words: üç, üçüncü."""
    vowel = last_vowel(words)
    high = _HIGH[vowel]
    stem = with_soft_end(words)
    ending = f"nc{high}" if stem[-1] in _VOWELS else f"{high}nc{high}"
    return stem + ending


def turkish_digits(digits: str) -> str:
    """Digits one by one."""
    return " ".join(_ONES[int(digit)] or "sıfır" for digit in digits)


def last_vowel(words: str) -> str:
    """The last vowel of a word; `e` where there is none."""
    return next((char for char in reversed(words.lower()) if char in _VOWELS), "e")


def with_soft_end(words: str) -> str:
    """A number in words as it is before a vowel: dört is dörd-."""
    return words[:-1] + "d" if words.endswith("dört") else words


def with_suffix(words: str, suffix: str) -> str:
    """A word with a suffix as it is written after an apostrophe, its vowels in harmony with the word: lira and -ye give liraya.

    A consonant that only links two vowels is added where the word needs one and dropped where it does not.
    """
    if not suffix:
        return words
    vowel = last_vowel(words)
    ends_in_vowel = words[-1:].lower() in _VOWELS
    if suffix[0] in _VOWELS and ends_in_vowel:
        suffix = (
            ("y" if suffix[0] in "ae" or len(suffix) == 1 else "") + suffix if suffix[:2] not in ("in", "ın", "un", "ün") else "n" + suffix
        )
    elif len(suffix) > 1 and suffix[0] in "ysn" and suffix[1] in _VOWELS and not ends_in_vowel:
        suffix = suffix[1:]
    elif suffix[0] in "dt" and len(suffix) > 1:
        suffix = ("t" if words[-1:].lower() in "fstkçşhp" else "d") + suffix[1:]
    harmonized = ""
    for char in suffix:
        if char in "ae":
            char = "a" if vowel in _BACK else "e"
        elif char in "ıiuü":
            char = _HIGH[vowel]
        if char in _VOWELS:
            vowel = char
        harmonized += char
    return (with_soft_end(words) if harmonized[0] in _VOWELS else words) + harmonized
