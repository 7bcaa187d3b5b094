"""Engines that tests run in replicas."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Capabilities, Utterance
from tts_server.errors import Cancelled, InvalidReference
from tts_server.speech import Samples, Voice, VoiceReference

CHUNK = 1000
CHUNKS = 20


def ramp(seed: int, num_chunks: int = CHUNKS) -> Samples:
    """What StepEngine says for a seed."""
    return np.arange(seed, seed + CHUNK * num_chunks, dtype=np.float32)


class StepStream:
    """A ramp in chunks; endless for the text `endless`. `hold PATH` stops in the middle until the file exists.

    For `die PATH` the process is killed in the middle, unless the file exists, and creates it before.
    """

    retries = 0

    def __init__(self, engine: StepEngine, utterance: Utterance) -> None:
        self._engine = engine
        self._utterance = utterance
        self._closed = threading.Event()

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        word, _, path = self._utterance.text.partition(" ")
        with self._engine.counting():
            step = 0
            while word == "endless" or step < CHUNKS:
                if self._closed.is_set() or cancellation.is_cancelled:
                    raise Cancelled
                if word == "endless":
                    self._closed.wait(0.01)
                while word == "hold" and step == CHUNKS // 2 and not Path(path).exists():
                    self._closed.wait(0.01)
                if word == "die" and step == CHUNKS // 2 and not Path(path).exists():
                    Path(path).touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                start = self._utterance.seed + CHUNK * step
                yield np.arange(start, start + CHUNK, dtype=np.float32)
                step += 1

    def close(self) -> None:
        self._closed.set()


class StepEngine:
    """An engine that counts the streams that are open; `version` is that of its samples."""

    name = "steps"
    num_parallel = 4
    capabilities = Capabilities(sample_rate=24000, languages=("en",), scripts=frozenset(), cloning="cloned")

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self._open = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count a stream that is open while the block runs."""
        with self._lock:
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1

    def voices(self) -> Sequence[Voice]:
        return [Voice("steps", "Steps", "builtin")]

    def builtin_voice(self, voice_id: str) -> str:
        return {"steps": "steps"}[voice_id]

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> str:
        if not reference.samples.any():
            raise InvalidReference("The clip is silent.", param=reference.param)
        return reference.digest

    def submit(self, utterance: Utterance) -> StepStream:
        return StepStream(self, utterance)

    def stats(self) -> Mapping[str, float]:
        return {"streams_open": self._open, "process": os.getpid()}

    def close(self) -> None:
        """Nothing runs by itself."""


_open = contextlib.ExitStack()
"""Contexts that last as long as the process of a replica."""


@dataclass(frozen=True)
class TinyChatterbox:
    """Creates a Chatterbox engine with the tiny random weights in `folder`."""

    kind: str
    folder: Path

    def __call__(self) -> Any:
        import torch

        from benchmarks.checkpoints import family_of, tiny_sizes
        from tts_server.engines.chatterbox.engine import ChatterboxEngine
        from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
        from tts_server.engines.chatterbox.t3.decoder import T3Decoder
        from tts_server.engines.chatterbox.voices.cloning import compute
        from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
        from tts_server.engines.chatterbox.weights.loading import load

        torch.set_num_threads(1)
        _open.enter_context(tiny_sizes())
        parts = load(family_of(self.kind), self.folder)
        decoder, speaker = T3Decoder(parts.t3, mode="exact", max_rows=8), TokenToWave(parts.s3gen, family=parts.family, mode="exact")
        voices = PreparedVoices(None, partial(compute, parts), capacity=8)
        # Random weights give no speech that could pass a check.
        engine = ChatterboxEngine(parts, decoder, speaker, voices, checks_speech=False, threads=1)
        _open.callback(engine.close)
        return engine

    def close(self) -> None:
        """Close what was created in this process."""
        _open.close()
