"""The transformer of T3 (GPT-2 or Llama) over rows of different lengths, from the weights of the stock module.

A row is one sequence in the batch (two with classifier-free guidance). Its positions are the voice's conditioning (the *prefix*,
the same for all rows of a voice) and then its own text and speech (the *suffix*). The `Attend` that is passed to `Backbone.run` computes
the attention between them.

The arithmetic is that of `transformers` GPT2Model and LlamaModel, as `chatterbox.models.t3.T3` uses them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.t3.attention import Attend, Conditioning
from tts_server.engines.chatterbox.t3.kv_cache import KeyValues, Prefix
from tts_server.engines.chatterbox.weights.linear import Linear, Packing
from tts_server.engines.chatterbox.weights.stock_types import StockModule, StockObject


@dataclass(frozen=True)
class _Layer:
    attention_norm: Linear
    qkv: Linear
    out: Linear
    mlp_norm: Linear
    mlp: Linear


class Backbone:
    """The forward pass of T3, without the decoding loop.

    release: remove the transformer and the speech head from the stock module, layer by layer as they are packed, so that the
    weights are never in memory twice. The embeddings and the conditioning encoder stay in use.
    """

    def __init__(self, t3: StockModule, packing: Packing, *, release: bool = False) -> None:
        config = t3.cfg
        self.is_gpt2: bool = t3.is_gpt
        self.hidden: int = config.hidden_size
        self.heads: int = config.num_attention_heads
        self.head_size: int = getattr(config, "head_dim", None) or self.hidden // self.heads
        self.vocabulary: int = t3.hp.speech_tokens_dict_size
        self.start: int = t3.hp.start_speech_token
        self.stop: int = t3.hp.stop_speech_token
        self.is_multilingual: bool = t3.hp.is_multilingual and not self.is_gpt2
        weight = t3.speech_head.weight.detach()
        self.device: torch.device = weight.device
        self.dtype: torch.dtype = weight.dtype
        self._t3 = t3
        self._text: Tensor = t3.text_emb.weight.detach()
        self._speech: Tensor = t3.speech_emb.weight.detach()
        read, stock_layers, norm = (_gpt2_layer, t3.tfmr.h, t3.tfmr.ln_f) if self.is_gpt2 else (_llama_layer, t3.tfmr.layers, t3.tfmr.norm)
        self._norm = _layer_norm(norm) if self.is_gpt2 else _rms_norm(norm)
        if self.is_gpt2:
            self._positions: Tensor = t3.tfmr.wpe.weight.detach()
            self.max_positions: int = len(self._positions)
            self.max_text = self.max_speech = self.max_positions
        else:
            self._text_positions: Tensor = t3.text_pos_emb.emb.weight.detach()
            self._speech_positions: Tensor = t3.speech_pos_emb.emb.weight.detach()
            self.max_text, self.max_speech = len(self._text_positions), len(self._speech_positions)
            self.max_positions = self.max_text + self.max_speech
            every = torch.arange(self.max_positions, device=self.device)[None]
            with torch.no_grad():
                cosine, sine = t3.tfmr.rotary_emb(torch.zeros(1, dtype=self.dtype, device=self.device), every)
            self._cosine, self._sine = cosine[0], sine[0]
        self._layers = []
        for stock in stock_layers:
            self._layers.append(read(stock, packing.body))
            if release:
                _release(stock)
        self.num_layers = len(self._layers)
        bias = t3.speech_head.bias
        self._head = packing.head(weight, None if bias is None else bias.detach())
        if release:
            _release(t3.tfmr)
            _release(t3.speech_head)

    @property
    def text_vocabulary(self) -> int:
        return len(self._text)

    def store(self, max_rows: int, *, own_prefix: bool) -> KeyValues:
        """Empty storage for the keys and values of rows."""
        return KeyValues(
            self.num_layers, self.heads, self.head_size, max_rows=max_rows, dtype=self.dtype, device=self.device, own_prefix=own_prefix
        )

    def condition(self, cond: StockObject) -> Prefix:
        """The prefix of a voice from a stock `T3Cond`, which the stock code changes: it must not be used again."""
        # `T3Cond.to` reads an element of each tensor back to the host to distinguish floats from integers.
        for name, value in vars(cond).items():
            if isinstance(value, Tensor):
                setattr(cond, name, value.detach().to(self.device, self.dtype if value.is_floating_point() else value.dtype))
        x = self._t3.prepare_conditioning(cond)
        attend = Conditioning()
        self.run(x, torch.arange(x.shape[1], device=self.device)[None], attend)
        return attend.prefix()

    def text(self, ids: Tensor, *, is_unconditional: bool = False) -> Tensor:
        """The suffix that a row starts with, text and start of speech: ids int64 [n] to [n + 1 (GPT-2) or n + 2 (Llama), hidden].

        For the unconditional row of guidance the text is replaced by its position embeddings alone.
        """
        start = self._speech[self.start]
        if self.is_gpt2:
            return torch.cat((self._text[ids], start[None]))
        place = self._text_positions[: len(ids)]
        start = start + self._speech_positions[0]
        # The stock loop feeds the start token twice, both at the first speech position.
        return torch.cat((place if is_unconditional else self._text[ids] + place, start[None], start[None]))

    def speech(self, tokens: Tensor, counts: Tensor) -> Tensor:
        """Embeds the last token of each row: int64 [rows] each, `counts` tokens so far, to [rows, 1, hidden]."""
        x = self._speech[tokens]
        return (x if self.is_gpt2 else x + self._speech_positions[counts])[:, None]

    def run(self, x: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """All layers and the last norm: x [rows, length, hidden], positions int64 [rows, length], to [rows, length, hidden]."""
        rows, length, _ = x.shape
        if self.is_gpt2:
            x = x + self._positions[positions]
        else:
            cosine, sine = self._cosine[positions][:, None], self._sine[positions][:, None]
        for index, layer in enumerate(self._layers):
            qkv = layer.qkv(layer.attention_norm(x)).view(rows, length, 3, self.heads, self.head_size)
            query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind()
            if not self.is_gpt2:
                query, key = _rotate(query, cosine, sine), _rotate(key, cosine, sine)
            attended = attend(index, query, key, value).transpose(1, 2).reshape(rows, length, self.heads * self.head_size)
            x = x + layer.out(attended)
            x = x + layer.mlp(layer.mlp_norm(x))
        return self._norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, hidden] to float32 [rows, vocabulary]."""
        return self._head(hidden).float()


def _rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding, halves paired as Llama does (Su et al. 2021, arXiv:2104.09864)."""
    half = x.shape[-1] // 2
    rotated = torch.cat((-x[..., half:], x[..., :half]), -1)
    return x * cosine + rotated * sine


def _layer_norm(norm: StockModule) -> Linear:
    shape, weight, bias, eps = norm.normalized_shape, norm.weight.detach(), norm.bias.detach(), norm.eps
    return lambda x: functional.layer_norm(x, shape, weight, bias, eps)


def _rms_norm(norm: StockModule) -> Linear:
    weight, eps = norm.weight.detach(), norm.variance_epsilon
    return lambda x: functional.rms_norm(x, weight.shape, weight, eps)


def _gpt2_layer(stock: StockModule, pack: Callable[[Tensor, Tensor | None], Linear]) -> _Layer:
    def linear(conv: StockModule) -> Linear:
        return pack(conv.weight.detach().t(), conv.bias.detach())

    up, down = linear(stock.mlp.c_fc), linear(stock.mlp.c_proj)
    return _Layer(
        _layer_norm(stock.ln_1),
        linear(stock.attn.c_attn),
        linear(stock.attn.c_proj),
        _layer_norm(stock.ln_2),
        lambda x: down(functional.gelu(up(x), approximate="tanh")),
    )


def _llama_layer(stock: StockModule, pack: Callable[[Tensor, Tensor | None], Linear]) -> _Layer:
    def linear(*parts: StockModule) -> Linear:
        weights = [part.weight.detach() for part in parts]
        return pack(weights[0] if len(weights) == 1 else torch.cat(weights), None)

    attention, mlp = stock.self_attn, stock.mlp
    both, down = linear(mlp.gate_proj, mlp.up_proj), linear(mlp.down_proj)

    def forward(x: Tensor) -> Tensor:
        gate, up = both(x).chunk(2, -1)
        return down(functional.silu(gate) * up)

    return _Layer(
        _rms_norm(stock.input_layernorm),
        linear(attention.q_proj, attention.k_proj, attention.v_proj),
        linear(attention.o_proj),
        _rms_norm(stock.post_attention_layernorm),
        forward,
    )


def _release(module: torch.nn.Module) -> None:
    """Free the module's tensors; those that a packed layer still references stay in memory."""
    for parameter in module.parameters():
        parameter.data = torch.empty(0, dtype=parameter.dtype, device=parameter.device)
