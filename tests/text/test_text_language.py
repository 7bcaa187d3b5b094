"""The language that a writing system stands for."""

from __future__ import annotations

import pytest

from tts_server.text.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("안녕하세요, 반갑습니다.", "ko"),
        ("こんにちは、世界。", "ja"),
        ("東京タワーは高いです。", "ja"),
        ("カタカナ", "ja"),
        ("你好，世界。", "zh"),
        ("Привет, мир!", "ru"),
        ("Καλημέρα κόσμε", "el"),
        ("שלום עולם", "he"),
        ("مرحبا بالعالم", "ar"),
        ("नमस्ते दुनिया", "hi"),
    ],
)
def test_a_script_names_its_language(text: str, language: str) -> None:
    assert detect_language(text, default="en") == language


@pytest.mark.parametrize("text", ["", "12:30!", "Good morning", "Guten Morgen, schöne Welt", "สวัสดีชาวโลก"])
def test_the_default_stands_where_the_script_says_nothing(text: str) -> None:
    assert detect_language(text, default="de") == "de"
    assert detect_language(text) == "en"


def test_chinese_that_borrows_one_kana_stays_chinese() -> None:
    assert detect_language("鲜の每日，新鲜牛奶送到您家门口，欢迎订购") == "zh"


def test_latin_names_do_not_turn_a_text_into_english() -> None:
    assert detect_language("我在用iPhone看书") == "zh"
    assert detect_language("Я купил новый iPhone в Apple Store") == "ru"


def test_a_foreign_word_does_not_turn_an_english_text_around() -> None:
    assert detect_language("The Russian word for hello is привет, they say.") == "en"
    assert detect_language("She said 你好 to everybody in the room.") == "en"
