"""One thing that the API can do, in the words of its description."""

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
    "description": "Events, each a line `data:` with JSON of its own `type`; a failure on the way is one of type `error`.",
    "properties": {"data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["data"],
    "examples": [{"data": '{"type": "speech.audio.delta", "audio": "SUQz"}'}],
}
"""What schemas say of `text/event-stream` is about each event."""


class ErrorManner(enum.Enum):
    """The shape of an operation's errors."""

    OPENAI = ""
    RESONANCE = "Resonance"


@dataclass(frozen=True)
class Parameter:
    """A part of the address."""

    name: str
    place: Literal["path", "query"]
    description: str
    example: Any
    schema: Schema = field(default_factory=lambda: TEXT)


@dataclass(frozen=True)
class Body:
    """What a request brings: the fields of `models` but `without` some, and files of `file_types`, which only a multipart form can hold.

    Of a field in several models the last one counts.
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
    """What comes back when all is well, by its media type; `headers` beside those of every answer."""

    description: str
    content: Mapping[str, Shape] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """What a route does with one method. What it requires is not said here, but in the route's policy.

    `method` is in lower case. `errors` are the statuses that it has beside those of every operation; `query` is a model whose fields stand
    in the address.
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
        """Return the statuses of its errors, where its route has this policy."""
        common = {403, 500, 503} | ({400, 413} if self.body else set())
        if policy.is_rate_limited:
            common.add(429)
        if policy.authorization is not Authorization.NONE and self.manner is not ErrorManner.RESONANCE:
            common.add(401)
        return tuple(sorted({*common, *self.errors} - set(self.answers)))
