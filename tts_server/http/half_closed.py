"""Finds out whether a client that has ended its side of a connection still waits for its reply.

Such an end looks the same whether the client has nothing more to say (it "half-closed") or has closed the connection. But the system of a
client that has closed answers a reset to whatever it is sent. So the server sends a little of what it has to send anyway: the beginning of
the reply's first line, byte by byte, or, within a reply in chunks, a zero before the length of the next chunk.
"""

from __future__ import annotations

FIRST_LINE = b"HTTP/1."
"""The beginning of every reply."""

LEADING_ZERO = b"0"
QUIET_SECONDS = 0.5
"""A reply that was written to more recently than this needs no probe."""

UNANSWERABLE_SECONDS = 1.5
"""Seconds without anything to send, after which the client counts as gone."""


class HalfClosed:
    """The probes of one client that ended its side at `since`, in seconds of the monotonic clock."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._next = since
        self._pause = 1.0
        self._num_sent = 0

    def take_sent(self) -> int:
        """Return how many bytes of the reply's first line were sent early, and reset the count for the next reply."""
        count, self._num_sent = self._num_sent, 0
        return count

    def beginning(self, now: float) -> bytes:
        """Return the bytes to send now for a reply that has not begun; usually none."""
        if now < self._next or self._num_sent == len(FIRST_LINE):
            return b""
        self._wait(now)
        self._num_sent += 1
        return FIRST_LINE[self._num_sent - 1 : self._num_sent]

    def between_chunks(self, now: float, sent_at: float) -> bytes:
        """Return the bytes to send now within a chunked reply whose last chunk was sent at `sent_at`."""
        if now < self._next or now - sent_at < QUIET_SECONDS:
            return b""
        self._wait(now)
        return LEADING_ZERO

    def is_unanswerable(self, now: float, sent_at: float) -> bool:
        """Whether nothing was sent, and nothing can be, for so long that the client counts as gone."""
        return now - max(self._since, sent_at) > UNANSWERABLE_SECONDS

    def _wait(self, now: float) -> None:
        """Double the pause before the next probe, since only a few bytes are available."""
        self._next = now + self._pause
        self._pause *= 2
