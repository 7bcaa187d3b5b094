"""Numbers as Swedish words: cardinals of both genders, ordinals and years."""

from __future__ import annotations

import functools

MAX_DIGITS = 15
"""The longest number that is read as one; longer ones are read digit by digit."""

_SMALL = ("noll ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton").split()
_TENS = "  tjugo trettio fyrtio femtio sextio sjuttio åttio nittio".split(" ")
_ORDINALS = (
    "nollte första andra tredje fjärde femte sjätte sjunde åttonde nionde tionde elfte tolfte trettonde fjortonde femtonde sextonde"
    " sjuttonde artonde nittonde"
).split()
_GROUPS = ("", "tusen", "miljon", "miljard", "biljon")


@functools.lru_cache(maxsize=2048)
def swedish_number(value: int, *, is_common: bool = False) -> str:
    """A number below 10**15 as Swedish words; `is_common` ends it in `en`, for nouns of common gender, else in `ett`."""
    if value < 1000:
        return _below_thousand(value, is_common=is_common)
    words: list[str] = []
    for index in range(4, 1, -1):
        if group := value // 1000**index % 1000:
            name = _GROUPS[index] if group == 1 else _GROUPS[index] + "er"
            words.append(f"{_below_thousand(group, is_common=True)} {name}")
    if thousands := value // 1000 % 1000:
        words.append(_below_thousand(thousands, is_common=False) + "tusen")
    if rest := value % 1000:
        words.append(_below_thousand(rest, is_common=is_common))
    return " ".join(words).replace("etttusen", "ettusen")


def _below_thousand(value: int, *, is_common: bool) -> str:
    hundreds, rest = divmod(value, 100)
    words = _SMALL[hundreds] + "hundra" if hundreds else ""
    if rest or not hundreds:
        words += _below_hundred(rest, is_common=is_common)
    return words


def _below_hundred(value: int, *, is_common: bool) -> str:
    if value < 20:
        return "en" if value == 1 and is_common else _SMALL[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (_below_hundred(ones, is_common=is_common) if ones else "")


@functools.lru_cache(maxsize=512)
def swedish_ordinal(value: int) -> str:
    """The ordinal of a number below 10**6."""
    rest = value % 100
    if value >= 100 and rest == 0:
        return swedish_number(value) + "de"
    before = swedish_number(value - rest) if value >= 100 else ""
    if rest < 20:
        last = _ORDINALS[rest]
    else:
        tens, ones = divmod(rest, 10)
        last = _TENS[tens] + (_ORDINALS[ones] if ones else "nde")
    return f"{before} {last}" if before.endswith("tusen") else before + last


@functools.lru_cache(maxsize=512)
def swedish_year(value: int) -> str:
    """A year: 1999 is nittonhundranittionio, 2026 is tjugohundratjugosex, 2000 is tvåtusen."""
    hundreds, rest = divmod(value, 100)
    if not 11 <= hundreds <= 20 or value == 2000:
        return swedish_number(value)
    return _below_hundred(hundreds, is_common=False) + "hundra" + (_below_hundred(rest, is_common=False) if rest else "")


def swedish_digits(digits: str) -> str:
    """Digits one by one."""
    return " ".join(_SMALL[int(digit)] for digit in digits)
