"""German, French, Spanish, Italian, Portuguese and Dutch are read as their speakers do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.languages import cases_dutch, cases_french, cases_german, cases_italian, cases_portuguese, cases_spanish
from tests.text.languages.sentences_by_language import SENTENCES
from tts_server.text.edits import EditedText
from tts_server.text.normalize.registry import find_edits

TABLES = {
    "de": cases_german.CASES,
    "fr": cases_french.CASES,
    "es": cases_spanish.CASES,
    "it": cases_italian.CASES,
    "pt": cases_portuguese.CASES,
    "nl": cases_dutch.CASES,
}
CASES = [(language, written, said) for language, table in TABLES.items() for written, said in table]
HOSTILE = (
    "1|1,|1.|a.|$|(|((|I|-|€|1 |1-|1/|0 |+|+1|12:30 |1:|XI |Dr. |z. B. |a@|a@b.|www.|http://|1e|1. |1.2.|½|1½|😀|#|=|5 €-|1 000 |1.000.|"
    "3/4 |IV. |A1|1x|~1|\ufffc|1\ufffc|der 3. |3. Oktober |$1|5%-|tel 1 |x.|1°|m²|1-1-|(030) 1|1T|1er |p. 1 |(s)|a(s)"
).split("|")


def read(text: str, language: str) -> str:
    return EditedText(text, find_edits(text, language)).text


def plain(text: str) -> str:
    """Without case, soft hyphens, commas and runs of spaces, which are no part of a reading."""
    return " ".join(text.lower().replace("\u00ad", "").replace(",", "").split())


@pytest.mark.parametrize(("language", "written", "said"), CASES)
def test_written_forms_are_read_aloud(language: str, written: str, said: str | tuple[str, ...]) -> None:
    readings = (said,) if isinstance(said, str) else said
    assert plain(read(written, language)) in map(plain, readings)


@pytest.mark.parametrize("language", TABLES)
def test_what_needs_no_change_gets_no_edit(language: str) -> None:
    text = "Kaffee, tea – «ok»: … (x); \ufffc!"
    assert find_edits(text, language) == []


@pytest.mark.parametrize("language", TABLES)
def test_prose_without_numbers_gets_no_edit(language: str) -> None:
    assert [sentence for sentence in SENTENCES[language] if find_edits(sentence, language)] == []


@pytest.mark.parametrize(
    ("language", "text"),
    [("it", "Vi dico: mi piace. Ma no! Ci sono i ragazzi."), ("fr", "Vers midi, je vis."), ("pt", "Vi o mar. Li tudo.")],
)
def test_words_that_look_like_roman_numerals_stay(language: str, text: str) -> None:
    assert find_edits(text, language) == []


@pytest.mark.parametrize("language", TABLES)
def test_protected_spans_stay(language: str) -> None:
    text = "5 \ufffc\ufffc\ufffc 12, \ufffc7 8\ufffc"
    assert read(text, language).count("\ufffc") == text.count("\ufffc")


@pytest.mark.parametrize("language", TABLES)
def test_a_region_changes_nothing(language: str) -> None:
    assert find_edits("12 km", f"{language}-XX") == find_edits("12 km", language.upper()) == find_edits("12 km", language) != []


def test_english_and_unknown_languages_have_no_edits_here() -> None:
    assert find_edits("12 km", "en") == find_edits("12 km", "xx") == find_edits("12 km", "") == []


@pytest.mark.parametrize("language", TABLES)
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_are_read_without_digits(language: str, unit: str) -> None:
    said = read((unit * 4_096)[:4_096], language)
    assert not any(map(str.isdecimal, said))


@pytest.mark.parametrize("unit", HOSTILE)
def test_long_hostile_texts_are_read_without_digits(unit: str) -> None:
    said = read((unit * 40_000)[:40_000], "de")
    assert not any(map(str.isdecimal, said))


@given(st.text(alphabet="0123456789.,:/-–+€$%°½ eEhxIVº'’()\ufffc&§@\nabCm²³", max_size=40), st.sampled_from(sorted(TABLES)))
def test_any_text_is_read_without_digits(text: str, language: str) -> None:
    assert not any(map(str.isdecimal, read(text, language)))
