"""Tags of this server inside a plain text: `[word](/ipa/)`, a word with its pronunciation, and `[voice:name]`, which switches the voice."""

from __future__ import annotations

import re

from tts_server.text.markup.marks import literal
from tts_server.text.phonemes import phoneme_span

INLINE_PHONEMES = re.compile(r"\[([^\[\]\n]{1,60})\]\(/([^/\n()0-9_=?#%&<>]{1,110})/\)")
INLINE_VOICE = re.compile(r"\[[ \t]?voice[ \t]?:[ \t]?([^\[\]\n]{1,100})\]|\[[ \t]?/[ \t]?voice[ \t]?\]", re.IGNORECASE)
"""Group 1: the name, none for `[/voice]`."""


def inline_phonemes(found: re.Match[str]) -> str | None:
    """The token for a word found by `INLINE_PHONEMES`, or None where it is too long for one."""
    try:
        return literal(phoneme_span(found[1].strip("*_`"), found[2]))
    except ValueError:
        return None
