"""Polish ordinals, and numbers as the first part of compounds. CLDR has no rules for either."""

from __future__ import annotations

import functools

from tts_server.text.normalize.spelling import spell

_STEMS = {
    0: "zerow",
    1: "pierwsz",
    2: "dru",
    3: "trze",
    4: "czwart",
    5: "piąt",
    6: "szóst",
    7: "siódm",
    8: "ósm",
    9: "dziewiąt",
    10: "dziesiąt",
    11: "jedenast",
    12: "dwunast",
    13: "trzynast",
    14: "czternast",
    15: "piętnast",
    16: "szesnast",
    17: "siedemnast",
    18: "osiemnast",
    19: "dziewiętnast",
    20: "dwudziest",
    30: "trzydziest",
    40: "czterdziest",
    50: "pięćdziesiąt",
    60: "sześćdziesiąt",
    70: "siedemdziesiąt",
    80: "osiemdziesiąt",
    90: "dziewięćdziesiąt",
    100: "setn",
    200: "dwusetn",
    300: "trzechsetn",
    400: "czterechsetn",
    500: "pięćsetn",
    600: "sześćsetn",
    700: "siedemsetn",
    800: "osiemsetn",
    900: "dziewięćsetn",
}
_ENDINGS = {
    "m": ("y", "gi", "ci"),
    "gen": ("ego", "giego", "ciego"),
    "dat": ("emu", "giemu", "ciemu"),
    "loc": ("ym", "gim", "cim"),
    "f": ("a", "ga", "cia"),
    "f-gen": ("ej", "giej", "ciej"),
    "f-acc": ("ą", "gą", "cią"),
    "n": ("e", "gie", "cie"),
    "pl-gen": ("ych", "gich", "cich"),
    "pl-ins": ("ymi", "gimi", "cimi"),
}
"""The endings of an ordinal, and those of "drugi" and "trzeci". `loc` is the instrumental too, `f-gen` all but the accusative."""
_JOINED = {
    1: "jedno",
    2: "dwu",
    3: "trzy",
    4: "cztero",
    5: "pięcio",
    6: "sześcio",
    7: "siedmio",
    8: "ośmio",
    9: "dziewięcio",
    10: "dziesięcio",
    11: "jedenasto",
    12: "dwunasto",
    13: "trzynasto",
    14: "czternasto",
    15: "piętnasto",
    16: "szesnasto",
    17: "siedemnasto",
    18: "osiemnasto",
    19: "dziewiętnasto",
    20: "dwudziesto",
    30: "trzydziesto",
    40: "czterdziesto",
    50: "pięćdziesięcio",
    60: "sześćdziesięcio",
    70: "siedemdziesięcio",
    80: "osiemdziesięcio",
    90: "dziewięćdziesięcio",
    100: "stu",
    200: "dwustu",
    300: "trzystu",
    400: "czterystu",
    500: "pięciuset",
    1000: "tysiąc",
}


def polish_number(value: int, ruleset: str = "spellout-cardinal-masculine") -> str:
    """A cardinal by one of CLDR's rulesets; the digits where it has no words."""
    return spell("pl", ruleset, value) or str(value)


@functools.lru_cache(maxsize=2048)
def polish_ordinal(value: int, form: str = "m") -> str:
    """An ordinal below 10**6; `form` is `m`, `f`, `n` or a case such as `gen`, `f-gen`, `pl-gen`."""
    if value and value % 1000 == 0:
        count = value // 1000
        joined = {1: "", 2: "dwu", 3: "trzy"}.get(count) if count < 4 else None
        return (joined if joined is not None else joined_number(count)) + "tysięczn" + _ENDINGS[form][0]
    rest = value % 100
    if value % 1000 and rest == 0:
        parts = [value % 1000]
    elif rest <= 20 or rest % 10 == 0:
        parts = [rest]
    else:
        parts = [rest - rest % 10, rest % 10]
    before = value - sum(parts)
    words = [polish_number(before)] if before else []
    words += [_STEMS[part] + _ENDINGS[form][1 if part == 2 else 2 if part == 3 else 0] for part in parts]
    return " ".join(words)


@functools.lru_cache(maxsize=512)
def joined_number(value: int) -> str:
    """A number as the first part of a compound: 5 is pięcio-, 25 is dwudziestopięcio-."""
    if value in _JOINED:
        return _JOINED[value]
    if value > 999:
        return polish_number(value).replace(" ", "")
    hundreds, rest = value // 100 * 100, value % 100
    parts = [hundreds, rest] if rest <= 20 else [hundreds, rest - rest % 10, rest % 10]
    return "".join(_JOINED.get(part, polish_number(part)) for part in parts if part)
