"""A decoding step with fixed shapes, which CUDA can replay as a graph."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from tts_server.engines.chatterbox.t3.alignment import HEADS, TextCoverage
from tts_server.engines.chatterbox.t3.attention import StaticDecode
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.graph_backend import CaptureFailed, GraphBackend, row_counts
from tts_server.engines.chatterbox.t3.kv_cache import KeyValues

log = logging.getLogger(__name__)

SPAN_STEP = 512
"""Positions between two lengths that attention is captured for: a step reads at most this much more of each row than it must."""

_TOLERANCE = 0.1
"""How far a replay's logits may be from those of a direct run, as a share of what another token changes in them."""


class StaticStep:
    """One decoding step with shapes from a small set: the number of rows is rounded up (`row_counts`), the length of rows to a multiple
    of SPAN_STEP. With a backend each of these can be captured once as a graph: a replay replaces the launch of some 250 kernels.

    Only `capture` makes graphs. A shape without a graph is run directly, and so are all once the storage of keys and values is replaced.
    logits: float32 [max_rows, vocabulary], where each step writes its results. coverage: counts each step, for models that have one.
    """

    def __init__(
        self,
        backbone: Backbone,
        store: KeyValues,
        logits: Tensor,
        coverage: TextCoverage | None = None,
        backend: GraphBackend | None = None,
    ) -> None:
        self._backbone, self._store, self._logits, self._coverage, self._backend = backbone, store, logits, coverage, backend
        self._max_rows = max_rows = len(logits)
        # Tokens, tokens so far, stored positions, in one tensor: one copy transfers all three to the device.
        is_pinned = backbone.device.type == "cuda" and torch.cuda.is_available()
        self._host_inputs = torch.zeros(3, max_rows, dtype=torch.int64, pin_memory=is_pinned)
        self._inputs = torch.zeros(3, max_rows, dtype=torch.int64, device=backbone.device)
        self._graphs: dict[tuple[int, int], Callable[[], None]] = {}
        self._generation = store.generation

    @property
    def num_graphs(self) -> int:
        return len(self._graphs)

    def clear(self) -> None:
        """Drop the graphs: the memory that they address is freed."""
        self._graphs.clear()

    def capture(self) -> list[str]:
        """Capture a graph for each shape, the largest first, so that the smaller ones share its memory. Only while no row is in use, and
        inside of the backend's `capturing`.

        A shape that cannot be captured, or whose replay gives other logits than a direct run, has no graph. Returns the reasons.
        """
        self.clear()
        self._generation = self._store.generation
        failures: list[str] = []
        if self._backend is None:
            return failures
        for rows in reversed(row_counts(self._max_rows)):
            for span in reversed(self._spans()):
                try:
                    self._graphs[rows, span] = self._capture(self._backend, rows, span)
                except Exception as error:  # out of memory too: the shape then runs directly, as before
                    failures.append(f"{rows} rows of {span} positions: {error}")
        # The checks have written keys and values of no sequence.
        for tensor in (*self._store.keys, *self._store.values):
            tensor.zero_()
        return failures

    def run(self, tokens: list[int], counts: list[int]) -> Tensor:
        """The logits [rows, vocabulary] of one more position of all rows, which the store then has. The next run overwrites them."""
        store, rows = self._store, len(tokens)
        longest = max(store.lengths) + 1
        store.reserve(longest)
        if store.generation != self._generation:
            if self._graphs:
                log.warning("the storage of keys and values was replaced; decoding continues without graphs")
            self.clear()
            self._generation = store.generation
        bucket = next(count for count in row_counts(self._max_rows) if count >= rows)
        span = next(span for span in self._spans() if span >= longest)
        # The rows that pad the bucket write into the first position of unused rows.
        padding = [0] * (bucket - rows)
        self._write([tokens + padding, counts + padding, [*store.lengths, *padding]])
        replay = self._graphs.get((bucket, span))
        if replay is None:
            self._step(bucket, span)
        else:
            replay()
        store.lengths[:] = [length + 1 for length in store.lengths]
        return self._logits[:rows]

    def _spans(self) -> list[int]:
        """The numbers of positions that are read, ascending."""
        capacity = self._store.capacity
        return [*range(SPAN_STEP, capacity, SPAN_STEP), capacity]

    def _write(self, values: list[list[int]]) -> None:
        """Copy tokens, counts and lengths, each [rows], to where the step reads them."""
        rows = len(values[0])
        # The previous copy is complete: its tokens have been read back since.
        self._host_inputs[:, :rows] = torch.tensor(values)
        self._inputs[:, :rows].copy_(self._host_inputs[:, :rows], non_blocking=True)

    def _step(self, rows: int, span: int) -> Tensor:
        tokens, counts, lengths = self._inputs[:, :rows].unbind()
        attend = StaticDecode(self._store, lengths, HEADS if self._coverage else (), span=span)
        hidden = self._backbone.run(self._backbone.speech(tokens, counts), attend.positions, attend)
        if self._coverage is not None:
            self._coverage.mark(attend.queries, span)
        return self._logits[:rows].copy_(self._backbone.logits(hidden[:, 0]))

    def _capture(self, backend: GraphBackend, rows: int, span: int) -> Callable[[], None]:
        """A function that replays a graph, whose logits for two different tokens are those of direct runs. Raises CaptureFailed."""
        inputs = [[[token] * rows, [1] * rows, [span - 1] * rows] for token in (0, self._backbone.start)]
        logits: list[Tensor] = []
        for values in inputs:
            self._write(values)
            logits.append(self._step(rows, span).clone())
            # The host's buffer is written again below: its copy must be complete.
            backend.is_true(logits[-1].isfinite().all())
        replay, output = backend.capture(lambda: self._step(rows, span))
        change = (logits[0] - logits[1]).abs().max()
        for values, expected in zip(inputs, logits, strict=True):
            self._write(values)
            replay()
            if not backend.is_true(((output - expected).abs().max() <= _TOLERANCE * change) & (change > 0)):
                raise CaptureFailed("a replay gives other logits than a direct run")
        return replay
