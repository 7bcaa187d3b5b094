"""The session of one socket. Its first message selects one of the two message protocols."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from typing import Any, Protocol

from tts_server.errors import InvalidRequest, TTSError
from tts_server.keys import Key
from tts_server.log import request_id
from tts_server.web.middleware.body_limits import check_json
from tts_server.web.realtime.bounds import MAX_MESSAGE_VALUES
from tts_server.web.realtime.job_queue import JobQueue, client_error
from tts_server.web.realtime.openai import CLIENT_EVENTS, OpenAIProtocol
from tts_server.web.realtime.simple import SimpleProtocol
from tts_server.web.realtime.socket import SocketClosed, WebSocket
from tts_server.web.speech_service import SpeechService

log = logging.getLogger("tts_server.web.access")

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
START_SECONDS = 1.0
"""If a peer sends nothing for this long, OpenAI's `session.created` is sent: clients of that protocol may be waiting for it."""


class MessageProtocol(Protocol):
    """Handles the messages of a peer."""

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message; raises TTSError."""

    def fail(self, error: TTSError, message: dict[str, Any]) -> None:
        """Send the error of a message to the peer."""


class Session:
    """Serves one socket until either side closes it.

    - `is_openai`: the handshake announced OpenAI's protocol.
    - `rate_client`: the client for the rate limit, which counts each text to speak.
    - `client`: the client for the limit of sockets; None where it stands for many programs.
    - `key`: the key of the handshake. The socket is closed once it is removed or changed, or once a key is required and there is none.
    """

    def __init__(
        self,
        websocket: WebSocket,
        service: SpeechService,
        model: str | None,
        rate_client: str,
        *,
        is_openai: bool,
        client: str | None = None,
        key: Key | None = None,
    ) -> None:
        self.client = client
        self._keys = service.options.keys
        self._key = key
        self._socket = websocket
        self._request_id = request_id.get()
        self._jobs = JobQueue(lambda: service.options.rates.take(rate_client))
        self._openai = OpenAIProtocol(websocket, self._jobs, service, model)
        self._simple = SimpleProtocol(websocket, self._jobs, service, model)
        self._protocol: MessageProtocol | None = None
        self._start_at: float | None = time.monotonic() + (0.0 if is_openai else START_SECONDS)

    def run(self, connection: socket.socket) -> None:
        """Serve the socket; return when it is closed and its synthesis has ended."""
        request_id.set(self._request_id)  # the thread belongs to this session
        began = time.monotonic()
        with contextlib.suppress(SocketClosed), contextlib.closing(self._socket.messages(connection)) as messages:  # type: ignore[type-var]
            try:
                for message in messages:
                    if not self._keys.holds(self._key):
                        self._socket.close(POLICY_VIOLATION, "The key of this connection is no longer valid, or a key is required now.")
                    elif message is not None:
                        self._receive(message)
                    elif self._start_at is not None and time.monotonic() >= self._start_at:
                        self._start_openai()
            finally:
                code = self._socket.close_code
                self._socket.close(GOING_AWAY)
                self._jobs.close()
                self._log(time.monotonic() - began, code)

    def close_soon(self, code: int = GOING_AWAY, reason: str = "The server stops.") -> None:
        """Have the socket close with a handshake. Returns at once; any thread may call it."""
        self._socket.close(code, reason)

    def idle_seconds(self) -> float:
        """Return for how long no message was received or sent; 0 while a text waits to be spoken."""
        if self._jobs.is_busy and not self._openai.is_waiting_for_text:
            return 0.0
        return time.monotonic() - self._socket.last_message_at

    def _log(self, seconds: float, code: int | None) -> None:
        fields: dict[str, object] = {"ms": round(seconds * 1000), "bytes": self._socket.bytes_sent, "close_code": code}
        end = "code=%(close_code)s" if code is not None else "without a closing handshake"
        log.info("websocket closed: %(ms)d ms %(bytes)d bytes " + end, fields, extra=fields)

    def _start_openai(self) -> None:
        self._start_at = None
        self._openai.start()

    def _receive(self, text: str | bytes) -> None:
        message: dict[str, Any] = {}
        try:
            message = self._parse(text)
            if self._protocol is None:
                self._protocol = self._choose_protocol(message)
            self._protocol.receive(message)
        except SocketClosed:
            raise
        except Exception as error:
            self._fail(client_error(error), message)

    def _parse(self, text: str | bytes) -> dict[str, Any]:
        expected = 'Messages are JSON objects such as {"input": "Hello"} or {"type": "response.create"}.'
        if isinstance(text, bytes):
            raise InvalidRequest(f"Binary messages are not supported. {expected}", code="invalid_json")
        check_json(text.encode(), MAX_MESSAGE_VALUES)
        try:
            message = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(expected, code="invalid_json") from error
        if not isinstance(message, dict):
            raise InvalidRequest(expected, code="invalid_json")
        return message

    def _choose_protocol(self, message: dict[str, Any]) -> MessageProtocol:
        kind = message.get("type")
        is_event = isinstance(kind, str) and kind in CLIENT_EVENTS
        if not is_event and ("input" in message or "text" in message):
            self._start_at = None
            return self._simple
        if self._start_at is not None:
            self._start_openai()
        return self._openai

    def _fail(self, error: TTSError, message: dict[str, Any]) -> None:
        protocol = self._protocol or (self._openai if self._start_at is None else self._simple)
        protocol.fail(error, message)


def _refuse(constant: str) -> Any:
    """Reject NaN and Infinity, which Python parses although they are not JSON, and which could not be echoed."""
    raise ValueError(constant)
