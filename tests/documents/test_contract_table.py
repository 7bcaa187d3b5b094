"""The tables of docs/API.md that name a test for every promise: nothing of the API is missing there, and every test exists."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from pydantic import BaseModel

import tts_server.web
from tts_server import errors
from tts_server.errors import TTSError
from tts_server.web.browsers import CORS_EXPOSED_HEADERS

PROJECT = Path(__file__).resolve().parents[2]
HEADING = "## What proves it"
PROOF = (PROJECT / "docs" / "API.md").read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]

SPEECH, REALTIME, VOICES = "Fields of `POST /v1/audio/speech`", "Fields of `GET /v1/realtime`", "Fields of `POST /v1/voices`"
DICTIONARIES = "Fields of pronunciation dictionaries"
TABLES_OF_FIELDS = {
    "SpeechFields": SPEECH,
    "Controls": SPEECH,
    "VoiceId": SPEECH,
    "DictionaryLocator": SPEECH,
    "NormalizationOptions": SPEECH,
    "SessionFields": REALTIME,
    "ResponseFields": REALTIME,
    "Audio": REALTIME,
    "Output": REALTIME,
    "OutputFormat": REALTIME,
    "Item": REALTIME,
    "Part": REALTIME,
    "GenerateFields": "Fields of `POST /generate`",
    "TtsFields": "Fields of `POST /tts`",
    "VoiceEntry": VOICES,
    "VoiceControls": VOICES,
    "RuleFields": DICTIONARIES,
    "RuleListFields": DICTIONARIES,
    "NewDictionaryFields": DICTIONARIES,
    "DictionaryFileFields": DICTIONARIES,
    "RuleStringFields": DICTIONARIES,
    "DictionaryChangeFields": DICTIONARIES,
    "DictionaryQuery": DICTIONARIES,
}
"""Where the fields of each model are proven. A new model needs a place here."""


class Row(NamedTuple):
    """A promise: the table it stands in, what its first cell names in backticks, the tests."""

    table: str
    first: str
    names: tuple[str, ...]
    tests: tuple[str, ...]


def rows() -> Iterator[Row]:
    table = ""
    for line in PROOF.splitlines():
        if line.startswith("### "):
            table = line.removeprefix("### ")
        elif line.startswith("|") and not re.match(r"\|[\s|-]+$", line) and not line.endswith("| proof |"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            yield Row(table, cells[0], tuple(re.findall(r"`([^`]+)`", cells[0])), tuple(re.findall(r"`([^`]+)`", cells[-1])))


ROWS = list(rows())


def named(table: str) -> set[str]:
    return {name for row in ROWS if row.table == table for name in row.names}


@cache
def defined_in(file: Path) -> frozenset[str]:
    """The names of the tests that a file defines."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    )


def models() -> dict[str, type[BaseModel]]:
    """The models that the web layer checks requests with, by name; those that describe the API in a document are not among them."""
    found: dict[str, type[BaseModel]] = {}
    for module in pkgutil.walk_packages(tts_server.web.__path__, "tts_server.web."):
        if module.name.startswith("tts_server.web.openapi"):
            continue
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and issubclass(thing, BaseModel) and thing is not BaseModel:
                found[thing.__name__] = thing
    return found


def codes(kind: type[TTSError] = TTSError) -> Iterator[tuple[int, str]]:
    """Status and code of every error of the family that a client may see."""
    yield kind.status, kind.code
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from codes(child)


def test_every_row_names_its_tests_and_each_of_them_exists():
    assert len(ROWS) > 150
    assert [row.first for row in ROWS if not row.tests] == []
    missing = []
    for row in ROWS:
        for test in row.tests:
            file, _, name = test.partition("::")
            path = PROJECT / "tests" / file
            if not path.is_file() or name not in defined_in(path):
                missing.append((row.table, row.first, test))
    assert missing == []


def test_every_route_has_its_tests(server):
    routes = set()
    for rule in server.app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", str(rule))
        if not path.startswith("/static/"):
            routes |= {f"{method} {path}" for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert sorted(routes - named("Routes")) == []
    assert sorted(named("Routes") - routes) == []


def test_every_field_that_is_checked_has_its_tests():
    missing = []
    for name, model in models().items():
        assert name in TABLES_OF_FIELDS, f"say in TABLES_OF_FIELDS which table proves the fields of {name}"
        missing += [(name, field) for field in model.model_fields if field not in named(TABLES_OF_FIELDS[name])]
    assert missing == []


def test_every_header_that_describes_a_reply_has_its_tests():
    assert [name for name in map(str.strip, CORS_EXPOSED_HEADERS.split(",")) if name not in named("Headers")] == []


def test_every_error_has_its_tests():
    told = {(int(row.first.split()[0]), name) for row in ROWS if row.table == "Errors" and row.first[0].isdigit() for name in row.names}
    general = {"unavailable"}  # stands for no error of its own
    assert sorted(code for code in set(codes()) - told if code[1] not in general) == []


@pytest.mark.parametrize("heading", sorted({row.table for row in ROWS}))
def test_no_promise_stands_twice_in_a_table(heading):
    first = [(row.first, line) for row, line in zip(ROWS, promises(), strict=True) if row.table == heading]
    assert len(first) == len(set(first))


def promises() -> list[str]:
    return [line.split("|")[2].strip() for line in PROOF.splitlines() if "::test_" in line]


def test_the_top_level_holds_what_people_look_for():
    folders = "tts_server static templates voices tests docs benchmarks deploy".split()
    files = "run.sh run.bat requirements.txt setup.cfg README.md CHANGELOG.md LICENSE".split()
    assert [name for name in folders if not (PROJECT / name).is_dir()] == []
    assert [name for name in files if not (PROJECT / name).is_file()] == []
    assert "MIT License" in (PROJECT / "LICENSE").read_text(encoding="utf-8")


def test_the_icon_of_the_page_is_a_picture(server):
    reply = requests.get(f"{server.url}/favicon.ico", timeout=10)
    assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (200, "image/svg+xml")
    assert b"<svg" in reply.content
