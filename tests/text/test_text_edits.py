"""Edits of a text: what it becomes, and which characters of the original each part came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_server.text.edits import Edit, EditedText


def test_edits_replace_their_characters_and_keep_the_rest() -> None:
    edited = EditedText("It costs $5 now.", [Edit(9, 11, "five dollars", "money")])
    assert edited.text == "It costs five dollars now."
    assert edited.source_span(9, 13) == (9, 11)
    assert edited.source_span(22, 25) == (12, 15)
    assert edited.source_span(0, len(edited.text)) == (0, 16)


def test_a_second_round_of_edits_refers_to_the_original() -> None:
    first = EditedText("**$5** each", [Edit(0, 2, "", "markdown"), Edit(4, 6, "", "markdown")])
    second = first.apply([Edit(0, 2, "five dollars", "money")])
    assert second.text == "five dollars each"
    assert second.source_span(13, 17) == (7, 11)
    start, end = second.source_span(0, 12)
    assert "$5" in second.source[start:end]


def test_an_edit_of_an_edited_word_is_joined_with_it() -> None:
    edited = EditedText("a AWS b", [Edit(2, 5, "A W S 3", "alias")]).apply([Edit(8, 9, "three", "cardinal")])
    assert edited.text == "a A W S three b"
    assert edited.edits == (Edit(2, 5, "A W S three", "cardinal"),)


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        EditedText("abcdef", [Edit(0, 3, "x", "a"), Edit(2, 4, "y", "b")])
    with pytest.raises(ValueError, match="overlap"):
        EditedText("abcdef").apply([Edit(0, 3, "x", "a"), Edit(2, 4, "y", "b")])


@st.composite
def rounds(draw: st.DrawFn) -> tuple[str, list[list[tuple[float, float, str]]]]:
    text = draw(st.text("abc ", min_size=1, max_size=30))
    edit = st.tuples(st.floats(0, 1), st.floats(0, 1), st.text("xyz", max_size=4))
    return text, draw(st.lists(st.lists(edit, max_size=5), min_size=1, max_size=4))


@given(rounds())
def test_several_rounds_give_the_text_that_replacing_gives(case: tuple[str, list[list[tuple[float, float, str]]]]) -> None:
    source, given_rounds = case
    edited, text = EditedText(source), source
    for given_edits in given_rounds:
        spans = sorted((sorted((int(a * len(text)), int(b * len(text)))), new) for a, b, new in given_edits)
        edits, position = [], 0
        for (start, end), new in spans:
            if start >= position and (start, end) not in [(edit.start, edit.end) for edit in edits] and (start > position or not edits):
                edits.append(Edit(start, end, new, "rule"))
                position = end
        edited = edited.apply(edits)
        for edit in reversed(edits):
            text = text[: edit.start] + edit.text + text[edit.end :]
        assert edited.text == text
        assert EditedText(source, edited.edits).text == text
    ends = [edited.source_span(0, at)[1] for at in range(len(text) + 1)]
    assert ends == sorted(ends)
    start, end = edited.source_span(0, len(text))
    assert 0 <= start <= end <= len(source)
