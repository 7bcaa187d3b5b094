"""WebSockets by hand: frames on a connection, for what no library sends."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct


def open_socket(server, headers: str = "", *, version: int = 13, protocol: str = "HTTP/1.1", behind: bytes = b"") -> socket.socket:
    """A connection that asks for a socket, without a library that would answer pings."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET /v1/realtime {protocol}\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n{headers}\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(head.encode() + behind)
    return connection


def frame(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """A client's frame. The mask is zero, so the payload stays as it is."""
    first = (0x80 if is_last else 0) | opcode
    size = len(payload)
    if size < 126:
        return struct.pack(">BB4x", first, 0x80 | size) + payload
    if size < 2**16:
        return struct.pack(">BBH4x", first, 0x80 | 126, size) + payload
    return struct.pack(">BBQ4x", first, 0x80 | 127, size) + payload


def close_frame(connection: socket.socket) -> tuple[int, str]:
    """The code and the reason of the close frame that comes next."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while received := connection.recv(65536):
            data += received
    at = data.index(b"\r\n\r\n") + 4 if data.startswith(b"HTTP/") else 0
    while data[at] != 0x88:
        length = data[at + 1]
        extended = {126: 2, 127: 8}.get(length, 0)
        size = int.from_bytes(data[at + 2 : at + 2 + extended], "big") if extended else length
        at += 2 + extended + size
    payload = data[at + 2 : at + 2 + data[at + 1]]
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()
