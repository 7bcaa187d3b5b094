"""Changes the speaker of the network's output, between the network and its vocoder.

The network describes speech as a source and filters, so a speaker can be changed part by part, as in the source-filter
theory (G. Fant, "Acoustic Theory of Speech Production", 1960): the pitch curve corresponds to the larynx, the position of the formants
along frequency to the length of the vocal tract, the slope and colour of the spectrum to the glottis and the rest of the head.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hibari import dsp

from tts_server.speech import Samples

Array = npt.NDArray[np.float32]

NUM_BINS = dsp.N_FFT // 2 + 1
BIN_HZ = dsp.SR / dsp.N_FFT
NEUTRAL_PITCH_HZ = 185.0
"""Median pitch of the unshaped network; `pitch_spread` widens or narrows the melody around it."""
BAND_CENTRES_HZ = (150.0, 300.0, 500.0, 800.0, 1200.0, 1800.0, 2600.0, 3600.0, 5000.0, 7000.0, 10000.0)
VOICED_HZ = 40.0
PITCH_LIMITS_HZ = (55.0, 480.0)
PEAK = 0.95
"""Louder samples are compressed to stay below full scale."""

_FIRST_FORMANT_HZ = 600.0
_STRETCH_END_HZ = 6500.0
_TILT_CENTRE_HZ = 800.0
_TILT_LIMITS_HZ = (150.0, 9000.0)
_BREATH_FROM_HZ = 1500.0
_SILENCE = -15.0
_RESIDUE_BELOW_HZ = 1500.0
_RESIDUE_DB = -3.0
_COHERENCE = np.float32(0.8)
"""Bins of one harmonic that agree in phase, as reshaped ones do, sound louder than the network's by this much (measured, in nepers)."""
_LEVEL_BIAS = 0.075
"""The estimate of loudness falls short by this much (measured over the personas, in nepers)."""


@dataclass(frozen=True)
class VoiceShape:
    """How a person differs from the unshaped network; the default differs in nothing.

    `pitch_scale` multiplies the pitch, `pitch_spread` its deviation (in octaves) from the middle.
    `envelope_stretch` moves the formants along frequency: below 1 a longer vocal tract, above 1 a shorter one;
    `first_formant_stretch` moves the lowest formant on top of that (throat against mouth).
    `tilt_db` is the spectral slope in dB per octave, `bands_db` the colour in dB at `BAND_CENTRES_HZ` (empty: none),
    `breath_db` the level of the breath noise in voiced sounds, `tempo` a multiple of the usual pace.
    """

    pitch_scale: float = 1.0
    pitch_spread: float = 1.0
    envelope_stretch: float = 1.0
    first_formant_stretch: float = 1.0
    tilt_db: float = 0.0
    bands_db: tuple[float, ...] = ()
    breath_db: float = 0.0
    tempo: float = 1.0

    def __post_init__(self) -> None:
        if self.bands_db and len(self.bands_db) != len(BAND_CENTRES_HZ):
            raise ValueError(f"bands_db needs {len(BAND_CENTRES_HZ)} values")

    @property
    def is_neutral(self) -> bool:
        """True where only the tempo may differ from the unshaped network."""
        return self == VoiceShape(tempo=self.tempo)


@dataclass(frozen=True)
class SpeechFrames:
    """The network's output for each 12.5 ms frame.

    Logarithms of magnitude, shape [601, frames]: `harmonics`, `noise`, and `residue` with a phase of its own; `harmonic_phase`
    is the phase of the filter before tanh, `residue_phase` in radians. `pitch` in Hz, shape [frames], is below 40 where unvoiced.
    """

    harmonics: Array
    harmonic_phase: Array
    noise: Array
    residue: Array
    residue_phase: Array
    pitch: Array


def render(frames: SpeechFrames, shape: VoiceShape, rng: np.random.Generator) -> Samples:
    """The samples of `frames` in a voice of this shape: float32 at 24 kHz, peaks below 1."""
    if not shape.is_neutral:
        frames = reshape(frames, shape)
    samples: Samples = dsp.synth(
        frames.harmonics, frames.harmonic_phase, frames.noise, frames.residue, frames.residue_phase, frames.pitch, rng
    )
    return _below_full_scale(samples)


def reshape(frames: SpeechFrames, shape: VoiceShape) -> SpeechFrames:
    """The frames in a voice of this shape, about as loud as before."""
    curves = _curves(shape)
    pitch = _pitch(frames.pitch, shape)
    harmonics, harmonic_phase = _move_harmonics(frames, pitch, curves)
    harmonics += curves.gain[:, None]
    residue = curves.stretch(frames.residue)
    residue += curves.gain[:, None]
    residue[:, frames.pitch > VOICED_HZ] += curves.voiced_residue_gain[:, None]
    level = _log_level(frames.harmonics, frames.residue, frames.pitch) - _log_level(harmonics, residue, pitch)
    level -= _LEVEL_BIAS
    harmonics += level - _COHERENCE
    residue += level
    noise = frames.noise + (curves.gain + level)[:, None]
    # The phase across frequency carries the bursts: it is not changed, and the new magnitude acts as a filter.
    return SpeechFrames(harmonics, harmonic_phase, noise, residue, frames.residue_phase, pitch)


def _move_harmonics(frames: SpeechFrames, pitch: Array, curves: _Curves) -> tuple[Array, Array]:
    """Magnitude and phase of the harmonics for another pitch and another tract: two arrays [601, frames].

    The network's envelope is meaningful at its own harmonics only; between them it is arbitrary. So the magnitude of a new harmonic is
    interpolated between the two old ones around it, its phase is that of the nearer one, and all bins around a new harmonic get its value.
    """
    spacing = np.where(pitch > VOICED_HZ, pitch, NEUTRAL_PITCH_HZ) / BIN_HZ
    old_spacing = np.where(pitch > VOICED_HZ, frames.pitch, NEUTRAL_PITCH_HZ) / BIN_HZ
    number = np.arange(int(NUM_BINS / spacing.min()) + 2, dtype=np.float32)[:, None]
    place = curves.source[np.minimum(number * spacing, NUM_BINS - 1).astype(np.intp)] / old_spacing
    place = np.maximum(place, 1.0)
    lower = np.floor(place)
    fraction = place - lower
    frame = np.arange(len(pitch))

    def bins(old_number: Array) -> npt.NDArray[np.intp]:
        rounded: npt.NDArray[np.intp] = np.minimum(old_number * old_spacing + 0.5, NUM_BINS - 1).astype(np.intp)
        return rounded

    low, high = frames.harmonics[bins(lower), frame], frames.harmonics[bins(lower + 1.0), frame]
    phase = frames.harmonic_phase[bins(np.rint(place)), frame]
    low[0] = high[0] = _SILENCE
    nearest = (np.arange(NUM_BINS, dtype=np.float32)[:, None] / spacing + 0.5).astype(np.intp)
    return np.take_along_axis(low + fraction * (high - low), nearest, 0), np.take_along_axis(phase, nearest, 0)


@dataclass(frozen=True, eq=False)
class _Curves:
    """A shape as vectors over the 601 bins: where each bin reads from, and gains as logarithms of magnitude."""

    source: Array
    below: npt.NDArray[np.intp]
    fraction: Array
    gain: Array
    voiced_residue_gain: Array

    def stretch(self, rows: Array) -> Array:
        """`rows` [601, frames] read at the stretched places, linear between two bins."""
        lower = rows[self.below]
        upper: Array = rows[np.minimum(self.below + 1, NUM_BINS - 1)]
        upper -= lower
        upper *= self.fraction[:, None]
        upper += lower
        return upper


@functools.lru_cache(maxsize=256)
def _curves(shape: VoiceShape) -> _Curves:
    hertz = np.arange(NUM_BINS) * BIN_HZ
    source = stretched_frequency(hertz, shape.envelope_stretch, shape.first_formant_stretch) / BIN_HZ
    below = np.minimum(source.astype(np.intp), NUM_BINS - 1)
    octaves = np.log2(np.clip(hertz, *_TILT_LIMITS_HZ) / _TILT_CENTRE_HZ)
    decibels = shape.tilt_db * octaves
    if shape.bands_db:
        decibels = decibels + np.interp(np.log(np.maximum(hertz, 1.0)), np.log(BAND_CENTRES_HZ), shape.bands_db)
    # The residue of voiced sounds holds traces of the network's own harmonics, out of tune once the pitch is another.
    detuned = min(1.0, abs(np.log2(shape.pitch_scale)) * 4.0)
    residue = _RESIDUE_DB - 12.0 * detuned / (1.0 + (hertz / _RESIDUE_BELOW_HZ) ** 4)
    residue = residue + shape.breath_db / (1.0 + (_BREATH_FROM_HZ / np.maximum(hertz, 1.0)) ** 4)
    return _Curves(
        source.astype(np.float32),
        below,
        (source - below).astype(np.float32),
        _log_magnitude(decibels),
        _log_magnitude(residue),
    )


def stretched_frequency(hertz: npt.NDArray[np.float64], stretch: float, first_formant: float = 1.0) -> npt.NDArray[np.float64]:
    """The frequency in Hz from which each of `hertz` takes its envelope.

    Piecewise linear up to half the sample rate, so that no part of the spectrum is missing or read past its end
    (the warping of L. Lee and R. Rose, "Speaker Normalization Using Efficient Frequency Warping Procedures", ICASSP 1996).
    """
    source = (0.0, _FIRST_FORMANT_HZ, 1500.0, _STRETCH_END_HZ, dsp.SR / 2)
    target = (0.0, _FIRST_FORMANT_HZ * stretch * first_formant, 1500.0 * stretch, _STRETCH_END_HZ * stretch, dsp.SR / 2)
    warped: npt.NDArray[np.float64] = np.interp(hertz, target, source)
    return warped


def _pitch(pitch: Array, shape: VoiceShape) -> Array:
    voiced = pitch > VOICED_HZ
    octaves = np.log2(np.maximum(pitch, VOICED_HZ) / NEUTRAL_PITCH_HZ) * shape.pitch_spread
    moved = np.clip(NEUTRAL_PITCH_HZ * shape.pitch_scale * np.exp2(octaves), *PITCH_LIMITS_HZ)
    shaped: Array = np.where(voiced, moved, pitch).astype(np.float32)
    return shaped


def _log_level(harmonics: Array, residue: Array, pitch: Array) -> float:
    """Half the logarithm of the loudness-weighted power, up to a constant.

    A harmonic of spectral peak A is a cosine of amplitude A / 300 and stands for `pitch` Hz of the envelope; the residue adds up
    like noise. The weight is the high shelf of ITU-R BS.1770's K curve. A third of the frames and half of the bins are enough.
    """
    pitch = pitch[::3]
    weight = _loudness_weight()
    spacing = np.maximum(pitch, VOICED_HZ) / BIN_HZ
    voiced = np.where(pitch > VOICED_HZ, np.exp(-2.0 * _COHERENCE) / (2.0 * dsp.HOP**2) / spacing, 0.0).astype(np.float32)
    # There is no energy below the first harmonic.
    is_audible = np.arange(0.0, NUM_BINS, 2.0, dtype=np.float32)[:, None] > 0.5 * spacing
    power = (weight @ (np.exp(2.0 * harmonics[::2, ::3]) * is_audible)) @ voiced
    power += (weight @ np.exp(2.0 * residue[::2, ::3])).sum() * np.float32(4.0 / 3.0 / dsp.N_FFT**2)
    return 0.5 * float(np.log(power + 1e-12))


@functools.lru_cache(maxsize=1)
def _loudness_weight() -> Array:
    hertz = np.arange(0, NUM_BINS, 2) * BIN_HZ
    shelf: Array = (1.0 + 1.5 / (1.0 + (1500.0 / np.maximum(hertz, 1.0)) ** 2)).astype(np.float32)
    return shelf


def _log_magnitude(decibels: npt.NDArray[np.float64]) -> Array:
    nepers: Array = (decibels * (np.log(10.0) / 20.0)).astype(np.float32)
    return nepers


def _below_full_scale(samples: Samples) -> Samples:
    """Compress peaks beyond `PEAK` smoothly towards 1; samples below are not changed."""
    magnitude = np.abs(samples)
    loud = magnitude > PEAK
    if loud.any():
        headroom = 1.0 - PEAK
        samples[loud] = np.copysign(PEAK + headroom * np.tanh((magnitude[loud] - PEAK) / headroom) * 0.99, samples[loud])
    return samples
