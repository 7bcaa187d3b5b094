"""Numbers as Chinese, Japanese and Korean words.

All three count in groups of four digits. They differ in whether a one is said before ten, hundred and thousand, in whether a gap is
said as a zero, and in the words.
"""

from __future__ import annotations

import functools

MAX_DIGITS = 16
"""The longest number that is read as one; longer ones are read digit by digit."""

_CHINESE_DIGITS = "零一二三四五六七八九"
_CHINESE_GROUPS = ("", "万", "亿", "万亿")
_JAPANESE_DIGITS = "〇一二三四五六七八九"
_JAPANESE_GROUPS = ("", "万", "億", "兆")
_KOREAN_DIGITS = "영일이삼사오육칠팔구"
_KOREAN_GROUPS = ("", "만", "억", "조")
_KOREAN_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_KOREAN_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")


@functools.lru_cache(maxsize=2048)
def chinese_number(value: int, *, counts: bool = False) -> str:
    """A number below 10**16 as Chinese words; with `counts`, a two before a measure word is 两, as are 2,000 and 20,000."""
    if value == 0:
        return "零"
    if value == 2 and counts:
        return "两"
    words = ""
    has_gap = False
    for index in range(3, -1, -1):
        group = value // 10 ** (4 * index) % 10_000
        if group == 0:
            has_gap = bool(words)
            continue
        if words and (has_gap or group < 1000):
            words += "零"
        if group == 2 and index:
            words += "两"
        else:
            words += _chinese_group(group, is_first=not words)
        words += _CHINESE_GROUPS[index]
        has_gap = False
    return words


def _chinese_group(group: int, *, is_first: bool) -> str:
    words = ""
    has_gap = False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = group // power % 10
        if digit == 0:
            has_gap = bool(words)
            continue
        if has_gap:
            words += "零"
            has_gap = False
        if power == 10 and digit == 1 and not words and is_first:
            words += unit
        elif digit == 2 and power == 1000 and is_first:
            words += f"两{unit}"
        else:
            words += _CHINESE_DIGITS[digit] + unit
    return words


@functools.lru_cache(maxsize=2048)
def japanese_number(value: int) -> str:
    """A number below 10**16 as Japanese words in Han characters."""
    if value == 0:
        return "零"
    words = ""
    for index in range(3, -1, -1):
        group = value // 10 ** (4 * index) % 10_000
        if group == 0:
            continue
        for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = group // power % 10
            # Ten million is 一千万; elsewhere a thousand is 千.
            says_one = power == 1 or (group == 1000 and index > 0)
            if digit > 1 or (digit == 1 and says_one):
                words += _JAPANESE_DIGITS[digit]
            words += unit if digit else ""
        words += _JAPANESE_GROUPS[index]
    return words


@functools.lru_cache(maxsize=2048)
def korean_number(value: int) -> str:
    """A number below 10**16 as Sino-Korean words, with a space after each group of four digits."""
    if value == 0:
        return "영"
    groups: list[str] = []
    for index in range(3, -1, -1):
        group = value // 10 ** (4 * index) % 10_000
        if group == 0:
            continue
        words = ""
        for power, unit in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
            digit = group // power % 10
            if digit > 1 or (digit == 1 and power == 1):
                words += _KOREAN_DIGITS[digit]
            words += unit if digit else ""
        if group == 1 and index == 1 and not groups:
            words = ""  # Ten thousand is 만, a hundred million is 일억.
        groups.append(words + _KOREAN_GROUPS[index])
    return " ".join(groups)


@functools.lru_cache(maxsize=512)
def korean_count(value: int) -> str:
    """A number as native Korean words that stand before a counter; from 100 on, the hundreds are Sino-Korean."""
    if value % 100 == 0:
        return korean_number(value)
    tens, ones = value // 10 % 10, value % 10
    words = "스무" if (tens, ones) == (2, 0) else _KOREAN_TENS[tens] + _KOREAN_ONES[ones]
    return (korean_number(value - value % 100) if value >= 100 else "") + words


def chinese_digits(digits: str, zero: str = "零") -> str:
    """Digits one by one."""
    return "".join(zero if digit == "0" else _CHINESE_DIGITS[int(digit)] for digit in digits)


def japanese_digits(digits: str) -> str:
    """Digits one by one; zero is ゼロ."""
    return "".join("ゼロ" if digit == "0" else _JAPANESE_DIGITS[int(digit)] for digit in digits)


def korean_digits(digits: str, zero: str = "영") -> str:
    """Digits one by one; in telephone numbers and codes zero is 공."""
    return "".join(zero if digit == "0" else _KOREAN_DIGITS[int(digit)] for digit in digits)
