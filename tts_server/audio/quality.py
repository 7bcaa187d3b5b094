"""Measures the quality of a reference clip, with advice for users."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tts_server.speech import VoiceReference

_FLOOR_DB = -96.0
_BAND_HZ = 250.0
_EMPTY_DB = -75.0
"""A band this far below the strongest one is empty; the noise of any room and microphone is louder."""


@dataclass(frozen=True)
class Measure:
    """One measurement of a clip, whether it is good enough to clone the voice, and advice."""

    value: float
    unit: str
    is_good: bool
    advice: str


@dataclass(frozen=True)
class ClipReport:
    """Measurements of a clip. Levels are in dB of full scale, shares within 0..1.

    `speech_share` is the share of 20 ms frames within 25 dB of the loud ones and above the noise, `speech_dbfs` the level of the loud ones,
    `noise_dbfs` that of the quietest tenth, `clipping_share` the share of the samples at full scale, `bandwidth_hz` the highest frequency
    with any energy. `problems` is empty for a good clip.
    """

    seconds: float
    peak_dbfs: float
    rms_dbfs: float
    speech_share: float
    speech_dbfs: float
    noise_dbfs: float
    clipping_share: float
    bandwidth_hz: float
    problems: list[str] = field(default_factory=list)

    @property
    def snr_db(self) -> float:
        return self.speech_dbfs - self.noise_dbfs

    def measures(self) -> dict[str, Measure]:
        """Each measurement with advice."""
        return {
            "seconds": self._length(),
            "level_dbfs": self._level(),
            "noise_dbfs": self._noise(),
            "snr_db": self._distance(),
            "silence_share": self._silence(),
            "clipping_share": self._clipping(),
            "bandwidth_hz": self._bandwidth(),
        }

    def _length(self) -> Measure:
        if self.seconds < 3:
            return Measure(self.seconds, "s", False, f"Very short ({self.seconds:.1f} s). 5 to 20 seconds of speech work best.")
        if self.seconds > 40:
            return Measure(self.seconds, "s", False, f"Long ({self.seconds:.0f} s). 5 to 20 seconds of speech are enough.")
        return Measure(self.seconds, "s", True, f"Long enough ({self.seconds:.1f} s).")

    def _level(self) -> Measure:
        is_good = self.speech_dbfs >= -35
        level = f"speech at {self.speech_dbfs:.0f} dBFS"
        advice = f"Loud enough ({level})." if is_good else f"Very quiet ({level}). Move nearer to the microphone or raise its level."
        return Measure(self.speech_dbfs, "dBFS", is_good, advice)

    def _noise(self) -> Measure:
        is_good = self.noise_dbfs < -40 or self.snr_db >= 25
        level = f"the pauses are at {self.noise_dbfs:.0f} dBFS"
        advice = f"A quiet room ({level})." if is_good else f"The background is audible ({level}). Record in a quieter place."
        return Measure(self.noise_dbfs, "dBFS", is_good, advice)

    def _distance(self) -> Measure:
        is_good = self.snr_db >= 15
        advice = f"The voice stands {self.snr_db:.0f} dB above the background."
        if not is_good:
            advice = f"Noisy: the background is only {self.snr_db:.0f} dB below the voice. Music and noise would be copied."
        return Measure(self.snr_db, "dB", is_good, advice)

    def _silence(self) -> Measure:
        is_good = self.speech_share * self.seconds >= 1.0 and self.speech_share >= 0.3
        advice = f"Speech for {self.speech_share:.0%} of the time."
        if not is_good:
            advice = f"Little speech ({self.speech_share:.0%} of the time). Remove the silence."
        return Measure(1.0 - self.speech_share, "share", is_good, advice)

    def _clipping(self) -> Measure:
        is_good = self.clipping_share <= 0.001
        advice = "Not overloaded."
        if not is_good:
            advice = f"Overloaded: {self.clipping_share:.1%} of the samples are cut off. Lower the microphone's level."
        return Measure(self.clipping_share, "share", is_good, advice)

    def _bandwidth(self) -> Measure:
        is_good = self.bandwidth_hz >= 5000
        advice = f"Clear: there is sound up to {self.bandwidth_hz / 1000:.1f} kHz."
        if not is_good:
            advice = f"Dull as a telephone: no sound above {self.bandwidth_hz / 1000:.1f} kHz. Record at 16,000 samples a second or more."
        return Measure(self.bandwidth_hz, "Hz", is_good, advice)


def describe(reference: VoiceReference) -> ClipReport:
    """Measure a clip and list the problems that would make a clone of its voice worse."""
    samples = reference.samples.astype(np.float64)
    peak = float(np.abs(samples).max(initial=0.0))
    frame = max(1, round(0.02 * reference.sample_rate))
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame)
    levels = 10 * np.log10(np.maximum((whole**2).mean(axis=1), 1e-12)) if len(whole) else np.array([_FLOOR_DB])
    loud, noise = (float(value) for value in np.percentile(levels, [95, 10]))
    speech = levels > max(loud - 25.0, min(noise + 6.0, loud - 6.0))
    report = ClipReport(
        seconds=reference.seconds,
        peak_dbfs=_dbfs(peak),
        rms_dbfs=_dbfs(float(np.sqrt((samples**2).mean())) if len(samples) else 0.0),
        speech_share=float(speech.mean()),
        speech_dbfs=max(_FLOOR_DB, loud),
        noise_dbfs=max(_FLOOR_DB, noise),
        clipping_share=_stuck_share(np.abs(samples), peak),
        bandwidth_hz=_bandwidth(samples, reference.sample_rate),
    )
    # The level of the pauses is no problem by itself: its distance to the speech decides, which is measured too.
    report.problems.extend(m.advice for name, m in report.measures().items() if not m.is_good and name != "noise_dbfs")
    return report


def _bandwidth(samples: npt.NDArray[np.float64], sample_rate: int) -> float:
    """Upper end in Hz of the highest band that is not empty; a recording of a low sample rate is empty above half of it."""
    size = 2048
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if not len(frames) or not samples.any():
        return 0.0
    power = (np.abs(np.fft.rfft(frames * np.blackman(size), axis=1)) ** 2).mean(axis=0)
    bands = (np.fft.rfftfreq(size, 1 / sample_rate) // _BAND_HZ).astype(int)
    strength = np.bincount(bands, power) / np.bincount(bands)
    highest = int(np.flatnonzero(strength > strength.max() * 10 ** (_EMPTY_DB / 10))[-1])
    return min((highest + 1) * _BAND_HZ, sample_rate / 2)


def _dbfs(amplitude: float) -> float:
    return max(_FLOOR_DB, 20 * float(np.log10(max(amplitude, 1e-9))))


def _stuck_share(magnitude: npt.NDArray[np.float64], peak: float) -> float:
    """The share of samples at the clip's peak, where two or more follow each other there and the peak is near full scale."""
    if peak < 0.9:
        return 0.0
    at_peak = magnitude >= peak * 0.999
    neighbour = np.zeros(len(at_peak), dtype=bool)
    neighbour[1:] |= at_peak[:-1]
    neighbour[:-1] |= at_peak[1:]
    return float((at_peak & neighbour).mean())
