"""Amounts: what numbers look like in prices, measures and percentages, and how each form is read."""

from __future__ import annotations

import re

from tts_server.text.normalize.english import numbers

FRACTIONS = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6),
    "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8), "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
"""Single characters, with numerator and denominator."""

VULGAR = "".join(FRACTIONS)

_INDIAN = r"[1-9][0-9]?(?:,[0-9]{2}){1,5},[0-9]{3}(?![0-9]|,[0-9])(?:\.[0-9]{1,2}(?![0-9]))?"
_GROUPED = _INDIAN + r"|[0-9]{1,3}(?:,[0-9]{3}){1,11}(?![0-9])(?:\.[0-9]{1,15}(?![0-9]))?"
_SPACED = r"[0-9]{1,3}(?:(?:[\u00a0\u202f\u2009'’_][0-9]{3}){1,8}|(?: [0-9]{3}){2,8}| 000)(?![0-9])(?:[.,][0-9]{1,2}(?![0-9]))?"
_EUROPEAN = r"[0-9]{1,3}(?:\.[0-9]{3}){1,8},[0-9]{1,2}(?![0-9])|[0-9]{1,3}(?:\.[0-9]{3}){2,8}(?![.,]?[0-9])"
_MIXED = rf"[0-9]{{1,4}} ?[{VULGAR}]|[{VULGAR}]|(?:[0-9]{{1,3}}[ -])?[0-9]{{1,3}}[/⁄][0-9]{{1,3}}(?![0-9/⁄])"
_COMMA_DECIMAL = r"[0-9]{1,12},[0-9]{1,2}(?![0-9]|,[0-9])"
_INTEGER = rf"[0-9]{{1,30}}(?![0-9.,'’_/⁄\u00a0\u202f\u2009{VULGAR}]| [0-9{VULGAR}]|-[0-9])"  # the most frequent form, tried first
_PLAIN = r"[0-9]{0,30}\.[0-9]{1,30}(?![0-9]|\.[0-9])|[0-9]{1,30}"

MORE_OF_AMOUNT = ".,/⁄'’_-" + VULGAR
"""What can follow the first digits within an amount; after a space, digits and fractions can."""

DIGITS_OR_FRACTION = "0123456789" + VULGAR

AMOUNT = rf"(?:{_INTEGER}|{_GROUPED}|{_SPACED}|{_EUROPEAN}|{_MIXED}|{_PLAIN})(?![0-9])"
"""A number with separators of thousands, a decimal point or a fraction."""

EURO_AMOUNT = rf"(?:{_INTEGER}|{_GROUPED}|{_SPACED}|{_EUROPEAN}|{_MIXED}|{_COMMA_DECIMAL}|{_PLAIN})(?![0-9])"
"""The same, where a comma before one or two digits is a decimal comma. Use it where a unit or a currency follows or precedes."""

METRIC_AMOUNT = (
    rf"(?:{_INTEGER}|{_GROUPED}|[1-9][0-9]{{0,2}} [0-9]{{3}}(?![0-9]| [0-9]{{3}})(?:,[0-9]{{1,2}}(?![0-9]))?|{EURO_AMOUNT})(?![0-9])"
)
"""The same, where a space before three digits separates thousands. Use it where a unit follows."""

_PIECES = re.compile(rf"(?:([0-9]{{1,4}})[ -]?)?(?:([{VULGAR}])|([0-9]{{1,4}})[/⁄]([0-9]{{1,4}}))")
_INDIAN_RE = re.compile(_INDIAN)
_GROUPED_RE = re.compile(_GROUPED)
_SPACED_RE = re.compile(_SPACED + r"|[1-9][0-9]{0,2} [0-9]{3}(?:,[0-9]{1,2})?")
_EUROPEAN_RE = re.compile(_EUROPEAN)
_SEPARATORS = re.compile("[ \u00a0\u202f\u2009'’_]")


def read_parts(amount: str) -> tuple[str, str] | None:
    """The digits before and after the decimal sign of an amount, or None for a fraction."""
    if amount.isdecimal():
        return amount, ""
    if _PIECES.fullmatch(amount):
        return None
    if _GROUPED_RE.fullmatch(amount):
        whole, _, fraction = amount.replace(",", "").partition(".")
    elif _EUROPEAN_RE.fullmatch(amount):
        whole, _, fraction = amount.replace(".", "").partition(",")
    elif _SPACED_RE.fullmatch(amount):
        whole, _, fraction = _SEPARATORS.sub("", amount).replace(",", ".").partition(".")
    else:
        whole, _, fraction = amount.replace(",", ".").partition(".")
    return whole, fraction


def read_amount(amount: str) -> str:
    """An amount in words: "one thousand two hundred", "two and a half", "point five", "one million"."""
    if amount.isdecimal():
        return numbers.integer(amount)
    parts = read_parts(amount)
    if parts is None:
        whole, numerator, denominator = fraction_parts(amount)
        if denominator < 2:
            return f"{numbers.cardinal(numerator)} over {numbers.cardinal(denominator)}"
        return numbers.mixed(whole, numerator, denominator) if whole else numbers.fraction(numerator, denominator)
    whole_digits, fraction = parts
    if fraction:
        return numbers.decimal(whole_digits, fraction)
    if whole_digits != amount and len(whole_digits) <= 36 and len(whole_digits.rstrip("0")) <= numbers.COUNTED_DIGITS:
        return numbers.cardinal(int(whole_digits)) if whole_digits[0] != "0" else numbers.digits(whole_digits)
    return numbers.integer(whole_digits)


def fraction_parts(amount: str) -> tuple[int, int, int]:
    """The whole, the numerator and the denominator of an amount such as "2½" or "1 1/2"."""
    found = _PIECES.fullmatch(amount)
    if found is None:
        raise ValueError(f"not a fraction: {amount!r}")
    numerator, denominator = FRACTIONS[found[2]] if found[2] else (int(found[3]), int(found[4]))
    return int(found[1] or 0), numerator, denominator


def is_indian(amount: str) -> bool:
    """Whether an amount has the groups of two digits that are usual in India: "1,00,000"."""
    return _INDIAN_RE.fullmatch(amount) is not None


def is_one(amount: str) -> bool:
    """Whether a singular follows: 1, and fractions below 1."""
    return amount == "1" or (not amount.isdecimal() and bool(_PIECES.fullmatch(amount)) and fraction_parts(amount)[0] == 0)
