"""A decoding step with fixed shapes, which CUDA can replay as a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tts_server.engines.chatterbox.t3.attention import Head, StaticDecode
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.kv_cache import KeyValues


class StaticStep:
    """One decoding step with shapes from a small set: `rows` rounded up to a power of two. On CUDA each is captured once as a graph
    and then replayed, which spares the launch of some 250 kernels; elsewhere the same code runs as it is.
    """

    def __init__(self, backbone: Backbone, store: KeyValues, max_rows: int, watched: Sequence[Head]) -> None:
        self._backbone, self._store, self._watched = backbone, store, watched
        self._max_rows = max_rows
        self._tokens, self._counts, self._lengths = (torch.zeros(max_rows, dtype=torch.int64, device=backbone.device) for _ in range(3))
        self._room = 0
        self._graphs: dict[int, tuple[Any, Tensor, dict[Head, Tensor]]] = {}

    def clear(self) -> None:
        """Forget the graphs: the memory they point into is given back."""
        self._graphs.clear()
        self._room = 0

    def run(self, tokens: list[int], counts: list[int]) -> tuple[Tensor, dict[Head, Tensor]]:
        """Logits [rows, vocabulary] and the queries of the watched heads, each [rows, 1, size]; the store has one position more."""
        store, rows = self._store, len(tokens)
        store.reserve(max(store.lengths) + 1)
        if store.capacity != self._room:
            self.clear()
            self._room = store.capacity
        bucket = min(self._max_rows, 1 << (rows - 1).bit_length())
        # The rows that fill the bucket up write into the first position of rows that nobody uses.
        for buffer, values in ((self._tokens, tokens), (self._counts, counts), (self._lengths, store.lengths)):
            buffer[:bucket] = torch.tensor(values + [0] * (bucket - rows), device=buffer.device)
        if self._backbone.device.type != "cuda":
            logits, queries = self._step(bucket)
        else:
            if bucket not in self._graphs:
                self._graphs[bucket] = self._capture(bucket)
            graph, logits, queries = self._graphs[bucket]
            graph.replay()
        store.lengths[:] = [length + 1 for length in store.lengths]
        return logits[:rows], queries

    def _step(self, rows: int) -> tuple[Tensor, dict[Head, Tensor]]:
        attend = StaticDecode(self._store, self._lengths[:rows], self._watched)
        x = self._backbone.speech(self._tokens[:rows], self._counts[:rows])
        hidden = self._backbone.run(x, attend.positions, attend)
        return self._backbone.logits(hidden[:, 0]), attend.queries

    def _capture(self, rows: int) -> tuple[Any, Tensor, dict[Head, Tensor]]:
        """Running the step more than once does no harm: it writes the same values to the same place."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                self._step(rows)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits, queries = self._step(rows)
        return graph, logits, queries
