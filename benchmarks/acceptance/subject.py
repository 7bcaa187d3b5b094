"""The model under test: its files, and the server's own way from a text to audio."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.acceptance.recording import RecordingEngine, SpokenSegment
from benchmarks.acceptance.texts import SENTENCES
from tts_server.audio.decode import decode_clip
from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.chatterbox.create import create_engine, planned_bytes
from tts_server.engines.chatterbox.device import choose_device
from tts_server.engines.chatterbox.device_locks import DeviceLocks
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.memory_plan import CPU_ROWS, FLOAT_BYTES, kv_bytes, plan_memory, sizes_of
from tts_server.engines.chatterbox.weights.loading import Parts, load
from tts_server.engines.chatterbox.weights.repository_cache import Checksum
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.errors import TTSError
from tts_server.memory import release_memory
from tts_server.metrics import Metrics
from tts_server.speech import AudioFormat, Samples, SpeechRequest, VoiceReference
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.voices.library import VoiceLibrary

import torch  # isort: skip

PROJECT = Path(__file__).resolve().parents[2]
CLIPS = PROJECT / "voices" / "standard"
"""The clips that come with the server."""


@dataclass(frozen=True)
class Spoken:
    """One request as a listener got it. Seconds; `pieces` are the parts of `samples` that belong to each of `segments`."""

    text: str
    words: str
    samples: Samples
    sample_rate: int
    first_audio: float
    whole: float
    segments: list[SpokenSegment]
    pieces: list[Samples]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    @property
    def retries(self) -> int:
        return sum(segment.retries for segment in self.segments)


@dataclass(frozen=True)
class Loading:
    """How a model is loaded. Random weights say nothing that passes the engine's checks of speech, so these are off for them.

    `commit` is that of the files, None for a folder of one's own; `recorded` is what was recorded of them when they were downloaded.
    `segmenter` is the folder of the Chinese word segmenter's model.
    """

    family: Family
    folder: Path
    device: str
    mode: str
    is_random: bool
    is_tiny: bool = False
    threads: int = 0
    max_rows: int = 0
    commit: str | None = None
    recorded: Mapping[str, Checksum] = field(default_factory=dict)
    segmenter: Path | None = None


class Subject:
    """One model in one mode, loaded when it is first used. `embedded` speaks the clips behind the built-in voices; `locks` are shared by
    all models of the process."""

    def __init__(self, loading: Loading, embedded: EmbeddedEngine, locks: DeviceLocks | None = None) -> None:
        self.loading = loading
        self.family = loading.family
        self.device = choose_device(loading.device)
        self._embedded = embedded
        self._locks = locks or DeviceLocks()
        self._parts: Parts | None = None
        self._engine: RecordingEngine | None = None
        self._synthesizer: Synthesizer | None = None

    @property
    def language(self) -> str | None:
        """The language of `sentences` as an argument of stock `generate`; None for a model that takes no language."""
        return self.family.default_language if self.family.is_multilingual else None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Texts in the language that the model speaks where none is named."""
        return SENTENCES[self.family.default_language]

    def in_mode(self, mode: str) -> Subject:
        """The same model in another mode, not loaded yet."""
        return Subject(replace(self.loading, mode=mode), self._embedded, self._locks)

    @property
    def is_on_gpu(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def clips(self) -> list[Path]:
        """Recordings of speakers."""
        return sorted(CLIPS.glob("*.flac"))

    def reference(self, clip: Path) -> VoiceReference:
        """A decoded recording."""
        return decode_clip(clip.read_bytes())

    @property
    def parts(self) -> Parts:
        """The loaded weights in float32 on the device, without an engine; freed when the engine is loaded."""
        if self._parts is None:
            self._parts = load(self.family, self.loading.folder, self.device, segmenter=self.loading.segmenter)
        return self._parts

    @property
    def engine(self) -> RecordingEngine:
        """The running engine."""
        if self._engine is None:
            self._parts = None
            self._engine = RecordingEngine(self.create_engine())
        return self._engine

    def create_engine(self, **changes: Any) -> Any:
        """A new engine of this model; `changes` overrule the arguments of `create_engine`."""
        loading = self.loading
        options: dict[str, Any] = {
            "device": self.device,
            "mode": loading.mode,
            "threads": loading.threads,
            "max_rows": loading.max_rows,
            "locks": self._locks,
            "builtin": self._embedded.voices(),
            "reference_of": self._embedded.reference,
            "checks_speech": not loading.is_random,
            "segmenter": loading.segmenter,
        }
        return create_engine(self.family, loading.folder, **{**options, **changes})

    @property
    def expected_bytes(self) -> int:
        """The most memory that the model may take: on a GPU its plan, on a CPU float32 weights, cloning and a cache for all rows."""
        loading = self.loading
        planned = planned_bytes(self.family, self.device, loading.mode, loading.max_rows, 0)
        if planned is not None:
            return planned
        sizes = sizes_of(self.family)
        rows = loading.max_rows or CPU_ROWS
        plan = plan_memory(sizes, element_bytes=FLOAT_BYTES, caches_prompts=loading.mode == "fast", free_bytes=0, max_rows=rows)
        return plan.total_bytes + kv_bytes(sizes, rows, sizes.positions(0), FLOAT_BYTES)

    @property
    def synthesizer(self) -> Synthesizer:
        """The server's planning of requests, with this model alone."""
        if self._synthesizer is None:
            engine: Any = self.engine
            library = VoiceLibrary(CLIPS, lambda data: decode_clip(data), (voice.id for voice in engine.voices()))
            self._synthesizer = Synthesizer(ModelCatalog({self.family.id: engine}, default=self.family.id), library, Metrics())
        return self._synthesizer

    def speak(
        self,
        text: str,
        *,
        clip: Path | None = None,
        language: str | None = None,
        seed: int = 1,
        is_normalized: bool = True,
    ) -> Spoken:
        """Speak a text as the server does, in the model's own voice or in that of a clip. Thread-safe once the engine is loaded."""
        request = SpeechRequest(
            text,
            model=self.family.id,
            voice=None if clip is None else clip.stem,
            format=AudioFormat.WAV,
            language=language,
            seed=seed,
            cache=False,
            is_normalized=is_normalized,
        )
        synthesizer, engine = self.synthesizer, self.engine
        began = time.perf_counter()
        audio = synthesizer.synthesize(request)
        first: float | None = None
        chunks: list[tuple[SpokenSegment | None, Samples]] = []
        for samples in audio.pcm():
            if first is None:
                first = time.perf_counter() - began
            chunks.append((engine.being_read(id(audio.plan)), samples))
        whole = time.perf_counter() - began
        segments = engine.take(id(audio.plan))
        pieces = [_joined([samples for owner, samples in chunks if owner is segment]) for segment in segments]
        samples = _joined([samples for _, samples in chunks])
        return Spoken(text, audio.plan.words, samples, audio.plan.sample_rate, whole if first is None else first, whole, segments, pieces)

    def words_of(self, text: str, language: str | None) -> str:
        """A text as the server reads it: numbers and abbreviations in words. The text itself where it cannot be read."""
        try:
            return self.synthesizer.preview(SpeechRequest(text, model=self.family.id, language=language))[0].words
        except TTSError:
            return text

    def unload(self) -> None:
        """Free the model's memory; the next use loads it again."""
        if self._synthesizer is not None:
            self._synthesizer.close()
        elif self._engine is not None:
            self._engine.close()
        self._synthesizer = self._engine = self._parts = None
        free_memory(self.device)


def free_memory(device: str) -> None:
    """Give what is no longer used back to the system, and to the device."""
    gc.collect()
    release_memory()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def _joined(chunks: list[Samples]) -> Samples:
    return np.concatenate([np.zeros(0, np.float32), *chunks])
