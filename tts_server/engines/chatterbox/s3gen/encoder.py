"""Speech tokens to the flow's conditioning: stock S3Gen's upsampling conformer, able to go on where it left off."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.s3gen.causal import CausalConv, Memory, attend
from tts_server.engines.chatterbox.weights.packed import Linear, Norm

LOOK_AHEAD = 3
"""Tokens that must be known behind a token before it can be encoded (at the end of an utterance they are silence)."""

FRAMES_PER_TOKEN = 2
_POSITION_STEP = 512


class _Embedding:
    """A linear layer, a norm and the scale that goes with sinusoidal positions."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        self._linear = Linear.of(stock.out[0], dtype=dtype)
        self._norm = Norm(stock.out[1])
        self._scale = float(stock.pos_enc.xscale)

    def __call__(self, x: Tensor) -> Tensor:
        return self._norm(self._linear(x)) * self._scale


class _Layer:
    """Self-attention with relative positions (Dai et al. 2019, arXiv:1901.02860) and a feed-forward net, each behind a norm."""

    def __init__(self, stock: Any, dtype: torch.dtype) -> None:
        attention = stock.self_attn
        self._heads, self._size = int(attention.h), int(attention.d_k)
        self._dtype = dtype
        self._norms = Norm(stock.norm_mha), Norm(stock.norm_ff)
        scale = self._size**-0.5
        self._qkv = Linear.of(attention.linear_q, attention.linear_k, attention.linear_v, dtype=dtype, first_scale=scale)
        self._out = Linear.of(attention.linear_out, dtype=dtype)
        self._rise = Linear.of(stock.feed_forward.w_1, dtype=dtype)
        self._fall = Linear.of(stock.feed_forward.w_2, dtype=dtype)
        self._bias_u = attention.pos_bias_u.detach()[:, None].mul(scale).to(dtype)
        self._bias_v = attention.pos_bias_v.detach()[:, None].mul(scale).to(dtype)
        self._positions = Linear.of(attention.linear_pos, dtype=torch.float32)
        self._channels = int(attention.linear_pos.in_features)
        self._table = torch.zeros(self._heads, 0, self._size)

    def __call__(self, x: Tensor, memory: Memory | None, index: int, mask: Tensor | None) -> Tensor:
        batch, length, channels = x.shape
        qkv = self._qkv(self._norms[0](x)).view(batch, length, 3, self._heads, self._size).permute(2, 0, 3, 1, 4)
        queries, keys, values = qkv[0], qkv[1], qkv[2]
        if memory is not None:
            keys, values = memory.extended(index, keys, values)
        distances = torch.matmul(queries + self._bias_v, self._reach(keys.shape[2], length).transpose(-1, -2))
        bias = _aligned(distances, keys.shape[2])
        if mask is not None:
            bias = bias + mask
        x = x + self._out(attend(queries + self._bias_u, keys, values, bias))
        return x + self._fall(functional.silu(self._rise(self._norms[1](x))))

    def _reach(self, num_keys: int, num_queries: int) -> Tensor:
        """The positional vectors of the distances num_keys - 1 down to 1 - num_queries: [H, num_keys + num_queries - 1, D]."""
        farthest = self._table.shape[1] // 2
        if farthest < max(num_keys, num_queries):
            farthest = -(-max(num_keys, num_queries) // _POSITION_STEP) * _POSITION_STEP
            angles = torch.arange(farthest, -farthest - 1, -1, dtype=torch.float32)[:, None] * torch.exp(
                torch.arange(0, self._channels, 2, dtype=torch.float32) * -(math.log(10000.0) / self._channels)
            )
            sinusoids = torch.stack((angles.sin(), angles.cos()), -1).flatten(1).to(self._bias_u.device)
            table = self._positions(sinusoids).view(-1, self._heads, self._size)
            self._table = table.transpose(0, 1).to(self._dtype).contiguous()
        first = farthest - num_keys + 1
        return self._table[:, first : first + num_keys + num_queries - 1]


def _aligned(distances: Tensor, num_keys: int) -> Tensor:
    """Scores by distance, [B, H, T, num_keys + T - 1], as scores by key, [B, H, T, num_keys]; the last query is at the last key."""
    batch, heads, num_queries, length = distances.shape
    distances = distances.contiguous()
    strides = (*distances.stride()[:2], length - 1, 1)
    return distances.as_strided((batch, heads, num_queries, num_keys), strides, distances.storage_offset() + num_queries - 1)


class Encoder:
    """The token embedding, `flow.encoder` and `flow.encoder_proj` of a stock S3Gen."""

    def __init__(self, flow: Any, dtype: torch.dtype) -> None:
        stock = flow.encoder
        self._tokens = flow.input_embedding
        self._embedding = _Embedding(stock.embed, dtype)
        self._ahead = CausalConv(stock.pre_lookahead_layer.conv1, dtype)
        self._back = CausalConv(stock.pre_lookahead_layer.conv2, dtype)
        self._layers = [_Layer(layer, dtype) for layer in stock.encoders]
        self._up = CausalConv(stock.up_layer.conv, dtype)
        self._up_embedding = _Embedding(stock.up_embed, dtype)
        self._up_layers = [_Layer(layer, dtype) for layer in stock.up_encoders]
        self._norm = Norm(stock.after_norm)
        self._out = Linear.of(flow.encoder_proj, dtype=dtype)

    def encode(
        self, tokens: Tensor, lengths: Tensor | None = None, memory: Memory | None = None, *, is_end: bool = True
    ) -> Generator[None, None, Tensor]:
        """Tokens [B, T] to conditioning [B, 2 T', 80]; yields now and then.

        `lengths` [B] are the rows' own lengths where they differ. With a memory, the tokens follow those it has seen. Unless `is_end`, the
        last LOOK_AHEAD tokens are only looked at (T' = T - LOOK_AHEAD) and must be given again.
        """
        x = self._embedding(self._tokens(tokens))
        mask = up_mask = None
        if lengths is not None:
            inside = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
            x = x * inside[:, :, None]
            mask = padding_mask(inside)
            up_mask = padding_mask(inside.repeat_interleave(FRAMES_PER_TOKEN, 1))
        if is_end:
            x = functional.pad(x, (0, 0, 0, LOOK_AHEAD))
        # The four-frame window of the first convolution begins at its own frame.
        looked = functional.leaky_relu(self._ahead.of_windows(x))
        x = x[:, : x.shape[1] - LOOK_AHEAD] + self._back(looked, memory, 0)
        for index, layer in enumerate(self._layers):
            x = layer(x, memory, index, mask)
        yield
        x = self._up_embedding(self._up(x.repeat_interleave(FRAMES_PER_TOKEN, 1), memory, 1))
        for index, layer in enumerate(self._up_layers, len(self._layers)):
            x = layer(x, memory, index, up_mask)
        return self._out(self._norm(x)).float()


def padding_mask(inside: Tensor) -> Tensor:
    """What hides the padding as keys: inside [B, S] bool -> [B, 1, 1, S], 0 or -inf."""
    return torch.zeros(inside.shape, device=inside.device).masked_fill_(~inside, -torch.inf)[:, None, None]
