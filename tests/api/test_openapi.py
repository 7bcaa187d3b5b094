"""The description of the API at /openapi.json: complete, true to the code, and open."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

import tts_server.web
from tts_server.voices.registry import VoiceEntry
from tts_server.web.policy import Authorization
from tts_server.web.schema.openapi.document import OPERATIONS, OTHER

METHODS = ("get", "head", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document(server) -> dict[str, Any]:
    reply = requests.get(f"{server.url}/openapi.json", timeout=10)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    return reply.json()


@pytest.fixture(scope="module")
def operations(document) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{method} {path}", item[method]) for path, item in document["paths"].items() for method in METHODS if method in item]


def resolved(document: dict[str, Any], value: Any) -> Any:
    while isinstance(value, dict) and "$ref" in value:
        place, value = value["$ref"], document
        for part in place.removeprefix("#/").split("/"):
            value = value[part]
    return value


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def content(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every media type of the body and the replies."""
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for reply in operation["responses"].values():
        yield from resolved(document, reply).get("content", {}).items()


def test_it_is_a_valid_openapi_document(document):
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_is_described_and_nothing_else(server, document, operations):
    rules = [rule for rule in server.app.url_map.iter_rules() if not rule.policy.undocumented]
    served = {(method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)) for rule in rules for method in rule.methods}
    described = {tuple(name.split(" ")) for name, _ in operations}
    optional = {(method, path) for method, path in served if method in ("head", "options")}
    assert served - optional - described == set(), "served, but not described"
    assert described - served == set(), "described, but not served"


def test_every_route_has_a_description_of_its_own(operations):
    assert [name for name, operation in operations if OTHER in operation["tags"]] == []
    assert {name for name, _ in operations} == {f"{one.method} {one.path}" for one in OPERATIONS}


def test_what_is_left_out_serves_the_pages(server):
    left_out = {rule.rule for rule in server.app.url_map.iter_rules() if rule.policy.undocumented}
    assert left_out == {
        "/",
        "/favicon.ico",
        "/docs",
        "/openapi.json",
        "/page/clip",
        "/page/encode",
        "/static/<path:filename>",
        "/static/swagger-ui/<name>",
    }


def test_every_operation_says_what_its_route_requires(server, document):
    """By the role in its description, a 401, a 429, and the security of those that need no key."""
    for rule in server.app.url_map.iter_rules():
        policy, path = rule.policy, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method, operation in document["paths"].get(path, {}).items():
            if method.upper() not in rule.methods:
                continue
            described, name = operation["description"], f"{method} {path}"
            role = policy.authorization.role
            assert ("key with the role" in described) == (role is not None), name
            assert role is None or f"Needs a key with the role {role.value}." in described, name
            assert ("key of any role" in described) == (policy.authorization in (Authorization.LISTING, Authorization.ANY_ROLE)), name
            assert ("Waits for a slot in the queue." in described) == policy.is_queued, name
            assert ("429" in operation["responses"]) == policy.is_rate_limited, name
            is_open = policy.authorization is Authorization.NONE
            assert (operation.get("security") == []) == is_open, name
            assert ("401" in operation["responses"]) == (not is_open and path != "/generate"), name


def models_that_validate() -> set[type[BaseModel]]:
    """The models of the routes' modules, without those that others are made of. Messages of a WebSocket are none of OpenAPI's business."""
    modules = [module.name for module in pkgutil.walk_packages(tts_server.web.__path__, "tts_server.web.")]
    others = ("tts_server.web.realtime", "tts_server.web.schema.openapi")
    members = [member for name in modules if not name.startswith(others) for member in vars(importlib.import_module(name)).values()]
    return {one for one in members if isinstance(one, type) and issubclass(one, BaseModel) and not one.__subclasses__()}


def test_every_field_that_is_validated_is_described(document):
    models = models_that_validate()
    assert {"SpeechFields", "TtsFields", "GenerateFields", "VoiceEntry"} <= {model.__name__ for model in models}
    for model in models:
        properties = document["components"]["schemas"][model.__name__]["properties"]
        assert properties.keys() == model.model_fields.keys(), model
        assert [name for name, schema in properties.items() if not schema.get("description")] == [], model


def shapes_of_requests(document: dict[str, Any], operations: list[tuple[str, dict[str, Any]]]) -> dict[str, set[str]]:
    """The fields of each operation, in each media type."""
    found = {}
    for name, operation in operations:
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            found[f"{name} {media}"] = set(resolved(document, body["schema"])["properties"])
        if any(parameter["in"] == "query" for parameter in operation["parameters"]):
            found[name] = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    return found


@pytest.mark.parametrize("name", ["SpeechFields", "GenerateFields", "TtsFields", "VoiceControls"])
def test_every_number_with_a_range_states_its_ends(document, name):
    ends = {
        field: tuple(part.get(end) for end in ("minimum", "maximum"))
        for field, schema in document["components"]["schemas"][name]["properties"].items()
        for part in schema.get("anyOf", [schema])
        if part.get("type") in ("number", "integer")
    }
    assert {field for field, both in ends.items() if None in both} <= {"chunk_size"}
    assert all(ends.get(control, (low, high)) == (low, high) for control, low, high in [("temperature", 0, 2), ("top_p", 0, 1)])
    assert len(ends) >= 4


def test_the_fields_of_a_request_are_the_same_in_json_and_forms(document, operations):
    fields = shapes_of_requests(document, operations)
    speech = set(document["components"]["schemas"]["SpeechFields"]["properties"])
    for media in ("application/json", "application/x-www-form-urlencoded"):
        assert fields[f"post /v1/audio/speech {media}"] == speech
    assert fields["post /v1/audio/speech multipart/form-data"] == speech | {"custom_voice_file", "speaker_wav"}
    assert fields["post /v2/audio/speech_with_prompt multipart/form-data"] == speech | {"audio_prompt"}
    assert fields["post /tts application/json"] == fields["get /tts-stream"]
    assert fields["patch /v1/voices/{voice_id} application/json"] == set(VoiceEntry.model_fields)


def test_every_example_fits_its_own_schema(document, operations):
    examples = 0
    for name, operation in operations:
        for media, described in content(document, operation):
            schema = resolved(document, described["schema"])
            given = [described["example"]] if "example" in described else schema.get("examples", [])
            if media == "multipart/form-data":  # an example has no files
                schema = {**schema, "required": []}
            for example in given:
                problems = [error.message for error in validator(document, schema).iter_errors(example)]
                assert problems == [], (name, media)
                examples += 1
        for parameter in operation["parameters"]:
            if "example" in parameter:
                assert validator(document, parameter["schema"]).is_valid(parameter["example"]), (name, parameter["name"])
    assert examples > len(operations)


def test_everything_has_words_and_whatever_a_request_needs_has_an_example(document, operations):
    assert len({operation["operationId"] for _, operation in operations}) == len(operations)
    for name, operation in operations:
        assert operation["summary"] and operation["description"] and operation["tags"], name
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            assert body["example"], (name, media)
        for parameter in operation["parameters"]:
            assert parameter["description"] and (not parameter["required"] or "example" in parameter), (name, parameter["name"])
        for status, reply in operation["responses"].items():
            assert resolved(document, reply)["description"], (name, status)


def test_every_reply_has_a_request_id_and_every_error_a_body(document, operations):
    for name, operation in operations:
        assert "401" in operation["responses"] or operation.get("security") == [] or name == "post /generate"
        for status, reply in operation["responses"].items():
            told = resolved(document, reply)
            assert "x-request-id" in told["headers"], (name, status)
            if int(status) >= 400 and not name.startswith("head "):
                assert list(told["content"]) == ["application/json"], (name, status)
                if status in ("429", "503") and "health" not in name:
                    assert {"Retry-After", "retry-after-ms"} <= told["headers"].keys(), (name, status)


def test_it_tells_the_limits_of_this_server_and_whether_it_wants_a_key(document, start_server):
    assert document["components"]["schemas"]["SpeechFields"]["properties"]["input"]["maxLength"] == 4096
    assert {} in document["security"]
    guarded = start_server(api_keys=("right",), max_text_length=77)
    told = requests.get(f"{guarded.url}/openapi.json", timeout=10)
    assert told.status_code == 200, "it holds no secrets"
    assert told.json()["security"] == [{"bearer": []}, {"key": []}]
    assert told.json()["components"]["schemas"]["SpeechFields"]["properties"]["input"]["maxLength"] == 77
    for path in ("/docs", "/static/swagger-ui/swagger-ui.css"):
        assert requests.get(f"{guarded.url}{path}", timeout=10).status_code == 200


@pytest.mark.parametrize("name", ["swagger-ui-standalone-preset.js", "..%2f..%2f__init__.py", "%2e%2e/openapi.html"])
def test_no_other_file_of_the_package_is_served(server, name):
    assert requests.get(f"{server.url}/static/swagger-ui/{name}", timeout=10).status_code == 404
