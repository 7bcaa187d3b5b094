"""Slashes that clients put into addresses, and what an address without a route may have meant."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from support.server import RunningServer
from websockets.sync.client import connect


def ask(server: RunningServer, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **options)


def paths(server: RunningServer) -> list[tuple[str, str]]:
    """Method and path of each route of the API, with a voice and a model where names are wanted."""
    names = {"voice_id": "alloy", "model_id": "embedded", "request_id": "none", "dictionary_id": "none", "version_id": "none"}
    found = []
    for rule in server.app.url_map.iter_rules():
        if rule.websocket or rule.rule.startswith(("/static", "/favicon")) or rule.rule == "/":
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", names.get(name, "none"))
        found += [(method, path) for method in sorted(rule.methods or ()) if method not in ("HEAD", "OPTIONS")]
    return found


@pytest.mark.parametrize("ending", ["/", "//", "/?x=1"])
def test_a_slash_at_the_end_changes_nothing_at_any_route(server: RunningServer, ending: str) -> None:
    assert len(paths(server)) > 40
    for method, path in paths(server):
        plain = ask(server, method, path + ending.strip("/"), allow_redirects=False)
        slashed = ask(server, method, path + ending, allow_redirects=False)
        if path == "/docs":
            assert (slashed.status_code, slashed.headers["Location"]) == (308, "../docs")
            continue
        assert slashed.status_code == plain.status_code, (method, path)
        assert slashed.headers["Content-Type"] == plain.headers["Content-Type"], (method, path)


def test_speech_and_its_stream_take_slashes_anywhere(server: RunningServer) -> None:
    for path in ("/v1/audio/speech/", "//v1//audio///speech//", "/v1/audio/speech/?a=b", "/v1/audio/speech/stream/"):
        reply = ask(server, "POST", path, json={"input": "Yes."})
        assert (reply.status_code, reply.headers["X-Model"]) == (200, "embedded"), path
    assert ask(server, "GET", "/tts-stream/?text=Yes.").status_code == 200


def test_a_websocket_takes_a_slash_at_the_end(server: RunningServer) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/v1/realtime/?model=tts-1") as socket:
        assert "session.created" in socket.recv(timeout=30)


def test_the_page_and_its_files_are_where_they_were(server: RunningServer) -> None:
    assert ask(server, "GET", "/").status_code == 200
    assert ask(server, "GET", "/static/js/index.js").status_code == 200
    assert "docs" in ask(server, "GET", "/docs/").url


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/audio/speech/audio/speech", "/v1/audio/speech"),
        ("/v1/audio/speech/v1/audio/speech", "/v1/audio/speech"),
        ("/audio/speech", "/v1/audio/speech"),
        ("/audio/speech/", "/v1/audio/speech"),
        ("/v1/v1/audio/speech", "/v1/audio/speech"),
        ("/api/v1/audio/speech", "/v1/audio/speech"),
        ("/openai/models", "/v1/models"),
        ("/voices", "/v1/voices"),
        ("/v1/audio/speech/models", "/v1/models"),
    ],
)
def test_a_base_address_that_holds_too_much_or_too_little_is_pointed_out(server: RunningServer, path: str, meant: str) -> None:
    reply = ask(server, "POST", path, json={"input": "Yes."})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    assert f"{meant}. " in reply.json()["error"]["message"]
    assert f"{server.url}/v1." in reply.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/nothing", "/v2", "/static/nothing.js", "/v1/audio"])
def test_other_addresses_get_the_document(server: RunningServer, path: str) -> None:
    reply = ask(server, "GET", path)
    assert reply.status_code == 404
    assert "docs/API.md" in reply.json()["error"]["message"]
