"""A server with the real Chatterbox engine on tiny models with random weights."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support.server import RunningServer, run_server, shared_hibari

from benchmarks.checkpoints import tiny_sizes, write_checkpoint
from tts_server.build import model_sources
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.settings import load_settings


@contextlib.contextmanager
def run_tiny_server(folder: Path, kinds: Sequence[str] = ("turbo",), stop_after: int = 40, **settings: Any) -> Iterator[RunningServer]:
    """`kinds` of models lie under `folder`/models, as MODEL_DIR wants them; nothing is downloaded."""
    models = folder / "models"
    for kind in kinds:
        if not (models / kind).exists():
            with tiny_sizes():
                write_checkpoint(kind, models / kind, tiny=True, stop_after=stop_after)
    settings = {"model_dir": models, "hf_hub_offline": True, "voice_cache_path": folder / "prepared", "torch_threads": 1, **settings}
    speaker = EmbeddedEngine(1, hibari=shared_hibari())
    try:
        with tiny_sizes(), run_server(model_sources(load_settings(**settings), speaker), **settings) as server:
            yield server
    finally:
        speaker.close()


def copy_voices(source: Path, folder: Path) -> Path:
    """A voices folder of one's own, with one voice named `reader`."""
    folder.mkdir(parents=True)
    shutil.copy(source, folder / f"reader{source.suffix}")
    return folder
