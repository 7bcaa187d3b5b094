"""What every engine promises: the embedded voice, Chatterbox, and a cluster of either."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tts_server.speech import Samples, Voice, VoiceReference


@dataclass(frozen=True)
class Control:
    """One knob that a model really has."""

    name: str
    minimum: float
    maximum: float
    default: float


@dataclass(frozen=True)
class Capabilities:
    """What a model can do; the page and the validation read it, nothing else decides.

    `scripts` are Unicode script names (`Latin`, `Han` …), empty for any. `cloning` is the value of `X-Voice-Cloning`
    (`matched`, `cloned`) or None. `tempo_range` is the speeds the engine speaks at by itself.
    """

    sample_rate: int
    languages: tuple[str, ...]
    scripts: frozenset[str]
    cloning: str | None
    controls: tuple[Control, ...] = ()
    tempo_range: tuple[float, float] = (1.0, 1.0)
    first_segment_chars: int = 80
    max_segment_chars: int = 300


@dataclass(frozen=True)
class Utterance:
    """One segment on its way to an engine. `voice` is what `prepare_voice` or `builtin_voice` of the same engine returned.

    `index` is the segment's place in its text (0 goes before all later ones of other requests).
    """

    text: str
    voice: Any
    index: int
    seed: int
    tempo: float
    language: str | None
    controls: Mapping[str, float | int | bool]


class SpeechStream(Protocol):
    """The audio of one utterance, in order, as it is made."""

    def chunks(self, is_cancelled: Callable[[], bool]) -> Iterator[Samples]:
        """Yield float32 mono chunks at the engine's rate; raises EngineFailure. Asks `is_cancelled` while it waits and raises Cancelled."""

    def close(self) -> None:
        """Drop what is not yet made. Safe to call twice and from any thread."""


class Engine(Protocol):
    """A thing that turns utterances into audio. All methods are thread-safe."""

    name: str
    capabilities: Capabilities
    num_parallel: int
    """How many segments of one text are worth having in the queue at once."""

    def voices(self) -> Sequence[Voice]:
        """The voices the engine has by itself."""

    def builtin_voice(self, voice_id: str) -> Any:
        """The engine's own form of one of `voices()`; KeyError for others."""

    def prepare_voice(self, reference: VoiceReference) -> Any:
        """A voice from a reference clip; raises InvalidReference."""

    def submit(self, utterance: Utterance) -> SpeechStream:
        """Queue an utterance; returns at once."""

    def stats(self) -> Mapping[str, float]:
        """Counters for /health: `segments_done`, `segments_waiting`, `audio_seconds` …"""

    def close(self) -> None:
        """Stop the engine's threads. Waiting streams end with EngineFailure."""
