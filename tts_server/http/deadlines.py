"""How long a connection may keep the server waiting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deadlines:
    """In seconds; whoever is late loses the connection, and is told so where it can still listen.

    `head` is from the first byte of a request to the end of its headers. `idle` is for connections on which nothing is asked. A body
    must bring something every `body`, and `bytes_per_second` on the whole; a reply must be taken at the same pace, with `reader` instead:
    a player that pauses takes nothing. Connections are looked at every `check`.
    """

    head: float = 10.0
    idle: float = 30.0
    body: float = 20.0
    reader: float = 60.0
    bytes_per_second: float = 1024.0
    check: float = 1.0


class Pace:
    """Bytes that should keep moving: some every `seconds` at least, and `bytes_per_second` in all, with `seconds` granted at first."""

    def __init__(self, seconds: float, bytes_per_second: float) -> None:
        self._seconds = seconds
        self._bytes_per_second = bytes_per_second
        self._begun: float | None = None
        self._moved_at = 0.0
        self._bytes = 0

    def begin(self, now: float) -> None:
        """Bytes are waited for, from now on unless they were before."""
        if self._begun is None:
            self._begun, self._moved_at, self._bytes = now, now, 0

    def move(self, count: int, now: float) -> None:
        """So many bytes have moved."""
        self.begin(now)
        if count > 0:
            self._bytes += count
            self._moved_at = now

    def end(self) -> None:
        """None are waited for."""
        self._begun = None

    def is_lost(self, now: float) -> bool:
        """Whether they move too slowly to go on waiting."""
        if self._begun is None:
            return False
        is_still = now - self._moved_at > self._seconds
        return is_still or now - self._begun > self._seconds + self._bytes / self._bytes_per_second
