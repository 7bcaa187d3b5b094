"""A client that goes away stops the work for it."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time

import pytest
import requests

LONG = " ".join(f"This is sentence number {n} of a very long story that nobody waits for." for n in range(1500))


def metrics(server) -> dict:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]


def wait_until(condition, seconds=20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def one_thread(start_server):
    """A server whose engine is slow enough to be left in the middle."""
    return start_server(synthesis_threads=1, max_text_length=200_000)


def ask(server, **fields) -> socket.socket:
    body = json.dumps({"input": LONG, "response_format": "pcm", **fields}).encode()
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    sock.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return sock


def vanish(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize("stream", [True, False], ids=["while it streams", "before a whole reply"])
def test_the_work_for_a_vanished_client_ends(one_thread, stream):
    sock = ask(one_thread, stream=stream)
    if stream:
        assert sock.recv(4096)
    else:
        wait_until(lambda: metrics(one_thread)["segments_done"] >= 1)
    vanish(sock)
    wait_until(lambda: metrics(one_thread)["in_flight"] == 0)
    wait_until(lambda: metrics(one_thread)["segments_waiting"] == 0)
    done = metrics(one_thread)
    assert done["total_cancelled"] == 1
    assert done["segments_done"] < 300, "the whole text was spoken for nobody"
    assert done["total_errors"] == 0


def test_a_client_that_leaves_before_its_first_audio_is_dropped(one_thread, monkeypatch):
    """The engine is held at the first segment, so no audio exists when the client goes."""
    speaker = one_thread.synthesizer.catalog.engine("embedded")._speaker
    speak, at_work, go_on = speaker.speak, threading.Event(), threading.Event()

    def held(*arguments):
        at_work.set()
        go_on.wait(20)
        return speak(*arguments)

    monkeypatch.setattr(speaker, "speak", held)
    sock = ask(one_thread, stream=True)
    assert at_work.wait(20)
    vanish(sock)
    wait_until(lambda: metrics(one_thread)["in_flight"] == 0)
    go_on.set()
    wait_until(lambda: metrics(one_thread)["segments_waiting"] == 0)
    assert metrics(one_thread)["segments_done"] <= 1
    assert metrics(one_thread)["total_cancelled"] == 1


def test_a_reader_that_takes_nothing_holds_the_engine_back(one_thread):
    """Audio is made as it is read: a stalled reader leaves most of a long text unspoken."""
    sock = ask(one_thread, stream=True)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    assert sock.recv(1024)
    previous = -1.0
    while (current := metrics(one_thread)["segments_done"]) != previous:
        previous = current
        time.sleep(0.5)
    assert current < 300
    vanish(sock)
    wait_until(lambda: metrics(one_thread)["in_flight"] == 0)


def test_a_short_request_is_answered_while_a_long_one_runs(one_thread):
    sock = ask(one_thread, stream=True)
    assert sock.recv(4096)
    reply = requests.post(f"{one_thread.url}/v1/audio/speech", json={"input": "A short one."}, timeout=60)
    assert reply.status_code == 200
    assert metrics(one_thread)["in_flight"] == 1
    vanish(sock)
