"""Respellings of pronunciations: what a reader of English makes of them."""

from __future__ import annotations

import gzip
import json
import random
import unicodedata
from pathlib import Path

import hibari
import pytest
from hibari.g2p import G2P

from tts_server.text.pronunciation.alphabets import to_ipa
from tts_server.text.pronunciation.ipa import phonemes, syllables
from tts_server.text.pronunciation.respelling import respell

NUM_WORDS = 1000
LEXICON = Path(hibari.__file__).parent / "assets" / "lexicon_us_gold.json.gz"
IN_IPA = str.maketrans({"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "ɾ": "t", "T": "t", "ʔ": "t", "ᵊ": "ə", "ᵻ": "ɪ", "ɐ": "ə"})
ALIKE = {"ʌ": "ə"}
"""A schwa is the vowel of "cut" without stress."""


def sounds(written: str) -> list[str]:
    """The sounds of the embedded voice's notation, without stress."""
    plain = written.translate(IN_IPA).translate(dict.fromkeys(map(ord, "ˈˌ. ")))
    found = [sound for one in phonemes(plain) for sound in (("ə", "r") if one.sound == "ɜr" else (one.sound,))]
    return [ALIKE.get(sound, sound) for sound in found]


def num_errors(expected: list[str], heard: list[str]) -> int:
    """The edit distance."""
    row = list(range(len(heard) + 1))
    for index, sound in enumerate(expected, 1):
        before, row = row, [index]
        for column, other in enumerate(heard, 1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (sound != other)))
    return row[-1]


def test_of_the_sounds_of_random_words_97_percent_come_back_when_the_respelling_is_read():
    lexicon = json.loads(gzip.decompress(LEXICON.read_bytes()))
    plain = sorted((word, said) for word, said in lexicon.items() if isinstance(said, str) and len(word) > 2 and word.isalpha())
    reader = G2P()
    total = errors = 0
    for word, said in random.Random(20).sample(plain, NUM_WORDS):
        expected = sounds(said)
        heard = sounds(reader(respell(said.translate(IN_IPA), word.lower())))
        total += len(expected)
        errors += min(num_errors(expected, heard), len(expected))
    assert 1 - errors / total >= 0.97


@pytest.mark.parametrize(
    ("ipa", "word", "expected"),
    [
        ("/ˈnaɪki/", "Nike", "Nigh-kee"),
        ("ˈnaɪki", "nike", "nigh-kee"),
        ("kiˈnwɑː", "quinoa", "kee-nwah"),
        ("dʒɪf", "GIF", "jiff"),
        ("ɡɪf", "gif", "ghiff"),
        ("aɪˈdiː.ə", "idea", "eye-dee-uh"),
        ("t͡ʃæt", "chat", "chatt"),
        ("ˈæpl̩", "apple", "ap-ul"),
        ("ˈæpəl", "apple", "ap-ul"),
        ("ʃəˈveɪ", "Chevet", "Shuh-vay"),
        ("ʒɑ̃", "Jean", "Zhahn"),
        ("hjuːz", "Hughes", "Hyooz"),
        ("ˈvɪdɪəʊ", "video", "vidd-ih-oh"),
        ("ʃaʊˈmiː", "Xiaomi", "Shao-mee"),
        ("bax", "Bach", "Bahk"),
        ("ˈlɪnəks", "Linux", "Lin-ucks"),
        ("nuː ˈjɔːk", "New York", "Noo yawk"),
        ("/nuː . ˈjɔːk/", "NY", "noo yawk"),
        ("", "word", "word"),
        ("...", "word", "word"),
    ],
)
def test_a_pronunciation_is_spelled_by_its_syllables(ipa, word, expected):
    assert respell(ipa, word) == expected


@pytest.mark.parametrize("ipa", ["ˈbʁøːtçən", "ˈxuan", "ʎaˈma", "ɲoki", "tɕaŋ", "ˈɬan", "ǀa", "ʔaʕa", "ãũõ", "pˈtˈkˈ", "str"])
def test_sounds_that_english_lacks_are_spelled_with_letters_alone(ipa):
    spelled = respell(ipa, "word")
    assert spelled.replace("-", "").isalpha() and spelled.isascii()


@pytest.mark.parametrize("size", [4096, 40_000])
@pytest.mark.parametrize("unit", ["ˈ", "a", "str", "ʃtʃ", "\u0303", ".", "aɪ", "ɜr", "l̩"])
def test_long_pronunciations_are_spelled_to_their_end(unit, size):
    assert respell(unit * (size // len(unit)) + "ki", "word").endswith("kee")


def test_syllables_begin_with_what_an_english_word_can_begin_with():
    assert ["".join((*one.onset, one.vowel, *one.coda)) for one in syllables(phonemes("ɪkˈstrim"))] == ["ɪk", "strim"]
    assert ["".join((*one.onset, one.vowel, *one.coda)) for one in syllables(phonemes("ækt.ɪŋ"))] == ["ækt", "ɪŋ"]
    assert [one.stress for one in syllables(phonemes("ˌɪntəˈnæʃənəl"))] == [2, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("alphabet", "written", "ipa"),
    [
        ("cmu-arpabet", "HH AH0 L OW1", "həˈloʊ"),
        ("cmu-arpabet", "M ER1 D ER0", "ˈmɜrdər"),
        ("CMU", "JH IH1 F", "ˈdʒɪf"),
        ("x-sampa", 'tS{"t', "tʃæˈt"),
        ("x-sampa", "A~:", "ɑ\u0303ː"),
        ("ipa", "[ˈnaɪki]", "ˈnaɪki"),
    ],
)
def test_other_alphabets_become_ipa(alphabet, written, ipa):
    assert unicodedata.normalize("NFD", to_ipa(written, alphabet)) == unicodedata.normalize("NFD", ipa)
