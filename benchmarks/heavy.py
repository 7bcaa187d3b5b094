"""Requests that are small to send and dear to answer, and messages that a server could be made to keep."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from texts import Writer
from websockets.sync.client import connect

MIB = 2**20
PIECE_BYTES = 64 * 1024
PATIENCE = 600.0
SAMPLE_RATE = 24000


@dataclass(frozen=True)
class Answer:
    """The status of a reply and how many bytes of body were read; nothing of it is stored."""

    status: int
    num_bytes: int


def dear_texts(length: int) -> dict[str, str]:
    """Texts of at most `length` characters, by what makes them dear: much is said for few characters, or each is dear to read."""
    return {
        "prose": Writer(6).characters(length),
        "digits": ("777777777777777 " * length)[:length],
        "signs with long names": "\u2965" * length,
        "money": ("$999,999,999.99 " * length)[:length],
        "capitals": ("WWWW " * length)[:length],
        "pauses": ("A. " + "[pause:10s] a. " * 11)[:length],
        "one word": "w" * length,
    }


def dear_bodies(length: int) -> list[bytes]:
    """Requests that ask for as much audio as they can: slow, at the highest rate, uncompressed, whole."""
    fields = {"speed": 0.25, "sample_rate": 48000, "response_format": "wav", "voice": "alloy"}
    return [json.dumps({"input": text, **fields}).encode() for text in dear_texts(length).values()]


def post(address: str, path: str, body: bytes, content_type: str = "application/json") -> Answer:
    """Send a request and read its reply as fast as it comes."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type})
        reply = connection.getresponse()
        num_bytes = 0
        while piece := reply.read(PIECE_BYTES):
            num_bytes += len(piece)
        return Answer(reply.status, num_bytes)
    finally:
        connection.close()


def speak_all(address: str, bodies: Sequence[bytes], at_once: int) -> list[Answer]:
    """The answers to speech requests, so many of them at the same time."""
    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(lambda body: post(address, "/v1/audio/speech", body), bodies))


def encode_all(address: str, at_once: int, num_bytes: int, kind: str = "mp3") -> list[Answer]:
    """Raw samples to be encoded, as the page sends them for a download: so many bodies of so many bytes at the same time."""
    body = (bytes(range(256)) * (num_bytes // 256 + 1))[: num_bytes // 2 * 2]
    path = f"/page/encode?format={kind}&sample_rate={SAMPLE_RATE}"
    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(lambda _: post(address, path, body, "application/octet-stream"), range(at_once)))


def fill_session(address: str, number: int, num_bytes: int) -> int:
    """Send so many `session.update` events of so many bytes, each with a key of its own. Returns the bytes received."""
    received = 0
    with connect(f"ws://{address}/v1/realtime?model=tts-1", max_size=None, open_timeout=PATIENCE, close_timeout=PATIENCE) as socket:
        for n in range(number):
            session = {"type": "realtime", "audio": {"input": {f"key{n}": "x" * num_bytes}}}
            socket.send(json.dumps({"type": "session.update", "session": session}))
            received += len(socket.recv(timeout=PATIENCE))
        # An answer to the last of them, so that all have been read.
        socket.send(json.dumps({"type": "session.update", "session": {"type": "realtime"}}))
        while "session.updated" not in (message := str(socket.recv(timeout=PATIENCE))):
            received += len(message)
    return received
