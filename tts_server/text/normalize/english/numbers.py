"""Numbers as American English words: "one hundred twenty-three", "twenty-third", "nineteen oh five", "three point one four"."""

from __future__ import annotations

import functools
import unicodedata

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = "thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion".split()
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

COUNTED_DIGITS = 15
"""A longer number without separators is read digit by digit: nobody follows "quadrillions"."""


@functools.lru_cache(maxsize=4096)
def cardinal(number: int) -> str:
    """`number`, 0 or more and below 10^36, in words."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" {cardinal(rest)}" if rest else "")
    words: list[str] = []
    scale = -1
    while number:
        number, group = divmod(number, 1000)
        if group:
            words.insert(0, cardinal(group) + (f" {SCALES[scale]}" if scale >= 0 else ""))
        scale += 1
    return " ".join(words)


def ordinal(number: int) -> str:
    """The ordinal of `number`: "twenty-third"."""
    return ordinal_words(cardinal(number))


def ordinal_words(words: str) -> str:
    """The ordinal of a number in words: its last word changes."""
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last in _ORDINALS:
        changed = _ORDINALS[last]
    else:
        changed = f"{last[:-1]}ieth" if last.endswith("y") else last + ("h" if last.endswith("t") else "th")
    return words[:cut] + changed


def plural_words(words: str) -> str:
    """The plural of a number in words: "nineties", "sixes", "twos"."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("x", "s")) else "s")


def digits(text: str, zero: str = "zero") -> str:
    """Each digit of `text` by its name, whatever script it is in; other characters are left out."""
    return " ".join(zero if value == 0 else _ONES[value] for char in text if (value := unicodedata.decimal(char, -1)) >= 0)


def digit_groups(text: str, size: int = 0) -> str:
    """Digits one by one, with a comma between groups: those that are separated in `text`, or of `size` digits each."""
    if size:
        return ", ".join(digits(text[start : start + size]) for start in range(0, len(text), size))
    groups = "".join(char if char.isdecimal() else " " for char in text).split()
    return ", ".join(digits(group) for group in groups)


def year(number: int) -> str:
    """A year from 1 to 9999 as years are said: "nineteen oh five", "two thousand five", "twenty twenty-four"."""
    if number < 1000 or number % 1000 < 10:
        return cardinal(number) if number < 100 or number % 100 == 0 or number >= 1000 else pairs(str(number))
    return pairs(str(number))


def pairs(text: str) -> str:
    """One to four digits as in a room, a flight or a house number: "three oh five", "fourteen oh eight", "seven forty-seven".

    More digits, or a leading zero, are read one by one.
    """
    if len(text) > 4 or (text.startswith("0") and len(text) > 1):
        return digits(text)
    number = int(text)
    if len(text) < 3 or number % 1000 == 0:
        return cardinal(number)
    high, low = divmod(number, 100)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {'oh ' if low < 10 else ''}{cardinal(low)}"


def decade(number: int) -> str:
    """A decade, its first year given: "nineteen nineties", "eighties", "two thousands", "nineteen hundreds"."""
    return plural_words(year(number) if number >= 100 else cardinal(number))


def integer(text: str) -> str:
    """Decimal digits without separators: as a number, or one by one where they begin with zero or are more than `COUNTED_DIGITS`."""
    if len(text) > COUNTED_DIGITS:
        return digit_groups(text, 4) if len(text) % 4 == 0 and len(text) <= 20 else digits(text)
    if len(text) > 1 and text.startswith("0"):
        return digits(text)
    return cardinal(int(text))


def decimal(whole: str, fraction: str) -> str:
    """`whole` may be empty: ".5" is "point five"."""
    return f"{_whole(whole)} point {digits(fraction)}".strip()


def _whole(text: str) -> str:
    """As `integer`, but a single group of zeros before the point is one zero."""
    if not text:
        return ""
    return integer(text.lstrip("0") or "0") if len(text) <= COUNTED_DIGITS else digits(text)


def version(text: str) -> str:
    """A version such as "3.10.2": each part is a number of its own. A part with a leading zero is read digit by digit."""
    return " point ".join(integer(part) for part in text.split("."))


_DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def fraction(numerator: int, denominator: int) -> str:
    """ "three quarters", "one half", "five eighths"."""
    singular, plural = _DENOMINATORS.get(denominator) or ((name := ordinal(denominator)), f"{name}s")
    return f"{cardinal(numerator)} {singular if numerator == 1 else plural}"


def mixed(whole: int, numerator: int, denominator: int) -> str:
    """ "two and a half", "one and two thirds"."""
    part = "a half" if (numerator, denominator) == (1, 2) else fraction(numerator, denominator)
    if (numerator, denominator) == (1, 4):
        part = "a quarter"
    return f"{cardinal(whole)} and {part}"
