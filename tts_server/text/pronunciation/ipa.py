"""A pronunciation in the International Phonetic Alphabet as English phonemes and syllables.

Sounds that English lacks become the nearest that it has. Phonemes are named by IPA symbols, diphthongs by two: `CONSONANTS`, `VOWELS`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

CONSONANTS = frozenset(("p b t d k ɡ tʃ dʒ f v θ ð s z ʃ ʒ h m n ŋ l r w j").split())
VOWELS = frozenset("i ɪ eɪ ɛ æ ɑ ɔ oʊ ʊ u ʌ ə ɜr aɪ aʊ ɔɪ".split())

_STRESS = {"ˈ": 1, "'": 1, "´": 1, "ˌ": 2, ",": 2}  # the marks that people type for U+02C8 and U+02CC
_BREAKS = frozenset(". |‖-·‿ \t")

_SOUNDS: dict[str, tuple[str, ...]] = {
    **{sound: (sound,) for sound in CONSONANTS | VOWELS},
    # Diphthongs and vowels before r, in the ways that dictionaries write them.
    **dict.fromkeys(("aj", "ai", "ɑɪ", "ʌɪ", "äɪ", "ay"), ("aɪ",)),
    **dict.fromkeys(("aw", "au", "ɑʊ", "æʊ", "äʊ"), ("aʊ",)),
    **dict.fromkeys(("oj", "oi", "ɔj", "ɔi", "oɪ", "ɔy"), ("ɔɪ",)),
    **dict.fromkeys(("ej", "ei", "ɛɪ", "e", "eː"), ("eɪ",)),
    **dict.fromkeys(("ow", "ou", "əʊ", "ɔʊ", "o", "oː", "əu"), ("oʊ",)),
    **dict.fromkeys(("ɝ", "ɜɹ", "ɜ", "ɜː", "ɜːɹ", "ɜːr", "əː", "ɵː", "ʌɹ", "ʌr"), ("ɜr",)),
    **dict.fromkeys(("ɚ",), ("ə", "r")),
    **dict.fromkeys(("ɪə", "ɪəɹ", "ɪər"), ("ɪ", "r")),
    **dict.fromkeys(("eə", "ɛə", "eəɹ", "eər", "ɛəɹ", "ɛər", "ɛː"), ("ɛ", "r")),
    **dict.fromkeys(("ʊə", "ʊəɹ", "ʊər"), ("ʊ", "r")),
    # Vowels of other languages.
    **dict.fromkeys(("a", "aː", "ä", "ɑː", "ɒ", "ɒː", "ɑ̈"), ("ɑ",)),
    **dict.fromkeys(("ɐ", "ɤ", "ɞ", "ɘ"), ("ʌ",)),
    **dict.fromkeys(("ɨ", "ᵻ", "ɪː", "ʏ"), ("ɪ",)),
    **dict.fromkeys(("y", "yː", "ʉ", "ɯ", "uː", "ʉː"), ("u",)),
    **dict.fromkeys(("ø", "œ", "øː", "œː", "ɶ"), ("ɜr",)),
    **dict.fromkeys(("ɵ", "ᵿ"), ("ʊ",)),
    "ᵊ": ("ə",),
    # Consonants of other languages.
    **dict.fromkeys(("ɹ", "ʁ", "ʀ", "ɻ", "ɾ", "ɽ", "rː", "ɺ"), ("r",)),
    **dict.fromkeys(("x", "χ", "ħ", "ɦ"), ("h",)),
    **dict.fromkeys(("g", "ɣ", "ɢ", "ʛ", "ɠ"), ("ɡ",)),
    **dict.fromkeys(("ç", "ɕ", "ʂ", "ɧ"), ("ʃ",)),
    **dict.fromkeys(("ʑ", "ʐ"), ("ʒ",)),
    **dict.fromkeys(("ʧ", "tɕ", "ʨ", "tʂ", "c"), ("tʃ",)),
    **dict.fromkeys(("ʤ", "dʑ", "ʥ", "dʐ", "ɟ"), ("dʒ",)),
    **dict.fromkeys(("ʦ",), ("t", "s")),
    **dict.fromkeys(("ʣ",), ("d", "z")),
    **dict.fromkeys(("ɲ",), ("n", "j")),
    **dict.fromkeys(("ʎ",), ("l", "j")),
    **dict.fromkeys(("ɫ", "ɭ", "ʟ", "ɬ", "ɮ", "lː"), ("l",)),
    **dict.fromkeys(("β", "ʋ"), ("v",)),
    **dict.fromkeys(("ɸ",), ("f",)),
    **dict.fromkeys(("ɱ",), ("m",)),
    **dict.fromkeys(("ɳ", "ɴ"), ("n",)),
    **dict.fromkeys(("q", "ʡ"), ("k",)),
    **dict.fromkeys(("ʈ",), ("t",)),
    **dict.fromkeys(("ɖ", "ɗ"), ("d",)),
    **dict.fromkeys(("ɓ", "ʙ"), ("b",)),
    **dict.fromkeys(("ɰ", "ʍ", "ɥ"), ("w",)),
    **dict.fromkeys(("ʝ",), ("j",)),
    **dict.fromkeys(("ʔ", "ʕ", "ʢ"), ()),
}
_LONGEST = max(map(len, _SOUNDS))
_NASAL, _SYLLABIC = "\u0303", "\u0329"
_IPA_CHARS = re.compile(r"[^\W\d_]|[\u02b0-\u02ff\u0300-\u036f\u1dc0-\u1dff\u203f\u2016|.' ,´·()‿↗↘ꜛꜜ-]")

_ONSETS = frozenset(  # those with j are left out: "an-yoo-ul" is read better than "a-nyoo-ul"
    tuple(cluster.split())
    for cluster in (
        "p l,p r,b l,b r,t r,t w,d r,d w,k l,k r,k w,ɡ l,ɡ r,ɡ w,f l,f r,θ r,θ w,ʃ r,s p,s t,s k,s m,s n,s l,s w,s p l,s p r,s t r,"
        "s k r,s k w,v r,ʃ l"
    ).split(",")
)


@dataclass(frozen=True)
class Syllable:
    """A vowel with the consonants before and after it; `stress` is 0 (none), 1 (primary) or 2 (secondary)."""

    onset: tuple[str, ...]
    vowel: str
    coda: tuple[str, ...]
    stress: int = 0


@dataclass(frozen=True)
class Phoneme:
    """An English phoneme; `stress` as in `Syllable`, for a vowel. A syllable may be marked to start at it."""

    sound: str
    stress: int = 0
    is_start: bool = False

    @property
    def is_vowel(self) -> bool:
        return self.sound in VOWELS


def is_ipa(text: str) -> bool:
    """Whether a text consists of IPA letters and marks, and has at least one sound."""
    return all(map(_IPA_CHARS.match, text)) and bool(phonemes(text))


def phonemes(ipa: str) -> list[Phoneme]:
    """The English phonemes nearest to a pronunciation; what is no sound is left out. Time is linear in the length."""
    text = unicodedata.normalize("NFD", ipa.strip("/[] ")).replace("\u0361", "").replace("\u035c", "").replace("ä", "a")
    found: list[Phoneme] = []
    stress, is_start, is_break = 0, False, False
    position = 0
    while position < len(text):
        char = text[position]
        if char in _STRESS:
            stress, is_start = _STRESS[char], True
        elif char in _BREAKS:
            is_break = True
        elif char == _NASAL and found and found[-1].is_vowel:
            found.append(Phoneme("n"))
        elif char == _SYLLABIC and found and not found[-1].is_vowel:
            found.insert(-1, Phoneme("ə", stress))
            stress = 0
        else:
            sounds, length = _sound_at(text, position)
            for sound in sounds:
                is_vowel = sound in VOWELS
                # Some write the mark of stress before the vowel, whose syllable may begin earlier.
                found.append(Phoneme(sound, stress if is_vowel else 0, is_break or (is_start and not is_vowel)))
                stress, is_start, is_break = (0 if is_vowel else stress), False, False
            position += length - 1
        position += 1
    return _joined(found)


def _sound_at(text: str, position: int) -> tuple[tuple[str, ...], int]:
    for length in range(min(_LONGEST, len(text) - position), 0, -1):
        piece = text[position : position + length]
        if piece[-1:] == "ə" and len(piece) > 1 and text[position + length : position + length + 1] == "ʊ":
            continue  # "ɪəʊ" is the vowel of "kit" and that of "goat"
        if piece in _SOUNDS:
            return _SOUNDS[piece], length
        composed = unicodedata.normalize("NFC", piece)
        if composed in _SOUNDS:
            return _SOUNDS[composed], length
    return (), 1


def _joined(found: list[Phoneme]) -> list[Phoneme]:
    """`ɜr` holds its r: a further one is left out unless a vowel follows."""
    result: list[Phoneme] = []
    for phoneme, following in zip(found, [*found[1:], None], strict=False):
        is_repeated = phoneme.sound == "r" and result and result[-1].sound == "ɜr"
        if not is_repeated or (following is not None and following.is_vowel and not following.is_start):
            result.append(phoneme)
    return result


def syllables(found: Iterable[Phoneme]) -> list[Syllable]:
    """Divide phonemes so that each syllable begins with as many consonants as an English word can, or where one is marked to begin.

    A short vowel that ends no English word keeps the consonant after it, as in `app-le`. Without a vowel there is one syllable, with `ə`.
    """
    sounds = list(found)
    nuclei = [index for index, phoneme in enumerate(sounds) if phoneme.is_vowel]
    if not nuclei:
        return [Syllable(tuple(one.sound for one in sounds), "ə", ())] if sounds else []
    starts = [0]
    for nucleus, following in zip(nuclei, nuclei[1:], strict=False):
        starts.append(_start_of_next(sounds, nucleus, following))
    ends = [*starts[1:], len(sounds)]
    return [
        Syllable(
            tuple(one.sound for one in sounds[start:nucleus]),
            sounds[nucleus].sound,
            tuple(one.sound for one in sounds[nucleus + 1 : end]),
            sounds[nucleus].stress,
        )
        for start, nucleus, end in zip(starts, nuclei, ends, strict=True)
    ]


def _start_of_next(sounds: list[Phoneme], nucleus: int, following: int) -> int:
    """Where the syllable of the vowel at `following` starts."""
    for index in range(nucleus + 1, following + 1):
        if sounds[index].is_start:
            return index
    between = [one.sound for one in sounds[nucleus + 1 : following]]
    start = 0
    while start < len(between) and not _is_onset(tuple(between[start:])):
        start += 1
    if start == 0 and between and between[0] not in ("h", "w", "j") and _keeps_consonant(sounds[nucleus], is_first=nucleus == 0):
        start = 1
    return nucleus + 1 + start


def _keeps_consonant(vowel: Phoneme, *, is_first: bool) -> bool:
    return vowel.sound in ("æ", "ɛ", "ʊ") or (vowel.sound in ("ɪ", "ʌ") and (vowel.stress > 0 or is_first))


def _is_onset(cluster: tuple[str, ...]) -> bool:
    return cluster in _ONSETS or (len(cluster) == 1 and cluster[0] != "ŋ")
