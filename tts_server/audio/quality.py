"""What a reference clip is like, in numbers and in friendly words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tts_server.speech import VoiceReference

_FLOOR_DB = -96.0


@dataclass(frozen=True)
class ClipReport:
    """Measures of a clip. Levels are in dB of full scale, shares within 0..1.

    `speech_share` is the share of 20 ms frames within 25 dB of the loud ones and above the noise, `noise_dbfs` the level of the quietest
    tenth of them, `clipping_share` that of the samples stuck at full scale. `problems` is empty for a clip to be glad of.
    """

    seconds: float
    peak_dbfs: float
    rms_dbfs: float
    speech_share: float
    noise_dbfs: float
    clipping_share: float
    problems: list[str] = field(default_factory=list)


def describe(reference: VoiceReference) -> ClipReport:
    """Measure a clip and name what would make a copy of its voice worse."""
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
        noise_dbfs=max(_FLOOR_DB, noise),
        clipping_share=_stuck_share(np.abs(samples), peak),
    )
    report.problems.extend(_problems(report, loud))
    return report


def _problems(report: ClipReport, loud_dbfs: float) -> list[str]:
    found = []
    if report.seconds < 3:
        found.append(f"Very short ({report.seconds:.1f} s). 5 to 20 seconds of speech work best.")
    elif report.seconds > 40:
        found.append(f"Long ({report.seconds:.0f} s). 5 to 20 seconds of speech are enough.")
    if loud_dbfs < -35:
        found.append(f"Very quiet (speech at {loud_dbfs:.0f} dBFS). Move nearer to the microphone or raise its level.")
    if report.clipping_share > 0.001:
        found.append(f"Overloaded: {report.clipping_share:.1%} of the samples are cut off. Lower the microphone's level.")
    if report.speech_share * report.seconds < 1.0 or report.speech_share < 0.3:
        found.append(f"Little speech ({report.speech_share:.0%} of the time). Cut the silence away.")
    distance = loud_dbfs - report.noise_dbfs
    if distance < 15:
        found.append(f"Noisy: the background is only {distance:.0f} dB below the voice. Music and noise would be copied.")
    return found


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
