"""Connections that hold the server up make room for those that ask: whose bodies trickle, who ask for nothing, who buffer too much."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time

import pytest
import requests
from support.waiting import wait_until
from waitress.task import WSGITask
from wire import connection, metrics, next_reply, only_reply, post, replies

from tts_server.server.connections import ConnectionLimits
from tts_server.server.deadlines import Deadlines, Pace, RecentSum

PATIENT = Deadlines(head=600, idle=600, body=600, check=0.1)
UPLOAD = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000000\r\n\r\n"
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


def is_closed(sock: socket.socket) -> bool:
    """Whether the server has closed a connection on which it sent nothing."""
    if not select.select([sock], [], [], 0)[0]:
        return False
    with contextlib.suppress(ConnectionResetError):
        return not sock.recv(1, socket.MSG_PEEK)
    return True


def test_bytes_that_came_early_buy_no_time():
    pace = Pace(10, 100)
    pace.add(1_000_000, 0)
    for second in range(1, 12):
        pace.add(1, second)
    assert pace.is_too_slow(12)


def test_a_pace_that_is_kept_is_never_lost():
    pace = Pace(10, 100)
    for second in range(10_000):
        pace.add(100, second)
        assert not pace.is_too_slow(second + 0.9)


def test_only_recent_amounts_count():
    recent = RecentSum()
    recent.add(5, 100.0)
    assert recent.sum(100.5) == 5
    assert recent.sum(101.5) == 5
    assert recent.sum(103.5) == 0


def test_a_body_of_which_much_came_early_is_refused_once_it_trickles(start_server):
    server = start_server(deadlines=Deadlines(body=0.5, check=0.1))
    with connection(server, UPLOAD + b"x" * 300_000) as sock:
        sock.settimeout(0.1)
        deadline = time.monotonic() + 20
        while not select.select([sock], [], [], 0.1)[0]:
            assert time.monotonic() < deadline, "it may trickle on"
            sock.sendall(b"x")
        sock.settimeout(30)
        assert only_reply(sock).error["code"] == "request_timeout"


def test_a_body_has_a_time_within_which_it_has_to_be_complete(start_server):
    server = start_server(deadlines=Deadlines(upload=0.5, check=0.1))
    with connection(server, UPLOAD) as sock:
        deadline = time.monotonic() + 20
        while not select.select([sock], [], [], 0.02)[0]:
            assert time.monotonic() < deadline, "it may go on for ever"
            sock.sendall(b"x" * 4000)
        reply = only_reply(sock)
        assert (reply.status, reply.error["code"]) == (408, "request_timeout")


@pytest.mark.parametrize("kind", ["bodies", "heads", "silent", "asking again"])
def test_connections_that_hold_the_server_up_make_room_for_one_that_asks(start_server, kind):
    server = start_server(deadlines=PATIENT, limits=ConnectionLimits(20, 200 if kind == "asking again" else 30))
    sent = {"bodies": UPLOAD + b"x" * 100_000, "heads": b"GET / HTTP/1.1\r\nX: ", "silent": b"", "asking again": GET}[kind]
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connection(server, sent)) for _ in range(60)]
        reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hello."}, timeout=30)
        assert reply.status_code == 200
        wait_until(lambda: sum(map(is_closed, crowd)) >= 30 or kind == "asking again")


def test_the_slowest_upload_is_closed_before_one_that_keeps_coming(start_server):
    server = start_server(deadlines=PATIENT, limits=ConnectionLimits(10, 40))
    is_over = threading.Event()
    with contextlib.ExitStack() as stack:
        steady = stack.enter_context(connection(server, UPLOAD))

        def upload() -> None:
            with contextlib.suppress(OSError):
                while not is_over.wait(0.05):
                    steady.sendall(b"x" * 5000)

        uploader = threading.Thread(target=upload)
        uploader.start()
        try:
            crowd = [stack.enter_context(connection(server, UPLOAD + b"x" * 1000)) for _ in range(20)]
            wait_until(lambda: sum(map(is_closed, crowd)) >= 11)
            assert not is_closed(steady)
        finally:
            is_over.set()
            uploader.join()


def test_a_request_that_is_worked_on_is_never_closed_for_others(start_server):
    server = start_server(deadlines=PATIENT, limits=ConnectionLimits(5, 10))
    with contextlib.ExitStack() as stack:
        text = " ".join(f"This is sentence number {n} of a story that goes on." for n in range(40))
        sock = stack.enter_context(connection(server, post({"input": text, "response_format": "pcm", "cache": False})))
        wait_until(lambda: metrics(server)["in_flight"] == 1)
        for _ in range(30):
            stack.enter_context(connection(server))
        assert next_reply(sock).status == 200


def test_a_connection_for_which_there_is_no_room_is_told_so(start_server):
    server = start_server(deadlines=PATIENT, limits=ConnectionLimits(2, 2))
    text = " ".join(f"This is sentence number {n} of a story that goes on." for n in range(60))
    with contextlib.ExitStack() as stack:
        speech = post({"input": text, "response_format": "pcm", "stream": True})
        busy = [stack.enter_context(connection(server, speech, receive_buffer=4096)) for _ in range(2)]
        assert all(sock.recv(1) for sock in busy)
        late = stack.enter_context(connection(server, b""))
        reply = only_reply(late)
        assert (reply.status, reply.error["code"]) == (503, "busy")
        assert reply.headers["retry-after"]
        assert not any(map(is_closed, busy))


def test_one_address_has_its_share_of_the_connections():
    limits = ConnectionLimits(100, trusted_proxy="10.0.0.1")
    assert limits.connections_per_address == 75
    assert limits.network_of("203.0.113.7") == limits.network_of("::ffff:203.0.113.7") == "203.0.113.7"
    assert limits.network_of("2001:db8::1") == limits.network_of("2001:db8::2:3:4:5") != limits.network_of("2001:db8:0:1::1")
    assert [limits.network_of(shared) for shared in ("127.0.0.1", "127.8.9.1", "::1", "10.0.0.1")] == [None] * 4


def test_uploads_beyond_the_bound_of_what_is_buffered_are_refused_and_short_requests_served(start_server):
    server = start_server(deadlines=PATIENT, limits=ConnectionLimits(buffered_bytes=4 * 2**20))
    with contextlib.ExitStack() as stack:
        uploads = [stack.enter_context(connection(server, UPLOAD + b"x" * 700_000)) for _ in range(8)]
        assert requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hello."}, timeout=30).status_code == 200
        wait_until(lambda: any(select.select(uploads, [], [], 0)[0]))
        refused = [only_reply(sock) for sock in select.select(uploads, [], [], 0)[0]]
        assert {(reply.status, reply.error["code"]) for reply in refused} == {(503, "busy")}
        assert len(refused) < len(uploads)


def test_room_is_given_back_when_uploads_end(start_server):
    server = start_server(deadlines=PATIENT, limits=ConnectionLimits(buffered_bytes=4 * 2**20))
    padded = {"input": "Hello.", "padding": "x" * 3_000_000}
    for _ in range(4):
        with connection(server, post(padded)) as sock:
            assert next_reply(sock).status == 200


@pytest.mark.parametrize("header", ["", "Authorization: Bearer wrong\r\n", "Expect: 100-continue\r\n"])
def test_a_request_without_a_key_is_refused_before_its_body_has_come(start_server, header):
    server = start_server(api_keys=("secret",))
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n{header}Content-Length: 40000000\r\n\r\n"
    body = b"" if "Expect" in header else b"x" * 100_000
    with connection(server, head.encode() + body) as sock:
        reply = only_reply(sock)
    assert (reply.status, reply.headers["connection"]) == (401, "close")
    assert reply.error["code"]
    assert reply.headers["x-request-id"]


def test_a_role_that_does_not_suffice_is_refused_before_the_body_in_chunks_has_come(start_server):
    server = start_server(allowed_hosts=("example.com",))
    with connection(
        server, b"POST /v1/audio/speech HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    ) as sock:
        assert only_reply(sock).status == 403


def test_with_a_key_the_body_is_asked_for_and_read(start_server):
    server = start_server(api_keys=("secret",))
    body = json.dumps({"input": "Hello."}).encode()
    head = f"Host: localhost\r\nx-api-key: secret\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    with connection(server, b"POST /v1/audio/speech HTTP/1.1\r\n" + head.encode()) as sock:
        assert next_reply(sock).status == 100
        sock.sendall(body)
        assert next_reply(sock).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("framing", ["Content-Length: 65537", "Transfer-Encoding: chunked"])
def test_a_method_that_needs_no_body_has_a_small_one_at_most(server, method, framing):
    body = b"" if "Length" in framing else b"10001\r\n" + b"x" * 0x10001
    with connection(server, f"{method} /v1/models HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode() + body) as sock:
        assert only_reply(sock, to_head=method == "HEAD").status == 413


def test_a_client_that_resets_while_it_is_refused_leaves_no_error_in_the_log(start_server, caplog):
    server = start_server()
    for _ in range(100):
        with connection(server, b"broken\r\n\r\n" * 20) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert requests.get(f"{server.url}/health", timeout=30).status_code == 200
    assert "AttributeError" not in caplog.text


def test_many_replies_to_pipelined_requests_come_in_their_order(server):
    paths = ["/v1/models", "/health", "/nope", "/healthz"] * 10
    with connection(server, b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths)) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert [reply.status for reply in replies(sock)] == [404 if path == "/nope" else 200 for path in paths]


@pytest.mark.parametrize("stream", [True, False])
def test_a_large_request_may_follow_as_soon_as_the_reply_is_whole(start_server, monkeypatch, stream):
    """Proxies keep connections: the next upload may come before the server has finished with the request before it."""
    server = start_server()
    is_sent, go_on = threading.Event(), threading.Event()
    end_reply = WSGITask.finish

    def finish(task):
        end_reply(task)
        if task.request.path == "/v1/audio/speech":
            is_sent.set()
            assert go_on.wait(20)

    monkeypatch.setattr(WSGITask, "finish", finish)
    samples = b"\0\0" * 24_000 * 170  # more than the system buffers
    upload = b"POST /page/encode?format=wav&sample_rate=24000 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(samples)
    with connection(server, post({"input": "Hello.", "stream": stream, "response_format": "wav"})) as sock:
        assert next_reply(sock).status == 200
        assert is_sent.wait(20)
        sender = threading.Thread(target=sock.sendall, args=(upload + samples,))
        sender.start()
        wait_until(lambda: not sender.is_alive() or not select.select([], [sock], [], 0.1)[1])
        go_on.set()
        sender.join()
        encoded = next_reply(sock)
    assert (encoded.status, len(encoded.body)) == (200, 44 + len(samples))


def test_many_requests_without_a_key_delay_nobody_who_has_one(start_server):
    server = start_server(api_keys=("secret",), deadlines=PATIENT, limits=ConnectionLimits(300, 600))
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connection(server, UPLOAD + b"x" * 20_000)) for _ in range(250)]
        reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hello."}, headers={"x-api-key": "secret"}, timeout=30)
        assert reply.status_code == 200
        wait_until(lambda: all(select.select([sock], [], [], 0)[0] for sock in crowd))
