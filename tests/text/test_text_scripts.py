"""A text says which scripts it needs, and a voice which it can speak; a foreign word or two are no obstacle."""

from __future__ import annotations

import pytest

from tts_server.text.scripts import scripts_in, unspeakable

ENGLISH = frozenset({"Latin"})


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello", "Latin"), ("Ünïcödé ŝŭß", "Latin"), ("ｆｕｌｌ", "Latin"), ("𝐛𝐨𝐥𝐝", "Latin"), ("你好々", "Han"), ("ひらがな", "Hiragana"),
        ("カタカナー", "Katakana"), ("ｶﾀｶﾅ", "Katakana"), ("안녕하세요", "Hangul"), ("Привет", "Cyrillic"), ("Καλημέρα", "Greek"),
        ("مرحبا", "Arabic"), ("שלום", "Hebrew"), ("नमस्ते", "Devanagari"), ("สวัสดี", "Thai"), ("বাংলা", "Bengali"), ("தமிழ்", "Tamil"),
        ("Հայերեն", "Armenian"), ("ქართული", "Georgian"), ("አማርኛ", "Ethiopic"), ("ខ្មែរ", "Khmer"), ("မြန်မာ", "Myanmar"), ("བོད", "Tibetan"),
        ("ລາວ", "Lao"),
    ],
)  # fmt: skip
def test_each_script_is_known_by_its_unicode_name(text: str, script: str) -> None:
    assert scripts_in(text) == {script: 1.0}


def test_shares_are_of_letters_alone_and_the_largest_comes_first() -> None:
    assert list(scripts_in("abc 你 123 😀 !").items()) == [("Latin", 0.75), ("Han", 0.25)]


def test_a_text_without_letters_uses_no_script() -> None:
    assert scripts_in("12 % 😀 ...") == {}
    assert unspeakable("12 % 😀 ...", ENGLISH) is None


@pytest.mark.parametrize(
    "text",
    [
        "Hello there, how are you?",
        "naïve café, x² + ñ",
        "The letter γ is Greek.",
        "She said 你好 to me.",
        "Say 你好世界.",
        "He shouted “今天天气很好！” and left the room at once.",
        "Привет! That is how they say hello.",
        "Tokyo (東京) is the capital of Japan (日本).",
    ],
)
def test_a_foreign_word_or_two_can_be_read_in_an_english_text(text: str) -> None:
    assert unspeakable(text, ENGLISH) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("你好", "Han"),
        ("Привет", "Cyrillic"),
        ("สวัสดี", "Thai"),
        ("これはペンです。", "Hiragana"),
        ("This is a long paragraph in English, with many words. 今天天气很好。", "Han"),
        ("Hello there.\n你好世界", "Han"),
        ("This is text. Как у вас дела? It goes on in English for quite a while after that.", "Cyrillic"),
        ("Then he said 我今天去了北京大学看我的老朋友.", "Han"),
        ("I met an old friend at the station in town yesterday. Then he said 我今天去了北京大学看我的老朋友.", "Han"),
        ("Да. Нет. Да. Нет. Yes.", "Cyrillic"),
        ("a " * 3000 + ". كيف حالك اليوم؟", "Arabic"),
    ],
)
def test_a_foreign_sentence_is_refused_wherever_it_stands(text: str, script: str) -> None:
    assert unspeakable(text, ENGLISH) == script


def test_a_voice_that_lists_no_script_speaks_any() -> None:
    assert unspeakable("你好世界", frozenset()) is None


def test_a_voice_is_not_refused_a_script_that_it_lists() -> None:
    assert unspeakable("你好世界。Hello there.", frozenset({"Han", "Latin"})) is None
    assert unspeakable("Hello there, my friend.", frozenset({"Han"})) == "Latin"
