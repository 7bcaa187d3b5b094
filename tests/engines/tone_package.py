"""An engine outside of the server, in one file: it plays a sine tone as long as its text.

No module of the server names it. Tests pass its package as an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from tts_server.cancellation import Cancellation
from tts_server.config import Settings
from tts_server.engines.base import BuiltinEngine, Capabilities, Control, Utterance
from tts_server.engines.package import DoctorContext, EnginePackage, Installation, ModelEntry
from tts_server.finding import Finding
from tts_server.speech import Samples, Voice, VoiceReference

RATE = 24000
SECONDS_PER_CHARACTER = 0.05
CAPABILITIES = Capabilities(
    sample_rate=RATE, languages=("en",), scripts=frozenset(), cloning=None, controls=(Control("temperature", 0.0, 2.0, 0.5),)
)


class ToneSettings(Settings):
    """The settings of the server and of this engine."""

    tone_hertz: float = Field(440.0, ge=20, le=8000, description="Frequency of the tone, in Hz.")


@dataclass
class ToneStream:
    """The tone of one utterance."""

    samples: Samples
    retries: int = 0

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        yield self.samples

    def close(self) -> None:
        """Nothing is under way."""


class ToneEngine:
    """An engine that plays `hertz` in every voice: those of the built-in engine and one of its own."""

    name = "tone"
    capabilities = CAPABILITIES
    num_parallel = 1
    is_broken = is_device_lost = False

    def __init__(self, hertz: float, voices: Sequence[Voice]) -> None:
        self.version = f"{hertz:g}"
        self._hertz = hertz
        self._voices = {voice.id: voice for voice in (*voices, Voice("fork", "Tuning fork", "builtin"))}
        self._segments_done = 0

    def voices(self) -> Sequence[Voice]:
        return list(self._voices.values())

    def builtin_voice(self, voice_id: str) -> Voice:
        return self._voices[voice_id]

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Voice:
        return self._voices["fork"]

    def submit(self, utterance: Utterance) -> ToneStream:
        self._segments_done += 1
        times = np.arange(int(RATE * SECONDS_PER_CHARACTER * len(utterance.text))) / RATE
        return ToneStream((np.sin(2 * np.pi * self._hertz * times) / 2).astype(np.float32))

    def stats(self) -> Mapping[str, float]:
        return {"segments_done": self._segments_done}

    def close(self) -> None:
        """Nothing is running."""


@dataclass
class ToneSource:
    """The only model; its files are always present."""

    hertz: float
    voices: Sequence[Voice] = ()
    name: str = "Tone"
    download_bytes: int | None = None
    capabilities: Capabilities = CAPABILITIES

    def is_present(self) -> bool:
        return True

    def stamp(self) -> str:
        return f"{self.hertz:g}"

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        """Nothing has to be downloaded."""

    def memory_bytes(self) -> int:
        return 1000

    def create(self) -> ToneEngine:
        return ToneEngine(self.hertz, self.voices)


def create_sources(settings: ToneSettings, builtin: BuiltinEngine | None) -> Mapping[str, ToneSource]:
    return {"tone": ToneSource(settings.tone_hertz, builtin.voices() if builtin else ())}


def check(context: DoctorContext) -> Sequence[Finding]:
    return [Finding("Tone", True, f"plays {context.settings.tone_hertz:g} Hz")]


INSTALLATION = Installation("tone", ("requirements-tone.txt",), "an engine that plays a tone", download_size="1 KB")

TONE = EnginePackage(
    id="tone",
    name="Tone generator",
    models=(ModelEntry("tone", "Tone", ("en",), INSTALLATION.command),),
    aliases={"sine": "tone"},
    installation=INSTALLATION,
    settings=lambda: ToneSettings,
    create_sources=create_sources,
    check=check,
)
