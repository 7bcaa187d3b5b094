"""From a request to speech that can be made: model, voice, text, engine."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tts_server.audio.encoders import supported_rate
from tts_server.cache import AudioCache, CacheUse
from tts_server.dictionaries.selection import DictionarySelection, Pronunciation
from tts_server.engines.base import Capabilities, Engine
from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.manager.handles import UnloadedEngine
from tts_server.errors import (
    InvalidReference,
    InvalidRequest,
    ModelNotAvailable,
    NothingToSay,
    TTSError,
    UnsupportedText,
    VoiceNotFound,
)
from tts_server.languages import language_code, voice_language
from tts_server.log import SPOKEN, spoken_text
from tts_server.metrics import Metrics
from tts_server.planned_speech import MAX_SPEED, MIN_SPEED, Conversion, Silence, Speech
from tts_server.reply_limits import ReplyLimits
from tts_server.speech import Segment, SpeechRequest, Voice, VoiceReference
from tts_server.text.clean import clean, has_speech
from tts_server.text.duration import estimate_seconds
from tts_server.text.markup import total_pause
from tts_server.text.reading import Reading, ReadingOptions, read_text
from tts_server.text.scripts import unspeakable
from tts_server.text.segment import segments_for
from tts_server.voices.library import VoiceLibrary
from tts_server.voices.names import name_key, possible_names

log = logging.getLogger(__name__)
texts = logging.getLogger(SPOKEN)

NUM_PREPARED_VOICES = 64
MAX_PAUSE_SECONDS = 120.0
SPOKEN_CHARACTERS_PER_CHARACTER = 6
"""How many times as long as the longest text that may be sent the words may be that are said for it. Numbers become longer than prose."""
MAX_SPOKEN_CHARACTERS = 30_000
"""Characters that are said for one request, at most: about half an hour of speech."""


class Synthesizer:
    """Checks requests and turns them into Speech. `num_prepared` voices made from clips are kept, the least recently used go first."""

    def __init__(
        self,
        catalog: ModelCatalog,
        library: VoiceLibrary,
        metrics: Metrics,
        *,
        default_voice: str = "alloy",
        default_seed: int | None = None,
        default_language: str = "en",
        max_spoken_characters: int = MAX_SPOKEN_CHARACTERS,
        limits: ReplyLimits | None = None,
        num_prepared: int = NUM_PREPARED_VOICES,
        cache: AudioCache | None = None,
        dictionaries: DictionarySelection | None = None,
    ) -> None:
        self.catalog = catalog
        self.library = library
        self.metrics = metrics
        self.default_voice = default_voice
        self.default_seed = default_seed
        self.default_language = default_language
        self.max_spoken_characters = max_spoken_characters
        self.limits = limits or ReplyLimits()
        self.num_prepared = num_prepared
        self.cache = cache
        self.dictionaries = dictionaries
        self._prepared: OrderedDict[tuple[str, str, bool, bool], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._is_closed = False

    def plan(self, request: SpeechRequest) -> Speech:
        """Check everything that can be checked before the first sound; raises the TTSError family."""
        spoken_text.set(request.text)
        speech = self._kept(request)
        if speech is None:
            model = self.catalog.resolve(request.model, may_load=request.may_load)
            speech = self._planned(request, model, self.catalog.engine(model))
        texts.info("%s", speech.words)
        return speech

    def preview(self, request: SpeechRequest) -> tuple[Reading, list[Segment]]:
        """How a request would be read, and its segments as offsets into `Reading.text`. Nothing is loaded, queued or spoken for it.

        A model that is not installed reads as the one that answers by default. Raises the TTSError family.
        """
        model = self.catalog.named(request.model)
        fallback = self.catalog.fallback
        stand_in = self.catalog.stand_in() or (fallback.id if fallback else model)
        capabilities = self.catalog.capabilities(model) or self.catalog.capabilities(stand_in)
        if capabilities is None:
            raise ModelNotAvailable(f"There is no model {model!r} on this server.", param="model")
        builtin = [voice for voice in self.voices() if voice.origin == "builtin"]
        self.check_voice(request.voice or self.default_voice, builtin)
        reading = self._read(self._with_wishes_of_voice(request, capabilities, builtin), capabilities)
        return reading, list(segments_for(capabilities, reading.text))

    def _kept(self, request: SpeechRequest) -> Speech | None:
        """What the cache has of a model that is unloaded now: it need not be loaded to say the same again."""
        if self.cache is None or self._cache_use(request) is not CacheUse.MISS:
            return None
        try:
            engine = self.catalog.unloaded_engine(request.model)
            speech = self._planned(request, engine.name, engine) if engine else None
        except TTSError:  # told by the model itself
            return None
        return speech if speech is not None and speech.is_kept else None

    def _planned(self, request: SpeechRequest, model: str, engine: Engine) -> Speech:
        request = self._with_wishes_of_voice(request, engine.capabilities, engine.voices())
        reading = self._read(request, engine.capabilities)
        self._check_script(reading.words, engine)
        has_sound = has_speech(reading.text) or total_pause(reading.text) > 0
        seconds = estimate_seconds(reading.text, request.speed, min_speed=MIN_SPEED, max_speed=MAX_SPEED) if has_sound else 0.0
        return (Speech if has_sound else Silence)(
            text=reading.text,
            words=reading.words,
            transcript=reading.written,
            removed_voices=reading.removed_voices,
            **self._settled(request, model, engine, reading.language, seconds),
        )

    def _read(self, request: SpeechRequest, capabilities: Capabilities) -> Reading:
        """The text of a request as it will be read. Raises InvalidRequest where too much would be said, NothingToSay for an empty text."""
        if not clean(request.text):
            raise NothingToSay("The text leaves nothing to say. Write some words.", param="input")
        reading = read_text(
            request.text,
            ReadingOptions(
                language=self._language_of(request),
                default_language=self.default_language,
                is_normalized=request.is_normalized,
                skipped_rules=request.skipped_rules,
                sounds=capabilities.tags,
                reads_ipa=capabilities.reads_ipa,
                pronunciation=self._pronunciation(request).find_edits,
            ),
        )
        if (pause := total_pause(reading.text)) > MAX_PAUSE_SECONDS:
            raise InvalidRequest(
                f"The pauses of this text add up to {pause:g} seconds; at most {MAX_PAUSE_SECONDS:g} are possible at once.", param="input"
            )
        if (length := len(reading.text)) > self.max_spoken_characters:
            raise InvalidRequest(
                f"Read aloud, this text has {length} characters; this server says at most {self.max_spoken_characters} at once. "
                "Divide the text.",
                param="input",
                code="text_too_long",
            )
        return reading

    def _pronunciation(self, request: SpeechRequest) -> Pronunciation:
        """The rules of the pronunciation dictionaries of a request; raises DictionaryNotFound."""
        if self.dictionaries is None:
            return Pronunciation()
        voice = None if request.reference is not None else self.find_voice(request.voice or self.default_voice)
        return self.dictionaries.resolve(request.dictionaries, voice.dictionaries if voice is not None else ())

    def _language_of(self, request: SpeechRequest) -> str | None:
        """The language that a request names, by its field or as its voice; None where it names none."""
        if request.language:
            language = language_code(request.language)
            if language is None:
                raise InvalidRequest(f"language: {request.language!r} is not a language code such as 'en' or 'zh-cn'.", param="language")
            return language
        name = request.voice or ""
        is_voice = not name.strip() or request.reference is not None or self.find_voice(name) is not None
        return None if is_voice else voice_language(name)

    def find_voice(self, name: str, builtin: Iterable[Voice] | None = None) -> Voice | None:
        """The voice that is called `name`, whatever its case, also with the ending of an audio file; None where there is none.

        `builtin` are the voices of the engine that will speak, which hide those of the library: unless given, of the one that answers by
        default.
        """
        own = {voice.id: voice for voice in (self.voices() if builtin is None else builtin) if voice.origin == "builtin"}
        for possible in possible_names(name):
            if (found := own.get(name_key(possible)) or self.library.get(possible)) is not None:
                return found
        return None

    def check_voice(self, name: str, builtin: Iterable[Voice] | None = None) -> None:
        """Raise VoiceNotFound where `name` is neither a voice nor a language. `builtin` is that of `find_voice`."""
        if self.find_voice(name, builtin) is None and voice_language(name) is None:
            raise self._voice_not_found(name)

    def _voice_not_found(self, name: str) -> VoiceNotFound:
        known = ", ".join(voice.id for voice in self.voices())
        return VoiceNotFound(f"There is no voice {name.strip()!r}. Known voices: {known}.", param="voice")

    def plan_conversion(self, source: VoiceReference, request: SpeechRequest) -> Speech:
        """A recording to be spoken again in the request's voice; its text is not used. Raises the TTSError family."""
        model = self.catalog.resolve(request.model or self.catalog.converting_model(), may_load=request.may_load)
        engine = self.catalog.engine(model)
        if not engine.capabilities.converts:
            other = self.catalog.converting_model()
            remedy = f" Use a model that converts, such as '{other}'." if other else ""
            raise InvalidRequest(f"The model '{model}' cannot convert voices.{remedy}", param="model")
        settled = self._settled(request, model, engine, self.default_language, source.seconds / request.speed) | {
            "cache_use": CacheUse.ADHOC
        }
        return Conversion(text="", words="", transcript="", source=source, **settled)

    def _settled(self, request: SpeechRequest, model: str, engine: Engine, text_language: str, seconds: float) -> dict[str, Any]:
        """What any kind of Speech needs besides its text, which is in `text_language` and takes about `seconds`; raises AudioTooLong."""
        sample_rate = supported_rate(request.format, request.sample_rate)
        max_seconds = self.limits.check(seconds, request.format, sample_rate)
        request = self._with_wishes_of_voice(request, engine.capabilities, engine.voices())
        voice, cloning, prepared, language, content = self._voice(request, engine)
        controls = {control.name for control in engine.capabilities.controls}
        ignored = [name for name in request.controls if name not in controls]
        languages = engine.capabilities.languages
        if language is not None and language not in languages:
            ignored.append("language")
            language = None
        if language is None and len(languages) > 1:
            language = text_language if text_language in languages else "en"
        seed = request.seed if request.seed is not None else self.default_seed
        return {
            "request": request,
            "model": model,
            "voice": voice,
            "cloning": cloning,
            "ignored": tuple(ignored),
            "seed": seed if seed is not None else secrets.randbelow(2**31),
            "sample_rate": sample_rate,
            "max_seconds": max_seconds,
            "_engine": engine,
            "_prepared": prepared,
            "_language": language,
            "metrics": self.metrics,
            "cache_use": self._cache_use(request),
            "_asked_seed": seed,
            "_voice_content": content,
            "_cache": self.cache,
        }

    def _cache_use(self, request: SpeechRequest) -> CacheUse:
        if request.reference is not None:
            return CacheUse.ADHOC
        if self.cache is None:
            return CacheUse.DISABLED
        return CacheUse.MISS if request.cache else CacheUse.BYPASS

    def prepare_voices(self) -> None:
        """Make the voices of the folder ready for the default model, so that their first requests need not wait for that.

        Waits while the model is being loaded, and ends early when the server stops. A voice that cannot be used is told in the log.
        """
        try:
            engine = self.catalog.engine(self.catalog.ready(None))
        except TTSError as error:
            log.info("The voices of the folder are prepared when they are asked for. %s", error.message)
            return
        for voice in self.library.voices()[: self.num_prepared]:
            if self._is_closed:
                return
            try:
                self._prepare_voice(voice.id, engine)
            except TTSError as error:
                log.warning("The voice %r cannot be used: %s", voice.id, error.message)

    def _prepare_voice(self, voice_id: str, engine: Engine) -> None:
        request = SpeechRequest("", voice=voice_id)
        self._voice(self._with_wishes_of_voice(request, engine.capabilities, engine.voices()), engine)

    def close(self) -> None:
        """Stop the engines, and let another server have the cache."""
        self._is_closed = True
        self.catalog.close()
        if self.cache is not None:
            self.cache.close()

    def voices(self) -> list[Voice]:
        """All voices of the engine that answers by default and of the library; a built-in name is never hidden by a file."""
        engines = self.catalog.engines
        engine = engines.get(self.catalog.default) or next(iter(engines.values()), None)
        builtin = list(engine.voices()) if engine else []
        names = {voice.id for voice in builtin}
        return builtin + [voice for voice in self.library.voices() if voice.id.lower() not in names]

    def _check_script(self, text: str, engine: Engine) -> None:
        script = unspeakable(text, engine.capabilities.scripts)
        if script is None:
            return
        able = self.catalog.model_of_every_script()
        if able is None:
            remedy = ""
        elif self.catalog.is_installed(able.id):
            remedy = f" Use the model '{able.id}'."
        else:
            remedy = f" {able.name} can: install it with {able.install_hint}, then use the model '{able.id}'."
        name = self.catalog.entries[engine.name].name if engine.name in self.catalog.entries else engine.name
        raise UnsupportedText(f"{name} cannot speak text in the {script} script.{remedy}", param="input")

    def _voice(self, request: SpeechRequest, engine: Engine) -> tuple[str | None, str | None, Any, str | None, str]:
        """(voice id, kind of cloning, the engine's voice, language, what tells its sound from other voices' of the engine)"""
        cloning = engine.capabilities.cloning
        language = language_code(request.language) if request.language else None
        if request.language and language is None:
            raise InvalidRequest(f"language: {request.language!r} is not a language code such as 'en' or 'zh-cn'.", param="language")
        if request.reference is not None:
            return None, cloning, self._prepare(engine, request.reference, request, keep=False), language, request.reference.digest
        name = request.voice or self.default_voice
        found = self.find_voice(name, engine.voices())
        if found is not None and found.origin == "builtin":
            return found.id, None, engine.builtin_voice(found.id), language, found.id
        if found is not None:
            reference = self.library.reference(found.id)
            return found.id, cloning, self._prepare(engine, reference, request, keep=True), language, reference.digest
        if (spoken := voice_language(name)) is not None and name != self.default_voice:
            default, cloning, prepared, _, content = self._voice(SpeechRequest("", voice=self.default_voice), engine)
            return default, cloning, prepared, language or spoken, content
        raise self._voice_not_found(name)

    def _with_wishes_of_voice(self, request: SpeechRequest, able: Capabilities, builtin: Iterable[Voice]) -> SpeechRequest:
        """The request with what its voice brings along (language, controls), as far as it says nothing else and the model can do it.

        `builtin` are the voices that the model has by itself.
        """
        voice = None if request.reference is not None else self.find_voice(request.voice or self.default_voice, builtin)
        if voice is None or voice.origin == "builtin":
            return request
        wishes = {control.name: voice.controls[control.name] for control in able.controls if control.name in voice.controls}
        language = request.language or (voice.language if voice.language in able.languages else None)
        return replace(request, language=language, controls={**wishes, **request.controls})

    def _prepare(self, engine: Engine, reference: VoiceReference, request: SpeechRequest, *, keep: bool) -> Any:
        norm_loudness = bool(request.controls.get("norm_loudness", True))
        if isinstance(engine, UnloadedEngine):
            return engine.prepare_voice(reference, norm_loudness=norm_loudness, keep=keep)
        key = (engine.name, reference.digest, norm_loudness, keep)
        with self._lock:
            if key in self._prepared:
                self._prepared.move_to_end(key)
                return self._prepared[key]
        try:
            prepared = engine.prepare_voice(reference, norm_loudness=norm_loudness, keep=keep)
        except InvalidReference as error:
            error.param = error.param or reference.param or "voice"
            raise
        with self._lock:
            self._prepared[key] = prepared
            while len(self._prepared) > self.num_prepared:
                self._prepared.popitem(last=False)
        return prepared
