"""A WebSocket over a connection that has left HTTP: messages in, messages out, and a peer that is gone is noticed.

The frames are wsproto's; what is ours are the deadlines. A send must make progress, a peer must answer pings, and nothing
is larger than it may be.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, InvalidRequest
from tts_server.web.realtime.frames import FrameLimit, TokenBucket

RECEIVE_BYTES = 64 * 1024
SEND_BUFFER_BYTES = 64 * 1024
POSITION = struct.Struct(">Q")
MAX_PARTS = 256
RECEIVE_COST = 0.2
"""Of a message's: reading what comes costs time also where it is a byte at a time."""

ANSWER_BYTES = 4096
"""An answer of so many bytes costs as much as a message."""


class SocketClosed(Cancelled):
    """The socket is closed, so nobody waits for what would be sent."""


class UpgradeRequired(InvalidRequest):
    """The request is not the beginning of a WebSocket."""

    status = 426
    code = "upgrade_required"


@dataclass(frozen=True)
class SocketLimits:
    """A message has at most `max_message_bytes` and `message_seconds` to arrive. A ping goes out every `ping_seconds`; a peer that sends
    nothing for `answer_seconds` after one is gone, unless it is still busy with what was sent before: that may take as long as audio takes
    to play, at `playing_bytes_per_second`. One frame has `send_seconds` to be taken, and the end `close_seconds`.

    Beyond `free_messages`, a peer's messages are read at `messages_per_second`.
    """

    max_message_bytes: int = 2**20
    message_seconds: float = 8.0
    ping_seconds: float = 2.0
    answer_seconds: float = 4.0
    playing_bytes_per_second: float = 48_000.0
    send_seconds: float = 6.0
    close_seconds: float = 1.0
    tick_seconds: float = 0.25
    free_messages: int = 2000
    messages_per_second: float = 200.0


class WebSocket:
    """One peer. `messages` is read by one thread; every other method may be called by any.

    Raises UpgradeRequired or InvalidRequest unless `headers` ask for a WebSocket.
    """

    def __init__(
        self,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        subprotocol: str | None = None,
        reply_headers: Sequence[tuple[bytes, bytes]] = (),
        limits: SocketLimits | None = None,
    ) -> None:
        self._limits = limits or SocketLimits()
        self._frames = WSConnection(ConnectionType.SERVER)
        try:
            self._frames.initiate_upgrade_connection(list(headers), "/")
        except RemoteProtocolError as error:
            wrong = InvalidRequest if getattr(error.event_hint, "status_code", 400) == 400 else UpgradeRequired
            raise wrong(f"This is not a WebSocket of version 13: {error}.", code="upgrade_required") from error
        list(self._frames.events())
        self._frame_limit = FrameLimit(self._limits.max_message_bytes)
        accept = AcceptConnection(subprotocol=subprotocol, extensions=[self._frame_limit], extra_headers=list(reply_headers))
        self._accepted = self._frames.send(accept)
        self._writer: socket.socket
        self._sending = threading.Lock()
        self._blocking: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
        self._leave: tuple[int, str] | None = None
        self.closing = Cancellation()
        """Cancelled once no message reaches the peer any more."""
        self._sent = 0
        self._answered = 0
        self._pinged_at = 0.0
        self._waiting_since: float | None = None
        self._allowance = TokenBucket(self._limits.messages_per_second, self._limits.free_messages)
        self._reading_thread = 0
        self._answer_bytes = 0
        self.last_message_at = time.monotonic()
        """When the last message came or went."""

    @property
    def is_open(self) -> bool:
        """Whether messages may still reach the peer."""
        return not self.closing.is_cancelled

    @property
    def bytes_sent(self) -> int:
        """All of them, frames' headers included."""
        return self._sent

    @property
    def close_code(self) -> int | None:
        """With which both sides part; None as long as they have not, and where the peer left without a word."""
        return None if self._leave is None else self._leave[0]

    def send_text(self, text: str) -> None:
        """Raises SocketClosed where the peer is gone or takes nothing."""
        self._send(TextMessage(data=text))

    def send_bytes(self, data: bytes) -> None:
        """Raises SocketClosed where the peer is gone or takes nothing."""
        self._send(BytesMessage(data=data))

    @contextlib.contextmanager
    def blocking_within(self, context: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
        """Inside of this, a send that has to wait for the peer waits within such a `context`."""
        self._blocking = context
        try:
            yield
        finally:
            self._blocking = contextlib.nullcontext

    def close(self, code: int, reason: str = "") -> None:
        """Let the reading thread say goodbye and end; returns at once."""
        self._leave = self._leave or (code, reason)
        self.closing.cancel()

    def messages(self, connection: socket.socket) -> Iterator[str | bytes | None]:
        """Take the connection over and accept; then what the peer sends, and None every moment (at the beginning, too).

        Ends, and frees the connection, when either side has closed.
        """
        self._reading_thread = threading.get_ident()
        # Two objects, because the time a send may take is not the time that reading waits.
        with contextlib.suppress(OSError, SocketClosed), connection, connection.dup() as reader:
            self._writer = connection
            try:
                self._prepare(connection)
                reader.settimeout(self._limits.tick_seconds)
                yield None
                yield from self._read(reader)
                if self._leave is not None:
                    self._say_goodbye(reader, *self._leave)
            finally:
                self._abort()

    def _prepare(self, connection: socket.socket) -> None:
        connection.settimeout(self._limits.send_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What lies in buffers is neither heard nor missed by a peer that is gone: the less, the sooner that shows.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._limits.send_seconds * 1000))
        self._pinged_at = time.monotonic()
        self._write(self._accepted)

    def _read(self, reader: socket.socket) -> Iterator[str | bytes | None]:
        parts: list[Any] = []
        size = 0
        begun = 0.0
        tick_at = time.monotonic() + self._limits.tick_seconds
        while self._leave is None:
            self._ping_when_due()
            if time.monotonic() >= tick_at:
                tick_at = time.monotonic() + self._limits.tick_seconds
                yield None
                continue
            if size and time.monotonic() - begun > self._limits.message_seconds:
                self.close(CloseReason.POLICY_VIOLATION, "The message did not end in time.")
                return
            try:
                data = reader.recv(RECEIVE_BYTES)
            except TimeoutError:
                if self._is_silent():
                    return
                continue
            if not data:
                return
            self._waiting_since = None
            yield from self._pace(RECEIVE_COST)
            self._frames.receive_data(data)
            for event in self._frames.events():
                if self.close_code is not None:
                    return
                if isinstance(event, CloseConnection):
                    self.close(event.code, self._frame_limit.reason or event.reason or "")
                    return
                if not isinstance(event, Message):
                    self._answer(event)
                    continue
                begun = begun if size else time.monotonic()
                size += len(event.data)
                parts += [event.data] if event.data else []
                if len(parts) == MAX_PARTS:
                    parts = [_joined(parts)]
                if size > self._limits.max_message_bytes:
                    self.close(CloseReason.MESSAGE_TOO_BIG)
                    return
                if event.message_finished:
                    self.last_message_at = time.monotonic()
                    message, parts, size = _joined(parts or [event.data]), [], 0
                    self._answer_bytes = 0
                    yield message
                    del message
                    yield from self._pace(1 + self._answer_bytes / ANSWER_BYTES)

    def _pace(self, cost: float) -> Iterator[None]:
        """Wait until the peer may cost more; yields None every moment."""
        until = time.monotonic() + self._allowance.take(cost)
        while self._leave is None and (seconds := until - time.monotonic()) > 0:
            time.sleep(min(seconds, self._limits.tick_seconds))
            self._ping_when_due()
            yield None

    def _answer(self, event: Event) -> None:
        if isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, Pong) and len(event.payload) == POSITION.size:
            # The payload of our pings is how much was sent before them.
            (position,) = POSITION.unpack(event.payload)
            self._answered = max(self._answered, min(position, self._sent))

    def _ping_when_due(self) -> None:
        now = time.monotonic()
        if now - self._pinged_at >= self._limits.ping_seconds:
            self._pinged_at = now
            self._send(Ping(payload=POSITION.pack(self._sent)))
            self._waiting_since = self._waiting_since or now

    def _is_silent(self) -> bool:
        if self._waiting_since is None:
            return False
        busy = (self._sent - self._answered) / self._limits.playing_bytes_per_second
        return time.monotonic() - self._waiting_since > self._limits.answer_seconds + busy

    def _send(self, event: Event) -> None:
        with self._sending:
            try:
                data = self._frames.send(event)
                self._write(data)
            except LocalProtocolError as error:
                raise SocketClosed from error  # a goodbye has been said
            except OSError as error:
                self._abort()
                raise SocketClosed from error
            if isinstance(event, Message):
                self.last_message_at = time.monotonic()
            if threading.get_ident() == self._reading_thread:
                self._answer_bytes += len(data)

    def _write(self, data: bytes) -> None:
        taken = self._send_at_once(data)
        if taken < len(data):
            with self._blocking():
                self._writer.sendall(memoryview(data)[taken:])
        self._sent += len(data)

    def _send_at_once(self, data: bytes) -> int:
        """Send what the system takes without waiting; return the number of bytes."""
        self._writer.settimeout(0)
        try:
            return self._writer.send(data)
        except BlockingIOError:
            return 0
        finally:
            self._writer.settimeout(self._limits.send_seconds)

    def _say_goodbye(self, reader: socket.socket, code: int, reason: str) -> None:
        """Close in order: our close frame, the end of what we send, and a moment for the peer to see both before the connection is gone."""
        if code == CloseReason.MESSAGE_TOO_BIG:
            reason = f"A message may have {self._limits.max_message_bytes} bytes."
        deadline = time.monotonic() + self._limits.close_seconds
        if not self._sending.acquire(timeout=self._limits.close_seconds):
            return  # another thread waits for a peer that takes nothing
        try:
            self._writer.settimeout(self._limits.close_seconds)
            with contextlib.suppress(LocalProtocolError):
                self._writer.sendall(self._frames.send(CloseConnection(code=code, reason=reason)))
            self._writer.shutdown(socket.SHUT_WR)
        finally:
            self._sending.release()
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                if not reader.recv(RECEIVE_BYTES):
                    return

    def _abort(self) -> None:
        """End both directions, which also wakes a thread that waits for this connection."""
        self.closing.cancel()
        with contextlib.suppress(OSError):
            self._writer.shutdown(socket.SHUT_RDWR)


def _joined(parts: Sequence[Any]) -> Any:
    return "".join(parts) if isinstance(parts[0], str) else b"".join(parts)
