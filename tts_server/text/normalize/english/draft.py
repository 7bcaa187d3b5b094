"""The edits found so far in a text, and what stands around a place in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from tts_server.text.abbreviations import STARTERS
from tts_server.text.edits import Edit

_LOOK = 40
_DIGIT = re.compile(r"[\d½⅓⅔¼¾⅐-⅞²³¹⁰-₉]")
_NUMBER = re.compile(
    r"[\d½⅓⅔¼¾⅐-⅞]\d*(?=(?P<next>[ \u00a0\u202f\u2009]?[^\s.,:]|[ \u00a0]?[.,:](?=[ \u00a0]?[\d.])|))",
)
_DIGIT_RUN = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_½⅓⅔¼¾⅐-⅞²³¹⁰-₉]+")
_NEW_EDITS = 24  # edits after which the numbers that they cover are left out of later searches
_NEXT_WORD = re.compile(r"[ \u00a0]?([^\W\d_]{1,30}(?:['’][^\W\d_]{1,6})?)")
_SENTENCE_GAP = re.compile(r"[\"'”’)\]]{0,3}(?:\s{1,3}[\"'“‘(\[]{0,2}([^\W\d_]{0,30}))?")
_WORD_EDGES = "\"'“”‘’()[]{},;:!?*_"

FUNCTION_WORDS = frozenset(
    """
    a an the and or but nor so yet if than then that this these those of in on at to by for with from into onto over under after before
    since until till during about between through per as is are was were be been being am has have had do does did can could will would
    shall should may might must not no it he she they we you i who which what when where why how all any both each few more most some
    such only own same too very just also even still there here now ago later away left off out up down apart or versus plus minus
    because while although though unless whether however therefore else instead together today yesterday tomorrow
    """.split()
)
"""Words that cannot be the noun that a price, a measure or a number belongs to."""

_NOT_PLURAL = frozenset(
    """
    is was has does as this its his us thus always perhaps sometimes besides towards unless across plus yes versus series less class
    pass press process success access business address loss mass glass grass cross gas bus plus campus virus bonus status basis crisis
    analysis thesis news afterwards upwards downwards backwards forwards needs gets says goes comes makes takes seems means shows
    begins starts ends remains becomes brings marks sees looks works runs
    """.split()
)
_IRREGULAR_PLURALS = frozenset("people men women children feet teeth mice geese sheep fish deer police cattle dice lives wives".split())


def followed_by(chars: str, spaced: str = "") -> frozenset[str]:
    """What `Draft.find_at_numbers` takes as `after`: characters right after the digits, and others after a space."""
    return frozenset([*chars, *(f" {char}" for char in spaced)])


def _number_starts(text: str) -> dict[str, list[int]]:
    """Where numbers begin, at the first digit and at a decimal point before it, by what follows their digits.

    The keys are a character, a space and a character, or "" before a gap, the end of a clause or the end of the text.
    """
    starts: dict[str, list[int]] = {}
    is_ascii = text.isascii()
    for found in _NUMBER.finditer(text):
        start, following = found.start(), found[1]
        if not is_ascii and following[:1] in "\u00a0\u202f\u2009" and following:
            following = f" {following[1:]}"
        group = starts.setdefault(following, [])
        if start and text[start - 1] == "." and not text[max(0, start - 2) : start - 1].isdigit():
            group.append(start - 1)
        group.append(start)
    return starts


class Draft:
    """A text and the edits that are found in it, pass after pass; no two edits overlap."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._edits: list[tuple[int, int, str, str]] = []
        self._taken = bytearray(len(text))
        self._numbers: dict[str, list[int]] | None = None
        self._known_edits = 0

        self.has_digits = _DIGIT.search(text) is not None
        self.words = frozenset(_WORD.findall(text))
        """All runs of letters in the text: a pass whose words do not occur has nothing to find."""

    def has_word(self, words: frozenset[str]) -> bool:
        """Whether one of `words` occurs in the text."""
        return not self.words.isdisjoint(words)

    def _starts(self, after: frozenset[str] | None) -> list[int]:
        """Where numbers begin that no edit covers, in their order; only those followed by one of `after`, if it is given."""
        if self._numbers is None:
            self._numbers = _number_starts(self.text)
        if len(self._edits) > self._known_edits + _NEW_EDITS:
            taken = self._taken
            self._numbers = {key: free for key, group in self._numbers.items() if (free := [start for start in group if not taken[start]])}
            self._known_edits = len(self._edits)
        numbers = self._numbers
        groups = list(numbers.values()) if after is None else [numbers[key] for key in numbers if key in after]
        return groups[0] if len(groups) == 1 else sorted(chain.from_iterable(groups))

    def find_at_numbers(
        self, pattern: re.Pattern[str], signs: str = "", *, after: frozenset[str] | None = None, is_signed: bool = False
    ) -> Iterator[re.Match[str]]:
        """The matches of `pattern` that begin at a number, or at one of the `signs` just before it, where no edit is yet.

        `after` says what can follow the first digits (see `followed_by`), so that the pattern need not be tried at other numbers.
        Where `is_signed`, the pattern has a sign before the digits.
        """
        if not self.has_digits:
            return
        text, taken, match = self.text, self._taken, pattern.match
        position = 0
        for start in self._starts(after):
            if start < position or taken[start] or (is_signed and text[start - 1 : start] not in signs):
                continue
            found = None
            if signs and start and text[start - 1] in signs and (text[start - 1] != " " or text[start - 2 : start - 1] in signs):
                head = start - 1
                while head > max(position, start - 3) and text[head - 1] in signs:
                    head -= 1
                while head < start and found is None:
                    if head >= position and text[head] != " ":
                        found = match(text, head)
                    head += 1
            if found is None and not is_signed:
                found = match(text, start)
            if found is not None:
                position = found.end()
                yield found

    def free_digits(self) -> Iterator[int]:
        """Where runs of digits begin that no edit covers, or covers only in part."""
        free = self._taken.find
        return (found.start() for found in _DIGIT_RUN.finditer(self.text) if free(0, found.start(), found.end()) >= 0)

    def is_free(self, start: int, end: int) -> bool:
        """Whether no edit covers any of these characters."""
        return self._taken.find(1, start, end) < 0

    def add(self, start: int, end: int, words: str, rule: str) -> bool:
        """Add an edit unless another covers some of these characters; say whether it was added."""
        if self._taken.find(1, start, end) >= 0:
            return False
        self._taken[start:end] = b"\x01" * (end - start)
        self._edits.append((start, end, words, rule))
        return True

    def finish(self) -> list[Edit]:
        """The edits in order, with spaces where words would run together; those that change nothing are left out."""
        text = self.text
        finished: list[Edit] = []
        previous_end, last = 0, ""
        for start, end, words, rule in sorted(self._edits):
            if start > previous_end:
                last = text[start - 1]
            following = text[end : end + 1]
            if words and rule != "plural":
                if words[0].isalnum() and last and (last.isalnum() or last in ",;:!?)%\ufffc"):
                    words = f" {words}"
                if words[-1].isalnum() and (following.isalnum() or following in ("\ufffc", "(") and following):
                    words = f"{words} "
            elif (
                not words
                and last
                and following
                and not last.isspace()
                and not following.isspace()
                and (following.isalnum() or following == "\ufffc")
            ):
                words = " "
            if words:
                last = words[-1]
            previous_end = end
            if words != text[start:end]:
                finished.append(Edit(start, end, words, rule))
        return finished


def word_before(text: str, position: int) -> str:
    """The token before `position` without quotes and brackets around it, or "" at the head of a line."""
    before = text[max(0, position - _LOOK) : position]
    before = before.rsplit("\n", 1)[-1].rstrip()
    return before.rsplit(None, 1)[-1].strip(_WORD_EDGES) if before else ""


def words_before(text: str, position: int) -> list[str]:
    """The last few tokens before `position` in its line, in order, with their punctuation."""
    return text[max(0, position - _LOOK) : position].rsplit("\n", 1)[-1].split()


def word_after(text: str, position: int) -> str:
    """The word after `position` and one space, or "" where something else follows."""
    found = _NEXT_WORD.match(text, position)
    return found[1] if found else ""


def is_plural(word: str) -> bool:
    """Whether a word in lower case looks like the plural of a noun."""
    if word in _IRREGULAR_PLURALS:
        return True
    return len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s", "’s")) and word not in _NOT_PLURAL


def ends_sentence(text: str, position: int) -> bool:
    """Whether a full stop just before `position` that belongs to an abbreviation also ends the sentence."""
    gap = _SENTENCE_GAP.match(text, position)
    if gap is None or gap.end() == len(text) and not gap[1]:
        return True
    if "\n" in gap[0]:
        return True
    if gap[1] is None or not gap[1]:
        return False
    return gap[1][0].isupper() and gap[1].lower() in STARTERS


def is_sentence_start(text: str, position: int) -> bool:
    """Whether `position` is the first word of a sentence or a line."""
    before = text[max(0, position - 4) : position].rstrip(" \"'“‘(")
    return (
        position <= 3
        and not before
        or before.endswith(("\n", ".", "!", "?", ":"))
        or (not before and "\n" in text[max(0, position - 4) : position])
    )
