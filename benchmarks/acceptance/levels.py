"""Levels of speech: loudness, silence, the end, and the joints of what was made in blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tts_server.speech import Samples

FRAME_SECONDS = 0.02
GATE_SECONDS = 0.4
ABSOLUTE_GATE_DB = -60.0
RELATIVE_GATE_DB = -10.0
SILENCE_DB = -45.0
SILENCE_BELOW_PEAK_DB = 40.0
TAIL_SECONDS = 0.1
SPECTRUM_SAMPLES = 512


def loudness(samples: Samples, sample_rate: int) -> float:
    """dB of full scale of the parts with speech: blocks of 0.4 s within 10 dB of the mean of those above -60 dB, as ITU-R BS.1770 gates.

    Without that recommendation's filter. -inf where everything is silent.
    """
    block = round(GATE_SECONDS * sample_rate)
    starts = range(0, max(1, len(samples) - block + 1), block // 4)
    powers = np.array([np.mean(np.square(samples[start : start + block], dtype=np.float64)) for start in starts if len(samples)])
    powers = powers[powers > 10 ** (ABSOLUTE_GATE_DB / 10)]
    if not len(powers):
        return float("-inf")
    return float(_db(powers[powers > powers.mean() * 10 ** (RELATIVE_GATE_DB / 10)].mean()))


def longest_inner_silence(samples: Samples, sample_rate: int) -> float:
    """Seconds of the longest stretch of silence that has sound on both sides."""
    levels = frame_levels(samples, sample_rate)
    if not len(levels):
        return 0.0
    loud = np.flatnonzero(levels > max(SILENCE_DB, levels.max() - SILENCE_BELOW_PEAK_DB))
    gaps = np.diff(loud) - 1
    return float(gaps.max(initial=0) * FRAME_SECONDS)


def tail_level(samples: Samples, sample_rate: int) -> float:
    """dB of the last 0.1 s above the loudness of the whole; negative where speech fades into silence."""
    tail = samples[-round(TAIL_SECONDS * sample_rate) :]
    whole = loudness(samples, sample_rate)
    if not len(tail) or not np.isfinite(whole):
        return float("-inf")
    return float(_db(np.mean(np.square(tail, dtype=np.float64)))) - whole


def frame_levels(samples: Samples, sample_rate: int) -> np.ndarray:
    """The level of each 20 ms, in dB of full scale."""
    length = round(FRAME_SECONDS * sample_rate)
    whole = len(samples) // length * length
    return np.asarray(_db(np.square(samples[:whole].reshape(-1, length), dtype=np.float64).mean(axis=1))) if whole else np.zeros(0)


def steps_at(samples: Samples, positions: Sequence[int]) -> np.ndarray:
    """How abrupt the sound is at each position: the step between neighbouring samples over the level around it, plus the distance of the
    log spectra before and after in dB over 20. Positions too near to an end are left out."""
    found = []
    for position in positions:
        before, after = samples[position - SPECTRUM_SAMPLES : position], samples[position : position + SPECTRUM_SAMPLES]
        if position < SPECTRUM_SAMPLES or len(after) < SPECTRUM_SAMPLES:
            continue
        level = np.sqrt(np.mean(np.square(np.concatenate((before, after)), dtype=np.float64))) + 1e-4
        spectra = [_db(np.square(np.abs(np.fft.rfft(part * np.hanning(SPECTRUM_SAMPLES)))) + 1e-3) for part in (before, after)]
        found.append(abs(float(after[0]) - float(before[-1])) / level + np.mean(np.abs(spectra[1] - spectra[0])) / 20)
    return np.asarray(found)


def signal_to_noise(wanted: np.ndarray, found: np.ndarray) -> float:
    """dB of `wanted` over its difference from `found`; infinite where they are equal."""
    noise = float(np.sum(np.square(wanted - found, dtype=np.float64)))
    return float("inf") if noise == 0 else float(_db(np.sum(np.square(wanted, dtype=np.float64)) / noise))


def _db(power: np.ndarray | float) -> np.ndarray | float:
    return 10.0 * np.log10(np.maximum(power, 1e-12))
