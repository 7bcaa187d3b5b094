"""tests/README.md names a test for every promise of the API: nothing of the API is missing there, and every test exists."""

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
from tts_server.web.middleware.browsers import CORS_EXPOSED_HEADERS

PROJECT = Path(__file__).resolve().parents[2]
PROOF = (PROJECT / "tests" / "README.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"- ((?:`[^`]*`|[^:`])+): (.+)")
"""An entry: what it names, with or without backticks, and its rule."""

SPEECH, REALTIME, VOICES = "Fields of `POST /v1/audio/speech`", "Fields of `GET /v1/realtime`", "Fields of `POST /v1/voices`"
DICTIONARIES = "Fields of pronunciation dictionaries"
SECTIONS_OF_FIELDS = {
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
"""The section that lists the fields of each model. A new model needs a line here."""


class Entry(NamedTuple):
    """A promise: its section, what it names, its rule, the names in backticks, the tests."""

    section: str
    first: str
    rule: str
    names: tuple[str, ...]
    tests: tuple[str, ...]


def entries() -> Iterator[Entry]:
    """Yield the entries; a rule may have several lines, and a test has a line of its own."""
    section = ""
    for block in re.split(r"\n(?=## |- )", PROOF):
        if block.startswith("## "):
            section = block.splitlines()[0].removeprefix("## ")
        elif block.startswith("- "):
            promise, *tests = re.split(r"\n  - ", block.rstrip())
            match = ENTRY.fullmatch(re.sub(r"\n *", " ", promise))
            assert match, f"not an entry: {promise}"
            first, rule = match.groups()
            yield Entry(section, first, rule, tuple(re.findall(r"`([^`]+)`", first)), tuple(test.strip().strip("`") for test in tests))


ENTRIES = list(entries())


def named(section: str) -> set[str]:
    return {name for entry in ENTRIES if entry.section == section for name in entry.names}


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
        if module.name.startswith("tts_server.web.schema.openapi"):
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


def test_every_entry_names_its_tests_and_each_of_them_exists():
    assert len(ENTRIES) > 150
    assert [entry.first for entry in ENTRIES if not entry.tests] == []
    missing = []
    for entry in ENTRIES:
        for test in entry.tests:
            file, _, name = test.partition("::")
            path = PROJECT / "tests" / file
            if not path.is_file() or name not in defined_in(path):
                missing.append((entry.section, entry.first, test))
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
        assert name in SECTIONS_OF_FIELDS, f"say in SECTIONS_OF_FIELDS which section lists the fields of {name}"
        missing += [(name, field) for field in model.model_fields if field not in named(SECTIONS_OF_FIELDS[name])]
    assert missing == []


def test_every_header_that_describes_a_reply_has_its_tests():
    assert [name for name in map(str.strip, CORS_EXPOSED_HEADERS.split(",")) if name not in named("Headers")] == []


def test_every_error_has_its_tests():
    documented = {
        (int(entry.first.split()[0]), name)
        for entry in ENTRIES
        if entry.section == "Errors" and entry.first[0].isdigit()
        for name in entry.names
    }
    general = {"unavailable"}  # stands for no error of its own
    assert sorted(code for code in set(codes()) - documented if code[1] not in general) == []


@pytest.mark.parametrize("section", sorted({entry.section for entry in ENTRIES}))
def test_no_promise_stands_twice_in_a_section(section):
    promises = [(entry.first, entry.rule) for entry in ENTRIES if entry.section == section]
    assert len(promises) == len(set(promises))


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
