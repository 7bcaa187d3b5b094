"""Regular expressions for one of many words, arranged by their first characters so that a search does not try each of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable


def one_of(words: Iterable[str]) -> str:
    """A pattern for any of `words`, the longest that fits first."""
    return _pattern(sorted(set(words)))


def _pattern(words: list[str]) -> str:
    branches = [
        re.escape(char) + _pattern([word[1:] for word in group])
        for char, group in itertools.groupby([word for word in words if word], key=lambda word: word[0])
    ]
    if not branches:
        return ""
    joined = branches[0] if len(branches) == 1 and "" not in words else "(?:" + "|".join(branches) + ")"
    return f"{joined}?" if "" in words else joined
