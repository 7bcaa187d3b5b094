"""Text that arrives in pieces, given out in whole sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, InvalidRequest
from tts_server.web.realtime.pieces import LONGEST_WAIT_CHARACTERS, TextFeed


def given_out(feed: TextFeed) -> str | None:
    """What can be spoken now, or None where nothing can."""
    cancellation = Cancellation()
    cancellation.cancel()
    try:
        return next(feed.pieces(cancellation))
    except Cancelled:
        return None


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("This is not", None),
        ("This is one.", None),
        ("This is one. ", None),
        ("This costs 3.", None),
        ("I met Dr. Sm", None),
        ("This is one. And", None),
        ("This is one. And so", "This is one."),
        ("Is this one? Y", "Is this one?"),
        ("One. Two. Three is not", "One. Two."),
        ("你好。我", "你好。"),
        ("\n\nFirst.\n\nSecond par", "\n\nFirst."),
    ],
)
def test_a_sentence_is_given_out_once_what_follows_shows_that_it_has_ended(text, piece):
    feed = TextFeed(1000)
    feed.append(text)
    assert given_out(feed) == piece


def test_text_without_an_end_is_given_out_up_to_a_space():
    feed = TextFeed(1000)
    feed.append("word " * 100)
    piece = given_out(feed)
    assert piece is not None
    assert piece.endswith(" ")
    assert len(piece) <= LONGEST_WAIT_CHARACTERS


PARTS = ["One. ", "two", " Three!", "\n\n", " ", "…", "4.", "5", "你好。", "[pause:1s]", " Dr.", " Who"]


@given(st.lists(st.sampled_from(PARTS), max_size=30))
def test_nothing_is_lost_or_said_twice(deltas):
    feed = TextFeed(10_000)
    heard = []
    for delta in deltas:
        feed.append(delta)
        if piece := given_out(feed):
            heard.append(piece)
    feed.complete()
    heard += feed.pieces(Cancellation())
    assert "".join("".join(heard).split()) == "".join("".join(deltas).split())
    assert feed.received == "".join(deltas)


def test_more_than_may_wait_is_refused_and_leaves_the_rest_as_it_was():
    feed = TextFeed(10)
    feed.append("12345678")
    with pytest.raises(InvalidRequest):
        feed.append("901")
    feed.complete()
    assert list(feed.pieces(Cancellation())) == ["12345678"]
