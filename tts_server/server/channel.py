"""One connection: Waitress's channel with deadlines, probes of half-closed connections and upgrades.

Two threads use a channel: the loop thread, which reads and writes sockets, and at most one request thread, which runs `service`. The
banners in the class say which of them may call a method.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from typing import Any

from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.utilities import Error

from tts_server.admission import Ticket
from tts_server.cancellation import Cancellation
from tts_server.server.connections import JUST_BEGUN, STEADY, Connections
from tts_server.server.deadlines import Deadlines, Pace
from tts_server.server.half_closed import HalfClosed
from tts_server.server.intake import Intake
from tts_server.server.request import RequestTimeout, ServerStopping, refusal
from tts_server.server.tasks import STOPPING, JsonErrorTask, Task, admit
from tts_server.server.upgrades import UpgradedConnections
from tts_server.wsgi import SAFE_METHODS, UpgradedConnection

DISCARD_SECONDS = 2.0
"""How long the rest of a refused request is read and discarded. Closing at once would reset the connection and lose the reply."""

GRACE_SECONDS = 1.0
"""A connection is not closed under pressure within this time after it began a request, as long as slower ones exist."""

FAST_BYTES = 32 * 1024
"""A connection that received this many bytes of a body in the last one to two seconds is not closed for new connections."""

LINGER = struct.Struct("hh" if sys.platform == "win32" else "ii")


class Channel(Intake):
    """One connection. After an upgrade it is neither read nor written, and only counts as a connection."""

    task_class = Task
    error_task_class = JsonErrorTask

    def __init__(
        self, upgrades: UpgradedConnections, deadlines: Deadlines, connections: Connections, *arguments: Any, **options: Any
    ) -> None:
        self.upgrades = upgrades
        # The reply to the current request. Set by the request thread, read by both.
        self.task: Task | None = None
        # A reply was cut off and its end is the end of the connection, so only a reset shows that it is incomplete. Set by both threads.
        self.is_truncated = False
        # Cancelled by the loop thread when the connection closes; read by the request thread.
        self.cancellation = Cancellation()
        self._deadlines = deadlines
        # When the connection was last busy. Set by both threads.
        self.idle_since = time.monotonic()
        # The deadline of the client for taking the reply. Used under `outbuf_lock`, except in `check_deadlines`.
        self._unsent = Pace(deadlines.reader, deadlines.bytes_per_second)
        # The current request was refused, so the connection closes after the reply. Set by the request thread.
        self._is_refused = False
        self._opened = self.idle_since
        # At least one request was answered. Set by the request thread.
        self._has_answered = False
        # Set by the loop thread when the client ends its side, and never reset.
        self._half_closed: HalfClosed | None = None
        # The head of the current reply was written, or a part of it was sent early. Used under `outbuf_lock`, except in `begin_reply`.
        self._is_reply_begun = False
        # When the request thread last wrote a part of the reply. Used under `outbuf_lock`.
        self._sent_at = 0.0
        super().__init__(deadlines, connections, *arguments, **options)

    # ------------------------------------------------------------------ called by the loop thread only

    @property
    def has_started_reply(self) -> bool:
        """Whether part of a reply was sent or waits in the output buffer."""
        return bool(self.total_outbufs_len) or (bool(self.requests) and self.task is not None and self.task.wrote_header)

    @property
    def is_answered(self) -> bool:
        try:
            request = self.requests[0]
        except IndexError:
            return True
        return self.task is not None and self.task.request is request and self.task.is_whole

    @property
    def is_watched(self) -> bool:
        """Whether the connection has to be watched for errors although it is neither read nor written."""
        return self._half_closed is not None

    def rank(self, now: float) -> tuple[float, ...] | None:
        """Return the sort key for closing under pressure, lowest first; None while a request is processed or answered."""
        if self.discards_until is not None:
            return (0, self.discards_until)
        if not self.is_idle:
            return None
        if self._begun is None and self._has_answered:
            return (1, self.idle_since)
        since = self._opened if self._begun is None else self._begun
        if now - since <= GRACE_SECONDS:
            return (JUST_BEGUN, since)
        if self.request is None or not self.request.headers_finished:
            return (2, since)
        rate = self._rate.sum(now)
        return (3 if rate < FAST_BYTES else STEADY, rate, since)

    def check_deadlines(self, now: float) -> None:
        """Close the connection, or answer 408, if its client has missed a deadline."""
        if self.is_upgraded:
            return
        self._connections.account(self)
        if self.discards_until is not None:
            if now > self.discards_until:
                self.handle_close()
            return
        if self.total_outbufs_len:
            self._unsent.begin(now)
            if self._unsent.is_too_slow(now):
                self.abort()
        else:
            self._unsent.end()
        if not self.is_idle:
            self.idle_since = now  # the client may be waiting for the server
        elif self._begun is None:
            if now - self.idle_since > self._deadlines.idle:
                self.handle_close()
        elif self.request is not None and self.request.headers_finished:
            if self._body.is_too_slow(now):
                self.refuse(RequestTimeout("The request's body came too slowly"))
            elif self._body.seconds(now) > self._deadlines.upload:
                self.refuse(RequestTimeout(f"The request's body was not complete after {self._deadlines.upload:g} seconds"))
        elif now - max(self._begun, self.idle_since) > self._deadlines.head:
            self.refuse(RequestTimeout(f"The request's headers were not complete after {self._deadlines.head:g} seconds"))

    def probe_client(self, now: float) -> None:
        """Probe a client that has ended its side of the connection; close the connection if the client is gone."""
        half_closed = self._half_closed
        if half_closed is None or self.socket is None:
            return
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            pass
        except OSError:
            self.handle_close()
            return
        if not self.requests or not self.outbuf_lock.acquire(blocking=False):
            return
        try:
            if self.total_outbufs_len:
                return  # sending the rest of the reply probes the client
            task = self.task
            has_begun = task is not None and task.request is self.requests[0] and task.wrote_header
            if not self._is_reply_begun:
                self._send_early(half_closed.beginning(now))
            elif task is not None and has_begun and task.chunked_response:
                self._send_early(half_closed.between_chunks(now, self._sent_at))
            elif half_closed.is_unanswerable(now, self._sent_at):
                self.handle_close()
        except IndexError:
            pass  # the reply has just ended
        finally:
            self.outbuf_lock.release()

    def _send_early(self, data: bytes) -> None:
        if data:
            self.outbufs[-1].append(data)
            self.current_outbuf_count += len(data)
            self.total_outbufs_len += len(data)
            self._flush_exception(self._flush_some)

    def close_idle(self) -> None:
        """Close the connection if it has no request; answer 503 if a request has arrived in part."""
        if self.is_idle and self.request is None:
            self.handle_close()
        elif self.is_idle:
            self.refuse(ServerStopping(STOPPING))

    def refuse(self, error: Error) -> None:
        """Answer an error instead of waiting for the rest of a request, and close the connection."""
        with self.requests_lock:
            if self.requests:
                return
            if self.request is not None:
                self.request.close()
            self.request = None
            self.requests.append(refusal(error, self.adj))
            self.server.add_task(self)

    def abort(self) -> None:
        """Reset the connection: unsent data is dropped, and the client cannot take an incomplete reply for a complete one."""
        self.is_truncated = True
        self.handle_close()

    def close_abruptly(self) -> None:
        """Close the connection now, by a reset if the client could not tell otherwise that the reply is incomplete."""
        task = self.task
        self.is_truncated = bool(self.requests) and task is not None and task.ends_by_closing
        self.handle_close()

    def writable(self) -> bool:
        return not self.is_upgraded and self.discards_until is None and bool(super().writable())

    def end_input(self) -> None:
        """Handle the end of the client's data: the client has closed the connection, or only its sending side."""
        requests = list(self.requests)
        is_answering = bool(requests or self.total_outbufs_len or self.has_pipelined_bytes)
        if not is_answering or self.discards_until is not None or any("UPGRADE" in request.headers for request in requests):
            self.handle_close()
            return
        now = time.monotonic()
        self.has_ended_input = True
        self._half_closed = HalfClosed(now)
        self.probe_client(now)

    def send(self, data: bytes, do_close: bool = True) -> int:
        return 0 if self.socket is None else int(super().send(data, do_close))

    def handle_write(self) -> None:
        if self._is_refused and self.close_when_flushed and not self.will_close:
            self._flush_exception(self._flush_some)
            if self.total_outbufs_len or self.socket is None:
                return
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                self.discards_until = time.monotonic() + DISCARD_SECONDS
                return
        super().handle_write()

    def handle_close(self) -> None:
        if self.is_truncated and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER.pack(1, 0))
        super().handle_close()
        self.cancellation.cancel()

    # ------------------------------------------------------------------ called by the request thread

    @property
    def is_server_ending(self) -> bool:
        """Whether the server stops and no longer waits for replies."""
        return bool(self.server.is_ending)

    @property
    def is_read_only(self) -> bool:
        request = self.requests[0]
        return request.error is not None or request.command in SAFE_METHODS

    def admit(self) -> Ticket | None:
        """Check the next request; return the ticket that its work needs, or None."""
        request = self.requests[0]
        if self.server.is_draining and not request.error:
            request.error = ServerStopping(STOPPING)
        return admit(self, request)

    @property
    def is_refused(self) -> bool:
        request = self.requests[0]
        return request.error is not None or request.refusal is not None

    def service(self) -> None:
        request = self.requests[0]
        if self.server.is_draining and not request.error:
            request.error = ServerStopping(STOPPING)
        self._is_refused = self.is_refused
        super().service()
        self._connections.refusing.discard(self)
        self.idle_since = time.monotonic()
        self._has_answered = True
        if not self.connected:
            with self.requests_lock:
                for request in self.requests:
                    request.close()
                self.requests = []
        self._connections.account(self)

    def write_soon(self, data: Any) -> int:
        if isinstance(data, ReadOnlyFileBasedBuffer) and self.task is not None:
            self.task.is_whole = True
        with self.outbuf_lock:
            self._sent_at = time.monotonic()
            if not self._is_reply_begun:
                self._is_reply_begun = True
                if self._half_closed is not None:
                    data = data[self._half_closed.take_sent() :]
        return int(super().write_soon(data))

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Wait for a slow reader. Meanwhile other requests may use the slot and a thread."""
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            with self.server.task_dispatcher.blocked(self.requests[0].admitted.ticket if self.requests else None):
                super()._flush_outbufs_below_high_watermark()

    def upgrade(self, upgraded: UpgradedConnection) -> None:
        """Pass the connection to `upgraded`; the channel no longer reads or writes it."""
        with self.reading:
            connection = self.socket.dup()
            self.is_upgraded = True
        # Data after the request was parsed as HTTP and cannot be passed on: a client must wait for the 101 before it sends more.
        has_more_data = len(self.requests) > 1 or self.request is not None or self.has_pipelined_bytes
        if has_more_data:
            connection.close()
            self.upgrades.release(upgraded)
            self._end_upgrade()
        else:
            self.upgrades.start(upgraded, connection, self._end_upgrade)

    # ------------------------------------------------------------------ called by any thread

    def begin_reply(self) -> None:
        """Mark the next write as the head of a reply. Called before a thread takes the request."""
        self._is_reply_begun = False

    def _flush_some(self, do_close: bool = True) -> bool:
        before = self.total_outbufs_len
        is_sent = bool(super()._flush_some(do_close))
        if self.total_outbufs_len:
            self._unsent.add(before - self.total_outbufs_len, time.monotonic())
        else:
            self._unsent.end()
        return is_sent

    def _end_upgrade(self) -> None:
        """Have the loop thread close an upgraded connection. Called by the thread of the upgraded connection."""
        self.will_close = True
        self.is_upgraded = False
        self.server.pull_trigger()
