"""A span of a text with the words around it, for rules that depend on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_LOOK = 48
_AFTER = re.compile(r"[ \u00a0\u202f-]?(?P<word>[^\W\d_]{1,40})")
_BETWEEN = frozenset(" \u00a0\u202f'’-")
_MOST_BETWEEN = 3
_LONGEST_ABBREVIATION = 10
_ABBREVIATION = re.compile(r"(?<!\w)([^\W\d_]{1,8}\.)[ \u00a0]?\Z")
_WORDS = re.compile(r"[^\W\d_]{1,40}")


@dataclass(frozen=True)
class Place:
    """The characters `start` to `end` of `text`. All looks around are bounded to a few dozen characters."""

    text: str
    start: int
    end: int

    @cached_property
    def before(self) -> str:
        """The characters before, back to the last line end."""
        return self.text[max(0, self.start - _LOOK) : self.start].rpartition("\n")[2]

    @cached_property
    def after(self) -> str:
        """The characters after, up to the next line end."""
        return self.text[self.end : self.end + _LOOK].partition("\n")[0]

    @property
    def word_before(self) -> str:
        """The word before, if no more than three spaces, hyphens or apostrophes are between."""
        text, end = self.text, self.start
        first = max(0, end - _LOOK)
        for _ in range(_MOST_BETWEEN):
            if end > first and text[end - 1] in _BETWEEN:
                end -= 1
        start = end
        while start > first and text[start - 1].isalpha():
            start -= 1
        return text[start:end]

    @property
    def abbreviation_before(self) -> str:
        """The word with a full stop before, if no more than a space is between."""
        found = _ABBREVIATION.search(self.text, max(0, self.start - _LONGEST_ABBREVIATION), self.start)
        return found[1] if found else ""

    @property
    def words_before(self) -> list[str]:
        """The words before in their order, whatever is between."""
        return _WORDS.findall(self.before)

    @property
    def word_after(self) -> str:
        """The word after, if no more than a space or hyphen is between."""
        found = _AFTER.match(self.text, self.end)
        return found["word"] if found else ""

    @property
    def words_after(self) -> list[str]:
        """The words after up to the next punctuation mark."""
        return _WORDS.findall(re.split(r"[^\w\s]", self.after, maxsplit=1)[0])
