"""Pronunciations in IPA as phonemes of the embedded voice: misaki's symbols, which are IPA but for diphthongs and affricates."""

from __future__ import annotations

import re

from tts_server.text.pronunciation.ipa import Phoneme, phonemes

_SYMBOLS = {
    "eɪ": "A", "aɪ": "I", "oʊ": "O", "aʊ": "W", "ɔɪ": "Y", "ɜr": "ɜɹ", "r": "ɹ", "tʃ": "ʧ", "dʒ": "ʤ",
}  # fmt: skip
_STRESS = ("", "ˈ", "ˌ")
_TAP = re.compile(r"(?<=[^\W_])([ˈˌ'.]?)ɾ")
_TAPPED = "T"  # "water" in American English, and the r of Spanish "pero"
_WEAK = frozenset(("ə", "ɪ", "ʊ"))
_FINAL_H = re.compile(r"h(?![ˈˌ]?[AIOWYaiuæɑɔəɛɜɪʊʌ]|j)")
_UNVOICED, _SIBILANTS = frozenset("ptkfθ"), frozenset("szʃʒʧʤ")


def phonemes_from_ipa(ipa: str) -> str:
    """The phonemes nearest to a pronunciation in IPA, with spaces between its words; empty where it has no sound.

    Sounds that English lacks become the nearest that it has, and symbols that are none are left out. A word without a mark of stress is
    stressed on its first full vowel. Time is linear in the length.
    """
    return " ".join(word for word in map(_word, ipa.strip("/[]").split()) if word)


def with_plural(word: str) -> str:
    """The phonemes of a word with those of the ending -s or -'s."""
    if word[-1:] in _SIBILANTS:
        return f"{word}ᵻz"
    return f"{word}s" if word[-1:] in _UNVOICED else f"{word}z"


def _word(ipa: str) -> str:
    parts: list[list[Phoneme]] = []
    rest = 0
    stress = ""
    for tap in _TAP.finditer(ipa):
        parts.append(phonemes(stress + ipa[rest : tap.start()]))
        stress, rest = tap[1], tap.end()
    parts.append(phonemes(stress + ipa[rest:]))
    sounds = [sound for part in parts for sound in part]
    if not any(sound.stress for sound in sounds):
        _stress(parts)
    word = _TAPPED.join("".join(_STRESS[sound.stress] + _SYMBOLS.get(sound.sound, sound.sound) for sound in part) for part in parts)
    return _FINAL_H.sub("k", word)  # no English syllable ends with h: Bach


def _stress(parts: list[list[Phoneme]]) -> None:
    """Mark the first vowel that is not weak as stressed, or the first of all."""
    vowels = [(part, index) for part in parts for index, sound in enumerate(part) if sound.is_vowel]
    full = [(part, index) for part, index in vowels if part[index].sound not in _WEAK]
    for part, index in (full or vowels)[:1]:
        part[index] = Phoneme(part[index].sound, 1, part[index].is_start)
