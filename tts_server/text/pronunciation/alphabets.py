"""Pronunciations written in ASCII, as IPA: the CMU dictionary's ARPAbet, and X-SAMPA (Wells 1995)."""

from __future__ import annotations

import re

from tts_server.text.pronunciation.ipa import Phoneme, is_ipa, syllables

ALPHABETS = ("ipa", "cmu-arpabet", "x-sampa")

_OTHER_NAMES = {"cmu": "cmu-arpabet", "arpabet": "cmu-arpabet", "x-cmu": "cmu-arpabet", "x-arpabet": "cmu-arpabet", "xsampa": "x-sampa"}

_ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AX": "ə", "AY": "aɪ", "EH": "ɛ", "ER": "ɜr", "EY": "eɪ", "IH": "ɪ", "IX": "ɪ",
    "IY": "i", "OW": "oʊ", "OY": "ɔɪ", "UH": "ʊ", "UW": "u", "UX": "u", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "DX": "t", "F": "f",
    "G": "ɡ", "HH": "h", "H": "h", "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "r", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "V": "v", "W": "w", "WH": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_ARPABET_SYMBOL = re.compile(r"([A-Z]{1,2})([012])?")

_XSAMPA = {
    '"': "ˈ", "%": "ˌ", ":": "ː", ":\\": "ˑ", ".": ".", "-": ".", "'": "ʲ", "_j": "ʲ", "_h": "ʰ", "_w": "ʷ", "~": "\u0303", "_~": "\u0303",
    "=": "\u0329", "_=": "\u0329", "_0": "\u0325", "_d": "\u032a", "_^": "\u032f", "_}": "\u031a", "`": "˞", "!": "ꜜ", "^": "ꜛ",
    "A": "ɑ", "B": "β", "C": "ç", "D": "ð", "E": "ɛ", "F": "ɱ", "G": "ɣ", "H": "ɥ", "I": "ɪ", "J": "ɲ", "K": "ɬ", "L": "ʎ", "M": "ɯ",
    "N": "ŋ", "O": "ɔ", "P": "ʋ", "Q": "ɒ", "R": "ʁ", "S": "ʃ", "T": "θ", "U": "ʊ", "V": "ʌ", "W": "ʍ", "X": "χ", "Y": "ʏ", "Z": "ʒ",
    "1": "ɨ", "2": "ø", "3": "ɜ", "4": "ɾ", "5": "ɫ", "6": "ɐ", "7": "ɤ", "8": "ɵ", "9": "œ", "&": "ɶ", "@": "ə", "{": "æ", "}": "ʉ",
    "?": "ʔ", "g": "ɡ", "@`": "ɚ", "3`": "ɝ", "s`": "ʂ", "z`": "ʐ", "t`": "ʈ", "d`": "ɖ", "n`": "ɳ", "l`": "ɭ", "r`": "ɽ",
    "r\\`": "ɻ", "r\\": "ɹ", "R\\": "ʀ", "h\\": "ɦ", "x\\": "ɧ", "s\\": "ɕ", "z\\": "ʑ", "j\\": "ʝ", "v\\": "ʋ", "p\\": "ɸ", "B\\": "ʙ",
    "G\\": "ɢ", "J\\": "ɟ", "L\\": "ʟ", "M\\": "ɰ", "N\\": "ɴ", "H\\": "ʜ", "I\\": "ᵻ", "U\\": "ᵿ", "@\\": "ɘ", "3\\": "ɞ", "?\\": "ʕ",
    "l\\": "ɺ", "K\\": "ɮ", "_": "",
}  # fmt: skip
_XSAMPA_SYMBOL = re.compile("|".join(re.escape(symbol) for symbol in sorted(_XSAMPA, key=len, reverse=True)) + r"|[a-z \u0303]")


def alphabet_name(name: str) -> str:
    """The alphabet by the name that `ALPHABETS` has for it. Raises ValueError for one that is not known."""
    plain = name.strip().lower().replace("_", "-")
    plain = _OTHER_NAMES.get(plain, plain)
    if plain not in ALPHABETS:
        raise ValueError(f"the alphabet {name[:40]!r} is not known; there are {', '.join(ALPHABETS)}")
    return plain


def to_ipa(pronunciation: str, alphabet: str = "ipa") -> str:
    """A pronunciation in IPA, without slashes. Raises ValueError, saying why, where it is not written in the alphabet."""
    alphabet = alphabet_name(alphabet)
    text = pronunciation.strip().strip("/[]").strip()
    if not text:
        raise ValueError("the pronunciation is empty")
    if alphabet == "cmu-arpabet":
        return _from_arpabet(text)
    if alphabet == "x-sampa":
        text = _from_xsampa(text)
    if not is_ipa(text):
        raise ValueError(f"{text[:60]!r} is not written in IPA")
    return text


def _from_arpabet(text: str) -> str:
    sounds: list[Phoneme] = []
    for symbol in text.upper().split():
        found = _ARPABET_SYMBOL.fullmatch(symbol)
        if found is None or found[1] not in _ARPABET:
            raise ValueError(f"{symbol[:20]!r} is not a symbol of the CMU dictionary's ARPAbet")
        sound, stress = _ARPABET[found[1]], int(found[2] or 0)
        if found[2] == "0" and sound == "ʌ":
            sound = "ə"
        if found[2] == "0" and sound == "ɜr":
            sounds += Phoneme("ə"), Phoneme("r")
        else:
            sounds.append(Phoneme(sound, stress))
    marks = {0: "", 1: "ˈ", 2: "ˌ"}
    if not any(sound.is_vowel for sound in sounds):
        return "".join(sound.sound for sound in sounds)
    return "".join(marks[one.stress] + "".join((*one.onset, one.vowel, *one.coda)) for one in syllables(sounds))


def _from_xsampa(text: str) -> str:
    pieces: list[str] = []
    position = 0
    while position < len(text):
        found = _XSAMPA_SYMBOL.match(text, position)
        if found is None:
            raise ValueError(f"{text[position]!r} is not a symbol of X-SAMPA")
        pieces.append(_XSAMPA.get(found[0], found[0]))
        position = found.end()
    return "".join(pieces)
