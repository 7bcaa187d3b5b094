"""Nouns that numbers count, and the units of measurement composed from prefixes, base units and powers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_PREFIXES_OF = {
    "m": "nµmcdk",
    "g": "µmkd",
    "l": "µmcdh",
    "W": "mkMGT",
    "Wh": "kMGT",
    "V": "mk",
    "A": "µm",
    "Ah": "m",
    "Hz": "kMGT",
    "B": "kKMGTP",
    "b": "kKMG",
    "bit": "kKMGT",
    "Pa": "hkM",
    "J": "kM",
    "cal": "k",
    "s": "nµm",
    "Ω": "kM",
    "N": "k",
    "t": "k",
    "bar": "m",
    "F": "nµ",
}
"""The prefixes in use before each base unit: kilotons are, kilobars are not."""

_NEVER_BARE = frozenset({"B", "b", "N", "F"})
"""Base units that are more often something else when they stand without a prefix."""


@dataclass(frozen=True)
class Noun:
    """The forms of a noun after numbers, in the order of the language's `plural_index`, and its gender: `m`, `f`, `n` or empty."""

    forms: tuple[str, ...]
    gender: str = ""


def parse_noun(text: str) -> Noun:
    """`"m euro|euros"` is the masculine noun with these two forms; `"- Euro"` is a noun without gender and with one form."""
    gender, _, forms = text.partition(" ")
    return Noun(tuple(forms.split("|")), "" if gender == "-" else gender)


def parse_nouns(table: str) -> dict[str, Noun]:
    """A table with one noun a line, `symbol[, symbol…]: gender form|form`."""
    nouns: dict[str, Noun] = {}
    for line in filter(None, map(str.strip, table.splitlines())):
        symbols, _, noun = line.partition(": ")
        for symbol in symbols.split(", "):
            nouns[symbol] = parse_noun(noun)
    return nouns


def parse_fractions(table: str) -> dict[int, Noun]:
    """A table of the names of fractions, `denominator: gender singular|plural`."""
    return {int(denominator): noun for denominator, noun in parse_nouns(table).items()}


def compose_units(
    bases: Mapping[str, Noun],
    prefixes: Mapping[str, str],
    square: tuple[str, ...],
    cubic: tuple[str, ...],
    *,
    spellings: Mapping[str, str] | None = None,
    is_capitalized: bool = False,
) -> dict[str, Noun]:
    """Units by symbol: each base alone and with the prefixes in use (`km`), and the metres to the second and third power (`km²`).

    `square` and `cubic` are templates such as `"{} carré"`, one for each form of a noun. `spellings` are parts of composed words and how
    they are written ("kilometro" as "kilómetro"). `is_capitalized` is for German.
    """
    units: dict[str, Noun] = {}
    for symbol, noun in bases.items():
        if symbol not in _NEVER_BARE:
            units[symbol] = noun
        for prefix in _PREFIXES_OF.get(symbol, ""):
            word = prefixes["k" if prefix == "K" else prefix]
            forms = [_capitalized(word + form.lower()) if is_capitalized else word + form for form in noun.forms]
            for plain, spelling in (spellings or {}).items():
                forms = [form.replace(plain, spelling) for form in forms]
            units[prefix + symbol] = Noun(tuple(forms), noun.gender)
    for symbol in [symbol for symbol in ("m", "mm", "cm", "dm", "km") if symbol in units]:
        for powers, templates in ((("²", "2"), square), (("³", "3"), cubic)):
            noun = units[symbol]
            named = zip(noun.forms, _as_long(templates, noun.forms), strict=False)
            powered = Noun(tuple(template.format(form.lower() if is_capitalized else form) for form, template in named), noun.gender)
            units.update((symbol + power, powered) for power in powers)
    units.update({symbol.replace("µ", "μ"): unit for symbol, unit in units.items() if "µ" in symbol})
    units.update({symbol[:-1] + "L": units[symbol] for symbol in ("l", "ml", "cl", "dl") if symbol in units})
    return units


def _as_long(templates: tuple[str, ...], forms: tuple[str, ...]) -> tuple[str, ...]:
    return templates + templates[-1:] * (len(forms) - len(templates))


def _capitalized(word: str) -> str:
    return word[:1].upper() + word[1:]
