"""Which language a text is in: by its writing system, and for Latin letters by frequent words and sequences of letters.

No library decides this: py3langid is right about as often, but needs 100 MB of memory and 0.8 s before the first text.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tts_server.text.scripts import scripts_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LANGUAGE_OF_SCRIPT = {
    "Hangul": "ko",
    "Cyrillic": "ru",
    "Greek": "el",
    "Hebrew": "he",
    "Arabic": "ar",
    "Devanagari": "hi",
}
_LETTERS_OF_A_CHARACTER = {"Han": 2.0, "Hangul": 2.0, "Hiragana": 1.5, "Katakana": 1.5}
"""How many letters of an alphabet carry as much text."""

_KANA_IN_JAPANESE = 0.1
"""Japanese has at least this share of kana among its characters; Chinese may borrow one."""

_WORD = re.compile(r"[^\W\d_]+")
_NGRAMS = Path(__file__).with_name("language_ngrams.txt")
"""A line for each sequence of 2 to 4 letters (`_` is the edge of a word) and how likely it is in each language: characters of codes
from 48 on, six steps to a factor of e. Counted in translations of Django's messages (BSD) and in the words of `language_words.py`."""
_FIRST_CODE = 48
_STEPS = 6.0

_SAMPLE_LETTERS = 600
_FEWEST_LETTERS = 18
_LONGEST_WORD = 40
_SIBLINGS = frozenset({"da", "no"})
"""Languages so close that a short text may be both: either is read better by the other than by the default."""

# Natural logarithms of likelihood ratios, tuned on sentences of 20 to 80 letters and on English texts full of names, code and numbers.
_WORD_FACTOR = 2.0
_LETTER_WEIGHT = 1.0
_MARGIN = 3.0
_MARGIN_OVER_DEFAULT = 8.0
_CLEAR_MARGIN_A_LETTER = 1.3
_SHORT_LETTERS = 40
_KNOWN_IN_SHORT = 2
_MARGIN_OF_ONE_WORD = 1.9
_MARGIN_OF_NAMES = 2.4
"""What a letter must say in a text of fewer letters and known words than that, with one known word in small letters and without: names,
titles of films and dishes look like other languages."""
_WORD_EVIDENCE = 0.3
"""Without this much weight of known words for each word, or so clear a margin, a text is rather English that is full of names."""


def detect_language(text: str, default: str = "en") -> str:
    """The two-letter code of the language of a text; `default` where the text says too little.

    Other scripts stand for one language each, and win from a third of the text on, since words in Latin letters occur in all languages.
    Latin letters: 15 languages, from about 20 letters on, and only by a clear margin.
    """
    shares = scripts_in(text)
    weights = {script: share * _LETTERS_OF_A_CHARACTER.get(script, 1.0) for script, share in shares.items()}
    japanese_or_chinese = sum(weights.pop(script, 0.0) for script in ("Han", "Hiragana", "Katakana"))
    kana = shares.get("Hiragana", 0.0) + shares.get("Katakana", 0.0)
    is_japanese = kana >= _KANA_IN_JAPANESE * (kana + shares.get("Han", 0.0))
    weights["ja" if is_japanese else "zh"] = japanese_or_chinese
    latin = weights.pop("Latin", 0.0)
    if not any(weights.values()) or max(weights.values()) < latin / 2:
        return _detect_latin(text, default)
    script = max(weights, key=weights.__getitem__)
    return script if script in ("ja", "zh") else _LANGUAGE_OF_SCRIPT.get(script, default)


def _detect_latin(text: str, default: str) -> str:
    words = _sample(text)
    letters = sum(map(len, words))
    if letters < _FEWEST_LETTERS:
        return default
    from tts_server.text.language_words import LANGUAGES

    ngrams, evidence = _likelihoods(words), _evidence(words)
    totals = {language: ngrams[index] + _WORD_FACTOR * evidence[language] for index, language in enumerate(LANGUAGES)}
    best = max(totals, key=totals.__getitem__)
    rival = max(value for language, value in totals.items() if language != best and not {language, best} <= _SIBLINGS)
    if best == default or totals[best] - rival < _MARGIN:
        return default
    if default not in totals:
        return best
    margin = totals[best] - totals[default]
    clear_margin = _CLEAR_MARGIN_A_LETTER
    has_words = True
    if letters < _SHORT_LETTERS:
        known = _known_words(words, best)
        has_words = len(known) >= _KNOWN_IN_SHORT
        if not has_words:
            clear_margin = _MARGIN_OF_ONE_WORD if any(word in known for word in _WORD.findall(text)) else _MARGIN_OF_NAMES
    is_clear = margin >= clear_margin * letters and evidence[best] >= evidence[default]
    is_frequent = margin >= letters or evidence[best] >= _WORD_EVIDENCE * len(words)
    is_known = has_words and evidence[best] > 2 * evidence[default] and is_frequent
    return best if margin >= _MARGIN_OVER_DEFAULT and (is_clear or is_known) else default


def _known_words(words: list[str], language: str) -> list[str]:
    """Those words that are frequent in the language, or have letters with its marks."""
    from tts_server.text.language_words import LANGUAGES_OF_LETTER, WORD_WEIGHTS

    return [
        word
        for word in words
        if any(language == known for known, _ in WORD_WEIGHTS.get(word, ()))
        or any(language in LANGUAGES_OF_LETTER.get(letter, ()) for letter in word)
    ]


def _sample(text: str) -> list[str]:
    """The words of the first few hundred letters in lower case; not of addresses."""
    tokens = text[: 4 * _SAMPLE_LETTERS].split()
    words: list[str] = []
    letters = 0
    for word in _WORD.findall(
        " ".join(token for token in tokens if "@" not in token and "/" not in token and not token.startswith("www."))
    ):
        letters += len(word)
        if letters > _SAMPLE_LETTERS and words:
            break
        words.append(word[:_LONGEST_WORD].replace("İ", "i").lower())
    return words


@functools.cache
def _ngrams() -> tuple[dict[str, int], NDArray[np.uint8]]:
    """The row of each sequence of letters, and the table of likelihoods, a column for each language. Read with the first text: 10 ms."""
    import numpy as np

    lines = [line.partition(" ") for line in _NGRAMS.read_text(encoding="utf-8").splitlines()]
    table = np.array([[ord(code) - _FIRST_CODE for code in codes] for _, _, codes in lines], dtype=np.uint8)
    return {sequence: row for row, (sequence, _, _) in enumerate(lines)}, table


@functools.lru_cache(maxsize=4096)
def _rows_of(word: str) -> tuple[int, ...]:
    rows, _ = _ngrams()
    edged = f"_{word}_"
    found = (rows.get(edged[start : start + length]) for length in (2, 3, 4) for start in range(len(edged) - length + 1))
    return tuple(row for row in found if row is not None)


def _likelihoods(words: list[str]) -> list[float]:
    """The logarithm of the likelihood of the words in each language, except for a constant."""
    _, table = _ngrams()
    found = [row for word in words for row in _rows_of(word)]
    sums: list[int] = table[found].sum(axis=0, dtype=int).tolist() if found else [0] * table.shape[1]
    return [value / _STEPS for value in sums]


def _evidence(words: list[str]) -> dict[str, float]:
    """The weight of frequent words and of letters with marks, by language."""
    from tts_server.text.language_words import LANGUAGES, LANGUAGES_OF_LETTER, WORD_WEIGHTS

    weights = dict.fromkeys(LANGUAGES, 0.0)
    for word in words:
        for language, weight in WORD_WEIGHTS.get(word, ()):
            weights[language] += weight
        if not word.isascii():
            for language in (language for letter in {*word} for language in LANGUAGES_OF_LETTER.get(letter, ())):
                weights[language] += _LETTER_WEIGHT
    return weights
