"""Bounds on the frames of a WebSocket, so that reading what a peer sends costs little however it is cut."""

from __future__ import annotations

import time

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

FREE_FRAGMENTS = 256
MIN_MEAN_FRAGMENT_BYTES = 64
"""Beyond FREE_FRAGMENTS, the fragments of a message must have so many bytes on average."""

CONTROL_FRAMES = 1000
CONTROL_FRAMES_PER_SECOND = 100.0


class TokenBucket:
    """An allowance that grows by `per_second` up to `most`. For one thread."""

    def __init__(self, per_second: float, most: float) -> None:
        self._per_second = per_second
        self._most = most
        self._left = most
        self._at = time.monotonic()

    def take(self, amount: float = 1.0) -> float:
        """Take from the allowance, also more than is left; returns the seconds until nothing is owed any more."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second) - amount
        self._at = now
        return max(0.0, -self._left / self._per_second)


class FrameLimit(Extension):
    """Refuses frames by their headers, before any of them is stored: those that are too large, and too many small ones.

    `reason` says why, once a frame is refused. No client asks for this extension, so it is not in the reply to the handshake.
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
            return self._refuse("The message comes in too many small fragments.")
        return RsvBits(False, False, False)

    def _refuse(self, reason: str) -> CloseReason:
        self.reason = reason
        return CloseReason.POLICY_VIOLATION
