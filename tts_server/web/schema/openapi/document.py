"""The description of the whole API: `/openapi.json`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apispec import APISpec
from werkzeug.routing import Rule

from tts_server import __version__
from tts_server.web.policy import RoutePolicy
from tts_server.web.route_map import PolicyRule
from tts_server.web.schema.openapi.answers import HEADERS, error_answer
from tts_server.web.schema.openapi.describer import Describer, Limits, ReplySchemas, RequestSchemas, error_name, models_of
from tts_server.web.schema.openapi.operation import Answer, Operation, Parameter
from tts_server.web.schema.openapi.pronunciation import PRONUNCIATION, PRONUNCIATION_OPERATIONS
from tts_server.web.schema.openapi.reading import READING, READING_OPERATIONS
from tts_server.web.schema.openapi.server import MODEL_OPERATIONS, MODELS, SERVER, SERVER_OPERATIONS
from tts_server.web.schema.openapi.speech import (
    RESONANCE,
    RESONANCE_OPERATIONS,
    SILLYTAVERN,
    SILLYTAVERN_OPERATIONS,
    SPEECH,
    SPEECH_OPERATIONS,
)
from tts_server.web.schema.openapi.voices import VOICE_OPERATIONS, VOICES

OPENAPI = "3.1.0"
OTHER = "Other"
VARIABLE = re.compile(r"<(?:[^:>]+:)?(\w+)>")
AUTOMATIC_METHODS = ("head", "options")
"""Methods that Flask adds to routes."""

OPERATIONS = (
    *SPEECH_OPERATIONS,
    *READING_OPERATIONS,
    *PRONUNCIATION_OPERATIONS,
    *VOICE_OPERATIONS,
    *MODEL_OPERATIONS,
    *SILLYTAVERN_OPERATIONS,
    *RESONANCE_OPERATIONS,
    *SERVER_OPERATIONS,
)

TAGS = {
    SPEECH: "Text in, audio out, by OpenAI's API with some extensions.",
    READING: "The spoken form of a text: numbers, dates, markup and names as words.",
    PRONUNCIATION: "Dictionaries of pronunciations, compatible with ElevenLabs.",
    VOICES: "The voices: list, create, change, preview, delete.",
    MODELS: "The models: their capabilities, and loading them.",
    SILLYTAVERN: "The routes of SillyTavern's Chatterbox provider and other clients of devnen's server.",
    RESONANCE: "One route, with clips of a voice store.",
    SERVER: "Health and counters.",
    OTHER: "Routes without a description.",
}

DESCRIPTION = """One server, several dialects, so that clients of several servers work unmodified.

- Fields are sent as JSON (with any Content-Type), as `multipart/form-data` or as an urlencoded form.
- An empty string and null mean "not given" for every field except the text to speak. Unknown fields are ignored.
- If keys are set, every operation except the health checks requires one, with the role that it names.
- `Cache-Control: no-cache` or `no-store` bypasses the audio cache.
- The `x-request-id` of a request is returned with its reply.
"""


@dataclass(frozen=True)
class DescribedRoute:
    """A method of a route in the document."""

    operation: Operation
    policy: RoutePolicy


def describe_api(routes: Iterable[PolicyRule], summaries: Mapping[str, str], max_text_length: int) -> dict[str, Any]:
    """Return the document without its `security`.

    A route without an Operation has a short entry: its policy, and of `summaries` the one of its endpoint.
    """
    described = described_routes(routes, summaries)
    kinds = dict.fromkeys((status, one.operation.manner) for one in described for status in one.operation.statuses(one.policy))
    errors = {kind: error_answer(*kind) for kind in kinds}
    operations = [one.operation for one in described]
    answers = [*(answer for one in operations for answer in one.answers.values()), *errors.values()]
    requests = [model for one in operations for model in (*(one.body.models if one.body else ()), one.query) if model]
    describer = Describer(Limits(max_text_length))
    describer.add_schemas(requests, RequestSchemas)
    describer.add_schemas((model for answer in answers for model in models_of(answer.content)), ReplySchemas)

    used = {one.tag for one in operations}
    spec = APISpec(
        "Parlance",
        __version__,
        OPENAPI,
        info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "./", "description": "This server."}],
        tags=[{"name": name, "description": words} for name, words in TAGS.items() if name in used],
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "description": "A key of the server."})
    spec.components.security_scheme("key", {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "A key of the server."})
    for name, schema in describer.schemas.items():
        spec.components.schema(name, schema)
    for name, (words, schema, is_required) in HEADERS.items():
        spec.components.header(name, {"description": words, "required": is_required, "schema": dict(schema)})
    for (status, manner), answer in sorted(errors.items(), key=lambda error: error_name(*error[0])):
        spec.components.response(error_name(status, manner), describer.answer(answer))
    for one in described:
        spec.path(one.operation.path, operations={one.operation.method: describer.operation(one.operation, one.policy)})
    return dict(spec.to_dict())


def described_routes(routes: Iterable[PolicyRule], summaries: Mapping[str, str]) -> list[DescribedRoute]:
    """Return the documented methods of all routes: OPERATIONS in their order, then the methods of routes without one."""
    policies: dict[tuple[str, str], PolicyRule] = {}
    for rule in routes:
        if not rule.policy.undocumented:
            policies |= {(method.lower(), openapi_path(rule)): rule for method in sorted(rule.methods or ())}
    written = [DescribedRoute(one, policies.pop((one.method, one.path)).policy) for one in OPERATIONS if (one.method, one.path) in policies]
    return written + [
        DescribedRoute(_short_operation(method, rule, summaries), rule.policy)
        for (method, _), rule in policies.items()
        if method not in AUTOMATIC_METHODS
    ]


def openapi_path(rule: Rule) -> str:
    """Return the path of a route with its variables in braces."""
    return VARIABLE.sub(r"{\1}", rule.rule)


def _short_operation(method: str, rule: PolicyRule, summaries: Mapping[str, str]) -> Operation:
    """Return an operation derived from the registration of a route alone."""
    path = openapi_path(rule)
    summary = summaries.get(rule.endpoint) or f"{method.upper()} {path}"
    parameters = tuple(Parameter(name, "path", "A part of the path.", "none") for name in sorted(rule.arguments))
    id_ = f"{method}_{rule.endpoint}".replace(".", "_")
    return Operation(method, path, id_, OTHER, summary, "", {200: Answer("The reply.")}, parameters=parameters)
