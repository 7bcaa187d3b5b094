"""Limits on the frames of a WebSocket, since many small frames would be expensive to read."""

from __future__ import annotations

import time

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

FREE_FRAGMENTS = 256
MIN_MEAN_FRAGMENT_BYTES = 64
"""Beyond FREE_FRAGMENTS, the fragments of a message must have this mean size."""

CONTROL_FRAMES = 1000
CONTROL_FRAMES_PER_SECOND = 100.0


class TokenBucket:
    """A token bucket: it gains `per_second` tokens up to `most`. Not thread-safe."""

    def __init__(self, per_second: float, most: float) -> None:
        self._per_second = per_second
        self._most = most
        self._left = most
        self._at = time.monotonic()

    def take(self, amount: float = 1.0) -> float:
        """Take tokens, also more than there are; return the seconds until the debt is paid."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second) - amount
        self._at = now
        return max(0.0, -self._left / self._per_second)


class FrameLimit(Extension):
    """A wsproto extension that refuses frames by their headers, before their payload is read: too large ones, and too many small ones.

    `reason` is set once a frame is refused. The extension is not negotiated, so it does not appear in the handshake.
    """

    name = "x-frame-limit"

    def __init__(self, max_bytes: int) -> None:
        self.reason = ""
        self._max_bytes = max_bytes
        self._fragments = 0
        self._message_bytes = 0
        self._control_frames = TokenBucket(CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES)

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool:
        return False

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        if payload_length > self._max_bytes:
            return CloseReason.MESSAGE_TOO_BIG
        if opcode.iscontrol():
            if opcode is not Opcode.CLOSE and self._control_frames.take() > 0:
                return self._refuse(f"More than {CONTROL_FRAMES_PER_SECOND:g} pings and pongs a second.")
            return RsvBits(False, False, False)
        if opcode is not Opcode.CONTINUATION:
            self._fragments, self._message_bytes = 0, 0
        self._fragments += 1
        self._message_bytes += payload_length
        if self._fragments > FREE_FRAGMENTS and self._message_bytes < self._fragments * MIN_MEAN_FRAGMENT_BYTES:
            return self._refuse("The message has too many small fragments.")
        return RsvBits(False, False, False)

    def _refuse(self, reason: str) -> CloseReason:
        self.reason = reason
        return CloseReason.POLICY_VIOLATION
