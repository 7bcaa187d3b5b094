"""Detects work that makes no progress."""

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
    """Calls `on_stuck` once with work that has made no progress for `seconds`, and then stops watching it. Thread-safe.

    Time counts only while the watchdog's own thread runs, so that no engine counts as stuck after the machine was suspended.
    """

    def __init__(self, seconds: float, on_stuck: Callable[[Work], None], name: str) -> None:
        self.seconds = seconds
        self._on_stuck = on_stuck
        self._name = name
        self._tick = min(seconds / TICKS, MAX_TICK_SECONDS)
        self._changed = threading.Condition()  # the lock of all that follows
        self._seconds_still: dict[Work, float] = {}  # how long each work has made no progress
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @contextlib.contextmanager
    def watching(self, work: Work) -> Iterator[None]:
        """Watch `work` during the block. Entering the block counts as progress, and its end as the end of the work."""
        with self._changed:
            self._seconds_still[work] = 0.0
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._watch, name=f"watchdog-{self._name}", daemon=True)
                self._thread.start()
            elif len(self._seconds_still) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._seconds_still.pop(work, None)

    def close(self) -> None:
        """Stop watching; returns at once."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _watch(self) -> None:
        while not self._is_closed:
            for work in self._wait_for_stuck():
                try:
                    self._on_stuck(work)
                except Exception:
                    log.exception("%s: stuck work could not be abandoned", self._name)

    def _wait_for_stuck(self) -> list[Work]:
        """Wait one tick, or until there is something to watch; then return the work that is stuck."""
        with self._changed:
            if not self._seconds_still and not self._is_closed:
                self._changed.wait()
            before = time.monotonic()
            self._changed.wait_for(lambda: self._is_closed, self._tick)
            passed = min(time.monotonic() - before, 2 * self._tick)
            for work in self._seconds_still:
                self._seconds_still[work] += passed
            stuck = [work for work, seconds in self._seconds_still.items() if seconds >= self.seconds]
            for work in stuck:
                del self._seconds_still[work]
            return stuck
