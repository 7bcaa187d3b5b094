"""Limits on the data that the server stores for one WebSocket, and on values repeated in its events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tts_server.errors import InvalidRequest
from tts_server.web.middleware.body_limits import count_json_values

MAX_MESSAGE_VALUES = 100_000
"""Values in one message of at most 1 MiB; each takes up to a hundred bytes when parsed."""

MAX_SESSION_BYTES = 64 * 1024
MAX_SESSION_VALUES = 5_000
MAX_OPTIONS_BYTES = 32 * 1024
MAX_ID_CHARACTERS = 512
SHOWN_CHARACTERS = 100


def shorten(value: object) -> str:
    """Return a client's value for use in an error message, cut if it is long."""
    text = repr(value if not isinstance(value, str) else value[: SHOWN_CHARACTERS + 1])
    return text if len(text) <= SHOWN_CHARACTERS + 2 else f"{text[:SHOWN_CHARACTERS]}…"


def check_session(session: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raise InvalidRequest if a session is too large to store. `changes` are the changed values by the paths of their fields."""
    data = _encode(session)
    if len(data) <= MAX_SESSION_BYTES and count_json_values(data) <= MAX_SESSION_VALUES:
        return
    field = max(changes, key=lambda name: len(_encode(changes[name])), default="session")
    message = f"{field}: the session would have {len(data)} bytes of JSON and {count_json_values(data)} values"
    raise InvalidRequest(f"{message}; at most {MAX_SESSION_BYTES} and {MAX_SESSION_VALUES} are stored.", param=field, code="too_large")


def check_id(value: object, param: str) -> None:
    """Raise InvalidRequest for an id that is too long to be repeated in each event."""
    if isinstance(value, str) and len(value) > MAX_ID_CHARACTERS:
        raise InvalidRequest(f"{param}: may have at most {MAX_ID_CHARACTERS} characters.", param=param, code="string_too_long")


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
