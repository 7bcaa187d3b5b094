"""Emphasis of a part of a word by single asterisks, as in `un*believ*able` and `walk*s*`.

CommonMark takes any pair of asterisks between letters for emphasis. Here formulas (`a*b*c`) and masked words (`b*llsh*t`) hold none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PARTS = re.compile(r"(?<![\w*\\/])([^\W\d_]{0,40})\*([^\W\d_]{1,40})\*([^\W\d_]{0,40})(?![\w*/(])")
_CONSONANTS = re.compile("[bcdfghjklmnpqrstvwxzßçñбвгджзйклмнпрстфхцчшщъь]*", re.IGNORECASE)
_NAME_LENGTH = 5


def find_emphasis_in_words(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of the two asterisks around each emphasised part of a word. Time is linear."""
    for word in _PARTS.finditer(text):
        before, inner, after = word.groups()
        if (before or after) and _is_emphasis(before, inner, after):
            yield word.end(1), word.end(2)


def _is_emphasis(before: str, inner: str, after: str) -> bool:
    if max(len(before), len(after)) < 2 or (not after and len(before) < 2):
        return False  # a formula
    if min(len(before), len(inner), len(after)) >= _NAME_LENGTH:
        return False  # width*height*depth
    # Where asterisks mask the vowels of a word, a part between them has none.
    is_masked = (before and _CONSONANTS.fullmatch(before)) or (after and _CONSONANTS.fullmatch(inner))
    return not is_masked or (len(before) > 2 and len(inner) == 1 and not _CONSONANTS.fullmatch(before))
