"""Matches the loudness of later segments of a text to that of the first one.

A model computes each segment independently, some several dB louder or softer than others. The level is a gated RMS: that of the 20 ms
frames that are louder than an absolute threshold and than 10 dB below their mean, as the gates of ITU-R BS.1770 exclude silence.
"""

from __future__ import annotations

import numpy as np

from tts_server.audio.pcm import soft_limit
from tts_server.speech import Samples

FRAME_SECONDS = 0.02
SILENCE_DB = -45.0
RELATIVE_GATE_DB = -10.0

WINDOW_SECONDS = 3.0
"""The length of speech that determines the level of a later segment. Its audio is delayed until this much of it, or all, is there."""

MIN_SPEECH_SECONDS = 0.4
"""A segment with less speech has no level and is not changed."""

FREE_DB = 1.5
"""A difference up to this remains: natural speech varies too."""

MAX_GAIN_DB = 12.0


class LoudnessMatcher:
    """Matches the segments of one text, in their order. `sample_rate` is in Hz."""

    def __init__(self, sample_rate: int) -> None:
        self.frame_samples = round(FRAME_SECONDS * sample_rate)
        self.reference: float | None = None
        """The level of the first segment that has one, in dB of full scale."""

    def segment(self) -> SegmentLoudness:
        """The next segment; all samples of the one before must have been processed."""
        return SegmentLoudness(self)


class SegmentLoudness:
    """Matches one segment. The result does not depend on how the input is cut into chunks."""

    def __init__(self, matcher: LoudnessMatcher) -> None:
        self._matcher = matcher
        self._is_reference = matcher.reference is None
        self._gain: float | None = 1.0 if self._is_reference else None
        self._delayed: list[Samples] = []
        self._rest = np.zeros(0, np.float32)
        self._levels: list[float] = []

    def process(self, samples: Samples) -> Samples:
        """The samples that are ready, at the segment's gain; possibly none."""
        if self._is_reference or self._gain is None:
            self._measure(samples)
        if self._gain is not None:
            return self._amplified(samples)
        self._delayed.append(samples)
        if len(self._levels) * FRAME_SECONDS < WINDOW_SECONDS:
            return np.zeros(0, np.float32)
        return self._release()

    def flush(self) -> Samples:
        """The remaining samples."""
        if self._is_reference:
            self._matcher.reference = self._level()
        return self._release() if self._gain is None else np.zeros(0, np.float32)

    def _measure(self, samples: Samples) -> None:
        """Record the levels of the whole frames that are not silent; for later segments at most WINDOW_SECONDS of them."""
        size = self._matcher.frame_samples
        joined = np.concatenate((self._rest, samples))
        num_frames = len(joined) // size
        self._rest = joined[num_frames * size :]
        power = np.square(joined[: num_frames * size].reshape(-1, size), dtype=np.float64).mean(axis=1)
        levels = 10.0 * np.log10(power + 1e-12)
        self._levels += levels[levels > SILENCE_DB].tolist()
        if not self._is_reference:
            del self._levels[round(WINDOW_SECONDS / FRAME_SECONDS) :]

    def _level(self) -> float | None:
        if len(self._levels) * FRAME_SECONDS < MIN_SPEECH_SECONDS:
            return None
        power = 10.0 ** (np.asarray(self._levels) / 10.0)
        gate = 10.0 * np.log10(power.mean()) + RELATIVE_GATE_DB
        return float(10.0 * np.log10(power[10.0 * np.log10(power) > gate].mean()))

    def _release(self) -> Samples:
        self._gain = self._chosen_gain()
        delayed, self._delayed = np.concatenate([np.zeros(0, np.float32), *self._delayed]), []
        return self._amplified(delayed)

    def _chosen_gain(self) -> float:
        """The factor after which the difference is at most FREE_DB, limited to MAX_GAIN_DB."""
        level, reference = self._level(), self._matcher.reference
        if level is None or reference is None:
            return 1.0
        difference = reference - level
        change = min(max(abs(difference) - FREE_DB, 0.0), MAX_GAIN_DB)
        return float(10.0 ** (np.copysign(change, difference) / 20.0))

    def _amplified(self, samples: Samples) -> Samples:
        if self._gain is None or self._gain == 1.0:
            return samples
        louder = samples * np.float32(self._gain)
        return soft_limit(louder) if self._gain > 1.0 else louder
