"""Where sentences end, in any script, found by looking at a few dozen characters around each mark.

No library decides this: pysbd is right less often, and the time sentencex takes grows with the square of a Chinese text's length.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterator

from tts_server.text.abbreviations import COMMON, GERMAN_BEFORE_ORDINALS, GERMAN_MONTHS, NUMBERED, STARTERS, TITLES
from tts_server.text.inline_tags import RATE_TAG
from tts_server.text.markup import PAUSE_TAG, pause_seconds

PARAGRAPH_PAUSE = 0.6
"""Seconds of silence that blank lines stand for."""

SPACELESS = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
"""Han and Kana as a regex class: scripts whose sentences follow each other without a space."""

CLOSERS = r")\]}）］｝】〕〉》」』〗〙〞\"'”’»›"
"""Brackets and quotes, as a regex class, that belong to the sentence whose end they follow."""

_FINAL = "。！？｡।॥؟۔։።፧፨။།༎។៕᠃᠉‼⁇⁈⁉‽๚๛"
_END = re.compile(
    rf"(?P<tag>{PAUSE_TAG.pattern}|{RATE_TAG.pattern})|(?P<blank>\n\s*\n)|(?P<line>\n)"
    rf"|(?:[.!?…‥{_FINAL}]|．(?![0-9０-９])|(?<=[\u0370-\u03ff\u1f00-\u1fff]);(?=\s|$))(?:[.!?…‥{_FINAL}{CLOSERS}]|\[[0-9]{{1,3}}\])*",
    re.IGNORECASE,
)
_GAP = re.compile(rf"\s*(?:{PAUSE_TAG.pattern}|(?P<rate>{RATE_TAG.pattern}))?", re.IGNORECASE)
_NEXT_WORD = re.compile(r"(?P<space>\s*)[\"'“”„‘’‚«»‹›()\[{¿¡—–\-*•_#]{0,8}\s?(?P<word>[^\W\d_]{0,20})(?P<after>.?)", re.DOTALL)
_SPACELESS_CHAR = re.compile(f"[{SPACELESS}「『（“‘《〈【]")
_FIRST_LETTER = re.compile(r"[\W\d_]{0,20}([^\W\d_])")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_LIST_MARK = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})*|[^\W\d_]|[ivxIVX]{1,5}")
_OPENERS = "\"'“„‘‚«»‹›([{¿¡—–-*•"
_LOOK_BACK = 48
_LOOK_AHEAD = 64
_WRAPPED_LINE = 50
_WRAPPED_LINE_SPACELESS = 30


class End(enum.Enum):
    """What ends a sentence."""

    MARK = "mark"
    LINE = "line"  # the line ends, though no mark ends the sentence: a heading, a list item
    BREAK = "break"  # a blank line, a pause tag or a rate tag


def sentence_end(text: str, start: int, horizon: int, *, whole: bool = True) -> tuple[int, End] | None:
    """Where the sentence that begins at `start` ends, or None where that is beyond the index `horizon`.

    `whole` is False where `start` lies within a sentence. Looks no further than a few dozen characters past `horizon`.
    """
    stop = min(len(text), horizon + _LOOK_AHEAD)
    for match in _END.finditer(text, start, stop):
        end = match.end()
        if match["tag"] or match["blank"]:
            return (match.start(), End.BREAK) if match.start() <= horizon else None
        if match["line"]:
            end, kind = match.start(), End.LINE
            ends = _line_ends(text, match.start())
        else:
            kind = End.MARK
            end = _with_trailers(text, end)
            ends = _mark_ends(text, start, match, end, whole)
        if ends:
            return (end, kind) if end <= horizon else None
        if match.start() > horizon:
            return None
    return (len(text), End.MARK) if len(text) <= horizon else None


def skip_gap(text: str, position: int) -> tuple[int, float, bool]:
    """Over spaces, blank lines, pause and rate tags: where words continue, the seconds of silence asked for, and whether any were."""
    seconds = 0.0
    lines = tags = 0
    while (gap := _GAP.match(text, position)) and gap.end() > position:
        lines = max(lines, gap[0].count("\n"))
        if gap["rate"]:
            tags += 1
        elif tag := PAUSE_TAG.search(text, position, gap.end()):
            tags += 1
            seconds += pause_seconds(tag)
        position = gap.end()
    if lines > 1:
        seconds += PARAGRAPH_PAUSE
    return position, seconds, bool(tags) or lines > 1


def sentences(text: str, longest: int = 1000) -> Iterator[str]:
    """The sentences of a text in order, without spaces around. One longer than `longest` characters comes in pieces."""
    position, _, _ = skip_gap(text, 0)
    whole = True
    while position < len(text):
        found = sentence_end(text, position, position + longest, whole=whole)
        end = found[0] if found else position + longest
        yield text[position:end].strip()
        whole = found is not None
        position, _, _ = skip_gap(text, end)


def _with_trailers(text: str, end: int) -> int:
    """Past what still belongs to the sentence: ` »`, a German “, an emoji."""
    if text[end : end + 1] == " " and text[end + 1 : end + 2] in ("»", "›"):
        return end + 2
    if text[end : end + 1] in ("“", "‘", "«") and (end + 1 == len(text) or text[end + 1].isspace()):
        return end + 1
    limit = min(len(text), end + 16)
    while end < limit and unicodedata.category(text[end]) in ("So", "Sk", "Mn", "Cf"):
        end += 1
    return end


def _line_ends(text: str, at: int) -> bool:
    """Whether the line feed at `at` ends a sentence. It does not where prose was wrapped to a width."""
    before = text[at - 1 : at]
    following = _NEXT_WORD.match(text, at, at + _LOOK_AHEAD)
    after = text[following.end("space") : following.end("space") + 1] if following else ""
    if after.islower() or before in ".":
        return False  # a full stop there has been judged already
    line_start = text.rfind("\n", max(0, at - _WRAPPED_LINE), at) + 1 or max(0, at - _WRAPPED_LINE)
    if _SPACELESS_CHAR.match(before) and _SPACELESS_CHAR.match(after):
        return at - line_start < _WRAPPED_LINE_SPACELESS
    return not (at - line_start >= _WRAPPED_LINE and (before.isalnum() or before == ",") and after.isalpha())


def _mark_ends(text: str, start: int, match: re.Match[str], end: int, whole: bool) -> bool:
    """Whether the marks of `match`, in the sentence that began at `start`, end it."""
    marks = match[0].rstrip("\"'”’»›)]}）］｝】〕〉》」』〗〙")
    closed = len(marks) < len(match[0])
    following = text[end : end + 1]
    ahead = _NEXT_WORD.match(text, end, end + _LOOK_AHEAD)
    rest = text[ahead.start("word") : ahead.start("word") + 1] if ahead else ""
    if any(mark in _FINAL or mark == "．" for mark in marks):
        if marks.endswith(("།", "༎")):
            return not following or following.isspace()
        speech_goes_on = following in ("と", "っ") or rest.islower() or (marks[-1] in "！？!?" and following.isalpha())
        return not (closed and speech_goes_on)
    if following and not following.isspace():
        if not _SPACELESS_CHAR.match(following) or closed:
            return False
        return marks[-1] in "!?" or (marks == "." and bool(_SPACELESS_CHAR.match(text[match.start() - 1 : match.start()])))
    if not ahead or not rest:
        return True
    writes_small = whole and (letter := _FIRST_LETTER.match(text, start)) is not None and letter[1].islower()
    if marks != ".":
        if not rest.islower():
            return True
        return writes_small and not closed and marks[-1] in "!?;"
    if closed:
        return not rest.islower() or writes_small
    return _full_stop_ends(text, start, match.start(), ahead, rest, writes_small)


def _full_stop_ends(text: str, start: int, at: int, ahead: re.Match[str], rest: str, writes_small: bool) -> bool:
    """The same for a single full stop at `at`, which may also belong to an abbreviation, an initial or a number."""
    words = text[max(start, at - _LOOK_BACK) : at].split()
    token = words[-1].lstrip(_OPENERS) if words and not text[at - 1].isspace() else ""
    key = token.lower()
    if rest.islower():
        return writes_small and key not in TITLES | COMMON and not _DOTTED.fullmatch(token) and len(token) > 1
    if len(words) == 1 and at - start <= len(words[0]) and _LIST_MARK.fullmatch(token):
        return False
    next_word = ahead["word"].lower()
    if key in TITLES or (key in NUMBERED and rest.isdigit()):
        return False
    if token.isdigit() and (next_word in GERMAN_MONTHS or (len(words) > 1 and words[-2].lower() in GERMAN_BEFORE_ORDINALS)):
        return False
    initial = len(token) == 1 and token.isupper()
    if initial or key in COMMON or _DOTTED.fullmatch(token):
        if "\n" in ahead["space"] and not initial:
            return True
        caseless = rest.isalpha() and not rest.isupper()
        return (caseless and not initial) or (next_word in STARTERS and ahead["after"] != ".")
    return True
