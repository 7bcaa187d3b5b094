"""Fields of the dialects whose first servers were built on FastAPI: a wrong one is a 422 with a list."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError

from tts_server.errors import InvalidRequest, TTSError
from tts_server.web.failures import InvalidFields
from tts_server.web.fields import read_payload

SPOKEN = ("text", "prompt")

Fields = TypeVar("Fields", bound=BaseModel)


class UnprocessableFields(InvalidFields):
    """One or more fields are wrong, in a dialect that calls that 422."""

    status = 422


def read_object(request: Request) -> dict[str, Any]:
    """The fields as sent; raises UnprocessableFields where the body holds none."""
    try:
        return read_payload(request)
    except InvalidRequest as error:
        raise UnprocessableFields([{"loc": ["body"], "msg": error.message, "type": "json_invalid"}]) from error


def validated(kind: type[Fields], given: Mapping[str, Any], place: str = "body") -> Fields:
    """The fields of `kind`; null and empty text count as not given. Raises UnprocessableFields naming each wrong one."""
    try:
        return kind.model_validate({name: _whole(name, value) for name, value in given.items() if value is not None and value != ""})
    except ValidationError as error:
        raise UnprocessableFields([{"loc": [place, *e["loc"][:1]], "msg": e["msg"], "type": e["type"]} for e in error.errors()]) from error


def _whole(name: str, value: Any) -> Any:
    """What is spoken, without halves of letters, as JavaScript leaves them where it cuts an emoji in two; Pydantic takes none."""
    if name not in SPOKEN or not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


@contextlib.contextmanager
def naming(names: Mapping[str, str]) -> Iterator[None]:
    """Errors about a field tell the name that it has in the dialect."""
    try:
        yield
    except TTSError as error:
        error.param = names.get(error.param, error.param) if error.param else None
        raise
