"""What CORS lets pages of other sites do, and which origins a setting may name."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
import requests
from support.server import RunningServer, run_server

from tts_server.config import SettingsError
from tts_server.settings import load_settings

APP = "https://app.example"


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningServer]:
    with run_server(cors_origins=(APP,), api_keys=("k",)) as running:
        yield running


def preflight(server: RunningServer, asked: str | None, origin: str = APP, path: str = "/v1/audio/speech") -> requests.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    if asked is not None:
        headers["Access-Control-Request-Headers"] = asked
    return requests.options(server.url + path, headers=headers, timeout=60)


@pytest.mark.parametrize(
    "asked",
    [
        "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-os,x-stainless-retry-count,x-stainless-timeout",
        "x-anything",
        "idempotency-key, openai-organization , openai-beta",
        "xi-api-key",
    ],
)
def test_an_allowed_origin_may_send_the_headers_that_it_asks_for(shared: RunningServer, asked: str) -> None:
    reply = preflight(shared, asked)
    assert reply.status_code == 204
    allowed = {name.strip().lower() for name in reply.headers["Access-Control-Allow-Headers"].split(",")}
    assert {name.strip() for name in asked.split(",")} <= allowed
    assert reply.headers["Access-Control-Allow-Origin"] == APP
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("asked", [None, "", "a b", "x: y", "a,,b", "x;y", "ä"])
def test_what_is_not_a_list_of_header_names_gets_the_usual_ones(shared: RunningServer, asked: str | None) -> None:
    allowed = preflight(shared, asked).headers["Access-Control-Allow-Headers"]
    assert "Authorization" in allowed
    assert asked is None or asked == "" or asked not in allowed


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.evil", "http://app.example", "https://app.example:8443"]
)
def test_other_origins_are_allowed_nothing(shared: RunningServer, origin: str) -> None:
    reply = preflight(shared, "x-stainless-lang", origin)
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert "Access-Control-Allow-Headers" not in reply.headers


def test_a_preflight_needs_no_key_and_does_not_count_as_a_request(start_server: Callable[..., RunningServer]) -> None:
    server = start_server(cors_origins=(APP,), rate_limit="1/minute")
    for _ in range(3):
        assert preflight(server, "content-type").status_code == 204
    assert requests.post(f"{server.url}/v1/audio/speech", json={"input": "Yes."}, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("http://localhost:8000/", "write http://localhost:8000"),
        ("https://app.example/path", "write https://app.example"),
        ("https://app.example?x=1", "write https://app.example"),
        ("localhost:8000", "write http://localhost:8000"),
        ("app.example", "write http://app.example or https://app.example"),
        ("https://*.example.com", "wildcard"),
        ("https://*", "wildcard"),
        ("http://a.example http://b.example", "commas: http://a.example, http://b.example"),
        ("https://app.example:443", "write https://app.example"),
        ("http://app.example:80", "write http://app.example"),
        ("https://user@app.example", "write https://app.example"),
        ("https://", "not an origin"),
        ("https://app.example:port", "not an origin"),
        ("https://app.example:99999", "not an origin"),
        ("https://a.example,https://b.example/", "write https://b.example"),
    ],
)
def test_an_origin_that_no_browser_sends_is_refused_by_the_name_of_its_setting(value: str, told: str) -> None:
    for name in ("cors_origins", "cors_allow_origins"):
        with pytest.raises(SettingsError) as refused:
            load_settings(**{name: value})
        assert "CORS" in str(refused.value)
        assert told in str(refused.value)


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("*", ("*",)),
        ("null", ("null",)),
        ("https://App.Example", ("https://app.example",)),
        ("HTTPS://app.example:8443", ("https://app.example:8443",)),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
        ("http://bücher.example", ("http://xn--bcher-kva.example",)),
        ("chrome-extension://abcdefgh", ("chrome-extension://abcdefgh",)),
        ("capacitor://localhost, app://obsidian.md", ("capacitor://localhost", "app://obsidian.md")),
    ],
)
def test_origins_are_taken_as_browsers_send_them(value: str, origins: tuple[str, ...]) -> None:
    assert load_settings(cors_origins=value).cors_origins == origins


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/health", "/healthz", "/health/"])
def test_health_needs_neither_a_host_nor_a_key(shared: RunningServer, method: str, path: str) -> None:
    """As HAProxy's `option httpchk` asks."""

    with socket.create_connection(("127.0.0.1", shared.port), timeout=30) as connection:
        connection.sendall(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
        with connection.makefile("rb") as reply:
            assert reply.readline().split()[1] == b"200"


def test_nothing_else_is_answered_without_a_host(shared: RunningServer) -> None:

    for path in ("/", "/v1/voices", "/healthy", "/health/x"):
        with socket.create_connection(("127.0.0.1", shared.port), timeout=30) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nx-api-key: k\r\n\r\n".encode())
            with connection.makefile("rb") as reply:
                assert reply.readline().split()[1] == b"403", path
