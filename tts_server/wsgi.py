"""The interface between the server and the WSGI application: keys of the environment, request checks, upgraded connections, errors.

`server/` and `web/` both import this module, and neither imports the other.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tts_server.admission import Admission, Ticket
from tts_server.cancellation import Cancellation
from tts_server.errors import TTSError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that do not change state."""

CLIENT_CLOSED_REQUEST = 499
"""Status of a request whose client has disconnected. It is logged, not sent."""

REFUSAL = "tts_server.refusal"
"""Key of the environment for the TTSError with which the server has refused the request; the application turns it into a reply."""

TICKET = "tts_server.ticket"
"""Key for the Ticket of a request, None if it needs none."""

CANCELLATION = "tts_server.cancellation"
"""Key for the Cancellation of a request: cancelled when its client disconnects, or when the server stops and waits no longer."""

PAUSE = "tts_server.pause"
"""Key for a Pause."""

UPGRADE = "tts_server.upgrade"
"""Key for an Upgrade."""


class UpgradedConnection(Protocol):
    """The handler of a connection after its upgrade. `client` is counted against the limits; None where it stands for many programs."""

    client: str | None

    def run(self, connection: socket.socket) -> None:
        """Use the connection until either side ends it, and close it."""

    def close_soon(self, code: int = ..., reason: str = ...) -> None:
        """Have `run` close the connection. Returns at once; thread-safe. By default the reason is that the server stops."""

    def idle_seconds(self) -> float:
        """Return for how long the connection has been idle."""


Upgrade = Callable[[UpgradedConnection], None]
"""Passes the request's connection to an UpgradedConnection once the reply is a 101. Raises Unavailable where too many are open."""

Pause = Callable[[], AbstractContextManager[None]]
"""Returns a context in which the request holds neither a slot of the queue nor a thread."""


@dataclass(frozen=True)
class Admitted:
    """The result of the checks of a request.

    `ticket` is None if the request needs none; it must be released. With a `refusal` the request is answered with that error.
    `environ` holds entries to add to the environment of the application.
    """

    ticket: Ticket | None = None
    refusal: TTSError | None = None
    environ: Mapping[str, object] = field(default_factory=dict)


class RequestChecks(Protocol):
    """The application's checks, which the server runs before it calls the application. Thread-safe."""

    @property
    def admission(self) -> Admission:
        """The queue."""

    def check(self, environ: WSGIEnvironment) -> object:
        """Check the head of a request, whose body may be missing; raises TTSError to refuse it."""

    def admit(self, environ: WSGIEnvironment, cancellation: Cancellation) -> Admitted:
        """Check a complete request and give it a ticket if it needs one."""


def error_body(message: str, type_: str, param: str | None, code: str | None, detail: Any = None) -> dict[str, Any]:
    """Return OpenAI's error object, with the field `detail` that clients of other servers read."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}, "detail": detail or message}
