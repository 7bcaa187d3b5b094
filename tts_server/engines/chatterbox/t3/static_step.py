"""A decoding step with fixed shapes, which CUDA can replay as a graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tts_server.engines.chatterbox.t3.attention import Head, StaticDecode
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.graph_backend import CaptureFailed, GraphBackend
from tts_server.engines.chatterbox.t3.kv_cache import KeyValues

log = logging.getLogger(__name__)

SPAN_STEP = 512
"""Positions between two lengths that attention is captured for: a step reads at most this much more of each row than it must."""

_TOLERANCE = 0.1
"""How far a replay's logits may be from those of a direct run, as a share of what another token changes in them."""

Outputs = tuple[Tensor, dict[Head, Tensor]]


@dataclass(frozen=True)
class _Graph:
    replay: Callable[[], None]
    outputs: Outputs


class StaticStep:
    """One decoding step with shapes from a small set: the number of rows is rounded up to a power of two, the length of rows to a multiple
    of SPAN_STEP. With a backend each of these can be captured once as a graph: replaying one spares the launch of some 250 kernels.

    Only `capture` makes graphs. A shape without a graph is run directly, and so are all when the storage of keys and values is replaced.
    """

    def __init__(
        self, backbone: Backbone, store: KeyValues, max_rows: int, watched: Sequence[Head], backend: GraphBackend | None = None
    ) -> None:
        self._backbone, self._store, self._watched, self._backend = backbone, store, watched, backend
        self._max_rows = max_rows
        # Tokens, tokens so far, stored positions, in one tensor: one copy brings all three to the device.
        is_cuda = backbone.device.type == "cuda" and backend is not None
        self._host_inputs = torch.zeros(3, max_rows, dtype=torch.int64, pin_memory=is_cuda)
        self._inputs = torch.zeros(3, max_rows, dtype=torch.int64, device=backbone.device)
        self._graphs: dict[tuple[int, int], _Graph] = {}
        self._generation = store.generation

    @property
    def num_graphs(self) -> int:
        return len(self._graphs)

    def clear(self) -> None:
        """Drop the graphs: the memory that they address is freed."""
        self._graphs.clear()

    def capture(self) -> None:
        """Capture a graph for each shape, the largest first, so that the smaller ones share its memory. Only while no row is in use.

        A shape that cannot be captured, or whose replay gives other logits than a direct run, keeps no graph.
        """
        self.clear()
        self._generation = self._store.generation
        if self._backend is None:
            return
        failures: list[str] = []
        try:
            with self._backend.capturing():
                for rows in reversed(self._row_counts()):
                    for span in reversed(self._spans()):
                        try:
                            self._graphs[rows, span] = self._captured(self._backend, rows, span)
                        except Exception as error:  # out of memory too: the shape then runs directly, as before
                            failures.append(f"{rows} rows of {span} positions: {error}")
        except CaptureFailed as error:
            failures.append(str(error))
        finally:
            # The checks have written keys and values of no sequence.
            for tensor in (*self._store.keys, *self._store.values):
                tensor.zero_()
        if failures:
            log.warning("%d decoding shapes run without a graph; the first: %s", len(failures), failures[0])

    def run(self, tokens: list[int], counts: list[int]) -> Outputs:
        """Logits [rows, vocabulary] and the queries of the watched heads, each [rows, 1, size]; the store has one position more.

        The next run overwrites them.
        """
        store, rows = self._store, len(tokens)
        longest = max(store.lengths) + 1
        store.reserve(longest)
        if store.generation != self._generation:
            if self._graphs:
                log.warning("the storage of keys and values was replaced; decoding goes on without graphs")
            self.clear()
            self._generation = store.generation
        bucket = next(count for count in self._row_counts() if count >= rows)
        span = next(span for span in self._spans() if span >= longest)
        # The rows that fill the bucket up write into the first position of rows that nobody uses.
        padding = [0] * (bucket - rows)
        self._write([tokens + padding, counts + padding, [*store.lengths, *padding]])
        graph = self._graphs.get((bucket, span))
        if graph is None:
            logits, queries = self._step(bucket, span)
        else:
            graph.replay()
            logits, queries = graph.outputs
        store.lengths[:] = [length + 1 for length in store.lengths]
        return logits[:rows], queries

    def _row_counts(self) -> list[int]:
        """The numbers of rows that are computed, ascending."""
        return [1 << power for power in range((self._max_rows - 1).bit_length())] + [self._max_rows]

    def _spans(self) -> list[int]:
        """The numbers of positions that are read, ascending."""
        capacity = self._store.capacity
        return [*range(SPAN_STEP, capacity, SPAN_STEP), capacity]

    def _write(self, values: list[list[int]]) -> None:
        """Copy tokens, counts and lengths, each [rows], to where the step reads them."""
        rows = len(values[0])
        # The previous copy has long been made: its tokens have been read back since.
        self._host_inputs[:, :rows] = torch.tensor(values)
        self._inputs[:, :rows].copy_(self._host_inputs[:, :rows], non_blocking=True)

    def _step(self, rows: int, span: int) -> Outputs:
        tokens, counts, lengths = self._inputs[:, :rows].unbind()
        attend = StaticDecode(self._store, lengths, self._watched, span=span)
        hidden = self._backbone.run(self._backbone.speech(tokens, counts), attend.positions, attend)
        return self._backbone.logits(hidden[:, 0]), attend.queries

    def _captured(self, backend: GraphBackend, rows: int, span: int) -> _Graph:
        """A graph whose replays give the logits of direct runs for two different tokens. Raises CaptureFailed."""
        logits: list[Tensor] = []
        backbone = self._backbone
        inputs = [[[token] * rows, [1] * rows, [span - 1] * rows] for token in (0, backbone.start)]
        for values in inputs:
            self._write(values)
            backend.synchronize()
            logits.append(self._step(rows, span)[0].clone())
        graph = _Graph(*backend.capture(lambda: self._step(rows, span)))
        change = (logits[0] - logits[1]).abs().max()
        for values, wanted in zip(inputs, logits, strict=True):
            self._write(values)
            graph.replay()
            backend.synchronize()
            if not bool((graph.outputs[0] - wanted).abs().max() <= _TOLERANCE * change) or not bool(change > 0):
                raise CaptureFailed("a replay gives other logits than a direct run")
        return graph
