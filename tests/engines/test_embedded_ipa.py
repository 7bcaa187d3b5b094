"""Pronunciations in IPA become phonemes that the embedded voice has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hibari.tts import ASSETS

from tts_server.engines.embedded.ipa import phonemes_from_ipa, with_plural
from tts_server.text.pronunciation.ipa import CONSONANTS, VOWELS

KNOWN = frozenset(json.loads(Path(ASSETS, "vocab.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("ipa", "phonemes"),
    [
        ("həˈloʊ", "həlˈO"),
        ("/dʒɪf/", "ʤˈɪf"),
        ("ˈt͡ʃɜːt͡ʃ", "ʧˈɜɹʧ"),
        ("ˈʤʌʤ", "ʤˈʌʤ"),
        ("ˈwɔːtɚ", "wˈɔtəɹ"),
        ("ˈwɔɾɚ", "wˈɔTəɹ"),
        ("əˈniɾə", "ənˈiTə"),
        ("bɝd", "bˈɜɹd"),
        ("ˈbʌt.n̩", "bˈʌtən"),
        ("ˌɪn.fɚˈmeɪ.ʃən", "ˌɪnfəɹmˈAʃən"),
        ("haʊs", "hˈWs"),
        ("ˈbɔɪlɪŋ", "bˈYlɪŋ"),
        ("ˈaɪlənd", "ˈIlənd"),
        ("nu ˈjɔɹk", "nˈu jˈɔɹk"),
        ("'kɒmɪt", "kˈɑmɪt"),
        ("hɪə", "hˈɪɹ"),
        ("əbaʊt", "əbˈWt"),
        ("ðə", "ðˈə"),
        ("gəʊst", "ɡˈOst"),
    ],
)
def test_english_words(ipa, phonemes):
    assert phonemes_from_ipa(ipa) == phonemes


@pytest.mark.parametrize(
    ("ipa", "phonemes"),
    [
        ("bax", "bˈɑk"),
        ("ˈxulja", "hˈuljɑ"),
        ("ʁuʒ", "ɹˈuʒ"),
        ("ˈyːbɐ", "ˈubʌ"),
        ("bɔ̃ʒuʁ", "bˈɔnʒuɹ"),
        ("ˈɡøːtə", "ɡˈɜɹtə"),
        ("ɪç", "ˈɪʃ"),
        ("lwaʁ", "lwˈɑɹ"),
        ("ɲoki", "njˈOki"),
        ("ˈpit͡sa", "pˈitsɑ"),
        ("ɕi", "ʃˈi"),
        ("ˈqɑtˤɑr", "kˈɑtɑɹ"),
    ],
)
def test_sounds_that_english_lacks_become_the_nearest(ipa, phonemes):
    assert phonemes_from_ipa(ipa) == phonemes


@pytest.mark.parametrize("ipa", ["", "/", "///", "...", "12", "☃", "ˈ", "ˈ ˌ", "ʔ"])
def test_what_is_no_sound_gives_nothing(ipa):
    assert phonemes_from_ipa(ipa) == ""


def test_unknown_symbols_are_left_out():
    assert phonemes_from_ipa("k☃æ9t") == "kˈæt"


@pytest.mark.parametrize("sound", sorted(CONSONANTS | VOWELS) + list("ʔɬʘǃɮʢøœɶɯɤχʀɱɳ"))
def test_every_phoneme_is_one_that_the_voice_has(sound):
    assert set(phonemes_from_ipa(f"a{sound}a")) <= KNOWN


def test_every_word_has_a_stress():
    assert phonemes_from_ipa("kət") == "kˈət"
    assert phonemes_from_ipa("əmɛɹɪkən") == "əmˈɛɹɪkən"


@pytest.mark.parametrize("unit", ["ˈ", "ɾ", "a", "aɾ", "ˈɾ", "h", "t͡ʃ", " a", "\u0303"])
def test_a_long_pronunciation_gives_phonemes_in_proportion(unit):
    assert len(phonemes_from_ipa(unit * 10_000)) <= 3 * len(unit) * 10_000


@pytest.mark.parametrize(
    ("word", "plural"), [("kˈæt", "kˈæts"), ("dˈɔɡ", "dˈɔɡz"), ("bˈʌs", "bˈʌsᵻz"), ("ʧˈɜɹʧ", "ʧˈɜɹʧᵻz"), ("dˈi", "dˈiz")]
)
def test_plurals_end_as_english_has_it(word, plural):
    assert with_plural(word) == plural
