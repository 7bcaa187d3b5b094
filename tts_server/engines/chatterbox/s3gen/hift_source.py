"""The pitch of mel frames, and the excitation with that pitch: the neural source filter half of the HiFT vocoder.

`f0_predictor.py` and `SourceModuleHnNSF` of chatterbox-tts 0.1.7; the source is that of Wang et al. 2019 (arXiv:1904.12088).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.hift_layers import Block, ConvState, StreamConv
from tts_server.engines.chatterbox.weights.packed import Linear
from tts_server.engines.chatterbox.weights.stock_types import StockModule

FRAME_SAMPLES = 480


class F0Predictor:
    """Mel frames to the fundamental frequency, always in float32."""

    def __init__(self, stock: StockModule) -> None:
        self._condnet = [StreamConv(layer, torch.float32) for layer in stock.condnet if hasattr(layer, "weight")]
        self._classifier = Linear.of(stock.classifier, dtype=torch.float32)

    @property
    def padding(self) -> int:
        return max(conv.padding for conv in self._condnet)

    def start(self) -> list[ConvState]:
        return [ConvState() for _ in self._condnet]

    def __call__(self, mel: Tensor, states: list[ConvState], block: Block) -> Tensor:
        """[1, 80, 1, F] to Hz [1, F]."""
        for layer, state in zip(self._condnet, states, strict=True):
            mel = functional.elu(layer(mel, state, block))
        return self._classifier(mel[:, :, 0].transpose(1, 2))[..., 0].abs()


@dataclass
class SourceState:
    """The number of cycles of each harmonic so far: float64 [B, harmonics, 1]."""

    cycles: Tensor | None = None


class SourceModule:
    """Fundamental frequency to excitation: sines of its multiples where there is a voice, noise elsewhere."""

    def __init__(self, stock: StockModule, device: torch.device) -> None:
        generator = stock.l_sin_gen
        self.num_harmonics = int(generator.harmonic_num) + 1
        # Metal has no double precision.
        self._device = torch.device("cpu") if device.type == "mps" else device
        self._rate = generator.sampling_rate
        self._amplitude, self._deviation = float(generator.sine_amp), float(generator.noise_std)
        self._threshold = float(generator.voiced_threshold)
        self._numbers = torch.arange(1.0, self.num_harmonics + 1)[:, None].to(self._device)
        self._linear = Linear(stock.l_linear.weight.to(self._device), stock.l_linear.bias.to(self._device), torch.float32)

    @property
    def sample_bytes(self) -> int:
        """Working memory for each sample: cycles in float64 before and after they are summed, noise, and three numbers in float32."""
        return self.num_harmonics * (2 * 8 + 4 * 4)

    def __call__(self, f0: Tensor, phase: Tensor, noise: Tensor, state: SourceState | None = None) -> Tensor:
        """Frequencies [B, F] in Hz to samples [B, F * 480].

        phase: of each harmonic, [B, harmonics, 1]. noise: standard normal numbers [B, harmonics, F * 480]. state: of a stream.
        """
        if not f0.shape[1]:
            return f0
        device = f0.device
        f0 = f0.to(self._device).repeat_interleave(FRAME_SAMPLES, 1)[:, None]
        # Summed in double precision and then rounded, as torch does for the whole segment on a CPU.
        cycles = (f0 * self._numbers / self._rate).double().cumsum(-1)
        if state is not None:
            if state.cycles is not None:
                cycles = cycles + state.cycles
            state.cycles = cycles[..., -1:].clone()
        waves = cycles.float().remainder_(1)
        del cycles
        waves = waves.mul_(2 * math.pi).add_(phase.to(self._device)).sin_().mul_(self._amplitude)
        voiced = (f0 > self._threshold).float()
        level = voiced * self._deviation + (1 - voiced) * self._amplitude / 3
        waves = waves.mul_(voiced).add_(noise.to(self._device, non_blocking=True) * level)
        return torch.tanh(self._linear(waves.transpose(1, 2)))[:, :, 0].to(device)
