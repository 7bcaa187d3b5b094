"""Finds out whether a client that has ended its side of a connection still waits for its reply.

Such an end looks the same whether the client has nothing more to say (it "half-closed") or has closed the connection. But the system of a
client that has closed answers a reset to whatever it is sent. So the server sends a little of what it has to send anyway: the beginning of
the reply's first line, byte by byte, or, within a reply in chunks, a zero before the length of the next chunk.
"""

from __future__ import annotations

FIRST_LINE = b"HTTP/1."
"""How every reply begins, whatever it will be."""

LEADING_ZERO = b"0"
QUIET_SECONDS = 0.5
"""A reply of which something was sent so lately needs nothing more to find out."""

UNANSWERABLE_SECONDS = 1.5
"""After so long without anything that could be sent, the client counts as gone."""


class HalfClosed:
    """What is sent to a client that has ended its side, and when. `since` is when it did, in seconds of the monotonic clock."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._next = since
        self._pause = 1.0
        self._num_sent = 0

    def take_sent(self) -> int:
        """How many bytes of the reply's first line were sent early; those of the next reply are counted anew."""
        count, self._num_sent = self._num_sent, 0
        return count

    def beginning(self, now: float) -> bytes:
        """What to send now of a reply that has not begun; mostly nothing."""
        if now < self._next or self._num_sent == len(FIRST_LINE):
            return b""
        self._wait(now)
        self._num_sent += 1
        return FIRST_LINE[self._num_sent - 1 : self._num_sent]

    def between_chunks(self, now: float, sent_at: float) -> bytes:
        """What to send now within a reply in chunks, of which the last was sent at `sent_at`."""
        if now < self._next or now - sent_at < QUIET_SECONDS:
            return b""
        self._wait(now)
        return LEADING_ZERO

    def is_unanswerable(self, now: float, sent_at: float) -> bool:
        """Whether nothing was sent, and nothing can be, for so long that the client counts as gone."""
        return now - max(self._since, sent_at) > UNANSWERABLE_SECONDS

    def _wait(self, now: float) -> None:
        """Let more and more time pass until the next byte, of which there are few."""
        self._next = now + self._pause
        self._pause *= 2
