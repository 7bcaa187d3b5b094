"""A connection, as Waitress calls it, with its deadlines."""

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
from tts_server.http.connections import JUST_BEGUN, STEADY, Connections
from tts_server.http.deadlines import Deadlines, Pace
from tts_server.http.half_closed import HalfClosed
from tts_server.http.intake import Intake
from tts_server.http.request import RequestTimeout, Stopping, refusal
from tts_server.http.tasks import STOPPING, JsonErrorTask, Task, admit
from tts_server.http.upgrades import UpgradedConnections
from tts_server.wsgi import SAFE_METHODS, UpgradedConnection

DISCARD_SECONDS = 2.0
"""For so long the rest of a refused request is read and thrown away: to close before would take the reply from its client."""

GRACE_SECONDS = 1.0
"""Seconds that a new request has before its connection may be closed under pressure, if slower ones exist."""

FAST_BYTES = 32 * 1024
"""A connection whose body brought so many bytes in the last one to two seconds is not closed for new connections."""

LINGER = struct.Struct("hh" if sys.platform == "win32" else "ii")


class Channel(Intake):
    """One connection. `judge` ends it where its client is late. Once it is upgraded, it only counts as a connection.

    `task` is the reply to the request in work. `free_since` is when it last was busy. `is_cut`: a reply broke off, and only
    an error of the connection can tell.
    """

    task_class = Task
    error_task_class = JsonErrorTask

    def __init__(
        self, upgrades: UpgradedConnections, deadlines: Deadlines, connections: Connections, *arguments: Any, **options: Any
    ) -> None:
        self.upgrades = upgrades
        self.task: Task | None = None
        self.is_cut = False
        self.cancellation = Cancellation()
        self._deadlines = deadlines
        self.free_since = time.monotonic()
        self._unsent = Pace(deadlines.reader, deadlines.bytes_per_second)
        self._is_refused = False
        self._opened = self.free_since
        self._has_answered = False
        self._half_closed: HalfClosed | None = None
        self._is_reply_begun = False
        self._sent_at = 0.0
        super().__init__(deadlines, connections, *arguments, **options)

    # Called by the loop

    @property
    def has_begun_reply(self) -> bool:
        """Whether a client has seen a part of a reply, or would have, if it took it."""
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
        if not self.is_free:
            return None
        if self._begun is None and self._has_answered:
            return (1, self.free_since)
        since = self._opened if self._begun is None else self._begun
        if now - since <= GRACE_SECONDS:
            return (JUST_BEGUN, since)
        if self.request is None or not self.request.headers_finished:
            return (2, since)
        rate = self._rate.sum(now)
        return (3 if rate < FAST_BYTES else STEADY, rate, since)

    def judge(self, now: float) -> None:
        """End the connection if its client is late."""
        if self.is_upgraded:
            return
        self._connections.account(self)
        if self.discards_until is not None:
            if now > self.discards_until:
                self.handle_close()
            return
        if self.total_outbufs_len:
            self._unsent.begin(now)
            if self._unsent.is_lost(now):
                self.abort()
        else:
            self._unsent.end()
        if not self.is_free:
            self.free_since = now  # the client may wait for us
        elif self._begun is None:
            if now - self.free_since > self._deadlines.idle:
                self.handle_close()
        elif self.request is not None and self.request.headers_finished:
            if self._body.is_lost(now):
                self.refuse(RequestTimeout("The request's body came too slowly"))
            elif self._body.seconds(now) > self._deadlines.upload:
                self.refuse(RequestTimeout(f"The request's body was not complete after {self._deadlines.upload:g} seconds"))
        elif now - max(self._begun, self.free_since) > self._deadlines.head:
            self.refuse(RequestTimeout(f"The request's headers were not complete after {self._deadlines.head:g} seconds"))

    def find_out(self, now: float) -> None:
        """Probe a client that has ended its side; close the connection if the client is gone."""
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
                return  # which finds it out as well
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

    def dismiss(self) -> None:
        """End the connection where nothing has been asked; where half a request has come, say that the server stops."""
        if self.is_free and self.request is None:
            self.handle_close()
        elif self.is_free:
            self.refuse(Stopping(STOPPING))

    def refuse(self, error: Error) -> None:
        """Answer an error instead of waiting for the rest of a request, and end the connection."""
        with self.requests_lock:
            if self.requests:
                return
            if self.request is not None:
                self.request.close()
            self.request = None
            self.requests.append(refusal(error, self.adj))
            self.server.add_task(self)

    def abort(self) -> None:
        """End the connection so that nothing of the reply looks whole, and without waiting for the client to take the rest."""
        self.is_cut = True
        self.handle_close()

    def cut_off(self) -> None:
        """End the connection now; what is missing of a reply is seen to be missing."""
        task = self.task
        self.is_cut = bool(self.requests) and task is not None and task.ends_by_closing
        self.handle_close()

    def writable(self) -> bool:
        return not self.is_upgraded and self.discards_until is None and bool(super().writable())

    def end_input(self) -> None:
        """Handle the end of the client's data: it has closed the connection, or only its sending side and waits for the reply."""
        requests = list(self.requests)
        is_answering = bool(requests or self.total_outbufs_len or self.has_early_bytes)
        if not is_answering or self.discards_until is not None or any("UPGRADE" in request.headers for request in requests):
            self.handle_close()
            return
        now = time.monotonic()
        self.has_ended_input = True
        self._half_closed = HalfClosed(now)
        self.find_out(now)

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
        if self.is_cut and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER.pack(1, 0))
        super().handle_close()
        self.cancellation.cancel()

    # Called by a request's thread, too

    @property
    def is_given_up(self) -> bool:
        """Whether the server can wait no longer for the reply."""
        return bool(self.server.is_ending)

    @property
    def only_reads(self) -> bool:
        request = self.requests[0]
        return request.error is not None or request.command in SAFE_METHODS

    def admit(self) -> Ticket | None:
        """Check the next request; return the ticket that its work needs, or None."""
        request = self.requests[0]
        if self.server.is_draining and not request.error:
            request.error = Stopping(STOPPING)
        return admit(self, request)

    @property
    def is_refused(self) -> bool:
        request = self.requests[0]
        return request.error is not None or request.refusal is not None

    def service(self) -> None:
        request = self.requests[0]
        if self.server.is_draining and not request.error:
            request.error = Stopping(STOPPING)
        self._is_refused = self.is_refused
        super().service()
        self._connections.refusing.discard(self)
        self.free_since = time.monotonic()
        self._has_answered = True
        if not self.connected:
            with self.requests_lock:
                for request in self.requests:
                    request.close()
                self.requests = []
        self._connections.account(self)

    def begin_reply(self) -> None:
        """Note that the next write is the head of a reply."""
        self._is_reply_begun = False

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
        """Wait for a slow reader, with the slot and the thread released to other requests."""
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            with self.server.task_dispatcher.blocked(self.requests[0].admitted.ticket if self.requests else None):
                super()._flush_outbufs_below_high_watermark()

    def _flush_some(self, do_close: bool = True) -> bool:
        before = self.total_outbufs_len
        is_sent = bool(super()._flush_some(do_close))
        if self.total_outbufs_len:
            self._unsent.move(before - self.total_outbufs_len, time.monotonic())
        else:
            self._unsent.end()
        return is_sent

    def upgrade(self, upgraded: UpgradedConnection) -> None:
        """Leave reading and writing to `upgraded` from now on. Called by the request's thread."""
        with self.reading:
            connection = self.socket.dup()
            self.is_upgraded = True
        # What came behind the request was read as HTTP and is lost: a client has to wait for the reply to it.
        is_early = len(self.requests) > 1 or self.request is not None or self.has_early_bytes
        if is_early:
            connection.close()
            self.upgrades.release(upgraded)
            self._take_back()
        else:
            self.upgrades.start(upgraded, connection, self._take_back)

    def _take_back(self) -> None:
        """End an upgraded connection: the thread of the loop closes it."""
        self.will_close = True
        self.is_upgraded = False
        self.server.pull_trigger()
