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


@dataclass(frozen=True)
class FormatSpec:
    """The facts of one response format.

    `extension` is what names of its files end in, without the dot; it is empty for a format that is no file. `label` is its name on the
    page, `description` what it contains. `bit_rates` are in bits a second by sample rate in Hz; None for a format that carries any rate.
    `relative_size` is the size of a file relative to its bit rate, or to 16-bit samples where there are no bit rates. Above
    `rounded_up_above` Hz a rate is never lowered to a supported one. `header_holds_length`: a whole reply states its length in its header,
    which a streamed one cannot.
    """

    content_type: str
    extension: str
    label: str
    description: str
    bit_rates: Mapping[int, int] | None = None
    relative_size: float = 1.0
    rounded_up_above: int = 48000
    header_holds_length: bool = False

    def bit_rate(self, sample_rate: int) -> int:
        """Bits a second at a supported sample rate; raises KeyError for any other rate, or where the format has no bit rates."""
        return (self.bit_rates or {})[sample_rate]


class AudioFormat(str, enum.Enum):
    """A container and codec that a reply may have. `FORMATS` has a row for each."""

    MP3 = "mp3"
    OPUS = "opus"
    AAC = "aac"
    M4A = "m4a"
    FLAC = "flac"
    WAV = "wav"
    PCM = "pcm"

    @property
    def spec(self) -> FormatSpec:
        return FORMATS[self]

    @property
    def content_type(self) -> str:
        return self.spec.content_type

    @property
    def header_holds_length(self) -> bool:
        return self.spec.header_holds_length


_MP3_BIT_RATES = {
    8000: 48000, 11025: 56000, 12000: 56000, 16000: 64000, 22050: 96000, 24000: 96000, 32000: 112000, 44100: 128000, 48000: 128000,
}  # fmt: skip
_AAC_BIT_RATES = {
    8000: 32000, 11025: 40000, 12000: 40000, 16000: 56000, 22050: 72000, 24000: 80000, 32000: 96000, 44100: 112000, 48000: 112000,
}  # fmt: skip
_OPUS_BIT_RATES = {8000: 24000, 12000: 32000, 16000: 40000, 24000: 48000, 48000: 64000}

FORMATS: Mapping[AudioFormat, FormatSpec] = {
    AudioFormat.MP3: FormatSpec("audio/mpeg", "mp3", "MP3", "MP3 without tags", bit_rates=_MP3_BIT_RATES),
    AudioFormat.OPUS: FormatSpec("audio/ogg", "ogg", "Opus", "Ogg Opus", bit_rates=_OPUS_BIT_RATES, rounded_up_above=24000),
    AudioFormat.AAC: FormatSpec("audio/aac", "aac", "AAC", "AAC in ADTS frames", bit_rates=_AAC_BIT_RATES),
    AudioFormat.M4A: FormatSpec("audio/mp4", "m4a", "M4A", "AAC in fragmented MP4", bit_rates=_AAC_BIT_RATES, relative_size=1.1),
    AudioFormat.FLAC: FormatSpec("audio/flac", "flac", "FLAC", "16-bit FLAC", relative_size=0.75, header_holds_length=True),
    AudioFormat.WAV: FormatSpec("audio/wav", "wav", "WAV", "16-bit WAV", header_holds_length=True),
    AudioFormat.PCM: FormatSpec("audio/pcm", "", "PCM", "16-bit mono samples without a header"),
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
    """One request for speech, whatever dialect it came in. `None` means "not given"; without `cache` it is neither looked up nor stored.

    Unless it `is_normalized`, the text goes to the model as written; changes by the `skipped_rules` of `text.edits.Edit` are not made.
    `dictionaries` are ids of pronunciation dictionaries, each with the id of a version or None for the latest. Unless it `may_load` models,
    a model that is not loaded is refused. What is cached is found by requests of the same `cache_scope` alone. `default_controls` names
    those of the `controls` that the client did not choose: they are not reported where the model does not have them.
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
    default_controls: frozenset[str] = frozenset()
    cache: bool = True
    cache_scope: str = ""
    may_load: bool = True
    is_normalized: bool = True
    skipped_rules: frozenset[str] = frozenset()
    dictionaries: tuple[tuple[str, str | None], ...] = ()
