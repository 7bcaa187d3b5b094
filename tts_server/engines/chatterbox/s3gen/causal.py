"""Causal convolutions of S3Gen, and the states that earlier frames leave for them and for attention."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from tts_server.engines.chatterbox.weights.packed import Linear


@dataclass
class Memory:
    """What the frames so far leave behind in one pass through a network, for the frames that follow.

    `fixed` and `recent` hold keys and values [B, H, S, D] by layer; `tails` the last inputs of causal convolutions [B, k - 1, C].
    `window` bounds the recent ones to so many frames (None: all stay); the fixed ones, those of the voice's prompt, always stay.
    """

    window: int | None = None
    fixed: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    recent: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    tails: dict[int, Tensor] = field(default_factory=dict)

    def extended(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The new keys and values behind the remembered ones, which they join."""
        parts = [pair for pair in (self.fixed.get(layer), self.recent.get(layer), (keys, values)) if pair is not None]
        keys, values = torch.cat([part[0] for part in parts], 2), torch.cat([part[1] for part in parts], 2)
        first = parts[0][0].shape[2] if layer in self.fixed else 0
        if self.window is not None:
            first = max(first, keys.shape[2] - self.window)
        self.recent[layer] = (keys[:, :, first:].clone(), values[:, :, first:].clone())
        return keys, values

    def follower(self, window: int | None) -> Memory:
        """A memory that goes on from here, sharing all that is remembered; this one stays as it is."""
        return Memory(window, fixed=dict(self.recent), tails=dict(self.tails))

    @property
    def num_bytes(self) -> int:
        pairs = (*self.fixed.values(), *self.recent.values())
        return sum(part.nbytes for pair in pairs for part in pair) + sum(tail.nbytes for tail in self.tails.values())


class CausalConv:
    """A convolution that looks back only, as one matrix product over neighbouring frames: [B, T, in] -> [B, T, out]."""

    def __init__(self, layer: torch.nn.Conv1d, dtype: torch.dtype) -> None:
        self.kernel = int(layer.kernel_size[0])
        self._linear = Linear(layer.weight.permute(0, 2, 1).flatten(1), layer.bias, dtype)

    def __call__(self, x: Tensor, memory: Memory | None = None, index: int = 0) -> Tensor:
        """`index` names the convolution within the memory."""
        before = memory.tails.get(index) if memory is not None else None
        if before is None:
            before = x.new_zeros(x.shape[0], self.kernel - 1, x.shape[2])
        x = torch.cat((before, x), 1)
        if memory is not None:
            memory.tails[index] = x[:, x.shape[1] - self.kernel + 1 :].clone()
        return self.of_windows(x)

    def of_windows(self, x: Tensor) -> Tensor:
        """Without padding: [B, T, in] -> [B, T - kernel + 1, out]."""
        length = x.shape[1] - self.kernel + 1
        return self._linear(torch.cat([x[:, tap : tap + length] for tap in range(self.kernel)], -1))
