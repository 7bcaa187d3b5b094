"""Which gender and case a Russian number has, by the words around it."""

from __future__ import annotations

from tts_server.text.normalize.places import Place
from tts_server.text.normalize.russian_words import (
    COLLECTIVE_NOUNS,
    DATIVE,
    FEMALE_NAMES,
    GENITIVE,
    LOCATIVE,
    MALE_IN_A,
    RANKED_FEMININE,
    RANKED_MASCULINE,
    SOFT_FEMININE,
)

_ADJECTIVE = ("ых", "их", "ые", "ие", "ый", "ий", "ой", "ая", "яя", "ое", "ее", "ую", "юю", "ого", "его", "ому", "ему", "ыми", "ими", "ым")
_NO_ADJECTIVE = frozenset(
    "край рай строй герой случай трамвай чай бой слой лицей музей гений сценарий критерий санаторий санатории хорошее мнение".split()
)
_FEMININE_ENDINGS = ("ость", "есть", "жь", "чь", "шь", "щь", "знь")
_CENTURIES = {
    "век": "m",
    "века": "gen",
    "веке": "loc",
    "веком": "ins",
    "веку": "dat",
    "веков": "gen",
    "веках": "loc",
    "веками": "ins",
    "веки": "m",
}


def case_before(place: Place) -> str:
    """The case that the word before asks for, empty where it leaves it open."""
    before = place.word_before.lower()
    if before in GENITIVE or (not before and place.before.rstrip().lower().endswith((" ок.", "(ок."))):
        return "gen"
    return "dat" if before in DATIVE else ""


def _noun(place: Place) -> str:
    """The noun that a number counts: the following word, or the one after its adjectives."""
    if not place.word_after:
        return ""
    words = [word.lower() for word in place.words_after[:3]]
    for index, word in enumerate(words[:-1]):
        if not word.endswith(_ADJECTIVE) or word in _NO_ADJECTIVE or len(word) < 5:
            return word
        if index == 1:
            break
    return words[-1] if words else ""


def number_key(value: int, place: Place) -> str:
    """The gender and case of a number for `Russian.cardinal`, such as `f`, `m-gen` or `f-acc`."""
    noun = _noun(place)
    ends_in_one = value % 10 == 1 and value % 100 != 11
    few = value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14)
    before = place.word_before.lower()
    gender = _gender(noun, ends_in_one=ends_in_one, few=few)
    if noun.endswith(("ами", "ями", "ьми")) and not ends_in_one:
        return f"{gender}-ins"
    if noun.endswith(("ах", "ях")) and before in LOCATIVE and not ends_in_one:
        return f"{gender}-loc"
    if before in DATIVE:
        return f"{gender}-dat"
    if case_before(place) == "gen":
        return "f-gen" if ends_in_one and noun.endswith(("ы", "и")) else "m-gen"
    if ends_in_one:
        if noun.endswith(("у", "ю")) and before not in DATIVE:
            return "f-acc"
        if before in LOCATIVE and noun.endswith("е"):
            return "m-loc"
        if noun.endswith(("ом", "ем", "ём")):
            return "m-ins"
    return gender


def ranked_form(value: int, place: Place) -> str:
    """The form of an ordinal where a number stands for one, "в 21 веке" and "3 этаж"; empty where it counts."""
    noun, before = place.word_after.lower(), place.word_before.lower()
    if not noun:
        return ""
    few = value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14)
    for ending, form in (("", "m"), ("а", "gen"), ("е", "loc"), ("у", "loc" if before in LOCATIVE else "dat"), ("ом", "ins")):
        if noun.removesuffix(ending) in RANKED_MASCULINE and noun.endswith(ending):
            return "" if ending == "а" and few and before not in GENITIVE else form
    if before in LOCATIVE and noun.endswith(("е", "и")) and noun[:-1] in RANKED_FEMININE:
        return "f-gen"
    return ""


def year_form(place: Place) -> str:
    """The form of four digits that are a year by the words around them; empty for others."""
    before, after = place.word_before.lower(), place.word_after.lower()
    if after and after not in ("и", "по", "до", "или", "а"):
        return ""
    return {"в": "loc", "с": "gen", "до": "gen", "после": "gen", "к": "dat", "по": "m"}.get(before, "")


def is_collective(place: Place) -> bool:
    """Whether the noun after a number asks for a collective: "двое детей"."""
    return _noun(place) in COLLECTIVE_NOUNS


def _gender(noun: str, *, ends_in_one: bool, few: bool) -> str:
    if not noun:
        return "m"
    if few:
        # After two, three and four the noun is in the genitive singular: "стола", "окна", but "книги", "комнаты".
        is_neuter = noun.endswith(("мени", "пути")) or noun in ("дни", "люди")
        return "f" if noun.endswith(("ы", "и")) and not is_neuter else "m"
    if ends_in_one:
        if noun in MALE_IN_A:
            return "m"
        if noun.endswith(("а", "я")) and not noun.endswith("мя"):
            return "f"
        if noun.endswith(("о", "е", "ё", "мя")):
            return "n"
        return "f" if noun in SOFT_FEMININE or noun.endswith(_FEMININE_ENDINGS) else "m"
    return "m"


def century_form(word: str, before: str, *, is_range: bool) -> tuple[str, str]:
    """The form of the numeral of a century, by "век" as it is written after it and the word before; and that word in full."""
    if word.endswith("."):
        if before in ("в", "во"):
            return "loc", "веках" if is_range else "веке"
        return "gen", "веков" if is_range else "века"
    return ("dat" if word == "веку" and before in ("к", "ко") else _CENTURIES[word]), word


def monarch_form(name: str) -> str:
    """The form of a numeral after a ruler's name, by the ending of the name."""
    if name in FEMALE_NAMES:
        return "f"
    if name.endswith(("ы", "и")):
        return "f-gen"
    if name.endswith(("ой", "ей")) and name[:-2] + "а" in FEMALE_NAMES:
        return "f-gen"
    if name[:-1] + "а" in FEMALE_NAMES and name.endswith(("у", "е")):
        return "f-acc" if name.endswith("у") else "f-gen"
    if name.endswith(("а", "я")):
        return "gen"
    if name.endswith(("у", "ю")):
        return "dat"
    if name.endswith(("ом", "ем", "ём")):
        return "ins"
    return "loc" if name.endswith("е") else "m"


def nominatives(name: str) -> set[str]:
    """What the nominative of a first name may be."""
    stems = {name, name[:-1], name[:-2]}
    return {stem + ending for stem in stems for ending in ("", "й", "а", "я", "ь")} | ({"павел"} if name.startswith("павл") else set())


def ending_form(value: int, ending: str, place: Place) -> str | None:
    """The form that an ending after a hyphen stands for, with `cardinal-` before the case of a cardinal; None for other words."""
    if ending in ("х", "ух", "ёх", "ех", "ти", "и") and (value in (2, 3, 4) or ending in ("ти", "и")):
        return "cardinal-gen"
    if ending in ("мя", "ю", "тью") and (value in (2, 3, 4) or ending == "тью"):
        return "cardinal-ins"
    if ending in ("м", "ом", "ем", "ым"):
        return "loc" if ending in ("ом", "ем") or place.word_before.lower() in (*LOCATIVE, "по") else "ins"
    if ending == "е" and value % 10 == 0 and (value >= 1000 or 20 <= value <= 90):
        return "pl"
    return {
        "й": "m",
        "ый": "m",
        "ий": "m",
        "ой": "f-gen" if value % 100 not in (2, 6, 7, 8, 40) and value % 10 not in (2, 6, 7, 8) else "m",
        "я": "f",
        "ая": "f",
        "ья": "f",
        "е": "n",
        "ое": "n",
        "ье": "n",
        "ые": "pl",
        "го": "gen",
        "ого": "gen",
        "его": "gen",
        "му": "dat",
        "ому": "dat",
        "ему": "dat",
        "ю": "f-acc",
        "ую": "f-acc",
        "ью": "f-acc",
        "х": "pl-gen",
        "ых": "pl-gen",
        "их": "pl-gen",
        "ми": "pl-ins",
        "ыми": "pl-ins",
        "ей": "f-gen",
    }.get(ending)
