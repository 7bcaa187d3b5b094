"""A clock that stands still."""

from __future__ import annotations


class Clock:
    """Returns `now` when it is called, in place of `time.monotonic` or `time.time`. A test changes `now`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
