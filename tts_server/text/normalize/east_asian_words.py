"""What the reader of Chinese, Japanese and Korean numbers needs to know of a language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class EastAsianWords:
    """The words of one language.

    `number` gets a number and the text before and after it. `multipliers` are the powers of ten that may follow digits (`万`).
    Templates have `{}` where numbers go.
    """

    number: Callable[[int, str, str], str]
    counter_gap: Callable[[str], str]
    """What is written between a number and the text after it: a space, or nothing."""
    clock: Callable[[int, int, int | None], str]
    """A time from its hour, minute and second."""
    halves: tuple[str, str]
    """The words before a time that stand for a.m. and p.m."""
    digits: Callable[[str], str]
    identifier: Callable[[str], str]
    """Digits of telephone numbers and codes, one by one."""
    year: Callable[[str], str]
    multipliers: Mapping[str, int]
    no_multiplier: str
    """A pattern of what makes a multiplier the beginning of another word."""
    point: str
    percent: str
    permille: str
    fraction: str
    """Template for the denominator, then the numerator."""
    mixed: str
    """Between a whole number and a fraction."""
    date: str
    """Template for the year, month and day in words."""
    month: str
    day: str
    minus: str
    below_zero: str
    """The minus of a temperature."""
    to: str
    ratio: str
    chain: str
    """Between the numbers of an address or item, 1-2-3."""
    address_context: re.Pattern[str]
    """Matches the text before two numbers of an address."""
    group_pause: str
    dot: str
    at: str
    number_sign: str
    """Before the number in `No. 7` and `#7`."""
    signs: Mapping[str, str]
    units: Mapping[str, str]
    reads_codes_by_digit: bool
    """Whether three and more digits after a letter are read one by one."""
    currencies: Mapping[str, str]
    cents: Mapping[str, str]
    """The hundredth of each currency that is named."""
    identifier_context: re.Pattern[str]
    """Matches the text before a number that is read digit by digit."""
    short_phone: re.Pattern[str]
    """Matches whole telephone numbers that no zero begins."""
    digits_before: re.Pattern[str]
    """Matches the text after a number that is read digit by digit, such as a room's."""
    score_context: re.Pattern[str]
    score_follows: re.Pattern[str]
    plus_name: str
    """In telephone numbers, and after the names of products."""
    date_context: re.Pattern[str]
    power: Mapping[str, str]
    gap: str = ""
    """What is written between words."""
