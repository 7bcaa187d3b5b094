"""English texts are written as the words that a reader says."""

from __future__ import annotations

import pytest

from tests.text.english.cases import CASES, is_right
from tts_server.text.edits import EditedText
from tts_server.text.normalize.english import find_edits


def read(text: str) -> str:
    return EditedText(text, find_edits(text)).text


@pytest.mark.parametrize(("kind", "written", "said"), CASES, ids=[f"{kind}: {written}" for kind, written, _ in CASES])
def test_a_written_form_is_read_as_words(kind: str, written: str, said: str | tuple[str, ...]) -> None:
    assert is_right(read(written), said), read(written)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("He left the U.S.", "He left the U S."),
        ("Meet at 5 p.m. We leave then.", "Meet at five P M. We leave then."),
        ("Cats, dogs, etc. sleep.", "Cats, dogs, et cetera sleep."),
        ("Cats, dogs, etc.", "Cats, dogs, et cetera."),
        ("Dr. Smith paid $20, 3 days ago.", "Doctor Smith paid twenty dollars, three days ago."),
        ("It is 5 km. Then stop.", "It is five kilometers. Then stop."),
        ("It rained 5 in. on Monday.", "It rained five inches on Monday."),
        ("Is it 10%? Yes!", "Is it ten percent? Yes!"),
        ("“I am 12,” she said.", "“I am twelve,” she said."),
        ("Wait… what?!", "Wait… what?!"),
        ("Call 555-1234.", "Call five five five, one two three four."),
        ("(See fig. 3.)", "(See figure three.)"),
        ("Prep: 10 min. Cook: 1 hr. Serve.", "Prep: ten minutes. Cook: one hour. Serve."),
        ("Send it by Fri. Thanks!", "Send it by Friday. Thanks!"),
        (r"See D:\data. Then stop.", "See D colon backslash data. Then stop."),
        ("TL;DR: yes.", "T L D R: yes."),
        ("Elm St. She left.", "Elm Street. She left."),
        ("We live on Elm St.", "We live on Elm Street."),
        ("In 2024, 30 of 45 left.", "In twenty twenty-four, thirty of forty-five left."),
    ],
)
def test_punctuation_that_ends_clauses_and_sentences_stays(written: str, said: str) -> None:
    assert read(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "She walked home in the rain, and nobody saw her.",
        "“Well,” he said, “it's a fine day – isn't it?”",
        "It's the dog's dinner; the dogs' dinner (not mine) is cold…",
        "I think so. No. Maybe: we'll see!",
        "Café, naïve, Zoë and Łódź",
        "\ufffc\ufffc\ufffc\ufffc said hello.",
        "",
    ],
)
def test_prose_without_written_forms_has_no_edit(text: str) -> None:
    assert find_edits(text) == []


def test_words_do_not_run_into_what_stands_around() -> None:
    assert read("\ufffc\ufffc5\ufffc\ufffc") == "\ufffc\ufffc five \ufffc\ufffc"
    assert read("5km/h!") == "five kilometers per hour!"
    assert read("red🎉blue") == "red blue"


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("3 cats", "cardinal"),
        ("the 3rd cat", "ordinal"),
        ("in 1905", "year"),
        ("the 1990s", "decade"),
        ("3.14", "decimal"),
        ("PIN 0042", "digits"),
        ("Python 3.10", "version"),
        ("555-123-4567", "phone"),
        ("at 9:05", "time"),
        ("2026-09-03", "date"),
        ("10-12", "range"),
        ("won 3-1", "score"),
        ("½", "fraction"),
        ("5+3=8", "sign"),
        ("$5", "money"),
        ("5 km", "unit"),
        ("Dr. Smith", "abbreviation"),
        ("Chapter IV", "roman"),
        ("the FBI", "initialism"),
        ("STOP now", "capitals"),
        ("salt & pepper", "symbol"),
        ("file(s)", "plural"),
        ("jo@x.com", "email"),
        ("https://x.com/a", "url"),
        ("wow 🎉", "decoration"),
    ],
)
def test_an_edit_names_the_rule_that_made_it(written: str, rule: str) -> None:
    assert rule in [edit.rule for edit in find_edits(written)]
