"""Any text gets edits that can be applied, in time that does not explode, and no digit is left over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_server.text.edits import Edit, EditedText
from tts_server.text.normalize.english import find_edits

PATTERNS = [
    "1", "1,", "1.", "0", "0.", "a.", "A.", "$", "$1", "((((", "I", "IV", "-", "- ", "1-", "1/", "1:", "1 ", "1 000 ", "10 ", "a1",
    "A1-", "a-", "#",
    "#a", "@", "@a", "a@", "a@b.", "://", "http://", "a://", "/", "/a", "\\", "x", "1x", "1 x ", "²", "½", "1½", "1°", "'", "\"",
    "1'", "1\"", "A ",
    "AB ", "ABC", "THE ", "Jan ", "Jan. ", "1 Jan ", "Mon-", "St. ", "Dr. A ", "no. ", "no. 1", "p. ", "1 km ", "1km/", "%", "1%-",
    "€1 ", "1€",
    "+1 ", "+1 (2) ", "(555) ", "555-", "0123 ", "v1.", "1e", "^", "1^", "🎉", "★", "—", "=", "<", ">", "&", "a&", "[1]", "[", "_",
    "a_", "~", "|",
    ".com", "www.", "a.com ", "1 a.m. ", "Part I ", "Henry I ", "\n", " ", "\ufffc", "1\ufffc", "١", "aA", "(s)", "x(s)", "1st ",
    "1990s ", "U.S. ",
    "1 billion ", "$1-", "5'10", "1±", "1,0", "12,5 ", "1.000.", "1'000", "a/b", "S", "A&", "3 1/2 ",
    "30 6/2=", "3 5/2027 ", "1h 1m ", "1d", "1m1s", "1 000-", "A-1-", "part I we ", "1.5k", "#A-1 ", "1.x ",
]  # fmt: skip


def check_edits(text: str, edits: list[Edit]) -> None:
    position = 0
    for edit in edits:
        assert position <= edit.start < edit.end <= len(text)
        assert edit.text != text[edit.start : edit.end]
        assert "\ufffc" not in text[edit.start : edit.end]
        position = edit.end
    assert EditedText(text, edits).edits == tuple(edits)


@pytest.mark.parametrize("length", [4096, 40000])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_repeated_pattern_is_read_to_its_end(pattern: str, length: int) -> None:
    text = (pattern * length)[:length]
    edits = find_edits(text)
    check_edits(text, edits)
    assert len(edits) <= length
    assert len(EditedText(text, edits).text) <= 24 * length


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_twice_as_long_has_about_twice_as_many_edits(pattern: str) -> None:
    once, twice = (len(find_edits(pattern * repeats)) for repeats in (120, 240))
    assert twice <= 2.5 * once + 8


TOKENS = st.sampled_from(
    """
    0 1 7 12 007 1905 2024 5,000 3.14 . , - – − / : ; $ € £ % ° ' " ( ) [ ] # @ & + × ÷ = ≠ ≤ ~ ½ ² ₂ km kg am p.m. st th s K bn I IV XII
    Part Henry Dr. St. no. Jan Oct. Mon e.g. FBI THE a the of http:// x.com jo@x.com C# … 🎉 ★ x v _
    """.split()
    + ["\n", "\ufffc"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(TOKENS, st.sampled_from(["", " ", ""])), max_size=24))
def test_any_mixture_of_forms_gives_edits_that_do_not_overlap(tokens: list[tuple[str, str]]) -> None:
    text = "".join(token + gap for token, gap in tokens)
    edits = find_edits(text)
    check_edits(text, edits)
    assert not any(char.isdigit() for char in EditedText(text, edits).text)


@pytest.mark.parametrize("space", ["\u2003", "\u3000", "\x1f", "\t", "\x0b"])
def test_unusual_spaces_before_a_number_are_no_word(space: str) -> None:
    for form in ("1/2", "5 km", "6:00", "1905", "$5", "120/80", "9/9"):
        check_edits(f"{space} {form}", find_edits(f"{space} {form}"))


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=120))
def test_any_text_gives_edits_that_do_not_overlap(text: str) -> None:
    check_edits(text, find_edits(text))


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="0123456789.,:;-–−/$€£%°'\"()#@&+×÷=≠≤~½²₂ \n", max_size=60))
def test_a_text_of_digits_and_signs_has_no_digit_and_no_sign_left(text: str) -> None:
    said = EditedText(text, find_edits(text)).text
    assert not any(char.isdigit() or char in "$€£%°#@&+×÷=≠≤~½²₂" for char in said), said
