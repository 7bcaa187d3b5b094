"""A real server on a free port, with the real embedded voice."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from tts_server.build import build_app, build_synthesizer
from tts_server.config import Settings, load_settings
from tts_server.engines.embedded.speaker import Speaker
from tts_server.engines.model_source import ModelSource
from tts_server.http.connections import ConnectionLimits
from tts_server.http.deadlines import Deadlines
from tts_server.http.listener import connection_limits
from tts_server.server import Server
from tts_server.synthesis import Synthesizer
from tts_server.web.app import CHECKS, MAX_BODY_BYTES

NO_FILE = Path(__file__).parent / "no-such-file"
"""In place of a file of keys that whoever runs the tests may have."""

OWN_FOLDERS = tempfile.TemporaryDirectory(prefix="parlance-tests-")
"""Folder of the servers' pronunciation dictionaries, made on import: tests that look for leftover temporary files do not see it."""

shared_speaker = functools.cache(Speaker)
"""The embedded voice of all servers of this process: loading it takes longer than all else that a server starts."""


@dataclass
class RunningServer:
    """A server that answers at `url` until its block ends."""

    url: str
    port: int
    synthesizer: Synthesizer
    app: Flask


@contextlib.contextmanager
def run_server(
    sources: Mapping[str, ModelSource] | None = None,
    *,
    deadlines: Deadlines | None = None,
    limits: ConnectionLimits | None = None,
    **overrides: Any,
) -> Iterator[RunningServer]:
    """`sources` are the models that can be loaded: none but the embedded voice, unless given, whatever is installed here."""
    own_files = {"api_keys_file": NO_FILE, "pronunciation_path": Path(OWN_FOLDERS.name, uuid.uuid4().hex)}
    usual = {"host": "127.0.0.1", "port": 0, "threads": 48, "stop_seconds": 1}
    with _running(load_settings(**{**usual, **own_files, **overrides}), sources, deadlines, limits) as server:
        yield server


@contextlib.contextmanager
def _running(
    settings: Settings, sources: Mapping[str, ModelSource] | None, deadlines: Deadlines | None, limits: ConnectionLimits | None
) -> Iterator[RunningServer]:
    synthesizer = build_synthesizer(settings, sources or {}, speaker=shared_speaker())
    app = build_app(settings, synthesizer)
    server = Server(
        app,
        settings.host,
        settings.port,
        checks=app.extensions[CHECKS],
        max_body_bytes=MAX_BODY_BYTES,
        max_websockets=settings.max_websockets,
        max_websockets_per_client=settings.max_websockets_per_client,
        trusted_proxy=settings.trusted_proxy,
        deadlines=deadlines or Deadlines(reader=settings.stall_seconds, upload=settings.max_upload_seconds),
        limits=limits or connection_limits(settings.max_connections_per_address, settings.max_buffered_mb),
        stop_seconds=settings.stop_seconds,
    )
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        yield RunningServer(server.url, server.port, synthesizer, app)
    finally:
        server.stop()
        thread.join(20)
        synthesizer.close()
        assert not thread.is_alive(), "the server did not stop"
