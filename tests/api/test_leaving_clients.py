"""A client that goes away stops the work for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
import time

import pytest
import requests
from support.waiting import wait_until

LONG = " ".join(f"This is sentence number {n} of a very long story that nobody waits for." for n in range(1500))


def metrics(server) -> dict:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]


def num_waiting(server) -> int:
    return requests.get(f"{server.url}/health", timeout=10).json()["queue"]["waiting"]


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
    speaker = one_thread.synthesizer.catalog.engine("embedded").hibari
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


def request_of(text: str, *, version: str = "1.1", **fields) -> bytes:
    body = json.dumps({"input": text, "response_format": "pcm", **fields}).encode()
    return f"POST /v1/audio/speech HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def received(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize("leave", [vanish, socket.socket.close], ids=["reset", "close"])
@pytest.mark.parametrize("behind", [1, 5_000], ids=["a request", "more than is kept"])
@pytest.mark.parametrize("stream", [True, False])
def test_requests_behind_the_first_do_not_hide_that_the_client_has_left(one_thread, leave, behind, stream):
    sock = ask(one_thread, stream=stream)
    sock.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n" * behind)
    wait_until(lambda: metrics(one_thread)["segments_done"] >= 1)
    leave(sock)
    wait_until(lambda: metrics(one_thread)["in_flight"] == 0)
    wait_until(lambda: metrics(one_thread)["segments_waiting"] == 0)
    assert metrics(one_thread)["segments_done"] < 300, "the whole text was spoken for nobody"
    assert metrics(one_thread)["total_cancelled"] == 1


def test_a_client_that_waits_and_leaves_gives_its_place_up_although_it_sent_more(start_server):
    server = start_server(synthesis_threads=1, threads=4, max_text_length=200_000)
    with contextlib.ExitStack() as stack:
        speaking = [stack.enter_context(ask(server, stream=True)) for _ in range(6)]
        for sock in speaking:
            sock.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: num_waiting(server))
    wait_until(lambda: metrics(server)["in_flight"] == 0 and not num_waiting(server))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_only_ends_its_side_gets_its_reply(one_thread, version, stream):
    text = " ".join(f"This is sentence number {n} of a story." for n in range(20))
    replies = []
    for ends_its_side in (False, True):
        with socket.create_connection(("127.0.0.1", one_thread.port), timeout=60) as sock:
            request = request_of(text, version=version, stream=stream, seed=1)
            sock.sendall(request.replace(b"Host: localhost", b"Host: localhost\r\nConnection: close"))
            if ends_its_side:
                sock.shutdown(socket.SHUT_WR)
            response = http.client.HTTPResponse(sock)
            response.begin()
            replies.append((response.status, response.read()))
    assert replies[1] == replies[0]
    assert replies[0][0] == 200


def test_a_short_request_of_a_client_that_ends_its_side_is_answered(one_thread):
    for request in (b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /nope HTTP/1.0\r\n\r\n", b"broken\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", one_thread.port), timeout=30) as sock:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            assert received(sock).startswith(b"HTTP/1.")


def test_a_held_reply_reaches_a_client_that_has_ended_its_side(one_thread, monkeypatch):
    """Some bytes of the first line are sent early, to find out whether it is still there."""
    speaker = one_thread.synthesizer.catalog.engine("embedded").hibari
    speak, go_on = speaker.speak, threading.Event()

    def held(*arguments):
        go_on.wait(20)
        return speak(*arguments)

    monkeypatch.setattr(speaker, "speak", held)
    with socket.create_connection(("127.0.0.1", one_thread.port), timeout=60) as sock:
        sock.sendall(request_of("Hello there."))
        sock.shutdown(socket.SHUT_WR)
        early = sock.recv(1)
        go_on.set()
        assert (early + received(sock)).startswith(b"HTTP/1.1 200 OK\r\n")
