from __future__ import annotations

import numpy as np
import pytest
from sounds import RATE, tone, voice_like

from tts_server.audio.quality import ClipReport, describe
from tts_server.speech import Samples, VoiceReference

NOISE = np.random.default_rng(5).standard_normal(8 * RATE).astype(np.float32)


def report_on(samples: Samples) -> ClipReport:
    return describe(VoiceReference(samples.astype(np.float32), RATE, "digest"))


def test_a_good_clip_has_no_problems() -> None:
    report = report_on(voice_like(8.0) + 0.0003 * NOISE)
    assert report.problems == []
    assert report.seconds == 8.0
    assert report.speech_share > 0.6


def test_levels_are_those_of_a_known_tone() -> None:
    report = report_on(tone(250, 4.0, level=0.5))
    assert report.peak_dbfs == pytest.approx(-6.02, abs=0.02)
    assert report.rms_dbfs == pytest.approx(-9.03, abs=0.02)


def test_the_noise_level_is_found_below_the_speech() -> None:
    half_silent = np.concatenate([voice_like(4.0), np.zeros(4 * RATE, np.float32)])
    assert report_on(half_silent + 0.003 * NOISE).noise_dbfs == pytest.approx(-50, abs=2)


def test_the_share_of_speech_is_measured() -> None:
    steady = np.concatenate([tone(250, 2.0), np.zeros(6 * RATE, np.float32)]) + 0.0003 * NOISE
    assert report_on(steady).speech_share == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("samples", "word"),
    [
        (voice_like(1.5), "short"),
        (voice_like(60.0), "Long"),
        (voice_like(8.0) * 0.01, "quiet"),
        (np.clip(voice_like(8.0) * 8, -1, 1), "Overloaded"),
        (np.concatenate([voice_like(1.5), np.zeros(8 * RATE, np.float32)]), "Little speech"),
        (voice_like(8.0) + 0.1 * NOISE, "Noisy"),
    ],
)
def test_each_problem_is_named_in_words(samples: Samples, word: str) -> None:
    assert any(word in problem for problem in report_on(samples).problems)


def test_a_clip_that_was_normalised_to_full_scale_is_not_called_overloaded() -> None:
    speech = voice_like(8.0)
    assert report_on(speech / np.abs(speech).max()).clipping_share == 0.0


@pytest.mark.parametrize("length", [0, 1, 100, 2 * RATE])
def test_silence_and_scraps_are_measured_without_failing(length: int) -> None:
    report = report_on(np.zeros(length, np.float32))
    assert np.isfinite([report.peak_dbfs, report.rms_dbfs, report.noise_dbfs, report.speech_share]).all()
    assert report.problems
