"""From a request to a plan: text, language, voice, seed and limits."""

from __future__ import annotations

import secrets

from tts_server.audio.encoders import supported_rate
from tts_server.dictionaries.selection import DictionarySelection, Pronunciation
from tts_server.engines.base import Capabilities
from tts_server.engines.catalog import ModelCatalog
from tts_server.errors import InvalidRequest, NothingToSay, UnsupportedText
from tts_server.languages import voice_language
from tts_server.ranges import SPEED
from tts_server.speech import SpeechRequest, VoiceReference
from tts_server.synthesis.limits import ReplyLimits
from tts_server.synthesis.plan import Recording, Silence, SpeechPlan, Text
from tts_server.synthesis.voices import EngineDescription, VoiceResolver, named_language
from tts_server.text.clean import clean, has_speech
from tts_server.text.duration import estimate_seconds
from tts_server.text.markup import total_pause
from tts_server.text.reading import Reading, ReadingOptions, read_text
from tts_server.text.scripts import unspeakable

MAX_PAUSE_SECONDS = 120.0
MAX_RANDOM_SEED = 2**31 - 1

SPOKEN_CHARACTERS_PER_CHARACTER = 6
"""How many times as long as the longest text that may be sent its words may be. Numbers become longer than prose."""
MAX_SPOKEN_CHARACTERS = 30_000
"""Most characters that are spoken for one request: about half an hour of speech."""


class Planner:
    """Checks requests and turns them into plans. Loads no model and prepares no voice, so that a plan costs little. Thread-safe."""

    def __init__(
        self,
        catalog: ModelCatalog,
        voices: VoiceResolver,
        *,
        limits: ReplyLimits,
        default_seed: int | None = None,
        default_language: str = "en",
        max_spoken_characters: int = MAX_SPOKEN_CHARACTERS,
        dictionaries: DictionarySelection | None = None,
    ) -> None:
        self._catalog = catalog
        self._voices = voices
        self._limits = limits
        self._default_seed = default_seed
        self._default_language = default_language
        self._max_spoken_characters = max_spoken_characters
        self._dictionaries = dictionaries

    def plan(self, request: SpeechRequest, engine: EngineDescription) -> SpeechPlan:
        """Return the plan of a text that `engine` speaks; raises the TTSError family."""
        request = self._voices.apply_defaults(request, engine.capabilities, engine.voices())
        reading = self._read(request, engine.capabilities)
        self._check_script(reading.words, engine)
        has_sound = has_speech(reading.text) or total_pause(reading.text) > 0
        seconds = estimate_seconds(reading.text, request.speed, min_speed=SPEED.minimum, max_speed=SPEED.maximum) if has_sound else 0.0
        return self._complete(
            request,
            engine,
            Text(reading.text) if has_sound else Silence(),
            seconds,
            text_language=reading.language,
            words=reading.words,
            transcript=reading.written,
            removed_voices=reading.removed_voices,
        )

    def plan_conversion(self, source: VoiceReference, request: SpeechRequest, engine: EngineDescription) -> SpeechPlan:
        """Return the plan of a recording that `engine` speaks again in the request's voice; raises the TTSError family."""
        if not engine.capabilities.converts:
            other = self._catalog.converting_model()
            remedy = f" Use a model that converts, such as '{other}'." if other else ""
            raise InvalidRequest(f"The model '{engine.name}' cannot convert voices.{remedy}", param="model")
        request = self._voices.apply_defaults(request, engine.capabilities, engine.voices())
        content = Recording(source.digest, source)
        return self._complete(request, engine, content, source.seconds / request.speed, text_language=self._default_language)

    def read(self, request: SpeechRequest, capabilities: Capabilities) -> Reading:
        """Return how a model with these capabilities reads the text of a request; raises the TTSError family."""
        self._voices.check(request.voice or self._voices.default)
        return self._read(self._voices.apply_defaults(request, capabilities), capabilities)

    def _complete(
        self,
        request: SpeechRequest,
        engine: EngineDescription,
        content: Text | Silence | Recording,
        seconds: float,
        *,
        text_language: str,
        words: str = "",
        transcript: str = "",
        removed_voices: tuple[str, ...] = (),
    ) -> SpeechPlan:
        """Return the plan of `content`, which is in `text_language` and takes about `seconds`; raises AudioTooLong."""
        sample_rate = supported_rate(request.format, request.sample_rate)
        max_seconds = self._limits.check(seconds, request.format, sample_rate)
        voice = self._voices.resolve(request, engine)
        names = [control.name for control in engine.capabilities.controls]
        ignored = [name for name in request.controls if name not in names and name not in request.default_controls]
        languages = engine.capabilities.languages
        language = voice.language
        if language is not None and language not in languages:
            ignored.append("language")
            language = None
        if language is None and len(languages) > 1:
            language = text_language if text_language in languages else "en"
        seed = request.seed if request.seed is not None else self._default_seed
        return SpeechPlan(
            content=content,
            model=engine.name,
            engine_version=engine.version,
            voice=voice,
            language=language,
            speed=request.speed,
            controls=tuple((name, request.controls[name]) for name in names if name in request.controls),
            requested_seed=seed,
            format=request.format,
            sample_rate=sample_rate,
            cache_scope=request.cache_scope,
            seed=seed if seed is not None else secrets.randbelow(MAX_RANDOM_SEED + 1),
            may_use_cache=request.cache,
            max_seconds=max_seconds,
            words=words,
            transcript=transcript,
            removed_voices=removed_voices,
            ignored=tuple(ignored),
        )

    def _read(self, request: SpeechRequest, capabilities: Capabilities) -> Reading:
        """Return how the text of a request is read. Raises InvalidRequest where it is too long, NothingToSay for an empty text."""
        if not clean(request.text):
            raise NothingToSay("The text leaves nothing to say. Write some words.", param="input")
        reading = read_text(
            request.text,
            ReadingOptions(
                language=self._text_language(request),
                default_language=self._default_language,
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
        if (length := len(reading.text)) > self._max_spoken_characters:
            raise InvalidRequest(
                f"Read aloud, this text has {length} characters; this server says at most {self._max_spoken_characters} at once. "
                "Divide the text.",
                param="input",
                code="text_too_long",
            )
        return reading

    def _pronunciation(self, request: SpeechRequest) -> Pronunciation:
        """Return the rules of the pronunciation dictionaries of a request; raises DictionaryNotFound."""
        if self._dictionaries is None:
            return Pronunciation()
        voice = None if request.reference is not None else self._voices.find(request.voice or self._voices.default)
        return self._dictionaries.resolve(request.dictionaries, voice.dictionaries if voice is not None else ())

    def _text_language(self, request: SpeechRequest) -> str | None:
        """Return the language that a request names, by its field or as its voice; None where it names none."""
        language = named_language(request)
        if language is not None:
            return language
        name = request.voice or ""
        is_voice = not name.strip() or request.reference is not None or self._voices.find(name) is not None
        return None if is_voice else voice_language(name)

    def _check_script(self, text: str, engine: EngineDescription) -> None:
        """Raise UnsupportedText where a text is in a script that the engine cannot speak."""
        script = unspeakable(text, engine.capabilities.scripts)
        if script is None:
            return
        entries = self._catalog.entries
        able = self._catalog.model_of_every_script()
        if able is None:
            remedy = ""
        elif self._catalog.is_installed(able.id):
            remedy = f" Use the model '{able.id}'."
        else:
            remedy = f" {able.name} can: install it with {able.install_hint}, then use the model '{able.id}'."
        name = entries[engine.name].name if engine.name in entries else engine.name
        raise UnsupportedText(f"{name} cannot speak text in the {script} script.{remedy}", param="input")
