"""The transformer of T3 (GPT-2 or Llama) over rows of different lengths, from the weights of the stock module.

A row is one sequence in the batch (two with classifier-free guidance). Its positions are the voice's conditioning (the *prefix*,
the same for all rows of a voice) and then its own text and speech (the *suffix*). Attention is causal, so the keys and values of a
prefix depend on the voice alone and are made once. `Backbone.run` calls an `Attend` in every layer, one kind for each thing a step does:

- `Conditioning` makes a prefix,
- `Prefill` reads the texts of new rows,
- `SharedDecode` adds one position to all rows; rows of one voice read one copy of its prefix,
- `StaticDecode` does the same with fixed shapes, each row holding its own copy of the prefix: what a CUDA graph needs.

The arithmetic is that of `transformers` GPT2Model and LlamaModel, as `chatterbox.models.t3.T3` uses them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from tts_server.engines.chatterbox.linear import Linear, Packing

Head = tuple[int, int]
"""A layer and a head in it."""

_BLOCK = 256
_NEVER = float("-inf")


class Attend(Protocol):
    """Attention of one layer: queries, keys and values [rows, heads, positions, size] to [rows, heads, positions, size]."""

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of a voice's conditioning: for every layer [heads, length, size]."""

    keys: list[Tensor] = field(repr=False)
    values: list[Tensor] = field(repr=False)

    @property
    def length(self) -> int:
        return self.keys[0].shape[1]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))


class KeyValues:
    """Room for the keys and values of up to `max_rows` rows, dense in 0..num_rows; grows as rows and lengths do.

    `lengths[row]` is how many positions the row has stored; they include the prefix if `own_prefix`.
    """

    def __init__(
        self, layers: int, heads: int, size: int, *, max_rows: int, dtype: torch.dtype, device: torch.device, own_prefix: bool
    ) -> None:
        self.own_prefix = own_prefix
        self.device = device
        self.dtype = dtype
        self.lengths: list[int] = []
        self.prefixes: list[Prefix] = []
        self._max_rows = max_rows
        self._shape = (layers, heads, size)
        self.clear()

    @property
    def num_rows(self) -> int:
        return len(self.lengths)

    @property
    def capacity(self) -> int:
        """Positions that every row has room for."""
        return min(tensor.shape[2] for tensor in self.keys)

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))

    def clear(self) -> None:
        """Give the memory back. Only while no row is in use."""
        layers, heads, size = self._shape
        self.keys = [torch.zeros(0, heads, 0, size, dtype=self.dtype, device=self.device) for _ in range(layers)]
        self.values = list(self.keys)

    def add(self, prefix: Prefix, length: int) -> int:
        """A new row of that voice, with room for `length` positions after the prefix. Returns its number."""
        row = self.num_rows
        start = prefix.length if self.own_prefix else 0
        self.reserve(start + length, row + 1)
        if self.own_prefix:
            for store, source in ((self.keys, prefix.keys), (self.values, prefix.values)):
                for layer, tensor in enumerate(source):
                    store[layer][row, :, :start] = tensor
        self.lengths.append(start)
        self.prefixes.append(prefix)
        return row

    def remove(self, row: int, *, wipe: bool = False) -> None:
        """Free a row; the last row takes its place. `wipe` a row that may hold NaN: masked positions are multiplied by 0."""
        last = self.num_rows - 1
        for store in (self.keys, self.values):
            for tensor in store:
                if wipe:
                    tensor[row].zero_()
                if row != last:
                    tensor[row, :, : self.lengths[last]] = tensor[last, :, : self.lengths[last]]
        self.lengths[row], self.prefixes[row] = self.lengths[last], self.prefixes[last]
        self.lengths.pop()
        self.prefixes.pop()

    def reserve(self, length: int, rows: int | None = None) -> None:
        """Make room for `length` positions in each of `rows` rows (by default those in use).

        One layer after the other, so that a failure for lack of memory in the middle leaves everything sound.
        """
        rows = self._max_rows if self.own_prefix else min(self._max_rows, 1 << (max(1, rows or self.num_rows) - 1).bit_length())
        length = -(-length // _BLOCK) * _BLOCK
        used, longest = self.num_rows, max(self.lengths, default=0)
        for store in (self.keys, self.values):
            for layer, old in enumerate(store):
                if old.shape[0] >= rows and old.shape[2] >= length:
                    continue
                shape = (max(rows, old.shape[0]), old.shape[1], max(length, old.shape[2]), old.shape[3])
                new = torch.zeros(shape, dtype=self.dtype, device=self.device)
                new[:used, :, :longest] = old[:used, :, :longest]
                store[layer] = new

    def key_row(self, layer: int, row: int, head: int) -> Tensor:
        """All keys of a row in one head, prefix first: [positions, size]."""
        own = self.keys[layer][row, head, : self.lengths[row]]
        return own if self.own_prefix else torch.cat((self.prefixes[row].keys[layer][head], own))

    def position(self, row: int) -> int:
        """Where the next token of a row goes, counted from the start of its prefix."""
        return self.lengths[row] + (0 if self.own_prefix else self.prefixes[row].length)


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
    """Attention of new rows to their prefix and to themselves, and storage of their keys and values.

    `counts[i]` is the number of positions of `rows[i]`; shorter rows are padded on the right, where causality hides the padding.
    `positions` [rows, longest] is for the backbone. `queries` keeps those of the `watched` heads, [rows, longest, size].
    """

    def __init__(self, store: KeyValues, rows: Sequence[int], counts: Sequence[int], watched: Iterable[Head] = ()) -> None:
        self._store, self._rows, self._counts = store, rows, counts
        self._prefixes = [store.prefixes[row] for row in rows]
        self._lengths = [prefix.length for prefix in self._prefixes]
        self._longest = max(self._lengths)
        longest = max(counts)
        device = store.device
        self.positions = torch.tensor(self._lengths, device=device)[:, None] + torch.arange(longest, device=device)
        self._mask = torch.zeros(len(rows), 1, longest, self._longest + longest, dtype=store.dtype, device=device)
        self._mask[..., self._longest :] = torch.full((longest, longest), _NEVER, dtype=store.dtype, device=device).triu_(1)
        for index, length in enumerate(self._lengths):
            self._mask[index, :, :, length : self._longest] = _NEVER
        self._watched = tuple(watched)
        self.queries: dict[Head, Tensor] = {}

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        for index, (row, count) in enumerate(zip(self._rows, self._counts, strict=True)):
            start = self._store.lengths[row]
            self._store.keys[layer][row, :, start : start + count] = key[index, :, :count]
            self._store.values[layer][row, :, start : start + count] = value[index, :, :count]
        _watch(self.queries, self._watched, layer, query)
        keys = torch.cat((self._beside(layer, key, "keys"), key), 2)
        values = torch.cat((self._beside(layer, value, "values"), value), 2)
        return functional.scaled_dot_product_attention(query, keys, values, attn_mask=self._mask)

    def _beside(self, layer: int, like: Tensor, kind: str) -> Tensor:
        """The prefixes of the rows, padded to the longest: [rows, heads, longest, size]."""
        parts: list[Tensor] = [getattr(prefix, kind)[layer] for prefix in self._prefixes]
        if all(part is parts[0] for part in parts):
            return parts[0].expand(len(parts), -1, -1, -1)
        together = like.new_zeros(len(parts), parts[0].shape[0], self._longest, parts[0].shape[2])
        for index, part in enumerate(parts):
            together[index, :, : part.shape[1]] = part
        return together

    def store(self) -> None:
        """The rows are complete in all layers: count their positions."""
        for row, count in zip(self._rows, self._counts, strict=True):
            self._store.lengths[row] += count


class SharedDecode:
    """One more position for every row. Exact: softmax runs over the scores of prefix and suffix together.

    `positions` [rows, 1] is for the backbone; `queries` keeps those of the `watched` heads, [rows, 1, size].
    """

    def __init__(self, store: KeyValues, watched: Iterable[Head] = ()) -> None:
        self._store = store
        count, device = store.num_rows, store.device
        self._span = max(store.lengths) + 1
        store.reserve(self._span)
        self._lengths = torch.tensor(store.lengths, device=device)
        self._rows = torch.arange(count, device=device)
        self.positions = torch.tensor([store.position(row) for row in range(count)], device=device)[:, None]
        ahead = torch.arange(self._span, device=device) > self._lengths[:, None]
        self._bias = torch.zeros(ahead.shape, dtype=store.dtype, device=device).masked_fill_(ahead, _NEVER)[:, None]
        voices: dict[Prefix, list[int]] = {}
        for row, prefix in enumerate(store.prefixes):
            voices.setdefault(prefix, []).append(row)
        self._longest = max(prefix.length for prefix in voices)
        self._voices = [(prefix, slice(None) if len(voices) == 1 else torch.tensor(rows, device=device)) for prefix, rows in voices.items()]
        self._watched = tuple(watched)
        self.queries: dict[Head, Tensor] = {}

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        count, heads, _, size = query.shape
        keys, values = self._store.keys[layer], self._store.values[layer]
        keys[self._rows, :, self._lengths] = key[:, :, 0]
        values[self._rows, :, self._lengths] = value[:, :, 0]
        _watch(self.queries, self._watched, layer, query)
        query = query * size**-0.5
        # Keys times queries rather than the other way round: a third faster on a CPU, where the keys are the large factor.
        after = torch.matmul(keys[:count, :, : self._span], query.transpose(-1, -2))[..., 0].add_(self._bias)
        before = query.new_full((count, heads, self._longest), _NEVER)
        for prefix, rows in self._voices:
            before[rows, :, : prefix.length] = torch.matmul(prefix.keys[layer], query[rows, :, 0].permute(1, 2, 0)).permute(2, 0, 1)
        weights = torch.cat((before, after), -1).softmax(-1, dtype=torch.float32).to(query.dtype)
        out = torch.matmul(weights[:, :, None, self._longest :], values[:count, :, : self._span])
        for prefix, rows in self._voices:
            heard = torch.matmul(weights[rows, :, : prefix.length].transpose(0, 1), prefix.values[layer])
            out[rows, :, 0] += heard.transpose(0, 1)
        return out

    def store(self) -> None:
        """The position is complete in all layers: count it."""
        self._store.lengths[:] = [length + 1 for length in self._store.lengths]


class StaticDecode:
    """`SharedDecode` with shapes that depend on nothing but `rows` and the room of the store, which must hold the prefixes.

    `lengths` [rows] int64 lives on the device and is written before each step: what runs here can be replayed as a CUDA graph.
    """

    def __init__(self, store: KeyValues, lengths: Tensor, watched: Iterable[Head] = ()) -> None:
        self._store, self._lengths = store, lengths
        self._rows = torch.arange(len(lengths), device=lengths.device)
        self.positions = lengths[:, None]
        self._mask = (torch.arange(store.capacity, device=lengths.device) <= self.positions)[:, None, None]
        self._watched = tuple(watched)
        self.queries: dict[Head, Tensor] = {}

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        count = len(self._lengths)
        keys, values = self._store.keys[layer], self._store.values[layer]
        keys[self._rows, :, self._lengths] = key[:, :, 0]
        values[self._rows, :, self._lengths] = value[:, :, 0]
        _watch(self.queries, self._watched, layer, query)
        return functional.scaled_dot_product_attention(query, keys[:count], values[:count], attn_mask=self._mask)


def _watch(queries: dict[Head, Tensor], watched: tuple[Head, ...], layer: int, query: Tensor) -> None:
    for head in watched:
        if head[0] == layer:
            queries[head] = query[:, head[1]].clone()


def weights(store: KeyValues, row: int, head: Head, query: Tensor) -> Tensor:
    """What the last positions of a row attend to: query [count, size] to [count, positions], causal."""
    size = query.shape[1]
    scores = (query @ store.key_row(head[0], row, head[1]).T).mul_(size**-0.5)
    count, total = scores.shape
    hidden = torch.ones(count, total, dtype=torch.bool, device=query.device).triu_(total - count + 1)
    return scores.masked_fill_(hidden, _NEVER).softmax(-1, dtype=torch.float32)


@dataclass(frozen=True)
class _Layer:
    attention_norm: Linear
    qkv: Linear
    out: Linear
    mlp_norm: Linear
    mlp: Linear


class Backbone:
    """What T3 computes, without the loop around it.

    release: leave the stock module without the transformer and the speech head, layer by layer as they are packed, so that the
    weights are never in memory twice. The embeddings and the conditioning encoder stay in use.
    """

    def __init__(self, t3: Any, packing: Packing, *, release: bool = False) -> None:
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
        """Empty room for the keys and values of rows."""
        return KeyValues(
            self.num_layers, self.heads, self.head_size, max_rows=max_rows, dtype=self.dtype, device=self.device, own_prefix=own_prefix
        )

    def condition(self, cond: Any) -> Prefix:
        """The prefix of a voice from a stock `T3Cond` that nobody else uses: the stock code writes into it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the stock resampler picks its kernel by a deprecated name
            x = self._t3.prepare_conditioning(cond.to(device=self.device, dtype=self.dtype))
        attend = Conditioning()
        self.run(x, torch.arange(x.shape[1], device=self.device)[None], attend)
        return attend.prefix()

    def text(self, ids: Tensor, *, is_unconditional: bool = False) -> Tensor:
        """The suffix that a row starts with, text and start of speech: ids int64 [n] to [n + 1 (GPT-2) or n + 2 (Llama), hidden].

        For the unconditional row of guidance the text keeps its positions and loses its words.
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
            heard = attend(index, query, key, value).transpose(1, 2).reshape(rows, length, self.heads * self.head_size)
            x = x + layer.out(heard)
            x = x + layer.mlp(layer.mlp_norm(x))
        return self._norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, hidden] to float32 [rows, vocabulary]."""
        return self._head(hidden).float()


def _rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding, halves paired as Llama does (Su et al. 2021, arXiv:2104.09864)."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), -1)
    return x * cosine + turned * sine


def _layer_norm(norm: Any) -> Linear:
    shape, weight, bias, eps = norm.normalized_shape, norm.weight.detach(), norm.bias.detach(), norm.eps
    return lambda x: functional.layer_norm(x, shape, weight, bias, eps)


def _rms_norm(norm: Any) -> Linear:
    weight, eps = norm.weight.detach(), norm.variance_epsilon
    return lambda x: functional.rms_norm(x, weight.shape, weight, eps)


def _gpt2_layer(stock: Any, pack: Callable[[Tensor, Tensor | None], Linear]) -> _Layer:
    def linear(conv: Any) -> Linear:
        return pack(conv.weight.detach().t(), conv.bias.detach())

    up, down = linear(stock.mlp.c_fc), linear(stock.mlp.c_proj)
    return _Layer(
        _layer_norm(stock.ln_1),
        linear(stock.attn.c_attn),
        linear(stock.attn.c_proj),
        _layer_norm(stock.ln_2),
        lambda x: down(functional.gelu(up(x), approximate="tanh")),
    )


def _llama_layer(stock: Any, pack: Callable[[Tensor, Tensor | None], Linear]) -> _Layer:
    def linear(*parts: Any) -> Linear:
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
    """Let go of the module's tensors; those that a layer of ours took over live on there."""
    for parameter in module.parameters():
        parameter.data = torch.empty(0, dtype=parameter.dtype, device=parameter.device)
