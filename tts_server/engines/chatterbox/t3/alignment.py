"""How much of a text the multilingual model's speech has attended to: a measurement after the fact that steers nothing.

chatterbox-tts 0.1.7 steers the sampling by the attention of these heads (`AlignmentStreamAnalyzer`) and so cuts sentences short; upstream
removed that on 2026-05-01 (commit 3f35dfc). Their attention still tells which letters were spoken.
"""

from __future__ import annotations

import torch
from torch import Tensor

HEADS = ((12, 15), (13, 11), (9, 2))
"""Layers and heads of the Llama backbone whose attention follows the text (stock: `LLAMA_ALIGNED_HEADS`)."""

REACH = 2
"""How many text tokens to each side of the one that is attended to most count as spoken in a step of 40 ms."""


def coverage(queries: Tensor, keys: Tensor) -> Tensor:
    """The share of the text tokens, 0 to 1 (a scalar on the same device), that a step attended to, or to a token up to REACH away.

    queries: of HEADS in each decoding step, [steps, heads, size]. keys: of HEADS at the positions of the text, [heads, text, size].
    The text's start and stop tokens, its first and last, do not count.
    """
    scores = torch.einsum("thd,hnd->thn", queries.float(), keys.float()) * queries.shape[-1] ** -0.5
    attended = scores.softmax(-1).mean(1).argmax(-1)
    positions = torch.arange(keys.shape[1], device=keys.device)
    is_covered = ((positions - attended[:, None]).abs() <= REACH).any(0)
    inner = is_covered[1:-1] if len(is_covered) > 2 else is_covered
    share: Tensor = inner.float().mean()
    return share
