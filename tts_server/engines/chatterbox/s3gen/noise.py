"""All random numbers of S3Gen, drawn in advance from the generator of the request.

The order and the shapes are those in which stock S3Gen draws from torch's global generator (`s3gen.py`, `flow_matching.py` and
`hifigan.py` of chatterbox-tts 0.1.7), so that a generator in the same state gives the same audio. Numbers are always drawn on the CPU:
a seed means the same on every device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MEL_BINS = 80


def flow_noise(generator: torch.Generator, num_prompt: int, num_frames: int, *, is_meanflow: bool) -> Tensor:
    """Where the flow starts: [num_prompt + num_frames, 80]. Frames are 20 ms. A meanflow model draws its own frames first."""
    own = torch.randn(1, MEL_BINS, num_frames, generator=generator) if is_meanflow else None
    noise = torch.randn(1, MEL_BINS, num_prompt + num_frames, generator=generator)
    if own is not None:
        noise[:, :, num_prompt:] = own
    return noise[0].T.contiguous()


@dataclass(frozen=True)
class SourceNoise:
    """What the vocoder's harmonic source needs: `phase` [1, harmonics, 1] in radians and `noise` [1, harmonics, samples], normal."""

    phase: Tensor
    noise: Tensor


def source_phase(generator: torch.Generator, num_harmonics: int) -> Tensor:
    """Where each harmonic starts: [1, num_harmonics, 1], uniform within -pi..pi, 0 for the fundamental."""
    low, high = torch.tensor(-math.pi), torch.tensor(math.pi)
    phase = low + torch.rand(1, num_harmonics, 1, generator=generator) * (high - low)
    phase[:, 0] = 0
    return phase


def source_noise(generator: torch.Generator, num_harmonics: int, num_samples: int) -> SourceNoise:
    """The noise of a whole utterance of `num_samples` samples (24 kHz)."""
    phase = source_phase(generator, num_harmonics)
    noise = torch.randn(1, num_harmonics, num_samples, generator=generator)
    # Stock also draws the source of the noise branch, which it never uses; later draws from the same generator depend on that.
    torch.randn(1, 1, num_samples, generator=generator)
    return SourceNoise(phase, noise)


def join_noises(noises: Sequence[SourceNoise], num_samples: int, device: torch.device) -> SourceNoise:
    """The noises of several segments as rows, padded with zeros to `num_samples`, in pinned memory for a GPU."""
    phase = torch.cat([one.phase for one in noises])
    if all(one.noise.shape[2] == num_samples for one in noises):
        return SourceNoise(phase, pinned(torch.cat([one.noise for one in noises]), device))
    rows = pinned(torch.zeros(len(noises), noises[0].noise.shape[1], num_samples), device)
    for row, one in zip(rows.unbind(), noises, strict=True):
        row[:, : one.noise.shape[2]] = one.noise[0]
    return SourceNoise(phase, rows)


def pinned(x: Tensor, device: torch.device) -> Tensor:
    """x in pinned memory where that helps copies to the device, else x."""
    return x.pin_memory() if device.type == "cuda" and torch.cuda.is_available() else x
