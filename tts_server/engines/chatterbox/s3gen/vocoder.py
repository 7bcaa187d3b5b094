"""Mel frames to samples: stock S3Gen's HiFT vocoder, whole or as a stream that equals the whole.

HiFTNet (Li et al. 2023, arXiv:2309.09493) with a neural source filter and an inverse STFT at the end; `hifigan.py` of chatterbox-tts 0.1.7.
Every layer keeps the inputs that its next output still needs and pads with zeros only at the true ends, so nothing is computed twice and
nothing differs at the joins. Samples come 20 frames (0.4 s) after their frames: 5 for the pitch, the rest for the filters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.weights.packed import Conv, Linear, plain_weight

FRAME_SAMPLES = 480

State = dict[object, Any]
"""What the layers remember of one stream, by layer."""


class _Convolution:
    """A convolution with its usual padding, over a stream."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        self._conv = Conv(layer, dtype)

    def __call__(self, x: Tensor, state: State, is_end: bool) -> Tensor:
        conv = self._conv
        before = state.get(self)
        if before is None:
            before = _zeros(x, conv.padding)
        parts = (before, x, _zeros(x, conv.padding)) if is_end else (before, x)
        x = torch.cat(parts, -1)
        count = max(0, (x.shape[-1] - conv.span) // conv.stride + 1)
        state[self] = x[..., count * conv.stride :]
        return conv(x) if count else x.new_zeros(1, conv.out_channels, 1, 0)


class _Upsampling:
    """A transposed convolution over a stream: outputs that the next inputs reach as well are held back."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        self._weight = plain_weight(layer).to(dtype)[:, :, None].contiguous()
        self._bias = layer.bias.detach().float()[:, None, None]
        self._stride, self._padding = int(layer.stride[0]), int(layer.padding[0])
        self._overlap = int(layer.kernel_size[0]) - self._stride

    def __call__(self, x: Tensor, state: State, is_end: bool) -> Tensor:
        begun = state.get(self)
        length = x.shape[-1] * self._stride
        if not length and begun is None:
            return x.new_zeros(1, self._weight.shape[1], 1, 0)
        if not length:
            y = x.new_zeros(1, self._weight.shape[1], 1, self._overlap, dtype=torch.float32)
        else:
            y = functional.conv_transpose2d(x.to(self._weight.dtype), self._weight, stride=(1, self._stride)).float()
        first = self._padding if begun is None else 0
        if begun is not None:
            y[..., : self._overlap] += begun
        end = y.shape[-1] - self._padding if is_end else length
        state[self] = y[..., length:]
        given: Tensor = y[..., first:end] + self._bias
        return given


class _Sum:
    """Adds streams that arrive at different times."""

    def __call__(self, parts: Sequence[Tensor], state: State) -> Tensor:
        waiting = state.get(self)
        if waiting is not None:
            parts = [torch.cat(pair, -1) for pair in zip(waiting, parts, strict=True)]
        length = min(part.shape[-1] for part in parts)
        state[self] = [part[..., length:] for part in parts]
        total = parts[0][..., :length]
        for part in parts[1:]:
            total = total + part[..., :length]
        return total


class _Snake:
    """x + sin(a x)^2 / a, a for each channel (Liu et al. 2020, arXiv:2006.08195)."""

    def __init__(self, stock: Any) -> None:
        self._alpha = stock.alpha.detach().float()[:, None, None]
        self._inverse = 1.0 / (self._alpha + stock.no_div_by_zero)

    def __call__(self, x: Tensor) -> Tensor:
        wave = (x * self._alpha).sin_()
        return torch.addcmul(x, self._inverse, wave.mul_(wave))


class _ResBlock:
    """Dilated convolutions, each pair beside a straight line."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        stages = zip(stock.activations1, stock.convs1, stock.activations2, stock.convs2, strict=True)
        self._stages = [
            (_Snake(snake), _Convolution(conv, dtype), _Snake(snake2), _Convolution(conv2, dtype), _Sum())
            for snake, conv, snake2, conv2 in stages
        ]

    def __call__(self, x: Tensor, state: State, is_end: bool) -> Tensor:
        for snake, conv, snake2, conv2, total in self._stages:
            y = conv(snake(x), state, is_end)
            x = total((x, conv2(snake2(y.float()), state, is_end).float()), state)
        return x


class _Source:
    """Fundamental frequency to excitation: sines of its multiples where there is a voice, noise elsewhere (Wang et al. 2019).

    Computed on the CPU, which has double precision wherever it is and costs nothing here.
    """

    def __init__(self, stock: Any) -> None:
        generator = stock.l_sin_gen
        self.num_harmonics = int(generator.harmonic_num) + 1
        self._rate = generator.sampling_rate
        self._amplitude, self._deviation = float(generator.sine_amp), float(generator.noise_std)
        self._threshold = float(generator.voiced_threshold)
        self._mix = Linear(stock.l_linear.weight.cpu(), stock.l_linear.bias.cpu(), torch.float32)

    def __call__(self, frequency: Tensor, phase: Tensor, noise: Callable[[int], Tensor], state: State) -> Tensor:
        """Frequencies [1, F] in Hz to samples [1, F * 480]; `noise` gives the next [1, harmonics, n] normal numbers."""
        if not frequency.shape[1]:
            return frequency
        f0 = frequency.cpu().repeat_interleave(FRAME_SAMPLES, 1)[:, None]
        multiples = torch.cat([f0 * (number + 1) / self._rate for number in range(self.num_harmonics)], 1)
        # Summed in double precision and then rounded, as torch does it for the whole.
        cycles = multiples.double().cumsum(-1)
        if self in state:
            cycles = cycles + state[self]
        state[self] = cycles[..., -1:]
        sines = self._amplitude * torch.sin(2 * math.pi * (cycles.float() % 1) + phase)
        voiced = (f0 > self._threshold).float()
        level = voiced * self._deviation + (1 - voiced) * self._amplitude / 3
        waves = sines * voiced + level * noise(f0.shape[-1])
        return torch.tanh(self._mix(waves.transpose(1, 2)))[:, :, 0].to(frequency.device)


class _Spectrum:
    """The short-time Fourier transform of a stream, and back, with the ends as torch.stft and torch.istft (centred) treat them."""

    def __init__(self, stock: Any, device: torch.device) -> None:
        self._size, self._hop = int(stock.istft_params["n_fft"]), int(stock.istft_params["hop_len"])
        self.num_bins = self._size // 2 + 1
        window = stock.stft_window.double()
        angles = torch.outer(torch.arange(self._size), torch.arange(self.num_bins)) * (2 * math.pi / self._size)
        self._forth = torch.cat((angles.cos() * window[:, None], -angles.sin() * window[:, None]), 1).float().to(device)
        weights = torch.full((self.num_bins, 1), 2.0, dtype=torch.double)
        weights[0] = weights[-1] = 1.0
        back = torch.cat((weights * angles.cos().T, -weights * angles.sin().T)) * window / self._size
        self._back = back.float().to(device)
        self._weight = window.square().float().to(device)

    def forth(self, samples: Tensor, state: State, is_end: bool) -> Tensor:
        """Samples [1, n] to spectra [1, 2 * bins, 1, F], real parts before imaginary ones."""
        half = self._size // 2
        before = state.get("samples")
        if before is None and not samples.shape[1]:
            return samples.new_zeros(1, 2 * self.num_bins, 1, 0)
        parts = [samples[:, 1 : half + 1].flip(1) if before is None else before, samples]
        if is_end:
            parts.append(torch.cat(parts, 1)[:, -half - 1 : -1].flip(1))
        joined = torch.cat(parts, 1)
        count = max(0, (joined.shape[1] - self._size) // self._hop + 1)
        state["samples"] = joined[:, count * self._hop :]
        if not count:
            return samples.new_zeros(1, 2 * self.num_bins, 1, 0)
        frames = joined[0].unfold(0, self._size, self._hop)
        return (frames @ self._forth).T[None, :, None]

    def back(self, magnitude: Tensor, phase: Tensor, state: State, is_end: bool) -> Tensor:
        """Magnitudes and phases [1, bins, 1, F] to samples [1, n]."""
        spectra = torch.cat((magnitude * torch.cos(phase), magnitude * torch.sin(phase)), 1)[0, :, 0].T
        frames = torch.stack((spectra @ self._back, self._weight.expand(len(spectra), -1)))
        rows = self._size // self._hop
        added = frames.new_zeros(2, len(spectra) + rows - 1, self._hop)
        for row in range(rows):
            added[:, row : row + len(spectra)] += frames[:, :, row * self._hop : (row + 1) * self._hop]
        if "rows" in state:
            added[:, : rows - 1] += state["rows"]
        state["rows"] = added[:, len(spectra) :]
        sums = (added if is_end else added[:, : len(spectra)]).flatten(1)
        half = self._size // 2
        cut = state.get("cut", half)
        sums = sums[:, cut : sums.shape[1] - half if is_end else sums.shape[1]]
        state["cut"] = max(0, cut - len(spectra) * self._hop)
        return sums[:1] / sums[1:]


class Vocoder:
    """`s3gen.mel2wav`, its convolutions computed in `dtype`. The pitch is always computed in float32."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        self.device = stock.conv_pre.bias.device
        self._source = _Source(stock.m_source)
        self._spectrum = _Spectrum(stock, self.device)
        self._limit, self._slope = float(stock.audio_limit), float(stock.lrelu_slope)
        self._pitch = [_Convolution(layer, torch.float32) for layer in stock.f0_predictor.condnet if hasattr(layer, "weight")]
        self._pitch_out = Linear.of(stock.f0_predictor.classifier, dtype=torch.float32)
        self._first = _Convolution(stock.conv_pre, dtype)
        self._ups = [_Upsampling(layer, dtype) for layer in stock.ups]
        self._downs = [_Convolution(layer, dtype) for layer in stock.source_downs]
        self._source_blocks = [_ResBlock(block, dtype) for block in stock.source_resblocks]
        size = int(stock.num_kernels)
        blocks = [_ResBlock(block, dtype) for block in stock.resblocks]
        self._blocks = [blocks[first : first + size] for first in range(0, len(blocks), size)]
        self._sums = [(_Sum(), _Sum()) for _ in self._ups]
        self._last = _Convolution(stock.conv_post, dtype)

    @property
    def num_harmonics(self) -> int:
        return self._source.num_harmonics

    def stream(self, phase: Tensor, noise: Callable[[int], Tensor]) -> VocoderStream:
        """A stream of its own: `phase` [1, harmonics, 1]; `noise(n)` gives the next [1, harmonics, n] normal numbers of the source."""
        return VocoderStream(self, phase, noise)

    def _frequency(self, mel: Tensor, state: State, is_end: bool) -> Tensor:
        for layer in self._pitch:
            mel = functional.elu(layer(mel, state, is_end))
        return self._pitch_out(mel[:, :, 0].transpose(1, 2))[..., 0].abs()

    def _spoken(self, mel: Tensor, source: Tensor, state: State, is_end: bool) -> Tensor:
        spectra = self._spectrum.forth(source, state, is_end)
        x = self._first(mel, state, is_end).float()
        for index, up in enumerate(self._ups):
            x = up(functional.leaky_relu(x, self._slope), state, is_end)
            if index == len(self._ups) - 1:
                x = self._reflected(x, state)
            side = self._source_blocks[index](self._downs[index](spectra, state, is_end).float(), state, is_end)
            both, blocks = self._sums[index]
            x = both((x, side), state)
            x = blocks([block(x, state, is_end) for block in self._blocks[index]], state) / len(self._blocks[index])
        x = self._last(functional.leaky_relu(x), state, is_end).float()
        magnitude = torch.exp(x[:, : self._spectrum.num_bins]).clip(max=1e2)
        phase = torch.sin(x[:, self._spectrum.num_bins :])
        return self._spectrum.back(magnitude, phase, state, is_end).clamp(-self._limit, self._limit)

    def _reflected(self, x: Tensor, state: State) -> Tensor:
        """The second step before the first one, once."""
        if state.get("edge", ()) is None:
            return x
        if "edge" in state:
            x = torch.cat((state["edge"], x), -1)
        if x.shape[-1] < 2:
            state["edge"] = x
            return x[..., :0]
        state["edge"] = None
        return torch.cat((x[..., 1:2], x), -1)


class VocoderStream:
    """One utterance, piece by piece."""

    def __init__(self, vocoder: Vocoder, phase: Tensor, noise: Callable[[int], Tensor]) -> None:
        self._vocoder = vocoder
        self._phase = phase
        self._noise = noise
        self._state: State = {}

    def push(self, mel: Tensor, *, is_end: bool = False) -> Tensor:
        """The next frames [1, 80, F] (F may be 0 at the end) to the samples [n] that they complete."""
        vocoder, state = self._vocoder, self._state
        mel = mel.to(vocoder.device)[:, :, None].contiguous(memory_format=torch.channels_last)
        frequency = vocoder._frequency(mel, state, is_end)
        source = vocoder._source(frequency, self._phase, self._noise, state)
        return vocoder._spoken(mel, source, state, is_end)[0]


def _zeros(x: Tensor, length: int) -> Tensor:
    return x.new_zeros(*x.shape[:-1], length)
