"""Full stops that belong to an abbreviation and may end the sentence as well, and spans of a text that are read by rules of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from tts_server.text.edits import Edit
from tts_server.text.normalize.places import Place

_ENDS_SENTENCE = re.compile(r"[»”\"')]?(?:\s*\Z|[ \u00a0]?\n|[ \u00a0]+[«„“\"'(]?[^\W\d_])")
_WORD = re.compile(r"[^\W\d_]{1,40}")
_QUANTITIES = frozenset({"money", "unit", "range", "cardinal", "year", "date", "time"})


def with_kept_stops(text: str, edits: Iterable[Edit], starts: frozenset[str] | None = None) -> list[Edit]:
    """The edits of quantities, with a full stop where one ended the abbreviation of a unit or currency and the sentence.

    `starts` are the words with capitals that begin sentences, None where every capital does.
    """
    return [
        replace(edit, text=edit.text + ".")
        if edit.rule in _QUANTITIES and text[edit.end - 1] == "." and edit.text[-1:] != "." and ends_sentence(text, edit.end, starts)
        else edit
        for edit in edits
    ]


def absorb_words(text: str, edits: Iterable[Edit], pattern: re.Pattern[str], word: str) -> list[Edit]:
    """The edits of dates, with what follows them where it matches the pattern: "r." becomes `word`."""
    joined: list[Edit] = []
    for edit in edits:
        if edit.rule == "date" and (found := pattern.match(text, edit.end)):
            edit = replace(edit, end=found.end(), text=f"{edit.text} {word}")
        joined.append(edit)
    return joined


def ends_sentence(text: str, end: int, starts: frozenset[str] | None = None) -> bool:
    """Whether a full stop before `end` can end a sentence: nothing follows, or a word with a capital, if given one of `starts`."""
    found = _ENDS_SENTENCE.match(text, end)
    if not found or found[0][-1:].islower():
        return False
    return starts is None or not found[0][-1:].isalpha() or _WORD.match(text, found.end() - 1)[0].lower() in starts  # type: ignore[index]


def is_last(place: Place) -> bool:
    """Whether nothing but spaces and closing signs follows on the line."""
    return not place.after.strip(" \u00a0»”\"')")


def merge_edits(text: str, first: list[Edit], find_others: Callable[[str], list[Edit]]) -> list[Edit]:
    """Edits that go first and those found in the rest of the text, in order; what the first ones cover is hidden from the others."""
    if not first:
        return find_others(text)
    pieces: list[str] = []
    position = 0
    for edit in first:
        pieces += text[position : edit.start], "\ufffc" * (edit.end - edit.start)
        position = edit.end
    pieces.append(text[position:])
    return sorted([*first, *find_others("".join(pieces))], key=lambda edit: edit.start)
