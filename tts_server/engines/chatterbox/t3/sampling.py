"""How the next speech token of each sequence is chosen from the logits of a step: the filters, for all sequences at once.

The order of the stock code: GPT-2: temperature, top-k, top-p, repetition penalty. Llama: repetition penalty, temperature, min-p, top-p.
The meaning of each is that of the warpers of `transformers.generation.logits_process`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_NEVER = float("-inf")


@dataclass(frozen=True)
class Sampling:
    """How one sequence is sampled. ValueError for values that have no meaning.

    temperature: 0 takes the most likely token after the penalty (top-k, top-p and min-p then filter as at temperature 1).
    top_k: 0 for no limit; top_p: 1 for no limit; min_p: 0 for no limit.
    cfg_weight: guidance of the Llama models; 0 for none, which saves half of the work. exaggeration: of the Llama models.
    max_tokens: how many tokens are drawn at most, the stop token included.
    """

    temperature: float = 0.8
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.2
    cfg_weight: float = 0.5
    exaggeration: float = 0.5
    max_tokens: int = 1000

    def __post_init__(self) -> None:
        is_valid = {
            "temperature": 0 <= self.temperature < float("inf"),
            "top_p": 0 <= self.top_p <= 1,
            "top_k": self.top_k >= 0,
            "min_p": 0 <= self.min_p <= 1,
            "repetition_penalty": 0 < self.repetition_penalty < float("inf"),
            "cfg_weight": 0 <= self.cfg_weight < float("inf"),
            "exaggeration": -float("inf") < self.exaggeration < float("inf"),
            "max_tokens": self.max_tokens >= 1,
        }
        for name, is_allowed in is_valid.items():
            if not is_allowed:
                raise ValueError(f"{name} cannot be {getattr(self, name)}")


NEUTRAL = Sampling(temperature=1.0, repetition_penalty=1.0, cfg_weight=0.0)
"""Changes no logits."""


class Filters:
    """The parameters of a batch on the device, and the filters that read them.

    The parameters are written when the batch changes and read in each step; their addresses never change, so that the filters can run in a
    CUDA graph. A filter that has no effect for any sequence of the batch is skipped; in a graph (`is_static`) all but top-p always run.
    """

    def __init__(self, max_sequences: int, vocabulary: int, *, is_gpt2: bool, is_static: bool, device: torch.device) -> None:
        self._is_gpt2, self._is_static, self._vocabulary = is_gpt2, is_static, vocabulary
        is_pinned = device.type == "cuda" and torch.cuda.is_available()
        self._host = torch.zeros(6, max_sequences, pin_memory=is_pinned)
        self._table = torch.zeros(6, max_sequences, device=device)
        self._batch: list[Sampling] = []

    @property
    def has_top_p(self) -> bool:
        return any(sampling.top_p < 1 for sampling in self._batch)

    def write(self, samplings: Sequence[Sampling]) -> None:
        """Set the parameters of the batch, the first row's first. The device must have used the previous ones."""
        self._batch = list(samplings)
        for row, one in enumerate(samplings):
            top_k = one.top_k if 0 < one.top_k < self._vocabulary else self._vocabulary
            # A row without top-p: no sum of probabilities is below 0, so none of its tokens is removed.
            removed = 1 - one.top_p if one.top_p < 1 else -1.0
            values = (one.cfg_weight, one.temperature or 1.0, top_k, removed, one.min_p, one.repetition_penalty)
            self._host[:, row] = torch.tensor(values)
        count = len(samplings)
        self._table[:, :count].copy_(self._host[:, :count], non_blocking=True)

    def guide(self, conditional: Tensor, unconditional: Tensor) -> Tensor:
        """Classifier-free guidance: logits [sequences, vocabulary] each. Equal ones stay as they are."""
        return conditional + self._column(0, conditional) * (conditional - unconditional)

    def apply(self, scores: Tensor, used: Tensor, *, has_top_p: bool) -> Tensor:
        """Scores of the tokens that may be drawn, -inf for all others. scores float32, used bool: [sequences, vocabulary]."""
        if self._is_gpt2:
            scores = self._apply_temperature(scores)
            has_top_k = self._is_static or any(0 < one.top_k < self._vocabulary for one in self._batch)
            return self._penalize(self._rank(scores, has_top_k=has_top_k, has_top_p=has_top_p), used)
        scores = self._apply_temperature(self._penalize(scores, used))
        return self._rank(self._min_p(scores), has_top_k=False, has_top_p=has_top_p)

    def _column(self, number: int, scores: Tensor) -> Tensor:
        return self._table[number, : len(scores), None]

    def _apply_temperature(self, scores: Tensor) -> Tensor:
        if not self._is_static and all(one.temperature in (0, 1) for one in self._batch):
            return scores
        return scores / self._column(1, scores)

    def _penalize(self, scores: Tensor, used: Tensor) -> Tensor:
        if not self._is_static and all(one.repetition_penalty == 1 for one in self._batch):
            return scores
        penalty = self._column(5, scores)
        return torch.where(used, torch.where(scores < 0, scores * penalty, scores / penalty), scores)

    def _min_p(self, scores: Tensor) -> Tensor:
        """Removes tokens less likely than min_p times the most likely one."""
        if not self._is_static and not any(one.min_p for one in self._batch):
            return scores
        probabilities = scores.softmax(-1)
        return scores.masked_fill(probabilities < probabilities.amax(-1, keepdim=True) * self._column(4, scores), _NEVER)

    def _rank(self, scores: Tensor, *, has_top_k: bool, has_top_p: bool) -> Tensor:
        """Top-k removes what is below the k-th highest score; those equal to it stay. Top-p then removes the least likely tokens that
        together have a probability of at most 1 - top_p; the most likely one stays.
        """
        if not (has_top_k or has_top_p):
            return scores
        ranked, ids = self._ascending(scores, has_top_k=has_top_k)
        count = ranked.shape[1]
        if has_top_k:
            place = (count - self._column(2, scores).long()).clamp_(min=0)
            ranked = ranked.masked_fill(ranked < ranked.gather(1, place), _NEVER)
        if has_top_p:
            removed = ranked.softmax(-1).cumsum(-1) <= self._column(3, scores)
            removed[:, -1] = False
            ranked = ranked.masked_fill(removed, _NEVER)
        return torch.full_like(scores, _NEVER).scatter_(1, ids, ranked)

    def _ascending(self, scores: Tensor, *, has_top_k: bool) -> tuple[Tensor, Tensor]:
        """The highest scores in ascending order, and their tokens: at least all that remain after top-k and the filters before it."""
        if self._is_static:
            return scores.sort(-1)
        # Sorting costs more than all the rest on a CPU, so only what can remain is sorted.
        lowest = scores.new_full((len(scores), 1), torch.finfo(scores.dtype).min)
        limits = [one.top_k if 0 < one.top_k < self._vocabulary else 0 for one in self._batch]
        if has_top_k and all(limits):
            highest = scores.topk(max(limits)).values
            lowest = highest.gather(1, self._column(2, scores).long() - 1)
        ranked, ids = scores.topk(int((scores >= lowest).sum(-1).max()))
        return ranked.flip(-1), ids.flip(-1)
