"""The queue of all requests that make or take audio: which are active, which wait, which are refused.

A slot limits how many requests are worked on, not the engine: engines order segments by themselves, first segments of all texts before
later ones. A ticket counts as active while its audio is made. While its work waits for a slow reader or for a clip it is paused, and
others use its slot.
"""

from __future__ import annotations

import bisect
import enum
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from tts_server.cancellation import Cancellation
from tts_server.errors import Busy

NUM_MEASURED = 64
UNMEASURED_SECONDS = 0.5
MIN_RETRY_SECONDS = 1
MAX_RETRY_SECONDS = 60

MAX_OVERTAKEN = 16
"""A waiting ticket is overtaken by at most so many that arrived after it, so that neither a long text nor a client without an admin key
waits forever."""


class QueuePolicy(str, enum.Enum):
    """The order in which waiting tickets get a slot, after those of admin keys: by arrival, or shorter requests first."""

    FIFO = "fifo"
    SHORT_FIRST = "short_first"


@dataclass(eq=False)
class Ticket:
    """One request's place in the queue, then its slot.

    Any thread may read it. Only the Admission that made it changes it, under its lock.
    """

    # Set on arrival
    name: str = ""  # by which its client asks for the position
    is_large: bool = False  # leaves a part of the slots to others
    is_admin: bool = False  # goes before others
    size: int = 0  # bytes of the request
    cancellation: Cancellation = field(default_factory=Cancellation, repr=False)  # cancelled when the client disconnects
    position: int = 0  # 0 for a request that need not wait, 1 for the first in the queue
    arrived: float = 0.0  # time.monotonic()

    # Changed while it waits and runs
    refusal: Busy | None = None  # set before `decided`
    decided: Future[None] = field(default_factory=Future, repr=False)  # done when the work may begin, or never will
    number: int = 0  # the order of arrival; a new one when it waits again
    overtaken: int = 0  # how many tickets that arrived later began before it
    waited: float = 0.0  # seconds in the queue before the first slot
    has_begun: bool = False  # it has, or has had, a slot
    is_active: bool = False  # it has a slot
    is_paused: bool = False  # it has released its slot for a while
    is_measured: bool = False  # its first release is recorded


@dataclass(frozen=True)
class QueueState:
    """How many are `active` of at most `slots`, `paused`, and `waiting` of at most `max_waiting`; a new one would wait for `seconds`.

    More than `slots` may be active for a moment, where paused ones go on.
    """

    active: int
    slots: int
    paused: int
    waiting: int
    max_waiting: int
    seconds: float

    @property
    def is_full(self) -> bool:
        return self.active >= self.slots and self.waiting >= self.max_waiting


class Admission:
    """Grants at most `slots` slots at a time; at most `max_waiting` tickets wait, in the order of the `policy`. Thread-safe.

    A quarter of the slots is reserved for what is not `is_large`, so that a short text need not wait until long ones have been spoken.
    """

    def __init__(self, slots: int, max_waiting: int, policy: QueuePolicy = QueuePolicy.FIFO) -> None:
        self.slots = slots
        self._policy = policy
        self._large_slots = max(1, slots - max(1, slots // 4))
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        # Guarded by the lock
        self._queue: list[Ticket] = []  # sorted by _rank
        self._numbers = itertools.count()  # for Ticket.number
        self._active = 0  # tickets that have a slot
        self._large_active = 0  # those of them that are large
        self._paused = 0
        self._is_closed = False  # the server stops: no ticket begins
        self._intervals: deque[float] = deque(maxlen=NUM_MEASURED)  # busy seconds between two releases of slots
        self._last_end = 0.0  # time of the last release, or of the first slot after a time without any

    def acquire(
        self,
        name: str = "",
        *,
        size: int = 0,
        is_large: bool = False,
        is_admin: bool = False,
        cancellation: Cancellation | None = None,
        must_wait: bool = False,
    ) -> Ticket:
        """Return a ticket that has begun, waits, or has a `refusal` because too many wait. `must_wait`: it waits behind however many.

        It has to be given to `release`, also where it has not begun.
        """
        ticket = Ticket(name, is_large, is_admin, size, cancellation or Cancellation(), arrived=time.monotonic())
        with self._lock:
            decided = self._drop_gone()
            self._insert(ticket)
            decided += self._begin_next()
            if not ticket.is_active:
                if self._is_closed:
                    ticket.refusal = _stopping()
                elif self._num_waiting() > self._max_waiting and not must_wait:
                    ticket.refusal = self._full()
                ticket.position = self._queue.index(ticket) + 1
                if ticket.refusal is not None:
                    self._queue.remove(ticket)
                    decided.append(ticket)
        _notify(decided)
        return ticket

    def release(self, ticket: Ticket) -> None:
        """End the ticket's work, or its wait. Safe to call twice."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if ticket.is_active:
                self._deactivate(ticket)
            self._unpause(ticket)
            decided = self._drop_gone() + self._begin_next()
        _notify(decided)

    def pause(self, ticket: Ticket) -> None:
        """Release the ticket's slot until `resume` or `reacquire`. Does nothing where the ticket has no slot."""
        with self._lock:
            if not ticket.is_active:
                return
            self._deactivate(ticket)
            ticket.is_paused = True
            self._paused += 1
            decided = self._drop_gone() + self._begin_next()
        _notify(decided)

    def resume(self, ticket: Ticket) -> None:
        """Make a paused ticket active again at once, even if that exceeds the slots: work that has started goes first."""
        with self._lock:
            if self._unpause(ticket):
                self._activate(ticket)

    def reacquire(self, ticket: Ticket) -> None:
        """Wait for a slot for a paused ticket, ahead of tickets that have not started; raises Cancelled, or Busy when the server stops."""
        with self._lock:
            if not self._unpause(ticket):
                return
            ticket.decided = Future()
            self._insert(ticket)
            if self._is_closed:
                self._queue.remove(ticket)
                ticket.refusal = _stopping()
                raise ticket.refusal
            decided = self._begin_next()
        _notify(decided)
        _wait_for(ticket)

    @contextmanager
    def paused(self, ticket: Ticket | None, *, is_queued_after: bool = False) -> Iterator[None]:
        """Pause a ticket inside of the context. Afterwards it resumes at once or, with `is_queued_after`, when a slot is free."""
        if ticket is None:
            yield
            return
        self.pause(ticket)
        try:
            yield
        except BaseException:
            self.resume(ticket)
            raise
        if is_queued_after:
            self.reacquire(ticket)
        else:
            self.resume(ticket)

    @contextmanager
    def slot(self, cancellation: Cancellation, *, size: int = 0, is_admin: bool = False) -> Iterator[Ticket]:
        """Hold a slot inside of the context, after waiting for it in this thread; raises Busy, or Cancelled if cancelled meanwhile."""
        ticket = self.acquire(size=size, is_admin=is_admin, cancellation=cancellation, must_wait=True)
        try:
            _wait_for(ticket)
            yield ticket
        finally:
            self.release(ticket)

    def close(self) -> None:
        """Refuse all waiting and all new tickets, because the server stops. Active and paused tickets continue."""
        with self._lock:
            self._is_closed = True
            refused, self._queue = self._queue, []
            for ticket in refused:
                ticket.refusal = _stopping()
        _notify(refused)

    def state(self) -> QueueState:
        with self._lock:
            gone = self._drop_gone()
            waits = len(self._queue) + 1 if self._queue or self._active >= self.slots else 0
            seconds = self._seconds_at(waits)
            state = QueueState(self._active, self.slots, self._paused, self._num_waiting(), self._max_waiting, seconds)
        _notify(gone)
        return state

    def position(self, name: str) -> tuple[int, float] | None:
        """The position of the ticket of this name, from 1, and in about how many seconds it begins; None where it does not wait."""
        with self._lock:
            for position, ticket in enumerate(self._queue, 1):
                if ticket.name == name:
                    return position, self._seconds_at(position)
        return None

    # With the lock held

    def _num_waiting(self) -> int:
        return sum(not ticket.has_begun for ticket in self._queue)

    def _drop_gone(self) -> list[Ticket]:
        gone = [ticket for ticket in self._queue if ticket.cancellation.is_cancelled]
        for ticket in gone:
            self._queue.remove(ticket)
        return gone

    def _rank(self, ticket: Ticket) -> tuple[int, bool, int, int]:
        """Return what the queue is sorted by: tickets that have begun and wait once more, then overtaken ones, then by the policy."""
        if ticket.has_begun:
            return 0, False, 0, ticket.number
        if ticket.overtaken >= MAX_OVERTAKEN:
            return 1, False, 0, ticket.number
        return 2, not ticket.is_admin, ticket.size if self._policy is QueuePolicy.SHORT_FIRST else 0, ticket.number

    def _insert(self, ticket: Ticket) -> None:
        ticket.number = next(self._numbers)
        bisect.insort(self._queue, ticket, key=self._rank)

    def _begin_next(self) -> list[Ticket]:
        begun = []
        while not self._is_closed and self._active < self.slots:
            ticket = next((one for one in self._queue if self._has_slot_for(one)), None)
            if ticket is None:
                break
            self._queue.remove(ticket)
            if not ticket.has_begun:
                ticket.waited = time.monotonic() - ticket.arrived
                ticket.has_begun = True
                self._count_overtaken(ticket)
            self._activate(ticket)
            begun.append(ticket)
        return begun

    def _has_slot_for(self, ticket: Ticket) -> bool:
        return self._active < self.slots and not (ticket.is_large and self._large_active >= self._large_slots)

    def _count_overtaken(self, begun: Ticket) -> None:
        """Count for each ticket that could have had the slot and arrived earlier that it was overtaken."""
        overtaken = [one for one in self._queue if one.number < begun.number and not one.has_begun and self._has_slot_for(one)]
        for ticket in overtaken:
            ticket.overtaken += 1
        if overtaken:
            self._queue.sort(key=self._rank)

    def _activate(self, ticket: Ticket) -> None:
        if self._active == 0:
            self._last_end = time.monotonic()
        ticket.is_active = True
        self._active += 1
        self._large_active += ticket.is_large

    def _deactivate(self, ticket: Ticket) -> None:
        ticket.is_active = False
        self._active -= 1
        self._large_active -= ticket.is_large
        if not ticket.is_measured:
            ticket.is_measured = True
            self._measure()

    def _unpause(self, ticket: Ticket) -> bool:
        was_paused = ticket.is_paused
        self._paused -= was_paused
        ticket.is_paused = False
        return was_paused

    def _measure(self) -> None:
        """Record the busy time between two releases of slots; called when a ticket releases its slot for the first time."""
        now = time.monotonic()
        self._intervals.append(now - self._last_end)
        self._last_end = now

    def _seconds_at(self, position: int) -> float:
        """Estimate the seconds until `position` slots have become free, from recent releases and from the time since the last one."""
        measured = [*self._intervals] or [UNMEASURED_SECONDS]
        mean = sum(measured) / len(measured)
        open_interval = time.monotonic() - self._last_end if self._active else 0.0
        if open_interval > mean:
            mean = (sum(measured) + open_interval) / (len(measured) + 1)
        return position * mean

    def _full(self) -> Busy:
        """Return the refusal of a full queue, with the time in which the present queue will have started."""
        seconds = min(max(math.ceil(self._seconds_at(len(self._queue) - 1)), MIN_RETRY_SECONDS), MAX_RETRY_SECONDS)
        return Busy(f"{self._max_waiting} requests wait already. Try again in about {seconds} s.", seconds)


def _wait_for(ticket: Ticket) -> None:
    """Wait until a ticket is active; raises its refusal, or Cancelled once its client is gone."""
    is_over = threading.Event()
    ticket.decided.add_done_callback(lambda _: is_over.set())
    with ticket.cancellation.calling(is_over.set):
        is_over.wait()
    if ticket.refusal is not None:
        raise ticket.refusal
    ticket.cancellation.check()


def _stopping() -> Busy:
    return Busy("The server is stopping. Try again in a moment.", MIN_RETRY_SECONDS)


def _notify(tickets: list[Ticket]) -> None:
    """Notify the callbacks. Call it without the lock, since they may acquire or release."""
    for ticket in tickets:
        ticket.decided.set_result(None)
