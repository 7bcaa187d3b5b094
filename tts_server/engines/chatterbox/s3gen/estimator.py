"""The network that the flow solver asks for a direction: stock S3Gen's U-Net of causal convolutions and transformers, over time first.

The stock module works on [B, C, T] and turns around before every transformer; here everything is [B, T, C], convolutions are matrix
products, and a pass can go on from a memory of the frames before.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.causal import CausalConv, Memory, attend
from tts_server.engines.chatterbox.weights.packed import Linear, Norm


class _Block:
    """A causal convolution, a norm, Mish."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        self._conv = CausalConv(stock.block[0], dtype)
        self._norm = Norm(stock.block[2])

    def __call__(self, x: Tensor, memory: Memory | None, index: int) -> Tensor:
        return functional.mish(self._norm(self._conv(x, memory, index)))


class _Residual:
    """Two blocks around a shift that depends on the time of the flow."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        self._blocks = _Block(stock.block1, dtype), _Block(stock.block2, dtype)
        conv = stock.res_conv
        self._straight = Linear(conv.weight[:, :, 0], conv.bias, dtype)

    def __call__(self, x: Tensor, shift: Tensor, memory: Memory | None, index: int) -> Tensor:
        hidden = self._blocks[0](x, memory, index) + shift
        return self._blocks[1](hidden, memory, index + 1) + self._straight(x)


class _Transformer:
    """Self-attention over all frames and a feed-forward net."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        attention = stock.attn1
        self._heads = int(attention.heads)
        self._norms = Norm(stock.norm1), Norm(stock.norm3)
        self._qkv = Linear.of(attention.to_q, attention.to_k, attention.to_v, dtype=dtype, first_scale=float(attention.scale))
        self._out = Linear.of(attention.to_out[0], dtype=dtype)
        self._rise = Linear.of(stock.ff.net[0].proj, dtype=dtype, gelu=True)
        self._fall = Linear.of(stock.ff.net[2], dtype=dtype)

    def __call__(self, x: Tensor, memory: Memory | None, index: int, mask: Tensor | None) -> Tensor:
        batch, length, _ = x.shape
        qkv = self._qkv(self._norms[0](x)).view(batch, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = qkv[0], qkv[1], qkv[2]
        if memory is not None:
            keys, values = memory.extended(index, keys, values)
        x = x + self._out(attend(queries, keys, values, mask))
        return x + self._fall(self._rise(self._norms[1](x)))


class Estimator:
    """`flow.decoder.estimator` of a stock S3Gen."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        self._stock = stock
        (down,), (up,) = stock.down_blocks, stock.up_blocks
        self._stock_residuals = [down[0], *(middle[0] for middle in stock.mid_blocks), up[0]]
        self._residuals = [_Residual(residual, dtype) for residual in self._stock_residuals]
        transformers = [down[1], *(middle[1] for middle in stock.mid_blocks), up[1]]
        self._transformers = [[_Transformer(block, dtype) for block in blocks] for blocks in transformers]
        self._down, self._up = CausalConv(down[2], dtype), CausalConv(up[2], dtype)
        self._final = _Block(stock.final_block, dtype)
        self._out = Linear(stock.final_proj.weight[:, :, 0], stock.final_proj.bias, dtype)

    def shifts(self, begin: Tensor, end: Tensor) -> list[Tensor]:
        """What the residual blocks add for a step of the flow from time `begin` to `end` ([1] each); meanflow models alone mind the end."""
        begin, end = begin.to(self._stock.dtype), end.to(self._stock.dtype)
        embedding = self._embedding(begin)
        if self._stock.meanflow:
            embedding = self._stock.time_embed_mixer(torch.cat((embedding, self._embedding(end)), 1))
        return [residual.mlp(embedding)[:, None].float() for residual in self._stock_residuals]

    def _embedding(self, time: Tensor) -> Tensor:
        embedded: Tensor = self._stock.time_mlp(self._stock.time_embeddings(time).to(time.dtype))
        return embedded

    def evaluate(
        self, x: Tensor, context: Tensor, shifts: Sequence[Tensor], mask: Tensor | None = None, memory: Memory | None = None
    ) -> Generator[None, None, Tensor]:
        """The direction at x: [B, T, 80], float32. Yields after every stage.

        x [B, T, 80] are the frames on their way, context [B, T, 240] the conditioning, the speaker and the prompt's frames, side by side.
        `mask` [B, 1, 1, T] hides padding as keys; with a memory the frames follow those it has seen.
        """
        x = torch.cat((x, context), -1)
        skip = x
        last = len(self._residuals) - 1
        layer = 0
        for stage, residual in enumerate(self._residuals):
            if stage == last:
                x = torch.cat((x, skip), -1)
            x = residual(x, shifts[stage], memory, 2 * stage)
            for transformer in self._transformers[stage]:
                x = transformer(x, memory, layer, mask)
                layer += 1
            if stage == 0:
                skip = x
                x = self._down(x, memory, -1).float()
            yield
        x = self._up(x, memory, -2).float()
        return self._out(self._final(x, memory, -3)).float()
