"""Probes whether a client that has ended its side of a connection still waits for its reply.

The end of the client's data looks the same whether the client has closed the connection or only its sending side ("half-closed"). But a
closed socket answers any data with a reset. So the server sends a few bytes that it has to send anyway: the beginning of the status line,
byte by byte, or, within a chunked reply, a leading zero of the size of the next chunk.
"""

from __future__ import annotations

FIRST_LINE = b"HTTP/1."
"""The beginning of every reply."""

LEADING_ZERO = b"0"
QUIET_SECONDS = 0.5
"""A reply that was written to more recently needs no probe."""

UNANSWERABLE_SECONDS = 1.5
"""Seconds without anything to send, after which the client counts as gone."""


class HalfClosed:
    """Probes one client that ended its side at `since`, in seconds of the monotonic clock."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._next = since
        self._pause = 1.0
        self._num_sent = 0

    def take_sent(self) -> int:
        """Return how many bytes of the status line were sent as probes, and reset the count for the next reply."""
        count, self._num_sent = self._num_sent, 0
        return count

    def beginning(self, now: float) -> bytes:
        """Return the bytes to send now as a probe before a reply has begun; usually none."""
        if now < self._next or self._num_sent == len(FIRST_LINE):
            return b""
        self._wait(now)
        self._num_sent += 1
        return FIRST_LINE[self._num_sent - 1 : self._num_sent]

    def between_chunks(self, now: float, sent_at: float) -> bytes:
        """Return the bytes to send now as a probe within a chunked reply whose last chunk was sent at `sent_at`."""
        if now < self._next or now - sent_at < QUIET_SECONDS:
            return b""
        self._wait(now)
        return LEADING_ZERO

    def is_unanswerable(self, now: float, sent_at: float) -> bool:
        """Whether the client counts as gone, since nothing could be sent to it for too long."""
        return now - max(self._since, sent_at) > UNANSWERABLE_SECONDS

    def _wait(self, now: float) -> None:
        """Double the pause before the next probe, since only a few bytes are available."""
        self._next = now + self._pause
        self._pause *= 2
