"""Texts spoken at a normal pace are accepted at the first try, whatever they hold beside plain words."""

from __future__ import annotations

import numpy as np
import pytest

from tts_server.engines.chatterbox.families import TOKEN_RATE
from tts_server.engines.chatterbox.quality import SpeechJudge

LETTERS_PER_SECOND = 12.0
"""A normal pace of spoken-out English words, pauses between words included."""

SPOKEN_OUT = {
    "[laugh]": 1.5,
    "[sigh] No.": 1.8,
    "Oh! [gasp]": 1.6,
    "[clear throat] Yes.": 2.0,
    "[laugh] [cough] [sniff]": 5.0,
    "[chuckle] Well, that is one way to put it.": "well that is one way to put it and some laughing",
    "$1,234,567.89": "one million two hundred thirty four thousand five hundred sixty seven dollars and eighty nine cents",
    "It costs €99.99.": "it costs ninety nine euros and ninety nine cents",
    "£12,500": "twelve thousand five hundred pounds",
    "Call 555-012-3456, ext. 7890.": "call five five five zero one two three four five six extension seven eight nine zero",
    "+49 30 1234567": "plus four nine three zero one two three four five six seven",
    "ISBN 978-3-16-148410-0": "i s b n nine seven eight dash three dash one six dash one four eight four one zero dash zero",
    "12/25/2026 at 18:45": "december twenty fifth two thousand twenty six at eighteen forty five",
    "2026-07-21T18:45:00Z": "two thousand twenty six dash zero seven dash twenty one t eighteen forty five zero zero z",
    "3.14159265358979": "three point one four one five nine two six five three five eight nine seven nine",
    "1,000,000,000": "one billion",
    "1984": "nineteen eighty four",
    "Room 101": "room one hundred and one",
    "50%": "fifty percent",
    "-40 °C": "minus forty degrees celsius",
    "https://www.example.com/a/b?c=1&d=2": (
        "h t t p s colon slash slash w w w dot example dot com slash a slash b question mark c equals one and d equals two"
    ),
    "Write to jane.doe@example.org now": "write to jane dot doe at example dot org now",
    "www.github.com": "w w w dot git hub dot com",
    "H2SO4 + 2 NaOH": "h two s o four plus two n a o h",
    "C6H12O6": "c six h twelve o six",
    "E = mc^2": "e equals m c squared",
    "a^2 + b^2 = c^2": "a squared plus b squared equals c squared",
    "x >= 3 && y < 5": "x greater than or equal to three and and y less than five",
    "AAA BBB CCC": "triple a or a a a b b b c c c",
    "The CPU, the GPU and the TPU.": "the c p u the g p u and the t p u",
    "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG.": "the quick brown fox jumps over the lazy dog",
    "BBC, CNN, NHK, ZDF": "b b c c n n n h k z d f",
    "pst, hmm, brr": "pst hmm brr",
    "5×10⁻³ m/s": "five times ten to the minus three metres per second",
    "v2.10.3-rc1": "version two point ten point three release candidate one",
    "192.168.178.1": "one nine two dot one six eight dot one seven eight dot one",
    "/usr/local/bin/python3": "slash u s r slash local slash bin slash python three",
    "50° 6' 30\" N, 8° 41' 0\" E": "fifty degrees six minutes thirty seconds north eight degrees forty one minutes zero seconds east",
    "IBAN DE89 3704 0044 0532 0130 00": (
        "i ban d e eight nine three seven zero four zero zero four four zero five three two zero one three zero zero zero"
    ),
    "#1 & #2": "number one and number two",
    "1st, 2nd, 3rd, 4th": "first second third fourth",
    "Hi.": 0.5,
    "Oh.": 0.9,
    "No!": 1.4,
    "Yes...": 1.8,
    "Hmm?": 1.2,
    "OK": 0.7,
    "A": 0.4,
    "7": 0.5,
}
"""The text with its length in seconds, or with what is said for it."""

LANGUAGES = {
    "ar": ("مرحبا بكم في مدينتنا", 2.0),
    "da": ("Tog nummer 4711 kører klokken 18.45 fra spor 3.", 5.0),
    "de": ("Der Zug 4711 fährt um 18:45 Uhr von Gleis 3.", 5.0),
    "el": (
        "Καλημέρα, τι κάνεις σήμερα;",
        2.0,
    ),
    "en": ("Train 4711 leaves at 18:45 from platform 3.", 4.5),
    "es": ("El tren 4711 sale a las 18:45 del andén 3.", 5.0),
    "fi": ("Juna 4711 lähtee kello 18.45 raiteelta 3.", 5.5),
    "fr": ("Le train 4711 part à 18 h 45 de la voie 3.", 5.0),
    "he": (
        "שלום לכולם וברוכים הבאים",
        2.0,
    ),
    "hi": ("नमस्ते, आप कैसे हैं?", 1.8),
    "it": ("Il treno 4711 parte alle 18:45 dal binario 3.", 5.0),
    "ja": ("こんにちは、元気ですか。", 2.0),
    "ko": ("안녕하세요, 만나서 반갑습니다.", 2.5),
    "ms": ("Kereta api 4711 bertolak pada 18:45 dari platform 3.", 5.5),
    "nl": ("Trein 4711 vertrekt om 18:45 van spoor 3.", 4.5),
    "no": ("Tog 4711 går klokka 18.45 fra spor 3.", 4.5),
    "pl": ("Pociąg 4711 odjeżdża o 18:45 z peronu 3.", 5.5),
    "pt": ("O comboio 4711 parte às 18:45 da linha 3.", 5.0),
    "ru": (
        "Поезд 4711 отходит в 18:45 с пути 3.",
        5.5,
    ),
    "sv": ("Tåg 4711 avgår klockan 18.45 från spår 3.", 5.0),
    "sw": ("Treni 4711 inaondoka saa 18:45 kutoka jukwaa 3.", 6.0),
    "tr": ("4711 sayılı tren saat 18.45'te 3. perondan kalkıyor.", 6.0),
    "zh": ("4711次列车将于18:45从3号站台发车。", 5.0),
}
"""A text with its length in seconds."""

JUDGE = SpeechJudge()


def seconds_of(spoken: str | float) -> float:
    return spoken if isinstance(spoken, float) else sum(map(str.isalnum, spoken)) / LETTERS_PER_SECOND + 0.3


def tokens(seconds: float) -> list[int]:
    return np.random.default_rng(1).integers(0, 6561, round(seconds * TOKEN_RATE)).tolist()


@pytest.mark.parametrize("pace", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("text", SPOKEN_OUT)
def test_a_text_at_a_normal_pace_has_no_fault(text, pace):
    assert JUDGE.faults_of_tokens(tokens(seconds_of(SPOKEN_OUT[text]) / pace), text, "en") == ()


@pytest.mark.parametrize("pace", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_of_each_language_at_a_normal_pace_has_no_fault(language, pace):
    text, seconds = LANGUAGES[language]
    assert JUDGE.faults_of_tokens(tokens(seconds / pace), text, language) == ()


@pytest.mark.parametrize("text", ["Hello.", "Call me.", "Good evening to you all."])
def test_a_model_that_never_stops_is_found_out_soon(text):
    assert JUDGE.longest_seconds(text) < 8.0
    assert JUDGE.faults_of_tokens(tokens(10.0), text) == ("too long",)


@pytest.mark.parametrize("text", SPOKEN_OUT)
def test_a_normal_length_fits_into_half_of_the_limit_and_so_into_a_second_attempt(text):
    assert JUDGE.usual_seconds(text) <= JUDGE.longest_seconds(text) / 2
