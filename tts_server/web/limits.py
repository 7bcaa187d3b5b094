"""A bound on work that waits for something outside of this server, divided among the clients."""

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
    """Lets at most `count` run at a time and at most `max_waiting` wait; one client has at most half of each. Thread-safe.

    `what` names the work in messages, such as "voice_url addresses".
    """

    def __init__(self, count: int, max_waiting: int, what: str) -> None:
        self._count = count
        self._max_waiting = max_waiting
        self._what = what
        # All of this is guarded by the lock.
        self._running: Counter[str] = Counter()
        self._waiting: list[_Waiter] = []
        self._lock = threading.Lock()

    @contextmanager
    def place(self, client: str, cancellation: Cancellation) -> Iterator[None]:
        """Run inside of the context. Raises Busy at once where too many wait, and after WAIT_SECONDS; Cancelled if cancelled meanwhile."""
        waiter = _Waiter(client)
        with self._lock:
            self._waiting.append(waiter)
            self._start_next()
            if not waiter.is_running and self._is_crowded(client):
                self._waiting.remove(waiter)
                raise self._busy()
        try:
            self._wait(waiter, cancellation)
            yield
        finally:
            with self._lock:
                if waiter.is_running:
                    self._running[client] -= 1
                    self._running += Counter()  # forgets clients of which nothing runs
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
        return Busy(f"Too many {self._what} are being read at this moment. Try again in {RETRY_SECONDS} s.", RETRY_SECONDS)

    # With the lock held

    def _is_crowded(self, client: str) -> bool:
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
