"""Dot-product attention of S3Gen, with and without relative positions.

The scores of a whole batch grow with the square of its length. Where the device would hold them in memory, they are computed for as many
queries at once as fit into SCORE_BYTES.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.batching import SCORE_BYTES, SCORE_COLUMNS
from tts_server.engines.chatterbox.weights.packed import Linear

ALIGNMENT = 8
"""Elements: CUDA's memory-efficient kernel refuses or copies masks whose offset or strides are no multiples of it."""

_CPU_QUERIES = 256
"""Queries at once on a CPU: their scores stay within a core's cache."""

_POSITION_STEP = 512


def padding_mask(inside: Tensor, dtype: torch.dtype) -> Tensor:
    """The mask that hides padding as keys: inside [B, S] bool -> [B, 1, 1, S] of 0 or -inf, aligned."""
    num_keys = inside.shape[1]
    allocated = functional.pad(inside, (0, -num_keys % ALIGNMENT))
    mask = torch.zeros(allocated.shape, dtype=dtype, device=inside.device).masked_fill_(~allocated, -torch.inf)
    return mask[:, None, None, :num_keys]


def attend(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention of scaled queries [B, H, T, D] to keys and values [B, H, S, D] -> [B, T, H * D].

    `bias` is added to the scores: [B, 1 or H, 1 or T, S] in the format of the queries, aligned.
    """
    num_queries = queries.shape[2]
    if not _is_fused(queries):
        # Products of each block would copy them again.
        queries, keys, values = queries.contiguous(), keys.contiguous(), values.contiguous()
    block = num_queries if _is_fused(queries) else queries_at_once(queries, keys.shape[2])
    parts = [
        _attend_block(
            queries[:, :, first : first + block],
            keys,
            values,
            bias if bias is None or bias.shape[2] == 1 else bias[:, :, first : first + block],
        )
        for first in range(0, num_queries, block)
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def queries_at_once(queries: Tensor, num_keys: int) -> int:
    """How many of the queries [B, H, T, D] are computed at once where their scores are held in memory: a multiple of ALIGNMENT."""
    if queries.device.type == "cpu":
        return _CPU_QUERIES
    batch, heads = queries.shape[:2]
    query_bytes = batch * heads * num_keys * SCORE_COLUMNS * queries.element_size()
    return max(ALIGNMENT, SCORE_BYTES // query_bytes // ALIGNMENT * ALIGNMENT)


def _is_fused(queries: Tensor) -> bool:
    """Whether `scaled_dot_product_attention` computes without holding all scores in memory, and fast."""
    if queries.device.type == "cpu":
        # The fused kernel is slower than its parts for bfloat16 on a CPU.
        return queries.dtype != torch.bfloat16
    return queries.device.type == "cuda" and torch.version.hip is None


def _attend_block(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
    batch, heads, num_queries, size = queries.shape
    if queries.device.type == "cpu" and not _is_fused(queries):
        scores = torch.matmul(queries, keys.transpose(-1, -2))
        if bias is not None:
            scores = scores.float() + bias
        result = torch.matmul(scores.softmax(-1).to(values.dtype), values)
    else:
        mask = None if bias is None else bias.expand(batch, heads, num_queries, keys.shape[2])
        result = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=1.0)
    return result.transpose(1, 2).reshape(batch, num_queries, heads * size)


class RelativePositions:
    """The vectors of distances between queries and keys (Dai et al. 2019, arXiv:1901.02860): `linear_pos` of sinusoids, in a table."""

    def __init__(self, linear_pos: torch.nn.Linear, num_heads: int, dtype: torch.dtype) -> None:
        self._linear = Linear.of(linear_pos, dtype=torch.float32)
        self._num_heads, self._channels = num_heads, int(linear_pos.in_features)
        self._dtype, self._device = dtype, linear_pos.weight.device
        self._reach = 0
        self._table = torch.zeros(0)

    def scores(self, queries: Tensor, first: int, num_keys: int) -> Tensor:
        """Scores by key, [B, H, T, num_keys], of queries [B, H, T, D] that have the positions of the keys from `first` on.

        They are computed by distance, [H, B * T, T + num_keys], and each row is then read from where its first key is: a view whose
        offset and strides are multiples of ALIGNMENT, because the rows and columns are rounded up.
        """
        batch, heads, num_queries, size = queries.shape
        num_rows = num_queries + -num_queries % ALIGNMENT
        num_columns = num_rows + num_keys + (1 - num_keys) % ALIGNMENT
        rows = functional.pad(queries.transpose(0, 1), (0, 0, 0, num_rows - num_queries)).reshape(heads, batch * num_rows, size)
        # Column 0 is a distance that no query uses: with it the first row begins at an aligned column.
        vectors = self._vectors(first + num_rows, num_columns)
        by_distance = torch.bmm(rows, vectors.transpose(1, 2))
        strides = (num_rows * num_columns, batch * num_rows * num_columns, num_columns - 1, 1)
        return by_distance.as_strided((batch, heads, num_queries, num_keys), strides, num_rows)

    def _vectors(self, farthest: int, count: int) -> Tensor:
        """The vectors [H, count, D] of the distances farthest, farthest - 1, …"""
        reach = max(farthest, count - 1 - farthest)
        if self._reach < reach:
            self._reach = reach + -reach % _POSITION_STEP
            distances = torch.arange(self._reach, -self._reach - 1, -1, dtype=torch.float32)[:, None]
            rates = torch.exp(torch.arange(0, self._channels, 2, dtype=torch.float32) * -(math.log(10000.0) / self._channels))
            sinusoids = torch.stack(((distances * rates).sin(), (distances * rates).cos()), -1).flatten(1).to(self._device)
            table = self._linear(sinusoids).view(len(sinusoids), self._num_heads, -1)
            self._table = table.transpose(0, 1).to(self._dtype).contiguous()
        return self._table[:, self._reach - farthest : self._reach - farthest + count]
