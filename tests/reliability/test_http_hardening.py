"""Requests that two readers could understand in two ways, or that cost much to read, are refused; all others are answered exactly."""

from __future__ import annotations

import json
import re
import socket
import time

import pytest
import requests
from wire import Reply, connection, metrics, next_reply, only_reply, post, replies

JSON = b'{"input":"Hello."}'
SPEECH = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
HIDDEN = b"GET /v1/voices HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(JSON), JSON)
LENGTH = b"Content-Length: %d\r\n" % len(JSON)
CHUNKED = b"Transfer-Encoding: chunked\r\n"

AMBIGUOUS = {
    "length and chunks": (SPEECH + LENGTH + CHUNKED + b"\r\n" + CHUNKS, 400),
    "chunks and length": (SPEECH + CHUNKED + LENGTH + b"\r\n" + CHUNKS, 400),
    "a length of nothing and chunks": (SPEECH + CHUNKED + b"Content-Length: 0\r\n\r\n" + CHUNKS, 400),
    "two lengths": (SPEECH + LENGTH + b"Content-Length: 5\r\n\r\n" + JSON, 400),
    "the same length twice": (SPEECH + LENGTH + LENGTH + b"\r\n" + JSON, 400),
    "a list of lengths": (SPEECH + b"Content-Length: 18, 18\r\n\r\n" + JSON, 400),
    "a signed length": (SPEECH + b"Content-Length: +18\r\n\r\n" + JSON, 400),
    "a hexadecimal length": (SPEECH + b"Content-Length: 0x12\r\n\r\n" + JSON, 400),
    "an empty length": (SPEECH + b"Content-Length:\r\n\r\n" + JSON, 400),
    "a length of 5,000 digits": (SPEECH + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
    "a length beyond the limit": (SPEECH + b"Content-Length: 99999999999\r\n\r\n", 413),
    "chunks twice": (SPEECH + CHUNKED + CHUNKED + b"\r\n" + CHUNKS, 400),
    "chunks in chunks": (SPEECH + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS, 400),
    "an unknown coding": (SPEECH + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS, 501),
    "an unknown coding before chunks": (SPEECH + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS, 400),
    "a coding after a vertical tab": (SPEECH + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS, 400),
    "chunks in HTTP/1.0": (SPEECH.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + CHUNKS, 400),
    "a blank before the colon": (SPEECH + b"Content-Length : 18\r\n\r\n" + JSON, 400),
    "a header in two lines": (GET + b"X-Long: a\r\n b\r\n\r\n", 400),
    "chunks in two lines": (SPEECH + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKS, 400),
    "a line that begins with a blank": (b"GET /v1/models HTTP/1.1\r\n Host: localhost\r\n\r\n", 400),
    "a header that ends with LF": (GET + b"X: a\nContent-Length: 5\r\n\r\n", 400),
    "a header that ends with CR": (GET + b"X: a\rContent-Length: 5\r\n\r\n", 400),
    "a NUL in a header": (GET + b"X: a\x00b\r\n\r\n", 400),
    "a header without a name": (GET + b": a\r\n\r\n", 400),
    "a header without a colon": (GET + b"nothing\r\n\r\n", 400),
    "no host": (b"GET /v1/models HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + b"Host: localhost\r\n\r\n", 400),
    "two hosts that differ": (GET + b"Host: evil.example\r\n\r\n", 400),
    "two hosts in HTTP/1.0": (GET.replace(b"1.1", b"1.0") + b"Host: localhost\r\n\r\n", 400),
    "HTTP/9.9": (GET.replace(b"1.1", b"9.9") + b"\r\n", 505),
    "HTTP/2.0": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "no version": (b"GET /v1/models\r\nHost: localhost\r\n\r\n", 400),
    "a version of two digits": (GET.replace(b"1.1", b"1.11") + b"\r\n", 400),
    "a lower-case method": (GET.replace(b"GET", b"get") + b"\r\n", 400),
    "two blanks in the first line": (GET.replace(b"GET ", b"GET  ") + b"\r\n", 400),
    "a head of 70,000 bytes": (GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "an address of 70,000 bytes": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
    "a thousand headers": (GET + b"".join(b"X-%d: 1\r\n" % n for n in range(1000)) + b"\r\n", 431),
    "a header of blanks": (GET + b"X:" + b" " * 60_000 + b"\x01\r\n\r\n", 400),
    "a chunk of no number": (SPEECH + CHUNKED + b"\r\nxyz\r\n", 400),
    "a chunk of less than nothing": (SPEECH + CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk longer than it says": (SPEECH + CHUNKED + b"\r\n2\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk with a long first line": (SPEECH + CHUNKED + b"\r\n5;x=" + b"a" * 5000, 400),
    "a trailer without end": (SPEECH + CHUNKED + b"\r\n0\r\n" + b"X: a\r\n" * 5000, 400),
    "a trailer line without a colon": (SPEECH + CHUNKED + b"\r\n0\r\nnothing\r\n\r\n", 400),
    "a trailer line that begins with a blank": (SPEECH + CHUNKED + b"\r\n0\r\nX: a\r\n b\r\n\r\n", 400),
    "a trailer with a NUL": (SPEECH + CHUNKED + b"\r\n0\r\nX: a\x00b\r\n\r\n", 400),
    "a trailer with a bare LF": (SPEECH + CHUNKED + b"\r\n0\r\nX: a\nY: b\r\n\r\n", 400),
    "a chunk size with a sign": (SPEECH + CHUNKED + b"\r\n+5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk size with an underscore": (SPEECH + CHUNKED + b"\r\n1_0\r\n0123456789abcdef\r\n0\r\n\r\n", 400),
    "a chunk size with 0x": (SPEECH + CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk size after a blank": (SPEECH + CHUNKED + b"\r\n 5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk size before a blank": (SPEECH + CHUNKED + b"\r\n5 \r\nhello\r\n0\r\n\r\n", 400),
    "a chunk size that ends with LF": (SPEECH + CHUNKED + b"\r\n5\n\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk size of 17 digits": (SPEECH + CHUNKED + b"\r\n00000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    "an empty chunk size": (SPEECH + CHUNKED + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk extension with a NUL": (SPEECH + CHUNKED + b"\r\n5;a=\x00\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk extension with a bare CR": (SPEECH + CHUNKED + b'\r\n5;a="\r"\r\nhello\r\n0\r\n\r\n', 400),
    "a chunk extension without a name": (SPEECH + CHUNKED + b"\r\n5;\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk beyond the limit of bodies": (SPEECH + CHUNKED + b"\r\nfffffffff\r\n", 413),
    "chunks of one byte": (SPEECH + CHUNKED + b"\r\n" + b"1\r\n \r\n" * 5000, 400),
    "a few large chunks and many small ones": (SPEECH + CHUNKED + b"\r\n" + b"400\r\n%s\r\n" % bytes(1024) + b"1\r\n \r\n" * 5000, 400),
    "a blank before the request line": (b" " + GET + b"\r\n", 400),
    "a tab before the request line": (b"\t" + GET + b"\r\n", 400),
    "a bare LF before the request line": (b"\n" + GET + b"\r\n", 400),
    "a bare CR before the request line": (b"\r" + GET + b"\r\n", 400),
    "five empty lines before the request line": (b"\r\n" * 5 + GET + b"\r\n", 400),
    "nothing but empty lines": (b"\r\n" * 5000, 400),
    "a NUL in the address": (b"GET /v1/models\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a tab in the address": (b"GET /v1/\tmodels HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a DEL in the address": (b"GET /v1/models\x7f HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a bare CR in the address": (b"GET /v1/\rmodels HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a bare LF after the request line": (b"GET /v1/models HTTP/1.1\nHost: localhost\r\n\r\n", 400),
    "a blank after the request line": (b"GET /v1/models HTTP/1.1 \r\nHost: localhost\r\n\r\n", 400),
    "a tab between method and address": (b"GET\t/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a fourth word in the request line": (b"GET /v1/models x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a lower-case version": (b"GET /v1/models http/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a method with a slash": (b"GE/T /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "an escape in a header": (GET + b"X: a\x1b[31m\r\n\r\n", 400),
    "a DEL in a header": (GET + b"X: a\x7f\r\n\r\n", 400),
    "a blank in the name of a header": (GET + b"X Y: a\r\n\r\n", 400),
    "a name of a header in quotes": (GET + b'"X": a\r\n\r\n', 400),
    "a name of a header with a control character": (GET + b"X\x01: a\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_can_be_understood_in_two_ways_is_refused_and_nothing_behind_it_is_answered(server, name):
    data, status = AMBIGUOUS[name]
    with connection(server, data + HIDDEN) as sock:
        reply = only_reply(sock)
    assert reply.status == status
    assert set(reply.error) == {"message", "type", "param", "code"}
    assert reply.error["message"]
    assert reply.headers["connection"] == "close"
    assert reply.headers["x-request-id"]


def test_nothing_of_that_has_reached_the_application_or_stays_open(start_server):
    server = start_server()
    before = metrics(server)["in_flight"], metrics(server)["total_completed"]
    for data, _ in AMBIGUOUS.values():
        with connection(server, data) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert (metrics(server)["in_flight"], metrics(server)["total_completed"]) == before


@pytest.mark.parametrize("address", ["http://localhost/v1/models", "http://evil.example/v1/models"])
def test_the_host_that_counts_is_the_header(server, address):
    with connection(server, f"GET {address} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode()) as sock:
        assert next_reply(sock).status == 403


@pytest.mark.parametrize(
    "line", ["OPTIONS * HTTP/1.1", "GET models HTTP/1.1", "CONNECT example.com:443 HTTP/1.1", "TRACE / HTTP/1.1", "BREW / HTTP/1.1"]
)
def test_odd_requests_are_refused_in_words(server, line):
    with connection(server, f"{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()) as sock:
        reply = only_reply(sock)
    assert 400 <= reply.status < 500
    assert reply.error["message"]


# What is right is answered exactly


def test_requests_that_are_sent_at_once_are_answered_in_order(server):
    close = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    speech = post({"input": "Hello.", "response_format": "wav"})
    with connection(server, GET + b"\r\n" + speech + speech + close + GET + b"\r\n") as sock:
        listing, first, second, last = replies(sock)
    assert json.loads(listing.body)["object"] == "list"
    assert first.body[:4] == second.body[:4] == b"RIFF"
    assert (last.status, last.error["code"]) == (404, "not_found")
    assert all(reply.is_whole for reply in (listing, first, second, last))


@pytest.mark.parametrize("how", [{"stream": True}, {"stream_format": "sse"}], ids=["audio", "events"])
def test_a_stream_leaves_its_connection_to_the_next_request(server, how):
    stream = post({"input": "Hello.", "response_format": "wav", **how})
    with connection(server, stream) as sock:
        for _ in range(3):
            reply = next_reply(sock)
            assert (reply.headers["transfer-encoding"], reply.is_whole) == ("chunked", True)
            assert "connection" not in reply.headers
            sock.sendall(stream)
        assert next_reply(sock).is_whole
        sock.sendall(stream.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        last = only_reply(sock)
    assert (last.headers["connection"], last.is_whole) == ("close", True)


@pytest.mark.parametrize("between", [b"\r\n", b"\r\n\r\n", b"\r\n" * 4])
def test_a_few_empty_lines_may_stand_before_a_request(server, between):
    """Some clients end a body with a line break that is not counted."""
    with connection(server, post({"input": "Hello."}) + between + GET + b"Connection: close\r\n\r\n") as sock:
        assert [reply.status for reply in replies(sock)] == [200, 200]


def test_what_comes_byte_by_byte_is_read_the_same(server):
    body = b'%x;name="a b"\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n' % (len(JSON), JSON)
    with connection(server) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"\r\n" + SPEECH + CHUNKED + b"Connection: close\r\n\r\n" + body:
            sock.sendall(bytes([byte]))
        assert only_reply(sock).headers["content-type"] == "audio/mpeg"


def test_a_body_may_come_in_small_chunks_if_they_are_not_too_many(server):
    text = b'{"input":"%s"}' % b"Hello. ".ljust(500)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in text[:100]) + b"%x\r\n%s\r\n" % (len(text) - 100, text[100:])
    with connection(server, SPEECH + CHUNKED + b"Connection: close\r\n\r\n" + chunks + b"0\r\n\r\n") as sock:
        assert only_reply(sock).status == 200
    long_body = b'{"input":"Hello.","more":"%s"}' % (b"x" * 100_000)
    parts = [long_body[at : at + 70] for at in range(0, len(long_body), 70)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    with connection(server, SPEECH + CHUNKED + b"Connection: close\r\n\r\n" + chunks + b"0\r\n\r\n") as sock:
        assert only_reply(sock).status == 200


@pytest.mark.parametrize("beginning", [b"\x16\x03\x01\x02\x00\x01", b"\x16"], ids=["the beginning of it", "its first byte"])
def test_a_client_that_begins_with_tls_is_answered_at_once(server, beginning):
    with connection(server, beginning) as sock:
        sock.settimeout(5)  # less than a head may take
        reply = only_reply(sock)
    assert reply.status == 400
    assert "http, not https" in reply.error["message"]


@pytest.mark.parametrize("beginning", [b"\x00", b"\x80\x2e\x01", b"\x05\x01\x00", b"{", b"<policy-file-request/>\x00"])
def test_what_can_be_no_request_is_answered_at_once(server, beginning):
    with connection(server, beginning) as sock:
        sock.settimeout(5)
        assert only_reply(sock).status == 400


def test_a_body_may_come_in_chunks_with_extensions_and_a_trailer(server):
    body = b'%x;name="a b"\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n' % (len(JSON), JSON)
    with connection(server, SPEECH + CHUNKED + b"\r\n" + body + GET + b"Connection: close\r\n\r\n") as sock:
        spoken, got = replies(sock)
    assert spoken.headers["content-type"] == "audio/mpeg"
    assert got.status == 200


def test_a_client_that_asks_whether_to_go_on_is_told_before_it_sends_its_body(server):
    with connection(server, SPEECH + LENGTH + b"Expect: 100-continue\r\n\r\n") as sock:
        assert next_reply(sock).status == 100
        sock.sendall(JSON)
        assert next_reply(sock).status == 200


def test_a_client_that_asks_whether_to_send_too_much_is_refused_at_once(server):
    with connection(server, SPEECH + b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n") as sock:
        assert only_reply(sock).status == 413


def head(server, path: str) -> Reply:
    with connection(server, f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() + GET + b"Connection: close\r\n\r\n") as sock:
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    first, _, rest = data.partition(b"\r\n\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in first.decode("latin-1").split("\r\n")[1:])
    }
    if headers.get("connection") == "close":
        assert rest == b"", "stray bytes"
    else:
        assert rest.startswith(b"HTTP/1.1 200"), "stray bytes before the next reply"
    return Reply(int(first.split()[1]), headers, b"", True)


def test_head_of_every_route_is_its_get_without_the_body(server):
    filled = {"voice_id": "alloy", "model_id": "embedded", "filename": "style.css", "request_id": "x", "name": "x", "path": "x"}
    filled |= {"dictionary_id": "x", "version_id": "x"}
    checked = 0
    for rule in server.app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.websocket:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: filled[match[1]], rule.rule)
        path += "?text=Hello.&voice=alloy" if path == "/tts-stream" else ""
        got = requests.get(server.url + path, timeout=60)
        asked = head(server, path)
        assert asked.status == got.status_code, path
        assert asked.headers.get("content-type") == got.headers.get("content-type"), path
        if path not in ("/metrics", "/health", "/healthz"):  # those change while they are asked
            assert asked.headers.get("content-length") in (None, got.headers.get("content-length")), path
        checked += 1
    assert checked > 15


@pytest.mark.parametrize(
    "path", ["/v1/audio/speech", "/v1/audio/speech/stream", "/generate", "/tts", "/v2/audio/speech_with_prompt", "/v1/responses"]
)
def test_head_where_nothing_can_be_got_is_refused_without_a_body(server, path):
    reply = head(server, path)
    assert (reply.status, "POST" in reply.headers["allow"]) == (405, True)


@pytest.mark.parametrize("path", ["/tts-stream?text=Hello.", "/v1/voices/alloy/preview"])
def test_head_of_audio_makes_none(start_server, path):
    server = start_server()
    reply = head(server, path)
    assert (reply.status, reply.headers["content-type"][:6]) == (200, "audio/")
    assert metrics(server)["segments_done"] == 0


def test_a_reply_in_http_1_0_ends_with_its_connection_or_with_its_length(server):
    with connection(server, post({"input": "Hello.", "response_format": "wav"}, version="1.0")) as sock:
        whole = only_reply(sock)
    with connection(server, post({"input": "Hello.", "response_format": "wav", "stream": True}, version="1.0")) as sock:
        streamed = only_reply(sock)
    assert (int(whole.headers["content-length"]), whole.body[:4]) == (len(whole.body), b"RIFF")
    assert ("content-length" in streamed.headers, "transfer-encoding" in streamed.headers) == (False, False)
    assert abs(len(streamed.body) - len(whole.body)) < 100_000


def test_the_costliest_heads_do_not_keep_the_others_waiting(server):
    """Each of these once took the loop, and so every client, minutes."""
    for data in (
        GET + b"X:" + b" " * 60_000 + b"\x01\r\n\r\n",
        GET + b"".join(b"X-%d:%s\x01\r\n" % (n, b" " * 600) for n in range(90)) + b"\r\n",
        GET + b"X: a\r\n" + (b" " * 250 + b"\r\n") * 200 + b"\r\n",
    ):
        begun = time.process_time()
        with connection(server, data) as sock:
            assert only_reply(sock).status == 400
        assert time.process_time() - begun < 5, "seconds of work for one head"


def test_a_client_that_sends_too_much_reads_why_also_while_it_is_still_sending(server):
    """To close with bytes unread would reset the connection, and the reply be lost."""
    with connection(server, SPEECH + b"Content-Length: 99999999999\r\n\r\n") as sock:
        for _ in range(200):
            sock.sendall(bytes(10_000))
        reply = only_reply(sock)
    assert (reply.status, reply.error["code"]) == (413, "too_large")


def test_a_client_that_sends_on_and_on_after_a_refusal_is_left(server):
    with connection(server, SPEECH + b"Content-Length: 99999999999\r\n\r\n") as sock, pytest.raises(OSError, match="reset|pipe|abort"):
        while True:
            sock.sendall(bytes(10_000))
