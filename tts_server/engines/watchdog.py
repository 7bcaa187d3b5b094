"""Notices work that has stopped moving."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Work = TypeVar("Work", bound=Hashable)

TICKS = 10
MAX_TICK_SECONDS = 1.0


class Watchdog(Generic[Work]):
    """Calls `on_stuck`, once, with work that has not moved for `seconds`; it is not watched any longer then. Thread-safe.

    Only time counts in which the watchdog's own thread was awake, so that a machine that slept has no stuck engine afterwards.
    """

    def __init__(self, seconds: float, on_stuck: Callable[[Work], None], name: str) -> None:
        self.seconds = seconds
        self._on_stuck = on_stuck
        self._name = name
        self._tick = min(seconds / TICKS, MAX_TICK_SECONDS)
        self._still: dict[Work, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @contextlib.contextmanager
    def watching(self, work: Work) -> Iterator[None]:
        """Work that moves when the block is entered, and is over when it is left."""
        with self._changed:
            self._still[work] = 0.0
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._watch, name=f"watchdog-{self._name}", daemon=True)
                self._thread.start()
            elif len(self._still) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._still.pop(work, None)

    def close(self) -> None:
        """Watch nothing any more; returns at once."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _watch(self) -> None:
        while not self._is_closed:
            for work in self._found_stuck():
                try:
                    self._on_stuck(work)
                except Exception:
                    log.exception("%s: what is stuck could not be given up", self._name)

    def _found_stuck(self) -> list[Work]:
        """Wait for a moment, or until there is something to watch; then what has been still for too long."""
        with self._changed:
            if not self._still and not self._is_closed:
                self._changed.wait()
            before = time.monotonic()
            self._changed.wait_for(lambda: self._is_closed, self._tick)
            passed = min(time.monotonic() - before, 2 * self._tick)
            for work in self._still:
                self._still[work] += passed
            stuck = [work for work, seconds in self._still.items() if seconds >= self.seconds]
            for work in stuck:
                del self._still[work]
            return stuck
