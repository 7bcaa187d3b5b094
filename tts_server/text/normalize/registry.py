"""The normalizers of all languages but English, by code.

A language is one module with a function `find_edits(text, language)` and one line here. Most modules hold a subclass of
`language_rules.LanguageRules` and hand it to `scanner.find_edits`; a language without spaces may bring a reader of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from tts_server.text.edits import Edit

_MODULES = {
    "ar": "plain_world",
    "da": "plain_europe",
    "de": "german",
    "el": "plain_europe",
    "es": "spanish",
    "fi": "plain_europe",
    "fr": "french",
    "he": "plain_world",
    "hi": "plain_world",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "ms": "plain_world",
    "nb": "plain_europe",
    "nl": "dutch",
    "nn": "plain_europe",
    "no": "plain_europe",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "sw": "plain_world",
    "tr": "turkish",
    "zh": "chinese",
}
"""Module by language. One is imported when the first text of its language comes."""


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a text in words of a language: in order, not overlapping, offsets into `text`.

    `language` is a two-letter code, with or without region. None are found for English, which has its own rules, and for unknown codes.
    """
    code = language.lower().replace("_", "-").partition("-")[0]
    if code not in _MODULES:
        return []
    module = importlib.import_module(f"tts_server.text.normalize.{_MODULES[code]}")
    return cast("Callable[[str, str], list[Edit]]", module.find_edits)(text, code)
