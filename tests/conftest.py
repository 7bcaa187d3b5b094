"""A real server on a free port, with the real embedded voice."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tts_server.build import build_app, build_synthesizer
from tts_server.config import Settings, environment_names, load_settings
from tts_server.server import Server
from tts_server.synthesis import Synthesizer
from tts_server.web.app import MAX_BODY_BYTES

CLIPS = Path(__file__).parent / "clips"


@dataclass
class RunningServer:
    """A server that answers at `url` until its block ends."""

    url: str
    port: int
    synthesizer: Synthesizer
    app: Flask


@contextlib.contextmanager
def run_server(**overrides: Any) -> Iterator[RunningServer]:
    settings = load_settings(**{"host": "127.0.0.1", "port": 0, "threads": 48, **overrides})
    synthesizer = build_synthesizer(settings)
    app = build_app(settings, synthesizer)
    server = Server(app, settings.host, settings.port, threads=settings.threads, max_body_bytes=MAX_BODY_BYTES)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        yield RunningServer(server.url, server.port, synthesizer, app)
    finally:
        server.stop()
        thread.join(20)
        for engine in synthesizer.catalog.engines.values():
            engine.close()
        assert not thread.is_alive(), "the server did not stop"


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> None:
    """Settings of the machine that runs the tests must not reach them."""
    for name, field in Settings.model_fields.items():
        for variable in environment_names(name, field):
            os.environ.pop(variable, None)


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """One server for all tests that need nothing special."""
    with run_server() as running:
        yield running


@pytest.fixture
def start_server() -> Iterator[Callable[..., RunningServer]]:
    """Start a server with special settings; it stops when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda **overrides: stack.enter_context(run_server(**overrides))


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where this process and its children put temporary files while the test runs."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="session")
def clip() -> bytes:
    """A few seconds of a person speaking."""
    return (CLIPS / "female_slt.flac").read_bytes()
