"""HTTP by hand: bytes on a connection, and what comes back."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

LONG = " ".join(f"This is sentence number {n} of a very long story that nobody waits for." for n in range(1500))


@dataclass
class Reply:
    """One reply. `body` is without the lengths of chunks; `is_whole`: its end was there."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


@contextlib.contextmanager
def connection(server, data: bytes = b"", *, receive_buffer: int = 0) -> Iterator[socket.socket]:
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(30)
    with sock:
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(data)
        yield sock


def post(fields: dict[str, Any], *, version: str = "1.1", path: str = "/v1/audio/speech", headers: str = "") -> bytes:
    body = json.dumps(fields).encode()
    head = f"POST {path} HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def replies(sock: socket.socket, *, to_head: bool = False) -> list[Reply]:
    """All that come until the server closes the connection."""
    data = b"".join(iter(lambda: sock.recv(65536), b""))
    found = []
    while data:
        reply, data = _parse(data, to_head=to_head)
        found.append(reply)
    return found


def only_reply(sock: socket.socket, *, to_head: bool = False) -> Reply:
    (reply,) = replies(sock, to_head=to_head)
    return reply


def next_reply(sock: socket.socket) -> Reply:
    """One that says where it ends, on a connection that stays open."""
    data = b""
    while True:
        data += _received(sock)
        if b"\r\n\r\n" not in data:
            continue
        reply, more = _parse(data)
        if reply.is_whole:
            assert not more, "more came than was announced"
            return reply


def _received(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    assert data, "the connection ended too early"
    return data


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _parse(data: bytes, *, to_head: bool = False) -> tuple[Reply, bytes]:
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1."), head[:80]
    status, headers = int(head.split()[1]), _headers(head)
    if to_head or status < 200:
        return Reply(status, headers, b"", True), rest
    if "content-length" in headers:
        length = int(headers["content-length"])
        return Reply(status, headers, rest[:length], len(rest) >= length), rest[length:]
    if headers.get("transfer-encoding") != "chunked":
        return Reply(status, headers, rest, True), b""
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size or b"0", 16)
        if length == 0:
            return Reply(status, headers, body, rest.startswith(b"\r\n")), rest[2:]
        body, rest = body + rest[:length], rest[length + 2 :]
    return Reply(status, headers, body, False), b""


def metrics(server) -> dict[str, Any]:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]
