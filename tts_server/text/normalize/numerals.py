"""Numbers as they are written: digits with separators and decimals, vulgar fractions, Roman numerals."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

FRACTIONS = {
    "½": (1, 2),
    "⅓": (1, 3),
    "⅔": (2, 3),
    "¼": (1, 4),
    "¾": (3, 4),
    "⅕": (1, 5),
    "⅖": (2, 5),
    "⅗": (3, 5),
    "⅘": (4, 5),
    "⅙": (1, 6),
    "⅚": (5, 6),
    "⅐": (1, 7),
    "⅛": (1, 8),
    "⅜": (3, 8),
    "⅝": (5, 8),
    "⅞": (7, 8),
    "⅑": (1, 9),
    "⅒": (1, 10),
}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

_SPACES = "  \u202f\u2009"
_PLAIN = re.compile(r"\d+(?!['’.,\s]?\d)")
_ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


@dataclass(frozen=True)
class Number:
    """A number without its sign, written from `start` to `end` of the text.

    `digits` are those before the decimal mark, without separators; `decimals` those after it, `mark` the mark itself (both may be empty).
    """

    start: int
    end: int
    digits: str
    decimals: str = ""
    mark: str = ""
    is_grouped: bool = False

    @property
    def value(self) -> int:
        """The part before the decimal mark; only meaningful for up to a few dozen digits."""
        return int(self.digits)

    @property
    def has_leading_zero(self) -> bool:
        """Whether it is an identifier such as 007 rather than a quantity."""
        return len(self.digits) > 1 and self.digits[0] == "0" and not self.decimals


@functools.cache
def _patterns(decimal_mark: str) -> tuple[re.Pattern[str], ...]:
    group = "." if decimal_mark == "," else ","
    many = re.escape(decimal_mark)
    own = (
        rf"(?P<whole>[1-9]\d{{0,2}}(?P<sep>[{re.escape(group)}'’{_SPACES}])\d{{3}}(?:(?P=sep)\d{{3}})*)(?![\d{re.escape(group)}'’]\d)"
        rf"(?!(?P=sep)\d)(?:(?P<mark>{many})(?P<decimals>\d+)(?![.,]?\d))?"
    )
    # Separators of the other kind: only where there are two of them, or both kinds, can they be distinguished from a decimal mark.
    other = rf"(?P<whole>[1-9]\d{{0,2}}(?:{many}\d{{3}})+)(?P<mark>{re.escape(group)})(?P<decimals>\d+)(?![.,]?\d)"
    other_many = rf"(?P<whole>[1-9]\d{{0,2}}{many}\d{{3}}(?:{many}\d{{3}})+)(?![.,]?\d)(?P<mark>(?!))?(?P<decimals>(?!))?"
    swiss = r"(?P<whole>[1-9]\d{0,2}(?:['’]\d{3})+)(?:(?P<mark>[.,])(?P<decimals>\d+))?(?![.,'’]?\d)"
    plain = r"(?P<whole>\d+)(?:(?P<mark>[.,])(?P<decimals>\d+)(?![.,]?\d))?"
    return tuple(map(re.compile, (own, other, other_many, swiss, plain)))


def parse_number(text: str, start: int, decimal_mark: str = ",") -> Number | None:
    """The number whose digits begin at `start`, in a language with this decimal mark (`,` or `.`). Both kinds of separators are known."""
    if plain := _PLAIN.match(text, start):
        return Number(start, plain.end(), plain[0])
    for pattern in _patterns(decimal_mark):
        if found := pattern.match(text, start):
            whole = "".join(filter(str.isdecimal, found["whole"]))
            return Number(start, found.end(), whole, found["decimals"] or "", found["mark"] or "", len(whole) < len(found["whole"]))
    return None


def roman_value(text: str) -> int | None:
    """The value of a Roman numeral in capitals, 1 to 3999, or None where it is none."""
    if not text or not _ROMAN.fullmatch(text):
        return None
    values = [_ROMAN_DIGITS[letter] for letter in text]
    return sum(-value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True))
