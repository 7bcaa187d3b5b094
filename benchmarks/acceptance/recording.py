"""An engine that keeps what it spoke: the text, the audio, the retries and the times of each segment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.speech import Samples


@dataclass
class SpokenSegment:
    """One segment as the engine gave it. Times are of `time.perf_counter`."""

    text: str
    index: int
    language: str | None
    submitted: float
    chunks: list[Samples] = field(default_factory=list)
    retries: int = 0

    @property
    def samples(self) -> Samples:
        """All audio of the segment, at the engine's rate."""
        return np.concatenate([np.zeros(0, np.float32), *self.chunks])


class RecordingStream:
    """A stream of an engine that writes down what is read of it."""

    def __init__(self, stream: Any, segment: SpokenSegment, on_read: Callable[[SpokenSegment], None]) -> None:
        self._stream = stream
        self._segment = segment
        self._on_read = on_read

    @property
    def retries(self) -> int:
        return int(self._stream.retries)

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        self._on_read(self._segment)
        for samples in self._stream.chunks(cancellation):
            self._segment.chunks.append(samples)
            yield samples
        self._segment.retries = self.retries

    def close(self) -> None:
        self._stream.close()


class RecordingEngine:
    """Passes everything on to an engine and keeps the segments of each request (`Utterance.group`) until they are taken. Thread-safe."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._segments: dict[int, list[SpokenSegment]] = {}
        self._being_read: dict[int, SpokenSegment] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def submit(self, utterance: Utterance) -> RecordingStream:
        """Queue an utterance; returns at once."""
        segment = SpokenSegment(utterance.text, utterance.index, utterance.language, time.perf_counter())
        with self._lock:
            self._segments.setdefault(utterance.group, []).append(segment)
        return RecordingStream(self._engine.submit(utterance), segment, lambda read: self._being_read.__setitem__(utterance.group, read))

    def being_read(self, group: int) -> SpokenSegment | None:
        """The segment of a request whose audio is read now, None before the first."""
        return self._being_read.get(group)

    def take(self, group: int) -> list[SpokenSegment]:
        """The segments of a request, which are forgotten here."""
        with self._lock:
            self._being_read.pop(group, None)
            return self._segments.pop(group, [])
