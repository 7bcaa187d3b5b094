"""How many segments S3Gen computes in one batch: pure arithmetic on their lengths."""

from __future__ import annotations

from collections.abc import Sequence

SCORE_BYTES = 256 * 2**20
"""Attention scores that are in memory at once on a GPU, at most: they are computed for a part of the queries at a time."""

SCORE_COLUMNS = 3
"""Scores for each query, head and key: by distance there are almost two, and the kernel may hold one more."""

_FRAME_NUMBERS = 5120
"""Numbers in memory for each frame of each row in the widest layers: inputs of convolutions or feed-forward networks, and outputs."""

_FLOAT_BYTES = 4


def batch_bytes(lengths: Sequence[int], *, num_heads: int, rows_per_segment: int) -> int:
    """An upper bound of the working memory of a batch in float32. `lengths` are the frames of each segment, prompt included.

    `rows_per_segment` is 2 with classifier-free guidance.
    """
    longest = max(lengths)
    frames = len(lengths) * rows_per_segment * longest
    scores = frames * longest * num_heads * SCORE_COLUMNS * _FLOAT_BYTES
    return min(scores, SCORE_BYTES) * 3 // 2 + frames * _FRAME_NUMBERS * _FLOAT_BYTES


def split_batch(lengths: Sequence[int], budget_bytes: int, *, num_heads: int, rows_per_segment: int) -> list[int]:
    """The sizes of consecutive groups of segments that fit into `budget_bytes` each. A segment that does not fit is a separate group."""
    sizes: list[int] = []
    first = 0
    for index in range(len(lengths)):
        group = lengths[first : index + 1]
        if len(group) > 1 and batch_bytes(group, num_heads=num_heads, rows_per_segment=rows_per_segment) > budget_bytes:
            sizes.append(index - first)
            first = index
    if lengths:
        sizes.append(len(lengths) - first)
    return sizes
