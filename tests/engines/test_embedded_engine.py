"""The embedded engine's threads: the order of segments, cancelled streams, failures."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.server import shared_hibari

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.engines.embedded.hibari_voice import HibariVoice
from tts_server.errors import Cancelled, EngineFailure


class GatedSpeaker:
    """Replaces the network: speaks once `gate` is set, and records the order."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.started = threading.Event()
        self.gate = threading.Event()

    def speak(self, text, shape, tempo, seed):
        self.started.set()
        self.gate.wait(20)
        if text == "fail":
            raise ValueError("inner detail")
        self.spoken.append(text)
        return np.full(10, len(self.spoken), np.float32)


@pytest.fixture
def speaker():
    return GatedSpeaker()


@pytest.fixture
def engine(speaker):
    engine = EmbeddedEngine(threads=1, hibari=speaker)
    yield engine
    speaker.gate.set()
    engine.close()


def utterance(text: str, index: int = 0) -> Utterance:
    return Utterance(text, None, index, 0, 1.0, None, {})


def occupied(engine: EmbeddedEngine, speaker: GatedSpeaker) -> None:
    engine.submit(utterance("occupied", 5))
    assert speaker.started.wait(20)


def test_first_segments_go_before_later_ones_and_else_first_come_first_served(engine, speaker):
    occupied(engine, speaker)
    streams = [engine.submit(utterance(name, index)) for name, index in [("a2", 2), ("a3", 3), ("b0", 0), ("a4", 4), ("c0", 0)]]
    speaker.gate.set()
    for stream in streams:
        list(stream.chunks(Cancellation()))
    assert speaker.spoken == ["occupied", "b0", "c0", "a2", "a3", "a4"]


def test_a_closed_stream_is_never_spoken(engine, speaker):
    occupied(engine, speaker)
    dropped, kept = engine.submit(utterance("dropped")), engine.submit(utterance("kept"))
    dropped.close()
    dropped.close()
    speaker.gate.set()
    list(kept.chunks(Cancellation()))
    assert speaker.spoken == ["occupied", "kept"]


def test_waiting_ends_when_the_request_is_cancelled(engine, speaker):
    occupied(engine, speaker)
    stream = engine.submit(utterance("waiting"))
    cancellation = Cancellation()
    chunks = stream.chunks(cancellation)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(list, chunks)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            reading.result(20)
    with pytest.raises(Cancelled):
        list(engine.submit(utterance("late")).chunks(cancellation))


def test_a_failure_is_reported_without_its_details_and_the_next_request_works(engine, speaker):
    speaker.gate.set()
    with pytest.raises(EngineFailure) as failure:
        list(engine.submit(utterance("fail")).chunks(Cancellation()))
    assert "inner detail" not in failure.value.message
    assert isinstance(failure.value.__cause__, ValueError)
    assert len(list(engine.submit(utterance("next")).chunks(Cancellation()))) == 1


def test_a_stopped_engine_takes_no_more(engine, speaker):
    speaker.gate.set()
    engine.close()
    with pytest.raises(EngineFailure):
        engine.submit(utterance("late"))


def test_streams_that_wait_when_the_engine_stops_end_with_a_failure(engine, speaker):
    occupied(engine, speaker)
    waiting = engine.submit(utterance("waiting"))
    stopping = threading.Thread(target=engine.close)
    stopping.start()
    while not engine.is_closed:
        pass
    speaker.gate.set()
    stopping.join()
    with pytest.raises(EngineFailure):
        list(waiting.chunks(Cancellation()))
    assert speaker.spoken == ["occupied"]


def test_speaking_ends_between_two_runs_of_the_network_once_the_stream_is_closed(monkeypatch):
    """Digits that are not normalized are seven times as many phonemes as words of the same length."""
    is_running, go_on, runs = threading.Event(), threading.Event(), []
    frames = HibariVoice.frames

    def counted(self, phonemes, *arguments):
        runs.append(phonemes)
        is_running.set()
        assert go_on.wait(20)
        return frames(self, phonemes, *arguments)

    monkeypatch.setattr(HibariVoice, "frames", counted)
    engine = EmbeddedEngine(threads=1, hibari=shared_hibari())
    try:
        digits = Utterance("7" * 280, engine.builtin_voice("alloy"), 0, 0, 1.0, None, {})
        assert len(shared_hibari().phonemes(digits.text)) > 3
        stream = engine.submit(digits)
        assert is_running.wait(20)
        stream.close()
        go_on.set()
        (heard,) = engine.submit(Utterance("Yes.", digits.voice, 0, 0, 1.0, None, {})).chunks(Cancellation())
        assert len(heard)
        assert len(runs) == 2
    finally:
        engine.close()
