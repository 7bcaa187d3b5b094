"""Voice matching: finds a shape of the built-in voice that is closer to a reference clip.

Three properties of the clip are measured and compared with those of the unshaped voice: the pitch and its range, the length of the vocal
tract, and the colour of the long-term spectrum. Pronunciation and intonation are not copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr
from scipy import fft

from tts_server.engines.embedded.shape import BAND_CENTRES_HZ, VoiceShape, stretched_frequency
from tts_server.errors import InvalidReference
from tts_server.speech import Samples, VoiceReference

Floats = npt.NDArray[np.float64]

MIN_VOICED_SECONDS = 0.6
MAX_SECONDS = 30.0
"""The rest of a longer clip is ignored."""
PITCH_RANGE_HZ = (60.0, 420.0)

_RATE = 16000
_PITCH_RATE = 8000
_HOP_SECONDS = 0.01
_WINDOW_SECONDS = 0.04
_YIN_THRESHOLD = 0.3
_QUIETEST_DBFS = -60.0
_STEADY_TONE_OCTAVES = 0.01
_STRETCHES = np.round(np.arange(0.82, 1.1401, 0.01), 2)
_MAX_COLOUR_DB = 10.0

MEL_CENTRES_HZ: Floats = 700.0 * (10.0 ** (np.linspace(150.0, 2780.0, 40) / 2595.0) - 1.0)
"""40 bands, evenly spaced on the mel scale from 100 Hz to 7.5 kHz."""

# fmt: off
NEUTRAL_SPECTRUM_DB: Floats = np.array([
    4.3, 17.5, 20.1, 17.4, 13.0, 13.5, 11.2, 9.7, 7.3, 5.3,
    6.2, 6.8, 5.2, 2.9, 1.8, -0.1, -1.6, -1.2, -1.8, -2.8,
    -3.6, -2.8, -2.7, -4.0, -5.9, -7.5, -7.3, -7.6, -8.0, -9.0,
    -9.1, -10.9, -9.8, -7.4, -6.5, -5.5, -4.7, -7.3, -7.9, -7.0,
])
# fmt: on
"""The result of `measure` for the unshaped voice, with the two below; the tests compare them with it."""
NEUTRAL_MEDIAN_HZ = 196.0
NEUTRAL_SPREAD_OCTAVES = 0.35


@dataclass(frozen=True)
class VoiceMeasures:
    """The measurements of a voice in a clip.

    `pitch_hz` is the median, `spread_octaves` the distance between the quartiles of the pitch, `spectrum_db` the long-term spectrum of
    voiced speech at `MEL_CENTRES_HZ` (mean 0; NaN above `bandwidth_hz`), `voiced_seconds` how much of it there was.
    """

    pitch_hz: float
    spread_octaves: float
    spectrum_db: Floats
    bandwidth_hz: float
    voiced_seconds: float


def match(reference: VoiceReference) -> VoiceShape:
    """The shape that brings the built-in voice closer to `reference`; raises InvalidReference where nobody speaks."""
    measures = measure(reference.samples, reference.sample_rate)
    stretch = _stretch(measures)
    return VoiceShape(
        pitch_scale=float(np.clip(measures.pitch_hz / NEUTRAL_MEDIAN_HZ, 0.4, 1.5)),
        pitch_spread=float(np.clip(measures.spread_octaves / NEUTRAL_SPREAD_OCTAVES, 0.6, 1.4)),
        envelope_stretch=stretch,
        bands_db=_colour(measures, stretch),
    )


def measure(samples: Samples, sample_rate: int) -> VoiceMeasures:
    """Measure the voice in float32 mono `samples`; raises InvalidReference with the reason."""
    samples = samples[: int(MAX_SECONDS * sample_rate)]
    seconds = len(samples) / sample_rate
    if not len(samples) or not np.isfinite(samples).all():
        raise InvalidReference("The reference clip holds no usable audio.")
    level = 20.0 * np.log10(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) + 1e-9)
    if level < _QUIETEST_DBFS:
        raise InvalidReference(f"The reference clip is silent (its level is {level:.0f} dBFS).")
    pitch = track_pitch(samples, sample_rate)
    voiced = pitch > 0.0
    voiced_seconds = float(voiced.sum() * _HOP_SECONDS)
    if voiced_seconds < MIN_VOICED_SECONDS:
        raise InvalidReference(
            f"No voice to match: only {voiced_seconds:.1f} s of the {seconds:.1f} s clip sound like speech. "
            "Use a clear recording of one person, 5 to 15 s long."
        )
    octaves = np.log2(pitch[voiced])
    octaves = octaves[np.abs(octaves - np.median(octaves)) < 0.8]
    low, middle, high = np.percentile(octaves, [25, 50, 75])
    if high - low < _STEADY_TONE_OCTAVES:
        raise InvalidReference(f"No voice to match: the clip holds a steady tone of {2.0**middle:.0f} Hz, not speech.")
    bandwidth = min(sample_rate, _RATE) / 2.0
    spectrum = _long_term_spectrum(_resampled(samples, sample_rate, _RATE), voiced)
    spectrum[bandwidth * 0.95 < MEL_CENTRES_HZ] = np.nan
    return VoiceMeasures(float(2.0**middle), float(high - low), spectrum - np.nanmean(spectrum), bandwidth, voiced_seconds)


def track_pitch(samples: Samples, sample_rate: int) -> Floats:
    """Pitch in Hz for every 10 ms, 0 where unvoiced.

    YIN: A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
    J. Acoust. Soc. Am. 111(4), 2002: the difference function, its cumulative mean normal form, the first dip below a threshold,
    and a parabola through it.
    """
    audio = _resampled(samples, sample_rate, _PITCH_RATE).astype(np.float64)
    hop, window = int(_HOP_SECONDS * _PITCH_RATE), int(_WINDOW_SECONDS * _PITCH_RATE)
    shortest, longest = int(_PITCH_RATE / PITCH_RANGE_HZ[1]), int(_PITCH_RATE / PITCH_RANGE_HZ[0])
    span = window + longest + 1
    if len(audio) < span:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(audio, span)[::hop]
    size = fft.next_fast_len(span + window, real=True)
    correlation = fft.irfft(np.conj(fft.rfft(frames[:, :window], size)) * fft.rfft(frames, size), size)[:, : longest + 1]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    power = energy[:, window : window + longest + 1] - energy[:, : longest + 1]
    difference = np.maximum(power[:, :1] + power - 2.0 * correlation, 0.0)
    lags = np.arange(1, longest + 1)
    normal = np.ones_like(difference)
    normal[:, 1:] = difference[:, 1:] * lags / np.maximum(np.cumsum(difference[:, 1:], axis=1), 1e-12)

    inner = normal[:, shortest:longest]
    is_dip = (inner <= normal[:, shortest - 1 : longest - 1]) & (inner <= normal[:, shortest + 1 : longest + 1])
    good = is_dip & (inner < _YIN_THRESHOLD)
    first = np.argmax(good, axis=1)
    loud = power[:, 0] > 1e-3 * np.percentile(power[:, 0], 95)
    voiced = good.any(axis=1) & loud
    rows = np.flatnonzero(voiced)
    at = first[rows] + shortest
    left, middle, right = normal[rows, at - 1], normal[rows, at], normal[rows, at + 1]
    bend = left - 2.0 * middle + right
    shift = np.where(bend > 1e-12, 0.5 * (left - right) / np.maximum(bend, 1e-12), 0.0)
    pitch = np.zeros(len(frames))
    pitch[rows] = _PITCH_RATE / (at + np.clip(shift, -0.5, 0.5))
    return pitch


def _long_term_spectrum(audio: Samples, voiced: npt.NDArray[np.bool_]) -> Floats:
    """Mean power of the voiced frames in dB at `MEL_CENTRES_HZ`, triangular bands, 16 kHz audio."""
    size, hop = 512, int(_HOP_SECONDS * _RATE)
    padded = np.pad(audio, (0, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: len(voiced)]
    # A frame of the pitch track looks ahead by a window and half a period; its middle is where the spectrum is taken.
    ahead = int(_WINDOW_SECONDS / 2 / _HOP_SECONDS)
    chosen = np.minimum(np.flatnonzero(voiced) + ahead, len(frames) - 1)
    power = np.abs(fft.rfft(frames[chosen] * np.hanning(size).astype(np.float32), axis=1)) ** 2
    # Each frame has the same weight, so that one loud vowel does not dominate.
    power /= power.sum(axis=1, keepdims=True) + 1e-12
    decibels: Floats = 10.0 * np.log10(_mel_bands(size) @ power.mean(axis=0) + 1e-12)
    return decibels


def _mel_bands(size: int) -> Floats:
    hertz = np.arange(size // 2 + 1) * _RATE / size
    centres = np.concatenate([[40.0], MEL_CENTRES_HZ, [7900.0]])
    rising = (hertz - centres[:-2, None]) / np.diff(centres)[:-1, None]
    falling = (centres[2:, None] - hertz) / np.diff(centres)[1:, None]
    bands: Floats = np.maximum(np.minimum(rising, falling), 0.0)
    bands /= bands.sum(axis=1, keepdims=True)
    return bands


def _stretch(measures: VoiceMeasures) -> float:
    """How much shorter (above 1) or longer the speaker's vocal tract is.

    The spectrum of the built-in voice is stretched until its ripple matches that of the clip best. The estimate from a long-term spectrum
    is rough, so the usual length for a person of this pitch counts as well.
    """
    usual = (measures.pitch_hz / NEUTRAL_MEDIAN_HZ) ** 0.24
    costs = [np.nanstd(_ripple(_difference(measures, stretch))) + 8.0 * abs(stretch - usual) for stretch in _STRETCHES]
    return float(_STRETCHES[int(np.argmin(costs))])


def _difference(measures: VoiceMeasures, stretch: float) -> Floats:
    """The spectrum of the clip less that of the stretched built-in voice, in dB at `MEL_CENTRES_HZ`."""
    stretched = np.interp(stretched_frequency(MEL_CENTRES_HZ, stretch), MEL_CENTRES_HZ, NEUTRAL_SPECTRUM_DB)
    difference: Floats = measures.spectrum_db - stretched
    difference -= np.nanmean(difference)
    return difference


def _ripple(difference: Floats) -> Floats:
    """The residual after a parabola over the mel scale: the slope and curvature of a spectrum do not depend on formants."""
    place = np.linspace(-1.0, 1.0, len(difference))
    known = np.isfinite(difference)
    fit = np.polynomial.Polynomial.fit(place[known], difference[known], 2)
    ripple: Floats = difference - fit(place)
    return ripple


def _colour(measures: VoiceMeasures, stretch: float) -> tuple[float, ...]:
    """Gains at `BAND_CENTRES_HZ`: the smoothed difference, within limits; above the clip's own bandwidth the last known one."""
    difference = _difference(measures, stretch)
    known = np.isfinite(difference)
    smooth = np.convolve(np.pad(difference[known], 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
    gains = np.interp(BAND_CENTRES_HZ, MEL_CENTRES_HZ[known], smooth)
    return tuple(round(float(gain), 1) for gain in np.clip(gains, -_MAX_COLOUR_DB, _MAX_COLOUR_DB))


def _resampled(samples: Samples, sample_rate: int, rate: int) -> Samples:
    if sample_rate == rate:
        return samples
    return np.asarray(soxr.resample(samples, sample_rate, rate), dtype=np.float32)
