"""The nouns that every layer shares."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""Mono audio: float32, shape [n], nominally within -1..1."""


class AudioFormat(str, enum.Enum):
    """A container and codec that a reply may have."""

    MP3 = "mp3"
    OPUS = "opus"
    AAC = "aac"
    FLAC = "flac"
    WAV = "wav"
    PCM = "pcm"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    AudioFormat.MP3: "audio/mpeg",
    AudioFormat.OPUS: "audio/ogg",
    AudioFormat.AAC: "audio/aac",
    AudioFormat.FLAC: "audio/flac",
    AudioFormat.WAV: "audio/wav",
    AudioFormat.PCM: "audio/pcm",
}


class AudioFile(Protocol):
    """A finished file, open at its beginning. It exists, or is locked, until it is closed."""

    def read(self, size: int = -1, /) -> bytes: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...

    def seekable(self) -> bool: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Segment:
    """A piece of text that an engine speaks at once, and the silence that follows it in seconds.

    It is spoken at `rate` times the request's speed. `start` and `end` are its character offsets in the text that was divided.
    It `begins_inside` a sentence, or `ends_inside` one, where a sentence was too long for one segment.
    """

    text: str
    pause_after: float = 0.0
    rate: float = 1.0
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    begins_inside: bool = field(default=False, compare=False)
    ends_inside: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class VoiceReference:
    """Decoded reference audio of a speaker: `samples` float32 mono at `sample_rate` Hz; `digest` is the sha256 of the file.

    `param` is the request's field it came by, for messages.
    """

    samples: Samples = field(repr=False, compare=False)
    sample_rate: int
    digest: str
    param: str | None = field(default=None, compare=False)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True)
class Voice:
    """A voice a client can name. `origin` is `builtin` (an engine's own) or `library` (a file in the voices folder, `path`).

    `language` and `controls` of a library voice hold where a request does not say; `is_removable`: it may be renamed and deleted.
    Its texts are read with the pronunciation `dictionaries`: ids, each with the id of a version or None for the latest.
    """

    id: str
    name: str
    origin: str
    description: str = ""
    language: str | None = None
    gender: str | None = None
    path: str | None = None
    aliases: tuple[str, ...] = ()
    controls: Mapping[str, float | int | bool] = field(default_factory=dict, hash=False)
    is_removable: bool = False
    dictionaries: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class SpeechRequest:
    """One request for speech, whatever dialect it came in. `None` means "not given"; without `cache` it is neither looked up nor kept.

    Unless it `is_normalized`, the text goes to the model as written; changes by the `skipped_rules` of `text.edits.Edit` are not made.
    `dictionaries` are ids of pronunciation dictionaries, each with the id of a version or None for the latest. Unless it `may_load` models,
    a model that is not loaded is refused. What is cached is found by requests of the same `cache_scope` alone.
    """

    text: str
    model: str | None = None
    voice: str | None = None
    reference: VoiceReference | None = None
    format: AudioFormat = AudioFormat.MP3
    sample_rate: int = 24000
    speed: float = 1.0
    language: str | None = None
    seed: int | None = None
    controls: Mapping[str, float | int | bool] = field(default_factory=dict)
    cache: bool = True
    cache_scope: str = ""
    may_load: bool = True
    is_normalized: bool = True
    skipped_rules: frozenset[str] = frozenset()
    dictionaries: tuple[tuple[str, str | None], ...] = ()
