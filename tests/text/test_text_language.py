"""The language of a text: by its writing system, and in Latin letters by its words."""

from __future__ import annotations

import pytest

from benchmarks.texts import Writer
from tests.speech.sentences import SENTENCES as SPOKEN
from tests.text.languages.sentences_by_language import SENTENCES
from tts_server.text.language import detect_language

SIBLINGS = {"da": {"da", "no"}, "no": {"da", "no"}}


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


@pytest.mark.parametrize(
    "text", ["", "12:30!", "Good morning", "Guten Morgen", "Olá, bom dia!", "สวัสดีชาวโลก", "https://www.spiegel.de/politik/deutschland"]
)
def test_the_default_stands_where_the_text_says_too_little(text: str) -> None:
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


@pytest.mark.parametrize("default", ["en", "de", "ja"])
def test_short_sentences_are_told_apart(default: str) -> None:
    wrong = [
        (detected, sentence)
        for language, sentences in SENTENCES.items()
        for sentence in sentences
        if (detected := detect_language(sentence, default)) not in SIBLINGS.get(language, {language})
    ]
    assert len(wrong) <= 0.05 * sum(map(len, SENTENCES.values())), wrong
    assert sum(detected != default for detected, _ in wrong) <= 4, wrong


def test_danish_and_norwegian_are_mostly_told_apart() -> None:
    right = [detect_language(sentence) == language for language in ("da", "no") for sentence in SENTENCES[language]]
    assert sum(right) >= 0.85 * len(right)


@pytest.mark.parametrize("language", SENTENCES)
def test_a_paragraph_is_always_recognised(language: str) -> None:
    for start in range(0, len(SENTENCES[language]), 3):
        paragraph = " ".join(SENTENCES[language][start : start + 3])
        assert detect_language(paragraph) in SIBLINGS.get(language, {language}), paragraph


def test_sentences_of_two_languages_never_raise_and_long_texts_are_sampled() -> None:
    german = " ".join(SENTENCES["de"])
    assert detect_language(german * 200 + " ".join(SENTENCES["fr"])) == "de"


@pytest.mark.parametrize("sentence", SPOKEN)
def test_english_stays_english(sentence: str) -> None:
    assert detect_language(sentence) == "en"
    assert detect_language(sentence.upper()) == "en"


def test_english_of_the_benchmarks_stays_english() -> None:
    writer = Writer(seed=7)
    assert {detect_language(writer.sentence()) for _ in range(200)} == {"en"}


@pytest.mark.parametrize(
    "text",
    [
        "Angela Merkel, Emmanuel Macron and Giorgia Meloni met in Rio de Janeiro.",
        "Chief Wiggum, Van der Berg and El Niño visited San José and Los Angeles.",
        "Dr. Müller paid €12.50 for a café au lait and crème brûlée in Zürich.",
        "NASA, ESA and JAXA signed the Artemis Accords on 13 October 2020.",
        "Flight BA2490 departs from Gate B42 at 14:30.",
        "IKEA sells Billy, Kallax, Malm and Poäng.",
        "PLEASE DO NOT PARK IN FRONT OF THE GARAGE.",
        "Mozart wrote Die Zauberflöte and Don Giovanni.",
        "Beethoven, Bach, Brahms, Schubert, Schumann",
        "Lorem Ipsum Inc., 1 Infinite Loop, Cupertino, CA 95014",
        "Python 3.10, PyTorch 2.6, CUDA 12.4, cuDNN 9",
        "Juan Martín del Potro beat Rafael Nadal 6-4, 6-3.",
        "Call me at (555) 123-4567 or e-mail jo@example.com.",
        "const reply = await client.audio.speech.create({ voice: nova });",
        "Paris, Berlin, Madrid, Roma, Lisboa, Amsterdam",
        "Spaghetti alla carbonara and tiramisu, please.",
    ],
)
def test_english_with_names_numbers_and_capitals_stays_english(text: str) -> None:
    assert detect_language(text) == "en"


@pytest.mark.parametrize(
    "text",
    """
    John F. Kennedy listened.|Pizza Margherita costs 12 euros|Roger Federer retires|Alexander Hamilton dies|Buenos Aires, Argentina
    |Anna smiled. Otto nodded.|Quesadilla, burrito, guacamole|Leonardo da Vinci painted it|Schnitzel with potato salad
    |Emma, Olivia, Sophia, Mia|Chapter One: Beginnings|user_name = get_user_by_id(id)|Mercedes-Benz recalls cars|Section 3: Materials
    |Silvio Berlusconi dies at 86|Inter Milan host Juventus|Alfa Romeo Giulia Quadrifoglio|Taliban ban beauty salons
    """.split("|"),
)
def test_short_english_with_names_stays_english(text: str) -> None:
    assert detect_language(text) == detect_language(text.upper()) == "en"


@pytest.mark.parametrize("unit", ["a", "ab ", "ä", "der ", "1", "www.", "a@b ", "I'", "(", "ﷺ"])
def test_hostile_texts_are_answered(unit: str) -> None:
    assert detect_language((unit * 40_000)[:40_000], default="en")
