"""The report on a clip that becomes a voice: right numbers, and a word of advice on each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.audio.sounds import RATE, voice_like
from tts_server.audio.decode import decode_clip
from tts_server.audio.quality import ClipReport, describe
from tts_server.audio.resample import Resampler
from tts_server.speech import Samples, VoiceReference

CLIPS = sorted((Path(__file__).parents[1] / "clips").glob("*.flac"))
NOISE = np.random.default_rng(9).standard_normal(60 * RATE).astype(np.float32)


def report_on(samples: Samples, noise: float = 0.0003) -> ClipReport:
    return describe(VoiceReference((samples + noise * NOISE[: len(samples)]).astype(np.float32), RATE, "digest"))


def at_rate(samples: Samples, rate: int) -> Samples:
    """As if it had been recorded at `rate`: down and up again."""
    for source, target in ((RATE, rate), (rate, RATE)):
        resampler = Resampler(source, target)
        samples = np.concatenate([resampler.process(samples), resampler.flush()])
    return samples


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_people_who_speak_properly_are_told_so(path):
    report = describe(decode_clip(path.read_bytes()))
    measures = report.measures()
    assert set(measures) == {"seconds", "level_dbfs", "noise_dbfs", "snr_db", "silence_share", "clipping_share", "bandwidth_hz"}
    assert all(measure.advice.endswith(".") for measure in measures.values())
    for name in ("level_dbfs", "snr_db", "silence_share", "clipping_share"):
        assert measures[name].is_good, (name, measures[name])


@pytest.mark.parametrize(("noise", "dbfs"), [(0.0001, -80), (0.001, -60), (0.01, -40)])
def test_the_noise_floor_and_its_distance_to_the_speech_are_measured(noise, dbfs):
    report = report_on(np.concatenate([voice_like(6.0), np.zeros(3 * RATE, np.float32)]), noise)
    measures = report.measures()
    assert measures["noise_dbfs"].value == pytest.approx(dbfs, abs=1)
    assert measures["snr_db"].value == pytest.approx(report.speech_dbfs - dbfs, abs=1)
    assert measures["level_dbfs"].value == pytest.approx(-15, abs=5)


def test_a_recording_in_the_noise_is_told_to_move():
    measures = report_on(voice_like(8.0), 0.1).measures()
    assert not measures["snr_db"].is_good
    assert not measures["noise_dbfs"].is_good
    assert "only" in measures["snr_db"].advice


def test_the_silence_is_measured():
    report = report_on(np.concatenate([voice_like(2.0), np.zeros(8 * RATE, np.float32)]))
    silence = report.measures()["silence_share"]
    assert silence.value == pytest.approx(1 - report.speech_share) == pytest.approx(0.85, abs=0.07)
    assert not silence.is_good
    assert silence.advice in report.problems


def test_samples_cut_off_at_full_scale_are_counted():
    assert report_on(voice_like(5.0)).measures()["clipping_share"].value == 0
    clipping = report_on(np.clip(8 * voice_like(5.0), -1, 1), 0.0).measures()["clipping_share"]
    assert clipping.value > 0.05
    assert not clipping.is_good


@pytest.mark.parametrize("rate", [8000, 11025, 16000])
def test_a_recording_at_a_low_rate_is_heard_to_be_one(rate):
    clear = NOISE[: 5 * RATE] * 0.1
    bandwidth = report_on(at_rate(clear, rate)[: 5 * RATE], 1e-6).measures()["bandwidth_hz"]
    assert bandwidth.value == pytest.approx(rate / 2, rel=0.08)
    assert bandwidth.is_good == (rate >= 11025)
    assert report_on(clear).measures()["bandwidth_hz"].value == RATE / 2


def test_a_clip_to_be_glad_of_has_no_problems_and_one_of_silence_has():
    assert report_on(voice_like(8.0)).problems == []
    empty = describe(VoiceReference(np.zeros(RATE, np.float32), RATE, "digest"))
    assert empty.problems
    assert all(np.isfinite(measure.value) for measure in empty.measures().values())
