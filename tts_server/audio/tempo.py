"""Faster and slower speech at the same pitch, while streaming."""

from __future__ import annotations

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
    on how the input is cut into chunks. Its length is that of the input divided by `factor`, within 1 % or 20 ms. Factor 1 passes through.
    """

    def __init__(self, sample_rate: int, factor: float) -> None:
        if not SLOWEST <= factor <= FASTEST:
            raise ValueError(f"tempo must lie between {SLOWEST} and {FASTEST}, not {factor}")
        self._sample_rate = sample_rate
        self._factor = factor
        self._samples_in = 0
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
        """The samples that are ready; about 50 ms of the input are kept back."""
        if self._graph is None or not len(samples):
            return samples
        frame: Any = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, dtype=np.float32)[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = self._sample_rate
        frame.pts = self._samples_in
        self._samples_in += len(samples)
        self._graph.push(frame)
        return self._pull()

    def flush(self) -> Samples:
        """The rest. Afterwards the changer cannot be used."""
        if self._graph is None or not self._samples_in:
            return np.zeros(0, dtype=np.float32)
        self._graph.push(None)
        rest = self._pull()
        self._graph = None
        return rest

    def _pull(self) -> Samples:
        ready: list[Samples] = []
        while True:
            try:
                ready.append(self._graph.pull().to_ndarray()[0])
            except (av.BlockingIOError, av.EOFError):
                return np.concatenate(ready) if ready else np.zeros(0, dtype=np.float32)
