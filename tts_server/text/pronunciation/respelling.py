"""A pronunciation as an English respelling, for engines that read no IPA: `/ˈnaɪki/` becomes `nigh-kee`.

Each syllable is spelled in the way that is read most reliably as its sounds, and hyphens divide the syllables. The spellings were chosen
by measurement: `benchmarks` is not needed to use them, `tests/text/pronunciation` checks the share of sounds that come back.
"""

from __future__ import annotations

from tts_server.text.pronunciation.ipa import Syllable, phonemes, syllables

_ONSETS = {
    "ɡ": "g", "tʃ": "ch", "dʒ": "j", "θ": "th", "ð": "th", "ʃ": "sh", "ʒ": "zh", "j": "y", "ŋ": "ng",
}  # fmt: skip
_CODAS = {
    "ɡ": "g", "tʃ": "tch", "dʒ": "dge", "θ": "th", "ð": "the", "ʃ": "sh", "ʒ": "zh", "k": "ck", "f": "ff", "s": "ss", "l": "ll",
    "z": "z", "v": "v", "j": "y", "ŋ": "ng",
}  # fmt: skip


def respell(ipa: str, word: str = "") -> str:
    """The respelling of a pronunciation, in small letters but for the first where `word` has a capital there.

    Returns `word` where the pronunciation holds no sound. Time is linear in the length.
    """
    spelled = "-".join(_syllable(syllable) for syllable in syllables(phonemes(ipa)))
    if not spelled:
        return word
    return spelled[0].upper() + spelled[1:] if word[:1].isupper() else spelled


def _syllable(syllable: Syllable) -> str:
    onset = "".join(_ONSETS.get(sound, sound) for sound in syllable.onset)
    coda = "".join(_ONSETS.get(sound, sound) for sound in syllable.coda)
    return f"{onset}{_VOWELS[syllable.vowel]}{coda}"


_VOWELS = {
    "i": "ee", "ɪ": "i", "eɪ": "ay", "ɛ": "e", "æ": "a", "ɑ": "ah", "ɔ": "aw", "oʊ": "oh", "ʊ": "oo", "u": "oo", "ʌ": "u", "ə": "uh",
    "ɜr": "ur", "aɪ": "igh", "aʊ": "ow", "ɔɪ": "oy",
}  # fmt: skip
