"""Markdown inside of a line: links, images, footnote marks, emphasis, strikethrough.

Stricter than CommonMark where prose has the same characters: `2*3*4`, `x**2`, `snake_case` and `__init__.py` hold no emphasis.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from tts_server.text.edits import Edit
from tts_server.text.markup.emphasis_in_words import find_emphasis_in_words
from tts_server.text.markup.marks import BLOCK_END, CELL_END
from tts_server.text.markup.tags import PAUSE_TAG, SOUNDS

_RULE = "markdown"
_BRACKET = re.compile(r"!?\[|\]")
_TARGET = re.compile(
    r"\( ?(?:<[^<>\n]{0,2000}>|(?:[^\s()<>]|\([^\s()]{0,500}\)){0,2000})(?: (?:\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|\([^()\n]{0,500}\)))? ?\)"
)
ATTRIBUTES = re.compile(r"\{ ?(?:[.#][\w-]|[\w-]{1,40}=)[^{}\n]{0,200}\}")
"""`{#name .class key=value}` of Pandoc and others, after a link or a heading."""

_REFERENCE = re.compile(r"\[([^\[\]\n]{0,200})\]")
_FOOTNOTE = re.compile(r" ?\[\^[^\[\]\s]{1,60}\]")
_WIKI = re.compile(r"\[\[(?:[^\[\]|\n]{1,200}\|)?([^\[\]|\n]{1,200})\]\]")
_STRIKE = re.compile(r"(~~|==)(?=[^\s~=])([^~=\n]{1,2000})(?<=[^\s~=])\1(?![~=])")
_RUN = re.compile(rf"\*+|_+|\n\n|{BLOCK_END}|{CELL_END}")
_WORD = re.compile(r"[^\W_]+")
_SPACELESS = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")
_NO_OPENING_BEFORE = ")]},;:!?%/\\"
_NO_CLOSING_AFTER = "([{"
_DUNDER = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_RUN = 3


def find_link_edits(text: str, labels: frozenset[str]) -> list[Edit]:
    """The edits that leave the text of links, the description of images, and nothing of footnote marks. `labels` are links defined."""
    edits: list[Edit] = []
    opened: list[tuple[int, int]] = []  # start and end of each opening bracket
    position = 0
    while found := _BRACKET.search(text, position):
        position = found.end()
        if found[0] != "]":
            if note := _FOOTNOTE.match(text, found.end() - 1):
                edits.append(Edit(note.start(), note.end(), "", _RULE))
                position = note.end()
            elif wiki := _WIKI.match(text, found.start()):
                edits.append(Edit(wiki.start(), wiki.start(1), "", _RULE))
                edits.append(Edit(wiki.end(1), wiki.end(), "", _RULE))
                position = wiki.end()
            else:
                opened.append(found.span())
            continue
        if not opened:
            continue
        start, inner = opened.pop()
        end = _link_end(text, start, inner, found.start(), labels)
        if end is not None:
            edits.append(Edit(start, inner, "", _RULE))
            if attributes := ATTRIBUTES.match(text, end):
                end = attributes.end()
            edits.append(Edit(found.start(), end, "", _RULE))
            position = end
    return sorted(edits, key=lambda edit: (edit.start, edit.end))


def _link_end(text: str, start: int, inner: int, closing: int, labels: frozenset[str]) -> int | None:
    """Where a link or an image ends whose text lies between `inner` and `closing`, or None where it is neither."""
    if closing - inner < 40 and (text[start : closing + 1].lower() in SOUNDS or PAUSE_TAG.fullmatch(text, start, closing + 1)):
        return None
    if target := _TARGET.match(text, closing + 1):
        return target.end()
    label = " ".join(text[inner : min(closing, inner + 201)].lower().split())
    reference = _REFERENCE.match(text, closing + 1)
    if reference is None:
        return closing + 1 if label in labels else None
    name = " ".join(reference[1].lower().split()) or label
    is_defined = name in labels or (not labels and reference[1].isdigit() and any(char.isalpha() for char in label))
    return reference.end() if is_defined else closing + 1 if label in labels else None


@dataclass
class _Opener:
    start: int
    end: int


def find_emphasis_edits(text: str) -> list[Edit]:
    """The edits that remove the marks of emphasis, strikethrough and highlighting. Time is linear."""
    edits = [
        Edit(start, end, "", _RULE)
        for strike in _STRIKE.finditer(text)
        for start, end in ((strike.start(), strike.start(2)), (strike.end(2), strike.end()))
    ]
    if "*" not in text and "_" not in text:
        return edits
    in_words = {at for pair in find_emphasis_in_words(text) for at in pair}
    edits += (Edit(at, at + 1, "", _RULE) for at in in_words)
    words = [word.start() for word in _WORD.finditer(text)]
    openers: dict[str, list[_Opener]] = {"*": [], "_": []}
    for run in _RUN.finditer(text):
        mark = run[0][0]
        if mark not in openers:
            openers = {"*": [], "_": []}
            continue
        if len(run[0]) > _LONGEST_RUN or run.start() in in_words:
            continue
        start = run.start()
        before, after = text[max(start - 1, 0) : start], text[run.end() : run.end() + 3]
        stack = openers[mark]
        if _can_close(mark, len(run[0]), before, after[:1]):
            while stack and start < run.end():
                opener = stack[-1]
                if mark == "_" and _is_identifier(text, opener, start, run.end()):
                    stack.pop()
                    break
                if not _holds_word(words, opener.end, start):
                    break
                size = min(2, opener.end - opener.start, run.end() - start)
                edits += Edit(opener.end - size, opener.end, "", _RULE), Edit(start, start + size, "", _RULE)
                opener.end -= size
                start += size
                if opener.start == opener.end:
                    stack.pop()
        if start == run.start() and _can_open(mark, text[max(start - 2, 0) : start], after, len(run[0])):
            stack.append(_Opener(start, run.end()))
    return sorted(edits, key=lambda edit: edit.start)


def _can_open(mark: str, before: str, after: str, length: int) -> bool:
    ahead, after = after, after[:1]
    if not after or after.isspace() or after in _NO_OPENING_BEFORE or (after == "." and ahead != "..."):
        return False
    if before[-1:].isalnum() and (mark == "_" or not _SPACELESS.match(before[-1])):
        # Within a word only the marks of bold, and not those of a power: text**bold**, but x**2.
        return mark == "*" and length == 2 and len(before) == 2 and before.isalpha() and after.isalpha()
    if mark == "_" and before and not before[-1].isspace() and before[-1] not in "\"'“‘«„([{—–-*~>":
        return False
    return mark == "*" or after.isalnum() or after in "\"'“‘«„([¿¡*~$#@…-—`"


def _can_close(mark: str, length: int, before: str, after: str) -> bool:
    if not before or before.isspace() or before in _NO_CLOSING_AFTER:
        return False
    return not after.isalnum() or (mark == "*" and (length > 1 or bool(_SPACELESS.match(after))))


def _holds_word(words: list[int], start: int, end: int) -> bool:
    index = bisect_left(words, start)
    return index < len(words) and words[index] < end


def _is_identifier(text: str, opener: _Opener, start: int, end: int) -> bool:
    """Whether the underscores belong to a name of Python, as in `__init__.py` or `__main__()`."""
    if opener.end - opener.start != 2 or start - opener.end > 40 or not _DUNDER.fullmatch(text, opener.end, start):
        return False
    following = text[end : end + 2]
    preceded = text[max(opener.start - 1, 0) : opener.start] in (".", "/", "\\")
    return (
        preceded
        or following[:1] in ("(", "[")
        or (following[:1] == "." and following[1:].isalnum())
        or text[opener.end : start] in _DUNDERS
    )


_DUNDERS = frozenset(("init", "main", "name", "file", "all", "doc", "dict", "str", "repr", "call", "enter", "exit", "new", "del", "slots"))
