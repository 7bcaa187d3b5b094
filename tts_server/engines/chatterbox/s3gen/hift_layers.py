"""Layers of the HiFT vocoder: over a stream, block by block, or over whole segments.

Over a stream each layer keeps the inputs that its next output still needs and pads with zeros only at the true ends, so that nothing is
computed twice and nothing differs at the seams. The states of a stream are typed, one dataclass for each kind of layer, as in Moshi's
streaming modules; they are separate from the layers, which all streams share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.layout import Layout
from tts_server.engines.chatterbox.weights.packed import Conv, plain_weight
from tts_server.engines.chatterbox.weights.stock_types import StockModule


@dataclass(frozen=True)
class Block:
    """The unit of a computation: the next block of a stream, the last one if `is_end`; or, with a layout, whole segments."""

    is_end: bool
    layout: Layout | None = None


@dataclass
class ConvState:
    """The last inputs, which the next outputs depend on."""

    inputs: Tensor | None = None


@dataclass
class UpsampleState:
    """The last sums, to which the next inputs add."""

    overlap: Tensor | None = None


@dataclass
class AddState:
    """The values of each summand for which the other summand is still missing."""

    pending: list[Tensor] | None = None


@dataclass
class ResBlockStageState:
    convs1: ConvState = field(default_factory=ConvState)
    convs2: ConvState = field(default_factory=ConvState)
    add: AddState = field(default_factory=AddState)


class StreamConv:
    """A convolution with zero padding: [1, in, 1, T] -> [1, out, 1, T']."""

    def __init__(self, layer: StockModule, dtype: torch.dtype) -> None:
        self._conv = Conv(layer, dtype)

    @property
    def padding(self) -> int:
        return self._conv.padding

    def __call__(self, x: Tensor, state: ConvState, block: Block) -> Tensor:
        conv = self._conv
        if block.layout is not None:
            return block.layout.clear_gaps(conv(x, conv.padding))
        before = _zeros(x, conv.padding) if state.inputs is None else state.inputs
        x = torch.cat((before, x, _zeros(x, conv.padding)) if block.is_end else (before, x), -1)
        count = max(0, (x.shape[-1] - conv.span) // conv.stride + 1)
        state.inputs = x[..., count * conv.stride :]
        return conv(x) if count else x.new_zeros(1, conv.out_channels, 1, 0)


class StreamConvTranspose:
    """A transposed convolution: [1, in, 1, T] -> float32 [1, out, 1, T * stride]; a stream's last outputs wait for the next inputs."""

    def __init__(self, layer: StockModule, dtype: torch.dtype) -> None:
        self._weight = plain_weight(layer).to(dtype)[:, :, None].contiguous()
        self._bias = layer.bias.detach().float()[:, None, None]
        self.stride = int(layer.stride[0])
        self._padding = int(layer.padding[0])
        self._overlap = int(layer.kernel_size[0]) - self.stride

    def __call__(self, x: Tensor, state: UpsampleState, block: Block) -> Tensor:
        stride = (1, self.stride)
        if block.layout is not None:
            y = functional.conv_transpose2d(x.to(self._weight.dtype), self._weight, stride=stride, padding=(0, self._padding))
            return block.layout.clear_gaps(y + self._bias)
        begun = state.overlap
        length = x.shape[-1] * self.stride
        if not length and begun is None:
            return x.new_zeros(1, self._weight.shape[1], 1, 0)
        if not length:
            y = x.new_zeros(1, self._weight.shape[1], 1, self._overlap, dtype=torch.float32)
        else:
            y = functional.conv_transpose2d(x.to(self._weight.dtype), self._weight, stride=stride).float()
        first = self._padding if begun is None else 0
        if begun is not None:
            y[..., : self._overlap] += begun
        end = y.shape[-1] - self._padding if block.is_end else length
        state.overlap = y[..., length:]
        completed: Tensor = y[..., first:end] + self._bias
        return completed


class StreamAdd:
    """The sum of tensors [..., T] whose parts arrive at different times."""

    def __call__(self, parts: Sequence[Tensor], state: AddState, block: Block) -> Tensor:
        if block.layout is None:
            if state.pending is not None:
                parts = [torch.cat(pair, -1) for pair in zip(state.pending, parts, strict=True)]
            length = min(part.shape[-1] for part in parts)
            state.pending = [part[..., length:] for part in parts]
            parts = [part[..., :length] for part in parts]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class Snake:
    """x + sin(a x)^2 / a in float32, a for each channel (Liu et al. 2020, arXiv:2006.08195)."""

    def __init__(self, stock: StockModule) -> None:
        self._alpha = stock.alpha.detach().float()[:, None, None]
        self._inverse = 1.0 / (self._alpha + stock.no_div_by_zero)

    def __call__(self, x: Tensor) -> Tensor:
        wave = (x * self._alpha).sin_()
        return torch.addcmul(x, self._inverse, wave.mul_(wave))


class ResBlock:
    """Three pairs of dilated convolutions, each pair with a residual connection: [1, C, 1, T] -> float32 [1, C, 1, T]."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        stages = zip(stock.activations1, stock.convs1, stock.activations2, stock.convs2, strict=True)
        self._stages = [
            (Snake(snake), StreamConv(conv, dtype), Snake(snake2), StreamConv(conv2, dtype)) for snake, conv, snake2, conv2 in stages
        ]
        self._add = StreamAdd()

    @property
    def padding(self) -> int:
        return max(conv.padding for stage in self._stages for conv in (stage[1], stage[3]))

    def start(self) -> list[ResBlockStageState]:
        return [ResBlockStageState() for _ in self._stages]

    def __call__(self, x: Tensor, states: Sequence[ResBlockStageState], block: Block) -> Tensor:
        for (snake, conv, snake2, conv2), state in zip(self._stages, states, strict=True):
            y = widen(conv(snake(x), state.convs1, block))
            y = widen(conv2(snake2(y), state.convs2, block))
            x = self._add((x, y), state.add, block)
        return x


def widen(x: Tensor) -> Tensor:
    """x as an operand of float32 arithmetic. On a GPU the kernel that uses x converts it on the way; on a CPU that is slower."""
    return x.float() if x.device.type == "cpu" else x


def _zeros(x: Tensor, length: int) -> Tensor:
    return x.new_zeros(*x.shape[:-1], length)
