"""English: written forms as the words that a speaker of American English reads aloud."""

from __future__ import annotations

from collections.abc import Callable

from tts_server.text.edits import Edit
from tts_server.text.normalize.english.abbreviations import find_abbreviations
from tts_server.text.normalize.english.arithmetic import (
    find_arithmetic,
    find_grouped,
    find_operators,
    find_ordinals,
    find_powers,
    find_scientific,
)
from tts_server.text.normalize.english.dates import find_dates
from tts_server.text.normalize.english.draft import Draft
from tts_server.text.normalize.english.initialisms import find_initialisms
from tts_server.text.normalize.english.marks import find_marks
from tts_server.text.normalize.english.measures import find_lone_units, find_measures
from tts_server.text.normalize.english.money import find_money
from tts_server.text.normalize.english.names import find_names
from tts_server.text.normalize.english.phones import find_digits, find_phones
from tts_server.text.normalize.english.remaining import find_remaining
from tts_server.text.normalize.english.roman import find_romans
from tts_server.text.normalize.english.symbols import find_symbols, say_lone_sign
from tts_server.text.normalize.english.times import find_times
from tts_server.text.normalize.english.web import find_addresses
from tts_server.text.normalize.english.years import find_decades, find_years

_PASSES: tuple[Callable[[Draft], None], ...] = (
    find_marks,
    find_addresses,
    find_romans,
    find_money,
    find_scientific,
    find_dates,
    find_phones,
    find_times,
    find_decades,
    find_measures,
    find_grouped,
    find_powers,
    find_names,
    find_digits,
    find_ordinals,
    find_years,
    find_arithmetic,
    find_abbreviations,
    find_initialisms,
    find_lone_units,
    find_operators,
    find_remaining,
    find_symbols,
)
"""What comes first wins: the forms with the clearest signs, then those that depend on what stands around."""

_NEED_DIGITS = frozenset(
    (
        find_scientific,
        find_phones,
        find_times,
        find_decades,
        find_grouped,
        find_names,
        find_digits,
        find_ordinals,
        find_years,
        find_arithmetic,
        find_remaining,
    )
)
_PASSES_WITHOUT_DIGITS = tuple(find for find in _PASSES if find not in _NEED_DIGITS)

_SHORT = 16


def find_edits(text: str) -> list[Edit]:
    """The edits that turn `text` into words, in order and without overlap; what needs no change has no edit.

    U+FFFC stands for something that must stay as it is. Time is linear in the length of the text.
    """
    if len(text) < _SHORT and (said := say_lone_sign(text)):
        return [Edit(text.index(text.strip()), text.index(text.strip()) + len(text.strip()), said, "symbol")]
    draft = Draft(text)
    for find in _PASSES if draft.has_digits else _PASSES_WITHOUT_DIGITS:
        find(draft)
    return draft.finish()
