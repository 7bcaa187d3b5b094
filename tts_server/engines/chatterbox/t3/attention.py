"""The attention of T3, one class for each kind of step. `Backbone.run` calls it in every layer:

- `Conditioning` computes a prefix,
- `Prefill` processes the texts of new rows,
- `SharedDecode` adds one position to all rows; rows of one voice read one copy of its prefix,
- `StaticDecode` does the same with fixed shapes, as CUDA graphs require; each row holds its own copy of the prefix.

Attention is causal, so the keys and values of a prefix depend on the voice alone and are computed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.t3.kv_cache import KeyValues, Prefix

Head = tuple[int, int]
"""A layer and a head in it."""

_NEVER = float("-inf")
_MASK_ALIGNMENT = 8


class Attend(Protocol):
    """Attention of one layer: queries, keys and values [rows, heads, positions, size] to [rows, heads, positions, size]."""

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor: ...


class Conditioning:
    """Causal attention of a prefix to itself; afterwards `prefix()` holds its keys and values."""

    def __init__(self) -> None:
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        self._keys.append(key[0].clone(memory_format=torch.contiguous_format))
        self._values.append(value[0].clone(memory_format=torch.contiguous_format))
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)

    def prefix(self) -> Prefix:
        return Prefix(self._keys, self._values)


class Prefill:
    """Attention of new rows to their prefix and to themselves, and storage of their prefixes, keys and values.

    The numbers of the rows follow each other. `counts[i]` is the number of positions of `rows[i]`; shorter rows are padded on the
    right, where causality hides the padding.
    `positions` [rows, longest] is for the backbone.
    """

    def __init__(self, store: KeyValues, rows: Sequence[int], counts: Sequence[int]) -> None:
        self._store, self._rows, self._counts = store, rows, counts
        self._prefixes = [store.prefixes[row] for row in rows]
        self._lengths = [prefix.length for prefix in self._prefixes]
        self._longest = max(self._lengths)
        longest = max(counts)
        device = store.device
        store.copy_prefixes(rows)
        self._row_index = torch.tensor(rows, device=device)[:, None]
        # The padding is stored too, behind the row's length, or in the last position, which no text fills: decoding overwrites it.
        places = torch.tensor([store.lengths[row] for row in rows], device=device)[:, None] + torch.arange(longest, device=device)
        self._places = places.clamp_(max=store.capacity - 1)
        self.positions = torch.tensor(self._lengths, device=device)[:, None] + torch.arange(longest, device=device)
        # CUDA kernels require rows of a mask to begin at multiples of 8 elements; otherwise PyTorch copies the mask in every layer.
        width = self._longest + longest
        padded = torch.zeros(len(rows), 1, longest, -(-width // _MASK_ALIGNMENT) * _MASK_ALIGNMENT, dtype=store.dtype, device=device)
        self._mask = padded[..., :width]
        self._mask[..., self._longest :] = torch.full((longest, longest), _NEVER, dtype=store.dtype, device=device).triu_(1)
        for index, length in enumerate(self._lengths):
            self._mask[index, :, :, length : self._longest] = _NEVER

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        self._store.keys[layer][self._row_index, :, self._places] = key.transpose(1, 2)
        self._store.values[layer][self._row_index, :, self._places] = value.transpose(1, 2)
        keys = torch.cat((self._padded_prefixes(layer, key, "keys"), key), 2)
        values = torch.cat((self._padded_prefixes(layer, value, "values"), value), 2)
        return functional.scaled_dot_product_attention(query, keys, values, attn_mask=self._mask)

    def _padded_prefixes(self, layer: int, like: Tensor, kind: str) -> Tensor:
        """The prefixes of the rows, padded to the longest: [rows, heads, longest, size]."""
        parts: list[Tensor] = [getattr(prefix, kind)[layer] for prefix in self._prefixes]
        if all(part is parts[0] for part in parts):
            return parts[0].expand(len(parts), -1, -1, -1)
        together = like.new_zeros(len(parts), parts[0].shape[0], self._longest, parts[0].shape[2])
        for index, part in enumerate(parts):
            together[index, :, : part.shape[1]] = part
        return together

    def store(self) -> None:
        """Count the positions of the rows, which are now stored in all layers."""
        for row, count in zip(self._rows, self._counts, strict=True):
            self._store.lengths[row] += count


class SharedDecode:
    """One more position for every row. Exact: softmax runs over the scores of prefix and suffix together.

    `positions` [rows, 1] is for the backbone; `queries` holds those of the `recorded` heads, [rows, 1, size]; `span` is how many positions
    of the rows' own storage are read.
    """

    def __init__(self, store: KeyValues, recorded: Iterable[Head] = ()) -> None:
        self._store = store
        count, device = store.num_rows, store.device
        self.span = max(store.lengths) + 1
        store.reserve(self.span)
        self._lengths = torch.tensor(store.lengths, device=device)
        self._rows = torch.arange(count, device=device)
        self.positions = torch.tensor([store.position(row) for row in range(count)], device=device)[:, None]
        ahead = torch.arange(self.span, device=device) > self._lengths[:, None]
        self._bias = torch.zeros(ahead.shape, dtype=store.dtype, device=device).masked_fill_(ahead, _NEVER)[:, None]
        voices: dict[Prefix, list[int]] = {}
        for row, prefix in enumerate(store.prefixes):
            voices.setdefault(prefix, []).append(row)
        self._longest = max(prefix.length for prefix in voices)
        self._voices = [(prefix, slice(None) if len(voices) == 1 else torch.tensor(rows, device=device)) for prefix, rows in voices.items()]
        self._recorded = tuple(recorded)
        self.queries: dict[Head, Tensor] = {}

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        count, heads, _, size = query.shape
        keys, values = self._store.keys[layer], self._store.values[layer]
        keys[self._rows, :, self._lengths] = key[:, :, 0]
        values[self._rows, :, self._lengths] = value[:, :, 0]
        _record(self.queries, self._recorded, layer, query)
        query = query * size**-0.5
        # Keys times queries rather than the other way round: a third faster on a CPU, where the keys are the large factor.
        after = torch.matmul(keys[:count, :, : self.span], query.transpose(-1, -2))[..., 0].add_(self._bias)
        before = query.new_full((count, heads, self._longest), _NEVER)
        for prefix, rows in self._voices:
            before[rows, :, : prefix.length] = torch.matmul(prefix.keys[layer], query[rows, :, 0].permute(1, 2, 0)).permute(2, 0, 1)
        weights = torch.cat((before, after), -1).softmax(-1, dtype=torch.float32).to(query.dtype)
        out = torch.matmul(weights[:, :, None, self._longest :], values[:count, :, : self.span])
        for prefix, rows in self._voices:
            shared = torch.matmul(weights[rows, :, : prefix.length].transpose(0, 1), prefix.values[layer])
            out[rows, :, 0] += shared.transpose(0, 1)
        return out

    def store(self) -> None:
        """Count the position, which is now stored in all layers."""
        self._store.lengths[:] = [length + 1 for length in self._store.lengths]


class StaticDecode:
    """`SharedDecode` with shapes that depend only on the number of rows and on `span`; the storage must hold the prefixes.

    `lengths` [rows] int64 lives on the device and is written before each step: what runs here can be replayed as a CUDA graph.
    `span` is how many positions are read of every row, more than any row's length (default: all that are stored).
    """

    def __init__(self, store: KeyValues, lengths: Tensor, recorded: Iterable[Head] = (), *, span: int | None = None) -> None:
        self._store, self._lengths = store, lengths
        self._span = span or store.capacity
        self._rows = torch.arange(len(lengths), device=lengths.device)
        self.positions = lengths[:, None]
        is_later = torch.arange(self._span, device=lengths.device) > self.positions
        self._bias = torch.zeros(is_later.shape, dtype=store.dtype, device=lengths.device).masked_fill_(is_later, _NEVER)[:, None, None]
        self._recorded = tuple(recorded)
        self.queries: dict[Head, Tensor] = {}

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        count, size = len(self._lengths), query.shape[-1]
        keys, values = self._store.keys[layer], self._store.values[layer]
        keys[self._rows, :, self._lengths] = key[:, :, 0]
        values[self._rows, :, self._lengths] = value[:, :, 0]
        _record(self.queries, self._recorded, layer, query)
        # Fused kernels pad a single query to a block of 64 and read a mask for all of it; two products read keys and values once.
        scores = torch.matmul(query * size**-0.5, keys[:count, :, : self._span].transpose(-1, -2)) + self._bias
        return torch.matmul(scores.softmax(-1, dtype=torch.float32).to(query.dtype), values[:count, :, : self._span])


def _record(queries: dict[Head, Tensor], heads: tuple[Head, ...], layer: int, query: Tensor) -> None:
    for head in heads:
        if head[0] == layer:
            queries[head] = query[:, head[1]]
