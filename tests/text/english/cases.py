"""Texts as users write them, and the words that a reader says: rows of kind, text, and one or several right readings."""

from __future__ import annotations

import re

from tests.text.english.cases_context import ROWS as CONTEXT
from tests.text.english.cases_everyday import ROWS as EVERYDAY
from tests.text.english.cases_mixed import ROWS as MIXED
from tests.text.english.cases_more import ROWS as MORE
from tests.text.english.cases_numbers import ROWS as NUMBERS
from tests.text.english.cases_short import ROWS as SHORT
from tests.text.english.cases_units import ROWS as UNITS
from tests.text.english.cases_words import ROWS as WORDS

CASES: list[tuple[str, str, str | tuple[str, ...]]] = [*NUMBERS, *WORDS, *MORE, *SHORT, *CONTEXT, *EVERYDAY, *MIXED, *UNITS]

_SIGNS = re.compile(r"[^\w\s]")
_LETTERS = re.compile(r"\b(?:\w )+\w\b")


def comparable(text: str) -> str:
    """The words of a text in lower case, without punctuation; "F B I" and "FBI" are the same."""
    words = " ".join(_SIGNS.sub(" ", text.lower().replace("’", "").replace("'", "").replace("-", " ")).split())
    return _LETTERS.sub(lambda letters: letters[0].replace(" ", ""), words)


def is_right(text: str, said: str | tuple[str, ...]) -> bool:
    """Whether `text` has the words of one of the readings."""
    return comparable(text) in map(comparable, (said,) if isinstance(said, str) else said)
