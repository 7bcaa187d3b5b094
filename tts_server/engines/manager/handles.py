"""The engines that the manager returns: handles of a model that may be unloaded and loaded again while they are in use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, cast

from tts_server.cancellation import Cancellation
from tts_server.engines.base import (
    Capabilities,
    PreparedVoice,
    ReloadableEngine,
    ReplicatedEngine,
    SpeechStream,
    Utterance,
    VoiceConverter,
)
from tts_server.engines.model_source import ModelSource, ModelStatus
from tts_server.speech import Samples, Voice, VoiceReference


class EngineProvider(Protocol):
    """The methods of the manager that the handles call."""

    def source(self, model_id: str) -> ModelSource: ...

    def loaded_engine(self, model_id: str) -> ReloadableEngine | None: ...

    def using(self, model_id: str) -> AbstractContextManager[ReloadableEngine]: ...

    def stream(self, model_id: str, start: Callable[[ReloadableEngine], SpeechStream]) -> SpeechStream: ...

    def unload(self, model_id: str) -> ModelStatus: ...


@dataclass(frozen=True)
class EngineFacts:
    """The properties of an engine that hold again when the same files are loaded; `stamp` identifies the files.

    Requests of an unloaded model are planned by them, so that a cached reply does not load it.
    """

    name: str
    capabilities: Capabilities
    version: str
    builtin_voices: Sequence[Voice]
    stamp: str

    def voices(self) -> Sequence[Voice]:
        """Return the voices that the engine has by itself."""
        return self.builtin_voices


class ManagedEngine:
    """The handle of a model: each call uses the engine that is loaded then, or raises ModelLoading and starts to load it."""

    def __init__(self, provider: EngineProvider, model_id: str) -> None:
        self.name = model_id
        self._provider = provider
        engine = provider.loaded_engine(model_id)
        self.capabilities = engine.capabilities if engine else provider.source(model_id).capabilities
        self.num_parallel = engine.num_parallel if engine else 1
        self.version = engine.version if engine else ""

    def voices(self) -> Sequence[Voice]:
        engine = self._provider.loaded_engine(self.name)  # listing voices does not count as a use of the model
        return engine.voices() if engine else []

    def builtin_voice(self, voice_id: str) -> PreparedVoice:
        with self._provider.using(self.name) as engine:
            return engine.builtin_voice(voice_id)

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> PreparedVoice:
        with self._provider.using(self.name) as engine:
            return engine.prepare_voice(reference, norm_loudness=norm_loudness, keep=keep)

    def submit(self, utterance: Utterance) -> SpeechStream:
        return self._provider.stream(self.name, lambda engine: engine.submit(utterance))

    def convert(self, source: VoiceReference, voice: PreparedVoice, seed: int) -> SpeechStream:
        return self._provider.stream(self.name, lambda engine: cast(VoiceConverter, engine).convert(source, voice, seed))

    def stats(self) -> Mapping[str, float]:
        engine = self._provider.loaded_engine(self.name)
        return engine.stats() if engine else {}

    def replica_stats(self) -> Mapping[str, Mapping[str, float]]:
        engine = self._provider.loaded_engine(self.name)
        return cast(ReplicatedEngine, engine).replica_stats() if hasattr(engine, "replica_stats") else {}

    def close(self) -> None:
        self._provider.unload(self.name)


class CountedStream:
    """A stream that calls `on_end` once: when it was read to its end, has failed, or was closed. Thread-safe."""

    def __init__(self, stream: SpeechStream, on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end
        self._lock = threading.Lock()  # guards `_has_ended`
        self._has_ended = False

    @property
    def retries(self) -> int:
        return self._stream.retries

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        try:
            yield from self._stream.chunks(cancellation)
        finally:
            self._end()

    def close(self) -> None:
        self._stream.close()
        self._end()

    def _end(self) -> None:
        with self._lock:
            had_ended, self._has_ended = self._has_ended, True
        if not had_ended:
            self._on_end()
