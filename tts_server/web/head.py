"""The part of a request that is known before its body: method, path, headers, address."""

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
    """What decides whether a request is accepted, without its body.

    `path` is decoded, without repeated or trailing slashes. Names of `headers` are in lower case. `address` is the client's.
    `content_length` is the number of bytes of the body, 0 where its header does not say; `size` also counts the query.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    content_length: int = 0
    size: int = 0

    @property
    def is_safe(self) -> bool:
        """Whether the method by itself changes nothing."""
        return self.method in SAFE_METHODS

    @property
    def is_websocket(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.header("upgrade").lower() == "websocket"

    def header(self, name: str, default: str = "") -> str:
        """The value of a header, whose name is given in lower case."""
        return self.headers.get(name, default)


def choose_request_id(head: RequestHead) -> str:
    """Return the id of a request: the one that its client gave it, where that can be used, else a new one."""
    given = head.header("x-request-id")
    return given if USABLE_ID.fullmatch(given) else uuid.uuid4().hex


def normalize_path(path: str) -> str:
    """A path without repeated slashes and without the trailing one, as routes are looked up."""
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
    """The path as text; WSGI gives it as the Latin-1 reading of its bytes."""
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0
