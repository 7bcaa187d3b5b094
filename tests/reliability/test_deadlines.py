"""Clients that are slow, or do nothing, are let go of; meanwhile the others are served.

TEST_SCALE makes the crowds larger: 6 stands for 110 connections that trickle, and 100 that do not read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time

import pytest
import requests
from support.waiting import wait_until
from wire import LONG, connection, metrics, next_reply, only_reply, post, replies

from tts_server.engines.embedded.hibari_voice import HibariVoice
from tts_server.server.deadlines import Deadlines, Pace

SCALE = float(os.environ.get("TEST_SCALE", "1"))
TRICKLING = min(110, round(20 * SCALE))
STALLED = min(100, round(18 * SCALE))
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


def trickle(sock: socket.socket, data: bytes, seconds: float = 0.05) -> None:
    """Send byte by byte until the server answers or ends the connection."""
    with contextlib.suppress(OSError):
        for byte in data:
            sock.sendall(bytes([byte]))
            sock.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                sock.recv(1, socket.MSG_PEEK)
                break
    sock.settimeout(30)


@pytest.mark.parametrize("sent", [b"GET /v1/models HTTP/1.1\r\nHost: local", b"\r\n", b"G"], ids=["half a head", "an empty line", "a byte"])
def test_a_head_that_does_not_end_is_refused_however_its_bytes_come(start_server, sent):
    server = start_server(deadlines=Deadlines(head=0.5, check=0.1))
    with connection(server, sent) as silent, connection(server) as trickling:
        trickle(trickling, sent + b"X" * 1000)
        for sock in (silent, trickling):
            reply = only_reply(sock)
            assert (reply.status, reply.error["code"], reply.headers["connection"]) == (408, "request_timeout", "close")
            assert reply.headers["x-request-id"]


def test_a_head_that_comes_in_pieces_is_served(start_server):
    server = start_server(deadlines=Deadlines(head=20, check=0.1))
    with connection(server) as sock:
        trickle(sock, GET, 0.001)
        assert next_reply(sock).status == 200


def test_a_body_that_stops_or_trickles_is_refused(start_server):
    server = start_server(deadlines=Deadlines(body=0.5, check=0.1))
    head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
    with (
        connection(server, head + b"Content-Length: 10000\r\n\r\n{") as stopped,
        connection(server, head + b"Transfer-Encoding: chunked\r\n\r\n") as chunked,
        connection(server, head + b"Content-Length: 10000\r\n\r\n") as trickling,
    ):
        trickle(trickling, b"{" * 1000)
        for sock in (stopped, chunked, trickling):
            reply = only_reply(sock)
            assert (reply.status, reply.error["code"]) == (408, "request_timeout")


def test_a_body_that_takes_longer_than_its_deadline_but_keeps_coming_is_served(start_server):
    server = start_server(deadlines=Deadlines(head=0.3, body=1.0, check=0.1))
    request = post({"input": "Hello.", "padding": "x" * 60_000})
    with connection(server) as sock:
        for start in range(0, len(request), 4000):
            sock.sendall(request[start : start + 4000])
            time.sleep(0.1)
        assert next_reply(sock).status == 200


def test_an_idle_connection_is_closed_and_one_that_asks_now_and_then_is_kept(start_server):
    server = start_server(deadlines=Deadlines(idle=1.0, check=0.1))
    with connection(server) as mute, connection(server) as asking:
        for _ in range(5):
            asking.sendall(GET)
            assert next_reply(asking).status == 200
            time.sleep(0.3)
        assert replies(mute) == []
        assert replies(asking) == []


def test_a_client_that_sends_the_next_request_early_does_not_lose_the_reply_it_waits_for(start_server, monkeypatch):
    """The clocks of the second request do not run while the first is being answered."""
    server = start_server(deadlines=Deadlines(head=1.5, check=0.05))
    is_late, go_on = threading.Event(), threading.Event()
    speak = HibariVoice.speak

    def held(*arguments):
        is_late.set()
        assert go_on.wait(20)
        return speak(*arguments)

    monkeypatch.setattr(HibariVoice, "speak", held)
    with connection(server, post({"input": "Hello."}) + GET[:20]) as sock:
        assert is_late.wait(20)
        time.sleep(1.7)
        go_on.set()
        assert next_reply(sock).status == 200
        time.sleep(0.2)
        sock.sendall(GET[20:])
        assert next_reply(sock).status == 200


def test_a_reader_that_takes_nothing_is_cut_off_and_its_work_ends(start_server):
    server = start_server(deadlines=Deadlines(reader=0.5, check=0.1), max_text_length=200_000)
    with connection(server, post({"input": LONG, "response_format": "pcm", "stream": True}), receive_buffer=4096) as sock:
        assert sock.recv(1000)
        wait_until(lambda: metrics(server)["in_flight"] == 0)
        told = metrics(server)
        assert (told["total_cancelled"], told["total_errors"], told["total_completed"]) == (1, 0, 0)
        with pytest.raises(ConnectionResetError):
            replies(sock)
    wait_until(lambda: metrics(server)["segments_waiting"] == 0)


def test_a_reader_that_pauses_for_less_than_its_deadline_gets_everything(start_server):
    server = start_server(deadlines=Deadlines(reader=20, check=0.05))
    with connection(server, post({"input": LONG[:600], "response_format": "wav", "sample_rate": 48000}), receive_buffer=4096) as sock:
        wait_until(lambda: metrics(server)["total_completed"] == 1)
        time.sleep(0.5)
        reply = next_reply(sock)
        assert (reply.status, reply.body[:4]) == (200, b"RIFF")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_stream_that_breaks_off_never_looks_whole(server, monkeypatch, version):
    """In HTTP/1.0 the end of the connection is the end of the reply, so only an error of the connection can tell."""
    speak = HibariVoice.speak

    def failing(self, text, *arguments):
        if "third" in text:
            raise RuntimeError("the engine failed")
        return speak(self, text, *arguments)

    monkeypatch.setattr(HibariVoice, "speak", failing)
    text = " ".join(
        f"This is the {n} sentence, and it is long enough to be a segment of its own, all by itself." for n in ("first", "second", "third")
    )
    with connection(server, post({"input": text, "response_format": "pcm", "stream": True}, version=version)) as sock:
        if version == "1.1":
            reply = only_reply(sock)
            assert (reply.status, bool(reply.body), reply.is_whole) == (200, True, False)
        else:
            with pytest.raises(ConnectionResetError):
                replies(sock)


def test_the_pace_of_bytes_has_a_longest_pause_and_a_least_rate():
    pace = Pace(10, 100)
    assert not pace.is_too_slow(1000), "nothing is waited for"
    pace.begin(0)
    assert not pace.is_too_slow(9)
    assert pace.is_too_slow(11)
    for second in range(1, 60, 5):
        pace.add(500, second)
    assert not pace.is_too_slow(60)
    assert pace.is_too_slow(67), "nothing came for more than ten seconds"
    for second in range(60, 100, 5):
        pace.add(1, second)
    assert pace.is_too_slow(96), "something comes, but too little"
    pace.end()
    assert not pace.is_too_slow(1000)


def test_crowds_that_trickle_or_do_not_read_are_let_go_while_the_others_are_served(start_server):
    server = start_server(deadlines=Deadlines(head=2, reader=2, check=0.2), max_text_length=200_000, threads=max(48, STALLED))
    with contextlib.ExitStack() as stack:
        speech = post({"input": LONG, "response_format": "pcm", "stream": True})
        stalled = [stack.enter_context(connection(server, speech, receive_buffer=4096)) for _ in range(STALLED)]
        trickling = [stack.enter_context(connection(server, b"GET / HTTP/1.1\r\n")) for _ in range(TRICKLING)]
        is_over = threading.Event()

        def keep_trickling() -> None:
            while not is_over.wait(0.4):
                for sock in trickling:
                    with contextlib.suppress(OSError):
                        sock.sendall(b"x")

        feeder = threading.Thread(target=keep_trickling)
        feeder.start()
        try:
            for sock in trickling:
                assert only_reply(sock).status == 408
                assert requests.get(f"{server.url}/health", timeout=10).status_code == 200
            wait_until(lambda: metrics(server)["in_flight"] == 0 and metrics(server)["segments_waiting"] == 0, seconds=60 * SCALE)
            assert metrics(server)["total_cancelled"] == len(stalled)
        finally:
            is_over.set()
            feeder.join()
    assert requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hello."}, timeout=60).status_code == 200


def test_a_full_house_of_clients_that_do_not_ask_makes_room_for_one_that_does(start_server, monkeypatch):
    monkeypatch.setattr("tts_server.server.listener.CONNECTIONS", 20)
    server = start_server(deadlines=Deadlines(head=600, idle=600, check=0.1))
    with contextlib.ExitStack() as stack:
        for sent in [b"", b"GET / HTTP/1.1\r\nX: "] * 15:
            stack.enter_context(connection(server, sent))
        assert requests.get(f"{server.url}/health", timeout=30).status_code == 200


def test_a_server_without_files_left_goes_on_once_there_are_some(start_server, monkeypatch):
    server = start_server(deadlines=Deadlines(check=0.1))
    accept, failures = socket.socket.accept, iter([OSError(errno.EMFILE, "Too many open files"), RuntimeError("inner")])

    def failing(sock):
        for failure in failures:
            raise failure
        return accept(sock)

    monkeypatch.setattr(socket.socket, "accept", failing)
    assert requests.get(f"{server.url}/health", timeout=30).status_code == 200
