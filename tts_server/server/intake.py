"""The reading side of a connection: it reads requests one after another, each within its limits."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import Any

from waitress.channel import HTTPChannel
from waitress.utilities import Error

from tts_server.server.connections import Connections, OpenConnection
from tts_server.server.deadlines import Deadlines, Pace, RecentSum
from tts_server.server.heads import check_head
from tts_server.server.request import Request, ServerBusy

PIPELINED_BYTES = 64 * 1024
"""Bytes that a client may send ahead of the reply to its current request. With more, the connection closes after that reply."""

SMALL_BODY_BYTES = 64 * 1024
"""Requests up to this size are accepted regardless of how much is buffered, so that short texts pass while uploads are refused."""

MAX_REFUSING = 3
"""How many requests refused by their head may wait for their reply. Further ones are closed without one, to keep threads free."""


class Intake(HTTPChannel):
    """The reading side of a connection. Only the loop thread calls it, except the properties and `refuse`.

    It keeps reading while a request is processed, since that is how the end of the connection is noticed. Pipelined data waits in a
    buffer. Once the reply is complete and the buffer is full, reading pauses until the request has ended.
    `network` identifies the client's network; None where many clients share it.
    """

    request: Request | None = None
    requests: list[Request]

    def __init__(self, deadlines: Deadlines, connections: Connections, *arguments: Any, **options: Any) -> None:
        # Requests passed to the dispatcher so far. Loop thread, or the request thread while it queues the next request.
        self.num_requests_queued = 0
        # Set by the request thread under `reading`.
        self.is_upgraded = False
        # The client has ended its side. Loop thread.
        self.has_ended_input = False
        # Until then the rest of a refused request is read and discarded. Loop thread.
        self.discards_until: float | None = None
        # Held while the socket is read, so that an upgrade does not happen in between.
        self.reading = threading.Lock()
        self._connections = connections
        self.parser_class = self._new_request
        # When the current request began to arrive; None between requests. Loop thread.
        self._begun: float | None = None
        self._body = Pace(deadlines.body, deadlines.bytes_per_second)
        # Data received ahead of the reply to the current request. Filled and emptied by the loop thread, read by any.
        self._pipelined = bytearray()
        # More than PIPELINED_BYTES arrived and the excess was dropped, so nothing after the current request can be answered.
        self._has_overflowed = False
        # Bytes of bodies, and seconds of the loop thread, in the last one to two seconds. Loop thread.
        self._rate = RecentSum()
        self._cost = RecentSum()
        super().__init__(*arguments, **options)
        self.network = connections.limits.network_of(str(self.addr[0]))
        connections.add(self)

    def _new_request(self, adjustments: Any) -> Request:
        return Request(adjustments, check=partial(check_head, self))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered, sent or discarded."""
        return not (self.is_upgraded or self.requests or self.total_outbufs_len or self.close_when_flushed)

    @property
    def has_pipelined_bytes(self) -> bool:
        """Whether data arrived ahead of the reply to the current request."""
        return bool(self._pipelined)

    @property
    def _must_pause_reading(self) -> bool:
        """Whether the buffer is full of data that was sent after the complete reply, so that it must not be dropped."""
        return len(self._pipelined) >= PIPELINED_BYTES and self.is_answered and not self._has_overflowed

    @property
    def buffered(self) -> int:
        """Bytes of requests that are being received or processed, and of replies that are not sent yet."""
        current = self.request
        requests = [*self.requests, *([current] if current is not None else [])]
        return len(self._pipelined) + int(self.total_outbufs_len) + sum(int(request.body_bytes_received) for request in requests)

    def recent_cost(self, now: float) -> float:
        """Return the seconds that the loop thread recently spent on this connection."""
        return self._cost.sum(now)

    def received(self, data: bytes) -> bool:
        now = time.monotonic()
        num_requests_queued = self.num_requests_queued
        taken = bool(super().received(data))
        request = self.request
        has_completed = bool(self.requests) or self.num_requests_queued != num_requests_queued
        if request is None:
            self._body.end()
            self._begun = None if has_completed else self._begun or now  # `or now`: so far only an empty line has arrived
            self._connections.account(self)
            return taken
        if has_completed or self._begun is None:
            self._begun = now
            self._body.end()
        if request.headers_finished:
            self._body.add(len(data), now)
            self._rate.add(len(data), now)
            if request.is_refused_by_head():
                self._queue_refusal(request)
        self._connections.account(self)
        if self._connections.is_over(self):
            self._free_buffers(now)
        return taken

    def _queue_refusal(self, request: Request) -> None:
        """Answer a request whose body is still to come, unless too many such answers are waiting to be written."""
        if len(self._connections.refusing) >= MAX_REFUSING:
            self.handle_close()
            return
        self._connections.refusing.add(self)
        with self.requests_lock:
            if self.request is not request or self.will_close or self.close_when_flushed:
                return
            self.request = None
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)

    @property
    def has_unread_head(self) -> bool:
        """Whether part of a request head has arrived that the server has not read yet."""
        if self.socket is None or (self.request is not None and self.request.headers_finished):
            return False
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def upload_rate(self, now: float) -> float | None:
        """Return the bytes of its body that arrived in the last one to two seconds; None if it is not a large upload."""
        request = self.request
        is_upload = self.is_idle and request is not None and request.body_bytes_received > SMALL_BODY_BYTES
        return self._rate.sum(now) if is_upload else None

    def _free_buffers(self, now: float) -> None:
        """Refuse this upload, or a clearly slower one, because too much is buffered."""
        own_rate = self.upload_rate(now)
        if own_rate is None:
            return
        victim: OpenConnection = self
        for other in self._connections.sharing_limit_with(self):
            rate = other.upload_rate(now)
            if rate is not None and rate < own_rate / 2:
                victim, own_rate = other, rate * 2
        victim.refuse(ServerBusy("The server's buffers are full, so it cannot receive the body of this request. Try again later"))
        self._connections.account(victim)  # at once: otherwise the next upload is refused too, for bytes that are freed already

    def advance(self) -> None:
        """Process data that arrived during the last request, or close the connection after the last reply."""
        if self.requests or self.total_outbufs_len or self.will_close or self.close_when_flushed or self.is_upgraded:
            return
        if self._pipelined and not self._has_overflowed:
            data = bytes(self._pipelined[: self.adj.recv_bytes])
            del self._pipelined[: len(data)]
            self.received(data)
        elif self._has_overflowed or self.has_ended_input:
            self.handle_close()

    def readable(self) -> bool:
        if self._pipelined or self.has_ended_input:
            self.advance()
        if self._must_pause_reading:
            return False
        return not (self.is_upgraded or self.has_ended_input or self.will_close or self._fileno is None) and (
            self.discards_until is not None or not self.close_when_flushed
        )

    def handle_read(self) -> None:
        began = time.monotonic()
        with self.reading:
            if not self.is_upgraded and self.socket is not None:
                self._read()
        now = time.monotonic()
        self._cost.add(now - began, now)

    def _read(self) -> None:
        if self._must_pause_reading:
            return
        # `is_answered` is read before the data: data that arrived before the reply was complete may overflow the buffer.
        limit = PIPELINED_BYTES - len(self._pipelined) if self.is_answered and not self._has_overflowed else PIPELINED_BYTES
        try:
            data = self.socket.recv(min(self.adj.recv_bytes, limit))
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if not data:
            self.end_input()
        elif self.discards_until is not None:
            return
        elif self.requests or self.total_outbufs_len or self._pipelined:
            num_free = PIPELINED_BYTES - len(self._pipelined)
            self._pipelined += data[:num_free]
            if len(data) > num_free:
                self._has_overflowed = True
            self._connections.account(self)
        else:
            self.received(data)

    def handle_close(self) -> None:
        super().handle_close()
        self._pipelined.clear()
        if self.request is not None:
            self.request.close()
            self.request = None
        self._connections.remove(self)

    # Implemented by the writing side

    @property
    def is_answered(self) -> bool:
        """Whether no request is being processed, or the last byte of its reply was passed to the output buffer."""
        raise NotImplementedError

    def refuse(self, error: Error) -> None:
        """Answer an error instead of waiting for the rest of a request, and close the connection."""
        raise NotImplementedError

    def end_input(self) -> None:
        """Handle the end of the client's data."""
        raise NotImplementedError
