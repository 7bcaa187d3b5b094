"""Small models for tests, whose downloads, loads, speech and failures the tests control."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from support.server import shared_hibari

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Capabilities, Control, Utterance
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.errors import EngineFailure
from tts_server.speech import Samples, Voice, VoiceReference

PATIENCE = 20.0
CAPABILITIES = Capabilities(sample_rate=24000, languages=("en",), scripts=frozenset(), cloning="cloned")


class SmallStream:
    retries = 0

    def __init__(self, engine: SmallEngine) -> None:
        self._engine = engine

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        if self._engine.breaks:
            self._engine.is_broken = True
            raise EngineFailure("The device is gone.")
        yield np.zeros(10, np.float32)
        yield np.zeros(10, np.float32)

    def close(self) -> None:
        pass


class SmallEngine:
    num_parallel = 2
    version = "1"
    capabilities = CAPABILITIES

    def __init__(self, name: str = "small") -> None:
        self.name = name
        self.breaks = False
        self.is_broken = self.is_device_lost = False
        self.is_closed = False

    def voices(self) -> Sequence[Voice]:
        return [Voice("own", "Own", "builtin")]

    def builtin_voice(self, voice_id: str) -> Any:
        return voice_id

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Any:
        return (reference.digest, norm_loudness)

    def submit(self, utterance: Utterance) -> SmallStream:
        return SmallStream(self)

    def convert(self, source: VoiceReference, voice: Any, seed: int) -> SmallStream:
        return SmallStream(self)

    def stats(self) -> Mapping[str, float]:
        return {"segments_done": 1}

    def close(self) -> None:
        self.is_closed = True


class SpeakingEngine(EmbeddedEngine):
    """The embedded voice with the name and controls of Chatterbox Turbo, as a model that is loaded on demand."""

    name = "chatterbox-turbo"
    is_broken = is_device_lost = False
    capabilities = dataclasses.replace(
        EmbeddedEngine.capabilities,
        cloning="cloned",
        controls=(Control("temperature", 0.0, 2.0, 0.8), Control("top_k", 0, 10000, 1000), Control("norm_loudness", 0, 1, 1)),
        tags=("[laugh]", "[sigh]"),
    )

    def __init__(self) -> None:
        super().__init__(threads=1, hibari=shared_hibari())


class MultilingualEngine(SpeakingEngine):
    """The same as Chatterbox Multilingual."""

    name = "chatterbox-multilingual"
    capabilities = dataclasses.replace(
        EmbeddedEngine.capabilities, languages=("de", "en", "zh"), cloning="cloned", controls=(Control("exaggeration", 0.25, 2.0, 0.5),)
    )


class SmallSource:
    """Downloads and loads block until `downloads` and `creates` are set; `error` is raised instead of loading."""

    def __init__(self, name: str = "Small", *, is_here: bool = True, size: int = 100, make: Any = SmallEngine) -> None:
        self.name = name
        self.capabilities: Capabilities = make.capabilities
        self.size = size
        self.download_bytes: int | None = 1000
        self.is_here = is_here
        self.files = "1"
        self.error: Exception | None = None
        self.made: list[Any] = []
        self.downloads = threading.Event()
        self.downloads.set()
        self.creates = threading.Event()
        self.creates.set()
        self.is_half_way = threading.Event()
        self._make = make

    def is_present(self) -> bool:
        return self.is_here

    def stamp(self) -> str:
        return self.files

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        report(0, 1000)
        report(400, 1000)
        self.is_half_way.set()
        assert self.downloads.wait(PATIENCE)
        report(1000, 1000)
        self.is_here = True

    def memory_bytes(self) -> int:
        return self.size

    def create(self) -> Any:
        assert self.creates.wait(PATIENCE)
        if self.error:
            raise self.error
        self.made.append(self._make())
        return self.made[-1]
