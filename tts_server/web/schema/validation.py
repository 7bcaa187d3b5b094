"""Validates fields with pydantic, and reports the wrong ones in the manner of each dialect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError

from tts_server.errors import InvalidRequest, TTSError
from tts_server.voices.registry import validation_message
from tts_server.web.middleware.failures import InvalidFields
from tts_server.web.schema.payload import read_payload

MAX_NAME_CHARACTERS = 100
"""Of a field's name, as errors repeat it."""

SPOKEN_FIELDS = ("text", "prompt")

Fields = TypeVar("Fields", bound=BaseModel)


def validate(
    kind: type[Fields],
    values: Mapping[str, Any],
    *place: str,
    is_nested: bool = False,
    max_errors: int | None = None,
    error: type[InvalidFields] = InvalidFields,
    describe: Callable[[Mapping[str, Any]], str] = validation_message,
) -> Fields:
    """Return the fields of `kind`; raises `error` naming each wrong one below `place`, at most `max_errors` of them.

    Where `is_nested`, the value within a field is named as well. `describe` returns the message for one of pydantic's errors.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as failure:
        errors = failure.errors(include_url=False, include_input=False)[:max_errors]
        raise error(
            [
                {"loc": [*place, *map(_shorten, e["loc"] if is_nested else e["loc"][:1])], "msg": describe(e), "type": e["type"]}
                for e in errors
            ]
        ) from failure


def _shorten(part: int | str) -> int | str:
    return part[:MAX_NAME_CHARACTERS] if isinstance(part, str) else part


# The dialects whose first servers were built on FastAPI: a wrong field is a 422, with pydantic's own message.


class UnprocessableFields(InvalidFields):
    """One or more fields are wrong, in a dialect that calls that 422."""

    status = 422


def read_object(request: Request) -> dict[str, Any]:
    """Return the fields of the body; raises UnprocessableFields where it holds none."""
    try:
        return read_payload(request)
    except InvalidRequest as error:
        raise UnprocessableFields([{"loc": ["body"], "msg": error.message, "type": "json_invalid"}]) from error


def validate_unprocessable(kind: type[Fields], values: Mapping[str, Any], place: str = "body") -> Fields:
    """Return the fields of `kind`; null and empty text count as not given. Raises UnprocessableFields naming each wrong one."""
    given = {name: _drop_lone_surrogates(name, value) for name, value in values.items() if value is not None and value != ""}
    return validate(kind, given, place, error=UnprocessableFields, describe=lambda e: str(e["msg"]))


def _drop_lone_surrogates(name: str, value: Any) -> Any:
    """JavaScript can split an emoji in two; pydantic rejects the halves."""
    if name not in SPOKEN_FIELDS or not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


@contextlib.contextmanager
def naming(names: Mapping[str, str]) -> Iterator[None]:
    """Give errors within the context the names that their fields have in the dialect."""
    try:
        yield
    except TTSError as error:
        error.param = names.get(error.param, error.param) if error.param else None
        raise
