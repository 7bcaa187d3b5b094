"""A text of any length becomes segments: a short one first, none too long, nothing lost, and no more read ahead than needed."""

from __future__ import annotations

import itertools
import re
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_server.speech import Segment
from tts_server.text.clean import clean
from tts_server.text.inline_tags import rate_tag
from tts_server.text.segment import FIRST_SENTENCE_GROWTH, segments

PROSE = "This is a sentence about Dr. Smith, who lives in the U.S. and reads. "
LIMITS = {"first_chars": 60, "max_chars": 200}


def divided(text: str, first_chars: int = 60, max_chars: int = 200) -> list[Segment]:
    return list(segments(text, first_chars=first_chars, max_chars=max_chars))


def texts(text: str, first_chars: int = 60, max_chars: int = 200) -> list[str]:
    return [segment.text for segment in divided(text, first_chars, max_chars)]


def without_space(text: str) -> str:
    return "".join(text.split())


# The first segment


def test_the_first_sentence_goes_first_when_it_fits() -> None:
    assert texts("The kettle is boiling in the kitchen. " + PROSE)[0] == "The kettle is boiling in the kitchen."


def test_a_word_or_two_takes_the_next_sentence_along() -> None:
    assert texts("Hi. Nice to see you here again. " + PROSE)[0] == "Hi. Nice to see you here again."


def test_a_word_or_two_takes_a_clause_along_when_the_next_sentence_is_too_long() -> None:
    assert texts("Hi. If it rains tomorrow, " + "we stay at home and read " * 4 + "again.")[0] == "Hi. If it rains tomorrow,"


def test_a_long_first_sentence_is_cut_at_a_clause() -> None:
    first, second = texts("When the long winter was over at last, all the people of the village came out to dance together.")
    assert first == "When the long winter was over at last,"
    assert second == "all the people of the village came out to dance together."


@pytest.mark.parametrize(
    "sentence",
    [
        "Every evening when the sun went down behind the hills the old keeper climbed up to the top of the tower to light the lamp",
        "Jeden Abend stieg der alte Wärter bis ganz hinauf auf den Turm um in der kleinen Kammer unter dem Dach die Lampe zu entzünden",
        "Tous les soirs le vieux gardien montait en haut de la tour pour allumer la lampe dans la petite chambre sous le toit du phare",
        "Todas las noches el viejo guardián subía a lo alto de la torre para encender la lámpara en el cuarto pequeño bajo el tejado",
    ],
)
def test_no_cut_comes_after_a_word_that_belongs_to_the_next_one(sentence: str) -> None:
    for first_chars in range(40, 70):
        pieces = texts(sentence, first_chars, 80)
        assert len(pieces) > 1
        for piece in pieces[:-1]:
            assert piece.split()[-1] not in "the of to a in der die das den dem auf in um unter le la de du en pour el lo en para".split()


def test_a_segment_knows_whether_it_is_cut_inside_of_a_sentence() -> None:
    found = divided("One two three. Then " + "word " * 60 + "end. [pause 1s] Another sentence here. " + "more " * 30, 20, 80)
    for one, other in itertools.pairwise(found):
        assert one.ends_inside == other.begins_inside == (not one.text.endswith("."))
    assert not found[0].begins_inside and not found[-1].ends_inside and any(segment.ends_inside for segment in found)


def test_a_long_first_sentence_without_a_clause_is_cut_at_a_space() -> None:
    first = texts("word " * 40)[0]
    assert 40 <= len(first) <= 60 and set(first.split()) == {"word"}


def test_a_chinese_first_sentence_is_cut_between_characters() -> None:
    assert 20 <= len(texts("今天天气很好我们去公园散步" * 12)[0]) <= 60


def test_a_number_is_not_cut_at_its_comma_or_colon() -> None:
    assert texts("Yesterday 1,000,000 people came at 12:30 and then they all stayed for dinner", first_chars=14)[0] == "Yesterday"


# Packing


def test_later_segments_hold_as_many_whole_sentences_as_fit() -> None:
    pieces = texts(PROSE * 20)
    assert all(piece.endswith("reads.") for piece in pieces[3:])
    assert all(len(piece) + len(PROSE) > 200 for piece in pieces[3:-1])


def test_what_is_left_of_a_cut_sentence_begins_small_and_is_one_sentence_still() -> None:
    cut_off = "which the accts. department had sent to us in March of that very year for work."
    pieces = texts("When we came home we found a bill of many hundred euros, " + cut_off, 60, 60)
    assert pieces[1].startswith("which the accts. department")


def test_what_is_left_of_a_cut_sentence_is_more_than_a_word() -> None:
    sentence = "alpha " * 33 + "omega."  # 204 characters
    pieces = texts("A first sentence of fair length. " + sentence)
    assert len(pieces) == 3 and len(pieces[-1]) >= 24


def test_a_text_does_not_end_with_a_segment_of_one_word() -> None:
    pieces = texts("The first sentence is spoken. " + "Then come some others of much the same length. " * 4 + "Okay then.", max_chars=190)
    assert pieces[-1] == "Then come some others of much the same length. Okay then."


def test_sentences_that_follow_without_a_space_are_packed_without_one() -> None:
    assert texts("你好世界。" * 5) == ["你好世界。" * 2, "你好世界。" * 3]


def test_a_line_that_ended_without_a_full_stop_keeps_its_line_feed() -> None:
    assert texts("Milk\nEggs\nBread and butter") == ["Milk\nEggs\nBread and butter"]


def test_wrapped_prose_and_windows_line_ends_become_spaces() -> None:
    assert texts("This was\r\nwrapped by hand.") == ["This was wrapped by hand."]


def test_wrapped_chinese_prose_is_joined_without_a_space() -> None:
    line = "他们在那个漫长的夏天里一起走过了许多城市和村庄最后终于来到了海"
    assert texts(f"{line}\n边的小镇。", 100) == [f"{line}边的小镇。"]


def test_dialogue_keeps_the_speaker_with_what_is_said() -> None:
    text = "“Where were you?” he asked. “Out,” she said. “Why?”\n\n“Because it rained!” he cried."
    assert texts(text) == ["“Where were you?” he asked.", "“Out,” she said. “Why?”", "“Because it rained!” he cried."]


@pytest.mark.parametrize(
    "sample",
    ["word " * 1000, "你好世界" * 1250, "ภาษาไทยเป็นภาษาที่มีระดับเสียง" * 160, "nextline\nand " * 400, "कखग " * 1200],
    ids=["latin", "han", "thai", "lines", "devanagari"],
)
def test_a_text_of_five_thousand_characters_without_any_mark_is_divided_fairly(sample: str) -> None:
    pieces = texts(clean(sample))
    assert len(pieces) <= 1 + 2 * len(sample) / 200
    assert max(map(len, pieces)) <= 200
    assert without_space("".join(pieces)) == without_space(sample)


# Cutting


def test_only_a_word_longer_than_a_segment_is_cut() -> None:
    pieces = texts("Look: " + "x" * 3000 + " is long.")
    assert pieces[0] == "Look:" and pieces[-1].endswith("is long.")
    assert "".join(pieces).count("x") == 3000 and max(map(len, pieces)) <= 200


def test_an_address_that_begins_the_text_is_not_cut_to_be_short() -> None:
    address = "https://example.org/" + "path/" * 20
    assert texts(f"{address} is where it is.")[0] == address


def test_a_pause_tag_ends_a_word_that_is_longer_than_the_first_segment() -> None:
    assert divided("x" * 80 + "[pause:1s] and on")[0] == Segment("x" * 80, 1.0)


@pytest.mark.parametrize(
    "cluster",
    ["👨‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0323\u0301", "กำ", "เก็", "क्षि", "1️⃣", "한"],
    ids=["family", "flag", "skin", "accents", "thai-am", "thai-e", "conjunct", "keycap", "jamo"],
)
def test_what_a_reader_sees_as_one_character_is_not_cut(cluster: str) -> None:
    for piece in texts(cluster * 200, 29, 83):
        assert piece.replace(cluster, "") == ""


def test_japanese_is_not_cut_before_a_small_kana_or_a_closing_mark() -> None:
    for piece in texts("ちょっとー" * 100, 31, 97):
        assert piece[0] not in "ょっー"


# Pauses


def test_a_pause_tag_is_silence_after_what_stands_before_it() -> None:
    assert divided("Hello there. [pause:0.5s] Bye.") == [Segment("Hello there.", 0.5), Segment("Bye.", 0.0)]


@pytest.mark.parametrize(
    ("tag", "seconds"),
    [
        ("[pause:0.5s]", 0.5),
        ("[pause:500ms]", 0.5),
        ("[pause:1]", 1.0),
        ("[PAUSE: 2 S]", 2.0),
        ("[ Pause : .25 s ]", 0.25),
        ("[pause:99s]", 10.0),
        ("[pause:0]", 0.0),
    ],
)
def test_pauses_are_written_in_several_ways_and_last_ten_seconds_at_most(tag: str, seconds: float) -> None:
    assert divided(f"One {tag} two") == [Segment("One", seconds), Segment("two", 0.0)]


@pytest.mark.parametrize("tag", ["[pause:abc]", "[pause]", "[pause:]", "[pause:-1s]", "[pause:1h]", "[pauses:1s]", "pause:1s", "[pause:1s"])
def test_what_is_no_proper_tag_stays_in_the_text(tag: str) -> None:
    assert divided(f"One {tag} two") == [Segment(f"One {tag} two", 0.0)]


def test_a_pause_before_all_text_is_a_segment_of_silence() -> None:
    assert divided("[pause:2s]Hello.") == [Segment("", 2.0), Segment("Hello.", 0.0)]


def test_a_pause_at_the_end_is_kept() -> None:
    assert divided("Hello.[pause:2s]") == [Segment("Hello.", 2.0)]


def test_a_text_of_pauses_alone_is_silence() -> None:
    assert divided("[pause:1s] [pause:2s]") == [Segment("", 3.0)]


def test_pauses_and_blank_lines_add_up() -> None:
    assert divided("One.[pause:1s] [pause:500ms]\n\nTwo.") == [Segment("One.", 2.1), Segment("Two.", 0.0)]


def test_a_blank_line_is_a_pause_and_more_of_them_are_no_longer_one() -> None:
    assert divided("One\n\nTwo\n\n\n\nThree") == [Segment("One", 0.6), Segment("Two", 0.6), Segment("Three", 0.0)]


def test_segments_that_end_a_sentence_rest_longer_than_those_that_end_a_clause() -> None:
    pauses = [
        segment.pause_after
        for segment in divided("The kettle is boiling in the kitchen. Now, " + "if it rains, we stay at home; " * 10 + "so.")
    ]
    assert pauses[0] == 0.3 and pauses[1] == 0.05 and pauses[-1] == 0.0


def test_an_empty_text_has_no_segments() -> None:
    assert divided("") == [] and divided(" \n ") == []


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        divided("text", 0, 100)


# Whatever the text

ANY_TEXT = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Dr. Smith",
                "e.g. this",
                "3.14",
                "Hi.",
                "你好。",
                "“No!”",
                "x" * 90,
                "\n",
                "\n\n",
                "[pause:1s]",
                "[pause:x]",
                "👨‍👩‍👧",
                "🇩",
                "กำ",
                "—",
                "...",
                ", ",
            ]
        ),
        st.text(st.one_of(st.sampled_from("ab .,!?;\n。，"), st.characters(codec="utf-8")), max_size=40),
    ),
    max_size=40,
).map(lambda parts: clean(" ".join(parts)))
FIRST = st.integers(1, 120)
LONGEST = st.integers(20, 300)


@settings(deadline=None, max_examples=300)
@given(ANY_TEXT, FIRST, LONGEST)
def test_nothing_is_lost_doubled_or_moved(text: str, first_chars: int, max_chars: int) -> None:
    kept = re.sub(r"(?i)\[pause:1s\]", "", text)
    assert without_space("".join(texts(text, first_chars, max_chars))) == without_space(kept)


@settings(deadline=None, max_examples=300)
@given(ANY_TEXT, FIRST, LONGEST)
def test_no_word_is_cut_that_fits_a_segment(text: str, first_chars: int, max_chars: int) -> None:
    plain = re.sub(r"[^A-Za-z .,\n]", "", text)
    spoken = [word for piece in texts(plain, first_chars, max_chars) for word in piece.split()]
    assert max(map(len, plain.split()), default=0) > max_chars or spoken == plain.split()


@settings(deadline=None, max_examples=300)
@given(ANY_TEXT, FIRST, LONGEST)
def test_no_segment_is_longer_than_the_limits(text: str, first_chars: int, max_chars: int) -> None:
    found = [segment for segment in divided(text, first_chars, max_chars) if segment.text]
    assert all(len(segment.text) <= max_chars for segment in found)
    for first in found[:1]:
        assert len(first.text) <= first_chars or not re.search(r"\s", first.text) or not first.ends_inside
        assert len(first.text) <= FIRST_SENTENCE_GROWTH * first_chars or not re.search(r"\s", first.text)


@settings(deadline=None, max_examples=300)
@given(ANY_TEXT, FIRST, LONGEST)
def test_only_the_first_segment_may_be_empty_and_then_it_is_a_pause(text: str, first_chars: int, max_chars: int) -> None:
    for index, segment in enumerate(divided(text, first_chars, max_chars)):
        assert segment.text == segment.text.strip()
        assert segment.text or (index == 0 and segment.pause_after > 0)


@settings(deadline=None, max_examples=100)
@given(ANY_TEXT, ANY_TEXT)
def test_the_first_segments_do_not_depend_on_what_comes_much_later(ending: str, other_ending: str) -> None:
    shared = PROSE * 10
    pieces = [list(itertools.islice(segments(shared + tail, **LIMITS), 3)) for tail in (ending, other_ending)]
    assert pieces[0] == pieces[1]


# Work and memory

HOSTILE = {
    "prose": PROSE, "words": "word ", "han": "你好世界。", "unmarked han": "你好世界", "one word": "x", "stops": ". ", "dots": "...",
    "abbreviations": "U.S. ", "initials": "A. ", "opening quotes": "“", "closing": ")", "lines": "x\n", "open tags": "[pause:",
    "flags": "🇩🇪", "joined emoji": "👩‍", "brackets": "[ ", "paragraphs": "One.\n\n", "small": "aaa. bbb. ",
}  # fmt: skip


def calls_made(act: Callable[[], object]) -> int:
    """How many functions, ours and Python's own, `act` calls: work that no busy machine can blur."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_twice_the_text_is_twice_the_work(unit: str) -> None:
    short, long = ((unit * (length // len(unit) + 1))[:length] for length in (10_000, 20_000))
    assert calls_made(lambda: list(segments(long, **LIMITS))) <= 2.1 * calls_made(lambda: list(segments(short, **LIMITS)))


@pytest.mark.parametrize("unit", [PROSE, "word ", "你好世界", "x", "One.\n\n"], ids=["prose", "words", "han", "one word", "paragraphs"])
def test_a_text_of_two_hundred_thousand_characters_is_never_copied(unit: str) -> None:
    text = (unit * (200_000 // len(unit) + 1))[:200_000]
    list(segments(text[:2000], **LIMITS))  # whatever Python keeps for good is made here
    tracemalloc.start()
    try:
        for _ in segments(text, **LIMITS):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64_000


@pytest.mark.parametrize("length", [100_000, 200_000])
def test_the_first_segment_of_a_long_text_takes_no_more_work_than_that_of_a_short_one(length: int) -> None:
    text = PROSE * (length // len(PROSE) + 1)
    next(segments(text, **LIMITS))  # whatever Python keeps for good is made here
    assert calls_made(lambda: next(segments(text, **LIMITS))) == calls_made(lambda: next(segments(text[:1000], **LIMITS)))


def test_a_rate_tag_begins_a_segment_of_its_rate() -> None:
    text = f"One {rate_tag(0.5)}two three.{rate_tag(1.0)} Four. Five."
    assert divided(text) == [Segment("One", 0.0), Segment("two three.", 0.0, 0.5), Segment("Four. Five.", 0.0)]


def test_a_segment_knows_where_it_stands_in_the_text() -> None:
    text = "  First one.\n\nSecond,  with spaces. [pause:1s] Third."
    found = list(segments(text, first_chars=80, max_chars=280))
    assert [text[segment.start : segment.end].split() for segment in found] == [segment.text.split() for segment in found]
    assert len(found) == 3
