"""A WebSocket over an upgraded connection, with deadlines and size limits.

wsproto reads and writes the frames. This module adds limits: sends must make progress, the peer must answer pings, and messages have a
maximum size.
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
"""Cost of one read from the socket, in messages: a peer may send a message byte by byte."""

ANSWER_BYTES = 4096
"""A reply of this size costs as much as a message."""


class SocketClosed(Cancelled):
    """The socket is closed, so nothing can be sent."""


class UpgradeRequired(InvalidRequest):
    """The request is not a WebSocket handshake."""

    status = 426
    code = "upgrade_required"


@dataclass(frozen=True)
class SocketLimits:
    """Limits of one socket.

    - `max_message_bytes`, `message_seconds`: size of a message, and the time in which it must arrive completely.
    - `ping_seconds`: the interval of pings.
    - `answer_seconds`: a peer that sends nothing for this long after a ping counts as gone. A client that plays audio while it reads
      answers late, so the time to play the unacknowledged data at `playing_bytes_per_second` is added.
    - `send_seconds`, `close_seconds`: the time in which the peer must take a frame, and for the closing handshake.
    - `tick_seconds`: how often `messages` yields None.
    - `free_messages`, `messages_per_second`: beyond the first number, messages are read at this rate.
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
    """A WebSocket to one peer. One thread iterates over `messages`; any thread may call the other methods.

    Raises UpgradeRequired or InvalidRequest if `headers` are not a WebSocket handshake.
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
        # The reply to the handshake. Written once, by the reading thread.
        self._accepted = self._frames.send(accept)
        # Set by the reading thread before the first message; written to with `_sending` held.
        self._writer: socket.socket
        # Held while a frame is built and written, so that frames of several threads do not mix.
        self._sending = threading.Lock()
        # The context in which a send waits for the peer. Set by the one thread that sends audio.
        self._blocking: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
        # Code and reason with which to close; the first one counts. Set by any thread, read by the reading thread.
        self._close_frame: tuple[int, str] | None = None
        # Cancelled by any thread once no message can reach the peer.
        self.closing = Cancellation()
        # Bytes written so far. Changed with `_sending` held.
        self._sent = 0
        # Of those, bytes that the peer had read when it answered the last ping. Reading thread.
        self._acknowledged = 0
        # When the last ping was sent. Reading thread.
        self._pinged_at = 0.0
        # When the first ping was sent since the peer last sent anything; None if it has sent something since. Reading thread.
        self._unanswered_since: float | None = None
        # The rate at which messages are read. Reading thread.
        self._allowance = TokenBucket(self._limits.messages_per_second, self._limits.free_messages)
        # The id of the reading thread, and the bytes that it has sent in reply to the current message.
        self._reading_thread = 0
        self._answer_bytes = 0
        # When the last message was received or sent. Set by both threads.
        self.last_message_at = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether messages can still reach the peer."""
        return not self.closing.is_cancelled

    @property
    def bytes_sent(self) -> int:
        """Bytes sent so far, including the headers of frames."""
        return self._sent

    @property
    def close_code(self) -> int | None:
        """The code of the closing handshake; None before it, and if the peer closed the connection without one."""
        return None if self._close_frame is None else self._close_frame[0]

    def send_text(self, text: str) -> None:
        """Send a text message; raises SocketClosed if the peer is gone or reads too slowly."""
        self._send(TextMessage(data=text))

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message; raises SocketClosed if the peer is gone or reads too slowly."""
        self._send(BytesMessage(data=data))

    @contextlib.contextmanager
    def blocking_within(self, context: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
        """Inside this context, a send that has to wait for the peer does so within `context()`."""
        self._blocking = context
        try:
            yield
        finally:
            self._blocking = contextlib.nullcontext

    def close(self, code: int, reason: str = "") -> None:
        """Have the reading thread perform the closing handshake and end. Returns at once."""
        self._close_frame = self._close_frame or (code, reason)
        self.closing.cancel()

    def messages(self, connection: socket.socket) -> Iterator[str | bytes | None]:
        """Accept the handshake on `connection`; yield the messages of the peer, and None at the start and every `tick_seconds`.

        Ends when either side has closed, and closes the connection.
        """
        self._reading_thread = threading.get_ident()
        # Two socket objects, because reads and sends have different timeouts.
        with contextlib.suppress(OSError, SocketClosed), connection, connection.dup() as reader:
            self._writer = connection
            try:
                self._prepare(connection)
                reader.settimeout(self._limits.tick_seconds)
                yield None
                yield from self._read(reader)
                if self._close_frame is not None:
                    self._close_handshake(reader, *self._close_frame)
            finally:
                self._abort()

    def _prepare(self, connection: socket.socket) -> None:
        connection.settimeout(self._limits.send_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Small, so that a send to a peer that is gone blocks early.
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
        while self._close_frame is None:
            self._ping_when_due()
            if time.monotonic() >= tick_at:
                tick_at = time.monotonic() + self._limits.tick_seconds
                yield None
                continue
            if size and time.monotonic() - begun > self._limits.message_seconds:
                self.close(CloseReason.POLICY_VIOLATION, "The message did not arrive in time.")
                return
            try:
                data = reader.recv(RECEIVE_BYTES)
            except TimeoutError:
                if self._has_timed_out():
                    return
                continue
            if not data:
                return
            self._unanswered_since = None
            yield from self._throttle(RECEIVE_COST)
            self._frames.receive_data(data)
            for event in self._frames.events():
                if self.close_code is not None:
                    return
                if isinstance(event, CloseConnection):
                    self.close(event.code, self._frame_limit.reason or event.reason or "")
                    return
                if not isinstance(event, Message):
                    self._handle_control(event)
                    continue
                begun = begun if size else time.monotonic()
                size += len(event.data)
                parts += [event.data] if event.data else []
                if len(parts) == MAX_PARTS:
                    parts = [_join(parts)]
                if size > self._limits.max_message_bytes:
                    self.close(CloseReason.MESSAGE_TOO_BIG)
                    return
                if event.message_finished:
                    self.last_message_at = time.monotonic()
                    message, parts, size = _join(parts or [event.data]), [], 0
                    self._answer_bytes = 0
                    yield message
                    del message
                    yield from self._throttle(1 + self._answer_bytes / ANSWER_BYTES)

    def _throttle(self, cost: float) -> Iterator[None]:
        """Wait until the rate limit allows `cost` more messages; yield None every `tick_seconds`."""
        until = time.monotonic() + self._allowance.take(cost)
        while self._close_frame is None and (seconds := until - time.monotonic()) > 0:
            time.sleep(min(seconds, self._limits.tick_seconds))
            self._ping_when_due()
            yield None

    def _handle_control(self, event: Event) -> None:
        if isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, Pong) and len(event.payload) == POSITION.size:
            # The payload of a ping is the number of bytes sent before it.
            (position,) = POSITION.unpack(event.payload)
            self._acknowledged = max(self._acknowledged, min(position, self._sent))

    def _ping_when_due(self) -> None:
        now = time.monotonic()
        if now - self._pinged_at >= self._limits.ping_seconds:
            self._pinged_at = now
            self._send(Ping(payload=POSITION.pack(self._sent)))
            self._unanswered_since = self._unanswered_since or now

    def _has_timed_out(self) -> bool:
        if self._unanswered_since is None:
            return False
        busy = (self._sent - self._acknowledged) / self._limits.playing_bytes_per_second
        return time.monotonic() - self._unanswered_since > self._limits.answer_seconds + busy

    def _send(self, event: Event) -> None:
        with self._sending:
            try:
                data = self._frames.send(event)
                self._write(data)
            except LocalProtocolError as error:
                raise SocketClosed from error  # a close frame has been sent
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
        """Send what the socket buffer takes without waiting; return the number of bytes."""
        self._writer.settimeout(0)
        try:
            return self._writer.send(data)
        except BlockingIOError:
            return 0
        finally:
            self._writer.settimeout(self._limits.send_seconds)

    def _close_handshake(self, reader: socket.socket, code: int, reason: str) -> None:
        """Send the close frame, end the sending side, and wait a moment for the peer's close frame."""
        if code == CloseReason.MESSAGE_TOO_BIG:
            reason = f"A message may have at most {self._limits.max_message_bytes} bytes."
        deadline = time.monotonic() + self._limits.close_seconds
        if not self._sending.acquire(timeout=self._limits.close_seconds):
            return  # another thread is blocked in a send
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
        """Shut down both directions, which also wakes a thread that waits for this connection."""
        self.closing.cancel()
        with contextlib.suppress(OSError):
            self._writer.shutdown(socket.SHUT_RDWR)


def _join(parts: Sequence[Any]) -> Any:
    return "".join(parts) if isinstance(parts[0], str) else b"".join(parts)
