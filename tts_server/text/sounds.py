"""Removes the sounds that a text names, such as `[laugh]`, for models that cannot make them and would speak the names."""

from __future__ import annotations

import re
from collections.abc import Collection

from tts_server.text.edits import Edit
from tts_server.text.markup import SOUNDS

_SOUND = re.compile(r" ?(" + "|".join(re.escape(sound) for sound in sorted(SOUNDS)) + r")(?=(\w)?)", re.IGNORECASE)


def find_sound_edits(text: str, kept: Collection[str]) -> list[Edit]:
    """The edits that remove the sounds that are not among the `kept`, which are in lower case and brackets."""
    return [
        Edit(found.start(), found.end(), " " if found[2] else "", "sound")
        for found in _SOUND.finditer(text)
        if found[1].lower() not in kept
    ]
