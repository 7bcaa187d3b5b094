"""The state of one segment in the decoder."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

import torch

from tts_server.engines.chatterbox.t3.kv_cache import Prefix
from tts_server.engines.chatterbox.t3.sampling import Sampling
from tts_server.engines.chatterbox.weights.stock_types import StockObject


class Voice(Protocol):
    """A voice as the decoder uses it: a key that identifies its content, and the stock model's conditioning, new at each call."""

    @property
    def key(self) -> str: ...

    def t3_cond(self, exaggeration: float) -> StockObject: ...


@dataclass(eq=False)
class Sequence:
    """The state of one segment. The decoder writes `tokens`, `finish_reason` and `coverage`, and nothing else.

    text_ids: int64 [n], as the stock model is fed (Llama: with start and stop).
    generator: determines every sampled token; at the end it is in the same state as after the stock loop.
    group: the request that the segment belongs to; index: its place there. First segments go first, groups alternate.
    tokens: speech tokens so far, without the stop token. Like the stock model's they may hold ids that stand for no sound.
    finish_reason: `stop` (the model ended it), `cap` (it reached its limit), `aborted`, `failed`; None until it is finished.
    coverage: the fraction of the text that the speech has attended to, 0 to 1, a scalar tensor on the model's device; only for the
        multilingual model, and once it is finished. It is measured only: no threshold is known that separates good from bad speech.
    """

    text_ids: torch.Tensor
    conditionals: Voice
    sampling: Sampling
    generator: torch.Generator
    group: Hashable = 0
    index: int = 0
    tokens: list[int] = field(default_factory=list)
    finish_reason: str | None = None
    coverage: torch.Tensor | None = None

    @property
    def is_finished(self) -> bool:
        return self.finish_reason is not None


@dataclass(eq=False)
class Running:
    """A sequence with rows. `rows`: the conditional one, and with guidance the unconditional one. `slot` is the sampler's."""

    sequence: Sequence
    prefix: Prefix
    slot: int
    text_length: int
    max_tokens: int = 0
    rows: list[int] = field(default_factory=list)
