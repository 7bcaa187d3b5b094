"""Sounds that a text names, such as `[laugh]`, are left to models that can make them."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from tts_server.text.edits import EditedText
from tts_server.text.markup import SOUNDS
from tts_server.text.sounds import find_sound_edits


def without(text: str, kept: Collection[str]) -> str:
    return EditedText(text, find_sound_edits(text, kept)).text.strip()


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Well, [laugh] that was odd.", "Well, that was odd."),
        ("Oh [Clear Throat].", "Oh."),
        ("[sigh] Fine [cough] [groan] then", "Fine then"),
        ("Oh[laugh]really", "Oh really"),
        ("[chuckle]", ""),
        ("Read [chapter one] and [laughter] aloud.", "Read [chapter one] and [laughter] aloud."),
    ],
)
def test_sounds_are_taken_out_and_every_other_word_stays(text, spoken):
    assert without(text, ()) == spoken


def test_sounds_that_a_model_makes_stay():
    text = "Well, [laugh] that [sigh] was odd."
    assert without(text, SOUNDS) == text
    assert without(text, ("[laugh]",)) == "Well, [laugh] that was odd."
