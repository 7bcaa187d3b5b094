"""Whole replies go through a temporary file: what memory they take, what a full folder does, and that nothing is left."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from hostile import PATIENCE
from support.server import run_server
from support.waiting import wait_until
from wire import connection, next_reply, post

from benchmarks.server_process import ServerProcess, running
from benchmarks.texts import Writer

MB = 2**20
STORY = Writer(41).characters(4096)
LARGE = {"input": STORY, "response_format": "wav", "speed": 0.25, "sample_rate": 48000, "seed": 1}
"""About 100 MB of audio."""

MEDIUM = {"input": STORY[:1500], "response_format": "wav", "sample_rate": 48000, "seed": 1}
"""About 10 MB of audio."""

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports memory and accepts limits of another process")


@contextlib.contextmanager
def server_process(**settings: str) -> Iterator[ServerProcess]:
    with running("server", [sys.executable, "-m", "tts_server", "serve"], settings) as server:
        yield server


def url(server: ServerProcess) -> str:
    return f"http://{server.address}"


@contextlib.contextmanager
def peak_memory(server: ServerProcess) -> Iterator[list[int]]:
    """The largest memory of the server within the block above that before, in bytes, as the only item."""
    before = server.rss
    peak, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            peak[0] = max(peak[0], server.rss - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()


def taken(reply: requests.Response) -> int:
    """The length of a body, read without keeping it."""
    return sum(len(data) for data in reply.iter_content(MB))


@only_linux
@pytest.mark.parametrize("path", ["/v1/audio/speech", "/v1/responses"])
def test_the_memory_of_a_whole_reply_does_not_grow_with_its_length(path):
    with server_process() as server:
        requests.post(url(server) + path, json={"input": "Hello."}, timeout=PATIENCE)
        with peak_memory(server) as peak, requests.post(url(server) + path, json=LARGE, stream=True, timeout=300) as reply:
            assert reply.status_code == 200
            assert taken(reply) == int(reply.headers["Content-Length"]) > 90 * MB
    assert peak[0] < 200 * MB


@only_linux
def test_neither_does_that_of_what_the_cache_has(tmp_path):
    with server_process(CACHE_TTL_MINUTES="60", CACHE_PATH=str(tmp_path / "audio"), CACHE_MAX_MB="1000") as server:
        for expected, limit in (("MISS", 200), ("HIT", 30), ("HIT", 30)):
            with (
                peak_memory(server) as peak,
                requests.post(f"{url(server)}/v1/audio/speech", json=LARGE, stream=True, timeout=300) as reply,
            ):
                assert reply.headers["X-Cache"] == expected
                assert taken(reply) == int(reply.headers["Content-Length"]) > 90 * MB
            assert peak[0] < limit * MB, expected


ROUTES = {
    "speech": ("/v1/audio/speech", MEDIUM),
    "flac": ("/v1/audio/speech", {**MEDIUM, "input": STORY[:2500], "response_format": "flac"}),
    "response": ("/v1/responses", MEDIUM),
    "sillytavern": ("/tts", {"text": MEDIUM["input"], "seed": 1}),
    "encode": ("/page/encode?format=wav", bytes(10 * MB)),
}
"""Replies above 3 MB."""


@pytest.fixture(scope="module")
def with_own_folder(tmp_path_factory):
    """A server process, and its folder of temporary files."""
    folder = tmp_path_factory.mktemp("temporary")
    with server_process(TMPDIR=str(folder)) as server:
        yield server, folder


@only_linux
@pytest.mark.parametrize("route", ROUTES)
def test_a_full_folder_for_temporary_files_is_a_503_at_once(route, with_own_folder):
    """No file may grow beyond 3 MB for a while, so that the disk seems to be full in the middle of a reply."""
    import resource

    path, body = ROUTES[route]
    ask = {"data": body} if isinstance(body, bytes) else {"json": body}
    server, folder = with_own_folder
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    try:
        # A body of 10 MB passes through a file as well, while it is received: it comes before the disk is full, the rest of it after.
        expected = requests.post(url(server) + path, timeout=PATIENCE, **ask).content
        descriptors = server.num_descriptors
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (3 * MB, limits[1]))
        reply = requests.post(url(server) + path, timeout=PATIENCE, headers={"Connection": "close"}, **ask)
        error = reply.json()["error"]
        assert (reply.status_code, error["code"]) == (503, "out_of_room")
        assert "Retry-After" in reply.headers
        assert str(folder) not in error["message"]
        if route != "encode":
            assert "TMPDIR" in error["message"]
        if route == "speech":
            streamed = {**MEDIUM, "stream": True}
            stream = requests.post(f"{url(server)}/v1/audio/speech", json=streamed, timeout=PATIENCE, headers={"Connection": "close"})
            assert (stream.status_code, len(stream.content) > 8 * MB) == (200, True)
        assert requests.post(f"{url(server)}/v1/audio/speech", json={"input": "Hello."}, timeout=PATIENCE).status_code == 200
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
        # The reply itself must not be kept: it holds its connection.
        assert len(requests.post(url(server) + path, timeout=PATIENCE, **ask).content) == len(expected)
        wait_until(lambda: server.num_descriptors <= descriptors)
        assert list(folder.iterdir()) == []
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)


def test_a_client_that_leaves_in_the_middle_of_a_file_leaves_nothing(start_server, temporary_folder, tmp_path):
    server = start_server(cache_ttl_minutes=60, cache_path=tmp_path / "audio")
    for fields in (MEDIUM, MEDIUM, {**MEDIUM, "stream": True}, {**MEDIUM, "stream": True}):
        with connection(server, post(fields), receive_buffer=4096) as sock:
            assert sock.recv(1000).startswith(b"HTTP/1.1 200")
    wait_until(lambda: not _open_files(temporary_folder) and not _open_files(tmp_path / "audio", ".audio"))
    assert list(temporary_folder.iterdir()) == []


def _open_files(folder: Path, suffix: str = "") -> list[str]:
    import psutil

    return [file.path for file in psutil.Process().open_files() if file.path.startswith(str(folder)) and file.path.endswith(suffix)]


def test_the_connection_goes_on_after_a_file(server):
    with connection(server, post(MEDIUM)) as sock:
        first = next_reply(sock)
        sock.sendall(post(MEDIUM))
        assert next_reply(sock).body == first.body
        sock.sendall(post({"input": "Hello.", "response_format": "mp3"}))
        assert next_reply(sock).status == 200


def test_a_file_is_logged_with_its_length_and_with_how_much_of_it_was_taken(tmp_path, caplog):
    caplog.set_level("INFO", "tts_server.web.access")

    def lines() -> list[str]:
        # By the key: the server of the test before may log its last reply only now.
        return [record.message for record in caplog.records if record.name == "tts_server.web.access" and "API_KEYS:1" in record.message]

    with run_server(api_keys=("own",)) as server:
        whole = requests.post(f"{server.url}/v1/audio/speech", json=MEDIUM, headers={"x-api-key": "own"}, timeout=PATIENCE)
        wait_until(lambda: len(lines()) == 1)
        with connection(server, post(MEDIUM, headers="x-api-key: own\r\n"), receive_buffer=4096) as sock:
            assert sock.recv(1000)
        wait_until(lambda: len(lines()) == 2)
    assert f"{len(whole.content)} bytes" in lines()[0]
    assert "cut short" not in lines()[0]
    assert "cut short" in lines()[1]


def test_a_slow_reader_of_a_file_holds_no_slot(start_server):
    """One request may be worked on at a time; it is over when its file is finished."""
    server = start_server(threads=4)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            sock = stack.enter_context(connection(server, post(MEDIUM), receive_buffer=4096))
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
        reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hello."}, timeout=PATIENCE)
    assert reply.status_code == 200


@only_linux
def test_eight_dear_requests_at_once_take_less_than_800_mb():
    dear = {"input": "WWWWWWWW" * 64, "text_normalization": "off", "response_format": "wav", "speed": 1, "sample_rate": 48000}
    with server_process() as server:
        requests.post(f"{url(server)}/v1/audio/speech", json={"input": "Hello."}, timeout=PATIENCE)
        lengths: list[int] = []

        def ask() -> None:
            with requests.post(f"{url(server)}/v1/audio/speech", json=dear, stream=True, timeout=500) as reply:
                lengths.append(taken(reply) if reply.status_code == 200 else 0)

        with peak_memory(server) as peak:
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(lengths) == 8
    assert peak[0] < 800 * MB
