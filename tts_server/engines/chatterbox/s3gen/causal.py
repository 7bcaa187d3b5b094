"""Causal convolutions of S3Gen, and the state of a stream for them and for attention."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from tts_server.engines.chatterbox.weights.packed import Linear


@dataclass
class StreamState:
    """The state of one network after the frames so far, from which the next frames are computed.

    `fixed` and `recent` hold keys and values [B, H, S, D] by layer; `conv_inputs` the last inputs of causal convolutions [B, k - 1, C].
    `window` is how many frames of the recent ones remain (None: all); the fixed ones, those of the voice's prompt, always remain.
    """

    window: int | None = None
    fixed: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    recent: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    conv_inputs: dict[int, Tensor] = field(default_factory=dict)

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of new frames; returns those of all frames that the new ones can attend to."""
        parts = [pair for pair in (self.fixed.get(layer), self.recent.get(layer), (keys, values)) if pair is not None]
        keys, values = torch.cat([part[0] for part in parts], 2), torch.cat([part[1] for part in parts], 2)
        first = parts[0][0].shape[2] if layer in self.fixed else 0
        if self.window is not None:
            first = max(first, keys.shape[2] - self.window)
        self.recent[layer] = (keys[:, :, first:].clone(), values[:, :, first:].clone())
        return keys, values

    def fork(self, window: int | None) -> StreamState:
        """A state that continues from this one and shares its tensors; this one does not change."""
        return StreamState(window, fixed=dict(self.recent), conv_inputs=dict(self.conv_inputs))

    @property
    def num_bytes(self) -> int:
        pairs = (*self.fixed.values(), *self.recent.values())
        return sum(part.nbytes for pair in pairs for part in pair) + sum(tail.nbytes for tail in self.conv_inputs.values())


class CausalConv:
    """A convolution that looks back only, as one matrix product over neighbouring frames: [B, T, in] -> [B, T, out]."""

    def __init__(self, layer: torch.nn.Conv1d, dtype: torch.dtype) -> None:
        self.kernel = int(layer.kernel_size[0])
        self._linear = Linear(layer.weight.permute(0, 2, 1).flatten(1), layer.bias, dtype)

    def __call__(self, x: Tensor, state: StreamState | None = None, index: int = 0) -> Tensor:
        """`index` names the convolution within the state."""
        before = state.conv_inputs.get(index) if state is not None else None
        if before is None:
            before = x.new_zeros(x.shape[0], self.kernel - 1, x.shape[2])
        x = torch.cat((before, x), 1)
        if state is not None:
            state.conv_inputs[index] = x[:, x.shape[1] - self.kernel + 1 :].clone()
        return self.of_windows(x)

    def of_windows(self, x: Tensor) -> Tensor:
        """Without padding: [B, T, in] -> [B, T - kernel + 1, out]."""
        length = x.shape[1] - self.kernel + 1
        return self._linear(torch.cat([x[:, tap : tap + length] for tap in range(self.kernel)], -1))
