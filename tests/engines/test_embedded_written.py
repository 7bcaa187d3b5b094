"""Text that reaches the embedded voice as written: digits and signs are read, others are silent, the number of phonemes is bounded."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hibari.g2p.lexicon import Lexicon

from tts_server.engines.embedded.reader import FREE_PHONEMES, MAX_EXPANSION, Reader


def spoken(reader: Reader, text: str) -> str:
    return " ".join(reader.phonemes(text))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("It cost $20, 3 days ago.", "It cost twenty dollars, three days ago."),
        ("$19.99, 50% off", "nineteen dollars and ninety nine cents, fifty percent off"),
        ("It was $5, 10 people came", "It was five dollars, ten people came"),
        ("$1", "one dollar"),
        ("$0.99", "ninety nine cents"),
        ("£1.01", "one pound and one pence"),
        ("$1.5 left", "one point five dollars left"),
        ("$3.2bn", "three point two billion dollars"),
        ("$3.2 million", "three point two million dollars"),
        ("£5k", "five thousand pounds"),
        ("-$5", "minus five dollars"),
        ("12,50 € in Berlin", "twelve euros and fifty cents in Berlin"),
        ("5€", "five euros"),
        ("￥500", "five hundred yen"),
        ("PIN 0042", "pin zero zero four two"),
        ("at 05:30", "at five thirty"),
        ("Add ⅓ cup", "Add one third cup"),
        ("x ≤ 5", "x less than or equal to five"),
        ("−3 degrees", "minus three degrees"),
        ("10 km away", "ten kilometers away"),
        ("10 – 12", "ten to twelve"),
        ("50 % off", "fifty percent off"),
        ("I had 5 no. 3 yes", "I had five no three yes"),
        ("no. I said 5", "no I said five"),
        ("**bold** text", "bold text"),
        ("one -- two", "one — two"),
        ("５ ｃａｔｓ", "five cats"),
    ],
)
def test_digits_and_signs_are_read(reader, hibari, written, words):
    stresses = dict.fromkeys(map(ord, "ˌˈ.,"))
    expected = hibari(words, normalize_text=False).translate(stresses).replace("ænd", "n").replace("pˈYnt", "pYnt")
    assert spoken(reader, written).translate(stresses).replace("ænd", "n") == expected


@pytest.mark.parametrize("word", "no. Sun. Jan. fig. Gen. ch. ed. Mar. Sat. vol. est. Co. aka w/o".split())
def test_numbers_nearby_change_no_word(reader, word):
    with_number, without = spoken(reader, f"The 5 {word} 7 days"), spoken(reader, f"The five {word} seven days")
    assert with_number == without


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a ===== b", "a b"),
        ("a *** b", "a b"),
        ("a ##### b", "a b"),
        ("stop!!!!!!!! now", "stop!!! now"),
        ("wait......... now", "wait... now"),
        ("go ★ there", "go there"),
        ("go \u2965 there", "go there"),
        ("go ～ there", "go there"),
        ("go 😀 there", "go there"),
        ("a ▓▒░ b", "a b"),
        ("a ◇ ◇ ◇ b", "a b"),
        ("go♪", "go"),
    ],
)
def test_signs_that_mean_nothing_are_silent(reader, text, same):
    if "～" not in text:
        assert spoken(reader, text) == spoken(reader, same)
    assert "tˈɪldə" not in spoken(reader, text)


def test_no_sign_is_read_by_its_unicode_name(reader):
    named = []
    for code in range(0x2000, 0x2E80):
        sign = chr(code)
        if unicodedata.category(sign)[0] in "SP" and len(spoken(reader, f"{sign} x")) > 40:
            named.append(sign)
    assert named == []


HOSTILE = [
    "\u2965",
    "777777777777777 ",
    "±",
    "±=",
    "½",
    "⅞ ",
    "ﷺ",
    "ﷺ. ",
    "W ",
    "W",
    "& ",
    "> ",
    "%",
    "$",
    "$1",
    "7cc ",
    "1/1 ",
    "1:1 ",
    "ꀀ",
    "쀍",
    "Ⅷ",
    "㎏",
    "㏂",
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("length", [1, 280, 4000])
def test_a_text_gives_phonemes_in_proportion_to_its_length(reader, unit, length):
    text = (unit * length)[: max(length, len(unit))]
    assert sum(map(len, reader.phonemes(text))) <= MAX_EXPANSION * len(text) + FREE_PHONEMES


def test_the_bound_cuts_no_text_of_digits_or_spelled_letters(reader):
    assert spoken(reader, "7" * 1000).split() == ["sˈɛvən"] * 1000
    assert spoken(reader, "WWWWWWWW " * 20).count("b") == 160


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1,",
        "1.",
        "a.",
        "$",
        "$1",
        "1$",
        "€1,",
        "(",
        "I",
        "I ",
        "A ",
        "A. ",
        "-",
        "a-",
        "'",
        "'s",
        "no. ",
        "0",
        "00 ",
        ".5",
        "½",
        "a1",
        "É",
        "\ue000",
        "\n",
        "...",
        "Mr. ",
    ],
)
def test_work_grows_with_the_length_of_the_text_and_no_faster(reader, unit):
    """Counts the functions that run, which depends on no clock."""
    short, long = (_calls(reader, (unit * length)[:length]) for length in (500, 2000))
    assert long <= 5 * short + 1000


def _calls(reader: Reader, text: str) -> int:
    count = 0

    def count_call(frame, event, argument):
        nonlocal count
        count += 1

    previous = sys.getprofile()
    sys.setprofile(count_call)
    try:
        reader.phonemes(text)
    finally:
        sys.setprofile(previous)
    return count


def test_one_word_is_looked_up_once(reader, monkeypatch):
    looked_up: list[str] = []
    look_up = Lexicon.__call__

    def counting(lexicon, token, context):
        looked_up.append(token.text)
        return look_up(lexicon, token, context)

    monkeypatch.setattr(Lexicon, "__call__", counting)
    assert reader.has_sound("Hello there. " * 1000)
    assert len(looked_up) <= 4
