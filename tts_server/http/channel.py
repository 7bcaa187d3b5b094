"""A connection, as Waitress calls it, with its deadlines."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.utilities import Error

from tts_server.admission import Ticket
from tts_server.http.deadlines import Deadlines, Pace
from tts_server.http.dialogues import Dialogues
from tts_server.http.request import Request, RequestTimeout, Stopping, refusal
from tts_server.http.tasks import STOPPING, JsonErrorTask, Task, admit
from tts_server.web.head import SAFE_METHODS
from tts_server.web.realtime.routes import Dialogue

DISCARD_SECONDS = 2.0
"""For so long the rest of a refused request is read and thrown away: to close before would take the reply from its client."""

LINGER = struct.Struct("hh" if sys.platform == "win32" else "ii")


class Channel(HTTPChannel):
    """One connection. `judge` ends it where its client is late. Handed over to a dialogue, it only counts as a connection.

    `task` is the reply to the request in work. `free_since` is when it last was busy. `is_cut`: a reply broke off, and only
    an error of the connection can tell.
    """

    parser_class = Request
    task_class = Task
    error_task_class = JsonErrorTask

    request: Request | None = None
    requests: list[Request]

    def __init__(self, dialogues: Dialogues, deadlines: Deadlines, *arguments: Any, **options: Any) -> None:
        self.dialogues = dialogues
        self.task: Task | None = None
        self.is_cut = False
        self.num_tasks = 0
        self._deadlines = deadlines
        self.free_since = time.monotonic()
        self._begun: float | None = None
        self._body = Pace(deadlines.body, deadlines.bytes_per_second)
        self._unsent = Pace(deadlines.reader, deadlines.bytes_per_second)
        self._is_handed_over = False
        self._is_refused = False
        self._discards_until: float | None = None
        self._reading = threading.Lock()
        super().__init__(*arguments, **options)

    # Called by the loop

    @property
    def has_no_head(self) -> bool:
        """Whether the server waits for the client to say what it wants."""
        return self._is_free and (self.request is None or not self.request.headers_finished)

    @property
    def _is_free(self) -> bool:
        """Whether nothing is being answered, sent or discarded."""
        return not (self._is_handed_over or self.requests or self.total_outbufs_len or self.close_when_flushed)

    @property
    def has_begun_reply(self) -> bool:
        """Whether a client has seen a part of a reply, or would have, if it took it."""
        return bool(self.total_outbufs_len) or (bool(self.requests) and self.task is not None and self.task.wrote_header)

    def judge(self, now: float) -> None:
        """End the connection if its client is late."""
        if self._is_handed_over:
            return
        if self._discards_until is not None:
            if now > self._discards_until:
                self.handle_close()
            return
        if self.total_outbufs_len:
            self._unsent.begin(now)
            if self._unsent.is_lost(now):
                self.abort()
        else:
            self._unsent.end()
        if not self._is_free:
            self.free_since = now  # the client may wait for us
        elif self._begun is None:
            if now - self.free_since > self._deadlines.idle:
                self.handle_close()
        elif self.request is not None and self.request.headers_finished:
            if self._body.is_lost(now):
                self.refuse(RequestTimeout("The request's body came too slowly"))
        elif now - max(self._begun, self.free_since) > self._deadlines.head:
            self.refuse(RequestTimeout(f"The request's headers were not complete after {self._deadlines.head:g} seconds"))

    def dismiss(self) -> None:
        """End the connection where nothing has been asked; where half a request has come, say that the server stops."""
        if self._is_free and self.request is None:
            self.handle_close()
        elif self._is_free:
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

    def received(self, data: bytes) -> bool:
        now = time.monotonic()
        num_tasks = self.num_tasks
        taken = bool(super().received(data))
        request = self.request
        has_completed = bool(self.requests) or self.num_tasks != num_tasks
        if request is None:
            self._body.end()
            self._begun = None if has_completed else self._begun or now  # else nothing but an empty line
            return taken
        if has_completed or self._begun is None:
            self._begun = now
            self._body.end()
        if request.headers_finished:
            self._body.move(len(data), now)
        return taken

    def readable(self) -> bool:
        return not self._is_handed_over and (self._discards_until is not None or bool(super().readable()))

    def writable(self) -> bool:
        return not self._is_handed_over and self._discards_until is None and bool(super().writable())

    def handle_read(self) -> None:
        with self._reading:
            if self._discards_until is not None:
                self.recv(self.adj.recv_bytes)  # which closes at the end
            elif not self._is_handed_over:
                super().handle_read()

    def handle_write(self) -> None:
        if self._is_refused and self.close_when_flushed and not self.will_close:
            self._flush_exception(self._flush_some)
            if self.total_outbufs_len:
                return
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
                self._discards_until = time.monotonic() + DISCARD_SECONDS
                return
        super().handle_write()

    def handle_close(self) -> None:
        if self.is_cut and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER.pack(1, 0))
        super().handle_close()

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

    def service(self) -> None:
        request = self.requests[0]
        if self.server.is_draining and not request.error:
            request.error = Stopping(STOPPING)
        self._is_refused = request.error is not None
        super().service()
        self.free_since = time.monotonic()

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Wait for a client that reads more slowly than audio is made; others use the slot and the thread meanwhile."""
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            with self.server.task_dispatcher.blocked(self.requests[0].ticket if self.requests else None):
                super()._flush_outbufs_below_high_watermark()

    def check_client_disconnected(self) -> bool:
        return self.is_given_up or bool(super().check_client_disconnected())

    def _flush_some(self, do_close: bool = True) -> bool:
        before = self.total_outbufs_len
        is_sent = bool(super()._flush_some(do_close))
        if self.total_outbufs_len:
            self._unsent.move(before - self.total_outbufs_len, time.monotonic())
        else:
            self._unsent.end()
        return is_sent

    def hand_over(self, dialogue: Dialogue) -> None:
        """From now on the dialogue alone reads and writes. Called by the request's thread."""
        with self._reading:
            connection = self.socket.dup()
            self._is_handed_over = True
        # What came behind the request was read as HTTP and is lost: a client has to wait for the reply to it.
        is_early = len(self.requests) > 1 or self.request is not None
        if is_early:
            connection.close()
        if is_early or not self.dialogues.start(dialogue, connection, self._take_back):
            self._take_back()

    def _take_back(self) -> None:
        """The dialogue is over: let the loop close what is left."""
        self.will_close = True
        self._is_handed_over = False
        self.server.pull_trigger()
