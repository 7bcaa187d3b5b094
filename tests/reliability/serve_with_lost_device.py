"""Serves a model whose device fails for good while it speaks: `serve_with_lost_device.py PORT FOLDER`."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from models_at_hand import SmallSource, SpeakingEngine

from tts_server import serve_command
from tts_server.build import build_synthesizer
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.errors import Unavailable
from tts_server.settings import load_settings
from tts_server.speech import Samples


class FailingStream:
    retries = 0

    def __init__(self, engine: FailingEngine) -> None:
        self._engine = engine

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        yield from ()
        self._engine.is_broken = self._engine.is_device_lost = True
        raise Unavailable("Chatterbox Turbo has been stopped. Try again in a moment.")

    def close(self) -> None:
        """Nothing is under way."""


class FailingEngine(SpeakingEngine):
    def submit(self, utterance: Utterance) -> FailingStream:  # type: ignore[override]
        return FailingStream(self)


if __name__ == "__main__":
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    settings = load_settings(
        host="127.0.0.1",
        port=port,
        open_browser=False,
        stop_seconds=2,
        voice_cache_path=folder / "prepared",
        api_keys_file=folder / "keys",
        pronunciation_path=folder / "pronunciation",
        cache_ttl_minutes=0,
    )
    sources = {"chatterbox-turbo": SmallSource(make=FailingEngine)}
    serve_command.build_synthesizer = partial(build_synthesizer, sources=sources)  # type: ignore[assignment]
    sys.exit(serve_command.run(settings, Namespace()))
