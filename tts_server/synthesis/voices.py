"""The voices that a request can name: finding them, and preparing them for an engine."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from tts_server.engines.base import Capabilities, Engine, PreparedVoice
from tts_server.engines.catalog import ModelCatalog
from tts_server.errors import InvalidReference, InvalidRequest, VoiceNotFound
from tts_server.languages import language_code, voice_language
from tts_server.speech import SpeechRequest, Voice
from tts_server.synthesis.plan import ResolvedVoice
from tts_server.voices.library import VoiceLibrary
from tts_server.voices.names import name_key, possible_names


class EngineDescription(Protocol):
    """What planning needs of an engine, which may be unloaded."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def voices(self) -> Sequence[Voice]: ...


class VoiceResolver:
    """Finds voices by name: those of the engines, and those of the library. `default` is the voice of requests that name none."""

    def __init__(self, catalog: ModelCatalog, library: VoiceLibrary, default: str) -> None:
        self.default = default
        self._catalog = catalog
        self._library = library

    def all(self) -> list[Voice]:
        """Return the voices of the engine that answers by default and of the library; a built-in name is never hidden by a file."""
        engines = self._catalog.engines
        engine = engines.get(self._catalog.default) or next(iter(engines.values()), None)
        builtin = list(engine.voices()) if engine else []
        names = {voice.id for voice in builtin}
        return builtin + [voice for voice in self._library.voices() if voice.id.lower() not in names]

    def find(self, name: str, builtin: Iterable[Voice] | None = None) -> Voice | None:
        """Return the voice called `name`, whatever its case, also with the ending of an audio file; None where there is none.

        `builtin` are the voices of the engine that will speak, which hide those of the library; by default those of `all`.
        """
        own = {voice.id: voice for voice in (self.all() if builtin is None else builtin) if voice.origin == "builtin"}
        for possible in possible_names(name):
            if (found := own.get(name_key(possible)) or self._library.get(possible)) is not None:
                return found
        return None

    def check(self, name: str, builtin: Iterable[Voice] | None = None) -> None:
        """Raise VoiceNotFound where `name` is neither a voice nor a language. `builtin` is that of `find`."""
        if self.find(name, builtin) is None and voice_language(name) is None:
            raise self._not_found(name)

    def apply_defaults(self, request: SpeechRequest, capabilities: Capabilities, builtin: Iterable[Voice] | None = None) -> SpeechRequest:
        """Return the request with the language and controls of its voice, where it gives none and the model has them.

        `builtin` is that of `find`.
        """
        voice = None if request.reference is not None else self.find(request.voice or self.default, builtin)
        if voice is None or voice.origin == "builtin":
            return request
        defaults = {control.name: voice.controls[control.name] for control in capabilities.controls if control.name in voice.controls}
        language = request.language or (voice.language if voice.language in capabilities.languages else None)
        return replace(request, language=language, controls={**defaults, **request.controls})

    def resolve(self, request: SpeechRequest, engine: EngineDescription) -> ResolvedVoice:
        """Return the voice that speaks a request; raises VoiceNotFound, or InvalidReference where its clip cannot be read."""
        language = named_language(request)
        if request.reference is not None:
            return ResolvedVoice(request.reference.digest, None, engine.capabilities.cloning, language, request.reference)
        name = request.voice or self.default
        voice = self.find(name, engine.voices())
        if voice is None and name != self.default and (spoken := voice_language(name)) is not None:
            name, language = self.default, language or spoken
            voice = self.find(name, engine.voices())
        if voice is None:
            raise self._not_found(name)
        if voice.origin == "builtin":
            return ResolvedVoice(voice.id, voice.id, None, language)
        reference = self._library.reference(voice.id)
        return ResolvedVoice(reference.digest, voice.id, engine.capabilities.cloning, language, reference)

    def _not_found(self, name: str) -> VoiceNotFound:
        names = ", ".join(voice.id for voice in self.all())
        return VoiceNotFound(f"There is no voice {name.strip()!r}. Known voices: {names}.", param="voice")


class PreparedVoices:
    """The voices that engines have made from clips, the `capacity` used last. Thread-safe."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._lock = threading.Lock()
        self._voices: OrderedDict[tuple[str, str, bool, bool], PreparedVoice] = OrderedDict()  # guarded by `_lock`

    def get(self, voice: ResolvedVoice, engine: Engine, *, norm_loudness: bool = True) -> PreparedVoice:
        """Return the engine's own form of a voice; raises InvalidReference. A clip is prepared once for each engine and option."""
        reference = voice.reference
        if reference is None:
            return engine.builtin_voice(voice.content)
        keep = not voice.is_one_off
        key = (engine.name, reference.digest, norm_loudness, keep)
        with self._lock:
            if key in self._voices:
                self._voices.move_to_end(key)
                return self._voices[key]
        try:
            prepared = engine.prepare_voice(reference, norm_loudness=norm_loudness, keep=keep)
        except InvalidReference as error:
            error.param = error.param or reference.param or "voice"
            raise
        with self._lock:
            self._voices[key] = prepared
            while len(self._voices) > self.capacity:
                self._voices.popitem(last=False)
        return prepared

    def clear(self) -> None:
        """Prepare every clip again when it is next used."""
        with self._lock:
            self._voices.clear()


def named_language(request: SpeechRequest) -> str | None:
    """Return the code of the language in a request's field; raises InvalidRequest where it is none."""
    if not request.language:
        return None
    language = language_code(request.language)
    if language is None:
        raise InvalidRequest(f"language: {request.language!r} is not a language code such as 'en' or 'zh-cn'.", param="language")
    return language
