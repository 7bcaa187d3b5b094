"""The plan of a reply: all that decides its audio, and the cache key that follows from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from tts_server import __version__
from tts_server.speech import AudioFormat, VoiceReference

NO_EFFECT = "no_effect"
"""Key of a field's metadata: why the field does not decide the bytes of the audio."""


def no_effect(reason: str, **options: Any) -> Any:
    """Return a dataclass field that the cache key leaves out, since its value does not decide the bytes of the audio."""
    return field(metadata={NO_EFFECT: reason}, **options)


@dataclass(frozen=True)
class ResolvedVoice:
    """The voice of a reply. `content` identifies its sound within an engine: the id of a built-in voice, or the digest of its clip.

    `id` is None for a clip that came with the request. `cloning` is the value of `X-Voice-Cloning`, None for a built-in voice. `language`
    is the one that the request names by its field or as its voice.
    """

    content: str
    id: str | None = no_effect("Voices with the same clip sound alike.")
    cloning: str | None = no_effect("It follows from the engine and from whether there is a clip.")
    language: str | None = no_effect("The plan has the language that is spoken.")
    reference: VoiceReference | None = no_effect("Its digest is `content`.", default=None, repr=False)

    @property
    def is_one_off(self) -> bool:
        """Whether the voice is a clip of the request's own, of which nothing is stored."""
        return self.id is None


@dataclass(frozen=True)
class Text:
    """Text to be spoken, as the engine gets it."""

    text: str


@dataclass(frozen=True)
class Silence:
    """A short silence: the reply to a text without words, such as the `.` by which a client tests its key, or an emoji."""


@dataclass(frozen=True)
class Recording:
    """A recording to be spoken again in another voice. `digest` identifies it."""

    digest: str
    source: VoiceReference = no_effect("Its digest is a field of its own.", repr=False)


@dataclass(frozen=True)
class SpeechPlan:
    """What is made for a request that has passed every check.

    Each field is part of the cache key unless it is declared with `no_effect`. `controls` are those of the request and of its voice that
    the model has. `words` is the text for people, `transcript` the text as it was sent, `removed_voices` the names of tags that would have
    switched the voice within the text. `ignored` names the parameters of the request that the model does not have. Rendering fails after
    `max_seconds` of audio.
    """

    content: Text | Silence | Recording
    model: str
    engine_version: str
    voice: ResolvedVoice
    language: str | None
    speed: float
    controls: tuple[tuple[str, float | int | bool], ...]
    requested_seed: int | None
    format: AudioFormat
    sample_rate: int
    cache_scope: str
    seed: int = no_effect("It is `requested_seed`, or random: then any take may be sent again.")
    may_use_cache: bool = no_effect("It decides whether the cache is read and written, not what is stored.")
    max_seconds: float = no_effect("Audio that exceeds it is not stored.")
    words: str = no_effect("It describes the text.", default="")
    transcript: str = no_effect("It describes the text.", default="")
    removed_voices: tuple[str, ...] = no_effect("It describes the text.", default=())
    ignored: tuple[str, ...] = no_effect("It names what has no effect.", default=())

    @property
    def is_ad_hoc(self) -> bool:
        """Whether the request brought audio of its own, so that nothing of the reply is stored."""
        return self.voice.is_one_off or isinstance(self.content, Recording)

    def cache_key(self, *, streamed: bool) -> str:
        """Return what identifies the bytes of the reply. A format whose header holds the length differs where it is `streamed`."""
        has_length = not streamed and self.format.header_holds_length
        return json.dumps([__version__, has_length, _key_of(self)])


def _key_of(value: object) -> object:
    """Return a value of a plan as JSON; raises TypeError for one whose text does not identify it."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, tuple):
        return [_key_of(item) for item in value]
    if is_dataclass(value):
        used = {one.name: _key_of(getattr(value, one.name)) for one in fields(value) if NO_EFFECT not in one.metadata}
        return {type(value).__name__: used}
    raise TypeError(f"a value of the type {type(value).__name__} cannot be part of a cache key")
