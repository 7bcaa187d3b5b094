"""The declaration of the Chatterbox models. Standard library only until a function is called."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tts_server.engines.package import DoctorContext, EnginePackage, Installation, ModelEntry

if TYPE_CHECKING:
    from tts_server.config import Settings
    from tts_server.engines.base import BuiltinEngine
    from tts_server.engines.chatterbox.settings import ChatterboxSettings
    from tts_server.engines.model_source import ModelSource
    from tts_server.finding import Finding

INSTALLATION = Installation(
    name="chatterbox",
    requirements=("requirements-torch.txt", "requirements-chatterbox.txt", "requirements-chatterbox-bare.txt"),
    summary="what the Chatterbox models need",
    download_size="2 to 3 GB",
)

MODULES = ("chatterbox", "torch")


def is_installed() -> bool:
    """Whether the modules that Chatterbox needs are installed; imports none of them."""
    return all(importlib.util.find_spec(name) is not None for name in MODULES)


def _model(id_: str, name: str, languages: str, *, reads_every_script: bool = False) -> ModelEntry:
    return ModelEntry(id_, name, tuple(languages.split()), INSTALLATION.command, converts=True, reads_every_script=reads_every_script)


def _settings() -> type[Settings]:
    from tts_server.engines.chatterbox.settings import ChatterboxSettings

    return ChatterboxSettings


def _create_sources(settings: ChatterboxSettings, builtin: BuiltinEngine | None) -> Mapping[str, ModelSource]:
    from tts_server.engines.chatterbox.families import families
    from tts_server.engines.chatterbox.options import engine_options
    from tts_server.engines.chatterbox.source import ChatterboxSource

    options = engine_options(settings, builtin)
    return {id_: ChatterboxSource(family, options) for id_, family in families(settings.multilingual_version).items()}


def _check(context: DoctorContext) -> Sequence[Finding]:
    from tts_server.engines.chatterbox.doctor import check_engine
    from tts_server.engines.chatterbox.doctor_models import check_models

    return [*check_engine(context.machine, context.models_folder), *(check_models(context.settings) if is_installed() else ())]


CHATTERBOX = EnginePackage(
    id="chatterbox",
    name="Chatterbox",
    models=(
        _model("chatterbox-english", "Chatterbox English", "en"),
        _model(
            "chatterbox-multilingual",
            "Chatterbox Multilingual",
            "ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh",
            reads_every_script=True,
        ),
        _model("chatterbox-turbo", "Chatterbox Turbo", "en"),
        _model("chatterbox-nano", "Chatterbox Nano", "en"),
        _model("chatterbox-multilingual-zh-cmn", "Chatterbox Mandarin", "zh"),
        _model("chatterbox-multilingual-es-mx-latam", "Chatterbox Spanish (Latin America)", "es"),
        _model("chatterbox-multilingual-es-es", "Chatterbox Spanish (Spain)", "es"),
        _model("chatterbox-multilingual-pt-br", "Chatterbox Portuguese (Brazil)", "pt"),
        _model("chatterbox-multilingual-pt-pt", "Chatterbox Portuguese (Portugal)", "pt"),
        _model("chatterbox-multilingual-hi", "Chatterbox Hindi", "hi"),
    ),
    default_aliases=("chatterbox", "chatterbox-tts"),
    installation=INSTALLATION,
    uses_gpu=True,
    is_installed=is_installed,
    settings=_settings,
    create_sources=_create_sources,
    check=_check,
)
