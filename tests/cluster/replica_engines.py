"""Engines that tests run in replicas."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

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
