"""The short-time Fourier transform of a stream and its inverse, centred; the ends are treated as by torch.stft and torch.istft."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tts_server.engines.chatterbox.s3gen.hift_layers import Block
from tts_server.engines.chatterbox.s3gen.layout import Layout
from tts_server.engines.chatterbox.weights.stock_types import StockModule


@dataclass
class STFTState:
    """The last samples, which the next frames need: [1, n]."""

    samples: Tensor | None = None


@dataclass
class ISTFTState:
    """overlap: the last sums of frames and of squared windows, to which the next frames add. num_cut: samples still to be cut."""

    overlap: Tensor | None
    num_cut: int


class STFT:
    """The transform of stock `HiFTGenerator` as two matrix products. Windows overlap by a multiple of the hop."""

    def __init__(self, stock: StockModule, device: torch.device) -> None:
        self._size, self._hop = int(stock.istft_params["n_fft"]), int(stock.istft_params["hop_len"])
        self.num_bins = self._size // 2 + 1
        window = stock.stft_window.cpu().double()
        angles = torch.outer(torch.arange(self._size), torch.arange(self.num_bins)) * (2 * math.pi / self._size)
        self._forward = torch.cat((angles.cos() * window[:, None], -angles.sin() * window[:, None]), 1).float().to(device)
        weights = torch.full((self.num_bins, 1), 2.0, dtype=torch.double)
        weights[0] = weights[-1] = 1.0
        inverse = torch.cat((weights * angles.cos().T, -weights * angles.sin().T)) * window / self._size
        self._inverse = inverse.float().to(device)
        self._squared_window = window.square().float().to(device)

    def start_inverse(self) -> ISTFTState:
        return ISTFTState(None, self._size // 2)

    def join(self, rows: list[Tensor], layout: Layout, frame_samples: int) -> Tensor:
        """The samples of segments, [n] each, in a layout: [1, frame_samples * num_frames], each reflected at its ends into the gaps."""
        half = self._size // 2
        if not layout.has_gaps:
            return rows[0][None]
        zeros = rows[0].new_zeros(layout.gap * frame_samples - 2 * half)
        parts = [part for row in rows for part in (row[1 : half + 1].flip(0), row, row[-half - 1 : -1].flip(0), zeros)]
        return torch.cat(parts[1:-2])[None]

    def transform(self, samples: Tensor, state: STFTState, block: Block) -> Tensor:
        """Samples [1, n] to spectra [1, 2 * bins, 1, F], real parts before imaginary ones."""
        half = self._size // 2
        before = state.samples
        if before is None and not samples.shape[1]:
            return samples.new_zeros(1, 2 * self.num_bins, 1, 0)
        parts = [samples[:, 1 : half + 1].flip(1) if before is None else before, samples]
        if block.is_end:
            parts.append(torch.cat(parts, 1)[:, -half - 1 : -1].flip(1))
        joined = torch.cat(parts, 1)
        count = max(0, (joined.shape[1] - self._size) // self._hop + 1)
        state.samples = joined[:, count * self._hop :]
        if not count:
            return samples.new_zeros(1, 2 * self.num_bins, 1, 0)
        spectra = (joined[0].unfold(0, self._size, self._hop) @ self._forward).T[None, :, None]
        return spectra if block.layout is None else block.layout.clear_gaps(spectra)

    def inverse(self, magnitude: Tensor, phase: Tensor, state: ISTFTState, block: Block) -> Tensor:
        """Magnitudes and phases [1, bins, 1, F] to samples [1, n]; those in the gaps of a layout have no meaning."""
        spectra = torch.cat((magnitude * torch.cos(phase), magnitude * torch.sin(phase)), 1)[0, :, 0].T
        frames = torch.stack((spectra @ self._inverse, self._squared_window.expand(len(spectra), -1)))
        if block.layout is not None:
            block.layout.clear_gaps(frames, 1)
        rows = self._size // self._hop
        added = frames.new_zeros(2, len(spectra) + rows - 1, self._hop)
        for row in range(rows):
            added[:, row : row + len(spectra)] += frames[:, :, row * self._hop : (row + 1) * self._hop]
        if state.overlap is not None:
            added[:, : rows - 1] += state.overlap
        state.overlap = added[:, len(spectra) :]
        sums = (added if block.is_end else added[:, : len(spectra)]).flatten(1)
        sums = sums[:, state.num_cut : sums.shape[1] - self._size // 2 if block.is_end else sums.shape[1]]
        state.num_cut = max(0, state.num_cut - len(spectra) * self._hop)
        return sums[:1] / sums[1:]
