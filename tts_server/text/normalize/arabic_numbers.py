"""Numbers as Arabic words, in the form for counting. CLDR's rules write hundreds and thousands in ways that are not in use."""

from __future__ import annotations

import functools

MAX_DIGITS = 15
"""The longest number that is read as one; longer ones are read digit by digit."""

_SMALL = "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة".split() + [
    f"{ones} عشر" for ones in "أحد اثنا ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة".split()
]
_TENS = "عشرون ثلاثون أربعون خمسون ستون سبعون ثمانون تسعون".split()
_HUNDREDS = "مئة مئتان ثلاثمئة أربعمئة خمسمئة ستمئة سبعمئة ثمانمئة تسعمئة".split()
_GROUPS = (
    ("", "", ""),
    ("ألف", "ألفان", "آلاف"),
    ("مليون", "مليونان", "ملايين"),
    ("مليار", "ملياران", "مليارات"),
    ("تريليون", "تريليونان", "تريليونات"),
)


@functools.lru_cache(maxsize=2048)
def arabic_number(value: int) -> str:
    """A number below 10**15."""
    if value == 0:
        return _SMALL[0]
    parts: list[str] = []
    for power in range(4, 0, -1):
        group = value // 1000**power % 1000
        one, two, few = _GROUPS[power]
        if group in (1, 2):
            parts.append(one if group == 1 else two)
        elif group:
            # Three to ten count a plural, larger numbers a singular.
            parts.append(f"{_below_thousand(group)} {few if 3 <= group % 100 <= 10 else one}")
    if value % 1000:
        parts.append(_below_thousand(value % 1000))
    return " و".join(parts)


def _below_thousand(value: int) -> str:
    parts = [_HUNDREDS[value // 100 - 1]] if value >= 100 else []
    rest = value % 100
    if rest > 20 and rest % 10:
        parts += _SMALL[rest % 10], _TENS[rest // 10 - 2]
    elif rest >= 20:
        parts.append(_TENS[rest // 10 - 2])
    elif rest:
        parts.append(_SMALL[rest])
    return " و".join(parts)
