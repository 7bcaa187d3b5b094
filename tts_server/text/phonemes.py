"""Words that carry their own pronunciation, from `[word](/ipa/)`, SSML or a dictionary, inside a text on its way to an engine.

Such a word is one token without spaces, in characters of the private use area, which `clean` removes from every text that a client sends.
So nothing that a client writes is mistaken for one, and no sentence or segment ends inside it.
"""

from __future__ import annotations

import re

MAX_PHONEME_SPAN = 120
"""Characters of a word and its pronunciation together, at most."""

_START, _MIDDLE, _END, _SPACE = "\ue000", "\ue001", "\ue002", "\ue003"

PHONEME_SPAN = re.compile(f"{_START}([^{_START}{_MIDDLE}{_END}]*){_MIDDLE}([^{_START}{_MIDDLE}{_END}]*){_END}")
"""Group 1: the word; group 2: its pronunciation in IPA. Use `span_word` and `span_ipa` to read them."""


def phoneme_span(word: str, ipa: str) -> str:
    """The token for `word` said as `ipa`. Raises ValueError where the two are longer than `MAX_PHONEME_SPAN` or one is empty."""
    word, ipa = " ".join(word.split()), " ".join(ipa.strip("/").split())
    if not word or not ipa or len(word) + len(ipa) > MAX_PHONEME_SPAN:
        raise ValueError(f"a word and its pronunciation have 1 to {MAX_PHONEME_SPAN} characters together")
    return f"{_START}{word}{_MIDDLE}{ipa}{_END}".replace(" ", _SPACE)


def span_word(match: re.Match[str]) -> str:
    """The word of a token found by `PHONEME_SPAN`, as it was written."""
    return match[1].replace(_SPACE, " ")


def span_ipa(match: re.Match[str]) -> str:
    """The pronunciation of a token found by `PHONEME_SPAN`, in IPA without slashes."""
    return match[2].replace(_SPACE, " ")


def without_phonemes(text: str) -> str:
    """The text with the words alone, as a reader would see it."""
    return PHONEME_SPAN.sub(span_word, text)
