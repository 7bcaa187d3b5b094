"""CONTRIBUTING.md names files and functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BEHAVIOURS = re.findall(r"^\| ([^|]+) \| `([\w/.]+)` \| `(\w+)` \|$", CONTRIBUTING, re.MULTILINE)


def defined_in(path: Path) -> set[str]:
    """The names of all functions and classes of a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)}


def test_there_are_ten_behaviours():
    assert len({behaviour for behaviour, _, _ in BEHAVIOURS}) == 10
    assert len({file for _, file, _ in BEHAVIOURS}) == 10


@pytest.mark.parametrize(("file", "name"), [(file, name) for _, file, name in BEHAVIOURS], ids=[file for _, file, _ in BEHAVIOURS])
def test_a_behaviour_is_in_the_file_that_is_named(file, name):
    assert name in defined_in(PROJECT / "tts_server" / file)


def test_every_file_that_is_named_exists():
    named = re.findall(r"`((?:tts_server|tests)/[\w/]+(?:\.py|/))`", CONTRIBUTING)
    assert len(named) > 10
    # NAME stands for a name that the reader chooses.
    assert [name for name in named if "NAME" not in name and not (PROJECT / name).exists()] == []
