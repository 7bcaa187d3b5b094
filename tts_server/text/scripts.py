"""Which writing systems a text uses, by the names that Unicode gives its characters."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from tts_server.text.sentences import sentences

_TWO_WORDS = frozenset({"OLD", "NEW", "TAI", "OL", "LINEAR", "MEETEI", "CANADIAN", "WARANG", "MENDE", "HANIFI"})
_OTHER_NAMES = {"CJK": "Han", "IDEOGRAPHIC": "Han", "KANGXI": "Han", "TURNED": "Latin", "ROMAN": "Latin", "HENTAIGANA": "Hiragana"}
_NOT_A_SCRIPT = frozenset({"MODIFIER", "KATAKANA-HIRAGANA", "CARON", "SPACE", "VERTICAL", "MASU"})
_CHARS_A_WORD = {"Han": 2, "Hiragana": 3, "Katakana": 4, "Thai": 4, "Lao": 4, "Khmer": 4, "Myanmar": 4, "Tibetan": 3}
_WORD = re.compile(r"[^\W\d_]+(?:['’\u200c\u200d-][^\W\d_]+)*")


def scripts_in(text: str) -> dict[str, float]:
    """The share of the letters that each script has, 0 to 1, the largest first: `{"Latin": 0.9, "Han": 0.1}`. No letters: empty."""
    letters: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if script := _script(char):
            letters[script] += count
    return {script: count / letters.total() for script, count in letters.most_common()}


def unspeakable(text: str, allowed: frozenset[str]) -> str | None:
    """The script that a voice of the `allowed` scripts cannot speak but this text needs, or None. Nothing allowed means anything is.

    A text needs a script when a sentence of two words or more is wholly in it, or one of three words or more mostly, or the whole text is.
    A word or two inside an allowed sentence, or a one-word sentence in an allowed text, are no obstacle.
    """
    if not allowed or ("Latin" in allowed and text.isascii()):
        return None
    known_words = 0
    foreign_words: Counter[str] = Counter()
    for sentence in sentences(text):
        words = _words(sentence)
        known = sum(count for script, count in words.items() if script in allowed)
        foreign = Counter({script: count for script, count in words.items() if script not in allowed})
        total = foreign.total()
        if total >= 2 and (not known or (total >= 3 and total > known)):
            return foreign.most_common(1)[0][0]
        known_words += known
        foreign_words += foreign
    total = foreign_words.total()
    if total and (not known_words or (total >= 3 and total > known_words)):
        return foreign_words.most_common(1)[0][0]
    return None


def _words(sentence: str) -> Counter[str]:
    """Words by script; those without spaces between them are estimated from their letters, at least one."""
    counts: Counter[str] = Counter()
    dense: Counter[str] = Counter()
    for word in _WORD.findall(sentence):
        for script, letters in _letters(word).items():
            if script in _CHARS_A_WORD:
                dense[script] += letters
            else:
                counts[script] += 1
    for script, letters in dense.items():
        counts[script] += -(-letters // _CHARS_A_WORD[script])
    return counts


def _letters(word: str) -> Counter[str]:
    if word.isascii():
        return Counter({"Latin": len(word)})
    return Counter(script for char in word if (script := _script(char)))


def _script(char: str) -> str | None:
    """The script of a letter, or None for what is no letter or belongs to several scripts (ー)."""
    if char.isascii():
        return "Latin" if char.isalpha() else None
    if not char.isalpha():
        return None
    plain = unicodedata.normalize("NFKC", char)[:1]
    first, *others = unicodedata.name(plain, "UNKNOWN").split()
    if first in _NOT_A_SCRIPT:
        return None
    return _OTHER_NAMES.get(first) or " ".join([first, *others[: first in _TWO_WORDS]]).title()
