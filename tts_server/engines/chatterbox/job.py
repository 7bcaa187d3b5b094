"""One utterance in the engine: its remaining pieces, the state of the current one, and the stream from which its audio is read."""

from __future__ import annotations

import queue
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.pauses import PauseShortener
from tts_server.engines.chatterbox.retries import Attempt, Retries
from tts_server.engines.chatterbox.s3gen.wave_stream import WaveStream
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.errors import Cancelled, TTSError
from tts_server.log import request_id
from tts_server.ranges import SEED
from tts_server.speech import Samples

MIN_SPLIT_CHARS = 12
_BREAK = re.compile(r"(?<=[,;:.!?])\s+|(?<=[，、；：。！？])\s*|\s+")


def halve(text: str) -> tuple[str, str] | None:
    """A text split in two near its middle, at a clause rather than between words; None if it is too short or cannot be split."""
    text = text.strip()
    if len(text) < MIN_SPLIT_CHARS:
        return None
    middle = len(text) / 2

    def distance(match: re.Match[str]) -> float:
        is_clause = match.start() > 0 and not text[match.start() - 1].isalnum()
        return abs(match.start() - middle) - (len(text) / 6 if is_clause else 0.0)

    best = min((match for match in _BREAK.finditer(text) if 0 < match.start() < len(text)), key=distance, default=None)
    return None if best is None else (text[: best.start()], text[best.end() :])


class SegmentStream:
    """The audio of a job: the engine's thread writes chunks, a request's thread reads them, any thread may close it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.retries = 0  # written by the engine's thread, read by the request's
        self.is_closed = False  # set by any thread, read by the engine's
        self._wake = wake
        # Filled by the engine's thread, emptied by the request's.
        self._queue: queue.SimpleQueue[Samples | TTSError | Cancelled | None] = queue.SimpleQueue()

    # Called by the engine's thread

    def put(self, samples: Samples) -> None:
        self._queue.put(samples)

    def end(self, error: TTSError | None = None) -> None:
        self._queue.put(error)

    # Called by a request's thread

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        with cancellation.calling(self._cancel):
            while (item := self._queue.get()) is not None:
                if isinstance(item, (TTSError, Cancelled)):
                    raise item
                yield item

    def close(self) -> None:
        self.is_closed = True
        self._wake()

    def _cancel(self) -> None:
        self.close()
        self._queue.put(Cancelled())


@dataclass(eq=False)
class Batch:
    """Segments that S3Gen computes together. `slices` yields None after each slice of work and, at the end, the samples of each."""

    jobs: list[Job]
    slices: Iterator[list[Samples] | None]


@dataclass(eq=False)
class Job:
    """An utterance that is being processed. For the engine's thread only.

    pieces: the remaining ones, the current one first: text, or recorded audio (16 kHz) to be converted to another voice.
    order: position in the order of submission. num_done: number of finished pieces.
    """

    utterance: Utterance
    conditionals: Conditionals
    stream: SegmentStream
    order: int
    pieces: deque[str | Samples]
    num_done: int = 0
    attempt: int = 0
    retries: Retries | None = None
    """The attempts at the current piece; None for recorded audio."""
    restarts: int = 0
    """How often the current piece was run again after an exception."""
    is_isolated: bool = False
    """Whether the current piece is run alone, to determine whether it causes an exception."""
    sequence: Sequence | None = None
    generator: torch.Generator | None = None
    """Random generator of the piece: T3 draws from it first, S3Gen continues with it."""
    tokens: list[int] | None = None
    """The speech tokens of the piece once they are complete and accepted."""
    is_final: bool = False
    """Whether no attempt is left, so that the audio of these tokens is used even if it has faults."""
    is_cut: bool = False
    """Whether the tokens end where the model was stopped."""
    batch: Batch | None = None
    """The batch of S3Gen that computes the samples, once it has begun."""
    wave_stream: WaveStream | None = None
    """The stream of S3Gen that computes the samples instead, once it has begun: in fast mode."""
    fed_tokens: list[int] = field(default_factory=list)
    """Tokens that were fed to `wave_stream`."""
    pauses: PauseShortener | None = None
    """Shortens the pauses of `wave_stream`'s samples."""
    samples: list[Samples] = field(default_factory=list)
    has_sent_audio: bool = False
    """Whether audio of the current piece was already sent, so that the piece cannot be spoken again."""
    num_marking: int = 0
    """Number of chunks that are being watermarked."""
    request: str = field(default_factory=request_id.get)
    """Id of the request, for the log."""

    @property
    def piece(self) -> str | Samples:
        return self.pieces[0]

    @property
    def begins_inside(self) -> bool:
        """Whether the piece begins inside of a sentence: that of the utterance, or one that was split."""
        return self.num_done > 0 or self.utterance.begins_inside

    @property
    def ends_inside(self) -> bool:
        """Whether the piece ends inside of a sentence."""
        return len(self.pieces) > 1 or self.utterance.ends_inside

    @property
    def text(self) -> str:
        """The text of the piece; empty for recorded audio."""
        return self.piece if isinstance(self.piece, str) else ""

    @property
    def seed(self) -> int:
        """The seed of this attempt at this piece; the utterance's own for the first of the first."""
        return (self.utterance.seed + 7_919 * self.attempt + 104_729 * self.num_done) & SEED.maximum

    @property
    def can_retry(self) -> bool:
        return self.retries is not None and self.retries.can_retry and not self.has_sent_audio

    def drop_wave(self) -> None:
        """Drop the audio computed so far; the tokens stay."""
        self.batch = self.wave_stream = self.pauses = None
        self.fed_tokens = []
        self.samples = []

    def drop_attempt(self) -> None:
        """Drop the tokens and the audio. The sequence must have left the decoder."""
        self.drop_wave()
        self.sequence = self.tokens = self.generator = None
        self.is_final = self.is_cut = False

    def drop_tokens(self) -> None:
        """Drop the tokens, and the audio unless some of it was already sent. The sequence must have left the decoder."""
        if self.has_sent_audio:
            self.sequence = self.tokens = self.generator = None
        else:
            self.drop_attempt()

    def start_next_attempt(self) -> None:
        """Retry the piece, with another seed."""
        self.drop_attempt()
        self.attempt += 1
        self.stream.retries += 1

    def accept(self, attempt: Attempt, generator: torch.Generator) -> None:
        """Use an attempt's tokens for the piece; `generator` is in the state after them."""
        self.tokens = list(attempt.tokens)
        self.generator = generator
        self.is_cut = attempt.is_cut

    def split_piece(self) -> bool:
        """Replace the piece by two shorter ones; False if it is too short."""
        halves = halve(self.text)
        if halves is None:
            return False
        self.pieces.popleft()
        self.pieces.extendleft(reversed(halves))
        return True

    def next_piece(self) -> bool:
        """Remove the current piece; False if it was the last one."""
        self.drop_attempt()
        self.pieces.popleft()
        self.attempt = self.restarts = 0
        self.retries = None
        self.is_isolated = self.has_sent_audio = False
        self.num_done += 1
        return bool(self.pieces)

    def take_samples(self) -> Samples:
        """Return and remove the samples computed so far."""
        samples = np.concatenate(self.samples) if self.samples else np.zeros(0, np.float32)
        self.samples = []
        return samples
