"""What cannot be seen is taken out of a text; every word stays, and stays apart from its neighbours."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_server.text.clean import clean, find_clean_edits, has_speech, is_only_punctuation
from tts_server.text.edits import EditedText

ODD_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(" \t\n\r\u0085\u2028\u2029\u00a0\u3000\u200b\u200c\u200d\u202e\ufeff\x00\x1b\u0301\ufe0f\ud83d\ude00"),
        st.sampled_from("abcé你好नम👨👩."),
    )
)


@pytest.mark.parametrize(
    ("dirty", "tidy"),
    [
        ("\ufeffHello", "Hello"),
        ("Hel\u200blo wor\u00adld", "Hello world"),
        ("\u202eevil\u202c text", "evil text"),
        ("one\x00two\x07three", "one two three"),
        ("one\ufffdtwo", "one two"),
        ("a\u00a0b\u3000c\td  e", "a b c d e"),
        ("one\r\ntwo\rthree\u2028four\x0bfive\x0csix", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("one\r\n\r\n \r\n\r\ntwo\u2029three", "one\n\ntwo\n\nthree"),
        ("  line one  \n  line two  ", "line one\nline two"),
        ("cafe\u0301", "café"),
        ("lone \ud83d surrogate \ude00 here", "lone surrogate here"),
        ("a pair \ud83d\ude00 is one character", "a pair 😀 is one character"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("la\u200dtin\u200c", "latin"),
        ("", ""),
        (" \n\t\u200b ", ""),
    ],
)
def test_a_text_is_tidied(dirty: str, tidy: str) -> None:
    assert clean(dirty) == tidy


@settings(deadline=None, max_examples=300)
@given(ODD_TEXT)
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@settings(deadline=None, max_examples=300)
@given(ODD_TEXT)
def test_every_letter_and_digit_stays_in_its_order(text: str) -> None:
    def spoken(value: str) -> str:
        value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        removed = "".join(
            c for c in value if unicodedata.category(c) not in ("Cf", "Co", "Cc", "Cn", "Cs") and c not in "\u3164\uffa0\u034f"
        )
        return "".join(c for c in unicodedata.normalize("NFC", removed) if c.isalnum())

    assert spoken(clean(text)) == spoken(text)


@settings(deadline=None, max_examples=200)
@given(ODD_TEXT)
def test_the_result_holds_no_control_character_and_no_stray_space(text: str) -> None:
    tidy = clean(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in tidy)
    assert "  " not in tidy and " \n" not in tidy and "\n " not in tidy and "\n\n\n" not in tidy
    assert tidy == tidy.strip()


@settings(deadline=None)
@given(
    st.lists(st.text("abcxyz", min_size=1), min_size=2),
    st.sampled_from(["\x00", "\t", "\r\n", "\u3000", "\u2029", "\x1f", "\ufffc", "\u00a0"]),
)
def test_words_parted_by_anything_that_shows_as_a_gap_stay_apart(words: list[str], gap: str) -> None:
    assert clean(gap.join(words)).split() == words


def test_a_letter_with_thousands_of_accents_keeps_thirty_of_them() -> None:
    tidy = clean("a" + "\u0315\u0300" * 50_000 + "b")
    assert tidy.endswith("b") and len(tidy) <= 32


@pytest.mark.parametrize("text", ["a", "7", "你", "नमस्ते", "50 %", "&", "$", "€", "٣", "½", "1️⃣", "C.", "+", "[pause:abc]", "😀 ok"])
def test_letters_digits_and_signs_with_a_name_can_be_spoken(text: str) -> None:
    assert has_speech(text)


@pytest.mark.parametrize(
    "text", ["", " ", ".", "?!…", "—", "😀", "👨‍👩‍👧", "🇩🇪", "👍🏽", "ℹ️", "***", "[pause:1s]", "[pause:1s] . 😀", "。！", "“”", "\u0301"]
)
def test_marks_emoji_and_pauses_alone_cannot(text: str) -> None:
    assert not has_speech(text)


@pytest.mark.parametrize(
    ("text", "only"),
    [
        (".", True),
        ("...", True),
        (" ?! ", True),
        ("。", True),
        ("--- ***", True),
        ("~", True),
        ("", False),
        (" ", False),
        ("a.", False),
        ("😀", False),
        ("5.", False),
    ],
)
def test_a_text_of_marks_alone_is_told_apart_from_emoji_and_from_nothing(text: str, only: bool) -> None:
    assert is_only_punctuation(text) is only


@given(ODD_TEXT)
@settings(max_examples=500)
def test_the_edits_give_the_clean_text(text: str) -> None:
    assert EditedText(text, find_clean_edits(text)).text == clean(text)


def test_each_cleaned_word_keeps_its_place() -> None:
    text = "\ufeffOne\r\n \r\n\r\nT\u00adwo  cafe\u0301 \u200b four"
    edited = EditedText(text, find_clean_edits(text))
    assert edited.text == "One\n\nTwo café four"
    for word in edited.text.split():
        start, end = edited.source_span(edited.text.index(word), edited.text.index(word) + len(word))
        assert clean(text[start:end]) == word
