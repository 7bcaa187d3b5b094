"""One socket's conversation: whichever of the two protocols its first message speaks."""

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
from tts_server.web.bodies import check_json
from tts_server.web.openai import SpeechDesk
from tts_server.web.realtime.bounds import MAX_MESSAGE_VALUES
from tts_server.web.realtime.openai import CLIENT_EVENTS, OpenAIProtocol
from tts_server.web.realtime.simple import SimpleProtocol
from tts_server.web.realtime.socket import SocketClosed, WebSocket
from tts_server.web.realtime.speaker import Speaker, as_told

log = logging.getLogger("tts_server.web.access")

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
GREET_SECONDS = 1.0
"""How long a peer may be silent before it is greeted in OpenAI's protocol, of which it has not told yet: it may be waiting for that."""


class Dialect(Protocol):
    """What is said to a message."""

    def receive(self, message: dict[str, Any]) -> None:
        """Act on a message; raises TTSError."""

    def fail(self, error: TTSError, message: dict[str, Any]) -> None:
        """Tell the peer what was wrong with its message."""


class Session:
    """Answers one socket until either side closes it. `is_openai`: the request already told which protocol it is.

    Each thing to speak is counted for `payer`, the socket itself for `client`: None where that is many programs at once.
    `key` is the one that the request came with; the socket is closed once it is removed or changed, or where one is needed by now.
    """

    def __init__(
        self,
        websocket: WebSocket,
        desk: SpeechDesk,
        model: str | None,
        payer: str,
        *,
        is_openai: bool,
        client: str | None = None,
        key: Key | None = None,
    ) -> None:
        self.client = client
        self._keys = desk.options.keys
        self._key = key
        self._socket = websocket
        self._request_id = request_id.get()
        self._speaker = Speaker(lambda: desk.options.rates.take(payer))
        self._openai = OpenAIProtocol(websocket, self._speaker, desk, model)
        self._simple = SimpleProtocol(websocket, self._speaker, desk, model)
        self._dialect: Dialect | None = None
        self._greet_at: float | None = time.monotonic() + (0.0 if is_openai else GREET_SECONDS)

    def run(self, connection: socket.socket) -> None:
        """Hold the conversation; returns when it is over and nothing is spoken for it any more."""
        request_id.set(self._request_id)  # the thread is this conversation's own
        began = time.monotonic()
        with contextlib.suppress(SocketClosed), contextlib.closing(self._socket.messages(connection)) as messages:  # type: ignore[type-var]
            try:
                for message in messages:
                    if not self._keys.holds(self._key):
                        self._socket.close(POLICY_VIOLATION, "The key of this connection was removed or changed, or one is needed now.")
                    elif message is not None:
                        self._receive(message)
                    elif self._greet_at is not None and time.monotonic() >= self._greet_at:
                        self._greet()
            finally:
                code = self._socket.close_code
                self._socket.close(GOING_AWAY)
                self._speaker.close()
                self._log(time.monotonic() - began, code)

    def close_soon(self, code: int = GOING_AWAY, reason: str = "The server stops.") -> None:
        """Close in order, soon. Returns at once; safe from any thread."""
        self._socket.close(code, reason)

    def idle_seconds(self) -> float:
        """For how long nothing has been asked or spoken; 0 while something waits to be spoken."""
        if self._speaker.is_busy and not self._openai.is_waiting_for_text:
            return 0.0
        return time.monotonic() - self._socket.last_message_at

    def _log(self, seconds: float, code: int | None) -> None:
        fields: dict[str, object] = {"ms": round(seconds * 1000), "bytes": self._socket.bytes_sent, "close_code": code}
        end = "closed with %(close_code)s" if code is not None else "gone without a word"
        log.info("the socket is over: %(ms)d ms %(bytes)d bytes, " + end, fields, extra=fields)

    def _greet(self) -> None:
        self._greet_at = None
        self._openai.greet()

    def _receive(self, text: str | bytes) -> None:
        message: dict[str, Any] = {}
        try:
            message = self._parsed(text)
            if self._dialect is None:
                self._dialect = self._chosen(message)
            self._dialect.receive(message)
        except SocketClosed:
            raise
        except Exception as error:
            self._fail(as_told(error), message)

    def _parsed(self, text: str | bytes) -> dict[str, Any]:
        wanted = 'Messages are JSON objects such as {"input": "Hello"} or {"type": "response.create"}.'
        if isinstance(text, bytes):
            raise InvalidRequest(f"This server speaks, it does not listen. {wanted}", code="invalid_json")
        check_json(text.encode(), MAX_MESSAGE_VALUES)
        try:
            message = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(wanted, code="invalid_json") from error
        if not isinstance(message, dict):
            raise InvalidRequest(wanted, code="invalid_json")
        return message

    def _chosen(self, message: dict[str, Any]) -> Dialect:
        kind = message.get("type")
        is_event = isinstance(kind, str) and kind in CLIENT_EVENTS
        if not is_event and ("input" in message or "text" in message):
            self._greet_at = None
            return self._simple
        if self._greet_at is not None:
            self._greet()
        return self._openai

    def _fail(self, error: TTSError, message: dict[str, Any]) -> None:
        dialect = self._dialect or (self._openai if self._greet_at is None else self._simple)
        dialect.fail(error, message)


def _refuse(constant: str) -> Any:
    """Python reads NaN and Infinity, which are no JSON; what holds them could not be shown again."""
    raise ValueError(constant)
