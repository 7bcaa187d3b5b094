"""A request's reply, as Waitress writes it: of the application, or of the server itself where it refuses."""

from __future__ import annotations

import json
import logging
import uuid
from functools import partial
from typing import Any

from waitress.task import ErrorTask, WSGITask

from tts_server.admission import Ticket
from tts_server.errors import TTSError
from tts_server.http.environment import environment
from tts_server.http.request import Stopping, refusal
from tts_server.log import working_for
from tts_server.request_log import log_request
from tts_server.wsgi import (
    CANCELLATION,
    CLIENT_CLOSED_REQUEST,
    PAUSE,
    REFUSAL,
    TICKET,
    UPGRADE,
    RequestChecks,
    UpgradedConnection,
    error_body,
)

log = logging.getLogger("tts_server")

CODES = {413: "too_large", 431: "headers_too_large"}
"""Codes of Waitress's own errors by their status; other errors have an `error_code`."""

RETRY_SECONDS = 2
STOPPING = "The server is stopping. Try again in a moment"


def admit(channel: Any, request: Any) -> Ticket | None:
    """Check a complete request, once, and note on it what was decided; return the ticket that its work needs, or None.

    What is refused goes to the application as well, which turns it into a reply.
    """
    if request.error is not None or request.refusal is not None:
        return None
    checks: RequestChecks = channel.server.checks
    try:
        request.admitted = checks.admit(environment(channel, request), channel.cancellation)
    except Exception:
        log.exception("a request could not be checked")
        request.refusal = TTSError("Something went wrong in the server. Its log has more.")
    else:
        request.refusal = request.admitted.refusal
    ticket: Ticket | None = request.admitted.ticket
    return ticket


class JsonErrorTask(ErrorTask):
    """What is refused before it reaches the application, such as a body that is too large, in the shape of all other errors."""

    def execute(self) -> None:
        error = self.request.error
        kind = "invalid_request_error" if error.code < 500 else "server_error"
        code = getattr(error, "error_code", None) or CODES.get(error.code, "bad_request" if error.code < 500 else "server_error")
        body = json.dumps(error_body(f"{error.reason}: {error.body}.".replace("..", "."), kind, None, code)).encode()
        self.status = f"{error.code} {error.reason}"
        id_ = uuid.uuid4().hex
        self.response_headers += [("Content-Type", "application/json"), ("x-request-id", id_)]
        if error.code == 503:
            self.response_headers += [("Retry-After", str(RETRY_SECONDS)), ("retry-after-ms", str(RETRY_SECONDS * 1000))]
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(b"" if self.request.command == "HEAD" else body)
        with working_for(id_):
            log_request(self.request.command, self.request.path, error.code, len(body), str(self.channel.addr[0]))


class Task(WSGITask):
    """A request that the application answers. Its view may upgrade the connection: then the server sends no reply.

    `is_whole`: the last byte of its reply is being sent, or was.
    """

    upgraded: UpgradedConnection | None = None
    is_whole = False

    def __init__(self, channel: Any, request: Any) -> None:
        super().__init__(channel, request)
        channel.task = self

    def get_environment(self) -> dict[str, Any]:
        request, ticket = self.request, self.request.admitted.ticket
        environ = environment(self.channel, request)
        environ.update(request.admitted.environ)
        environ[CANCELLATION] = self.channel.cancellation
        environ[UPGRADE] = self.upgrade
        environ[REFUSAL] = request.refusal or (ticket.refusal if ticket is not None else None)
        environ[TICKET] = ticket
        environ[PAUSE] = partial(self.channel.server.task_dispatcher.blocked, ticket, is_queued_after=True)
        return environ

    def upgrade(self, upgraded: UpgradedConnection) -> None:
        """Give the connection to `upgraded` once the view has answered 101; raises Unavailable."""
        self.channel.upgrades.reserve(upgraded)
        self.upgraded = upgraded

    @property
    def is_upgraded(self) -> bool:
        return self.upgraded is not None and self.status.startswith("101")

    @property
    def ends_by_closing(self) -> bool:
        """Whether the end of the connection is all that tells the client where the reply ends, as in HTTP/1.0."""
        return self.wrote_header and self.has_body and not self.chunked_response and self.content_length is None

    def build_response_header(self) -> bytes:
        if self.channel.server.is_draining:
            self.set_close_on_finish()
        head: bytes = super().build_response_header()
        if self.request.command == "HEAD":
            self.chunked_response = False  # no chunk follows, the last one included
        return head

    def set_close_on_finish(self) -> None:
        # Waitress asks for this with each reply in chunks, though the last chunk tells its end, and the next request may follow.
        if self.wrote_header or not self.chunked_response:
            super().set_close_on_finish()

    def write(self, data: bytes) -> None:
        if not self.is_upgraded:
            data = b"" if self.request.command == "HEAD" else data
            if self.content_length is not None and self.content_bytes_written + len(data) >= self.content_length:
                self.is_whole = True
            super().write(data)

    def service(self) -> None:
        try:
            super().service()
        except BaseException:
            # A reply that breaks off must not look whole.
            self.channel.is_cut = self.ends_by_closing
            raise
        finally:
            if self.upgraded is not None:
                self.channel.upgrades.release(self.upgraded)

    def finish(self) -> None:
        if self.is_upgraded:
            self.channel.upgrade(self.upgraded)
        elif self.channel.is_given_up and not self.wrote_header and self.status.startswith(str(CLIENT_CLOSED_REQUEST)):
            JsonErrorTask(self.channel, refusal(Stopping(STOPPING), self.channel.adj)).service()
            self.close_on_finish = True
        elif self.channel.is_given_up and self.wrote_header and self.content_length is None:
            # Perhaps it was whole; but a part that looks whole would be worse.
            self.channel.is_cut = self.ends_by_closing
            self.close_on_finish = True
        else:
            self.is_whole = True
            super().finish()
