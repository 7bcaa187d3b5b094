"""Waitress tasks, which write replies: those of the application, and the server's own errors."""

from __future__ import annotations

import json
import logging
import uuid
from functools import partial
from typing import Any

from waitress.task import ErrorTask, WSGITask

from tts_server.admission import Ticket
from tts_server.errors import TTSError
from tts_server.log import request_context
from tts_server.request_log import log_request
from tts_server.server.environment import environment
from tts_server.server.request import ServerStopping, refusal
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
"""Error codes of Waitress's own errors by status; the other errors have an `error_code`."""

RETRY_SECONDS = 2
STOPPING = "The server is stopping. Try again in a moment"


def admit(channel: Any, request: Any) -> Ticket | None:
    """Check a complete request and store the result on it; return its ticket, or None if it needs none.

    Refused requests are passed to the application, too, which turns the refusal into a reply.
    """
    if request.error is not None or request.refusal is not None:
        return None
    checks: RequestChecks = channel.server.checks
    try:
        request.admitted = checks.admit(environment(channel, request), channel.cancellation)
    except Exception:
        log.exception("the check of a request failed")
        request.refusal = TTSError("Internal server error. See the server's log.")
    else:
        request.refusal = request.admitted.refusal
    ticket: Ticket | None = request.admitted.ticket
    return ticket


class JsonErrorTask(ErrorTask):
    """Answers a request that does not reach the application, such as one with too large a body, with the same JSON as other errors."""

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
        with request_context(id_):
            log_request(self.request.command, self.request.path, error.code, len(body), str(self.channel.addr[0]))


class Task(WSGITask):
    """Answers a request by the application. If the view upgrades the connection, the task writes nothing."""

    upgraded: UpgradedConnection | None = None
    is_whole = False
    """Whether the last byte of the reply was passed to the output buffer. Set by the request thread, read by the loop thread."""

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
        """Reserve a thread for `upgraded`, which gets the connection once the view has answered 101; raises Unavailable."""
        self.channel.upgrades.reserve(upgraded)
        self.upgraded = upgraded

    @property
    def is_upgraded(self) -> bool:
        return self.upgraded is not None and self.status.startswith("101")

    @property
    def ends_by_closing(self) -> bool:
        """Whether only the end of the connection marks the end of the reply, as in HTTP/1.0."""
        return self.wrote_header and self.has_body and not self.chunked_response and self.content_length is None

    def build_response_header(self) -> bytes:
        if self.channel.server.is_draining:
            self.set_close_on_finish()
        head: bytes = super().build_response_header()
        if self.request.command == "HEAD":
            self.chunked_response = False  # else Waitress would write the last chunk
        return head

    def set_close_on_finish(self) -> None:
        # Waitress calls this for every chunked reply, although the last chunk marks its end and the connection can be reused.
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
            # The client must not take an incomplete reply for a complete one.
            self.channel.is_truncated = self.ends_by_closing
            raise
        finally:
            if self.upgraded is not None:
                self.channel.upgrades.release(self.upgraded)

    def finish(self) -> None:
        if self.is_upgraded:
            self.channel.upgrade(self.upgraded)
        elif self.channel.is_server_ending and not self.wrote_header and self.status.startswith(str(CLIENT_CLOSED_REQUEST)):
            JsonErrorTask(self.channel, refusal(ServerStopping(STOPPING), self.channel.adj)).service()
            self.close_on_finish = True
        elif self.channel.is_server_ending and self.wrote_header and self.content_length is None:
            # The generator may have stopped early because of the cancellation, so the reply counts as incomplete.
            self.channel.is_truncated = self.ends_by_closing
            self.close_on_finish = True
        else:
            self.is_whole = True
            super().finish()
