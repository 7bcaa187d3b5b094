"""Parts of audio, as Safari and other players ask for them before they play."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from support.decoded_audio import hear
from support.server import RunningServer

PREVIEW = "/v1/voices/alloy/preview"
STREAM = "/tts-stream?text=The+ferry+left+the+harbor+at+dawn."
RECORDING = "/v1/voices/harbor/audio"
PATHS = (PREVIEW, STREAM, RECORDING)


def get(server: RunningServer, path: str, asked: str | None = None, **headers: str) -> requests.Response:
    if asked is not None:
        headers["Range"] = asked
    return requests.get(server.url + path, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def whole(server: RunningServer) -> dict[str, bytes]:
    return {path: get(server, path, "bytes=0-").content for path in PATHS}


@pytest.mark.parametrize("path", PATHS)
def test_the_first_two_bytes_tell_the_length_of_all(server: RunningServer, whole: dict[str, bytes], path: str) -> None:
    reply = get(server, path, "bytes=0-1")
    assert (reply.status_code, reply.content) == (206, whole[path][:2])
    assert reply.headers["Content-Range"] == f"bytes 0-1/{len(whole[path])}"
    assert (reply.headers["Content-Length"], reply.headers["Accept-Ranges"]) == ("2", "bytes")


@pytest.mark.parametrize("path", PATHS)
def test_parts_together_are_the_whole(server: RunningServer, whole: dict[str, bytes], path: str) -> None:
    assert hear(whole[path]).seconds > 0.5
    parts = [get(server, path, asked) for asked in ("bytes=0-999", "bytes=1000-4999", "bytes=5000-")]
    assert [part.status_code for part in parts] == [206, 206, 206]
    assert b"".join(part.content for part in parts) == whole[path]
    assert get(server, path, "bytes=-100").content == whole[path][-100:]
    assert get(server, path, "bytes=100-999999999").content == whole[path][100:]


@pytest.mark.parametrize("path", PATHS)
def test_a_part_behind_the_end_is_a_416_with_the_length(server: RunningServer, whole: dict[str, bytes], path: str) -> None:
    reply = get(server, path, "bytes=999999999-")
    assert (reply.status_code, reply.headers["Content-Range"]) == (416, f"bytes */{len(whole[path])}")


@pytest.mark.parametrize("asked", ["", "bytes", "bytes=", "bytes=5-1", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6", "bytes=--1"])
def test_what_is_no_range_of_bytes_or_several_gets_the_whole(server: RunningServer, whole: dict[str, bytes], asked: str) -> None:
    reply = get(server, PREVIEW, asked)
    assert (reply.status_code, reply.content) == (200, whole[PREVIEW])
    assert "Content-Range" not in reply.headers


def test_a_part_of_another_version_gets_the_whole(server: RunningServer, whole: dict[str, bytes]) -> None:
    assert get(server, PREVIEW, "bytes=0-1", **{"If-Range": '"another"'}).content == whole[PREVIEW]


@pytest.mark.parametrize("path", PATHS)
def test_head_says_that_parts_can_be_had(server: RunningServer, path: str) -> None:
    reply: Any = requests.head(server.url + path, timeout=60)
    assert (reply.status_code, reply.headers["Accept-Ranges"], reply.content) == (200, "bytes", b"")


def test_without_a_range_a_stream_begins_at_once_and_has_no_length(server: RunningServer) -> None:
    reply = get(server, STREAM)
    assert reply.status_code == 200
    assert "Content-Length" not in reply.headers
    assert hear(reply.content).seconds > 0.5
