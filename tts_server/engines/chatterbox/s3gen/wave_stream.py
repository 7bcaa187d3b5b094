"""One segment's samples, block by block, while its speech tokens are still being decoded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from tts_server.engines.chatterbox.families import SPEECH_VOCABULARY
from tts_server.engines.chatterbox.s3gen.encoder import FRAMES_PER_TOKEN, LOOK_AHEAD
from tts_server.engines.chatterbox.s3gen.flow import FlowStream
from tts_server.engines.chatterbox.s3gen.hift import HiFTStream
from tts_server.engines.chatterbox.s3gen.noise import MEL_BINS
from tts_server.engines.chatterbox.watermark import WatermarkStream
from tts_server.speech import Samples

T = TypeVar("T")

MIN_TOKENS = 2
"""Of a segment: S3Gen fails on fewer."""

FIRST_BLOCK_TOKENS = 20
"""The first block gives a quarter of a second of sound: the vocoder and the watermark look 0.55 s ahead."""

BLOCK_TOKENS = 25
WINDOW_FRAMES = 150
"""How many of the segment's earlier frames a block can attend to, beside the prompt: 3 s."""


def read_samples(samples: Tensor) -> Samples:
    """Samples [n] on any device as an array that may be written to."""
    array: Samples = samples.float().cpu().numpy().copy()
    return array


def fade_in(samples: Samples, fade: Samples, position: int = 0) -> None:
    """Multiply, in place, the samples within the first `len(fade)` of a segment; `position` is where `samples` begin in it."""
    part = fade[position : position + len(samples)]
    samples[: len(part)] *= part


class WaveStream:
    """The samples of one segment, block by block. They do not depend on how its tokens are cut when they are fed.

    open_flow: opens the flow's stream for a window of frames, when the first block is computed. watermark: None leaves the samples
    unmarked. tail: tokens after the last one; filler: a token that pads a segment that is too short. fade: factors of the first
    samples. cut_samples: how many of the last ones are cut. read: copies samples from the device.
    """

    def __init__(
        self,
        open_flow: Callable[[int], FlowStream],
        vocoder: HiFTStream,
        watermark: WatermarkStream | None,
        generator: torch.Generator,
        *,
        tail: Sequence[int],
        filler: int,
        fade: Samples,
        cut_samples: int,
        read: Callable[[Tensor], Samples] = read_samples,
    ) -> None:
        self._open_flow = open_flow
        self._vocoder = vocoder
        self._watermark = watermark
        self._generator = generator
        self._tail = list(tail)
        self._filler = filler
        self._fade = fade
        self._cut_samples = cut_samples
        self._read = read
        self._flow: FlowStream | None = None
        self._tokens: list[int] = []
        self._size = FIRST_BLOCK_TOKENS
        self._num_samples = 0

    @torch.inference_mode()
    def feed(self, tokens: Sequence[int]) -> Samples:
        """The next speech tokens; returns the samples that are ready, possibly none."""
        self._tokens += [token for token in tokens if 0 <= token < SPEECH_VOCABULARY]
        return np.concatenate([np.zeros(0, np.float32), *self._whole_blocks()])

    @torch.inference_mode()
    def finish(self) -> Samples:
        """No more tokens: returns the rest of the samples."""
        self._tokens += self._tail
        if self._flow is None:
            self._tokens += [self._filler] * (MIN_TOKENS - len(self._tokens))
        chunks = [*self._whole_blocks(), self._block(len(self._tokens), is_end=True)]
        if self._watermark is not None:
            chunks.append(self._watermark.finish())
        return np.concatenate(chunks)

    def _whole_blocks(self) -> Iterator[Samples]:
        while len(self._tokens) >= self._size + LOOK_AHEAD:
            yield self._block(self._size, is_end=False)

    def _block(self, size: int, *, is_end: bool) -> Samples:
        if self._flow is None:
            self._flow = self._open_flow(WINDOW_FRAMES)
        tokens = torch.tensor(self._tokens[: size + LOOK_AHEAD])
        noise = torch.randn(size * FRAMES_PER_TOKEN, MEL_BINS, generator=self._generator)
        mel = run_slices(self._flow.block(tokens, noise, is_end=is_end))
        self._tokens = self._tokens[size:]
        self._size = BLOCK_TOKENS
        samples = self._read(self._vocoder.push(mel, is_end=is_end))
        # The last block is longer than the cut: it ends with the 20 frames that the vocoder was behind, or is the only one.
        samples = samples[: len(samples) - self._cut_samples] if is_end else samples
        fade_in(samples, self._fade, self._num_samples)
        self._num_samples += len(samples)
        return samples if self._watermark is None else self._watermark.feed(samples)


def run_slices(slices: Generator[None, None, T]) -> T:
    """Run a generator of slices to its end and return its result."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            result: T = end.value
            return result
