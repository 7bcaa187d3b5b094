"""The Markdown of all documents: short lines, and links to headings that exist."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = [PROJECT, PROJECT / "docs", PROJECT / "voices", PROJECT / "tests"]
DOCUMENTS = sorted(path for folder in FOLDERS for path in folder.glob("*.md") if path.name != "CHANGELOG.md")
MAX_LINE = 119


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """The fragments of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    plain = (re.sub(r"\]\([^)]*\)", "", heading).lower() for heading in headings)
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_lines_are_short(document: Path) -> None:
    """A line may be longer where it has no place to break it, such as the name of a test."""
    lines = document.read_text(encoding="utf-8").splitlines()
    long = [(number, line) for number, line in enumerate(lines, 1) if len(line) > MAX_LINE]
    assert [(number, line) for number, line in long if len(line.lstrip(" -").split()) > 1] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_to_a_heading_leads_to_one(document: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", without_code(document.read_text(encoding="utf-8")))
    broken = []
    for target, fragment in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", text):
        if "://" in target:
            continue
        file = document.parent / urllib.parse.unquote(target) if target else document
        if file.suffix == ".md" and fragment not in anchors(file):
            broken.append((target, fragment))
    assert broken == []
