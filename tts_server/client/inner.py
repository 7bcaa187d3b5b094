"""A server within this process, for the commands that ask no other one."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator, Sequence

from tts_server.build import build_app, build_synthesizer
from tts_server.client.connection import Connection, InnerConnection
from tts_server.client.errors import UsageError
from tts_server.client.texts import PIECE_CHARACTERS
from tts_server.config import Settings
from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.package import EnginePackage
from tts_server.errors import ModelNotAvailable
from tts_server.keys import KeyRing
from tts_server.spelling import did_you_mean


@contextlib.contextmanager
def inner_connection(options: argparse.Namespace, settings: Settings, packages: Sequence[EnginePackage]) -> Iterator[Connection]:
    """A connection to an application that lives as long as the block; completes `options` by the settings."""
    # The cache is for a server; one that runs at the same time could not use it.
    synthesizer = build_synthesizer(settings.model_copy(update={"cache_ttl_minutes": 0.0}), packages=packages)
    try:
        if options.command == "say":
            _require_known(synthesizer.catalog, options.model)
            if not options.preview:
                options.model = _loaded(synthesizer.catalog, options.model, is_quiet=options.quiet)
            options.sample_rate = options.sample_rate or settings.sample_rate
            options.max_characters = min(PIECE_CHARACTERS, settings.max_text_length)
        with _silenced(logging.getLogger("tts_server.web"), settings.log_level):
            yield InnerConnection(build_app(settings, synthesizer, KeyRing()), "")
    finally:
        synthesizer.close()


def _require_known(catalog: ModelCatalog, name: str | None) -> None:
    """Raise UsageError for a name of no model. A server answers it with its default model, which here would hide a typing mistake."""
    known = [*catalog.entries, *catalog.aliases]
    if name and name.strip().lower() not in known:
        raise UsageError(f"There is no model {name!r}.{did_you_mean(name, known)} Models: {', '.join(catalog.entries)}.")


def _loaded(catalog: ModelCatalog, name: str | None, *, is_quiet: bool) -> str:
    """The id of the model meant by `name`, once it is loaded; raises ModelNotAvailable where it is not installed."""
    model_id = catalog.named(name)
    if not catalog.is_installed(model_id):
        entry = catalog.entries[model_id]
        raise ModelNotAvailable(f"{entry.name} is not installed. Install it with: {entry.install_hint}", param="model")
    if not is_quiet and model_id in catalog.models:
        print("The model is being loaded. The first time, its files are downloaded.", file=sys.stderr)
    # Waiting is possible here, so no other model has to answer.
    return catalog.ready(name)


@contextlib.contextmanager
def _silenced(logger: logging.Logger, level: str) -> Iterator[None]:
    """Silence a logger inside of the context, unless everything is to be logged: the command reports errors itself."""
    before = logger.level
    logger.setLevel(before if level == "DEBUG" else logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
