"""docs/ARCHITECTURE.md names modules and folders that exist."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (PROJECT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGE = PROJECT / "tts_server"


def test_every_module_that_is_named_exists():
    existing = [
        "/" + path.relative_to(PROJECT).as_posix() for folder in ("tts_server", "tests") for path in (PROJECT / folder).rglob("*.py")
    ]
    named = set(re.findall(r"\b[\w/]+\.py\b", ARCHITECTURE))
    assert len(named) > 60
    assert sorted(name for name in named if not any(path.endswith("/" + name) for path in existing)) == []


def test_every_folder_that_is_named_exists():
    named = set(re.findall(r"`([\w/]+)/`", ARCHITECTURE)) | set(re.findall(r"^(\w+)/ ", ARCHITECTURE, re.MULTILINE))
    places = [PROJECT, PACKAGE, PACKAGE / "engines", PACKAGE / "engines" / "chatterbox"]
    assert len(named) > 15
    assert sorted(name for name in named if not any((place / name).is_dir() for place in places)) == []


def test_every_package_is_described():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert sorted(name for name in folders if f"`{name}/`" not in ARCHITECTURE) == []
