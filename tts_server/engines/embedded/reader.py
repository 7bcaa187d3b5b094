"""Text to phonemes: hibari's reading of English words, for arbitrary text.

The text front end has replaced numbers, signs and abbreviations by words before. For a request without it, `written` reads them.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from anyascii import anyascii
from hibari.g2p import G2P
from hibari.g2p.token import Tok
from hibari.tts import ASSETS, MAX_PHONEMES

from tts_server.engines.embedded.ipa import phonemes_from_ipa, with_plural
from tts_server.engines.embedded.letters import ACRONYM, ACRONYMS, LETTER_A, LETTERS, is_article, with_words_in_small_letters
from tts_server.engines.embedded.written import plain_signs, read_written, without_rulers
from tts_server.text.phonemes import PHONEME_SPAN, span_ipa, span_word
from tts_server.text.sentences import sentences

GUESSED_LETTERS = 24
"""The network that guesses unknown words reads no more letters than this."""

TOKEN_PARTS = 24
"""Words, numbers and signs in one token without spaces; hibari's work on a token grows with the cube of their number."""

MAX_EXPANSION, FREE_PHONEMES = 12, 40
"""A text of n characters gives at most 12 n + 40 phonemes. English has about 1, digits in a row have 8; what would give more is cut off."""

_ASCII_FORMS = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PUNCTUATION = (
    _ASCII_FORMS
    | str.maketrans("「」『』《》￥￡￠￦\u3000", '""""""¥£¢₩ ')
    | dict(zip(map(ord, "。、！？；"), (". ", ", ", "! ", "? ", "; "), strict=True))
)
_ARTICLE = "ɐ"
_CLAUSE = re.compile(r"(?<=[,;:—])\s+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_LETTERS = re.compile(r"[^A-Za-z' ]+")
_LONG_WORD = re.compile(rf"[^\W\d_]{{{GUESSED_LETTERS + 1},}}")
_TOKEN = re.compile(rf"\S{{{TOKEN_PARTS + 1},}}")
_PART = re.compile(r"(?:[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+)(?:'[a-z]{1,2}(?![a-z]))?|\d+(?:[.,]\d+)?|[\W_]")
_GREEK_LETTER = re.compile(r"GREEK (?:SMALL|CAPITAL) LETTER (\w+)")
_INNER_STOP = re.compile(r"(?<=[^\W\d_])\.(?= [a-z0-9])")
_SPACED_MARK = re.compile(r" ([,;:!?]|\.{1,3})(?= |\Z)")
_TIGHT_MARK = re.compile(r" ([,;:!?])(?=[^ ])")
_END = re.compile(r"([.!?…])[\"”’')\]]{0,8}\Z")
_PLURAL = re.compile(r"['’]?s(?![\w'’-])")

_CAPITAL_SPAN, _SMALL_SPAN = "Ꭰ", "ꭰ"
"""Placeholders of a word with a pronunciation: letters of Cherokee, all of which `readable` replaces."""

_PIECES = re.compile(
    f"(?P<span>[{_CAPITAL_SPAN}{_SMALL_SPAN}])|(?P<letters>{LETTERS.pattern})|(?P<a>{LETTER_A.pattern})|(?P<acronym>{ACRONYM.pattern})"
)


class Reader:
    """Reads English text; words of other scripts are read by their Latin spelling. Safe to share between threads."""

    def __init__(self) -> None:
        self._g2p = G2P()
        self._letters = frozenset(self._g2p.oov.cin)
        self._ids: dict[str, int] = json.loads(Path(ASSETS, "vocab.json").read_text(encoding="utf-8"))
        # hibari's reader is not documented as thread-safe.
        self._lock = threading.Lock()

    def phonemes(self, text: str) -> list[str]:
        """Phoneme strings of at most 400 characters in the order of the text; none where nothing can be spoken.

        Together they have at most `MAX_EXPANSION` phonemes for each character and `FREE_PHONEMES` more.
        """
        left = MAX_EXPANSION * len(text) + FREE_PHONEMES
        parts: list[str] = []
        for sentence in self._sentences(text):
            for part in _bounded(sentence):
                if len(part) > left:
                    part = part[: part.rfind(" ", 0, left + 1)] if " " in part[: left + 1] else part[:left]
                left -= len(part)
                if _has_sound(part):
                    parts.append(part)
        return parts

    def has_sound(self, text: str) -> bool:
        """Whether `phonemes` finds anything to say in a text; reads no further than the first sentence that has a sound."""
        return any(map(_has_sound, self._sentences(text)))

    def ids(self, phonemes: str) -> list[int]:
        """The network's input: one number for each phoneme between two pads."""
        return [0, *(self._ids[phoneme] for phoneme in phonemes if phoneme in self._ids), 0]

    def readable(self, text: str) -> str:
        """`text` in the letters and signs that hibari reads, without signs that are not spoken."""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text.translate(_PUNCTUATION))
            text = "".join(c for c in text if unicodedata.category(c) != "Cf")
            runs = itertools.groupby(text, key=lambda c: unicodedata.category(c)[0] in "LM")
            text = "".join(self._latin("".join(run)) if is_word else plain_signs("".join(run)) for is_word, run in runs)
        return _LONG_WORD.sub(lambda m: self._in_pieces(m[0]), without_rulers(text))

    def _sentences(self, text: str) -> Iterator[str]:
        """The phonemes of each sentence."""
        pieces: list[str] = []
        pronunciations: list[tuple[str, str]] = []
        position = 0
        for span in PHONEME_SPAN.finditer(text):
            word, phonemes = span_word(span), phonemes_from_ipa(span_ipa(span))
            pieces.append(self.readable(text[position : span.start()]))
            position = span.end()
            if phonemes:
                pieces.append(_CAPITAL_SPAN if word[0].isupper() else _SMALL_SPAN)
                pronunciations.append((word, phonemes))
            else:
                pieces.append(self.readable(word))
        pieces.append(self.readable(text[position:]))
        readable = "".join(pieces)
        spans = iter(pronunciations)
        for sentence in sentences(readable, longest=max(len(readable), 1)):
            yield self._read(sentence, spans)

    def _read(self, sentence: str, spans: Iterator[tuple[str, str]]) -> str:
        """The phonemes of one sentence; takes the pronunciations that it holds from `spans`."""
        sentence = read_written(" ".join(sentence.split()).replace("’", "'").replace("‘", "'"))
        sentence = _TIGHT_MARK.sub(r"\1 ", _SPACED_MARK.sub(r"\1", sentence))
        sentence = with_words_in_small_letters(_INNER_STOP.sub("", sentence), self._is_word)
        sentence = _TOKEN.sub(_loosened, sentence)
        with self._lock:
            tokens = self._g2p.phonemize_tokens(self._tokens(sentence, spans))
        phonemes = "".join((token.phonemes or "") + (" " if token.whitespace else "") for token in tokens).strip()
        # hibari takes the full stop after some words ("Jan.", "A.") for a part of them.
        end = _END.search(sentence)
        is_cut = end is not None and phonemes and phonemes.rstrip("\"”'’) ")[-1:] not in ".!?…"
        return f"{phonemes}{end[1]}" if end is not None and is_cut else phonemes

    def _tokens(self, sentence: str, spans: Iterator[tuple[str, str]]) -> list[Tok]:
        """hibari's tokens, with pronunciations for names of letters and for words that came with one."""
        found: list[tuple[str, str, str | None]] = []  # text, space after it, pronunciation
        position = 0
        for piece in _PIECES.finditer(sentence):
            found += self._split(sentence[position : piece.start()])
            position = piece.end()
            if piece["span"]:
                word, phonemes = next(spans)
            elif piece["acronym"]:
                word, phonemes = piece[0], ACRONYMS[piece[0].lower()]
            else:
                word = piece[0].replace(" ", "")
                if is_article(sentence, piece):
                    found.append(("a", " " if len(word) > 1 else _space(sentence, position), _ARTICLE))
                    word = word[1:]  # "A U S B stick": the article and an initialism
                    if not word:
                        continue
                phonemes = self._g2p.lexicon.get_NNP(word)[0]
            if plural := _PLURAL.match(sentence, position):
                phonemes, position = with_plural(phonemes), plural.end()
            found.append((word, _space(sentence, position), phonemes))
        found += self._split(sentence[position:])
        tags = self._g2p.tagger([text for text, _, _ in found])
        return [
            Tok(text, _tag(text, tag), space, phonemes=phonemes, rating=5 if phonemes else None)
            for (text, space, phonemes), tag in zip(found, tags, strict=True)
        ]

    def _split(self, text: str) -> list[tuple[str, str, str | None]]:
        return [(token, space, None) for token, space in self._g2p.tokenizer(text)]

    def _is_word(self, word: str) -> bool:
        return word in self._g2p.lexicon.golds or word in self._g2p.lexicon.silvers

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


def _tag(text: str, tag: str) -> str:
    """hibari's part of speech; a word with a full stop is no address, whose marks would be read: "Wash dot"."""
    is_address = any(mark in text[:-1] for mark in "./@")
    return "NNP" if tag == "ADD" and not is_address else tag


def _space(text: str, position: int) -> str:
    """The space of a token that ends at `position`, as hibari has it."""
    return " " if text[position : position + 1].isspace() else ""


def _has_sound(phonemes: str) -> bool:
    return any(map(str.isalpha, phonemes))


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
