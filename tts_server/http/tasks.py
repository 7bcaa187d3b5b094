"""A request's reply, as Waitress writes it: of the application, or of the server itself where it refuses."""

from __future__ import annotations

import json
import uuid
from typing import Any

from waitress.task import ErrorTask, WSGITask

from tts_server.admission import Admission, Turn
from tts_server.errors import Unavailable
from tts_server.http.dispatch import Parked
from tts_server.http.request import Stopping, refusal
from tts_server.log import working_for
from tts_server.web.access import log_refusal
from tts_server.web.failures import CLIENT_CLOSED_REQUEST, error_body
from tts_server.web.realtime.routes import TAKE_OVER, Dialogue
from tts_server.web.turns import ENTER, TURN

CODES = {413: "too_large", 431: "headers_too_large"}
"""How clients are told of Waitress's own errors; ours say it themselves."""

RETRY_SECONDS = 2
STOPPING = "The server is stopping. Try again in a moment"


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
    """A request that the application answers. Its view may take the connection over: then the reply is the view's to send."""

    dialogue: Dialogue | None = None

    def __init__(self, channel: Any, request: Any) -> None:
        super().__init__(channel, request)
        channel.task = self
        self._turn: Turn = channel.turn
        self._is_parked = False

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ["wsgi.input"].seek(0)  # a form is read once before its request waits
        environ[TAKE_OVER] = self.take_over
        environ[TURN] = self._turn
        environ[ENTER] = self.enter
        return environ

    def take_over(self, dialogue: Dialogue) -> None:
        """Let the connection be the dialogue's once the view has answered 101; raises Unavailable."""
        if self.channel.dialogues.is_full:
            raise Unavailable("Too many WebSockets are open at this moment. Try again.", code="busy")
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
            super().write(b"" if self.request.command == "HEAD" else data)

    def enter(self, name: str, is_large: bool) -> Turn:
        """A turn that has begun or is refused; raises Parked where it has to be waited for."""
        channel = self.channel
        self._turn = channel.turn = self._admission.enter(name, is_large=is_large, is_gone=lambda: not channel.connected)
        if not self._turn.begun.done():
            self._is_parked = True
            raise Parked
        return self._turn

    @property
    def _admission(self) -> Admission:
        admission: Admission = self.channel.server.task_dispatcher.admission
        return admission

    def service(self) -> None:
        try:
            super().service()
        except BaseException:
            # A reply that breaks off must not look whole.
            self.channel.is_cut = self.ends_by_closing
            raise
        finally:
            if not self._is_parked:
                self._admission.leave(self._turn)

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
            super().finish()
