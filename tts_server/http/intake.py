"""The reading side of a connection: requests one after another, each within its limits."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import Any

from waitress.channel import HTTPChannel
from waitress.utilities import Error

from tts_server.http.connections import Connection, Connections
from tts_server.http.deadlines import Deadlines, Pace, Recent
from tts_server.http.heads import check_head
from tts_server.http.request import Crowded, Request

EARLY_BYTES = 64 * 1024
"""Bytes that a client may send before its current request is answered; with more, the connection is closed after the reply."""

SMALL_BODY_BYTES = 64 * 1024
"""Requests up to this size are accepted however much is buffered, so that short texts are spoken while uploads are refused."""

MAX_REFUSING = 3
"""How many requests without a valid key may wait for their reply; further connections are closed, so that others are answered."""


class Intake(HTTPChannel):
    """The reading side of a connection.

    It reads all the time, so that the end of the connection is noticed: what comes while a request is worked on waits in a buffer. Only
    what follows a complete reply is not read beyond that buffer until the server has done with the request.
    `network` is what all connections of the client have in common, None where many clients share it.
    """

    request: Request | None = None
    requests: list[Request]

    def __init__(self, deadlines: Deadlines, connections: Connections, *arguments: Any, **options: Any) -> None:
        self.num_tasks = 0
        self.is_upgraded = False
        self.has_ended_input = False
        self.discards_until: float | None = None
        self.reading = threading.Lock()
        self._connections = connections
        self.parser_class = self._new_request
        self._begun: float | None = None
        self._body = Pace(deadlines.body, deadlines.bytes_per_second)
        self._early = bytearray()
        self._has_flooded = False
        self._rate = Recent()
        self._cost = Recent()
        super().__init__(*arguments, **options)
        self.network = connections.limits.network_of(str(self.addr[0]))
        connections.add(self)

    def _new_request(self, adjustments: Any) -> Request:
        return Request(adjustments, check=partial(check_head, self))

    @property
    def is_free(self) -> bool:
        """Whether nothing is being answered, sent or discarded."""
        return not (self.is_upgraded or self.requests or self.total_outbufs_len or self.close_when_flushed)

    @property
    def has_early_bytes(self) -> bool:
        """Whether data arrived before the current request was answered."""
        return bool(self._early)

    @property
    def _must_wait(self) -> bool:
        """Whether the buffer is full of a request that was sent in time, once the reply to the one before was complete."""
        return len(self._early) >= EARLY_BYTES and self.is_answered and not self._has_flooded

    @property
    def buffered(self) -> int:
        """Bytes of requests that are read or worked on, and of replies that are not sent."""
        current = self.request
        requests = [*self.requests, *([current] if current is not None else [])]
        return len(self._early) + int(self.total_outbufs_len) + sum(int(request.body_bytes_received) for request in requests)

    def recent_cost(self, now: float) -> float:
        """Seconds that the loop recently spent on this connection."""
        return self._cost.sum(now)

    def received(self, data: bytes) -> bool:
        now = time.monotonic()
        num_tasks = self.num_tasks
        taken = bool(super().received(data))
        request = self.request
        has_completed = bool(self.requests) or self.num_tasks != num_tasks
        if request is None:
            self._body.end()
            self._begun = None if has_completed else self._begun or now  # else nothing but an empty line
            self._connections.account(self)
            return taken
        if has_completed or self._begun is None:
            self._begun = now
            self._body.end()
        if request.headers_finished:
            self._body.move(len(data), now)
            self._rate.add(len(data), now)
            if request.is_refused_by_head():
                self._answer_early(request)
        self._connections.account(self)
        if self._connections.is_over(self):
            self._free_buffers(now)
        return taken

    def _answer_early(self, request: Request) -> None:
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
        """Whether part of a request head has arrived that was not read yet."""
        if self.socket is None or (self.request is not None and self.request.headers_finished):
            return False
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def upload_rate(self, now: float) -> float | None:
        """Bytes of its body that arrived in the last one to two seconds; None if it is not a sizeable upload."""
        request = self.request
        is_upload = self.is_free and request is not None and request.body_bytes_received > SMALL_BODY_BYTES
        return self._rate.sum(now) if is_upload else None

    def _free_buffers(self, now: float) -> None:
        """Refuse this upload, or a clearly slower one, because too much is buffered."""
        own_rate = self.upload_rate(now)
        if own_rate is None:
            return
        victim: Connection = self
        for other in self._connections.sharing(self):
            rate = other.upload_rate(now)
            if rate is not None and rate < own_rate / 2:
                victim, own_rate = other, rate * 2
        victim.refuse(Crowded("There is no room for the body of this request. Try again later"))
        self._connections.account(victim)  # at once: otherwise the next upload is refused too, for bytes that are gone

    def advance(self) -> None:
        """Process data that arrived during the last request, or close the connection after the last reply."""
        if self.requests or self.total_outbufs_len or self.will_close or self.close_when_flushed or self.is_upgraded:
            return
        if self._early and not self._has_flooded:
            data = bytes(self._early[: self.adj.recv_bytes])
            del self._early[: len(data)]
            self.received(data)
        elif self._has_flooded or self.has_ended_input:
            self.handle_close()

    def readable(self) -> bool:
        if self._early or self.has_ended_input:
            self.advance()
        if self._must_wait:
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
        if self._must_wait:
            return
        # Looked up before the data is read: what came before the reply was complete is too early.
        room = EARLY_BYTES - len(self._early) if self.is_answered and not self._has_flooded else EARLY_BYTES
        try:
            data = self.socket.recv(min(self.adj.recv_bytes, room))
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if not data:
            self.end_input()
        elif self.discards_until is not None:
            return
        elif self.requests or self.total_outbufs_len or self._early:
            room = EARLY_BYTES - len(self._early)
            self._early += data[:room]
            if len(data) > room:
                self._has_flooded = True  # what is thrown away cannot be answered
            self._connections.account(self)
        else:
            self.received(data)

    def handle_close(self) -> None:
        super().handle_close()
        self._early.clear()
        if self.request is not None:
            self.request.close()
            self.request = None
        self._connections.remove(self)

    # Implemented by the writing side

    @property
    def is_answered(self) -> bool:
        """Whether no request is worked on, or the last byte of its reply is being sent, or was."""
        raise NotImplementedError

    def refuse(self, error: Error) -> None:
        """Answer an error instead of waiting for the rest of a request, and end the connection."""
        raise NotImplementedError

    def end_input(self) -> None:
        """Handle the end of the client's data."""
        raise NotImplementedError
