"""The settings in docs/CONFIGURATION.md: a heading for each, its default and its description.

    python tests/documents/settings_document.py

writes defaults and descriptions there as the settings declare them, and adds a setting that is missing below the one that is
declared before it. Other text of the document stays.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from tts_server.config import environment_names  # noqa: E402 - the path has to be set before
from tts_server.settings import settings_class  # noqa: E402

CONFIGURATION = PROJECT / "docs" / "CONFIGURATION.md"
ENTRY = re.compile(r"^### `(\w+)`\n\nDefault: (?:`(.*)`|none)\n\n((?:(?!#|```).+\n)+)", re.MULTILINE)
WIDTH = 114


class SettingText(NamedTuple):
    """What the document says of a setting. `default` is empty where it has none."""

    default: str
    description: str


def documented_settings(text: str) -> dict[str, SettingText]:
    return {name: SettingText(default, " ".join(description.split())) for name, default, description in ENTRY.findall(text)}


def declared_settings() -> dict[str, SettingText]:
    return {
        environment_names(name, field)[0]: SettingText(_written(field.default), field.description or "")
        for name, field in settings_class().model_fields.items()
    }


def updated(text: str) -> str:
    """The document with the defaults and descriptions of today, without settings that do not exist any more."""
    declared = declared_settings()
    text = ENTRY.sub(lambda match: _entry(match[1], declared[match[1]]) if match[1] in declared else "", text)
    before = ""
    for name, setting in declared.items():
        if name not in documented_settings(text):
            end = next((match.end() for match in ENTRY.finditer(text) if match[1] == before), len(text))
            text = f"{text[:end]}\n{_entry(name, setting)}{text[end:]}"
        before = name
    return re.sub(r"\n{3,}", "\n\n", text)


def _entry(name: str, setting: SettingText) -> str:
    default = f"`{setting.default}`" if setting.default else "none"
    lines = textwrap.wrap(setting.description, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"### `{name}`", "", f"Default: {default}", "", *lines, ""])


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Path):
        return value.relative_to(PROJECT).as_posix()
    if value in (None, "", (), {}):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    CONFIGURATION.write_text(updated(CONFIGURATION.read_text(encoding="utf-8")), encoding="utf-8")
