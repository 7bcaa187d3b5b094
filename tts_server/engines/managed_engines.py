"""What stands for a model of the manager: one that is ready, or one that rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from tts_server.engines.base import Capabilities, Engine, SpeechStream, Utterance, VoiceConverter
from tts_server.speech import Voice, VoiceReference

if TYPE_CHECKING:
    from tts_server.engines.models import ModelManager


@dataclass(frozen=True)
class Facts:
    """What was true of an engine, and is so again when the same files are loaded."""

    capabilities: Capabilities
    num_parallel: int
    version: str
    voices: Sequence[Voice]
    stamp: str


class ManagedEngine:
    """A model as the rest of the server uses it: an engine that may be unloaded and loaded again behind its back."""

    def __init__(self, manager: ModelManager, model_id: str) -> None:
        self.name = model_id
        self._manager = manager
        engine = manager.current(model_id)
        self.capabilities = engine.capabilities if engine else manager.source(model_id).capabilities
        self.num_parallel = engine.num_parallel if engine else 1
        self.version = engine.version if engine else ""

    def voices(self) -> Sequence[Voice]:
        engine = self._manager.current(self.name)  # to list voices is not to use the model
        return engine.voices() if engine else []

    def builtin_voice(self, voice_id: str) -> Any:
        with self._manager.using(self.name) as engine:
            return engine.builtin_voice(voice_id)

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Any:
        with self._manager.using(self.name) as engine:
            return engine.prepare_voice(reference, norm_loudness=norm_loudness, keep=keep)

    def submit(self, utterance: Utterance) -> SpeechStream:
        return self._manager.stream(self.name, lambda engine: engine.submit(utterance))

    def convert(self, source: VoiceReference, voice: Any, seed: int) -> SpeechStream:
        return self._manager.stream(self.name, lambda engine: cast(VoiceConverter, engine).convert(source, voice, seed))

    def stats(self) -> Mapping[str, float]:
        engine = self._manager.current(self.name)
        return engine.stats() if engine else {}

    def close(self) -> None:
        self._manager.unload(self.name)


class RestingEngine:
    """A model that is unloaded: what it can do is known, and it is loaded only when something has to be spoken.

    Its voices are made by the engine then, so what stands for them until then suits no other engine.
    """

    def __init__(self, manager: ModelManager, model_id: str, facts: Facts) -> None:
        self.name = model_id
        self.capabilities = facts.capabilities
        self.num_parallel = facts.num_parallel
        self.version = facts.version
        self._manager = manager
        self._voices = facts.voices

    def voices(self) -> Sequence[Voice]:
        return self._voices

    def builtin_voice(self, voice_id: str) -> Callable[[Engine], Any]:
        return lambda engine: engine.builtin_voice(voice_id)

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Callable[[Engine], Any]:
        return lambda engine: engine.prepare_voice(reference, norm_loudness=norm_loudness, keep=keep)

    def submit(self, utterance: Utterance) -> SpeechStream:
        return self._manager.stream(self.name, lambda engine: engine.submit(replace(utterance, voice=utterance.voice(engine))))

    def stats(self) -> Mapping[str, float]:
        return {}

    def close(self) -> None:
        """Nothing is loaded."""
