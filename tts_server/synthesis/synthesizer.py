"""From a request to audio: the parts of this package together."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

from tts_server.dictionaries.selection import DictionarySelection
from tts_server.engines.base import Engine, PreparedVoice
from tts_server.engines.catalog import ModelCatalog
from tts_server.errors import ModelNotAvailable, TTSError
from tts_server.log import SPOKEN, spoken_text
from tts_server.metrics import Metrics
from tts_server.speech import Segment, SpeechRequest, VoiceReference
from tts_server.synthesis.cache import AudioCache
from tts_server.synthesis.cached_audio import CachedAudio
from tts_server.synthesis.limits import ReplyLimits
from tts_server.synthesis.plan import ResolvedVoice, SpeechPlan
from tts_server.synthesis.planner import MAX_SPOKEN_CHARACTERS, Planner
from tts_server.synthesis.render import Renderer
from tts_server.synthesis.voices import PreparedVoices, VoiceResolver
from tts_server.text.reading import Reading
from tts_server.text.segment import segments_for
from tts_server.voices.library import VoiceLibrary

log = logging.getLogger(__name__)
texts = logging.getLogger(SPOKEN)

NUM_PREPARED_VOICES = 64


class Synthesizer:
    """Checks requests and returns their audio. `num_prepared` voices made from clips stay in memory, those used last. Thread-safe."""

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
        self.cache = cache
        self.dictionaries = dictionaries
        self.voices = VoiceResolver(catalog, library, default_voice)
        self.prepared_voices = PreparedVoices(num_prepared)
        self._planner = Planner(
            catalog,
            self.voices,
            limits=limits or ReplyLimits(),
            default_seed=default_seed,
            default_language=default_language,
            max_spoken_characters=max_spoken_characters,
            dictionaries=dictionaries,
        )
        self._is_closed = False

    def synthesize(self, request: SpeechRequest) -> CachedAudio:
        """Return the audio of a request, which is made while it is read.

        All that can be checked before the first audio is checked here; raises the TTSError family.
        """
        spoken_text.set(request.text)
        audio = self._find_cached(request)
        if audio is None:
            engine = self.catalog.engine(self.catalog.resolve(request.model, may_load=request.may_load))
            audio = self._open(self._planner.plan(request, engine), engine)
        texts.info("%s", audio.plan.words)
        return audio

    def convert(self, source: VoiceReference, request: SpeechRequest) -> CachedAudio:
        """Return a recording spoken again in the request's voice; its text is not used. Raises the TTSError family."""
        name = request.model or self.catalog.converting_model()
        engine = self.catalog.engine(self.catalog.resolve(name, may_load=request.may_load))
        return self._open(self._planner.plan_conversion(source, request, engine), engine)

    def preview(self, request: SpeechRequest) -> tuple[Reading, list[Segment]]:
        """Return how a request would be read, and its segments as offsets into `Reading.text`. Loads, queues and speaks nothing.

        A model that is not installed reads as the one that answers by default. Raises the TTSError family.
        """
        model = self.catalog.named(request.model)
        fallback = self.catalog.fallback
        stand_in = self.catalog.available_default() or (fallback.id if fallback else model)
        capabilities = self.catalog.capabilities(model) or self.catalog.capabilities(stand_in)
        if capabilities is None:
            raise ModelNotAvailable(f"There is no model {model!r} on this server.", param="model")
        reading = self._planner.read(request, capabilities)
        return reading, list(segments_for(capabilities, reading.text))

    def prepare_voices(self) -> None:
        """Prepare the voices of the folder for the default model, so that their first requests do not wait for that.

        Waits while the model is being loaded, and ends early when the server stops. A voice that cannot be used is logged.
        """
        try:
            engine = self.catalog.engine(self.catalog.ready(None))
        except TTSError as error:
            log.info("The voices of the folder are prepared when they are first used. %s", error.message)
            return
        for voice in self.library.voices()[: self.prepared_voices.capacity]:
            if self._is_closed:
                return
            try:
                request = self.voices.apply_defaults(SpeechRequest("", voice=voice.id), engine.capabilities, engine.voices())
                self._prepare_voice(self.voices.resolve(request, engine), engine, request.controls)
            except TTSError as error:
                log.warning("The voice %r cannot be used: %s", voice.id, error.message)

    def close(self) -> None:
        """Stop the engines, and release the cache for another server."""
        self._is_closed = True
        self.catalog.close()
        if self.cache is not None:
            self.cache.close()

    def _find_cached(self, request: SpeechRequest) -> CachedAudio | None:
        """Return what the cache has of a model that is unloaded, so that it need not be loaded; else None."""
        if self.cache is None or not request.cache or request.reference is not None:
            return None
        try:
            facts = self.catalog.unloaded_facts(request.model)
            plan = self._planner.plan(request, facts) if facts else None
        except TTSError:  # the loaded model raises it again
            return None
        if plan is None:
            return None
        audio = CachedAudio(plan, partial(self._load_renderer, plan), self.metrics, self.cache)
        return audio if audio.is_cached else None

    def _open(self, plan: SpeechPlan, engine: Engine) -> CachedAudio:
        """Return the audio of a plan whose engine is ready; raises InvalidReference."""
        renderer = self._create_renderer(plan, engine)
        return CachedAudio(plan, lambda: renderer, self.metrics, self.cache)

    def _load_renderer(self, plan: SpeechPlan) -> Renderer:
        """Return the renderer of a plan whose model may be unloaded; raises ModelLoading."""
        return self._create_renderer(plan, self.catalog.engine(plan.model))

    def _create_renderer(self, plan: SpeechPlan, engine: Engine) -> Renderer:
        return Renderer(plan, engine, self._prepare_voice(plan.voice, engine, dict(plan.controls)), self.metrics)

    def _prepare_voice(self, voice: ResolvedVoice, engine: Engine, controls: Mapping[str, float | int | bool]) -> PreparedVoice:
        """Return the engine's own form of a voice, prepared as the controls say; raises InvalidReference."""
        return self.prepared_voices.get(voice, engine, norm_loudness=bool(controls.get("norm_loudness", True)))
