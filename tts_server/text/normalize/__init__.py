"""Written forms as words: numbers, dates, money, units, abbreviations and signs, by language."""

from __future__ import annotations

from tts_server.text.edits import Edit
from tts_server.text.normalize import english, registry

__all__ = ["find_edits"]


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a text in words of a language: in order, not overlapping, offsets into `text`. None for unknown languages."""
    if language.lower().partition("-")[0] == "en":
        return english.find_edits(text)
    return registry.find_edits(text, language)
