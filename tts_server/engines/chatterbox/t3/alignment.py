"""Measures how much of a text the multilingual model's speech has attended to. The sampling does not depend on it.

chatterbox-tts 0.1.7 changes the sampling by the attention of these heads (`AlignmentStreamAnalyzer`) and so cuts sentences short; upstream
removed that on 2026-05-01 (commit 3f35dfc). Their attention still shows which text tokens were spoken.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from tts_server.engines.chatterbox.t3.kv_cache import KeyValues

HEADS = ((12, 15), (13, 11), (9, 2))
"""Layers and heads of the Llama backbone whose attention follows the text (stock: `LLAMA_ALIGNED_HEADS`)."""

REACH = 2
"""How many text tokens to each side of the one that is attended to most count as spoken in a step of 40 ms."""


class TextCoverage:
    """Which tokens of their texts the rows of `store` have attended to so far.

    `mark` has fixed shapes and addresses: it can run in a CUDA graph.
    """

    def __init__(self, store: KeyValues, *, max_rows: int, max_text: int) -> None:
        self._store = store
        self._spans = torch.zeros(2, max_rows, dtype=torch.int64, device=store.device)
        # REACH more columns on each side, for marks beyond the ends of a text.
        self._is_covered = torch.zeros(max_rows, max_text + 2 * REACH, dtype=torch.bool, device=store.device)

    def begin(self, row: int, first: int, length: int) -> None:
        """Start a new row, whose text of `length` tokens is stored from position `first` on."""
        self._spans[:, row] = torch.tensor([first, length])
        self._is_covered[row] = False

    def move(self, source: int, target: int) -> None:
        """Move the record of row `source` to row `target`."""
        self._spans[:, target] = self._spans[:, source]
        self._is_covered[target] = self._is_covered[source]

    def mark(self, queries: Mapping[tuple[int, int], Tensor], span: int) -> None:
        """Count a step: the queries of HEADS, each [rows, 1, size], attend to the first `span` positions of their rows."""
        rows, _, size = queries[HEADS[0]].shape
        query = torch.stack([queries[head] for head in HEADS], 1).float()
        keys = torch.stack([self._store.keys[layer][:rows, head, :span] for layer, head in HEADS], 1).float()
        scores = torch.matmul(query, keys.transpose(-1, -2))[:, :, 0] * size**-0.5
        first, length = self._spans[0, :rows, None], self._spans[1, :rows, None]
        position = torch.arange(span, device=first.device) - first
        scores = scores.masked_fill(((position < 0) | (position >= length))[:, None], torch.finfo(scores.dtype).min)
        attended = scores.softmax(-1).mean(1).argmax(-1, keepdim=True) - first
        # Column 0 stands for the text token -REACH.
        places = attended + torch.arange(2 * REACH + 1, device=first.device)
        self._is_covered[:rows].scatter_(1, places.clamp_(0, self._is_covered.shape[1] - 1), True)

    def share(self, row: int, length: int) -> Tensor:
        """The share of a text of `length` tokens that the row has attended to, 0 to 1: a scalar on the store's device.

        The text's start and stop tokens, its first and last, do not count.
        """
        inner = slice(1, -1) if length > 2 else slice(None)
        share: Tensor = self._is_covered[row, REACH : REACH + length][inner].float().mean()
        return share
