"""The plain options of the Chatterbox models, made from the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tts_server.config import Settings, SettingsError
from tts_server.engines.base import BuiltinEngine
from tts_server.engines.chatterbox.families import families
from tts_server.engines.chatterbox.settings import ChatterboxSettings
from tts_server.engines.chatterbox.source import ChatterboxOptions
from tts_server.engines.chatterbox.weights.files import ALL_MODELS, FileOptions
from tts_server.engines.chatterbox.weights.segmenter import PUBLISHED, SegmenterArchive
from tts_server.spelling import did_you_mean


def engine_options(settings: ChatterboxSettings, builtin: BuiltinEngine | None) -> ChatterboxOptions:
    """Return the options of every model. `builtin` supplies the clips of the built-in voices; raises SettingsError."""
    return ChatterboxOptions(
        files=file_options(settings),
        segmenter=segmenter_archive(settings),
        device=settings.device,
        mode=settings.chatterbox_mode,
        voice_cache=settings.voice_cache_path,
        threads=settings.torch_threads,
        max_rows=settings.max_batch_rows,
        memory_limit=settings.model_memory_mb * 2**20,
        stuck_seconds=settings.stuck_seconds,
        builtin=builtin.voices() if builtin else (),
        reference_of=builtin.reference if builtin else None,
    )


def hf_home(settings: Settings) -> Path | None:
    """Return the folder of downloaded models; None for the default folder of Hugging Face's client."""
    return Path(settings.hf_home) if settings.hf_home else None


def segmenter_archive(settings: ChatterboxSettings) -> SegmenterArchive:
    """Return where the model of the Chinese word segmenter is downloaded from."""
    return replace(PUBLISHED, url=settings.segmenter_url) if settings.segmenter_url else PUBLISHED


def file_options(settings: Settings) -> FileOptions:
    """Return where model files are searched and downloaded from; raises SettingsError for a model that does not exist."""
    known = list(families())
    for name in settings.model_revision:
        if name != ALL_MODELS and name not in known:
            raise SettingsError(f"MODEL_REVISION: there is no model {name!r}.{did_you_mean(name, known)} There is: {', '.join(known)}.")
    return FileOptions(
        model_dir=settings.model_dir,
        hf_home=hf_home(settings),
        endpoint=settings.hf_endpoint or None,
        token=settings.hf_token or None,
        is_offline=settings.hf_hub_offline,
        revisions=settings.model_revision,
    )
