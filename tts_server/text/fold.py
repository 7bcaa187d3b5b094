"""Compatibility characters as the plain characters that they stand for: full-width forms, ligatures, letters in bold, squared units.

A selective form of Unicode's NFKC (UAX #15): fractions, raised and lowered digits, signs and the punctuation of Chinese and Japanese
stay, because what they mean would be lost.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from tts_server.text.edits import Edit

_CANDIDATE = re.compile(
    "[^\x00-\x7f\u00c0-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0391-\u03c9\u0400-\u052f"  # Latin, Greek, Cyrillic letters
    "\u3041-\u3098\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]+"  # Kana, Han, Hangul
)
_KEPT = frozenset("ªº™℠№…‥‼⁇⁈⁉！？：；，．（）［］｛｝｡。「」、・｢｣､･")
_BETWEEN_DIGITS = {"．": ".", "，": ",", "：": ":"}
_THOUSANDS = re.compile(r"\d{3}(?!\d)")
_HALF_WIDTH_KANA = re.compile("[\uff66-\uff9f]+")


def find_fold_edits(text: str) -> list[Edit]:
    """The edits that replace compatibility characters; each covers one character, or a run of half-width kana."""
    edits: list[Edit] = []
    for run in _CANDIDATE.finditer(text):
        position = run.start()
        while position < run.end():
            if kana := _HALF_WIDTH_KANA.match(text, position, run.end()):
                edits.append(Edit(position, kana.end(), unicodedata.normalize("NFKC", kana[0]), "character"))
                position = kana.end()
                continue
            char = text[position]
            folded = _folded(char)
            if char in _BETWEEN_DIGITS and _is_in_number(text, position):
                folded = _BETWEEN_DIGITS[char]
            if folded != char:
                edits.append(Edit(position, position + 1, folded, "character"))
            position += 1
    return edits


def _is_in_number(text: str, position: int) -> bool:
    """Whether a full-width mark belongs to one number or time. A comma does before groups of three digits; elsewhere it divides a list."""
    if not text[max(position - 1, 0) : position].isdigit():
        return False
    return _THOUSANDS.match(text, position + 1) is not None if text[position] == "，" else text[position + 1 : position + 2].isdigit()


@functools.lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    if char in _KEPT or "\u3130" <= char <= "\u318f" or "\ue000" <= char <= "\uf8ff":
        return char
    kind, *codes = unicodedata.decomposition(char).split() or [""]
    if not kind.startswith("<") or kind == "<fraction>":
        return char
    plain = "".join(chr(int(code, 16)) for code in codes)
    if kind in ("<super>", "<sub>"):
        return plain if plain.isalpha() else char
    if kind == "<circle>":
        return f" {plain} " if plain.isdigit() else plain
    if kind in ("<wide>", "<narrow>", "<font>", "<square>", "<isolated>", "<initial>", "<medial>", "<final>"):
        return plain if kind == "<square>" else unicodedata.normalize("NFKC", char)
    return plain if any(map(str.isalnum, plain)) else char
