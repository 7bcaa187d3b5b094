"""What the server and the WSGI application agree on: keys of the environment, the checks of a request, upgraded connections, errors.

`http/` and `web/` both import this module, and neither imports the other.
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
"""Methods that by themselves change nothing."""

CLIENT_CLOSED_REQUEST = 499
"""Status of a request whose client is gone; it is only logged."""

REFUSAL = "tts_server.refusal"
"""Key of the environment for the TTSError of a request that the server has refused; the application only turns it into a reply."""

TICKET = "tts_server.ticket"
"""Key for the Ticket of a request in the queue, None where it has none."""

CANCELLATION = "tts_server.cancellation"
"""Key for the Cancellation of a request: cancelled once its client is gone, or the server can wait no longer for the reply."""

PAUSE = "tts_server.pause"
"""Key for a Pause."""

UPGRADE = "tts_server.upgrade"
"""Key for an Upgrade."""


class UpgradedConnection(Protocol):
    """What happens on a connection that has left HTTP. `client` is who it is counted for; None where that is many programs at once."""

    client: str | None

    def converse(self, connection: socket.socket) -> None:
        """Use the connection until the conversation is over, and close it."""

    def leave(self, code: int = ..., reason: str = ...) -> None:
        """End soon; unless given, the reason is that the server stops. Returns at once."""

    def idle_seconds(self) -> float:
        """Return for how long nothing has been asked of it."""


Upgrade = Callable[[UpgradedConnection], None]
"""Gives the request's connection to an UpgradedConnection once the reply is a 101. Raises Unavailable where too many are open."""

Pause = Callable[[], AbstractContextManager[None]]
"""Makes a context in which the request holds neither a slot of the queue nor a thread that others need."""


@dataclass(frozen=True)
class Admitted:
    """What was decided about a request.

    `ticket` is None where it needs none; it has to be released. With a `refusal` the request is only answered with that error.
    `environ` is what the application has to find in the environment.
    """

    ticket: Ticket | None = None
    refusal: TTSError | None = None
    environ: Mapping[str, object] = field(default_factory=dict)


class RequestChecks(Protocol):
    """The application's checks, which the server makes before it calls the application. Thread-safe."""

    @property
    def admission(self) -> Admission:
        """The queue."""

    def check(self, environ: WSGIEnvironment) -> object:
        """Check a request by its head, whose body may still be missing; raises TTSError for one that is refused."""

    def admit(self, environ: WSGIEnvironment, cancellation: Cancellation) -> Admitted:
        """Check a complete request and give it a ticket if it needs one."""


def error_body(message: str, type_: str, param: str | None, code: str | None, detail: Any = None) -> dict[str, Any]:
    """Return OpenAI's error object, with the `detail` beside it that clients of other servers read."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}, "detail": detail or message}
