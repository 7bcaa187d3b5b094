"""A real server on a free port, with the real embedded voice."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask

from tts_server.build import build_app, build_synthesizer
from tts_server.config import Settings
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.engines.embedded.hibari_voice import HibariVoice
from tts_server.engines.embedded.package import EMBEDDED
from tts_server.engines.model_source import ModelSource
from tts_server.engines.package import EnginePackage
from tts_server.engines.registry import PACKAGES
from tts_server.serve_command import create_server
from tts_server.server.connections import ConnectionLimits
from tts_server.server.deadlines import Deadlines
from tts_server.settings import load_settings
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.web.app import CHECKS

NO_FILE = Path(__file__).parent / "no-such-file"
"""In place of a file of keys that whoever runs the tests may have."""

OWN_FOLDERS = tempfile.TemporaryDirectory(prefix="parlance-tests-")
"""Folder of the servers' pronunciation dictionaries, made on import: tests that look for leftover temporary files do not see it."""

shared_hibari = functools.cache(HibariVoice)
"""The embedded voice of all servers of this process: loading it takes longer than all else that a server starts."""


def _start_embedded(settings: Any) -> EmbeddedEngine:
    return EmbeddedEngine(settings.synthesis_threads, stuck_seconds=settings.stuck_seconds, hibari=shared_hibari())


EMBEDDED_FOR_TESTS = replace(EMBEDDED, start=_start_embedded)
"""the embedded voice with the shared network."""


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
    packages: Sequence[EnginePackage] = PACKAGES,
    deadlines: Deadlines | None = None,
    limits: ConnectionLimits | None = None,
    **overrides: Any,
) -> Iterator[RunningServer]:
    """`sources` are the models that can be loaded: none, unless given, where `packages` are the usual ones, else those of the packages."""
    own_files = {"api_keys_file": NO_FILE, "pronunciation_path": Path(OWN_FOLDERS.name, uuid.uuid4().hex)}
    usual = {"host": "127.0.0.1", "port": 0, "threads": 48, "stop_seconds": 1}
    settings = load_settings(packages, **{**usual, **own_files, **overrides})
    if sources is None and packages is PACKAGES:
        sources = {}
    with _running(settings, sources, packages, deadlines, limits) as server:
        yield server


@contextlib.contextmanager
def _running(
    settings: Settings,
    sources: Mapping[str, ModelSource] | None,
    packages: Sequence[EnginePackage],
    deadlines: Deadlines | None,
    limits: ConnectionLimits | None,
) -> Iterator[RunningServer]:
    packages = [EMBEDDED_FOR_TESTS if package is EMBEDDED else package for package in packages]
    synthesizer = build_synthesizer(settings, sources, packages=packages)
    app = build_app(settings, synthesizer)
    server = create_server(settings, app, app.extensions[CHECKS], deadlines=deadlines, limits=limits)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        yield RunningServer(server.url, server.port, synthesizer, app)
    finally:
        server.stop()
        thread.join(20)
        synthesizer.close()
        assert not thread.is_alive(), "the server did not stop"
