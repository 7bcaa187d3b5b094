"""Streams of replicas: what is lost is synthesised again elsewhere, and a client gets every sample once. Without Ray."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tts_server import errors
from tts_server.cancellation import Cancellation
from tts_server.engines.cluster.messages import End, Failure, Item, Piece
from tts_server.engines.cluster.streams import MAX_LOSSES, ClusterStream, ReplicaLost, StreamReport
from tts_server.errors import Busy, Cancelled, EngineFailure, EngineStuck, InvalidReference, TTSError, Unavailable

WAVE = np.arange(100, dtype=np.float32)
END = End("replica", {"segments_done": 1.0}, retries=2)


def pieces(*sizes: int, version: str = "1") -> list[Item]:
    """Return the wave in pieces of these sizes, and the rest of it as the last piece."""
    return [Piece(samples, 0, version) for samples in np.split(WAVE, np.cumsum(sizes))]


class FakeCall:
    """A call that yields these items and then raises `error`; one that hangs yields nothing more until it is cancelled."""

    def __init__(self, items: list[Item], error: Exception | None = None, *, hangs: bool = False) -> None:
        self._items = items
        self._error = error
        self._hangs = hangs
        self.cancelled = threading.Event()

    def __iter__(self) -> Iterator[Item]:
        yield from self._items
        if self._hangs:
            self.cancelled.wait(20)
            raise ReplicaLost("cancelled")
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        self.cancelled.set()


class Played:
    """A stream over these calls, one after the other, and its report."""

    def __init__(self, *calls: FakeCall, wait_seconds: float = 20.0) -> None:
        self._calls = iter(calls)
        self._ended = threading.Event()
        self.num_opened = 0
        self.stream = ClusterStream(self._open, name="The voice", wait_seconds=wait_seconds, on_end=self._end)
        self.stream.start()

    def _open(self) -> FakeCall:
        self.num_opened += 1
        return next(self._calls)

    def _end(self, stream: ClusterStream, report: StreamReport) -> None:
        assert stream is self.stream
        self._report = report
        self._ended.set()

    @property
    def report(self) -> StreamReport:
        assert self._ended.wait(20), "the stream did not end"
        return self._report

    def listen(self) -> np.ndarray:
        return np.concatenate(list(self.stream.chunks(Cancellation())))


def test_gives_the_samples_and_the_retries_of_a_replica() -> None:
    played = Played(FakeCall([*pieces(30, 30), END]))
    np.testing.assert_array_equal(played.listen(), WAVE)
    assert played.stream.retries == 2
    assert played.report == StreamReport(100, 0, END, has_failed=False)


@pytest.mark.parametrize("first", [(), (10,), (40,), (10, 40), (50, 50)])
@pytest.mark.parametrize("second", [(), (25, 25, 25), (50,), (1, 98)])
def test_continues_on_another_replica_at_the_sample_where_one_was_lost(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    lost = FakeCall(pieces(*first)[: len(first)], ReplicaLost("killed"))
    played = Played(lost, FakeCall([*pieces(*second), END]))
    np.testing.assert_array_equal(played.listen(), WAVE)
    assert (played.report.num_losses, played.report.num_samples) == (1, 100)


def test_a_stream_without_its_end_is_incomplete_and_continued() -> None:
    played = Played(FakeCall(pieces(60)[:1]), FakeCall([*pieces(10), END]))
    np.testing.assert_array_equal(played.listen(), WAVE)


def test_a_replica_whose_engine_is_broken_counts_as_lost() -> None:
    broken = Failure.of(EngineFailure("The device has failed."), is_replica_broken=True)
    played = Played(FakeCall([*pieces(60)[:1], broken]), FakeCall([*pieces(10), END]))
    np.testing.assert_array_equal(played.listen(), WAVE)


def test_an_error_of_the_engine_ends_the_stream() -> None:
    played = Played(FakeCall([Failure.of(EngineStuck("The voice", 120))]))
    with pytest.raises(EngineStuck, match="no progress for 120 seconds"):
        played.listen()
    assert (played.num_opened, played.report.has_failed) == (1, True)


def test_gives_up_after_too_many_losses_with_a_503() -> None:
    played = Played(*(FakeCall([], ReplicaLost("killed")) for _ in range(MAX_LOSSES)))
    with pytest.raises(Unavailable, match="were lost") as raised:
        played.listen()
    assert raised.value.retry_after
    assert played.num_opened == MAX_LOSSES


def test_never_joins_the_samples_of_two_versions() -> None:
    played = Played(FakeCall(pieces(60)[:1], ReplicaLost("updated")), FakeCall([*pieces(60, version="2"), END]))
    with pytest.raises(EngineFailure, match="was updated"):
        played.listen()
    before_any_sound = Played(FakeCall([], ReplicaLost("updated")), FakeCall([*pieces(60, version="2"), END]))
    np.testing.assert_array_equal(before_any_sound.listen(), WAVE)


def test_cancelling_ends_the_stream_and_cancels_the_call() -> None:
    call, cancellation = FakeCall(pieces(60)[:1], hangs=True), Cancellation()
    played = Played(call)
    chunks = played.stream.chunks(cancellation)
    assert len(next(chunks)) == 60
    cancellation.cancel()
    with pytest.raises(Cancelled):
        next(chunks)
    assert call.cancelled.wait(20)
    assert played.report == StreamReport(60, 1, None, has_failed=False)
    assert played.num_opened == 1


def test_closing_before_the_call_is_open_cancels_it() -> None:
    opening, call = threading.Event(), FakeCall([], hangs=True)

    def open_late() -> FakeCall:
        opening.wait(20)
        return call

    stream = ClusterStream(open_late, name="The voice", wait_seconds=20, on_end=lambda *_: None)
    stream.start()
    stream.close()
    opening.set()
    assert call.cancelled.wait(20)


def test_a_replica_that_does_not_answer_in_time_is_a_503() -> None:
    call = FakeCall([], hangs=True)
    played = Played(call, wait_seconds=0.01)
    with pytest.raises(Unavailable, match="no replica answered") as raised:
        played.listen()
    assert raised.value.retry_after
    assert call.cancelled.wait(20)


def test_stopping_the_engine_ends_its_streams_with_its_error() -> None:
    played = Played(FakeCall([], hangs=True))
    played.stream.fail(EngineFailure("stopped"))
    with pytest.raises(EngineFailure, match="stopped"):
        played.listen()


def examples() -> list[TTSError]:
    kinds: list[type[Any]] = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TTSError)]
    special: dict[type[Any], Callable[[], TTSError]] = {
        EngineStuck: lambda: EngineStuck("The voice", 5),
        errors.ResourceExhausted: lambda: errors.ResourceExhausted("memory"),
        **{kind: lambda kind=kind: kind("busy", 7.0) for kind in (Busy, errors.RateLimited, errors.ModelLoading)},
    }
    return [special[kind]() if kind in special else kind("words", param="voice") for kind in kinds]


@pytest.mark.parametrize("error", examples(), ids=lambda error: type(error).__name__)
def test_every_error_reaches_the_server_as_it_was(error: TTSError) -> None:
    copy = pickle.loads(pickle.dumps(Failure.of(error))).error()  # noqa: S301
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))
    assert (copy.status, copy.code, copy.retry_after) == (error.status, error.code, error.retry_after)


def test_keeps_the_field_of_an_invalid_clip() -> None:
    copy = Failure.of(InvalidReference("too quiet", param="voice_url")).error()
    assert (copy.param, copy.code) == ("voice_url", "invalid_reference_audio")
