"""One segment of text on its way to speech tokens."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from tts_server.engines.chatterbox.t3.kv_cache import Prefix
from tts_server.engines.chatterbox.t3.sampling import Sampling


class Voice(Protocol):
    """What the decoder needs of a voice: a key that names its content, and the stock model's conditioning, new at each call."""

    @property
    def key(self) -> str: ...

    def t3_cond(self, exaggeration: float) -> Any: ...


@dataclass(eq=False)
class Sequence:
    """The state of one segment. The decoder writes `tokens`, `finish_reason`, `coverage` and nothing else; `owner` is the caller's.

    text_ids: int64 [n], as the stock model is fed (Llama: with start and stop).
    generator: decides every sampled token; in the end it is in the state that the stock model would leave it in.
    group: the request that the segment belongs to; index: its place there. First segments go first, groups take turns.
    tokens: speech tokens so far, without the stop token that ends them. Like the stock model's they may hold ids that are no sound.
    finish_reason: `stop` (the model ended it), `cap` (as long as allowed), `aborted`, `failed`; None while it goes on.
    coverage: the share of the text that the speech has attended to, 0 to 1, a scalar tensor on the model's device; only for the
        multilingual model, and once it is finished. Nothing is rejected by it: what is too little has to be found with trained weights.
    """

    text_ids: torch.Tensor
    conditionals: Voice
    sampling: Sampling
    generator: torch.Generator
    group: Hashable = 0
    index: int = 0
    owner: Any = None
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
