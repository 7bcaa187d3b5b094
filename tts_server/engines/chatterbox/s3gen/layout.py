"""Segments of different lengths in one tensor, so that one call of a layer computes all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

import torch
from torch import Tensor


class Layout:
    """Segments of `lengths` frames one after another on the last axis, with `gap` frames between two of them.

    Where the gaps are zeros in the input of each layer, and longer than the reach of its kernel, the result of each segment is the same as
    alone: it is surrounded by zeros. Layers with a higher rate than the frames have `rate` positions for each frame.
    """

    def __init__(self, lengths: Sequence[int], gap: int, device: torch.device) -> None:
        self.lengths = list(lengths)
        self.gap = gap
        self._device = device
        ends = list(accumulate(length + gap for length in self.lengths))
        self.starts = [0, *ends[:-1]]
        self.num_frames = ends[-1] - gap
        self._indices = cache(self._gap_indices)

    @property
    def has_gaps(self) -> bool:
        return len(self.lengths) > 1

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Segments [..., F] of the lengths -> [..., num_frames]."""
        if not self.has_gaps:
            return parts[0]
        zeros = parts[0].new_zeros(*parts[0].shape[:-1], self.gap)
        return torch.cat([part for segment in parts for part in (zeros, segment)][1:], -1)

    def pad_rows(self, x: Tensor) -> Tensor:
        """[num_frames] -> [B, longest]: a row for each segment; the values after the end of a shorter one have no meaning."""
        if not self.has_gaps:
            return x[None]
        rows = torch.tensor(self.starts)[:, None] + torch.arange(max(self.lengths))
        index = rows.clamp_(max=self.num_frames - 1).to(self._device)
        return x.index_select(0, index.flatten()).view(index.shape)

    def clear_gaps(self, x: Tensor, dim: int = -1) -> Tensor:
        """Set the gaps of x to zero, in place. The axis `dim` has rate * num_frames positions, or one more (as centred transforms give)."""
        if self.has_gaps:
            rate, num_more = divmod(x.shape[dim], self.num_frames)
            x.index_fill_(dim, self._indices(rate, num_more), 0)
        return x

    def reflect_starts(self, x: Tensor, rate: int) -> Tensor:
        """Copy the third position of each segment of x [..., rate * num_frames + 1] to its first one, in place."""
        if self.has_gaps:
            starts = (torch.tensor(self.starts) * rate).to(self._device)
            x.index_copy_(-1, starts, x.index_select(-1, starts + 2))
        return x

    def split(self, x: Tensor, rate: int) -> list[Tensor]:
        """The segments of x [rate * num_frames]."""
        return [x[start * rate : (start + length) * rate] for start, length in zip(self.starts, self.lengths, strict=True)]

    def _gap_indices(self, rate: int, num_more: int) -> Tensor:
        ends = [start + length for start, length in zip(self.starts, self.lengths, strict=True)]
        gaps = [(end, start) for (_, end), (start, _) in pairwise(zip(self.starts, ends, strict=True))]
        return torch.cat([torch.arange(first * rate + num_more, last * rate) for first, last in gaps]).to(self._device)


def group_segments(lengths: Sequence[int], max_frames: int) -> list[list[int]]:
    """Indices of segments in groups of at most `max_frames` frames together; a longer segment is a separate group.

    Segments of similar length are grouped together.
    """
    groups: list[list[int]] = []
    num_free = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if not groups or lengths[index] > num_free:
            groups.append([])
            num_free = max(max_frames, lengths[index])
        groups[-1].append(index)
        num_free -= lengths[index]
    return groups
