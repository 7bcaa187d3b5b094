"""Several servers behind one address, with the configurations of docs/DEPLOYMENT.md."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from proxies.conftest import NAME, NGINX, free_port, program, running
from support.decoded_audio import hear
from support.server import RunningServer, run_server
from websockets.sync.client import connect

from tts_server.config import PROJECT

BACKENDS = ("10.0.0.11:5093", "10.0.0.12:5093")


@dataclass
class Balanced:
    """Two servers, the address of the proxy in front of them, and how to stop one of them."""

    url: str
    servers: list[RunningServer]
    stop_first: Callable[[], None]
    headers: dict[str, str]


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", (PROJECT / "docs" / "DEPLOYMENT.md").read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def start_proxy(language: str, servers: list[RunningServer], port: int, folder: Path) -> contextlib.AbstractContextManager[None]:
    text = example(language)
    for address, server in zip(BACKENDS, servers, strict=True):
        assert address in text
        text = text.replace(address, f"127.0.0.1:{server.port}")
    if language == "caddyfile":
        path = folder / "Caddyfile"
        path.write_text("{\n admin off\n auto_https off\n}\n" + text.replace(NAME, f"http://{NAME}:{port}", 1), encoding="utf-8")
        return running([program("caddy"), "run", "--config", str(path), "--adapter", "caddyfile"], port, folder)
    text = re.sub(r"\s+ssl_certificate.*", "", text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};"))
    path = folder / "nginx.conf"
    path.write_text(NGINX.format(folder=folder, server=text), encoding="utf-8")
    return running([program("nginx"), "-c", str(path), "-p", str(folder)], port, folder)


@pytest.fixture(params=["caddyfile", "nginx"])
def balanced(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Balanced]:
    with contextlib.ExitStack() as stack:
        settings = {"allowed_hosts": (NAME,), "trusted_proxy": "127.0.0.1"}
        first = stack.enter_context(contextlib.ExitStack())
        servers = [first.enter_context(run_server(**settings)), stack.enter_context(run_server(**settings))]
        port = free_port()
        stack.enter_context(start_proxy(request.param, servers, port, tmp_path))
        yield Balanced(f"http://127.0.0.1:{port}", servers, first.close, {"Host": f"{NAME}:{port}"})


def speak(balanced: Balanced, number: int) -> requests.Response:
    body = {"input": f"This is request number {number}.", "response_format": "wav", "seed": number}
    return requests.post(f"{balanced.url}/v1/audio/speech", json=body, headers=balanced.headers, timeout=60)


def completed(server: RunningServer) -> int:
    return int(requests.get(f"{server.url}/health", timeout=30).json()["metrics"]["total_completed"])


def test_requests_are_spread_and_go_on_when_a_server_stops(balanced: Balanced) -> None:
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda number: speak(balanced, number), range(16)))
    assert all(hear(reply.content).seconds > 0.5 for reply in replies)
    assert all(completed(server) >= 4 for server in balanced.servers)

    balanced.stop_first()
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda number: speak(balanced, number), range(8)))
    assert [reply.status_code for reply in replies] == [200] * 8


def test_a_browser_and_a_websocket_are_served(balanced: Balanced) -> None:
    with requests.Session() as session:
        session.headers.update(balanced.headers)
        page = session.get(f"{balanced.url}/", timeout=60)
        assert page.ok and "Parlance" in page.text
    port = int(balanced.url.rsplit(":", 1)[1])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as connection,
        connect(f"ws://{balanced.headers['Host']}/v1/realtime", sock=connection) as websocket,
    ):
        websocket.send('{"text": "Yes."}')
        assert websocket.recv(timeout=30)
