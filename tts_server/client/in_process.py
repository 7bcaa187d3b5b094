"""A server in this process, for commands without `--server`."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator, Sequence

from tts_server.build import build_app, build_synthesizer
from tts_server.client.connection import Connection, InProcessConnection
from tts_server.client.errors import UsageError
from tts_server.client.texts import PIECE_CHARACTERS
from tts_server.config import Settings
from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.package import EnginePackage
from tts_server.errors import ModelNotAvailable
from tts_server.keys import KeyRing
from tts_server.spelling import did_you_mean


@contextlib.contextmanager
def in_process_connection(options: argparse.Namespace, settings: Settings, packages: Sequence[EnginePackage]) -> Iterator[Connection]:
    """A context with a connection to an application of its own; completes `options` by the settings."""
    # Without the cache, which only one process can use: a server may be running.
    synthesizer = build_synthesizer(settings.model_copy(update={"cache_ttl_minutes": 0.0}), packages=packages)
    try:
        if options.command == "say":
            _require_model(synthesizer.catalog, options.model)
            if not options.preview:
                options.model = _load(synthesizer.catalog, options.model, is_quiet=options.quiet)
            options.sample_rate = options.sample_rate or settings.sample_rate
            options.max_characters = min(PIECE_CHARACTERS, settings.max_text_length)
        with _silence(logging.getLogger("tts_server.web"), settings.log_level):
            yield InProcessConnection(build_app(settings, synthesizer, KeyRing()), "")
    finally:
        synthesizer.close()


def _require_model(catalog: ModelCatalog, name: str | None) -> None:
    """Raise UsageError for a name of no model. A server answers it with its default model, which here would hide a typing mistake."""
    known = [*catalog.entries, *catalog.aliases]
    if name and name.strip().lower() not in known:
        raise UsageError(f"There is no model {name!r}.{did_you_mean(name, known)} Models: {', '.join(catalog.entries)}.")


def _load(catalog: ModelCatalog, name: str | None, *, is_quiet: bool) -> str:
    """Load a model and return its id; raises ModelNotAvailable if it is not installed."""
    model_id = catalog.named(name)
    if not catalog.is_installed(model_id):
        entry = catalog.entries[model_id]
        raise ModelNotAvailable(f"{entry.name} is not installed. Install it with: {entry.install_hint}", param="model")
    if not is_quiet and model_id in catalog.models:
        print("Loading the model. The first time, its files are downloaded.", file=sys.stderr)
    # Unlike a server, this process can wait until the model is loaded.
    return catalog.ready(name)


@contextlib.contextmanager
def _silence(logger: logging.Logger, level: str) -> Iterator[None]:
    """Silence a logger inside the context, unless the level is DEBUG: the command prints errors itself."""
    before = logger.level
    logger.setLevel(before if level == "DEBUG" else logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
