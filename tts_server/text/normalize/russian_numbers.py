"""Numbers as Russian words: cardinals and ordinals of every gender and case."""

from __future__ import annotations

import functools

MAX_DIGITS = 15
"""The longest number that is read as one; longer ones are read digit by digit."""

CASES = ("nom", "gen", "dat", "ins", "loc")
_SMALL = {
    1: "один одного одному одним одном",
    2: "два двух двум двумя двух",
    3: "три трёх трём тремя трёх",
    4: "четыре четырёх четырём четырьмя четырёх",
    8: "восемь восьми восьми восемью восьми",
    40: "сорок сорока сорока сорока сорока",
    80: "восемьдесят восьмидесяти восьмидесяти восемьюдесятью восьмидесяти",
    90: "девяносто девяноста девяноста девяноста девяноста",
    100: "сто ста ста ста ста",
    200: "двести двухсот двумстам двумястами двухстах",
    300: "триста трёхсот трёмстам тремястами трёхстах",
    400: "четыреста четырёхсот четырёмстам четырьмястами четырёхстах",
    800: "восемьсот восьмисот восьмистам восемьюстами восьмистах",
}
_FIVES = {5: "пят", 6: "шест", 7: "сем", 9: "девят", 10: "десят", 20: "двадцат", 30: "тридцат"}
_TEENS = "одиннадцат двенадцат тринадцат четырнадцат пятнадцат шестнадцат семнадцат восемнадцат девятнадцат".split()
_GROUPS = {
    1: ("тысяча тысячи тысяче тысячей тысяче", "тысячи тысяч тысячам тысячами тысячах", "тысяч"),
    2: ("миллион миллиона миллиону миллионом миллионе", "миллиона миллионов миллионам миллионами миллионах", "миллионов"),
    3: ("миллиард миллиарда миллиарду миллиардом миллиарде", "миллиарда миллиардов миллиардам миллиардами миллиардах", "миллиардов"),
    4: ("триллион триллиона триллиону триллионом триллионе", "триллиона триллионов триллионам триллионами триллионах", "триллионов"),
}
_FEMININE = {1: "одна одной одной одной одной", 2: "две двух двум двумя двух"}
_ORDINAL_STEMS = {
    0: "нулев",
    1: "перв",
    2: "втор",
    3: "трет",
    4: "четвёрт",
    5: "пят",
    6: "шест",
    7: "седьм",
    8: "восьм",
    9: "девят",
    10: "десят",
    20: "двадцат",
    30: "тридцат",
    40: "сороков",
    50: "пятидесят",
    60: "шестидесят",
    70: "семидесят",
    80: "восьмидесят",
    90: "девяност",
    100: "сот",
    200: "двухсот",
    300: "трёхсот",
    400: "четырёхсот",
    500: "пятисот",
    600: "шестисот",
    700: "семисот",
    800: "восьмисот",
    900: "девятисот",
    **{11 + index: stem for index, stem in enumerate(_TEENS)},
}
_STRESSED_ENDING = frozenset({0, 2, 6, 7, 8, 40})
ORDINAL_ENDINGS = {
    "m": ("ый", "ий"),
    "f": ("ая", "ья"),
    "n": ("ое", "ье"),
    "pl": ("ые", "ьи"),
    "gen": ("ого", "ьего"),
    "dat": ("ому", "ьему"),
    "ins": ("ым", "ьим"),
    "loc": ("ом", "ьем"),
    "f-gen": ("ой", "ьей"),
    "f-acc": ("ую", "ью"),
    "pl-gen": ("ых", "ьих"),
    "pl-dat": ("ым", "ьим"),
    "pl-ins": ("ыми", "ьими"),
}
"""The endings of an ordinal, and those of "третий"."""


def plural_form(value: int) -> int:
    """Which form of a noun follows a number: 0 after one, 1 after two to four, 2 after others."""
    if value % 100 in (11, 12, 13, 14):
        return 2
    return 0 if value % 10 == 1 else 1 if value % 10 in (2, 3, 4) else 2


@functools.lru_cache(maxsize=4096)
def russian_number(value: int, gender: str = "m", case: str = "nom") -> str:
    """A number below 10**15; the gender (`m`, `f`, `n`) is that of the noun it counts. The case `acc` is the nominative except "одну"."""
    if case == "acc":
        said = russian_number(value, gender)
        return said.removesuffix("одна") + "одну" if said.endswith("одна") else said
    index = CASES.index(case)
    if value == 0:
        return ("ноль", "нуля", "нулю", "нулём", "нуле")[index]
    words: list[str] = []
    for power in range(4, 0, -1):
        group = value // 1000**power % 1000
        if not group:
            continue
        one, few, many = _GROUPS[power]
        form = plural_form(group)
        if group > 1 or (power > 1 and index == 0):
            words += _below_thousand(group, "f" if power == 1 else "m", index)
        # Only the nominative distinguishes two from five.
        words.append(one.split()[index] if form == 0 else many if form == 2 and index == 0 else few.split()[index])
    words += _below_thousand(value % 1000, gender, index)
    return " ".join(words)


def _below_thousand(value: int, gender: str, case: int) -> list[str]:
    parts = [value // 100 * 100, value % 100] if value % 100 < 20 else [value // 100 * 100, value % 100 // 10 * 10, value % 10]
    return [_simple(part, gender, case) for part in parts if part]


def _simple(value: int, gender: str, case: int) -> str:
    if gender == "f" and value in _FEMININE:
        return _FEMININE[value].split()[case]
    if value == 1 and gender == "n" and case == 0:
        return "одно"
    if value in _SMALL:
        return _SMALL[value].split()[case]
    if 11 <= value <= 19 or value in _FIVES:
        stem = _TEENS[value - 11] if 11 <= value <= 19 else _FIVES[value]
        return ("семью" if value == 7 else stem + "ью") if case == 3 else stem + ("ь" if case == 0 else "и")
    stem = _FIVES[value // 10 if value < 100 else value // 100]
    if value < 100:
        return (f"{stem}ьдесят", f"{stem}идесяти", f"{stem}идесяти", f"{stem}ьюдесятью", f"{stem}идесяти")[case]
    return (f"{stem}ьсот", f"{stem}исот", f"{stem}истам", f"{stem}ьюстами", f"{stem}истах")[case]


@functools.lru_cache(maxsize=2048)
def russian_ordinal(value: int, form: str = "m") -> str:
    """An ordinal below 10**9; `form` is a key of `ORDINAL_ENDINGS`."""
    if value and value % 1000 == 0:
        thousands = value // 1000
        power, name = (1000, "миллионн") if thousands % 1000 == 0 else (1, "тысячн")
        count = thousands // power
        return ("" if count == 1 else joined_number(count)) + name + ORDINAL_ENDINGS[form][0]
    last = value % 100 if 0 < value % 100 <= 20 else value % 10 or value % 100 or value % 1000
    before = russian_number(value - last) + " " if value > last else ""
    regular, of_third = ORDINAL_ENDINGS[form]
    if form == "m" and last in _STRESSED_ENDING:
        regular = "ой"
    return before + _ORDINAL_STEMS[last] + (of_third if last == 3 else regular)


@functools.lru_cache(maxsize=512)
def joined_number(value: int) -> str:
    """A number as the first part of a compound: 5 is пяти-, 100 is сто-."""
    if value == 1:
        return "одно"
    parts = {1: "одно", 1000: "тысяче", 100: "сто", 90: "девяносто"}
    if value in parts:
        return parts[value]
    words = russian_number(value, case="gen").split()
    return "".join({"ста": "сто", "девяноста": "девяносто", "тысячи": "тысяче"}.get(word, word) for word in words)


def russian_digits(digits: str) -> str:
    """Digits one by one."""
    return " ".join(russian_number(int(digit)) for digit in digits)
