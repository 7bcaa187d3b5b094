"""The commands `voices` and `models`, which print tables or JSON."""

from __future__ import annotations

import argparse
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from tts_server.client.connection import Connect


def voices(connect: Connect, options: argparse.Namespace) -> int:
    """Print the voices; return the exit code."""
    with connect() as connection:
        listed = connection.get("/v1/voices")
    if options.json:
        print(json.dumps(listed, indent=2))
        return 0
    default = listed.get("default")
    rows = [
        [
            f"{voice['id']} *" if voice["id"] == default else voice["id"],
            voice.get("language") or "",
            voice.get("origin") or "",
            voice.get("description") or "",
        ]
        for voice in listed.get("data", [])
    ]
    _print_table(["voice", "language", "from", "description"], rows)
    print("* default voice")
    return 0


def models(connect: Connect, options: argparse.Namespace) -> int:
    """Print the models and their aliases; return the exit code."""
    with connect() as connection:
        listed = connection.get("/v1/models")
    if options.json:
        print(json.dumps(listed, indent=2))
        return 0
    found = [model for model in listed.get("data", []) if not model.get("alias_of")]
    names = {model["id"]: [other["id"] for other in listed["data"] if other.get("alias_of") == model["id"]] for model in found}
    rows = [
        [
            f"{model['id']} *" if model.get("default") else model["id"],
            str(model.get("state", "")).replace("_", " "),
            _shorten(model.get("languages") or []),
            ", ".join(names[model["id"]]),
        ]
        for model in found
    ]
    _print_table(["model", "state", "languages", "aliases"], rows)
    print("* default model")
    for hint in dict.fromkeys(model["install_hint"] for model in found if model.get("install_hint")):
        print(f"To install further models: {hint}")
    return 0


def _shorten(languages: Sequence[str], number: int = 4) -> str:
    more = f" and {len(languages) - number} more" if len(languages) > number else ""
    return ", ".join(languages[:number]) + more


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows with aligned columns."""
    table = [list(titles), *map(list, rows)]
    widths = [max(_width(row[column]) for row in table) for column in range(len(titles))]
    for row in table:
        cells: list[Any] = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    """Return the width of a text in a terminal: East Asian letters take two columns, combining marks none."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
