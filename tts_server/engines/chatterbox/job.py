"""One utterance on its way through the engine: the pieces left to say, the attempt under way, and the stream that is listened to."""

from __future__ import annotations

import queue
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.errors import Cancelled, TTSError
from tts_server.log import request_id
from tts_server.speech import Samples

CANCEL_POLL_SECONDS = 0.1
MAX_ATTEMPTS = 3
"""The first and two more; then the segment is given out as it is."""

MIN_SPLIT_CHARS = 12
_PARTING = re.compile(r"(?<=[,;:.!?])\s+|(?<=[，、；：。！？])\s*|\s+")


def halve(text: str) -> tuple[str, str] | None:
    """A text in two near its middle, at a clause rather than between words; None where it is too short or has no place to part."""
    text = text.strip()
    if len(text) < MIN_SPLIT_CHARS:
        return None
    middle = len(text) / 2

    def distance(match: re.Match[str]) -> float:
        is_clause = match.start() > 0 and not text[match.start() - 1].isalnum()
        return abs(match.start() - middle) - (len(text) / 6 if is_clause else 0.0)

    best = min((match for match in _PARTING.finditer(text) if 0 < match.start() < len(text)), key=distance, default=None)
    return None if best is None else (text[: best.start()], text[best.end() :])


class SegmentStream:
    """What a request reads; the engine's thread puts chunks in, any thread may close it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.retries = 0
        self.is_closed = False
        self._wake = wake
        self._queue: queue.SimpleQueue[Samples | TTSError | None] = queue.SimpleQueue()

    # Called by the engine's thread

    def put(self, samples: Samples) -> None:
        self._queue.put(samples)

    def end(self, error: TTSError | None = None) -> None:
        self._queue.put(error)

    # Called by a request's thread

    def chunks(self, is_cancelled: Callable[[], bool]) -> Iterator[Samples]:
        while True:
            try:
                item = self._queue.get(timeout=CANCEL_POLL_SECONDS)
            except queue.Empty:
                if is_cancelled():
                    self.close()
                    raise Cancelled from None
                continue
            if item is None:
                return
            if isinstance(item, TTSError):
                raise item
            yield item

    def close(self) -> None:
        self.is_closed = True
        self._wake()


@dataclass(eq=False)
class Job:
    """An utterance in work. `pieces` are what is still to be spoken, the first of them now: text, or recorded audio (16 kHz) to be spoken
    again in another voice."""

    utterance: Utterance
    conditionals: Conditionals
    stream: SegmentStream
    order: int
    pieces: deque[str | Samples]
    num_done: int = 0
    attempt: int = 0
    was_restarted: bool = False
    sequence: Sequence | None = None
    generator: Any = None
    """torch.Generator of the piece: T3 draws from it first, S3Gen goes on with it."""
    tokens: list[int] | None = None
    """The piece's speech tokens, once they are all there and accepted."""
    speaking: Any = None
    """What turns the tokens into samples, once that has begun."""
    num_fed: int = 0
    made: list[Samples] = field(default_factory=list)
    has_spoken: bool = False
    """Whether a part of the current piece was given out: then it cannot be made again."""
    request: str = field(default_factory=request_id.get)
    """Id of the request that it is spoken for, for the log."""

    @property
    def piece(self) -> str | Samples:
        return self.pieces[0]

    @property
    def text(self) -> str:
        """The text of the piece; empty for recorded audio."""
        return self.piece if isinstance(self.piece, str) else ""

    @property
    def seed(self) -> int:
        """The seed of this attempt at this piece; the utterance's own for the first of the first."""
        return (self.utterance.seed + 7_919 * self.attempt + 104_729 * self.num_done) & (2**63 - 1)

    @property
    def can_try_again(self) -> bool:
        return self.attempt + 1 < MAX_ATTEMPTS and not self.has_spoken

    def forget_attempt(self) -> None:
        """Back to before the piece's tokens. The sequence must have left the decoder."""
        self.sequence = self.tokens = self.speaking = self.generator = None
        self.num_fed = 0
        self.made = []

    def try_again(self) -> None:
        """Make the piece once more, with another seed."""
        self.forget_attempt()
        self.attempt += 1
        self.stream.retries += 1

    def split(self) -> bool:
        """Say the piece as two shorter ones, if it is long enough."""
        halves = halve(self.text)
        if halves is None or self.has_spoken:
            return False
        self.forget_attempt()
        self.pieces.popleft()
        self.pieces.extendleft(reversed(halves))
        self.stream.retries += 1
        return True

    def next_piece(self) -> bool:
        """Leave the piece behind; False if it was the last."""
        self.forget_attempt()
        self.pieces.popleft()
        self.attempt = 0
        self.num_done += 1
        self.has_spoken = False
        return bool(self.pieces)

    def samples_made(self) -> Samples:
        return np.concatenate(self.made) if self.made else np.zeros(0, np.float32)
