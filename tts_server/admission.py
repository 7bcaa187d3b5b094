"""Who is worked on now, who waits, and who is told to come back: one line for everything that speaks.

A turn holds a thread, not the engine: engines order segments by themselves, first segments of all texts before later ones.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from tts_server.errors import Busy, Cancelled

POLL_SECONDS = 0.1
NUM_MEASURED = 64
UNMEASURED_SECONDS = 0.5
MIN_RETRY_SECONDS = 1
MAX_RETRY_SECONDS = 60


def never() -> bool:
    """The `is_gone` of somebody who waits to the end."""
    return False


@dataclass(eq=False)
class Turn:
    """One request's place in the line, then at work.

    `begun` is done when its work may begin, or will never: its client is gone, or it has a `refusal`. `place` is the one on arrival: 0 for
    who need not wait, 1 for the first in the line. `waited` is in seconds. `name` is the one by which its client asks for it.
    """

    name: str = ""
    is_large: bool = False
    is_gone: Callable[[], bool] = never
    refusal: Busy | None = None
    place: int = 0
    waited: float = 0.0
    begun: Future[None] = field(default_factory=Future, repr=False)
    is_at_work: bool = False
    came: float = 0.0


@dataclass(frozen=True)
class LineState:
    """How many are `at_work` of at most `slots`, how many wait of at most `max_waiting`, and how long a new one would."""

    at_work: int
    slots: int
    waiting: int
    max_waiting: int
    seconds: float

    @property
    def is_full(self) -> bool:
        return self.at_work >= self.slots and self.waiting >= self.max_waiting


class Admission:
    """At most `slots` turns at a time; at most `max_waiting` wait, first come, first served. Thread-safe.

    A quarter of the slots is kept for what is not `is_large`, so that a greeting need not wait until a book has been read out.
    """

    def __init__(self, slots: int, max_waiting: int) -> None:
        self.slots = slots
        self._large_slots = max(1, slots - max(1, slots // 4))
        self._max_waiting = max_waiting
        self._line: list[Turn] = []
        self._at_work = 0
        self._large_at_work = 0
        self._is_closed = False
        self._lock = threading.Lock()
        self._intervals: deque[float] = deque(maxlen=NUM_MEASURED)
        self._last_end = 0.0

    def enter(self, name: str = "", *, is_large: bool = False, is_gone: Callable[[], bool] = never, must_wait: bool = False) -> Turn:
        """A turn that has begun, waits, or has a `refusal` because too many wait. `must_wait`: it waits behind however many.

        Whoever entered has to `leave`, also without having begun.
        """
        turn = Turn(name, is_large, is_gone, came=time.monotonic())
        with self._lock:
            over = self._drop_gone()
            self._line.append(turn)
            over += self._begin_next()
            if not turn.is_at_work:
                if self._is_closed:
                    turn.refusal = _stopping()
                elif len(self._line) > self._max_waiting and not must_wait:
                    turn.refusal = self._full()
                turn.place = len(self._line)
                if turn.refusal is not None:
                    self._line.remove(turn)
                    over.append(turn)
        _tell(over)
        return turn

    def leave(self, turn: Turn) -> None:
        """The turn's work is over, or not wanted any more. Safe to call twice."""
        with self._lock:
            if turn in self._line:
                self._line.remove(turn)
            if turn.is_at_work:
                turn.is_at_work = False
                self._at_work -= 1
                self._large_at_work -= turn.is_large
                self._measure()
            over = self._drop_gone() + self._begin_next()
        _tell(over)

    @contextmanager
    def turn(self, is_gone: Callable[[], bool]) -> Iterator[Turn]:
        """A turn for a thread of its own, which waits here however long the line is; raises Busy, or Cancelled once `is_gone` says so."""
        turn = self.enter(is_gone=is_gone, must_wait=True)
        try:
            while not turn.begun.done():
                if is_gone():
                    raise Cancelled
                wait([turn.begun], POLL_SECONDS)
            if turn.refusal is not None:
                raise turn.refusal
            if is_gone():
                raise Cancelled
            yield turn
        finally:
            self.leave(turn)

    def close(self) -> None:
        """The server stops: nobody is admitted any more, and who waits is told so. What is at work goes on."""
        with self._lock:
            self._is_closed = True
            told, self._line = self._line, []
            for turn in told:
                turn.refusal = _stopping()
        _tell(told)

    def state(self) -> LineState:
        with self._lock:
            gone = self._drop_gone()
            waits = len(self._line) + 1 if self._line or self._at_work >= self.slots else 0
            state = LineState(self._at_work, self.slots, len(self._line), self._max_waiting, self._seconds_at(waits))
        _tell(gone)
        return state

    def place(self, name: str) -> tuple[int, float] | None:
        """Where the turn of this name is in the line now, from 1, and in about how many seconds it begins; None where it does not wait."""
        with self._lock:
            for place, turn in enumerate(self._line, 1):
                if turn.name == name:
                    return place, self._seconds_at(place)
        return None

    # With the lock held

    def _drop_gone(self) -> list[Turn]:
        gone = [turn for turn in self._line if turn.is_gone()]
        for turn in gone:
            self._line.remove(turn)
        return gone

    def _begin_next(self) -> list[Turn]:
        begun = []
        for turn in list(self._line):
            if self._is_closed or self._at_work >= self.slots:
                break
            if turn.is_large and self._large_at_work >= self._large_slots:
                continue
            self._line.remove(turn)
            now = time.monotonic()
            if self._at_work == 0:
                self._last_end = now
            turn.waited = now - turn.came
            turn.is_at_work = True
            self._at_work += 1
            self._large_at_work += turn.is_large
            begun.append(turn)
        return begun

    def _measure(self) -> None:
        """A turn has ended: so long it took, while there was work, since the one before it did."""
        now = time.monotonic()
        self._intervals.append(now - self._last_end)
        self._last_end = now

    def _seconds_at(self, place: int) -> float:
        """What the last turns' ends say about the time until so many more have ended. That none ends for long counts as well."""
        measured = [*self._intervals] or [UNMEASURED_SECONDS]
        mean = sum(measured) / len(measured)
        open_interval = time.monotonic() - self._last_end if self._at_work else 0.0
        if open_interval > mean:
            mean = (sum(measured) + open_interval) / (len(measured) + 1)
        return place * mean

    def _full(self) -> Busy:
        """Told when all who wait now will have had their turn."""
        seconds = min(max(math.ceil(self._seconds_at(len(self._line) - 1)), MIN_RETRY_SECONDS), MAX_RETRY_SECONDS)
        return Busy(f"{self._max_waiting} requests wait already. Try again in about {seconds} s.", seconds)


def _stopping() -> Busy:
    return Busy("The server is stopping. Try again in a moment.", MIN_RETRY_SECONDS)


def _tell(turns: list[Turn]) -> None:
    """Without the lock, since whoever listens may enter or leave."""
    for turn in turns:
        turn.begun.set_result(None)
