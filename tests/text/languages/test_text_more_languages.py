"""Polish, Russian, Swedish, Turkish, Chinese, Japanese and Korean are read as their speakers do, and numbers in nine more languages."""

from __future__ import annotations

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.languages import (
    cases_chinese,
    cases_japanese,
    cases_korean,
    cases_plain,
    cases_polish,
    cases_russian,
    cases_swedish,
    cases_turkish,
)
from tts_server.text.edits import Edit, EditedText

_TABLES = {
    "pl": cases_polish.CASES,
    "ru": cases_russian.CASES,
    "sv": cases_swedish.CASES,
    "tr": cases_turkish.CASES,
    "zh": cases_chinese.CASES,
    "ja": cases_japanese.CASES,
    "ko": cases_korean.CASES,
    **cases_plain.CASES,
}
_MODULES = {
    "pl": "polish",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
    "zh": "chinese",
    "ja": "japanese",
    "ko": "korean",
    **dict.fromkeys(("da", "el", "fi", "no"), "plain_europe"),
    **dict.fromkeys(("ar", "he", "hi", "ms", "sw"), "plain_world"),
}
_LANGUAGES = sorted(_MODULES)
_CASES = [(language, written, said) for language, table in _TABLES.items() for written, said in table]
_HOSTILE = (
    "1 1, 1. a. $ ( I - 1- 1: 1/ ~ 1万 万 ¥1 % +1 (1 0 = 😀 a@ a@b. http:// www. No. 1.1. 12, 123, ½ ² 1½ XX 1' 1e XI. 3. 2026- a- g. т. "
    "1км （ 1² US$ 1~ 1〜 №"
).split(" ")


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that the language's own module finds."""
    module = importlib.import_module(f"tts_server.text.normalize.{_MODULES[language]}")
    edits: list[Edit] = module.find_edits(text, language)
    return edits


def read(text: str, language: str) -> str:
    return EditedText(text, find_edits(text, language)).text


def compared(text: str, language: str) -> str:
    """A text without what readings may differ in: case, commas, spaces where words are not divided by them, the sign of a Chinese zero."""
    text = text.casefold()
    for comma in "\u00ad,，、":
        text = text.replace(comma, "")
    if language == "zh":
        text = text.replace("〇", "零")
    return "".join(text.split()) if language in ("zh", "ja", "ko") else " ".join(text.split())


@pytest.mark.parametrize(("language", "written", "said"), _CASES)
def test_text_is_read_in_words_of_its_language(language: str, written: str, said: str | tuple[str, ...]) -> None:
    readings = (said,) if isinstance(said, str) else said
    assert compared(read(written, language), language) in [compared(reading, language) for reading in readings]


def test_a_chinese_zero_is_a_letter() -> None:
    assert read("2005年10月", "zh") == "二零零五年十月"  # 〇 is no letter to the engine


def test_each_language_has_a_table() -> None:
    assert all(len(_TABLES[language]) >= (8 if language in cases_plain.CASES else 25) for language in _LANGUAGES)


@pytest.mark.parametrize("language", _LANGUAGES)
def test_text_without_numbers_and_signs_is_not_changed(language: str) -> None:
    letters = "".join(filter(str.isalpha, "".join(written for written, _ in _TABLES[language])))
    words = " ".join(letters[start : start + 7].lower() for start in range(0, 210, 7))
    assert find_edits(f"{words}! ({words})? „{words}“…", language) == []


@pytest.mark.parametrize("language", _LANGUAGES)
def test_masked_words_are_left_alone(language: str) -> None:
    mask = "\ufffc" * 5
    assert mask in read(f"{mask} 3 {mask}, 20 % {mask}.", language)


@pytest.mark.parametrize("language", _LANGUAGES)
def test_hostile_texts_are_read_to_their_end(language: str) -> None:
    for piece in _HOSTILE:
        text = (piece * 4_096)[:4_096]
        edits = find_edits(text, language)
        assert EditedText(text, edits).edits == tuple(edits)


@pytest.mark.parametrize("language", ["pl", "ru", "tr", "zh"])
@pytest.mark.parametrize("piece", ["1", "1,", "1.", "1-", "$", "I", "2026-", "a@"])
def test_long_hostile_texts_are_read_to_their_end(language: str, piece: str) -> None:
    text = (piece * 40_000)[:40_000]
    edits = find_edits(text, language)
    assert EditedText(text, edits).edits == tuple(edits)


@pytest.mark.parametrize("language", _LANGUAGES)
@given(text=st.text(alphabet="0123456789.,:;/-–+()%$€¥°~ 年月日時万만시개kmrXVIзлTL'’½²№@", max_size=40))
def test_numbers_and_signs_leave_no_digits(language: str, text: str) -> None:
    assert not any(char in "0123456789" for char in read(text, language))


@pytest.mark.parametrize("language", _LANGUAGES)
@given(text=st.text(max_size=60))
def test_any_text_gives_edits_in_order(language: str, text: str) -> None:
    edits = find_edits(text, language)
    assert all(before.end <= after.start for before, after in zip(edits, edits[1:], strict=False))
    assert all(0 <= edit.start < edit.end <= len(text) for edit in edits)
