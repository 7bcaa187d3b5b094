"""What the server and its replicas exchange. Every type can be pickled; no Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tts_server.engines.base import Capabilities, Utterance
from tts_server.errors import TTSError
from tts_server.speech import Samples, Voice, VoiceReference


@dataclass(frozen=True)
class BuiltinVoice:
    """A voice that every replica has. `key` is empty where preparing it costs nothing, so that any replica serves it equally well."""

    id: str
    key: str = ""


@dataclass(frozen=True)
class ClipVoice:
    """A voice of a reference clip. Equal keys mean equal content.

    `clip` is an ObjectRef of the VoiceReference: the clip is transferred only to replicas that have not prepared it.
    """

    key: str
    norm_loudness: bool
    keep: bool
    clip: Any = field(compare=False, repr=False)


VoiceHandle = BuiltinVoice | ClipVoice


@dataclass(frozen=True)
class Order:
    """One call of a replica. The router reads `voice_key`: replicas that have prepared this voice are preferred."""

    voice: VoiceHandle | None = None
    utterance: Utterance | None = None
    source: Any = None
    """ObjectRef of a recording to convert."""
    seed: int = 0

    @property
    def voice_key(self) -> str:
        return self.voice.key if self.voice else ""


@dataclass(frozen=True)
class EngineFacts:
    """The properties of the engine of a replica, which are those of every replica of its deployment.

    `version` is that of the engine, `deployed_version` that of what the replicas were deployed with.
    """

    capabilities: Capabilities
    num_parallel: int
    version: str
    voices: Sequence[Voice]
    deployed_version: str


@dataclass(frozen=True)
class Piece:
    """A chunk of audio. `version` is that of the engine that computed it."""

    samples: Samples
    retries: int
    version: str


@dataclass(frozen=True)
class End:
    """The end of a call: without it, a stream is incomplete.

    `replica` identifies the replica. `stats` are its counters. `result` is the result of a call that returns no audio.
    """

    replica: str
    stats: Mapping[str, float]
    retries: int = 0
    result: EngineFacts | VoiceReference | None = None


@dataclass(frozen=True)
class Failure:
    """An error for the client. `is_replica_broken`: the replica is about to be replaced, and another one may succeed.

    Errors are not pickled themselves, because their constructors take other arguments than those that pickle passes.
    """

    kind: type[TTSError]
    state: Mapping[str, Any]
    is_replica_broken: bool = False

    @classmethod
    def of(cls, error: TTSError, *, is_replica_broken: bool = False) -> Failure:
        """Return the failure for an error."""
        return cls(type(error), dict(vars(error)), is_replica_broken)

    def error(self) -> TTSError:
        """Return a copy of the error."""
        error = self.kind.__new__(self.kind, self.state["message"])
        error.args = (self.state["message"],)
        vars(error).update(self.state)
        return error


Item = Piece | End | Failure
