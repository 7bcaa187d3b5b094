"""Sample-rate conversion while streaming."""

from __future__ import annotations

import numpy as np
import soxr

from tts_server.speech import Samples


class Resampler:
    """Converts a stream from `source_rate` to `target_rate` Hz. The result does not depend on how the input is cut into chunks.

    The whole result has `round(n * target_rate / source_rate)` samples, within one; with equal rates the samples are not changed.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._stream = None
        if source_rate != target_rate:
            self._stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32", quality="HQ")

    def process(self, samples: Samples) -> Samples:
        """The samples that are ready; the filter delays them by some milliseconds."""
        if self._stream is None:
            return samples
        return self._convert(samples, last=False) if len(samples) else samples

    def flush(self) -> Samples:
        """The rest. Afterwards the resampler cannot be used."""
        return self._convert(np.zeros(0, dtype=np.float32), last=True)

    def _convert(self, samples: Samples, *, last: bool) -> Samples:
        if self._stream is None:
            return samples
        converted: Samples = self._stream.resample_chunk(np.ascontiguousarray(samples, dtype=np.float32), last=last)
        return converted
