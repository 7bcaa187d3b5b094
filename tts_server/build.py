"""Puts the parts together from the settings: engines, voices, synthesizer, application."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask

from tts_server.audio.decode import ClipLimits, decode_clip
from tts_server.config import PROJECT, Settings, SettingsError
from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.metrics import Metrics
from tts_server.speech import VoiceReference
from tts_server.synthesis import Synthesizer
from tts_server.voices.fetch import FetchLimits
from tts_server.voices.library import VoiceLibrary
from tts_server.web.app import create_app
from tts_server.web.options import WebOptions


def clip_decoder(settings: Settings) -> Callable[[bytes], VoiceReference]:
    """Decodes reference clips within the limits of the settings."""
    return partial(decode_clip, limits=ClipLimits(max_bytes=settings.max_upload_bytes, max_seconds=settings.max_clip_seconds))


def build_synthesizer(settings: Settings) -> Synthesizer:
    """Start the engines; raises SettingsError where a setting names something that is not there."""
    engine = EmbeddedEngine(settings.synthesis_threads)
    aliases = dict(settings.model_id_map)
    if settings.served_model_name:
        aliases[settings.served_model_name] = settings.default_model
    try:
        catalog = ModelCatalog({engine.name: engine}, default=settings.default_model, aliases=aliases, strict=settings.strict_models)
    except ValueError as error:
        engine.close()
        raise SettingsError(f"MODEL_ID_MAP or DEFAULT_MODEL: {error}") from error
    library = VoiceLibrary(settings.voice_library_path, clip_decoder(settings))
    voice = settings.default_voice_name
    default_voice = voice.lower() if voice.lower() in {known.id for known in engine.voices()} else library.find(voice)
    if default_voice is None:
        engine.close()
        raise SettingsError(f"DEFAULT_VOICE_NAME: there is no voice {voice!r}, neither built in nor in {settings.voice_library_path}.")
    return Synthesizer(
        catalog,
        library,
        Metrics(),
        default_voice=default_voice,
        default_seed=settings.seed,
    )


def build_app(settings: Settings, synthesizer: Synthesizer) -> Flask:
    return create_app(
        synthesizer,
        WebOptions(
            decode=clip_decoder(settings),
            assets=PROJECT,
            fetch_limits=FetchLimits(
                max_bytes=settings.max_upload_bytes,
                allow_http=settings.voice_url_allow_http,
                allow_private=settings.voice_url_allow_private,
            ),
            max_text_length=settings.max_text_length,
            max_upload_bytes=settings.max_upload_bytes,
            max_clip_seconds=settings.max_clip_seconds,
            sample_rate=settings.sample_rate,
            api_keys=settings.keys,
            listening_on=settings.host,
            allowed_hosts=settings.allowed_hosts,
            allowed_origins=settings.allowed_origins,
        ),
    )
