"""A limit on concurrent work that waits for other systems, shared among the clients."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tts_server.cancellation import Cancellation
from tts_server.errors import Busy

WAIT_SECONDS = 10.0
RETRY_SECONDS = 2


@dataclass(eq=False)
class _Waiter:
    client: str
    is_running: bool = False
    woken: threading.Event = field(default_factory=threading.Event)


class SharedLimit:
    """A semaphore with a bounded queue: `count` run at a time, `max_waiting` wait, and one client has at most half of each. Thread-safe.

    `what` names the work in messages, such as "reference clips".
    """

    def __init__(self, count: int, max_waiting: int, what: str) -> None:
        self._count = count
        self._max_waiting = max_waiting
        self._what = what
        self._lock = threading.Lock()
        # Guarded by the lock: how many run, by client, and those that wait in the order of their arrival.
        self._running: Counter[str] = Counter()
        self._waiting: list[_Waiter] = []

    @contextmanager
    def acquired(self, client: str, cancellation: Cancellation) -> Iterator[None]:
        """Wait for a slot and hold it inside the context. Raises Busy if too many wait, or after WAIT_SECONDS, and Cancelled."""
        waiter = _Waiter(client)
        with self._lock:
            self._waiting.append(waiter)
            self._start_next()
            if not waiter.is_running and self._is_over_limit(client):
                self._waiting.remove(waiter)
                raise self._busy()
        try:
            self._wait(waiter, cancellation)
            yield
        finally:
            with self._lock:
                if waiter.is_running:
                    self._running[client] -= 1
                    self._running += Counter()  # removes clients with a count of 0
                else:
                    self._waiting.remove(waiter)
                self._start_next()

    def _wait(self, waiter: _Waiter, cancellation: Cancellation) -> None:
        with cancellation.calling(waiter.woken.set):
            waiter.woken.wait(WAIT_SECONDS)
        with self._lock:
            if waiter.is_running:
                return
        cancellation.check()
        raise self._busy()

    def _busy(self) -> Busy:
        return Busy(f"Too many {self._what} are being read. Try again in {RETRY_SECONDS} s.", RETRY_SECONDS)

    # With the lock held

    def _is_over_limit(self, client: str) -> bool:
        own = sum(waiter.client == client for waiter in self._waiting)
        return len(self._waiting) > self._max_waiting or own > max(1, self._max_waiting // 2)

    def _start_next(self) -> None:
        for waiter in list(self._waiting):
            if self._running.total() >= self._count:
                return
            if self._running[waiter.client] < max(1, self._count // 2):
                self._waiting.remove(waiter)
                self._running[waiter.client] += 1
                waiter.is_running = True
                waiter.woken.set()
