"""From the logits of a step to one token for each sequence, as the stock loop would sample each alone.

A token is drawn as `torch.multinomial` draws one: argmax(p / q) with q exponential noise, here from the sequence's own generator. So the
tokens of a seed do not depend on which other sequences are in the batch, and the generator ends where the stock loop leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tts_server.engines.chatterbox.t3.graph_backend import CaptureFailed, GraphBackend, row_counts
from tts_server.engines.chatterbox.t3.sampling import NEUTRAL, Filters, Sampling

NOT_FINITE = -1
"""Returned instead of a token where the logits of a sequence hold NaN or infinity."""

ReadTokens = Callable[[Tensor], "list[int]"]
"""Copies tokens int64 [sequences] to the host, which waits for the device."""


def read_tokens(tokens: Tensor) -> list[int]:
    """The tokens on the host."""
    return [int(token) for token in tokens.tolist()]


@dataclass(frozen=True)
class Draw:
    """The input of the sampler for one sequence, whose slot is `slot`.

    row and unconditional_row: of the logits; the same one without guidance.
    """

    slot: int
    row: int
    unconditional_row: int
    sampling: Sampling
    generator: torch.Generator


class Sampler:
    """Samples for up to `max_sequences` at a time, from as many rows of logits; each holds a *slot* that remembers its used tokens.

    start: the start-of-speech token, which the repetition penalty counts as used: GPT-2 only before the first token, Llama always.
    is_static: compute with shapes from a small set; `capture` then makes graphs of them, with `graph_backend`.
    """

    def __init__(
        self,
        *,
        is_gpt2: bool,
        vocabulary: int,
        start: int,
        max_sequences: int,
        device: torch.device,
        is_static: bool = False,
        graph_backend: GraphBackend | None = None,
        read: ReadTokens = read_tokens,
    ) -> None:
        self._is_gpt2, self._start, self._is_static, self._backend, self._read = is_gpt2, start, is_static, graph_backend, read
        self._max_sequences = max_sequences
        self.logits = torch.zeros(max_sequences, vocabulary, device=device)
        """Float32 [rows, vocabulary]: the step of the model writes its results here before a draw."""
        self._filters = Filters(max_sequences, vocabulary, is_gpt2=is_gpt2, is_static=is_static, device=device)
        # The last slot belongs to the rows that pad a batch to a static shape.
        self._used = torch.zeros(max_sequences + 1, vocabulary, dtype=torch.bool, device=device)
        self._free = list(range(max_sequences))[::-1]
        is_pinned = device.type == "cuda" and torch.cuda.is_available()
        self._host_noise = torch.ones(max_sequences, vocabulary, pin_memory=is_pinned)
        self._noise = torch.ones(max_sequences, vocabulary, device=device)
        self._host_places = torch.zeros(3, max_sequences, dtype=torch.int64, pin_memory=is_pinned)
        self._places = torch.zeros(3, max_sequences, dtype=torch.int64, device=device)
        # As tensors on the device: a Python value would be copied to it in each step.
        self._true, self._false = (torch.full((), value, device=device) for value in (True, False))
        self._graphs: dict[tuple[int, bool], tuple[Callable[[], None], Tensor]] = {}
        self._batch: list[Draw] = []

    def open(self) -> int:
        """A slot for a new sequence."""
        slot = self._free.pop()
        self._used[slot] = False
        self._used[slot, self._start] = True
        return slot

    def close(self, slot: int) -> None:
        self._free.append(slot)

    def capture(self) -> list[str]:
        """Capture a graph for each number of sequences, the largest first. Only while no slot is open, and inside of the backend's
        `capturing`. Returns why some numbers have none.
        """
        failures: list[str] = []
        self._graphs.clear()
        if self._backend is None:
            return failures
        for count in reversed(row_counts(self._max_sequences)):
            # GPT-2 ranks its tokens for top-k anyway.
            for has_top_p in (True,) if self._is_gpt2 else (False, True):
                try:
                    self._graphs[count, has_top_p] = self._capture(self._backend, count, has_top_p=has_top_p)
                except Exception as error:  # out of memory too: this number is then sampled directly
                    failures.append(f"sampling of {count} sequences: {error}")
        self._used.fill_(False)
        self._batch = []
        return failures

    def draw(self, batch: Sequence[Draw]) -> list[int]:
        """Draw one token for each sequence from `logits`; NOT_FINITE where they are not. The host waits for the device once."""
        count = len(batch)
        padded = next(size for size in row_counts(self._max_sequences) if size >= count) if self._is_static else count
        if list(batch) != self._batch:
            self._write(batch, padded)
        self._draw_noise(batch)
        has_top_p = self._filters.has_top_p or (self._is_static and self._is_gpt2)
        graph = self._graphs.get((padded, has_top_p))
        if graph is None:
            tokens = self._sample(padded, has_top_p=has_top_p)
        else:
            replay, tokens = graph
            replay()
        return self._read(tokens[:count])

    def _capture(self, backend: GraphBackend, count: int, *, has_top_p: bool) -> tuple[Callable[[], None], Tensor]:
        """A function that replays a graph, and the tokens that it writes. Raises CaptureFailed if they are not those of a direct run."""
        self._write([Draw(number, number, number, NEUTRAL, torch.Generator()) for number in range(count)], count)
        replay, output = backend.capture(lambda: self._sample(count, has_top_p=has_top_p))
        for step in range(2):
            # The most likely token of each row differs between the two steps.
            self.logits.zero_()
            likeliest = (torch.arange(len(self.logits), device=self.logits.device) * 7 + step + 1) % self.logits.shape[1]
            self.logits.scatter_(1, likeliest[:, None], 20.0)
            replay()
            if not backend.is_true((output == likeliest[:count]).all()):
                raise CaptureFailed("a replay gives other tokens than a direct run")
        return replay, output

    def _write(self, batch: Sequence[Draw], count: int) -> None:
        """Copy the parameters of a batch to the device, padded to `count` sequences."""
        padding = Draw(self._max_sequences, batch[0].row, batch[0].row, NEUTRAL, batch[0].generator)
        padded = [*batch, *[padding] * (count - len(batch))]
        # The previous copies are complete: the tokens of their step have been read since.
        self._host_places[:, :count] = torch.tensor([[one.slot, one.row, one.unconditional_row] for one in padded]).T
        self._places[:, :count].copy_(self._host_places[:, :count], non_blocking=True)
        self._filters.write([one.sampling for one in padded])
        self._batch = list(batch)

    def _draw_noise(self, batch: Sequence[Draw]) -> None:
        """Exponential noise for each sequence from its own generator, none at temperature 0, which divides by 1."""
        for number, one in enumerate(batch):
            if one.sampling.temperature == 0:
                self._host_noise[number].fill_(1)
            elif one.generator.device.type == "cpu":
                self._host_noise[number].exponential_(1, generator=one.generator)
        self._noise[: len(batch)].copy_(self._host_noise[: len(batch)], non_blocking=True)
        for number, one in enumerate(batch):
            if one.generator.device.type != "cpu" and one.sampling.temperature != 0:
                self._noise[number].exponential_(1, generator=one.generator)

    def _sample(self, count: int, *, has_top_p: bool) -> Tensor:
        """Tokens int64 [count], which are marked as used."""
        slots, rows, unconditional_rows = self._places[:, :count].unbind()
        scores = self.logits[rows]
        if not self._is_gpt2:
            scores = self._filters.guide(scores, self.logits[unconditional_rows])
        is_finite = scores.isfinite().all(-1)
        scores = scores.masked_fill(~is_finite[:, None], 0)
        scores = self._filters.apply(scores, self._used[slots], has_top_p=has_top_p)
        drawn = (scores.softmax(-1) / self._noise[:count]).argmax(-1)
        if self._is_gpt2:
            self._used.index_put_((slots, torch.full_like(slots, self._start)), self._false)
        self._used.index_put_((slots, drawn), self._true)
        return drawn.masked_fill(~is_finite, NOT_FINITE)
