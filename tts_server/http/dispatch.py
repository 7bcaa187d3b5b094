"""Which request gets a thread next.

There is a thread for every slot of the admission, and RESERVE more. A request gets the next that is free. One that makes or takes audio
gets a ticket first (`Connection.admit`); if that has to wait, the request gives its thread back, and is answered once it has a slot. So
health, the page and every listing are answered however many texts are being spoken. In a rush of requests they, and those that have a slot,
alternate with the others, so that they need not wait until all of those have been looked at; and of the others only CHECKED_AT_ONCE are
checked or refused at a time. That takes nothing but processor time, so more threads would only take it from each other and from the loop.

A thread that waits for something outside of this server, such as a slow reader, is replaced by another one for that time, and the ticket
of its request is paused. There are at most as many such threads as connections.
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

SPARED_SECONDS = 1.0
"""While the loop has connections left to read, no new check begins for so long: with other threads computing, it would wait for its turn
after each call of the system. Then checks go on for as long at least, however much there is to read."""


class Connection(Protocol):
    """A connection with a request to be answered, as a Channel is one."""

    @property
    def only_reads(self) -> bool:
        """Whether its request is soon answered."""

    def admit(self) -> Ticket | None:
        """Check the request; return the ticket that its work needs, or None."""

    @property
    def is_refused(self) -> bool:
        """Whether the check has refused the request, so that the reply is an error."""

    def service(self) -> None:
        """Answer the request."""


@dataclass(eq=False)
class _Job:
    """A request that is to be answered. The dispatcher releases the ticket, whatever happens."""

    connection: Connection
    ticket: Ticket | None = None
    is_admitted: bool = False
    is_counted: bool = False
    """Whether it counts towards CHECKED_AT_ONCE."""


class Dispatcher:
    """Threads that answer requests; what Waitress calls a task dispatcher."""

    def __init__(self, admission: Admission, *, reserve: int = RESERVE) -> None:
        self.admission = admission
        self._size = admission.slots + reserve
        # All of this is guarded by the condition.
        self._quick: deque[_Job] = deque()
        self._others: deque[_Job] = deque()
        self._took_quick = False
        self._num_busy = 0
        self._num_checked = 0
        self._num_blocked = 0
        self._num_started = 0
        self._is_closing = False
        self._is_sparing = False
        self._spared_since = -math.inf
        self._threads: set[threading.Thread] = set()
        self._changed = threading.Condition()
        with self._changed:
            for _ in range(self._size):
                self._start_thread()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered and nothing waits."""
        with self._changed:
            return not (self._num_busy or self._quick or self._others or self.admission.state().waiting)

    def add_task(self, connection: Connection) -> None:
        """Queue the connection's next request. Called by Waitress."""
        self._queue(_Job(connection))

    @contextmanager
    def blocked(self, ticket: Ticket | None, *, is_queued_after: bool = False) -> Iterator[None]:
        """Release the calling thread's place and pause its ticket inside of the context; see `Admission.paused`."""
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

    def spare_loop(self, is_behind: bool, now: float) -> None:
        """Begin no check for a moment if the loop thread has connections left to read; called by it after each pass."""
        if is_behind and now - self._spared_since > 2 * SPARED_SECONDS:
            self._spared_since = now
        is_sparing = is_behind and now - self._spared_since <= SPARED_SECONDS
        if is_sparing != self._is_sparing:
            with self._changed:
                self._is_sparing = is_sparing
                self._changed.notify_all()

    def drain(self) -> None:
        """Let none wait any longer: what comes to a thread from now on is refused by its connection."""
        self.admission.close()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        """End the threads, and wait for them for up to `timeout` seconds; what waits is dropped. The name is Waitress's."""
        self.admission.close()
        with self._changed:
            self._is_closing = True
            self._quick.clear()
            self._others.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if left := sum(thread.is_alive() for thread in threads):
            log.warning("%d requests did not end in time", left)

    def _queue(self, job: _Job) -> None:
        queue = self._quick if job.is_admitted or job.connection.only_reads else self._others
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
            log.warning("no thread could be started; %d answer requests", len(self._threads))

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
        """Whether the job can be answered now; else it is queued again by its ticket."""
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
        job = self._others.popleft()
        job.is_counted = True
        self._num_checked += 1
        return job

    def _end_check(self, job: _Job) -> None:
        if job.is_counted:
            job.is_counted = False
            self._num_checked -= 1
            self._changed.notify()

    def _take(self) -> _Job | None:
        """Return the next job, once there is one; None where the thread is to end."""
        with self._changed:
            while not self._is_closing:
                can_check = bool(self._others) and not self._is_sparing and self._num_checked < CHECKED_AT_ONCE
                if self._quick or can_check:
                    self._num_busy += 1
                    self._took_quick = bool(self._quick) and not (self._took_quick and can_check)
                    return self._quick.popleft() if self._took_quick else self._begin_check()
                if len(self._threads) - self._num_blocked > self._size:
                    break
                self._changed.wait()
            self._threads.discard(threading.current_thread())
        return None
