"""The server keeps to its own description: whatever a request holds, the reply is one that /openapi.json names."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.config import CoveragePhaseConfig, GenerationConfig, PhasesConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from support.server import RunningServer, run_server

from tts_server.build import build_app, build_synthesizer
from tts_server.settings import load_settings

PROJECT = Path(__file__).parents[2]
CLIPS = PROJECT / "tests" / "clips"
CLIP = (CLIPS / "female_slt.flac").read_bytes()
SCALE = int(os.environ.get("TEST_SCALE", "1"))
EXAMPLES = 6 * SCALE
MAX_TEXT = 60
KEY = "right"


def no_failure_inside(_context: Any, response: schemathesis.Response, _case: schemathesis.Case) -> None:
    """503 is said where it may come; nothing else may fail on the server's side."""
    assert response.status_code < 500 or response.status_code == 503, response.text


# Not asked: whether what fits the schema is accepted, since a schema cannot say which texts can be spoken or which voices exist; nor
# whether all else is refused, since the server takes "" and null for "not given", numbers as text, and fields it does not know.
CHECKS = [
    no_failure_inside,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
]

schemathesis.openapi.media_type(
    "audio/flac", st.sampled_from([(CLIPS / f"{name}.flac").read_bytes() for name in ("female_slt", "male_kal")])
)
schemathesis.openapi.media_type("audio/wav", st.binary(max_size=200))


def description() -> dict[str, Any]:
    """`/openapi.json` of a server with the settings of `live`, as the tests of each operation are made from it on import."""
    settings = load_settings(api_keys=(KEY,), max_text_length=MAX_TEXT)
    synthesizer = build_synthesizer(settings, {})
    try:
        document: dict[str, Any] = build_app(settings, synthesizer).test_client().get("/openapi.json").get_json()
    finally:
        synthesizer.close()
    return document


DESCRIBED = description()


def with_short_prompts(document: dict[str, Any]) -> dict[str, Any]:
    """`POST /generate` has a limit of its own, and five thousand digits take minutes to speak."""
    document = copy.deepcopy(document)
    forms = [media["schema"] for media in document["paths"]["/generate"]["post"]["requestBody"]["content"].values()]
    for schema in (document["components"]["schemas"]["GenerateFields"], *forms):
        if "properties" in schema:
            schema["properties"]["prompt"]["maxLength"] = MAX_TEXT
    return document


api = schemathesis.openapi.from_dict(
    with_short_prompts(DESCRIBED),
    config=SchemathesisConfig(
        seed=1,
        projects=ProjectsConfig(
            default=ProjectConfig(
                phases=PhasesConfig(coverage=CoveragePhaseConfig(enabled=SCALE > 1)),
                generation=GenerationConfig(with_security_parameters=False),
            )
        ),
    ),
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a key, a cache, and voices that may be changed."""
    folder = tmp_path_factory.mktemp("described")
    shutil.copytree(PROJECT / "voices", folder / "voices")
    with run_server(
        api_keys=(KEY,),
        max_text_length=MAX_TEXT,
        voice_library_path=folder / "voices",
        pronunciation_path=folder / "dictionaries",
        cache_path=folder / "cache",
        cache_ttl_minutes=10,
    ) as running:
        yield running


def test_what_is_tested_is_what_the_server_tells(live: RunningServer) -> None:
    assert requests.get(f"{live.url}/openapi.json", timeout=10).json() == DESCRIBED


EXPECTED = {
    "/v1/audio/voice-conversion": {"post": 503},  # no model that converts is installed here
    "/admin/models/{model_id}/unload": {"post": 400},  # the embedded voice is always loaded
    "/v1/realtime": {"get": 426},
    "/v1/pronunciation-dictionaries/add-from-file": {"post": 400},  # the file that is sent is a clip
}
"""What the examples of these come to; all others succeed."""


def sent_examples(path: str, operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The address of an operation's example, and what is sent there: once for each media type of its body."""
    parameters = {
        place: {one["name"]: one["example"] for one in operation["parameters"] if one["in"] == place and "example" in one}
        for place in ("path", "query")
    }
    address = path.format(**parameters["path"])
    if "requestBody" not in operation:
        yield address, {"params": parameters["query"]}
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        fields = {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in body["example"].items()}
        files = [name for name, schema in body["schema"].get("properties", {}).items() if schema.get("format") == "binary"]
        clip = {name: (name, CLIP, "audio/flac") for name in files[:1]}
        if media == "application/json":
            yield address, {"json": body["example"]}
        elif media == "multipart/form-data":
            yield address, {"files": clip | {name: (None, str(value)) for name, value in fields.items()}}
        else:
            yield address, {"data": fields}


def test_every_example_works_as_it_stands(live: RunningServer) -> None:
    """In their order: a voice is made, changed and deleted."""
    wrong = {}
    for path, item in DESCRIBED["paths"].items():
        for method, operation in item.items():
            expected = (EXPECTED[path][method],) if path in EXPECTED else (200, 201, 202)
            for address, sent in sent_examples(path, operation):
                reply = requests.request(method, live.url + address, headers={"x-api-key": KEY}, timeout=60, **sent)
                if reply.status_code not in expected:
                    wrong[f"{method} {path} {next(iter(sent))}"] = (reply.status_code, reply.text)
    assert wrong == {}


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=SCALE == 1,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_reply_is_as_described(case: schemathesis.Case, live: RunningServer) -> None:
    case.call_and_validate(base_url=live.url, headers={"x-api-key": KEY}, checks=CHECKS, timeout=60)
