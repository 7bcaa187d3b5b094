"""The head of a request: method, path, headers and address, known before its body."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tts_server.wsgi import SAFE_METHODS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SLASHES = re.compile("/{2,}")
USABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

REQUEST_ID = "tts_server.request_id"
"""Key of the environment for the id of a request."""


@dataclass(frozen=True)
class RequestHead:
    """The head of a request.

    `path` is decoded, without repeated or trailing slashes. Names of `headers` are in lower case. `address` is the client's.
    `content_length` is the size of the body in bytes, 0 if the header is missing; `size` includes the query.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    content_length: int = 0
    size: int = 0

    @property
    def is_safe(self) -> bool:
        """Whether the method is safe, i.e. does not change state."""
        return self.method in SAFE_METHODS

    @property
    def is_websocket(self) -> bool:
        """Whether the request asks for a WebSocket."""
        return self.header("upgrade").lower() == "websocket"

    def header(self, name: str, default: str = "") -> str:
        """Return the value of a header, whose name is given in lower case."""
        return self.headers.get(name, default)


def choose_request_id(head: RequestHead) -> str:
    """Return the id of a request: the client's `x-request-id` if it is valid, else a new one."""
    given = head.header("x-request-id")
    return given if USABLE_ID.fullmatch(given) else uuid.uuid4().hex


def normalize_path(path: str) -> str:
    """Return a path without repeated slashes and without a trailing one."""
    return SLASHES.sub("/", path).rstrip("/") or "/"


def read_head(environ: WSGIEnvironment) -> RequestHead:
    """Return the head of the request that `environ` describes."""
    headers: dict[str, str] = {
        name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_") and isinstance(value, str)
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    content_length = _number(environ.get("CONTENT_LENGTH"))
    return RequestHead(
        method=environ.get("REQUEST_METHOD", ""),
        path=normalize_path(decoded_path(environ)),
        headers=headers,
        address=environ.get("REMOTE_ADDR") or "",
        content_length=content_length,
        size=content_length + len(environ.get("QUERY_STRING", "")),
    )


def decoded_path(environ: WSGIEnvironment) -> str:
    """Return the path as text. WSGI decodes its bytes as Latin-1, though they are UTF-8."""
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0
