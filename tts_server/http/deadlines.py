"""How long a connection may keep the server waiting."""

from __future__ import annotations

from dataclasses import dataclass

RECENT_SECONDS = 1.0


@dataclass(frozen=True)
class Deadlines:
    """In seconds; whoever is late loses the connection, and is told so where it can still listen.

    `head` is from the first byte of a request to the end of its headers, `upload` from there to the end of its body. `idle` is for
    connections on which nothing is asked. A body must bring `bytes_per_second`; a client that was faster may fall behind by `body` and no
    more, however much it sent early. A reply must be taken at the same pace, with `reader` instead: a player that pauses takes nothing.
    Connections are looked at every `check`. A WebSocket on which nothing was asked or spoken for `websocket` may be closed for a new one.
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
    """Bytes that should keep moving at `bytes_per_second`. Whoever moves them may be behind by `seconds`; being ahead earns no more."""

    def __init__(self, seconds: float, bytes_per_second: float) -> None:
        self._seconds = seconds
        self._bytes_per_second = bytes_per_second
        self._is_begun = False
        self._begun = 0.0
        self._lost_from = 0.0

    def begin(self, now: float) -> None:
        """Bytes are waited for, from now on unless they were before."""
        if not self._is_begun:
            self._is_begun = True
            self._begun = now
            self._lost_from = now + self._seconds

    def move(self, count: int, now: float) -> None:
        """So many bytes have moved."""
        self.begin(now)
        self._lost_from = min(self._lost_from + count / self._bytes_per_second, now + self._seconds)

    def end(self) -> None:
        """None are waited for."""
        self._is_begun = False

    def is_lost(self, now: float) -> bool:
        """Whether they move too slowly to go on waiting."""
        return self._is_begun and now > self._lost_from

    def seconds(self, now: float) -> float:
        """For how long bytes have been waited for."""
        return now - self._begun if self._is_begun else 0.0


class Recent:
    """A sum of amounts that forgets what is older than one to two seconds."""

    def __init__(self) -> None:
        self._since = 0.0
        self._current = 0.0
        self._before = 0.0

    def add(self, amount: float, now: float) -> None:
        self._advance(now)
        self._current += amount

    def sum(self, now: float) -> float:
        """The amounts of the current period and of the one before it; at least a second, at most two."""
        self._advance(now)
        return self._current + self._before

    def _advance(self, now: float) -> None:
        passed = now - self._since
        if passed >= RECENT_SECONDS:
            self._before = self._current if passed < 2 * RECENT_SECONDS else 0.0
            self._current = 0.0
            self._since = now
