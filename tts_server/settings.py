"""Reads all settings, of the server and of its engines: environment first, then `.env`, then `config.toml`, then the defaults.

Only the commands read them; other modules get plain arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError, create_model

from tts_server.config import ENV_FILE, Settings, SettingsError, variables_of
from tts_server.engines.package import EnginePackage
from tts_server.engines.registry import PACKAGES
from tts_server.setting_messages import describe_value, misspelt_names


def settings_class(packages: Sequence[EnginePackage] = PACKAGES) -> type[Settings]:
    """Return a class with the settings of the server and of these engines."""
    return _settings_class(tuple(packages))


@functools.cache
def _settings_class(packages: tuple[EnginePackage, ...]) -> type[Settings]:
    own = tuple(package.settings() for package in packages if package.settings is not None)
    return create_model("AllSettings", __base__=own) if own else Settings


def load_settings(packages: Sequence[EnginePackage] = PACKAGES, **overrides: Any) -> Settings:
    """Read all sources; raises SettingsError naming each wrong value."""
    try:
        return settings_class(packages)(**overrides)
    except ValidationError as error:
        lines = [f"{str(e['loc'][0]).upper()}: {describe_value(e)}." for e in error.errors()]
        raise SettingsError("\n".join(lines)) from error
    except (ValueError, OSError) as error:
        raise SettingsError(f"{_unreadable_file()} cannot be read: {error}") from error


def find_misspelt_settings(packages: Sequence[EnginePackage] = PACKAGES) -> list[str]:
    """Return warnings about names in `.env` that look like misspelt settings."""
    return misspelt_names(dotenv_values(ENV_FILE, encoding="utf-8"), variables_of(settings_class(packages)))


def _unreadable_file() -> str:
    try:
        dotenv_values(ENV_FILE, encoding="utf-8")
    except (ValueError, OSError):
        return ENV_FILE
    return "config.toml"
