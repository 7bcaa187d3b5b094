"""One request for speech, and what its client noticed."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from dataclasses import dataclass

from server_process import ServerProcess

REPLY_SECONDS = 300.0


@dataclass(frozen=True)
class Reply:
    """What a client noticed; times in seconds, from before the request was sent."""

    ended_at: float
    first_byte: float
    total: float
    audio: float
    num_bytes: int


def speak(connection: http.client.HTTPConnection, text: str, *, is_streamed: bool) -> Reply:
    """Have a text spoken as mp3; raises RuntimeError where the reply is not a whole mp3 of a plausible length."""
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "mp3", **({"stream": True} if is_streamed else {})}
    began = time.perf_counter()
    connection.request("POST", "/v1/audio/speech", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    data = response.read1(65536)
    first_byte = time.perf_counter() - began
    data += response.read()
    ended = time.perf_counter()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {data[:500].decode(errors='replace')}")
    audio = mp3_seconds(data)
    if not 0.15 < audio / len(text.split()) < 1.5:
        raise RuntimeError(f"{audio:.1f} s of audio for {len(text.split())} words")
    return Reply(ended, first_byte, ended - began, audio, len(data))


def speak_once(server: ServerProcess, text: str, *, is_streamed: bool) -> Reply:
    with contextlib.closing(http.client.HTTPConnection(server.address, timeout=REPLY_SECONDS)) as connection:
        return speak(connection, text, is_streamed=is_streamed)


def mp3_seconds(data: bytes) -> float:
    """Length of an MPEG-2 layer III file by its frame headers, in seconds; raises RuntimeError where frames do not follow each other."""
    position = 10 + _syncsafe(data[6:10]) if data[:3] == b"ID3" else 0
    seconds = 0.0
    while position + 4 <= len(data):
        header = int.from_bytes(data[position : position + 4], "big")
        if header >> 17 != 0x7FF9:
            raise RuntimeError(f"no MPEG-2 layer III frame at byte {position} of {len(data)}")
        kbps = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)[header >> 12 & 15]
        rate = (22050, 24000, 16000)[header >> 10 & 3]
        position += 72000 * kbps // rate + (header >> 9 & 1)
        seconds += 576 / rate
    return seconds


def _syncsafe(data: bytes) -> int:
    return sum(byte << 7 * place for place, byte in enumerate(reversed(data)))
