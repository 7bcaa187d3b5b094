"""Holds the loudness of later segments near that of the first one of a text.

A model speaks each segment for itself, some several dB louder or softer than others. The level is a gated RMS: that of the 20 ms frames
that are louder than an absolute threshold and than 10 dB below their mean, as the gates of ITU-R BS.1770 leave silence and pauses out.
"""

from __future__ import annotations

import numpy as np

from tts_server.audio.pcm import soft_limit
from tts_server.speech import Samples

FRAME_SECONDS = 0.02
SILENCE_DB = -45.0
RELATIVE_GATE_DB = -10.0

WINDOW_SECONDS = 3.0
"""Speech by which a later segment is measured. Its audio is held back until so much has come, or all of it."""

MIN_SPEECH_SECONDS = 0.4
"""With less speech than that a segment has no level: it stays as it is."""

FREE_DB = 1.5
"""A difference up to this is left: speech is not all of one level."""

MAX_GAIN_DB = 12.0


class LoudnessMatcher:
    """Matches the segments of one text, in their order. `sample_rate` in Hz."""

    def __init__(self, sample_rate: int) -> None:
        self.frame_samples = round(FRAME_SECONDS * sample_rate)
        self.reference: float | None = None
        """The level of the first segment that has one, in dB of full scale."""

    def segment(self) -> SegmentLoudness:
        """The next segment; all samples of the one before must have been processed."""
        return SegmentLoudness(self)


class SegmentLoudness:
    """One segment: how its samples are cut when they come makes no difference."""

    def __init__(self, matcher: LoudnessMatcher) -> None:
        self._matcher = matcher
        self._is_reference = matcher.reference is None
        self._gain: float | None = 1.0 if self._is_reference else None
        self._held: list[Samples] = []
        self._rest = np.zeros(0, np.float32)
        self._levels: list[float] = []

    def process(self, samples: Samples) -> Samples:
        """The samples that are ready, at the segment's gain; possibly none."""
        if self._is_reference or self._gain is None:
            self._measure(samples)
        if self._gain is not None:
            return self._amplified(samples)
        self._held.append(samples)
        if len(self._levels) * FRAME_SECONDS < WINDOW_SECONDS:
            return np.zeros(0, np.float32)
        return self._release()

    def flush(self) -> Samples:
        """No more samples: the rest."""
        if self._is_reference:
            self._matcher.reference = self._level()
        return self._release() if self._gain is None else np.zeros(0, np.float32)

    def _measure(self, samples: Samples) -> None:
        """Note the levels of the whole frames that are not silent, for the window's length where the segment is a later one."""
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
        held, self._held = np.concatenate([np.zeros(0, np.float32), *self._held]), []
        return self._amplified(held)

    def _chosen_gain(self) -> float:
        """The factor that leaves a difference of FREE_DB at most, within MAX_GAIN_DB."""
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
