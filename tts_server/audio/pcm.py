"""Operations on PCM samples: conversion to 16 bits, silence, joining of segments, and a limiter."""

from __future__ import annotations

import numpy as np

from tts_server.speech import Samples

KNEE = 0.9
"""The level, of full scale 1.0, below which `soft_limit` changes nothing."""


def to_s16(samples: Samples) -> bytes:
    """Signed 16-bit little-endian bytes: rounded, limited to full scale; a sample that is not a finite number becomes 0."""
    scaled = np.asarray(samples, dtype=np.float32) * np.float32(32767.0)
    finite = np.where(np.isfinite(scaled), scaled, np.float32(0.0))
    data: bytes = np.clip(np.rint(finite), -32768, 32767).astype("<i2").tobytes()
    return data


def silence(seconds: float, sample_rate: int) -> Samples:
    """Zeros for `seconds` at `sample_rate` Hz, rounded to whole samples."""
    return np.zeros(max(0, round(seconds * sample_rate)), dtype=np.float32)


def soft_limit(samples: Samples) -> Samples:
    """The samples compressed so that none leaves -1..1. Samples within ±0.9 are not changed; each sample is computed independently."""
    magnitude = np.abs(samples)
    if not len(samples) or magnitude.max() <= KNEE:
        return samples
    headroom = np.float32(1.0 - KNEE)
    limited = np.sign(samples) * (np.float32(KNEE) + headroom * np.tanh((magnitude - np.float32(KNEE)) / headroom))
    return np.where(magnitude > KNEE, limited, samples).astype(np.float32)


class SegmentJoiner:
    """Joins segments and pauses into one stream without clicks.

    Pass each segment's audio to `process` in chunks of any size and end it with `end_segment`. Every segment starts and ends with a short
    raised-cosine fade (`fade_seconds`), so that its ends are zero. Near-silence (no sample above `threshold`, of full scale) at its edges
    is cut to `edge_silence` seconds, so that the pauses have the requested length; with `None` all of it remains. The result does not
    depend on how the audio is cut into chunks.

    Silence inside a segment is delayed until it is certain that it is not its end, for at most `max_wait` seconds.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        fade_seconds: float = 0.004,
        edge_silence: float | None = 0.06,
        threshold: float = 0.0015,
        max_wait: float = 1.5,
    ) -> None:
        self._sample_rate = sample_rate
        self._threshold = threshold
        length = max(2, round(fade_seconds * sample_rate))
        self._fade_in = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
        self._edge = None if edge_silence is None else round(edge_silence * sample_rate)
        self._max_wait = max(round(max_wait * sample_rate), length)
        self._begin()

    def _begin(self) -> None:
        self._delayed: Samples = np.zeros(0, dtype=np.float32)
        self._is_speaking = self._edge is None
        self._faded_in = 0

    def process(self, samples: Samples) -> Samples:
        """The samples that are ready after the next chunk of the current segment."""
        delayed = np.concatenate([self._delayed, samples]).astype(np.float32, copy=False)
        if not self._is_speaking:
            delayed = self._without_lead(delayed)
        ready = len(delayed) - self._tail_length(delayed) if self._is_speaking else 0
        self._delayed = delayed[ready:]
        return self._faded(delayed[:ready])

    def end_segment(self, pause_after: float = 0.0) -> Samples:
        """The rest of the segment and `pause_after` seconds of exact silence. The next chunk starts a new segment."""
        rest = self._delayed
        if not self._is_speaking:
            rest = rest[:0]
        elif self._edge is not None:
            loud = np.flatnonzero(np.abs(rest) > self._threshold)
            last = int(loud[-1]) + 1 if len(loud) else 0
            rest = rest[: last + self._edge]
        rest = self._faded(rest)
        length = min(len(self._fade_in), len(rest))
        if length:
            rest[-length:] *= self._fade_in[:length][::-1]
        self._begin()
        return np.concatenate([rest, silence(pause_after, self._sample_rate)])

    def _without_lead(self, delayed: Samples) -> Samples:
        edge = self._edge or 0
        loud = np.flatnonzero(np.abs(delayed) > self._threshold)
        if len(loud):
            self._is_speaking = True
            return delayed[max(0, int(loud[0]) - edge) :]
        return delayed[max(0, len(delayed) - edge) :]

    def _tail_length(self, delayed: Samples) -> int:
        """How many samples at the end may still turn out to be the segment's end."""
        fade = len(self._fade_in)
        if self._edge is None:
            return min(len(delayed), fade)
        loud = np.flatnonzero(np.abs(delayed) > self._threshold)
        quiet = len(delayed) - (int(loud[-1]) + 1) if len(loud) else len(delayed)
        return min(len(delayed), max(fade, min(quiet + fade, self._max_wait)))

    def _faded(self, samples: Samples) -> Samples:
        """A copy with the remaining part of the fade-in applied."""
        faded: Samples = samples.copy()
        factors = self._fade_in[self._faded_in : self._faded_in + len(faded)]
        faded[: len(factors)] *= factors
        self._faded_in += len(factors)
        return faded
