"""`/health` and `/healthz`: what a load balancer and a watchman read."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
import requests
from support.server import RunningServer, run_server

FIELDS = {
    "status": str,
    "version": str,
    "engine": str,
    "model": str,
    "served_as": list,
    "engine_ready": bool,
    "engine_error": (str, type(None)),
    "voices_loaded": int,
    "default_voice": str,
    "routing": dict,
    "metrics": dict,
}
"""The contract's fields; `models` and `queue` come on top."""

PATHS = ("/health", "/healthz")


@pytest.fixture(scope="module")
def unready() -> Iterator[RunningServer]:
    """A server whose default model is not installed, with a key."""
    with run_server(default_model="chatterbox-turbo", api_keys=("secret",)) as running:
        yield running


def health(server, path: str = "/health") -> dict:
    return requests.get(server.url + path, timeout=10).json()


@pytest.mark.parametrize("path", PATHS)
def test_every_field_is_there_with_its_type(server, path):
    told = health(server, path)
    assert set(told) == {*FIELDS, "models", "queue"}
    assert [name for name, kind in FIELDS.items() if not isinstance(told[name], kind)] == []
    assert set(told["routing"]) == {"load_score", "accepts_requests"}
    assert isinstance(told["routing"]["load_score"], (int, float))
    assert {"in_flight", "total_completed", "total_errors", "total_cancelled"} <= set(told["metrics"])
    assert {"tts-1", "chatterbox"} <= set(told["served_as"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("ready", [True, False], ids=["ready", "not ready"])
def test_head_answers_the_status_and_headers_of_get_without_a_body(server, unready, path, ready):
    asked = server if ready else unready
    got = requests.get(asked.url + path, timeout=10)
    with socket.create_connection(("127.0.0.1", asked.port), timeout=10) as sock:
        sock.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")
    assert got.status_code == (200 if ready else 503)
    assert head.split()[1] == str(got.status_code).encode()
    assert b"content-type: application/json" in head.lower()
    assert body == b""


def test_while_nothing_answers_it_says_so_and_why(unready):
    told = health(unready)
    assert (told["status"], told["engine_ready"], told["engine"]) == ("unavailable", False, "chatterbox-turbo")
    assert told["routing"] == {"load_score": 0.0, "accepts_requests": False}
    assert "not installed" in told["engine_error"]


def test_no_key_is_needed_and_nothing_is_cached_on_the_way(unready):
    """test_guard.py has the keys; this server has one too."""
    reply = requests.get(f"{unready.url}/health", timeout=10)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (503, "no-store")
    assert requests.get(f"{unready.url}/v1/models", timeout=10).status_code == 401


def test_load_rises_while_requests_are_at_work_and_falls_after(start_server):
    server = start_server(synthesis_threads=1, max_text_length=100_000)
    assert health(server)["routing"]["load_score"] == 0
    body = json.dumps({"input": "One more sentence of a long story. " * 2000, "stream": True, "response_format": "pcm"}).encode()
    readers = []
    for number in (1, 2):
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        sock.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert sock.recv(4096)
        readers.append(sock)
        told = health(server)
        assert told["routing"] == {"load_score": float(number), "accepts_requests": True}
        assert told["metrics"]["in_flight"] == number
    for sock in readers:
        sock.close()
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Done."}, timeout=60)
    assert reply.status_code == 200
    assert health(server)["metrics"]["total_completed"] == 1


def test_requests_are_counted_by_how_they_ended(start_server, monkeypatch, tmp_path):
    server = start_server(cache_ttl_minutes=5, cache_path=tmp_path)
    for _ in range(3):
        requests.post(f"{server.url}/v1/audio/speech", json={"input": "Counted."}, timeout=60)
    monkeypatch.setattr(server.synthesizer.catalog.engine("embedded").hibari, "speak", lambda *_: 1 / 0)
    assert requests.post(f"{server.url}/v1/audio/speech", json={"input": "Broken."}, timeout=60).status_code == 500
    metrics = health(server)["metrics"]
    assert (metrics["total_completed"], metrics["total_errors"], metrics["in_flight"]) == (3, 1, 0)
    assert (metrics["cache_hits"], metrics["cache_misses"]) == (2, 2)
    assert 0 < metrics["audio_seconds"] < 5
