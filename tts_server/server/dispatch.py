"""Decides which request gets a thread next.

There is one thread per slot of the queue, and RESERVE more. A request that makes or takes audio first gets a ticket (`admit`). If the
ticket is queued, the request releases its thread and is answered once it has a slot. So `/health`, the page and the listings are answered
however many texts are being synthesized.

There are two queues. `_ready` holds requests that are cheap or have a slot, `_unchecked` those that still need a ticket. Threads take from
both alternately, so that cheap requests do not wait for all checks in a burst of requests. At most CHECKED_AT_ONCE requests are checked at
a time: checks only use the processor, so more threads would compete with each other and with the loop.

A thread that waits for something outside of this server, such as a slow reader, is replaced by another one meanwhile, and the ticket of
its request is paused. There are at most as many such threads as connections.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from tts_server.admission import Admission, Ticket

log = logging.getLogger("tts_server")

RESERVE = 8
CHECKED_AT_ONCE = 4

THROTTLE_SECONDS = 1.0
"""How long no new check begins while the loop has connections left to read, since the loop thread waits for the GIL after each system call
while other threads compute. Afterwards checks run for at least as long, however much there is to read."""


class PendingConnection(Protocol):
    """What the dispatcher needs of a Channel: a connection with a request to answer."""

    @property
    def is_read_only(self) -> bool:
        """Whether the request only reads, so that checking it takes little time."""

    def admit(self) -> Ticket | None:
        """Check the request; return its ticket, or None if it needs none."""

    @property
    def is_refused(self) -> bool:
        """Whether the check has refused the request, so that the reply is an error."""

    def service(self) -> None:
        """Answer the request."""


@dataclass(eq=False)
class _Job:
    """A request to answer. The dispatcher releases the ticket in any case."""

    connection: PendingConnection
    ticket: Ticket | None = None
    is_admitted: bool = False
    is_counted: bool = False
    """Whether it counts towards CHECKED_AT_ONCE."""


class Dispatcher:
    """The threads that answer requests. Waitress calls this a task dispatcher. Any thread may call its methods."""

    def __init__(self, admission: Admission, *, reserve: int = RESERVE) -> None:
        self.admission = admission
        self._size = admission.slots + reserve
        self._changed = threading.Condition()
        # Guarded by the condition, down to `_threads`.
        # Jobs that are cheap or have a slot, and jobs to check first.
        self._ready: deque[_Job] = deque()
        self._unchecked: deque[_Job] = deque()
        # The last job came from `_ready`; the next comes from `_unchecked` if it can.
        self._took_ready = False
        # Threads with a job; those of them that check one from `_unchecked`; those inside of `blocked`.
        self._num_busy = 0
        self._num_checking = 0
        self._num_blocked = 0
        # Threads started so far, for their names.
        self._num_started = 0
        self._is_closing = False
        # No check begins now, see `throttle_checks`.
        self._is_throttled = False
        self._threads: set[threading.Thread] = set()
        # Loop thread only.
        self._throttled_since = -math.inf
        with self._changed:
            for _ in range(self._size):
                self._start_thread()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered and none waits."""
        with self._changed:
            return not (self._num_busy or self._ready or self._unchecked or self.admission.state().waiting)

    def add_task(self, connection: PendingConnection) -> None:
        """Queue the connection's next request. Called by Waitress."""
        self._queue(_Job(connection))

    @contextmanager
    def blocked(self, ticket: Ticket | None, *, is_queued_after: bool = False) -> Iterator[None]:
        """Let another thread replace the calling one, and pause its ticket, inside the context; see `Admission.paused`."""
        with self._changed:
            self._num_blocked += 1
            if len(self._threads) - self._num_blocked < self._size and not self._is_closing:
                self._start_thread()
        try:
            with self.admission.paused(ticket, is_queued_after=is_queued_after):
                yield
        finally:
            with self._changed:
                self._num_blocked -= 1
                self._changed.notify()  # a surplus thread can end now

    def throttle_checks(self, is_behind: bool, now: float) -> None:
        """Delay new checks if the loop has connections left to read. Called by the loop thread after each iteration."""
        if is_behind and now - self._throttled_since > 2 * THROTTLE_SECONDS:
            self._throttled_since = now
        is_throttled = is_behind and now - self._throttled_since <= THROTTLE_SECONDS
        if is_throttled != self._is_throttled:
            with self._changed:
                self._is_throttled = is_throttled
                self._changed.notify_all()

    def drain(self) -> None:
        """Close the queue. Requests that reach a thread from now on are refused by their connection."""
        self.admission.close()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        """Drop queued requests, end the threads and wait up to `timeout` seconds for them. Name and arguments are Waitress's."""
        self.admission.close()
        with self._changed:
            self._is_closing = True
            self._ready.clear()
            self._unchecked.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if num_alive := sum(thread.is_alive() for thread in threads):
            log.warning("%d requests did not end in time", num_alive)

    def _queue(self, job: _Job) -> None:
        queue = self._ready if job.is_admitted or job.connection.is_read_only else self._unchecked
        with self._changed:
            queue.append(job)
            self._changed.notify()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"request-{self._num_started}", daemon=True)
        self._num_started += 1
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads
            self._threads.discard(thread)
            log.warning("cannot start another thread; %d threads answer requests", len(self._threads))

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                if job.is_admitted or self._admit(job):
                    self._answer(job)
            except BaseException:
                log.exception("a request failed outside of the application")
            finally:
                with self._changed:
                    self._num_busy -= 1
                    self._end_check(job)

    def _admit(self, job: _Job) -> bool:
        """Check the job; return whether it can be answered now. Otherwise its ticket queues it again once it has a slot."""
        job.ticket = job.connection.admit()
        job.is_admitted = True
        if not job.connection.is_refused:
            with self._changed:
                self._end_check(job)
        if job.ticket is None or job.ticket.decided.done():
            return True
        job.ticket.decided.add_done_callback(lambda _: self._queue(job))
        return False

    def _answer(self, job: _Job) -> None:
        try:
            job.connection.service()
        finally:
            if job.ticket is not None:
                self.admission.release(job.ticket)

    def _begin_check(self) -> _Job:
        job = self._unchecked.popleft()
        job.is_counted = True
        self._num_checking += 1
        return job

    def _end_check(self, job: _Job) -> None:
        if job.is_counted:
            job.is_counted = False
            self._num_checking -= 1
            self._changed.notify()

    def _take(self) -> _Job | None:
        """Wait for the next job and return it; None if the thread is to end."""
        with self._changed:
            while not self._is_closing:
                can_check = bool(self._unchecked) and not self._is_throttled and self._num_checking < CHECKED_AT_ONCE
                if self._ready or can_check:
                    self._num_busy += 1
                    self._took_ready = bool(self._ready) and not (self._took_ready and can_check)
                    return self._ready.popleft() if self._took_ready else self._begin_check()
                if len(self._threads) - self._num_blocked > self._size:
                    break
                self._changed.wait()
            self._threads.discard(threading.current_thread())
        return None
