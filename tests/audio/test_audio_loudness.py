"""Segments of one text have about one loudness, however their audio is cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tts_server.audio.loudness import LoudnessMatcher
from tts_server.speech import Samples

RATE = 24000


def speech(seconds: float, level_db: float, seed: int = 0) -> Samples:
    """Noise in syllables of 0.2 s with gaps of 0.1 s; `level_db` is the level of the syllables, in dB of full scale."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    syllables = (np.arange(len(samples)) / RATE % 0.3) < 0.2
    return (samples * syllables * 10 ** (level_db / 20)).astype(np.float32)


def loud_level(samples: Samples) -> float:
    """The level of what is not silent, in dB of full scale."""
    return float(10 * np.log10(np.square(samples[np.abs(samples) > 1e-4], dtype=np.float64).mean()))


def match(segments: Sequence[Samples], size: int = RATE) -> list[Samples]:
    matcher = LoudnessMatcher(RATE)
    matched = []
    for samples in segments:
        segment = matcher.segment()
        pieces = [segment.process(samples[start : start + size]) for start in range(0, len(samples), size)]
        matched.append(np.concatenate([*pieces, segment.flush()]))
    return matched


@pytest.mark.parametrize("level", [-32, -28, -25, -22, -20.5, -18, -14, -11])
def test_a_later_segment_is_brought_within_three_decibels_of_the_first(level: float) -> None:
    first, second = match([speech(6, -20), speech(6, level, seed=1)])
    assert np.array_equal(first, speech(6, -20))
    assert abs(loud_level(second) - loud_level(first)) < 3
    assert len(second) == 6 * RATE


def test_a_small_difference_is_left() -> None:
    samples = speech(4, -21, seed=1)
    assert np.array_equal(match([speech(4, -20), samples])[1], samples)


def test_the_gain_is_one_for_the_whole_segment() -> None:
    samples = np.concatenate((speech(4, -26, seed=1), speech(4, -18, seed=2)))
    matched = match([speech(4, -18), samples])[1]
    loud = np.abs(samples) > 1e-3
    quiet_enough = loud & (np.abs(matched) < 0.9)
    gains = matched[quiet_enough] / samples[quiet_enough]
    assert gains.min() > 1.5 and np.ptp(gains) < 1e-4


@pytest.mark.parametrize("size", [1, 7, 479, 480, 481, 24_000, 10**6])
def test_the_result_does_not_depend_on_how_the_audio_is_cut(size: int) -> None:
    segments = [speech(1, -18), speech(4, -26, seed=1), speech(0.9, -11, seed=2)]
    segments = [samples[: 12_000 if size == 1 else None] for samples in segments]
    for one, other in zip(match(segments), match(segments, size), strict=True):
        assert np.array_equal(one, other)


def test_nothing_clips_and_silence_and_single_words_stay_as_they_are() -> None:
    loud = speech(5, -16, seed=3)
    silent, word = np.zeros(RATE, np.float32), speech(0.3, -35, seed=4)
    matched = match([speech(5, -6), loud, silent, word, np.zeros(0, np.float32)])
    assert np.abs(matched[1]).max() <= 1.0
    assert np.array_equal(matched[2], silent) and np.array_equal(matched[3], word) and not len(matched[4])


def test_where_the_first_segment_is_too_short_the_next_one_is_the_measure() -> None:
    word, second, third = match([speech(0.2, -10), speech(4, -25, seed=1), speech(4, -17, seed=2)])
    assert np.array_equal(second, speech(4, -25, seed=1))
    assert abs(loud_level(third) - loud_level(second)) < 3


def test_a_later_segment_is_given_out_after_the_window() -> None:
    matcher = LoudnessMatcher(RATE)
    for samples in (speech(5, -20), speech(20, -26, seed=1)):
        segment = matcher.segment()
        given = [len(segment.process(samples[start : start + RATE])) for start in range(0, len(samples), RATE)]
        segment.flush()
    assert given[0] == 0 and sum(given) == 20 * RATE and given[-1] == RATE
