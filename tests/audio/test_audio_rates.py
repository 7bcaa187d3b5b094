"""Sample rate and tempo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, dominant_frequency, in_chunks, run_stream, tone, voice_like

from tts_server.audio.resample import Resampler
from tts_server.audio.tempo import TempoChanger
from tts_server.speech import Samples


def resampled(samples: Samples, target: int, sizes: tuple[int, ...] = (), source: int = RATE) -> Samples:
    resampler = Resampler(source, target)
    return run_stream(resampler.process, resampler.flush, in_chunks(samples, sizes))


def retimed(samples: Samples, factor: float, sizes: tuple[int, ...] = ()) -> Samples:
    changer = TempoChanger(RATE, factor)
    return run_stream(changer.process, changer.flush, in_chunks(samples, sizes))


@pytest.mark.parametrize("target", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
def test_resampling_keeps_length_pitch_and_level(target: int) -> None:
    converted = resampled(tone(1000, 1.001), target)
    assert converted.dtype == np.float32
    assert abs(len(converted) - 1.001 * target) <= 1
    middle = converted[target // 4 : target // 4 * 3]
    assert dominant_frequency(middle, target) == pytest.approx(1000, abs=3)
    assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.002)


def test_resampling_down_lets_no_alias_through() -> None:
    converted = resampled(tone(6000, 1.0), 8000)
    assert np.abs(converted[800:-800]).max() < 0.3 * 10 ** (-80 / 20)


def test_resampling_up_makes_no_image() -> None:
    converted = resampled(tone(8000, 1.0), 48000)[4800:-4800]
    spectrum = np.abs(np.fft.rfft(converted * np.blackman(len(converted))))
    frequency = np.fft.rfftfreq(len(converted), 1 / 48000)
    assert spectrum[frequency > 12000].max() < spectrum.max() * 10 ** (-80 / 20)


def test_equal_rates_pass_through() -> None:
    speech = voice_like(0.3)
    assert np.array_equal(resampled(speech, RATE, (100, 0, 50)), speech)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 5000), max_size=8), target=st.sampled_from([8000, 11025, 44100, 48000, 9999]))
def test_resampling_does_not_depend_on_the_chunks(sizes: list[int], target: int) -> None:
    speech = voice_like(0.7)
    assert np.array_equal(resampled(speech, target, tuple(sizes)), resampled(speech, target))


def test_resampling_nothing_gives_nothing() -> None:
    assert len(resampled(np.zeros(0, np.float32), 48000)) == 0


@pytest.mark.parametrize("factor", [0.25, 0.4, 0.5, 0.8, 1.0, 1.25, 1.7, 2.0, 3.0, 4.0])
def test_tempo_changes_the_length_and_not_the_pitch(factor: float) -> None:
    changed = retimed(tone(220, 4.0), factor)
    assert changed.dtype == np.float32
    assert abs(len(changed) / RATE - 4.0 / factor) < max(0.02, 0.01 * 4.0 / factor)
    middle = changed[len(changed) // 4 : len(changed) // 4 * 3]
    assert dominant_frequency(middle, RATE) == pytest.approx(220, abs=2.5)
    assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("factor", [0.25, 0.7, 1.3, 4.0])
def test_short_clips_keep_their_length_too(seconds: float, factor: float) -> None:
    changed = retimed(voice_like(seconds), factor)
    assert abs(len(changed) / RATE - seconds / factor) < 0.025


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 5000), max_size=8), factor=st.sampled_from([0.3, 0.75, 1.0, 1.5, 3.5]))
def test_tempo_does_not_depend_on_the_chunks(sizes: list[int], factor: float) -> None:
    speech = voice_like(0.6)
    assert np.array_equal(retimed(speech, factor, tuple(sizes)), retimed(speech, factor))


@pytest.mark.parametrize("factor", [0.5, 1.5, 2.0])
def test_tempo_gives_out_audio_within_a_quarter_of_a_second(factor: float) -> None:
    changer = TempoChanger(RATE, factor)
    assert len(changer.process(voice_like(0.25))) > 0


def test_the_rhythm_of_syllables_follows_the_tempo() -> None:
    """Four syllables a second become eight at double speed."""
    envelope = np.abs(retimed(voice_like(4.0), 2.0)).reshape(-1)[: 2 * RATE - 2400]
    slow = envelope[: len(envelope) // 240 * 240].reshape(-1, 240).max(axis=1)
    assert dominant_frequency(slow - slow.mean(), 100) == pytest.approx(8, abs=0.7)


@pytest.mark.parametrize("factor", [0.1, 4.5, float("nan")])
def test_a_tempo_out_of_range_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="tempo"):
        TempoChanger(RATE, factor)
