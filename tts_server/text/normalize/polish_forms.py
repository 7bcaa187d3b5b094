"""Which gender and case a Polish number has, by the words around it."""

from __future__ import annotations

from tts_server.text.normalize.places import Place
from tts_server.text.normalize.polish_words import (
    ANIMATE_ACCUSATIVE,
    COLLECTIVE_NOUNS,
    FEMININE,
    FEMININE_ENDINGS,
    GENITIVE,
    LOCATIVE,
    MASCULINE_IN_KI,
    NEUTER_ENDINGS,
    ORDINAL_FEMININE_LOCATIVE,
    VIRILE,
    VIRILE_ENDINGS,
)

_ADJECTIVE = (
    "ych",
    "ich",
    "nych",
    "owe",
    "ne",
    "łe",
    "wy",
    "ny",
    "na",
    "wa",
    "ra",
    "we",
    "re",
    "że",
    "ższe",
    "sze",
    "wych",
    "ymi",
    "imi",
    "nowe",
    "duże",
    "małe",
)
_CENTURIES = {"wiek": "m", "wieku": "gen", "wiekiem": "loc", "wiekowi": "dat", "wieki": "m", "wieków": "gen", "wiekach": "loc"}


def is_genitive(place: Place) -> bool:
    """Whether the word before asks for the genitive."""
    before = place.word_before.lower()
    return before in GENITIVE or (not before and place.before.rstrip().endswith((" ok.", "Ok.")))


def _noun(place: Place) -> str:
    if not place.word_after:
        return ""
    words = [word.lower() for word in place.words_after[:3]]
    if len(words) > 1 and words[0].endswith(_ADJECTIVE) and words[0] not in FEMININE and len(words[1]) > 2:
        return words[1]
    return words[0] if words else ""


def number_key(value: int, place: Place) -> str:
    """The gender and case of a number for `Polish.cardinal`: `m`, `f`, `n`, `vir`, `gen`, `loc`, `dat`, `ins`."""
    noun = _noun(place)
    before = place.word_before.lower()
    if value == 1:
        return _key_of_one(noun, before)
    if noun.endswith(("ami", "ymi", "dźmi", "ćmi", "śćmi", "laty")):
        return "f-ins" if value % 10 == 2 else "ins"
    if noun.endswith("ach") and before in LOCATIVE:
        return "loc"
    if noun.endswith("om") and before in ("ku", "dzięki", "przeciwko", "wbrew"):
        return "dat"
    if is_genitive(place):
        return "gen"
    few = value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14)
    if noun in VIRILE or (noun.endswith(VIRILE_ENDINGS) and value % 1000 and not noun.endswith(("numerów", "komputerów", "rowerów"))):
        return "vir" if value % 1000 else "m"
    if few and noun.endswith("ów"):
        return "vir"
    return "f" if value % 10 == 2 and few and _is_feminine(noun) else "m"


def _key_of_one(noun: str, before: str) -> str:
    if before in GENITIVE:
        return "f-gen" if noun.endswith(("y", "i")) else "gen"
    if noun in ANIMATE_ACCUSATIVE:
        return "gen"
    if noun.endswith("ą"):
        return "f-ins"
    if noun.endswith("em"):
        return "ins"
    if noun.endswith(("dzień", "tydzień", "mężczyzna", "kolega", "poeta", "kierowca")):
        return "m"
    if noun.endswith("ę") and not noun.endswith("mię"):
        return "f-acc"
    if noun.endswith(("a", "ść", "noc", "rzecz", "pani")):
        return "f"
    return "n" if noun.endswith(NEUTER_ENDINGS) else "m"


def _is_feminine(noun: str) -> bool:
    """Whether a noun in the nominative plural is feminine, by its ending."""
    if noun in FEMININE:
        return True
    if noun in MASCULINE_IN_KI:
        return False
    if noun.endswith(FEMININE_ENDINGS):
        return True
    # "książki", "bułki" are feminine, "ptaki", "znaki" and "wilki" are not.
    return noun.endswith("ki") and len(noun) > 3 and noun[-3] not in "aeiouyóął"


def is_collective(place: Place) -> bool:
    """Whether the noun after a number asks for a collective: "dwoje dzieci"."""
    noun = _noun(place)
    return noun in COLLECTIVE_NOUNS or noun.endswith(("cząt", "rząt", "ląt", "dląt"))


def year_form(place: Place) -> str:
    """The form of four digits that are a year by the words around them; empty for others."""
    words = [word.lower() for word in place.words_before[-2:]]
    before = place.word_before.lower()
    if before == "rok":
        return "m"
    if before == "roku":
        return "loc" if words[0] in LOCATIVE else "gen"
    if place.word_after and place.word_after not in ("i", "oraz", "a", "lub", "do"):
        return ""
    return "loc" if before in ("w", "we") else "gen" if before in ("od", "do", "z") else ""


def century_form(word: str, before: str) -> tuple[str, str]:
    """The form of the numeral of a century, by "wiek" as it is written after it and the word before; and that word in full."""
    if word == "w.":
        word = "wieku"
    if word == "wieku" and before in LOCATIVE:
        return "loc", word
    return _CENTURIES[word], word


def ordinal_form(place: Place) -> str:
    """The form of an ordinal by the noun after it."""
    noun = place.word_after.lower()
    before = place.word_before.lower()
    adjective = {"ego": "gen", "ej": "f-gen", "ych": "pl-gen", "ymi": "pl-ins", "ym": "loc", "ą": "f-acc", "ę": "f-acc"}
    for ending, form in adjective.items():
        if noun.endswith(ending) and not noun.endswith("mię"):
            return form
    if before in LOCATIVE and noun.endswith(("e", "u", "i", "y")):
        if before in ("na", "po", "o", "w") and noun in ("miejsce", "piętro", "rok", "etap"):
            return "n" if noun in ("miejsce", "piętro") else "m"
        return "f-gen" if noun in ORDINAL_FEMININE_LOCATIVE or noun.endswith(("cji", "sji", "zji", "ości")) else "loc"
    if noun.endswith(("em", "iem")):
        return "loc"
    if before in GENITIVE or before == "z":
        return "f-gen" if noun.endswith(("y", "i")) else "gen"
    if noun.endswith(("y", "i")):
        return "f-gen"
    if noun.endswith("u"):
        return "gen"
    return "f" if noun.endswith(("a", "ść")) else "n" if noun.endswith(("e", "o", "ie")) else "m"
