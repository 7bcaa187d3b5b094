"""Characters that stand for something between two rounds of edits, all of them of the private use area, which `clean` removes.

A literal is a punctuation mark that later rounds must not take for markup: `\\*`, `&lt;` and everything inside of code.
`BLOCK_END` ends a heading, a list item, a table row; `CELL_END` divides the cells of a row. `find_mark_edits` turns all of them
into plain text.
"""

from __future__ import annotations

import re
import unicodedata

from tts_server.text.edits import SPACE, Edit
from tts_server.text.inline_tags import LANGUAGE_TAG, RATE_TAG
from tts_server.text.markup.tags import PAUSE_TAG, SOUNDS

BLOCK_END = "\ue010"
CELL_END = "\ue011"

_FIRST_LITERAL = 0xE100
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_TO_LITERAL = str.maketrans({char: chr(_FIRST_LITERAL + ord(char)) for char in _PUNCTUATION})
_FROM_LITERAL = str.maketrans({chr(_FIRST_LITERAL + ord(char)): char for char in _PUNCTUATION})

_MARK = re.compile(f"[{BLOCK_END}{CELL_END}\ue100-\ue17f]")
_MARKUP_LETTER = re.compile(f"[{re.escape(_PUNCTUATION)}]")
_SKIPPED_BEFORE = re.compile(f"(?:[ {CELL_END}]|{RATE_TAG.pattern}|{LANGUAGE_TAG.pattern}){{1,40}}\\Z")
_TAG_BEFORE = re.compile(rf"(?:{PAUSE_TAG.pattern}|{'|'.join(re.escape(sound) for sound in sorted(SOUNDS))})\Z", re.IGNORECASE)
_WORD_AHEAD = re.compile(f"[^\n{BLOCK_END}]{{0,40}}?[^\\W_]")
_LOOK_BACK = 80
_CLOSERS = "\"'”’»›)]}）］｝】〕〉》」』*_"
_NO_STOP_AFTER = ".!?…‥,;:-–—。！？｡।॥؟۔։።，；：、、،؛~/"
_SPACELESS = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def literal(text: str) -> str:
    """The text with its punctuation as literals."""
    return text.translate(_TO_LITERAL)


def literal_edits(text: str, start: int, end: int, rule: str) -> list[Edit]:
    """The edits that make the punctuation between two offsets literal, one for each mark, so that each keeps its place."""
    return [Edit(m.start(), m.end(), m[0].translate(_TO_LITERAL), rule) for m in _MARKUP_LETTER.finditer(text, start, end)]


def visible(text: str) -> str:
    """Decoded text without control characters, and above all without characters of the private use area; no-break spaces are spaces."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\ufffc", "").replace("\ufffd", "")
    return "".join(
        " " if unicodedata.category(char)[0] == "Z" or char in "\t\r\n" else char
        for char in text
        if char in "\t\r\n\u200c\u200d" or unicodedata.category(char)[0] != "C"
    )


def find_mark_edits(text: str) -> list[Edit]:
    """The edits that turn literals, ends of blocks and ends of cells into plain text."""
    edits = []
    position = 0
    for mark in _MARK.finditer(text):
        start = mark.start()
        if mark[0] not in (BLOCK_END, CELL_END):
            edits.append(Edit(start, mark.end(), mark[0].translate(_FROM_LITERAL), SPACE))
        else:
            begin, written = _stop(text, position, start) if mark[0] == BLOCK_END else _comma(text, position, start)
            while edits and edits[-1].start >= begin:
                edits.pop()  # the end of an empty cell
            edits.append(Edit(begin, mark.end(), written, SPACE))
            position = mark.end() if written.strip() or mark[0] == BLOCK_END else position
    return edits


def _before(text: str, position: int, at: int) -> tuple[int, str]:
    """Where the text before a mark ends without spaces and tags, and a few characters of it; empty where nothing precedes on the line."""
    start = max(position, at - _LOOK_BACK)
    before = text[start:at]
    if skipped := _SKIPPED_BEFORE.search(before, max(0, len(before) - 40)):
        before = before[: skipped.start()]
    if not before and position == start and position:
        return at, ""  # another mark stands right before
    return start + len(before), before.translate(_FROM_LITERAL).rpartition("\n")[2]


def _stop(text: str, position: int, at: int) -> tuple[int, str]:
    begin, before = _before(text, position, at)
    bare = before.rstrip(_CLOSERS) or before
    if not before or _TAG_BEFORE.search(before) or before[-1] in _NO_STOP_AFTER or bare[-1] in _NO_STOP_AFTER:
        return at, ""
    return begin, ("。" if _SPACELESS.match(bare[-1]) else ".") + text[begin:at].strip(f" {CELL_END}")


def _comma(text: str, position: int, at: int) -> tuple[int, str]:
    begin, before = _before(text, position, at)
    ahead = _WORD_AHEAD.match(text, at + 1)
    if not before or before[-1] in _NO_STOP_AFTER or ahead is None:
        return at, " "
    return begin, ("，" if _SPACELESS.match(before[-1]) else ", ") + text[begin:at].strip(f" {CELL_END}")
