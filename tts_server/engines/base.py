"""The interfaces that every engine implements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from tts_server.cancellation import Cancellation
from tts_server.speech import Samples, Voice, VoiceReference

PreparedVoice: TypeAlias = Any
"""A voice in the engine's own form, which only that engine can use."""


@dataclass(frozen=True)
class Control:
    """One control of a model. In a control of whole numbers all three numbers are int; one from 0 to 1 is a switch."""

    name: str
    minimum: float
    maximum: float
    default: float

    @property
    def kind(self) -> str:
        """`number`, `whole` or `switch`."""
        if not all(isinstance(value, int) for value in (self.minimum, self.maximum, self.default)):
            return "number"
        return "switch" if (self.minimum, self.maximum) == (0, 1) else "whole"


@dataclass(frozen=True)
class LanguageNotice:
    """A language that a model speaks less well on this machine: the effect (`loss`) and what to do (`remedy`), as sentences."""

    language: str
    loss: str
    remedy: str

    @property
    def message(self) -> str:
        """Both sentences."""
        return f"{self.loss}. {self.remedy}"


@dataclass(frozen=True)
class Capabilities:
    """What a model can do. The page and the validation depend on it alone, never on the name of an engine.

    `scripts` are Unicode script names (`Latin`, `Han` …), empty for any. `cloning` is the value of `X-Voice-Cloning`
    (`matched`, `cloned`) or None. `tempo_range` are the tempos that the engine itself supports. `tags` are the sounds that it makes where
    the text names them, such as `[laugh]`. In the limits of segments a Han, Kana or Hangul character counts as `syllable_chars`: 3 where
    a limit stands for the time that the model can speak. `converts`: it also changes the voice of recordings (`VoiceConverter`).
    `reads_ipa`: a text may hold `phoneme_span` tokens of `text.phonemes`. `varies_in_loudness`: segments of one text differ so much that
    they have to be matched. `notices` name helpers that are missing on this machine.
    """

    sample_rate: int
    languages: tuple[str, ...]
    scripts: frozenset[str]
    cloning: str | None
    controls: tuple[Control, ...] = ()
    tempo_range: tuple[float, float] = (1.0, 1.0)
    first_segment_chars: int = 80
    max_segment_chars: int = 300
    syllable_chars: int = 1
    tags: tuple[str, ...] = ()
    converts: bool = False
    reads_ipa: bool = False
    varies_in_loudness: bool = False
    notices: tuple[LanguageNotice, ...] = ()


@dataclass(frozen=True)
class Utterance:
    """One segment for an engine. `voice` is the result of `prepare_voice` or `builtin_voice` of the same engine.

    `index` is the position of the segment in its text; an engine computes those with index 0 first. `group` is the same for all segments
    of one request, so that a long text cannot starve a short one. The text `begins_inside` or `ends_inside` a sentence that was too long
    for one segment.
    """

    text: str
    voice: PreparedVoice
    index: int
    seed: int
    tempo: float
    language: str | None
    controls: Mapping[str, float | int | bool]
    group: int = 0
    begins_inside: bool = False
    ends_inside: bool = False


class SpeechStream(Protocol):
    """The audio of one utterance, in order, as it is computed."""

    @property
    def retries(self) -> int:
        """How many times a part was computed again because its speech did not match its text."""

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        """Yield float32 mono chunks at the engine's rate. Raises EngineFailure, and Cancelled as soon as `cancellation` is cancelled."""

    def close(self) -> None:
        """Cancel the rest. May be called repeatedly and from any thread."""


class Engine(Protocol):
    """Computes the audio of utterances. All methods are thread-safe."""

    name: str
    capabilities: Capabilities
    num_parallel: int
    """How many segments of one text should be in the queue at once."""
    version: str
    """Identifies the weights and the arithmetic: with another version the same utterance may give other samples."""

    def voices(self) -> Sequence[Voice]:
        """The built-in voices of the engine."""

    def builtin_voice(self, voice_id: str) -> PreparedVoice:
        """One of `voices()`, prepared; KeyError for others."""

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> PreparedVoice:
        """A voice from a reference clip, whose loudness is normalized first where the model has that control; raises InvalidReference.

        Without `keep`, nothing of the clip is written to disk.
        """

    def submit(self, utterance: Utterance) -> SpeechStream:
        """Queue an utterance; returns at once."""

    def stats(self) -> Mapping[str, float]:
        """Counters for /health: `segments_done`, `segments_waiting`, `audio_seconds` …"""

    def close(self) -> None:
        """Stop the engine's threads. Waiting streams end with EngineFailure."""


class ReloadableEngine(Engine, Protocol):
    """An engine that can be created again after it has failed."""

    @property
    def is_device_lost(self) -> bool:
        """Whether the device has failed so that only a new process can use it again; `is_broken` is then true as well. Never blocks."""

    @property
    def is_broken(self) -> bool:
        """Whether the engine cannot be used any more, as after a sticky device error. True before its streams fail. Never blocks."""


class ReplicatedEngine(Engine, Protocol):
    """An engine that runs in several replicas."""

    def replica_stats(self) -> Mapping[str, Mapping[str, float]]:
        """Return the counters of each replica by its id: `segments_done`, `clips_received` …, as of its last completed call."""


class VoiceConverter(Engine, Protocol):
    """An engine that can change the voice of a recording."""

    def convert(self, source: VoiceReference, voice: PreparedVoice, seed: int) -> SpeechStream:
        """Queue a recording to be converted to `voice`; its timing and melody stay. Returns at once."""


class BuiltinEngine(Engine, Protocol):
    """An engine that runs as long as the server, and returns a clip of each of its voices for engines that clone."""

    def reference(self, voice_id: str) -> VoiceReference:
        """Return the clip of one of `voices()`; KeyError for others."""
