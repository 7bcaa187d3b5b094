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
from tts_server.web.access import log_refusal
from tts_server.web.checks import RequestChecks
from tts_server.web.failures import CLIENT_CLOSED_REQUEST, REQUEST_NAME, error_body
from tts_server.web.gate import ACCESS, REFUSAL
from tts_server.web.head import choose_request_id
from tts_server.web.rates import ALLOWANCE
from tts_server.web.realtime.routes import TAKE_OVER, Dialogue
from tts_server.web.tickets import PAUSE, TICKET

log = logging.getLogger("tts_server")

CODES = {413: "too_large", 431: "headers_too_large"}
"""How clients are told of Waitress's own errors; ours say it themselves."""

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
        request.access = checks.check(environment(channel, request))
        request.id = choose_request_id(request.access.head)
        admitted = checks.admit(request.access, request.id, lambda: not channel.connected)
    except TTSError as error:
        request.refusal = error
        return None
    except Exception:
        log.exception("a request could not be checked")
        request.refusal = TTSError("Something went wrong in the server. Its log has more.")
        return None
    request.ticket, request.allowance, request.refusal = admitted.ticket, admitted.allowance, admitted.refusal
    return admitted.ticket


class JsonErrorTask(ErrorTask):
    """What is refused before it reaches the application, such as a body that is too large, in the shape of all other errors."""

    def execute(self) -> None:
        error = self.request.error
        kind = "invalid_request_error" if error.code < 500 else "server_error"
        code = getattr(error, "told_as", None) or CODES.get(error.code, "bad_request" if error.code < 500 else "server_error")
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
            log_refusal(self.request.command, self.request.path, error.code, len(body), str(self.channel.addr[0]))


class Task(WSGITask):
    """A request that the application answers. Its view may take the connection over: then the reply is the view's to send.

    `is_whole`: the last byte of its reply is being sent, or was.
    """

    dialogue: Dialogue | None = None
    is_whole = False

    def __init__(self, channel: Any, request: Any) -> None:
        super().__init__(channel, request)
        channel.task = self

    def get_environment(self) -> dict[str, Any]:
        request, ticket = self.request, self.request.ticket
        environ = environment(self.channel, request)
        environ[TAKE_OVER] = self.take_over
        environ[ACCESS] = request.access
        environ[REFUSAL] = request.refusal or (ticket.refusal if ticket is not None else None)
        environ[ALLOWANCE] = request.allowance
        environ[REQUEST_NAME] = request.id
        environ[TICKET] = ticket
        environ[PAUSE] = partial(self.channel.server.task_dispatcher.blocked, ticket, is_queued_after=True)
        return environ

    def take_over(self, dialogue: Dialogue) -> None:
        """Let the connection be the dialogue's once the view has answered 101; raises Unavailable."""
        self.channel.dialogues.reserve(dialogue)
        self.dialogue = dialogue

    @property
    def is_taken_over(self) -> bool:
        return self.dialogue is not None and self.status.startswith("101")

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
        if not self.is_taken_over:
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
            if self.dialogue is not None:
                self.channel.dialogues.release(self.dialogue)

    def finish(self) -> None:
        if self.is_taken_over:
            self.channel.hand_over(self.dialogue)
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
