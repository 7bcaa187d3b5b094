"""Changes to a text that remember which characters of the original each character came from."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

SPACE = "space"
"""The rule of edits that only tidy spaces. Where one touches an earlier edit, the rule of the earlier one names the whole."""


@dataclass(frozen=True)
class Edit:
    """The characters `start` to `end` of a text are replaced by `text`; `rule` names the kind of change, such as `money`."""

    start: int
    end: int
    text: str
    rule: str


class EditedText:
    """A text after one or more rounds of edits: `source` as it was, `text` as it is, `edits` from the one to the other.

    The edits are in order and do not overlap; their offsets are character offsets into `source`.
    """

    def __init__(self, source: str, edits: Iterable[Edit] = ()) -> None:
        self.source = source
        self.edits: tuple[Edit, ...] = tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))
        pieces: list[str] = []
        self._starts: list[int] = []  # where each edit's text begins in `text`
        self._ends: list[int] = []
        position = length = 0
        for edit in self.edits:
            if not position <= edit.start <= edit.end <= len(source):
                raise ValueError(f"edits overlap or lie outside of the text: {edit}")
            pieces += source[position : edit.start], edit.text
            length += edit.start - position
            self._starts.append(length)
            length += len(edit.text)
            self._ends.append(length)
            position = edit.end
        pieces.append(source[position:])
        self.text = "".join(pieces)

    def apply(self, edits: Iterable[Edit]) -> EditedText:
        """This text after a further round of edits, whose offsets are into `text`. Raises ValueError where they overlap.

        A new edit that touches an earlier one is joined with it, and its rule names the whole, unless that is `SPACE`.
        Time is linear in the number of edits.
        """
        new = sorted(edits, key=lambda edit: (edit.start, edit.end))
        if not new:
            return self
        old = list(zip(self._starts, self._ends, self.edits, strict=True))
        merged: list[Edit] = []
        shift = index = 0  # what to add to an offset into `text` after the old edits so far
        position = 0
        at = 0
        while at < len(new):
            edit = new[at]
            if not position <= edit.start <= edit.end <= len(self.text):
                raise ValueError(f"edits overlap or lie outside of the text: {edit}")
            while index < len(old) and old[index][1] <= edit.start and not _touches(old[index], edit):
                merged.append(old[index][2])
                shift = old[index][2].end - old[index][1]
                index += 1
            if (index == len(old) or old[index][0] > edit.end) and (at + 1 == len(new) or new[at + 1].start >= edit.end):
                merged.append(Edit(edit.start + shift, edit.end + shift, edit.text, edit.rule))
                position, at = edit.end, at + 1
                continue
            first, last = edit.start, edit.end  # the span of `text` that becomes one edit
            pieces: list[str] = []
            source_start: int | None = None
            written = first
            rule = edit.rule
            while True:
                if index < len(old) and _touches(old[index], Edit(first, last, "", "")):
                    start, end, before = old[index]
                    if start < first:
                        pieces.insert(0, self.text[start:first])
                        first = start
                    if source_start is None:
                        source_start = before.start if start <= first else first + shift
                    last = max(last, end)
                    rule = before.rule if rule == SPACE else rule
                    shift = before.end - end
                    index += 1
                elif at < len(new) and (new[at] is edit or new[at].start < last):
                    if source_start is None:
                        source_start = first + shift
                    if new[at].start < written:
                        raise ValueError(f"edits overlap: {new[at]}")
                    pieces += self.text[written : new[at].start], new[at].text
                    edit, written = new[at], new[at].end
                    rule = edit.rule if edit.rule != SPACE else rule
                    last = max(last, edit.end)
                    at += 1
                else:
                    break
            pieces.append(self.text[written:last])
            merged.append(Edit(source_start if source_start is not None else first + shift, last + shift, "".join(pieces), rule))
            position = last
        merged += [before for _, _, before in old[index:]]
        return EditedText(self.source, merged)

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """The characters of `source` that the characters `start` to `end` of `text` came from.

        Where an edit covers an end of the span, all characters that the edit replaced are included.
        """
        first, last = self._source_offset(start, is_end=False), self._source_offset(max(start, end), is_end=True)
        return min(first, last), max(first, last)

    def _source_offset(self, offset: int, *, is_end: bool) -> int:
        if is_end:
            index = bisect_left(self._starts, offset) - 1  # the last edit that begins before the offset
            if index < 0:
                return offset
            edit = self.edits[index]
            return edit.end if offset <= self._ends[index] else edit.end + offset - self._ends[index]
        index = bisect_right(self._starts, offset) - 1  # the last edit that begins at or before the offset
        if index < 0:
            return offset
        edit = self.edits[index]
        return edit.start if offset < self._ends[index] else edit.end + offset - self._ends[index]


def _touches(old: tuple[int, int, Edit], new: Edit) -> bool:
    """Whether an earlier edit's text shares characters with the span of a new one; an empty text belongs to a span around it."""
    start, end, _ = old
    if start == end or new.start == new.end:
        return new.start < start < new.end or start < new.start < end or (start == new.start and end == new.end)
    return start < new.end and new.start < end
