"""Text to phonemes: hibari's reading of English, made safe for any text."""

from __future__ import annotations

import itertools
import json
import re
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from anyascii import anyascii
from hibari import Hibari
from hibari.g2p import G2P, SYMBOL_PHONEMES
from hibari.g2p.lexicon import CURRENCIES
from hibari.g2p.normalize import CURRENCY_WORDS, SYMBOLS
from hibari.tts import ASSETS, MAX_PHONEMES

GUESSED_LETTERS = 24
"""The network that guesses unknown words reads no more letters than this."""

_PUNCTUATION = str.maketrans("。．，、！？；：（）「」『』《》", '..,,!?;:()""""""')
_KNOWN_SYMBOLS = frozenset({*SYMBOL_PHONEMES, *CURRENCIES, *CURRENCY_WORDS, *SYMBOLS})
_CLAUSE = re.compile(r"(?<=[,;:—])\s+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_LETTERS = re.compile(r"[^A-Za-z' ]+")
_LONG_WORD = re.compile(rf"[^\W\d_]{{{GUESSED_LETTERS + 1},}}")
_PRICE = re.compile(r"(\d)\s?([$€£¥])(?!\.?\d)")
_GREEK_LETTER = re.compile(r"GREEK (?:SMALL|CAPITAL) LETTER (\w+)")
_CURRENCY_NAMES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}


class Reader:
    """Reads English text; words of other scripts are read by their Latin spelling. Safe to share between threads."""

    def __init__(self) -> None:
        self._g2p = G2P()
        self._letters = frozenset(self._g2p.oov.cin)
        self._ids: dict[str, int] = json.loads(Path(ASSETS, "vocab.json").read_text(encoding="utf-8"))
        # hibari does not promise that its reader may be shared.
        self._lock = threading.Lock()

    def phonemes(self, text: str) -> list[str]:
        """Phoneme strings of at most 400 characters in the order of the text; none where nothing can be spoken."""
        return [part for sentence in Hibari.split_sentences(self.readable(text)) for part in _bounded(self._read(sentence))]

    def ids(self, phonemes: str) -> list[int]:
        """The network's input: one number for each phoneme between two pads."""
        return [0, *(self._ids[phoneme] for phoneme in phonemes if phoneme in self._ids), 0]

    def readable(self, text: str) -> str:
        """`text` with all that hibari would drop put into words, and its phoneme markup `[word](/phonemes/)` made harmless."""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text.translate(_PUNCTUATION))
            text = "".join(c for c in text if unicodedata.category(c) != "Cf")
            runs = itertools.groupby(text, key=lambda c: unicodedata.category(c)[0] in "LM")
            text = "".join(self._latin("".join(run)) if is_word else _spelled(run) for is_word, run in runs)
        text = text.replace("](", "] (")
        text = _PRICE.sub(lambda m: f"{m[1]} {_CURRENCY_NAMES[m[2]]}", text)
        return _LONG_WORD.sub(lambda m: self._in_pieces(m[0]), text)

    def _read(self, sentence: str) -> str:
        with self._lock:
            phonemes: str = self._g2p(sentence)
        return phonemes

    def _latin(self, word: str) -> str:
        """A run of letters in letters that hibari reads."""
        if word.isascii():
            return word
        if len(word) == 1 and (greek := _GREEK_LETTER.fullmatch(unicodedata.name(word, ""))):
            return greek[1].lower()
        parts = []
        for is_latin, run in itertools.groupby(word, key=_is_latin):
            if is_latin:
                parts.append("".join(c if c in self._letters or c.isascii() else anyascii(c) for c in run))
            else:
                parts.append(_NOT_LETTERS.sub("", _HUMP.sub(" ", anyascii("".join(run)))).lower())
        return " ".join(parts)

    def _in_pieces(self, word: str) -> str:
        if word in self._g2p.lexicon.golds or word.lower() in self._g2p.lexicon.silvers:
            return word
        count = -(-len(word) // GUESSED_LETTERS)
        size = -(-len(word) // count)
        return " ".join(word[i : i + size] for i in range(0, len(word), size))


def _is_latin(letter: str) -> bool:
    return unicodedata.normalize("NFKC", letter)[0].isascii() or "LATIN" in unicodedata.name(letter, "")


def _spelled(symbols: Iterator[str]) -> str:
    """What stands between words, with foreign digits as ours and unknown signs by their names ("≤": "less than or equal to")."""
    spelled = []
    for c in symbols:
        if c.isdecimal():
            spelled.append(str(unicodedata.decimal(c)))
        elif c not in _KNOWN_SYMBOLS and unicodedata.category(c) in ("Sm", "Sc"):
            spelled.append(f" {unicodedata.name(c, '').removesuffix(' SIGN').lower().replace('-', ' ')} ")
        else:
            spelled.append(c)
    return "".join(spelled)


def _bounded(phonemes: str) -> Iterator[str]:
    """Split at clauses, then at words, then anywhere, so that no part is longer than one run of the network should be."""
    if not phonemes:
        return
    if len(phonemes) <= MAX_PHONEMES:
        yield phonemes
        return
    part = ""
    for clause in _CLAUSE.split(phonemes):
        for piece in _pieces(clause):
            if part and len(part) + len(piece) + 1 > MAX_PHONEMES:
                yield part
                part = piece
            else:
                part = f"{part} {piece}" if part else piece
    if part:
        yield part


def _pieces(clause: str) -> Iterator[str]:
    while len(clause) > MAX_PHONEMES:
        cut = clause.rfind(" ", 0, MAX_PHONEMES)
        cut = cut if cut > 0 else MAX_PHONEMES
        yield clause[:cut]
        clause = clause[cut:].lstrip()
    if clause:
        yield clause
