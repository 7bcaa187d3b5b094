"""Marks in the text that mean silence or a sound instead of words."""

from __future__ import annotations

import re

MAX_PAUSE = 10.0
"""The longest silence one tag can ask for, in seconds."""

PAUSE_TAG = re.compile(
    r"\[[ \t]{0,4}pause[ \t]{0,4}:[ \t]{0,4}([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})[ \t]{0,4}(ms|s)?[ \t]{0,4}\]",
    re.IGNORECASE,
)
"""`[pause:0.5s]`, `[pause:500ms]`, `[pause:1]`. Anything else in brackets is text, and is spoken. Every repeat is bounded, so a hostile
text cannot make the search slow."""


SOUNDS = frozenset(("[clear throat]", "[sigh]", "[shush]", "[cough]", "[groan]", "[sniff]", "[gasp]", "[chuckle]", "[laugh]"))
"""Sounds that a text may name; some models make them."""


def total_pause(text: str) -> float:
    """All the silence that the tags of a text ask for, in seconds."""
    return sum(pause_seconds(tag) for tag in PAUSE_TAG.finditer(text))


def pause_seconds(tag: re.Match[str]) -> float:
    """How long the silence of a tag found by `PAUSE_TAG` is, 0 to `MAX_PAUSE` seconds."""
    number, unit = tag.groups()
    seconds = float(number) / 1000 if (unit or "s").lower() == "ms" else float(number)
    return min(seconds, MAX_PAUSE)
