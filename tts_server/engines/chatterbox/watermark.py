"""Resemble AI's Perth watermark, which marks audio as generated: applied to whole segments or to a stream."""

from __future__ import annotations

import numpy as np
import torch

from tts_server.engines.chatterbox.families import SAMPLE_RATE
from tts_server.engines.chatterbox.weights.stock import PerthImplicitWatermarker
from tts_server.errors import ModelNotAvailable
from tts_server.speech import Samples

_HOP = 240
"""Samples between two of Perth's frames (10 ms): chunks begin on that grid, so that they are marked like the whole."""

_CONTEXT = 25 * _HOP
"""Context before a chunk: Perth's network and window reach 0.18 s to each side."""

_LATENCY = 15 * _HOP
"""Context after a chunk."""

_MIN_SAMPLES = 10 * _HOP
"""Shorter audio is padded: the transform needs a whole window."""


class Watermarker:
    """Marks audio at 24 kHz. Not for several threads at once. Raises ModelNotAvailable if Perth's network cannot be loaded."""

    def __init__(self) -> None:
        try:
            self._perth = PerthImplicitWatermarker()
        except Exception as error:
            raise ModelNotAvailable(
                f"The Perth watermark cannot be loaded ({error}), and Chatterbox does not speak without it.", code="watermark_missing"
            ) from error

    @torch.inference_mode()
    def apply(self, samples: Samples) -> Samples:
        """The samples with the mark: equal to `perth.apply_watermark`, and as many as before (it may drop the last 10 ms)."""
        if not len(samples):
            return samples
        padded = np.pad(samples, (0, max(0, _MIN_SAMPLES - len(samples))))
        marked = np.asarray(self._perth.apply_watermark(padded, sample_rate=SAMPLE_RATE), dtype=np.float32)[: len(samples)]
        return np.concatenate((marked, samples[len(marked) :]))

    @torch.inference_mode()
    def detect(self, samples: Samples) -> float:
        """The confidence that the samples carry the mark, 0 to 1."""
        padded = np.pad(samples, (0, max(0, _MIN_SAMPLES - len(samples))))
        return float(np.mean(self._perth.get_watermark(padded, sample_rate=SAMPLE_RATE, round=False)))

    def stream(self) -> WatermarkStream:
        return WatermarkStream(self)


class WatermarkStream:
    """Marks a stream chunk by chunk, each with its neighbouring audio as context; the output is 0.15 s behind the input."""

    def __init__(self, watermarker: Watermarker) -> None:
        self._watermarker = watermarker
        self._buffer = np.zeros(0, np.float32)
        self._num_returned = 0
        """Number of samples at the start of the buffer that were already returned; they are context for the next chunk."""

    def feed(self, chunk: Samples) -> Samples:
        """The samples that are ready, possibly none."""
        self._buffer = np.concatenate((self._buffer, chunk))
        return self._marked(len(self._buffer) - _LATENCY)

    def finish(self) -> Samples:
        """The remaining samples."""
        return self._marked(len(self._buffer))

    def _marked(self, end: int) -> Samples:
        """The samples of the buffer before `end` that were not returned yet, with the mark."""
        begin = self._num_returned
        if end <= begin:
            return np.zeros(0, np.float32)
        marked = self._watermarker.apply(self._buffer)[begin:end]
        # Whole frames are dropped, so that the next chunk begins on the grid again.
        num_dropped = max(0, end - _CONTEXT) // _HOP * _HOP
        self._buffer = self._buffer[num_dropped:]
        self._num_returned = end - num_dropped
        return marked
