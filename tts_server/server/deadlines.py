"""Deadlines of connections, and the measures of throughput behind them."""

from __future__ import annotations

from dataclasses import dataclass

RECENT_SECONDS = 1.0


@dataclass(frozen=True)
class Deadlines:
    """Deadlines in seconds. A connection that misses one is closed, with a 408 where the client can still receive it.

    - `head`: from the first byte of a request to the end of its headers.
    - `upload`: from the end of the headers to the end of the body.
    - `idle`: a connection without a request.
    - `body`: how far an upload may fall behind `bytes_per_second`. Bytes sent ahead do not extend it.
    - `reader`: the same for a client that takes a reply. It is longer, since a player that pauses takes nothing.
    - `check`: the interval of the checks.
    - `websocket`: a WebSocket without messages and speech for this long may be closed for a new one.
    """

    head: float = 10.0
    idle: float = 30.0
    body: float = 20.0
    upload: float = 600.0
    reader: float = 60.0
    bytes_per_second: float = 1024.0
    check: float = 1.0
    websocket: float = 60.0


class Pace:
    """A deadline that moves with the bytes transferred: at most `seconds` behind `bytes_per_second`. Bytes sent ahead do not extend it."""

    def __init__(self, seconds: float, bytes_per_second: float) -> None:
        self._seconds = seconds
        self._bytes_per_second = bytes_per_second
        self._is_begun = False
        self._begun = 0.0
        self._deadline = 0.0

    def begin(self, now: float) -> None:
        """Start waiting for bytes, unless that has started before."""
        if not self._is_begun:
            self._is_begun = True
            self._begun = now
            self._deadline = now + self._seconds

    def add(self, count: int, now: float) -> None:
        """Count transferred bytes, which move the deadline."""
        self.begin(now)
        self._deadline = min(self._deadline + count / self._bytes_per_second, now + self._seconds)

    def end(self) -> None:
        """Stop waiting for bytes."""
        self._is_begun = False

    def is_too_slow(self, now: float) -> bool:
        """Whether the deadline has passed."""
        return self._is_begun and now > self._deadline

    def seconds(self, now: float) -> float:
        """Return for how long bytes have been waited for."""
        return now - self._begun if self._is_begun else 0.0


class RecentSum:
    """The sum of the amounts of the last one to two seconds."""

    def __init__(self) -> None:
        self._since = 0.0
        self._current = 0.0
        self._before = 0.0

    def add(self, amount: float, now: float) -> None:
        self._advance(now)
        self._current += amount

    def sum(self, now: float) -> float:
        """Return the sum over the current period and the one before it."""
        self._advance(now)
        return self._current + self._before

    def _advance(self, now: float) -> None:
        passed = now - self._since
        if passed >= RECENT_SECONDS:
            self._before = self._current if passed < 2 * RECENT_SECONDS else 0.0
            self._current = 0.0
            self._since = now
