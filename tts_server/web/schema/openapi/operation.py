"""The data types that describe operations of the API."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from tts_server.web.policy import Authorization, RoutePolicy

Schema = Mapping[str, Any]
Shape = type[BaseModel] | Schema

JSON = "application/json"
FORM = "multipart/form-data"
CLIP_TYPES = "audio/*, video/*, application/octet-stream"
URLENCODED = "application/x-www-form-urlencoded"
BINARY: Schema = {"type": "string", "format": "binary"}
TEXT: Schema = {"type": "string"}
EVENTS: Schema = {
    "type": "object",
    "description": "Events, each a line `data:` with JSON that has a `type`; a failure during the stream is an event of type `error`.",
    "properties": {"data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["data"],
    "examples": [{"data": '{"type": "speech.audio.delta", "audio": "SUQz"}'}],
}
"""The schema of `text/event-stream` describes each event."""


class ErrorManner(enum.Enum):
    """The format of an operation's errors."""

    OPENAI = ""
    RESONANCE = "Resonance"


@dataclass(frozen=True)
class Parameter:
    """A parameter in the path or the query."""

    name: str
    place: Literal["path", "query"]
    description: str
    example: Any
    schema: Schema = field(default_factory=lambda: TEXT)


@dataclass(frozen=True)
class Body:
    """The body of a request: the fields of `models` except `without`, and files of `file_types`, which require a multipart form.

    If several models have the same field, the last one applies.
    """

    models: tuple[type[BaseModel], ...]
    example: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)
    required_files: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    media: tuple[str, ...] = (JSON, FORM, URLENCODED)
    file_types: str = CLIP_TYPES


@dataclass(frozen=True)
class Answer:
    """A successful reply: its content by media type, and its headers in addition to those of every reply."""

    description: str
    content: Mapping[str, Shape] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One method of a route. Its requirements are not part of it, but of the route's policy.

    `method` is in lower case. `errors` are its statuses in addition to those of every operation; `query` is a model of the query's
    parameters.
    """

    method: str
    path: str
    id: str
    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    errors: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    query: type[BaseModel] | None = None
    query_example: Mapping[str, Any] = field(default_factory=dict)
    body: Body | None = None
    manner: ErrorManner = ErrorManner.OPENAI

    def statuses(self, policy: RoutePolicy) -> tuple[int, ...]:
        """Return the statuses of its errors, given the policy of its route."""
        common = {403, 500, 503} | ({400, 413} if self.body else set())
        if policy.is_rate_limited:
            common.add(429)
        if policy.authorization is not Authorization.NONE and self.manner is not ErrorManner.RESONANCE:
            common.add(401)
        return tuple(sorted({*common, *self.errors} - set(self.answers)))
