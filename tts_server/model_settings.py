"""The settings that say where the files of the Chatterbox models are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tts_server.config import Settings, SettingsError
from tts_server.engines.chatterbox.families import families
from tts_server.engines.chatterbox.weights.files import ALL_MODELS, FileOptions
from tts_server.engines.chatterbox.weights.segmenter import PUBLISHED, SegmenterArchive
from tts_server.spelling import did_you_mean


def hf_home(settings: Settings) -> Path | None:
    """The folder of downloaded models; None: where Hugging Face's client has it."""
    return Path(settings.hf_home) if settings.hf_home else None


def segmenter_archive(settings: Settings) -> SegmenterArchive:
    """Where the model of the Chinese word segmenter is downloaded from."""
    return replace(PUBLISHED, url=settings.segmenter_url) if settings.segmenter_url else PUBLISHED


def file_options(settings: Settings) -> FileOptions:
    """Where the files of the Chatterbox models are looked for and downloaded from; raises SettingsError for a model that does not exist."""
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
