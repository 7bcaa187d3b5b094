"""English plurals: of what a rule says instead of a word, and back from a plural to the word that a rule names."""

from __future__ import annotations

import re
import unicodedata

_IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet", "tooth": "teeth", "goose": "geese",
    "mouse": "mice", "half": "halves", "knife": "knives", "life": "lives", "wife": "wives", "leaf": "leaves", "shelf": "shelves",
    "self": "selves", "wolf": "wolves", "thief": "thieves", "loaf": "loaves", "calf": "calves", "datum": "data", "medium": "media",
    "index": "indices", "matrix": "matrices", "vertex": "vertices", "axis": "axes", "basis": "bases", "analysis": "analyses",
    "crisis": "crises", "thesis": "theses", "hypothesis": "hypotheses", "hero": "heroes", "potato": "potatoes", "tomato": "tomatoes",
    "echo": "echoes", "veto": "vetoes", "sheep": "sheep", "deer": "deer", "fish": "fish", "series": "series", "species": "species",
    "aircraft": "aircraft", "software": "software", "hardware": "hardware",
}  # fmt: skip
_NOT_PLURALS = frozenset(
    "as is us his has was its this thus does gas bus plus news mrs mars ms yes los las des les dos lens bias always perhaps besides "
    "paris chris james charles thomas wales texas dallas athens lucas jesus status focus bonus campus census venus virus circus basis axis "
    "oasis tennis canvas atlas alas christmas physics mathematics politics economics ethics series species".split()
)
"""Words that are no plural of the word before their s."""

_PREPOSITION = re.compile(r" (?:of|in|at|on|for|per|to|by|with) ")
_DOTTED = re.compile(r"[^\W\d_]\.[^\W\d_]\.\Z")
_LAST_WORD = re.compile(r"[^\W\d_]+(?=[^\w]{0,3}\Z)")
_SIBILANTS = frozenset("szʃʒɕʑʂʐʧʤ")
_VOICELESS = frozenset("ptkfθxχçħqcɸ")


def singulars(word: str) -> list[str]:
    """The words whose plural, by English spelling, `word` may be; none where it is known to be another word."""
    if word[-1:] != "s" or len(word) < 3 or word.lower() in _NOT_PLURALS:
        return []
    found = []
    is_initialism = word[:-1].isupper()
    if is_initialism or not word.endswith("ss"):
        found.append(word[:-1])
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes", "Ses", "Xes", "Zes", "CHes", "SHes")):
        found += [word[:-2]] if len(word) > 4 else []
    if word.endswith("zzes"):
        found.append(word[:-3])
    if word.endswith("ies") and len(word) > 4:
        found.append(f"{word[:-3]}y")
    return found


def plural(phrase: str) -> str:
    """A phrase for several of what it names: `non-player characters`, `points of view`, `cities`."""
    end = len(phrase)
    if (preposition := _PREPOSITION.search(phrase)) is not None:
        end = preposition.start()
    head = _LAST_WORD.search(phrase[:end])
    if head is None or _DOTTED.search(phrase[:end]):
        return phrase[:end] + "s" + phrase[end:]
    if preposition is not None and head[0].endswith("s"):
        return phrase
    return phrase[: head.start()] + _plural_of_word(head[0]) + phrase[head.end() :]


def _plural_of_word(word: str) -> str:
    lower = word.lower()
    if lower in _IRREGULAR:
        return word[:1] + _IRREGULAR[lower][1:]
    if word.isupper():
        return f"{word}s"
    for ending, others in _IRREGULAR.items():
        if (len(ending) > 4 or ending in ("wife", "self")) and lower.endswith(ending):
            return word[: -len(ending)] + others
    if len(lower) > 2 and lower[-1] == "z" and lower[-2] in "aeiou":
        return f"{word}zes"
    if lower.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if len(lower) > 1 and lower.endswith("y") and lower[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def plural_ipa(ipa: str) -> str:
    """The pronunciation of a plural or a possessive: with /ɪz/, /s/ or /z/, by its last sound."""
    last = next((char for char in reversed(ipa) if char.isalpha() and unicodedata.category(char) != "Lm"), "")
    if last in _SIBILANTS:
        return f"{ipa}ɪz"
    return f"{ipa}s" if last in _VOICELESS else f"{ipa}z"
