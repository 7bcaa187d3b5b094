"""Puts the parts together from the settings: engines, voices, synthesizer, application."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from flask import Flask

from tts_server.admission import Admission, QueuePolicy
from tts_server.audio.decode import ClipLimits, decode_clip, remove_leftovers
from tts_server.config import PROJECT, Settings, SettingsError
from tts_server.dictionaries.selection import DictionarySelection
from tts_server.dictionaries.store import DictionaryStore
from tts_server.engines.base import BuiltinEngine
from tts_server.engines.catalog import ModelCatalog
from tts_server.engines.manager.model_manager import ModelManager
from tts_server.engines.model_source import ModelSource
from tts_server.engines.package import EnginePackage
from tts_server.engines.prepared_files import delete_prepared
from tts_server.engines.registry import PACKAGES
from tts_server.keys import KeyFile, KeyFileError, KeyRing
from tts_server.metrics import Metrics
from tts_server.rates import Rates, parse_rates
from tts_server.speech import VoiceReference
from tts_server.synthesis.cache import AudioCache, CacheInUse
from tts_server.synthesis.limits import ReplyLimits
from tts_server.synthesis.planner import MAX_SPOKEN_CHARACTERS, SPOKEN_CHARACTERS_PER_CHARACTER
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.voices.bucket import SCHEME, BucketOptions, BucketStore, has_client, parse_bucket
from tts_server.voices.fetch import FetchLimits
from tts_server.voices.library import VoiceLibrary
from tts_server.voices.store import FolderStore, VoiceStore
from tts_server.web.app import create_app
from tts_server.web.options import WebOptions

log = logging.getLogger("tts_server")


def clip_decoder(settings: Settings) -> Callable[[bytes], VoiceReference]:
    """Decodes reference clips within the limits of the settings."""
    return partial(decode_clip, limits=ClipLimits(max_bytes=settings.max_upload_bytes, max_seconds=settings.max_clip_seconds))


def model_sources(
    settings: Settings, builtin: BuiltinEngine | None, packages: Sequence[EnginePackage] = PACKAGES
) -> dict[str, ModelSource]:
    """Return the models that can be loaded, by id: those of the installed engines. `builtin` supplies clips of the built-in voices."""
    sources: dict[str, ModelSource] = {}
    for package in packages:
        if package.create_sources is not None and package.is_installed():
            sources |= package.create_sources(settings, builtin)
    return sources


def distribute(settings: Settings, packages: Sequence[EnginePackage] = PACKAGES) -> Sequence[EnginePackage]:
    """Return the packages with which the server runs: an engine may run the models of others elsewhere. Raises SettingsError."""
    for package in packages:
        if package.distribute is not None:
            packages = package.distribute(settings, packages)
    return packages


def build_cache(settings: Settings) -> AudioCache | None:
    """The cache of finished audio, None where it is off or another server has it; raises SettingsError where its folder is of no use."""
    if not settings.cache_ttl_minutes:
        return None
    try:
        return AudioCache(settings.cache_path, settings.cache_ttl_minutes * 60, settings.cache_max_mb * 2**20)
    except CacheInUse as error:
        log.warning("%s Finished audio is not kept by this one; set CACHE_PATH to give it a folder of its own.", error)
        return None
    except OSError as error:
        raise SettingsError(f"CACHE_PATH: {settings.cache_path} cannot be used: {error}") from error


def reply_limits(settings: Settings) -> ReplyLimits:
    """How long and large one reply may be. What is not set is at least enough for the longest text that may be sent."""
    limits = ReplyLimits(settings.max_audio_seconds, settings.max_reply_mb * 2**20)
    is_set = settings.model_fields_set
    return limits.raised_for(settings.max_text_length, seconds="max_audio_seconds" not in is_set, num_bytes="max_reply_mb" not in is_set)


def build_synthesizer(
    settings: Settings, sources: Mapping[str, ModelSource] | None = None, *, packages: Sequence[EnginePackage] = PACKAGES
) -> Synthesizer:
    """Start the engines that always run; raises SettingsError where a setting names something that does not exist.

    `sources` are the models that can be loaded: those of `packages`, unless given.
    """
    remove_leftovers()
    cache = build_cache(settings)
    packages = distribute(settings, packages)
    engines = [package.start(settings) for package in packages if package.start is not None]
    try:
        return _build_synthesizer(settings, engines, sources, packages, cache)
    except Exception:
        for engine in engines:
            engine.close()
        raise


def _build_synthesizer(
    settings: Settings,
    engines: Sequence[BuiltinEngine],
    sources: Mapping[str, ModelSource] | None,
    packages: Sequence[EnginePackage],
    cache: AudioCache | None,
) -> Synthesizer:
    aliases = dict(settings.model_id_map)
    if settings.served_model_name:
        aliases[settings.served_model_name] = settings.default_model
    models = ModelManager(
        model_sources(settings, engines[0] if engines else None, packages) if sources is None else sources,
        memory_bytes=settings.model_memory_mb * 2**20,
        keep_alive=settings.keep_alive_minutes * 60 if settings.keep_alive_minutes >= 0 else None,
        fallback=engines[0].name if engines else None,
    )
    try:
        catalog = ModelCatalog(
            {engine.name: engine for engine in engines},
            models,
            default=settings.default_model,
            aliases=aliases,
            strict=settings.strict_models,
            preloaded=settings.preload_models,
            packages=packages,
        )
    except ValueError as error:
        raise SettingsError(f"MODEL_ID_MAP or DEFAULT_MODEL: {error}") from error
    builtin = {voice.id for engine in engines for voice in engine.voices()}
    library = VoiceLibrary(
        settings.voice_library_path,
        clip_decoder(settings),
        builtin,
        when_deleted=partial(delete_prepared, settings.voice_cache_path),
    )
    voice = settings.default_voice_name
    default_voice = voice.lower() if voice.lower() in builtin else library.find(voice)
    if default_voice is None:
        raise SettingsError(f"DEFAULT_VOICE_NAME: there is no voice {voice!r}, neither built in nor in {settings.voice_library_path}.")
    if unknown := [name for name in settings.preload_models if name.lower() not in catalog.entries.keys() | catalog.aliases.keys()]:
        raise SettingsError(f"PRELOAD_MODELS: there is no model {unknown[0]!r}; there are {', '.join(catalog.entries)}.")
    return Synthesizer(
        catalog,
        library,
        Metrics(),
        default_voice=default_voice,
        default_seed=settings.seed,
        default_language=settings.default_language,
        max_spoken_characters=max(settings.max_text_length * SPOKEN_CHARACTERS_PER_CHARACTER, MAX_SPOKEN_CHARACTERS),
        limits=reply_limits(settings),
        cache=cache,
        dictionaries=dictionary_selection(settings),
    )


def voice_store(settings: Settings) -> VoiceStore:
    """Where `POST /generate` finds its voices; raises SettingsError."""
    place = settings.resonance_voices
    if not place.startswith(SCHEME):
        folder = Path(place) if place else settings.voice_library_path
        if place and not folder.is_dir():
            raise SettingsError(f"RESONANCE_VOICES: there is no folder {place}; a bucket is written s3://bucket/prefix.")
        return FolderStore(folder, settings.max_upload_bytes)
    if not has_client():
        command = "run.bat install s3" if sys.platform == "win32" else "./run.sh install s3"
        raise SettingsError(f"RESONANCE_VOICES: a bucket needs the package obstore. Install it with: {command}")
    try:
        bucket, prefix = parse_bucket(place)
    except ValueError as error:
        raise SettingsError(f"RESONANCE_VOICES: {error} (got {place!r})") from error
    options = BucketOptions(
        bucket,
        prefix,
        endpoint=settings.resonance_s3_endpoint,
        region=settings.resonance_s3_region,
        access_key_id=settings.resonance_s3_access_key_id,
        secret_access_key=settings.resonance_s3_secret_access_key,
    )
    return BucketStore(options, settings.voice_cache_path / "bucket", settings.max_upload_bytes)


def dictionary_selection(settings: Settings) -> DictionarySelection:
    """The pronunciation dictionaries, and which of them every text is read with."""
    return DictionarySelection(DictionaryStore(settings.pronunciation_path), settings.pronunciation_dictionaries)


def key_ring(settings: Settings) -> KeyRing:
    """All keys; raises SettingsError where their file is damaged."""
    try:
        return KeyRing(settings.keys, KeyFile(settings.api_keys_file))
    except KeyFileError as error:
        raise SettingsError(f"API_KEYS_FILE: {error}") from error


def rates(settings: Settings) -> Rates:
    """How often a client may ask; raises SettingsError."""
    try:
        return Rates(parse_rates(settings.rate_limit))
    except ValueError as error:
        raise SettingsError(f"RATE_LIMIT: {error}") from error


def build_app(settings: Settings, synthesizer: Synthesizer, keys: KeyRing | None = None) -> Flask:
    """The application, for those whom `keys` let in: unless given, those of the settings."""
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
            voice_store=voice_store(settings),
            dictionaries=synthesizer.dictionaries or dictionary_selection(settings),
            admission=Admission(settings.threads, settings.max_queue, QueuePolicy(settings.queue_policy)),
            max_text_length=settings.max_text_length,
            max_upload_bytes=settings.max_upload_bytes,
            max_clip_seconds=settings.max_clip_seconds,
            sample_rate=settings.sample_rate,
            is_cache_private=settings.cache_scope == "key",
            keys=key_ring(settings) if keys is None else keys,
            listings_open=settings.listings_open,
            rates=rates(settings),
            listening_on=settings.host,
            allowed_hosts=settings.allowed_hosts,
            allowed_origins=settings.allowed_origins,
            allow_local_names=settings.allow_local_names,
            is_open_to_changes=settings.exposed_by is None,
            may_anyone_load=settings.model_loading == "anyone",
        ),
    )
