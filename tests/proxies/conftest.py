"""Real proxies, configured as docs/PROXY.md says."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.server import RunningServer, run_server

from tts_server.config import PROJECT

NAME = "tts.example.com"
START_SECONDS = 20.0
NGINX = """daemon off;
master_process off;
error_log stderr;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/replies;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@dataclass
class Proxied:
    """A server and the address at which a proxy in front of it answers."""

    url: str
    server: RunningServer
    headers: dict[str, str]


def examples(language: str) -> list[str]:
    """The configurations of the document, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", (PROJECT / "docs" / "PROXY.md").read_text(encoding="utf-8"), re.DOTALL)


def program(name: str) -> str:
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which(name, path=beside_python) or shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("PARLANCE_REQUIRE_TOOLS"):
            pytest.fail(f"there is no {name} on this machine, and no test of it may be skipped here")
        pytest.skip(f"there is no {name} on this machine")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """A proxy that accepts connections on `port`."""
    log = folder / "log"
    with (
        log.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=file, cwd=folder, env={**os.environ, "HOME": str(folder)}) as process,
    ):
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(10)


def nginx_server(text: str, backend: int, port: int) -> str:
    """The example with the ports of the test, and without https."""
    text = text.replace("127.0.0.1:5093", f"127.0.0.1:{backend}").replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    return re.sub(r"\s+ssl_certificate.*", "", text)


@pytest.fixture
def start_nginx(tmp_path: Path) -> Iterator[Callable[..., Proxied]]:
    """Start a server with the given settings behind nginx. `change` edits the configuration, `is_below_a_path` takes that of a path."""
    with contextlib.ExitStack() as stack:

        def start(change: Callable[[str], str] = str, *, is_below_a_path: bool = False, **settings: object) -> Proxied:
            executable = program("nginx")
            server = stack.enter_context(run_server(**settings))
            port = free_port()
            whole, location = examples("nginx")
            if is_below_a_path:
                upgrade = whole[: whole.index("server {")]
                whole = f"{upgrade}server {{ listen 443 ssl; server_name {NAME};\n{location}\n}}"
            path = tmp_path / "nginx.conf"
            path.write_text(NGINX.format(folder=tmp_path, server=nginx_server(change(whole), server.port, port)), encoding="utf-8")
            stack.enter_context(running([executable, "-c", str(path), "-p", str(tmp_path)], port, tmp_path))
            place = "/tts" if is_below_a_path else ""
            return Proxied(f"http://127.0.0.1:{port}{place}", server, {"Host": f"{NAME}:{port}"})

        yield start


@pytest.fixture
def start_caddy(tmp_path: Path) -> Iterator[Callable[..., Proxied]]:
    """Start a server with the given settings behind Caddy."""
    with contextlib.ExitStack() as stack:

        def start(*, is_below_a_path: bool = False, **settings: object) -> Proxied:
            executable = program("caddy")
            server = stack.enter_context(run_server(**settings))
            port = free_port()
            text = examples("caddyfile")[is_below_a_path]
            name = text.split(" ", 1)[0]
            text = text.replace(name, f"http://{name}:{port}", 1).replace("127.0.0.1:5093", f"127.0.0.1:{server.port}")
            path = tmp_path / "Caddyfile"
            path.write_text(f"{{\n admin off\n auto_https off\n}}\n{text}", encoding="utf-8")
            stack.enter_context(running([executable, "run", "--config", str(path), "--adapter", "caddyfile"], port, tmp_path))
            place = "/tts" if is_below_a_path else ""
            return Proxied(f"http://127.0.0.1:{port}{place}", server, {"Host": f"{name}:{port}"})

        yield start
