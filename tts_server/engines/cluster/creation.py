"""Creates the engine of a model inside a replica, from the settings of the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tts_server.config import Settings
from tts_server.engines.base import BuiltinEngine, Engine
from tts_server.engines.model_source import ModelSource
from tts_server.engines.package import EnginePackage
from tts_server.errors import ModelNotAvailable

_SECRETS = frozenset({"api_keys", "chatterbox_api_key", "resonance_s3_access_key_id", "resonance_s3_secret_access_key"})
"""Settings that a replica does not need."""

_LOCAL = frozenset({"host", "port", "threads", "max_queue", "queue_policy", "log_level", "log_format", "rate_limit", "open_browser"})
"""Settings of the server that do not change its engines."""


def engine_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a replica gets."""
    return {name: value for name, value in values.items() if name not in _SECRETS | _LOCAL}


@dataclass(frozen=True)
class EngineRecipe:
    """Creates the engine of `model_id` with the settings `values`, on `threads` threads of the CPU."""

    model_id: str
    values: Mapping[str, Any]
    threads: int

    def __call__(self) -> Engine:
        from tts_server.engines.registry import PACKAGES

        builtin: BuiltinEngine | None = None
        for package in PACKAGES:
            settings = self._settings(package)
            if package.start is not None:
                engine = package.start(settings)
                if engine.name == self.model_id:
                    return engine
                builtin = builtin or engine
            elif package.create_sources is not None and package.is_installed():
                sources = package.create_sources(settings, builtin)
                if self.model_id in sources:
                    return _load(sources[self.model_id])
        raise ModelNotAvailable(f"The model {self.model_id!r} is not installed on a node of the cluster.", param="model")

    def _settings(self, package: EnginePackage) -> Settings:
        kind = package.settings() if package.settings is not None else Settings
        return kind.model_construct(**{**self.values, "synthesis_threads": self.threads, "torch_threads": self.threads})


def _load(source: ModelSource) -> Engine:
    if not source.is_present():
        source.fetch(lambda _done, _total: None)
    return source.create()
