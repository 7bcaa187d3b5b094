"""From logits to speech tokens, for all sequences of a step at once, each as the stock loop would sample it alone.

The order of the stock code: GPT-2: temperature, top-k, top-p, repetition penalty. Llama: repetition penalty, temperature, min-p, top-p.
The meaning of each is that of the warpers of `transformers.generation.logits_process`; a token is drawn as `torch.multinomial` draws
one: argmax(p / q) with q exponential noise, here from the sequence's own generator. So the tokens of a seed do not depend on who else
is in the batch, and the generator ends where the stock loop leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
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
        sound = {
            "temperature": 0 <= self.temperature < float("inf"),
            "top_p": 0 <= self.top_p <= 1,
            "top_k": self.top_k >= 0,
            "min_p": 0 <= self.min_p <= 1,
            "repetition_penalty": 0 < self.repetition_penalty < float("inf"),
            "cfg_weight": 0 <= self.cfg_weight < float("inf"),
            "exaggeration": -float("inf") < self.exaggeration < float("inf"),
            "max_tokens": self.max_tokens >= 1,
        }
        for name, is_sound in sound.items():
            if not is_sound:
                raise ValueError(f"{name} cannot be {getattr(self, name)}")


class Sampler:
    """Samples for up to `max_sequences` at a time; each holds a *slot* that remembers which tokens it has used.

    start: the start-of-speech token, which the repetition penalty counts as used: GPT-2 only before the first token, Llama always.
    """

    def __init__(self, *, is_gpt2: bool, vocabulary: int, start: int, max_sequences: int, device: torch.device) -> None:
        self._is_gpt2, self._start = is_gpt2, start
        self._used = torch.zeros(max_sequences, vocabulary, dtype=torch.bool, device=device)
        self._free = list(range(max_sequences))[::-1]

    def open(self) -> int:
        """A slot for a new sequence."""
        slot = self._free.pop()
        self._used[slot] = False
        self._used[slot, self._start] = True
        return slot

    def close(self, slot: int) -> None:
        self._free.append(slot)

    def sample(self, logits: Tensor, slots: Many[int], samplings: Many[Sampling], generators: Many[torch.Generator]) -> list[int]:
        """One token for each row of logits float32 [sequences, vocabulary]. The logits must be finite."""
        where = torch.tensor(slots, device=logits.device)
        used = self._used[where]
        if self._is_gpt2:
            scores = self._top_p(self._top_k(self._cool(logits, samplings), samplings), samplings)
            scores = self._penalize(scores, used, samplings)
        else:
            scores = self._cool(self._penalize(logits, used, samplings), samplings)
            scores = self._top_p(self._min_p(scores, samplings), samplings)
        tokens = (scores.softmax(-1) / self._noise(scores, samplings, generators)).argmax(-1)
        if self._is_gpt2:
            self._used[where, self._start] = False
        self._used[where, tokens] = True
        return tokens.tolist()

    @staticmethod
    def _cool(scores: Tensor, samplings: Many[Sampling]) -> Tensor:
        temperatures = [sampling.temperature or 1.0 for sampling in samplings]
        return scores if all(value == 1 for value in temperatures) else scores / _column(temperatures, scores)

    @staticmethod
    def _penalize(scores: Tensor, used: Tensor, samplings: Many[Sampling]) -> Tensor:
        penalties = [sampling.repetition_penalty for sampling in samplings]
        if all(value == 1 for value in penalties):
            return scores
        penalty = _column(penalties, scores)
        return torch.where(used, torch.where(scores < 0, scores * penalty, scores / penalty), scores)

    @staticmethod
    def _top_k(scores: Tensor, samplings: Many[Sampling]) -> Tensor:
        """Removes what is below the k-th highest score; those equal to it stay."""
        size = scores.shape[1]
        counts = [sampling.top_k if 0 < sampling.top_k < size else size for sampling in samplings]
        limits = [count for count in counts if count < size]
        if not limits:
            return scores
        highest = scores.topk(max(limits)).values
        last = highest.gather(1, torch.tensor([[min(count, max(limits)) - 1] for count in counts], device=scores.device))
        if len(limits) < len(counts):
            last = last.masked_fill(torch.tensor([[count == size] for count in counts], device=scores.device), _NEVER)
        return scores.masked_fill(scores < last, _NEVER)

    @staticmethod
    def _top_p(scores: Tensor, samplings: Many[Sampling]) -> Tensor:
        """Removes the least likely tokens that together have a chance of at most 1 - top_p; the most likely one stays."""
        if all(sampling.top_p >= 1 for sampling in samplings):
            return scores
        # Sorting costs more than all the rest, so only what an earlier filter has left is sorted.
        count = int((scores > _NEVER).sum(-1).max())
        ranked, ids = scores.topk(count)
        ranked, ids = ranked.flip(-1), ids.flip(-1)
        # A row without a limit keeps all: no sum of chances is below 0.
        limits = _column([1 - sampling.top_p if sampling.top_p < 1 else -1.0 for sampling in samplings], scores)
        removed = ranked.softmax(-1).cumsum(-1) <= limits
        removed[:, -1] = False
        return scores.scatter(1, ids, ranked.masked_fill_(removed, _NEVER))

    @staticmethod
    def _min_p(scores: Tensor, samplings: Many[Sampling]) -> Tensor:
        """Removes tokens less likely than min_p times the most likely one."""
        shares = [sampling.min_p for sampling in samplings]
        if not any(shares):
            return scores
        chances = scores.softmax(-1)
        return scores.masked_fill(chances < chances.amax(-1, keepdim=True) * _column(shares, scores), _NEVER)

    @staticmethod
    def _noise(scores: Tensor, samplings: Many[Sampling], generators: Many[torch.Generator]) -> Tensor:
        """Exponential noise for each row from its own generator, which may live on another device; none at temperature 0."""
        noise = torch.ones_like(scores)
        for row, sampling, generator in zip(noise, samplings, generators, strict=True):
            if sampling.temperature == 0:
                continue
            if generator.device.type == row.device.type:
                row.exponential_(1, generator=generator)
            else:
                row.copy_(torch.empty(len(row), device=generator.device).exponential_(1, generator=generator))
        return noise


def _column(values: list[float], like: Tensor) -> Tensor:
    """One value for each row, [rows, 1]."""
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None]
