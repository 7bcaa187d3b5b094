"""A Chatterbox model whose step does not return: every request gets an error, and the model is loaded again."""

from __future__ import annotations

import threading
import time

import pytest
import requests
from support.chatterbox_server import run_tiny_server
from tiny_engines import listen, running, utterance

from tts_server.cancellation import Cancellation
from tts_server.engines.chatterbox.fresh_thread import in_fresh_thread
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.errors import Cancelled, EngineStuck, Unavailable

TURBO = "chatterbox-turbo"


class Hanging:
    """Calls through, but the call numbered `at` does not return before `let_go` is set."""

    def __init__(self, method, at: int) -> None:
        self.method, self.at, self.calls, self.let_go = method, at, 0, threading.Event()

    def __call__(self, *arguments, **options):
        self.calls += 1
        if self.calls == self.at:
            self.let_go.wait(60)
        return self.method(*arguments, **options)


def test_a_stuck_step_fails_all_streams_and_its_late_output_is_dropped(parts, monkeypatch):
    voice = parts("turbo").builtin
    with running(parts("turbo"), stuck_seconds=0.5) as engine:
        step = Hanging(engine.decoder.step, 3)
        monkeypatch.setattr(engine.decoder, "step", step)
        streams = [engine.submit(utterance(voice, seed=n, group=n)) for n in range(3)]
        for stream in streams:
            with pytest.raises(EngineStuck, match="made no progress"):
                listen(stream)
        assert engine.is_broken
        with pytest.raises(Unavailable):
            engine.submit(utterance(voice))
        thread = next(thread for thread in threading.enumerate() if thread.name == engine.name)
        engine.close()
        step.let_go.set()
        thread.join(20)
        assert not thread.is_alive(), "the thread went on by itself"
        cancelled = Cancellation()
        cancelled.cancel()
        for stream in streams:
            with pytest.raises(Cancelled):  # the first thing that is read: the late step has output nothing
                next(stream.chunks(cancelled))


def test_a_voice_that_cannot_be_listened_to_in_time_is_given_up():
    let_go = threading.Event()
    with pytest.raises(EngineStuck):
        in_fresh_thread(lambda: let_go.wait(60), "Chatterbox", 0.1)
    let_go.set()
    assert in_fresh_thread(lambda: 3, "Chatterbox", 20) == 3
    with pytest.raises(ValueError, match="inner"):
        in_fresh_thread(lambda: int("inner"), "Chatterbox", 20)


def test_a_served_model_that_is_stuck_answers_503_and_is_loaded_again(tmp_path, monkeypatch):
    step = Hanging(T3Decoder.step, 4)
    monkeypatch.setattr(T3Decoder, "step", lambda decoder: step(decoder))
    fields = {"model": TURBO, "input": "Good evening to you all.", "response_format": "wav"}
    with run_tiny_server(tmp_path, stuck_seconds=1) as server:
        server.synthesizer.catalog.ready(TURBO)
        reply = requests.post(f"{server.url}/v1/audio/speech", json=fields, timeout=60)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "engine_stuck")
        assert requests.post(f"{server.url}/v1/audio/speech", json={"input": "Meanwhile."}, timeout=60).status_code == 200
        deadline = time.monotonic() + 60
        while (reply := requests.post(f"{server.url}/v1/audio/speech", json=fields, timeout=60)).status_code != 200:
            assert (reply.status_code, time.monotonic() < deadline) == (503, True)
            time.sleep(0.1)
        assert reply.headers["X-Model"] == TURBO
        step.let_go.set()
