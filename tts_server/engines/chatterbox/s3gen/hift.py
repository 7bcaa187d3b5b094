"""Mel frames to samples: stock S3Gen's HiFT vocoder, over whole segments or over streams with equal results.

HiFTNet (Li et al. 2023, arXiv:2309.09493) with a neural source filter and an inverse STFT at the end; `hifigan.py` of chatterbox-tts 0.1.7.
A stream's samples are 20 frames (0.4 s) behind its frames: 5 for the pitch, the rest for the filters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.hift_layers import (
    AddState,
    Block,
    ConvState,
    ResBlock,
    ResBlockStageState,
    StreamAdd,
    StreamConv,
    StreamConvTranspose,
    UpsampleState,
    widen,
)
from tts_server.engines.chatterbox.s3gen.hift_source import FRAME_SAMPLES, F0Predictor, SourceModule, SourceState
from tts_server.engines.chatterbox.s3gen.layout import Layout
from tts_server.engines.chatterbox.s3gen.noise import SourceNoise, join_noises, pinned
from tts_server.engines.chatterbox.s3gen.stft import STFT, ISTFTState, STFTState
from tts_server.engines.chatterbox.weights.stock_types import StockModule

_TENSORS_AT_ONCE = 9
"""Float32 tensors of the last upsampling's size that exist at the same time, workspaces included."""


@dataclass
class UpsamplingState:
    """The states of one upsampling and of the layers after it."""

    up: UpsampleState
    source_down: ConvState
    source_resblock: list[ResBlockStageState]
    fusion: AddState
    resblocks: list[list[ResBlockStageState]]
    sum: AddState


@dataclass
class ReflectionState:
    """first: positions before the second one is known. is_past: the first position has been reflected."""

    first: Tensor | None = None
    is_past: bool = False


@dataclass
class HiFTState:
    """The state of a stream, from which its next block is computed."""

    f0_predictor: list[ConvState]
    m_source: SourceState
    stft: STFTState
    istft: ISTFTState
    conv_pre: ConvState
    upsamplings: list[UpsamplingState]
    reflection: ReflectionState
    conv_post: ConvState


class HiFT:
    """`s3gen.mel2wav`, its convolutions computed in `dtype`. The pitch is always computed in float32."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        self.device = stock.conv_pre.bias.device
        self.f0_predictor = F0Predictor(stock.f0_predictor)
        self._source = SourceModule(stock.m_source, self.device)
        self._stft = STFT(stock, self.device)
        self._limit, self._slope = float(stock.audio_limit), float(stock.lrelu_slope)
        self._conv_pre = StreamConv(stock.conv_pre, dtype)
        self._ups = [StreamConvTranspose(layer, dtype) for layer in stock.ups]
        self._source_downs = [StreamConv(layer, dtype) for layer in stock.source_downs]
        self._source_resblocks = [ResBlock(block, dtype) for block in stock.source_resblocks]
        size = int(stock.num_kernels)
        blocks = [ResBlock(block, dtype) for block in stock.resblocks]
        self._resblocks = [blocks[first : first + size] for first in range(0, len(blocks), size)]
        self._add = StreamAdd()
        self._conv_post = StreamConv(stock.conv_post, dtype)
        self._rates = [math.prod(up.stride for up in self._ups[: index + 1]) for index in range(len(self._ups))]
        widths = [int(layer.out_channels) for layer in stock.ups]
        widest = max(rate * width for rate, width in zip(self._rates, widths, strict=True))
        self.frame_bytes = max(_TENSORS_AT_ONCE * 4 * widest, FRAME_SAMPLES * self._source.sample_bytes)
        """Working memory of `generate` for each frame."""

    @property
    def num_harmonics(self) -> int:
        return self._source.num_harmonics

    @property
    def gap_frames(self) -> int:
        """Frames between segments in a layout: at each layer's rate more than its kernel reaches."""
        reach = [self.f0_predictor.padding, self._conv_pre.padding, math.ceil(self._conv_post.padding / self._rates[-1])]
        for index, rate in enumerate(self._rates):
            blocks = [self._source_resblocks[index], *self._resblocks[index]]
            reach.append(math.ceil(max(block.padding for block in blocks) / rate))
        # Downsampling kernels are twice their stride, which is at most one frame's worth.
        return max(2, *reach)

    def stream(self, phase: Tensor, draw_noise: Callable[[int], Tensor]) -> HiFTStream:
        """A new stream: `phase` [1, harmonics, 1]; `draw_noise(n)` gives the source's next [1, harmonics, n] normal numbers."""
        return HiFTStream(self, phase, draw_noise)

    def generate(self, mels: Sequence[Tensor], noises: Sequence[SourceNoise]) -> list[Tensor]:
        """Mels [1, 80, F] of whole segments to the samples [F * 480] of each, on the device, in one pass whatever their number."""
        layout = Layout([mel.shape[2] for mel in mels], self.gap_frames, self.device)
        block = Block(is_end=True, layout=layout)
        mel = layout.join([mel.to(self.device) for mel in mels])[:, :, None].contiguous(memory_format=torch.channels_last)
        state = self.start()
        f0 = layout.pad_rows(self.f0_predictor(mel, state.f0_predictor, block)[0])
        noise = join_noises(noises, f0.shape[1] * FRAME_SAMPLES, self.device)
        rows = self._source(f0, noise.phase, noise.noise)
        del noise
        segments = [rows[index, : length * FRAME_SAMPLES] for index, length in enumerate(layout.lengths)]
        source = self._stft.join(segments, layout, FRAME_SAMPLES)
        return layout.split(self.decode(mel, source, state, block)[0], FRAME_SAMPLES)

    def excite(self, mel: Tensor, phase: Tensor, draw_noise: Callable[[int], Tensor], state: HiFTState, block: Block) -> Tensor:
        """The source's samples [1, n] for the next frames [1, 80, 1, F] of a stream."""
        f0 = self.f0_predictor(mel, state.f0_predictor, block)
        if not f0.shape[1]:
            return f0
        return self._source(f0, phase, pinned(draw_noise(f0.shape[1] * FRAME_SAMPLES), self.device), state.m_source)

    def decode(self, mel: Tensor, source: Tensor, state: HiFTState, block: Block) -> Tensor:
        """Frames [1, 80, 1, F] and the source's samples [1, n] to speech [1, n']."""
        spectra = self._stft.transform(source, state.stft, block)
        x = widen(self._conv_pre(mel, state.conv_pre, block))
        for index, stage in enumerate(state.upsamplings):
            x = self._ups[index](functional.leaky_relu(x, self._slope), stage.up, block)
            if index == len(self._ups) - 1:
                x = self._reflect(x, state.reflection, block)
            x = self._fuse(x, spectra, index, stage, block)
            x = self._sum_resblocks(x, index, stage, block)
        x = self._conv_post(functional.leaky_relu(x), state.conv_post, block).float()
        magnitude = torch.exp(x[:, : self._stft.num_bins]).clip(max=1e2)
        phase = torch.sin(x[:, self._stft.num_bins :])
        return self._stft.inverse(magnitude, phase, state.istft, block).clamp(-self._limit, self._limit)

    def start(self) -> HiFTState:
        """The state before the first frame."""
        upsamplings = [
            UpsamplingState(UpsampleState(), ConvState(), source.start(), AddState(), [block.start() for block in blocks], AddState())
            for source, blocks in zip(self._source_resblocks, self._resblocks, strict=True)
        ]
        inverse = self._stft.start_inverse()
        f0_predictor = self.f0_predictor.start()
        return HiFTState(f0_predictor, SourceState(), STFTState(), inverse, ConvState(), upsamplings, ReflectionState(), ConvState())

    def _fuse(self, x: Tensor, spectra: Tensor, index: int, state: UpsamplingState, block: Block) -> Tensor:
        source = widen(self._source_downs[index](spectra, state.source_down, block))
        return self._add((x, self._source_resblocks[index](source, state.source_resblock, block)), state.fusion, block)

    def _sum_resblocks(self, x: Tensor, index: int, state: UpsamplingState, block: Block) -> Tensor:
        blocks = self._resblocks[index]
        if block.layout is None:
            outputs = [resblock(x, inner, block) for resblock, inner in zip(blocks, state.resblocks, strict=True)]
            return self._add(outputs, state.sum, block) / len(blocks)
        total = blocks[0](x, state.resblocks[0], block)
        for resblock, inner in zip(blocks[1:], state.resblocks[1:], strict=True):
            total = total.add_(resblock(x, inner, block))
        return total.div_(len(blocks))

    def _reflect(self, x: Tensor, state: ReflectionState, block: Block) -> Tensor:
        """Reflection-pad by one position at the start of a stream or of each segment."""
        if block.layout is not None:
            return block.layout.reflect_starts(torch.cat((x[..., 1:2], x), -1), self._rates[-1])
        if state.is_past:
            return x
        if state.first is not None:
            x = torch.cat((state.first, x), -1)
        if x.shape[-1] < 2:
            state.first = x
            return x[..., :0]
        state.is_past = True
        return torch.cat((x[..., 1:2], x), -1)


class HiFTStream:
    """One segment, block by block."""

    def __init__(self, hift: HiFT, phase: Tensor, draw_noise: Callable[[int], Tensor]) -> None:
        self._hift = hift
        self._phase = phase
        self._draw_noise = draw_noise
        self._state = hift.start()

    def push(self, mel: Tensor, *, is_end: bool = False) -> Tensor:
        """The next frames [1, 80, F] (F may be 0 at the end) to the samples [n] that they complete."""
        mel = mel.to(self._hift.device)[:, :, None].contiguous(memory_format=torch.channels_last)
        block = Block(is_end)
        source = self._hift.excite(mel, self._phase, self._draw_noise, self._state, block)
        return self._hift.decode(mel, source, self._state, block)[0]
