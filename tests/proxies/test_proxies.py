"""The configurations of docs/PROXY.md, with a real nginx and a real Caddy."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests
from proxies.conftest import NAME, Proxied
from support.decoded_audio import hear
from websockets.sync.client import connect

SETTINGS = {"allowed_hosts": (NAME, "example.com"), "trusted_proxy": "127.0.0.1"}
LONG_TEXT = "The ferry left the harbor at dawn, and nobody on the pier waved. " * 30


def speak(proxied: Proxied, **options: object) -> requests.Response:
    body = {"input": "Yes, it works.", "response_format": "wav"} | options.pop("json", {})  # type: ignore[operator]
    headers = proxied.headers | options.pop("headers", {})  # type: ignore[operator]
    return requests.post(f"{proxied.url}/v1/audio/speech", json=body, headers=headers, timeout=60, **options)  # type: ignore[arg-type]


def holds_what_the_document_promises(proxied: Proxied) -> None:
    """The page, speech, a stream, a large upload, a WebSocket, and one client's rate that is not another's."""
    page = requests.get(f"{proxied.url}/", headers=proxied.headers, timeout=60)
    assert page.ok and "Parlance" in page.text
    assert requests.get(f"{proxied.url}/static/js/index.js", headers=proxied.headers, timeout=60).ok

    origin = {"Origin": f"https://{proxied.headers['Host']}"}
    assert hear(speak(proxied, headers=origin).content).seconds > 0.5

    with speak(proxied, json={"input": LONG_TEXT, "stream": True, "response_format": "pcm"}, stream=True) as reply:
        assert reply.ok
        pieces = [len(piece) for piece in reply.iter_content(None)]
        assert len(pieces) > 5, "the proxy collected the reply"

    quiet = b"\0\0" * 24_000 * 60  # 2.9 MB, more than nginx takes by itself
    encoded = requests.post(f"{proxied.url}/page/encode?format=mp3&sample_rate=24000", data=quiet, headers=proxied.headers, timeout=60)
    assert encoded.status_code == 200

    parts = urlsplit(proxied.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
    address = f"ws://{proxied.headers['Host']}{parts.path}/v1/realtime"
    with connect(address, sock=connection) as websocket:
        websocket.send('{"text": "Yes."}')
        assert websocket.recv(timeout=30)


@pytest.mark.parametrize("is_below_a_path", [False, True], ids=["own name", "below a path"])
def test_nginx(start_nginx: Callable[..., Proxied], is_below_a_path: bool) -> None:
    holds_what_the_document_promises(start_nginx(is_below_a_path=is_below_a_path, **SETTINGS))


@pytest.mark.parametrize("is_below_a_path", [False, True], ids=["own name", "below a path"])
def test_caddy(start_caddy: Callable[..., Proxied], is_below_a_path: bool) -> None:
    holds_what_the_document_promises(start_caddy(is_below_a_path=is_below_a_path, **SETTINGS))


def test_nginx_with_its_own_host_serves_browsers_that_say_same_origin(start_nginx: Callable[..., Proxied]) -> None:
    proxied = start_nginx(lambda text: text.replace("proxy_set_header Host $http_host;", ""), **SETTINGS)
    origin = {"Origin": f"https://{NAME}"}
    assert speak(proxied, headers={**origin, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    refused = speak(proxied, headers=origin)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden_origin")
    assert "proxy_set_header Host $http_host;" in refused.json()["error"]["message"]
    for site in ("cross-site", "same-site"):
        assert speak(proxied, headers={**origin, "Sec-Fetch-Site": site}).status_code == 403


def test_clients_behind_a_trusted_proxy_are_counted_one_by_one(start_nginx: Callable[..., Proxied]) -> None:
    forwarded = "proxy_set_header X-Forwarded-For $http_x_test_client;"
    change: Callable[[str], str] = lambda text: text.replace("proxy_set_header X-Forwarded-For $remote_addr;", forwarded)  # noqa: E731
    proxied = start_nginx(change, rate_limit="1/minute", **SETTINGS)
    first, second = ({"X-Test-Client": address} for address in ("203.0.113.7", "203.0.113.8"))
    assert [speak(proxied, headers=one).status_code for one in (first, first, second)] == [200, 429, 200]


def test_a_proxy_in_front_of_a_server_without_keys_lets_nobody_change_it(start_nginx: Callable[..., Proxied]) -> None:
    proxied = start_nginx()
    reply = requests.post(f"{proxied.url}/admin/reload-voices", headers={"Host": "127.0.0.1"}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "admin_off")


def test_a_name_that_is_not_allowed_is_refused_with_the_setting(start_nginx: Callable[..., Proxied]) -> None:
    reply = speak(start_nginx())
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "forbidden_host")
    assert f"ALLOWED_HOSTS={NAME}" in reply.json()["error"]["message"]
