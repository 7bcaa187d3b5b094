"""Faster and slower speech at the same pitch, while streaming."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import av.filter
import numpy as np

from tts_server.speech import Samples

SLOWEST, FASTEST = 0.25, 4.0


def _steps(factor: float) -> list[float]:
    """Factors within 0.5..2 whose product is `factor`: FFmpeg's atempo drops samples above 2 and stops at 0.5."""
    steps = []
    while factor > 2.0:
        steps.append(2.0)
        factor /= 2.0
    while factor < 0.5:
        steps.append(0.5)
        factor /= 0.5
    return [*steps, factor]


class TempoChanger:
    """Changes the tempo of a stream by `factor` (0.25 to 4.0; 2.0 takes half the time) and leaves its pitch alone.

    The method is waveform-similarity overlap-add (W. Verhelst, M. Roelands: "An overlap-add technique based on waveform similarity
    (WSOLA) for high quality time-scale modification of speech", ICASSP 1993), in FFmpeg's `atempo` filter. The result does not depend
    on how the input is cut into chunks. The whole result has `round(n / factor)` samples. With factor 1 nothing is changed.
    """

    def __init__(self, sample_rate: int, factor: float) -> None:
        if not SLOWEST <= factor <= FASTEST:
            raise ValueError(f"tempo must lie between {SLOWEST} and {FASTEST}, not {factor}")
        self._sample_rate = sample_rate
        self._factor = factor
        # The filter's rounding depends on the frames, so it always gets frames of the same size, whatever the chunks are.
        self._block = max(1, round(0.05 * sample_rate))
        self._waiting: Samples = np.zeros(0, dtype=np.float32)
        self._samples_in = 0
        self._samples_pushed = 0
        self._samples_out = 0
        self._graph: Any = None if factor == 1.0 else self._build()

    def _build(self) -> Any:
        graph: Any = av.filter.Graph()
        last = graph.add_abuffer(sample_rate=self._sample_rate, format="flt", layout="mono", time_base=Fraction(1, self._sample_rate))
        for name, arguments in [*(("atempo", repr(step)) for step in _steps(self._factor)), ("abuffersink", None)]:
            node = graph.add(name, arguments)
            last.link_to(node)
            last = node
        graph.configure()
        return graph

    def process(self, samples: Samples) -> Samples:
        """The samples that are ready; the filter's windows delay them by 0.05 to 0.2 s."""
        if self._graph is None:
            return samples
        self._samples_in += len(samples)
        ready = self._push(samples)
        self._samples_out += len(ready)
        return ready

    def flush(self) -> Samples:
        """The rest. Afterwards the changer cannot be used."""
        if self._graph is None or not self._samples_in:
            return np.zeros(0, dtype=np.float32)
        # Silence after the end flushes the end out of the filter's windows; it is then removed.
        rest = self._push(np.zeros(round(0.4 * self._sample_rate) // self._block * self._block + self._block, dtype=np.float32))
        self._graph = None
        return rest[: max(0, round(self._samples_in / self._factor) - self._samples_out)]

    def _push(self, samples: Samples) -> Samples:
        waiting = np.concatenate([self._waiting, samples]).astype(np.float32, copy=False)
        whole = len(waiting) // self._block * self._block
        self._waiting = waiting[whole:]
        ready: list[Samples] = [np.zeros(0, dtype=np.float32)]
        for start in range(0, whole, self._block):
            block = np.ascontiguousarray(waiting[np.newaxis, start : start + self._block])
            frame: Any = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
            frame.sample_rate = self._sample_rate
            frame.pts = self._samples_pushed
            self._samples_pushed += self._block
            self._graph.push(frame)
            ready += self._pull()
        return np.concatenate(ready)

    def _pull(self) -> Iterator[Samples]:
        while True:
            try:
                yield self._graph.pull().to_ndarray()[0]
            except (av.BlockingIOError, av.EOFError):
                return
