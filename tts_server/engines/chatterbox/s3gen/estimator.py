"""The velocity field of the flow: stock S3Gen's U-Net of causal convolutions and transformers (`decoder.py`).

The stock module works on [B, C, T] and transposes before every transformer; here everything is [B, T, C], convolutions are matrix
products, and a pass can continue from the state after the previous frames.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.attention import attend
from tts_server.engines.chatterbox.s3gen.causal import CausalConv, StreamState
from tts_server.engines.chatterbox.weights.packed import Linear, Norm
from tts_server.engines.chatterbox.weights.stock_types import StockModule

_MISH_LIMIT = 20.0
"""Above it Mish equals its argument in float32."""


def _mish(x: Tensor) -> Tensor:
    """x tanh(softplus(x)), to 1e-6: with n = e^x + e^2x / 2 the tangent is n / (n + 1). Twice as fast as `functional.mish` on a CPU."""
    if x.device.type != "cpu":
        return functional.mish(x)
    exponential = torch.exp(x.clamp(max=_MISH_LIMIT))
    ratio = torch.addcmul(exponential, exponential, exponential, value=0.5)
    return x * ratio.div_(ratio + 1)


class _CausalBlock:
    """A causal convolution, a norm, Mish (`CausalBlock1D`)."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        self._conv = CausalConv(stock.block[0], dtype)
        self._norm = Norm(stock.block[2])

    def __call__(self, x: Tensor, state: StreamState | None, index: int) -> Tensor:
        return _mish(self._norm(self._conv(x, state, index)))


class _ResnetBlock:
    """Two causal blocks with a time embedding added between them, beside a convolution of width 1 (`CausalResnetBlock1D`)."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        self._block1, self._block2 = _CausalBlock(stock.block1, dtype), _CausalBlock(stock.block2, dtype)
        self._res_conv = Linear(stock.res_conv.weight[:, :, 0], stock.res_conv.bias, dtype)

    def __call__(self, x: Tensor, time_embedding: Tensor, state: StreamState | None, index: int) -> Tensor:
        hidden = self._block1(x, state, index) + time_embedding
        return self._block2(hidden, state, index + 1) + self._res_conv(x)


class _TransformerBlock:
    """Self-attention over all frames and a feed-forward network (`BasicTransformerBlock`)."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        attention = stock.attn1
        self.num_heads = int(attention.heads)
        self._norm1, self._norm3 = Norm(stock.norm1), Norm(stock.norm3)
        self._to_qkv = Linear.of(attention.to_q, attention.to_k, attention.to_v, dtype=dtype, first_scale=float(attention.scale))
        self._to_out = Linear.of(attention.to_out[0], dtype=dtype)
        self._ff_in = Linear.of(stock.ff.net[0].proj, dtype=dtype, gelu=True)
        self._ff_out = Linear.of(stock.ff.net[2], dtype=dtype)

    def __call__(self, x: Tensor, state: StreamState | None, index: int, mask: Tensor | None) -> Tensor:
        batch, length, _ = x.shape
        qkv = self._to_qkv(self._norm1(x)).view(batch, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = qkv[0], qkv[1], qkv[2]
        if state is not None:
            keys, values = state.append(index, keys, values)
        x = x + self._to_out(attend(queries, keys, values, mask))
        return x + self._ff_out(self._ff_in(self._norm3(x)))


class Estimator:
    """`flow.decoder.estimator` of a stock S3Gen (`ConditionalDecoder`)."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        self._stock = stock
        (down,), (up,) = stock.down_blocks, stock.up_blocks
        self._stock_resnets = [down[0], *(middle[0] for middle in stock.mid_blocks), up[0]]
        self._resnets = [_ResnetBlock(resnet, dtype) for resnet in self._stock_resnets]
        transformers = [down[1], *(middle[1] for middle in stock.mid_blocks), up[1]]
        self._transformers = [[_TransformerBlock(block, dtype) for block in blocks] for blocks in transformers]
        self.num_heads = self._transformers[0][0].num_heads
        self._downsample, self._upsample = CausalConv(down[2], dtype), CausalConv(up[2], dtype)
        self._final_block = _CausalBlock(stock.final_block, dtype)
        self._final_proj = Linear(stock.final_proj.weight[:, :, 0], stock.final_proj.bias, dtype)

    def time_embeddings(self, begin: Tensor, end: Tensor) -> list[Tensor]:
        """What each resnet block adds in a step of the flow from time `begin` to `end` ([1] each): [1, 1, C], float32.

        Only meanflow models depend on the end.
        """
        begin, end = begin.to(self._stock.dtype), end.to(self._stock.dtype)
        embedding = self._time_mlp(begin)
        if self._stock.meanflow:
            embedding = self._stock.time_embed_mixer(torch.cat((embedding, self._time_mlp(end)), 1))
        return [resnet.mlp(embedding)[:, None].float() for resnet in self._stock_resnets]

    def _time_mlp(self, time: Tensor) -> Tensor:
        embedded: Tensor = self._stock.time_mlp(self._stock.time_embeddings(time).to(time.dtype))
        return embedded

    def evaluate(
        self, x: Tensor, context: Tensor, time_embeddings: Sequence[Tensor], mask: Tensor | None = None, state: StreamState | None = None
    ) -> Generator[None, None, Tensor]:
        """The velocity of the flow at x: [B, T, 80], float32. Yields after every stage.

        x [B, T, 80] are the frames so far, context [B, T, 240] the conditioning, the speaker and the prompt's frames, side by side.
        `mask` [B, 1, 1, T] hides padding as keys; with a state the frames follow the previous ones.
        """
        x = torch.cat((x, context), -1)
        skip = x
        last = len(self._resnets) - 1
        layer = 0
        for stage, resnet in enumerate(self._resnets):
            if stage == last:
                x = torch.cat((x, skip), -1)
            x = resnet(x, time_embeddings[stage], state, 2 * stage)
            for transformer in self._transformers[stage]:
                x = transformer(x, state, layer, mask)
                layer += 1
            if stage == 0:
                skip = x
                x = self._downsample(x, state, -1).float()
            yield
        x = self._upsample(x, state, -2).float()
        return self._final_proj(self._final_block(x, state, -3)).float()
