"""The interfaces that every engine implements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tts_server.cancellation import Cancellation
from tts_server.speech import Samples, Voice, VoiceReference


@dataclass(frozen=True)
class Control:
    """One knob that a model really has. A control of whole numbers has its three numbers as int; from 0 to 1 it is a switch."""

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
    """Why a model speaks one of its languages less well than it could (`loss`), and what to do (`remedy`), in words."""

    language: str
    loss: str
    remedy: str

    @property
    def message(self) -> str:
        """Both as sentences."""
        return f"{self.loss}. {self.remedy}"


@dataclass(frozen=True)
class Capabilities:
    """What a model can do; the page and the validation read it, nothing else decides.

    `scripts` are Unicode script names (`Latin`, `Han` …), empty for any. `cloning` is the value of `X-Voice-Cloning`
    (`matched`, `cloned`) or None. `tempo_range` is the speeds the engine speaks at by itself. `tags` are the sounds it makes where
    the text names them, such as `[laugh]`. Towards the limits of segments a Han, Kana or Hangul character counts as
    `syllable_chars`: 3 where a limit stands for a time that the model can speak for. `converts` says whether it also speaks
    recordings again in another voice (`VoiceConverter`), `reads_ipa` whether a text may hold `phoneme_span` tokens of `text.phonemes`.
    It `varies_in_loudness` where segments of one text differ so much that they have to be matched. `notices` are about what is missing on
    this machine.
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
    """One segment on its way to an engine. `voice` is what `prepare_voice` or `builtin_voice` of the same engine returned.

    `index` is the segment's place in its text (0 goes before all later ones of other requests). `group` is the same for all
    segments of one request, so that a long text cannot starve a short one. The text `begins_inside` or `ends_inside` a sentence where
    that was too long for one segment.
    """

    text: str
    voice: Any
    index: int
    seed: int
    tempo: float
    language: str | None
    controls: Mapping[str, float | int | bool]
    group: int = 0
    begins_inside: bool = False
    ends_inside: bool = False


class SpeechStream(Protocol):
    """The audio of one utterance, in order, as it is made."""

    @property
    def retries(self) -> int:
        """How often a part of it was made again because it did not sound like its text."""

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        """Yield float32 mono chunks at the engine's rate; raises EngineFailure, and Cancelled as soon as nobody wants the rest."""

    def close(self) -> None:
        """Drop what is not yet made. Safe to call twice and from any thread."""


class Engine(Protocol):
    """A thing that turns utterances into audio. All methods are thread-safe."""

    name: str
    capabilities: Capabilities
    num_parallel: int
    """How many segments of one text are worth having in the queue at once."""
    version: str
    """Another one where the same utterance may sound different: other weights, another way of computing."""

    def voices(self) -> Sequence[Voice]:
        """The voices the engine has by itself."""

    def builtin_voice(self, voice_id: str) -> Any:
        """The engine's own form of one of `voices()`; KeyError for others."""

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> Any:
        """A voice from a reference clip, its loudness evened out first where the model has that control; raises InvalidReference.

        Unless it is to `keep`, nothing of the clip is written to disk.
        """

    def submit(self, utterance: Utterance) -> SpeechStream:
        """Queue an utterance; returns at once."""

    def stats(self) -> Mapping[str, float]:
        """Counters for /health: `segments_done`, `segments_waiting`, `audio_seconds` …"""

    def close(self) -> None:
        """Stop the engine's threads. Waiting streams end with EngineFailure."""


class ReloadableEngine(Engine, Protocol):
    """An engine that may be made anew after its device has failed."""

    @property
    def is_device_lost(self) -> bool:
        """Whether the device has failed so that only a new process can use it again; then `is_broken` too. Never blocks."""

    @property
    def is_broken(self) -> bool:
        """Whether nothing more can be expected of it, as after a sticky device error. Set before its streams are told; never blocks."""


class ReplicatedEngine(Engine, Protocol):
    """An engine that runs in several replicas."""

    def replica_stats(self) -> Mapping[str, Mapping[str, float]]:
        """Return the counters of each replica by its id: `segments_done`, `clips_received` …, as of its last completed call."""


class VoiceConverter(Engine, Protocol):
    """An engine that can change the voice of a recording."""

    def convert(self, source: VoiceReference, voice: Any, seed: int) -> SpeechStream:
        """Queue a recording to be spoken again in `voice`, with its own timing and melody; returns at once."""


class BuiltinEngine(Engine, Protocol):
    """An engine that runs as long as the server, and has a clip of each of its voices for the engines that clone."""

    def reference(self, voice_id: str) -> VoiceReference:
        """Return the clip of one of `voices()`; KeyError for others."""
