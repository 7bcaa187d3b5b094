"""Sounds that a text names, such as `[laugh]`, are left to models that can make them."""

from __future__ import annotations

import pytest

from tts_server.text.markup import SOUNDS, without_sounds


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
    assert without_sounds(text, ()) == spoken


def test_sounds_that_a_model_makes_stay():
    text = "Well, [laugh] that [sigh] was odd."
    assert without_sounds(text, SOUNDS) == text
    assert without_sounds(text, ("[laugh]",)) == "Well, [laugh] that was odd."
