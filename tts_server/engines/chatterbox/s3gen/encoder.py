"""Speech tokens to the flow's conditioning: stock S3Gen's upsampling conformer (`upsample_encoder.py`), whole or block by block."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.attention import RelativePositions, attend, padding_mask, queries_at_once
from tts_server.engines.chatterbox.s3gen.causal import CausalConv, StreamState
from tts_server.engines.chatterbox.weights.packed import Linear, Norm
from tts_server.engines.chatterbox.weights.stock_types import StockModule

LOOK_AHEAD = 3
"""Tokens after a token that its encoding depends on (at the end of an utterance they are silence)."""

FRAMES_PER_TOKEN = 2


class _Embedding:
    """A linear layer, a norm and the scale of sinusoidal positions (`embed`, `up_embed`)."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        self._linear = Linear.of(stock.out[0], dtype=dtype)
        self._norm = Norm(stock.out[1])
        self._scale = float(stock.pos_enc.xscale)

    def __call__(self, x: Tensor) -> Tensor:
        return self._norm(self._linear(x)) * self._scale


class _ConformerLayer:
    """Self-attention with relative positions (Dai et al. 2019, arXiv:1901.02860) and a feed-forward network, each after a norm."""

    def __init__(self, stock: StockModule, dtype: torch.dtype) -> None:
        attention = stock.self_attn
        self._heads, self._size = int(attention.h), int(attention.d_k)
        self._norm_mha, self._norm_ff = Norm(stock.norm_mha), Norm(stock.norm_ff)
        scale = self._size**-0.5
        layers = attention.linear_q, attention.linear_k, attention.linear_v
        self._linear_qkv = Linear.of(*layers, dtype=dtype, first_scale=scale)
        self._linear_out = Linear.of(attention.linear_out, dtype=dtype)
        self._w_1 = Linear.of(stock.feed_forward.w_1, dtype=dtype)
        self._w_2 = Linear.of(stock.feed_forward.w_2, dtype=dtype)
        self._pos_bias_u = attention.pos_bias_u.detach()[:, None].mul(scale).to(dtype)
        self._pos_bias_v = attention.pos_bias_v.detach()[:, None].mul(scale).to(dtype)
        self._positions = RelativePositions(attention.linear_pos, self._heads, dtype)

    def __call__(self, x: Tensor, state: StreamState | None, index: int, mask: Tensor | None) -> Tensor:
        batch, length, _ = x.shape
        qkv = self._linear_qkv(self._norm_mha(x)).view(batch, length, 3, self._heads, self._size).permute(2, 0, 3, 1, 4)
        queries, keys, values = qkv[0], qkv[1], qkv[2]
        if state is not None:
            keys, values = state.append(index, keys, values)
        x = x + self._linear_out(self._attend(queries, keys, values, mask))
        return x + self._w_2(functional.silu(self._w_1(self._norm_ff(x))))

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Attention where the last query has the position of the last key."""
        length, num_keys = queries.shape[2], keys.shape[2]
        by_content, by_position = queries + self._pos_bias_u, queries + self._pos_bias_v
        block = queries_at_once(queries, num_keys)
        parts = []
        for first in range(0, length, block):
            bias = self._positions.scores(by_position[:, :, first : first + block], num_keys - length + first, num_keys)
            if mask is not None:
                bias.add_(mask)
            parts.append(attend(by_content[:, :, first : first + block], keys, values, bias))
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


class Encoder:
    """The token embedding, `flow.encoder` and `flow.encoder_proj` of a stock S3Gen."""

    def __init__(self, flow: StockModule, dtype: torch.dtype) -> None:
        stock = flow.encoder
        self._dtype = dtype
        self._input_embedding = flow.input_embedding
        self._embed = _Embedding(stock.embed, dtype)
        self._lookahead_conv1 = CausalConv(stock.pre_lookahead_layer.conv1, dtype)
        self._lookahead_conv2 = CausalConv(stock.pre_lookahead_layer.conv2, dtype)
        self._encoders = [_ConformerLayer(layer, dtype) for layer in stock.encoders]
        self._up_layer = CausalConv(stock.up_layer.conv, dtype)
        self._up_embed = _Embedding(stock.up_embed, dtype)
        self._up_encoders = [_ConformerLayer(layer, dtype) for layer in stock.up_encoders]
        self._after_norm = Norm(stock.after_norm)
        self._encoder_proj = Linear.of(flow.encoder_proj, dtype=dtype)

    def encode(
        self, tokens: Tensor, inside: Tensor | None = None, state: StreamState | None = None, *, is_end: bool = True
    ) -> Generator[None, None, Tensor]:
        """Tokens [B, T] to conditioning [B, 2 T', 80]; yields between slices of the work.

        `inside` [B, T] is false at padding, where the rows differ in length. With a state, the tokens follow the previous ones. Unless
        `is_end`, the last LOOK_AHEAD tokens are only context (T' = T - LOOK_AHEAD) and must be passed again.
        """
        x = self._embed(self._input_embedding(tokens))
        mask = up_mask = None
        if inside is not None:
            x = x * inside[:, :, None]
            mask = padding_mask(inside, self._dtype)
            up_mask = padding_mask(inside.repeat_interleave(FRAMES_PER_TOKEN, 1), self._dtype)
        if is_end:
            x = functional.pad(x, (0, 0, 0, LOOK_AHEAD))
        # The four-frame window of the first convolution begins at its own frame.
        hidden = functional.leaky_relu(self._lookahead_conv1.of_windows(x))
        x = x[:, : x.shape[1] - LOOK_AHEAD] + self._lookahead_conv2(hidden, state, 0)
        for index, layer in enumerate(self._encoders):
            x = layer(x, state, index, mask)
        yield
        x = self._up_embed(self._up_layer(x.repeat_interleave(FRAMES_PER_TOKEN, 1), state, 1))
        for index, layer in enumerate(self._up_encoders, len(self._encoders)):
            x = layer(x, state, index, up_mask)
        return self._encoder_proj(self._after_norm(x)).float()
