"""A text as the pieces that an engine speaks one after the other: a short one first, then as long as the engine likes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from tts_server.speech import Segment
from tts_server.text.cuts import CLAUSE_PAUSE, SHORT, clause, cut
from tts_server.text.inline_tags import RATE_TAG
from tts_server.text.sentences import SPACELESS, End, sentence_end, skip_gap

SENTENCE_PAUSE = 0.3
"""Seconds of silence between two segments that end with a sentence."""

FIRST_SENTENCE_GROWTH = 1.4
"""The first segment may be longer than `first_chars` by this factor where it then ends with its sentence: a cut inside of a sentence is
audible, and 2.5 s more of speech delay the first audio by a small part of that."""

_DENSE_CHAR = re.compile(f"[{SPACELESS}\uac00-\ud7af]")
_SLOW_CHAR = re.compile(
    f"(?P<syllable>[{SPACELESS}\uac00-\ud7af])|(?P<spoken>[0-9$€£¥₹₩₽%&@#+=*/<>^~_|°\u0660-\u0669\u06f0-\u06f9\u0966-\u096f])"
    "|(?P<capital>[A-Z](?=[A-Z])|(?<=[A-Z])[A-Z])|(?P<consonant>[\u05d0-\u05ea\u0620-\u064a])"
)
"""Characters that take longer than a letter: syllables, digits and signs that are read as words, capitals that are spelled, and letters of
scripts that leave most vowels out; see `pace`."""

_WRAP_BETWEEN_SPACELESS = re.compile(f"(?<=[{SPACELESS}，、；：])\\s*\\n\\s*(?=[{SPACELESS}])")


class SegmentLimits(Protocol):
    """How long the segments of an engine may be, in characters; `Capabilities` has these."""

    @property
    def first_segment_chars(self) -> int: ...

    @property
    def max_segment_chars(self) -> int: ...

    @property
    def syllable_chars(self) -> int: ...


def segments(text: str, *, first_chars: int, max_chars: int, syllable_chars: int = 1) -> Iterator[Segment]:
    """Divide text that `clean` returned. Lazy, and linear in the length: looks about `max_chars` ahead of what it yields.

    No segment is longer than `max_chars` characters. The first is not longer than `first_chars` unless its first word is, or its sentence
    ends within FIRST_SENTENCE_GROWTH times that. A Han, Kana or Hangul character counts as `syllable_chars`: it takes about as long as
    three letters of an alphabet. Where that is above 1, digits, signs, spelled capitals and letters without vowels count for the time
    that they take, too.
    Together they hold every character of the text but spaces and pause tags, in order; a line feed inside a segment stands
    where a line ended without a full stop (a heading, a list item). A segment with an empty text is silence alone.
    `start` and `end` of a segment are offsets into `text`.
    """
    if not 1 <= syllable_chars <= max_chars or first_chars < 1:
        raise ValueError("first_chars and syllable_chars must be at least 1, and max_chars at least syllable_chars")
    packer = _Packer(text, max(syllable_chars, min(first_chars, max_chars)), max_chars, syllable_chars)
    pause = packer.skip_gap()
    if pause:
        yield Segment("", pause)
    while packer.position < len(text):
        yield packer.pack()


def segments_for(capabilities: SegmentLimits, text: str) -> Iterator[Segment]:
    """The segments of a text, with the lengths that an engine requires; see `segments`."""
    return segments(
        text,
        first_chars=capabilities.first_segment_chars,
        max_chars=capabilities.max_segment_chars,
        syllable_chars=capabilities.syllable_chars,
    )


class _Packer:
    """Goes through the text once, sentence by sentence."""

    def __init__(self, text: str, first_chars: int, max_chars: int, syllable_chars: int) -> None:
        self.position = 0
        self._text = text
        self._rate = 1.0
        self._limit = first_chars
        self._first_sentence_limit = min(int(FIRST_SENTENCE_GROWTH * first_chars), max_chars)
        self._max = max_chars
        self._syllable_chars = syllable_chars
        self._first = True
        self._whole = True  # the position is the beginning of a sentence
        self._found: tuple[int, tuple[int, End] | None] = (-1, None)

    def skip_gap(self) -> float:
        """Go to where words begin; returns the seconds of silence asked for until there."""
        _, pause = self._move(0, 0.0, whole=True)
        return pause

    def pack(self) -> Segment:
        """The next segment: the whole sentences that fit, or a part of one that does not."""
        text, start, rate = self._text, self.position, self._rate
        begins_inside, ends_inside = not self._whole, False
        pieces: list[tuple[int, int, End]] = []
        pause = 0.0
        breaks = False
        latest = self._reach(start, self._limit)
        latest_sentence_end = self._reach(start, self._first_sentence_limit) if self._first else latest
        while self.position < len(text) and not breaks:
            found = self._sentence_end()
            if found and found[0] <= latest_sentence_end:
                if pieces and self._first and not self._is_short(start, self.position):
                    break
                pieces.append((self.position, *found))
                breaks, pause = self._move(found[0], SENTENCE_PAUSE, whole=True)
                continue
            if not pieces:
                end, pause = cut(text, start, latest - start, self._reach(start, self._max) - start, found[0] if found else None)
            elif self._is_short(start, self.position) and (with_clause := clause(text, self.position, latest)):
                end, pause = with_clause, CLAUSE_PAUSE
            else:
                self._keep_for_short_ending(pieces, found)
                break
            pieces.append((self.position, end, End.MARK))
            _, pause = self._move(end, pause, whole=False)
            ends_inside = self.position < len(text) and not self._whole
            break
        self._limit, self._first = self._max, False
        if self.position >= len(text) and not breaks:
            pause = 0.0
        return Segment(self._joined(pieces), pause, rate, start, pieces[-1][1], begins_inside, ends_inside)

    def _reach(self, start: int, num_chars: int) -> int:
        """The end of the longest piece from `start` that counts as at most `num_chars` characters; it may lie beyond the text."""
        if self._syllable_chars == 1:
            return start + num_chars
        size = self._syllable_chars
        extras = {"syllable": size - 1, "spoken": 2 * size, "capital": size, "consonant": size // 2}
        end = start + num_chars
        for slow in _SLOW_CHAR.finditer(self._text, start, end):
            extra = extras[str(slow.lastgroup)]
            if slow.start() >= end - extra:
                return max(start + 1, min(end, slow.start()))
            end -= extra
        return end

    def _sentence_end(self) -> tuple[int, End] | None:
        position, found = self._found
        if position != self.position:
            found = sentence_end(self._text, self.position, self.position + self._max + SHORT, whole=self._whole)
            self._found = (self.position, found)
        return found

    def _move(self, end: int, pause: float, *, whole: bool) -> tuple[bool, float]:
        self.position, asked, breaks = skip_gap(self._text, end)
        for tag in RATE_TAG.finditer(self._text, end, self.position):
            self._rate = float(tag[1])
        self._whole = whole or breaks
        return breaks, asked if breaks else pause

    def _is_short(self, start: int, end: int) -> bool:
        """A Han, Kana or Hangul character counts as three."""
        return end - start < SHORT and end - start + 2 * len(_DENSE_CHAR.findall(self._text, start, end)) < SHORT

    def _keep_for_short_ending(self, pieces: list[tuple[int, int, End]], following: tuple[int, End] | None) -> None:
        """Leave the last sentence for the next segment where that would otherwise be a word or two alone, at the end of the text."""
        if len(pieces) < 2 or following is None or not self._is_short(self.position, following[0]):
            return
        is_last = following[1] is End.BREAK or following[0] >= len(self._text)
        if is_last and following[0] <= self._reach(pieces[-1][0], self._max):
            self.position = pieces.pop()[0]
            self._whole = True

    def _joined(self, pieces: list[tuple[int, int, End]]) -> str:
        parts: list[str] = []
        previous_end, previous = pieces[0][0], End.MARK
        for start, end, kind in pieces:
            if start > previous_end:
                parts.append("\n" if previous is End.LINE else " ")
            parts.append(" ".join(_WRAP_BETWEEN_SPACELESS.sub("", self._text[start:end]).split()))
            previous_end, previous = end, kind
        return "".join(parts)
