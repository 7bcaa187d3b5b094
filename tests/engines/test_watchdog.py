"""A stuck engine: its requests fail, another thread replaces the stuck one, and late results are dropped."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from support.engine_gate import held_texts
from support.waiting import wait_until

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.embedded.engine import MAX_STUCK, EmbeddedEngine
from tts_server.engines.watchdog import Watchdog
from tts_server.errors import EngineStuck

# The watchdog


def test_work_without_progress_is_reported_once():
    stuck, is_told = [], threading.Event()
    watchdog = Watchdog(0.1, lambda work: (stuck.append(work), is_told.set()), "test")
    with watchdog.watching("still"):
        assert is_told.wait(20)
        for _ in range(5):
            with watchdog.watching("quick"):
                time.sleep(0.01)
        time.sleep(0.3)
    assert stuck == ["still"]
    watchdog.close()


def test_work_that_moves_may_take_as_long_as_it_likes():
    stuck = []
    watchdog = Watchdog(1.0, stuck.append, "test")
    for _ in range(15):
        with watchdog.watching("work"):
            time.sleep(0.1)
    assert stuck == []
    watchdog.close()


def test_a_watchdog_with_nothing_to_watch_waits_and_goes_on_afterwards():
    stuck = []
    watchdog = Watchdog(0.1, stuck.append, "test")
    with watchdog.watching("first"):
        pass
    time.sleep(0.3)
    with watchdog.watching("second"):
        wait_until(lambda: stuck == ["second"])
    watchdog.close()


# The embedded voice


class StuckSpeaker:
    """Blocks on a text with the word "stuck" until `let_go` is set."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def speak(self, text, shape, tempo, seed):
        if "stuck" in text:
            self.let_go.wait(60)
        return np.full(10, len(text), np.float32)


@pytest.fixture
def speaker():
    return StuckSpeaker()


@pytest.fixture
def engine(speaker):
    engine = EmbeddedEngine(threads=1, stuck_seconds=0.2, hibari=speaker)
    yield engine
    speaker.let_go.set()
    engine.close()


def utterance(text: str) -> Utterance:
    return Utterance(text, None, 0, 0, 1.0, None, {})


def heard(stream) -> np.ndarray:
    return np.concatenate(list(stream.chunks(Cancellation())))


def test_a_stuck_segment_fails_and_the_next_one_is_spoken(engine):
    stuck, waiting = engine.submit(utterance("stuck")), engine.submit(utterance("waiting"))
    with pytest.raises(EngineStuck, match=r"embedded voice made no progress for 0\.2 seconds"):
        heard(stuck)
    assert (heard(waiting) == len("waiting")).all()
    assert engine.stats()["threads_stuck"] == 1


def test_the_late_result_of_a_stuck_thread_is_dropped(engine, speaker):
    with pytest.raises(EngineStuck):
        heard(engine.submit(utterance("stuck")))
    speaker.let_go.set()
    wait_until(lambda: engine.stats()["threads_stuck"] == 0)
    for text in ("one", "three"):
        assert (heard(engine.submit(utterance(text))) == len(text)).all()
    assert engine.stats()["segments_done"] == 2
    assert engine.num_workers == 1, "both threads went on"


def test_an_engine_without_free_threads_fails_at_once_and_recovers_when_a_thread_returns(engine, speaker):
    streams = [engine.submit(utterance("stuck")) for _ in range(MAX_STUCK + 1)]
    last = engine.submit(utterance("waiting"))
    for stream in [*streams, last]:
        with pytest.raises(EngineStuck):
            heard(stream)
    with pytest.raises(EngineStuck):
        engine.submit(utterance("later"))
    speaker.let_go.set()
    wait_until(lambda: engine.stats()["threads_stuck"] == 0)
    assert (heard(engine.submit(utterance("later"))) == len("later")).all()
    assert engine.num_workers == 1


def test_an_engine_closes_though_a_thread_is_stuck(engine):
    with pytest.raises(EngineStuck):
        heard(engine.submit(utterance("stuck")))
    engine.close()
    assert engine.stats()["threads_stuck"] == 1


# The server


@pytest.fixture
def gate(monkeypatch):
    """Texts with the word "stuck" are not spoken before the event is set."""
    with held_texts(monkeypatch, "stuck", 60) as let_go:
        yield let_go


def speech(server, text: str, **fields) -> requests.Response:
    return requests.post(f"{server.url}/v1/audio/speech", json={"input": text, "response_format": "wav", **fields}, timeout=60)


def health(server) -> dict:
    return requests.get(f"{server.url}/health", timeout=10).json()


def test_a_request_whose_engine_is_stuck_gets_a_503_and_health_says_degraded_until_it_is_over(gate, start_server):
    server = start_server(stuck_seconds=2, synthesis_threads=1)
    assert health(server)["status"] == "healthy"
    reply = speech(server, "I am stuck.")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "engine_stuck")
    assert (int(reply.headers["Retry-After"]) > 0, reply.headers["x-should-retry"]) == (True, "false")
    assert (health(server)["status"], health(server)["metrics"]["threads_stuck"]) == ("degraded", 1)
    assert speech(server, "All is well.").status_code == 200
    gate.set()
    wait_until(lambda: health(server)["status"] == "healthy")


def test_a_stream_whose_engine_gets_stuck_is_cut_visibly_and_events_say_why(gate, start_server):
    server = start_server(stuck_seconds=2, synthesis_threads=3)
    text = "This is a first sentence that can be heard, all by itself, from its beginning to its end. " * 4 + "And here it gets stuck."
    with ThreadPoolExecutor() as pool:
        events = pool.submit(speech, server, text, stream_format="sse")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            speech(server, text, stream=True)
        last = events.result().text.strip().split("\n\n")[-1]
    assert '"type":"error"' in last
    assert "engine_stuck" in last
