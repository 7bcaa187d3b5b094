"""Shortens long pauses inside speech, where another attempt would cost seconds and may be no better. No torch here."""

from __future__ import annotations

import numpy as np

from tts_server.engines.chatterbox.families import SAMPLE_RATE
from tts_server.speech import Samples

LONGEST_SECONDS = 1.6
"""Longer pauses inside a segment are shortened."""

SHORTENED_SECONDS = 0.8
"""The length of a pause after it was shortened."""

CROSSFADE_SECONDS = 0.02
FRAME_SECONDS = 0.02
SILENCE_DB = -45.0
BELOW_PEAK_DB = 40.0
"""A frame is silent below SILENCE_DB of full scale, and below the loudest frame so far by this much."""

_FRAME = round(FRAME_SECONDS * SAMPLE_RATE)
_HEAD = round(SHORTENED_SECONDS / 2 * SAMPLE_RATE) // _FRAME * _FRAME
_CROSSFADE = round(CROSSFADE_SECONDS * SAMPLE_RATE)


def frame_levels(samples: Samples) -> np.ndarray:
    """The level of each whole frame of FRAME_SECONDS, in dB of full scale: float64 [frames]."""
    whole = len(samples) // _FRAME * _FRAME
    power = np.square(samples[:whole].reshape(-1, _FRAME)).mean(axis=1) if whole else np.zeros(0)
    return np.asarray(10.0 * np.log10(power + 1e-12))


class PauseShortener:
    """Shortens pauses of a stream. The output is the same however the input is cut.

    longest_seconds: pauses up to this length stay as they are. The samples after the first 0.4 s of a pause are output when the pause
    ends; at the end of the stream they are dropped.
    """

    def __init__(self, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._longest = round(longest_seconds * SAMPLE_RATE)
        self._rest = np.zeros(0, np.float32)
        """Less than a frame."""
        self._peak = -np.inf
        self._pause = 0
        """Length of the current pause, in samples."""
        self._pending: list[Samples] = []

    def feed(self, samples: Samples) -> Samples:
        """Return the samples that later input can no longer change."""
        samples = np.concatenate((self._rest, samples))
        whole = len(samples) // _FRAME * _FRAME
        self._rest = samples[whole:]
        output: list[Samples] = [np.zeros(0, np.float32)]
        for index, level in enumerate(frame_levels(samples[:whole])):
            frame = samples[index * _FRAME : (index + 1) * _FRAME]
            self._peak = max(self._peak, float(level))
            if level <= max(SILENCE_DB, self._peak - BELOW_PEAK_DB):
                self._pause += len(frame)
                (output if self._pause <= _HEAD else self._pending).append(frame)
            else:
                output += [self._end_pause(), frame]
        return np.concatenate(output)

    def finish(self) -> Samples:
        """The rest: nothing if the stream ends in a long pause."""
        return np.zeros(0, np.float32) if self._pending else self._rest

    def _end_pause(self) -> Samples:
        """The samples to output of those that are pending."""
        pending = np.concatenate([np.zeros(0, np.float32), *self._pending])
        is_long = self._pause > self._longest
        self._pause, self._pending = 0, []
        if not is_long:
            return pending
        tail: Samples = pending[-_HEAD:].copy()
        fade = np.linspace(0.0, 1.0, _CROSSFADE, dtype=np.float32)
        tail[:_CROSSFADE] = pending[:_CROSSFADE] * (1.0 - fade) + tail[:_CROSSFADE] * fade
        return tail


def shorten_pauses(samples: Samples, longest_seconds: float = LONGEST_SECONDS) -> Samples:
    """The samples with long pauses cut to SHORTENED_SECONDS; equal samples where there is none."""
    shortener = PauseShortener(longest_seconds)
    shortened: Samples = np.concatenate((shortener.feed(samples), shortener.finish()))
    return shortened
