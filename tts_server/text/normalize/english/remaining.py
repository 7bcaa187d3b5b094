"""Digits that no other pass has read."""

from __future__ import annotations

import re
import unicodedata

from tts_server.text.normalize.english.draft import Draft, is_sentence_start
from tts_server.text.normalize.english.numbers import cardinal, digits, integer, plural_words

_DIGITS = re.compile(r"(?P<whole>\d(?:\d{0,2}(?:,\d{3})+(?!\d)|\d*))(?P<fraction>\.\d+)?(?P<plural>['’]?s(?![\w]))?")
_POINT = re.compile(r"\.(?<![\w.]\.)(\d+)")


def find_remaining(draft: Draft) -> None:
    """Read every digit that no other pass has read."""
    if not draft.has_digits:
        return
    text = draft.text
    if "." in text:
        _find_points(draft)
    position = 0
    for head in draft.free_digits():
        if head < position or (found := _DIGITS.match(text, head)) is None:
            continue
        start, end = found.span()
        position = end
        whole, fraction = found["whole"], found["fraction"]
        if _is_negative(text, start) and draft.is_free(start - 1, end):
            start -= 1
        if not draft.is_free(start, end):
            start = found.start("whole")
            end = found.end("whole")
            fraction = None
            if not draft.is_free(start, end):
                _fill(draft, found.start("whole"), found.end("fraction") if found["fraction"] else end)
                continue
        plain = whole.replace(",", "")
        ascii_digits = "".join(str(unicodedata.decimal(char)) for char in plain)
        if whole != plain and len(ascii_digits.rstrip("0")) <= 15 and len(ascii_digits) <= 36 and ascii_digits[0] != "0":
            words = cardinal(int(ascii_digits))
        else:
            words = integer(ascii_digits)
        rule = "cardinal"
        if fraction:
            words += f" point {digits(fraction)}"
            rule = "decimal"
        if found["plural"] and end == found.end():
            words = plural_words(words)
            if whole.strip("0,") == "1" and whole != "1" and text[end : end + 4] == " of ":
                words = words.removeprefix("one ")
        if start < found.start():
            words = f"minus {words}"
        elif len(ascii_digits) > 15 or (ascii_digits[0] == "0" and len(ascii_digits) > 1):
            rule = "digits"
        if is_sentence_start(text, start) and start < 3:
            words = words[0].upper() + words[1:]
        draft.add(start, end, words, rule)


def _find_points(draft: Draft) -> None:
    """Read decimals without a digit before the point."""
    for found in _POINT.finditer(draft.text):
        draft.add(found.start(), found.end(), f"point {digits(found[1])}", "decimal")


def _is_negative(text: str, start: int) -> bool:
    """Whether a minus sign, and no word or bracket before it, stands before a number."""
    return start > 0 and text[start - 1] in "-−" and not (start > 1 and (text[start - 2].isalnum() or text[start - 2] in "_)"))


def _fill(draft: Draft, start: int, end: int) -> None:
    """Read the digits in a stretch that another edit covers in part."""
    position = start
    while position < end:
        if not draft.is_free(position, position + 1):
            position += 1
            continue
        stop = position
        while stop < end and draft.is_free(stop, stop + 1):
            stop += 1
        if any(map(str.isdecimal, draft.text[position:stop])):
            draft.add(position, stop, digits(draft.text[position:stop]), "digits")
        position = stop
