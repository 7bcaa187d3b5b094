"""Whether work is still wanted, known to everybody who does a part of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tts_server.errors import Cancelled


class Cancellation:
    """Cancelled once, by any thread: because the client has left, has asked for it, or the server stops. Thread-safe.

    A waiting thread registers a callback instead of polling: hundreds of threads that poll ten times a second take the interpreter from
    those that have work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._callbacks: dict[object, Callable[[], object]] = {}

    @property
    def is_cancelled(self) -> bool:
        return self._is_cancelled

    def check(self) -> None:
        """Raise Cancelled if the work is no longer wanted."""
        if self._is_cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """Call each registered callback in this thread. Safe to call twice."""
        with self._lock:
            self._is_cancelled = True
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call `callback` once when the work is cancelled inside of the context; at once where it already is.

        It must not raise or block: it runs in the thread that cancels. It may still run while the context is being left.
        """
        key = object()
        with self._lock:
            is_late = self._is_cancelled
            if not is_late:
                self._callbacks[key] = callback
        if is_late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(key, None)
