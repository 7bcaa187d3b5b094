"""Compatibility characters become the plain ones; those that carry a meaning of their own stay."""

from __future__ import annotations

import pytest

from tts_server.text.edits import EditedText
from tts_server.text.fold import find_fold_edits


def folded(text: str) -> str:
    return EditedText(text, find_fold_edits(text)).text


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("￥５００", "¥500"),
        ("ﬁne", "fine"),
        ("𝐁𝐨𝐥𝐝", "Bold"),
        ("5㎏, 3㎡", "5kg, 3m²"),
        ("20℃", "20°C"),
        ("１．５", "1.5"),
        ("１０：３０", "10:30"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("4ᵗʰ", "4th"),
        ("①②", " 1  2 "),
        ("Ⅳ", "IV"),
        ("10～20", "10~20"),
        ("１，０００円", "1,000円"),
        ("５００，１０", "500，10"),
    ],
)
def test_a_compatibility_character_becomes_the_plain_one(written: str, plain: str) -> None:
    assert folded(written) == plain


@pytest.mark.parametrize("text", ["2½", "x²", "CO₂", "Parlance™", "№ 7", "Wait…", "你好！（好）", "1ª", "ㅋㅋㅋ", "naïve Äpfel", "привет"])
def test_what_has_a_meaning_of_its_own_stays(text: str) -> None:
    assert folded(text) == text
