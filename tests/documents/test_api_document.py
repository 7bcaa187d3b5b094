"""docs/API.md has a heading for every operation, a list entry for every field, and no other operations."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tts_server import errors
from tts_server.errors import TTSError
from tts_server.voices.registry import VoiceEntry
from tts_server.web.middleware.browsers import CORS_EXPOSED_HEADERS
from tts_server.web.routes.pronunciation import (
    DictionaryChangeFields,
    DictionaryFileFields,
    DictionaryQuery,
    NewDictionaryFields,
    RuleFields,
    RuleListFields,
    RuleStringFields,
)
from tts_server.web.routes.resonance import GenerateFields
from tts_server.web.routes.sillytavern import TtsFields
from tts_server.web.schema.fields import SpeechFields

PROJECT = Path(__file__).resolve().parents[2]
API = (PROJECT / "docs" / "API.md").read_text(encoding="utf-8")
DICTIONARIES = "/v1/pronunciation-dictionaries"


def headings() -> list[str]:
    """The operations that the headings name, such as `GET /health`; a heading may name several."""
    return [name for heading in re.findall(r"^#+ (.*)$", API, re.MULTILINE) for name in re.findall(r"`([A-Z]+ /[^`]*)`", heading)]


def documented_fields(operation: str) -> set[str]:
    """The fields of the list below the heading of an operation: the code before a colon, outside of parentheses."""
    section = re.split(r"\n##+ ", API.partition(f"\n### `{operation}`\n")[2])[0]
    names = [re.sub(r"\([^)]*\)", "", entry.partition("): ")[0]) for entry in section.split("\n- ")[1:] if "): " in entry]
    return {name for entry in names for name in re.findall(r"`([^`]+)`", entry)}


def test_every_operation_has_one_heading_and_every_heading_an_operation(server):
    paths = requests.get(f"{server.url}/openapi.json", timeout=10).json()["paths"]
    methods = {"get", "head", "post", "put", "patch", "delete"}
    operations = {f"{method.upper()} {path}" for path, item in paths.items() for method in item.keys() & methods}
    assert set(headings()) == operations
    assert [name for name, count in Counter(headings()).items() if count > 1] == []


@pytest.mark.parametrize(
    ("operation", "model"),
    [
        ("POST /v1/audio/speech", SpeechFields),
        ("POST /generate", GenerateFields),
        ("POST /tts", TtsFields),
        ("POST /v1/voices", VoiceEntry),
        (f"GET {DICTIONARIES}", DictionaryQuery),
        (f"POST {DICTIONARIES}/add-from-rules", NewDictionaryFields),
        (f"POST {DICTIONARIES}/add-from-rules", RuleFields),
        (f"POST {DICTIONARIES}/add-from-file", DictionaryFileFields),
        (f"PATCH {DICTIONARIES}/{{dictionary_id}}", DictionaryChangeFields),
        (f"POST {DICTIONARIES}/{{dictionary_id}}/add-rules", RuleListFields),
        (f"POST {DICTIONARIES}/{{dictionary_id}}/remove-rules", RuleStringFields),
        (f"POST {DICTIONARIES}/{{dictionary_id}}/set-rules", RuleListFields),
    ],
)
def test_every_field_of_a_request_is_documented(operation, model):
    assert set(model.model_fields) - documented_fields(operation) == set()


def section(heading: str) -> str:
    """The text below a heading, up to the next one of the same level or above."""
    level = heading.partition(" ")[0]
    return re.split(rf"\n#{{1,{len(level)}}} ", API.partition(f"\n{heading}\n")[2])[0]


def classes(kind: type[TTSError] = TTSError) -> Iterator[type[TTSError]]:
    """The errors that a client may see."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from classes(child)


def codes_given_where_raised() -> set[str]:
    """The constants that the source passes as `code=` when it raises an error."""
    calls = (
        node
        for path in (PROJECT / "tts_server").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )
    given = (word.value for call in calls for word in call.keywords if word.arg == "code")
    return {value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def test_every_error_code_is_documented_with_its_status():
    documented = {
        (int(status), code)
        for status, codes in re.findall(r"^- (\d{3}) ((?:`\w+`(?:, )?)+):", section("## Errors"), re.MULTILINE)
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert {(kind.status, kind.code) for kind in classes()} - documented == set()
    assert codes_given_where_raised() - {code for _, code in documented} == set()


def test_every_header_that_a_page_may_read_is_documented():
    documented = set(re.findall(r"`([\w-]+)`", "".join(re.findall(r"^- (.*?):", section("### Headers"), re.MULTILINE))))
    assert {name.strip() for name in CORS_EXPOSED_HEADERS.split(",")} - documented == set()
