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
from hibari.g2p.normalize import CURRENCY_WORDS, SYMBOLS, normalize
from hibari.tts import ASSETS, MAX_PHONEMES

GUESSED_LETTERS = 24
"""The network that guesses unknown words reads no more letters than this."""

COUNTED_DIGITS = 15
"""Longer numbers are read digit by digit: nobody follows "quadrillions", and hibari has no words beyond decillions."""

TOKEN_PARTS = 24
"""Words, numbers and signs in one token without spaces; hibari's work on a token grows with the cube of their number."""

_PUNCTUATION = str.maketrans("。．，、！？；：（）「」『』《》", '..,,!?;:()""""""')
_KNOWN_SYMBOLS = frozenset({*SYMBOL_PHONEMES, *CURRENCIES, *CURRENCY_WORDS, *SYMBOLS})
_CLAUSE = re.compile(r"(?<=[,;:—])\s+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_LETTERS = re.compile(r"[^A-Za-z' ]+")
_LONG_WORD = re.compile(rf"[^\W\d_]{{{GUESSED_LETTERS + 1},}}")
_NUMBER = re.compile(r"(\d(?:[\d,]*\d)?)(?:\.(\d+))?")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_TOKEN = re.compile(rf"\S{{{TOKEN_PARTS + 1},}}")
_PART = re.compile(r"(?:[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+)(?:'[a-z]{1,2}(?![a-z]))?|\d+(?:[.,]\d+)?|[\W_]")
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
        text = _NUMBER.sub(_countable, text.replace("](", "] ("))
        text = _PRICE.sub(lambda m: f"{m[1]} {_CURRENCY_NAMES[m[2]]}", text)
        return _LONG_WORD.sub(lambda m: self._in_pieces(m[0]), text)

    def _read(self, sentence: str) -> str:
        # hibari's own normalizing takes spaces out again ("a ,b" to "a,b"): so it comes first.
        sentence = _TOKEN.sub(_loosened, normalize(sentence))
        with self._lock:
            phonemes: str = self._g2p(sentence, normalize_text=False)
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
    run = list(symbols)
    crowded = sum(c.isdigit() or c.isnumeric() for c in run) > COUNTED_DIGITS
    spelled = []
    for c in run:
        if c.isdecimal():
            spelled.append(str(unicodedata.decimal(c)))
        elif c.isdigit() and c not in SYMBOLS:  # raised or circled; joined to its neighbours it would be a number that hibari cannot read
            spelled.append(f" {unicodedata.digit(c)} ")
        elif crowded and c.isnumeric():
            spelled.append(f" {c} ")
        elif c not in _KNOWN_SYMBOLS and unicodedata.category(c) in ("Sm", "Sc"):
            spelled.append(f" {unicodedata.name(c, '').removesuffix(' SIGN').lower().replace('-', ' ')} ")
        else:
            spelled.append(c)
    return "".join(spelled)


def _countable(number: re.Match[str]) -> str:
    """The number as it is, or its digits one by one if they are too many; a list without spaces ("1,2,3") gets some."""
    whole, fraction = number[1], number[2] or ""
    if sum(map(str.isdigit, whole)) <= COUNTED_DIGITS and len(fraction) <= COUNTED_DIGITS:
        return number[0]
    groups = [whole.replace(",", "")] if _THOUSANDS.fullmatch(whole) else whole.split(",")
    spelled = ", ".join(" ".join(group) if len(group) > COUNTED_DIGITS else group for group in groups if group)
    return f"{spelled} point {' '.join(fraction)}" if fraction else spelled


def _loosened(token: re.Match[str]) -> str:
    """A token of too many parts with spaces between its words; signs stay with the word before, but for the spoken slash."""
    parts = _PART.findall(token[0])
    if len(parts) <= TOKEN_PARTS:
        return token[0]
    pieces: list[str] = []
    for part in parts:
        previous = pieces[-1] if pieces else "/"
        joins = not part[0].isalnum() or not any(map(str.isalnum, previous))
        if joins and "/" not in (part, previous) and len(previous) + len(part) <= TOKEN_PARTS:
            pieces[-1] += part
        else:
            # On its own "05" would be read "five".
            pieces.append(" ".join(part) if part[0] == "0" and part.isdigit() else part)
    return " ".join(pieces)


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
