from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, in_chunks, tone, voice_like

from tts_server.audio.pcm import SegmentJoiner, silence, soft_limit, to_s16
from tts_server.speech import Samples


def joined(segments: list[tuple[Samples, float]], *, sizes: tuple[int, ...] = (), **options: float | None) -> Samples:
    joiner = SegmentJoiner(RATE, **options)  # type: ignore[arg-type]
    parts = []
    for samples, pause in segments:
        parts += [joiner.process(part) for part in in_chunks(samples, sizes)]
        parts.append(joiner.end_segment(pause))
    return np.concatenate(parts)


def loudest_click(samples: Samples) -> float:
    """The highest energy above 6 kHz in any 2 ms, as an amplitude: low tones have none, a hard cut has much."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE) < 6000] = 0
    high = np.fft.irfft(spectrum, len(samples))
    return float(np.sqrt(np.convolve(high**2, np.ones(48) / 48, "same").max()))


def test_bytes_are_rounded_limited_and_free_of_numbers_that_are_none() -> None:
    samples = np.array([0.6 / 32767, -0.6 / 32767, 2.0, -2.0, np.nan, np.inf, -np.inf], dtype=np.float32)
    assert np.frombuffer(to_s16(samples), "<i2").tolist() == [1, -1, 32767, -32768, 0, 0, 0]


def test_silence_is_exact() -> None:
    assert len(silence(0.5, 44100)) == 22050
    assert not silence(0.5, 44100).any()
    assert len(silence(-1, 44100)) == 0


def test_a_hard_cut_clicks_and_a_joint_does_not() -> None:
    first, second = tone(220, 0.50123), np.roll(tone(220, 0.5), 27)
    hard_cut = loudest_click(np.concatenate([first, second]))
    cut_to_silence = loudest_click(np.concatenate([first[:-20], silence(0.2, RATE), second]))
    seamless = loudest_click(joined([(first, 0.0), (second, 0.2), (first, 0.1)]))
    assert min(hard_cut, cut_to_silence) > 0.01
    assert seamless < 0.001


def test_a_constant_offset_makes_no_click() -> None:
    offset = tone(220, 0.3) + np.float32(0.2)
    assert loudest_click(np.concatenate([silence(0.1, RATE), offset])) > 0.01
    assert loudest_click(joined([(offset, 0.2), (offset, 0.2)])) < 0.001


def test_pauses_are_exact() -> None:
    speech = voice_like(0.5)
    stream = joined([(speech, 0.25), (speech, 0.0)], edge_silence=None)
    assert len(stream) == 2 * len(speech) + round(0.25 * RATE)
    assert not stream[len(speech) : len(speech) + 6000].any()


def test_the_middle_of_a_segment_is_untouched() -> None:
    speech = tone(300, 0.5)
    stream = joined([(speech, 0.0)], edge_silence=None)
    assert np.array_equal(stream[120:-120], speech[120:-120])


def test_silence_at_the_edges_is_cut_and_silence_inside_is_kept() -> None:
    inside = np.concatenate([tone(300, 0.3), silence(0.7, RATE), tone(300, 0.3)])
    padded = np.concatenate([silence(0.4, RATE), inside, silence(0.5, RATE)])
    stream = joined([(padded, 0.0)], edge_silence=0.06)
    assert len(stream) / RATE == pytest.approx(1.3 + 2 * 0.06, abs=0.002)


def test_a_quiet_fricative_at_the_edges_survives() -> None:
    """Noise at -52 dBFS, as quiet as an f can be, is longer than what the cut leaves of silence."""
    fricative = (10 ** (-52 / 20) * np.random.default_rng(3).standard_normal(round(0.15 * RATE))).astype(np.float32)
    word = np.concatenate([silence(0.3, RATE), fricative, tone(300, 0.3), fricative, silence(0.3, RATE)])
    stream = joined([(word, 0.0)], edge_silence=0.06)
    assert len(stream) / RATE == pytest.approx(0.6 + 2 * 0.06, abs=0.01)


def test_a_segment_of_silence_leaves_its_pause_alone() -> None:
    stream = joined([(silence(0.5, RATE), 0.25)])
    assert len(stream) == 6000


def test_very_long_silence_inside_is_given_out_before_the_segment_ends() -> None:
    joiner = SegmentJoiner(RATE, max_wait=0.5)
    joiner.process(tone(300, 0.3))
    assert len(joiner.process(silence(2.0, RATE))) / RATE == pytest.approx(1.5, abs=0.01)


def test_audio_comes_out_while_the_segment_goes_on() -> None:
    joiner = SegmentJoiner(RATE)
    assert len(joiner.process(tone(300, 0.1))) > 0.09 * RATE


@pytest.mark.parametrize("length", [0, 1, 5, 95, 96, 97, 150])
def test_segments_shorter_than_a_fade_are_whole_and_start_and_end_at_zero(length: int) -> None:
    stream = joined([(np.ones(length, dtype=np.float32) * 0.5, 0.0)], edge_silence=None)
    assert len(stream) == length
    if length:
        assert stream[0] == 0.0
        assert stream[-1] == 0.0


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 9000), max_size=12),
    quiet=st.tuples(*[st.integers(0, 50000)] * 3),
    edge=st.sampled_from([None, 0.0, 0.06]),
)
def test_the_joined_stream_does_not_depend_on_the_chunks(sizes: list[int], quiet: tuple[int, int, int], edge: float | None) -> None:
    def gap(length: int) -> Samples:
        return np.full(length, 0.0005, dtype=np.float32)

    word = np.concatenate([gap(quiet[0]), tone(300, 0.05), gap(quiet[1]), tone(500, 0.05), gap(quiet[2])])
    segments = [(word, 0.1), (tone(200, 0.1), 0.0)]
    assert np.array_equal(joined(segments, sizes=tuple(sizes), edge_silence=edge), joined(segments, edge_silence=edge))


def test_the_limiter_leaves_normal_levels_alone() -> None:
    samples = tone(300, 0.2, level=0.9)
    assert np.array_equal(soft_limit(samples), samples)


def test_the_limiter_never_clips_and_keeps_order() -> None:
    ramp = np.linspace(-3, 3, 60001, dtype=np.float32)
    limited = soft_limit(ramp)
    assert limited.dtype == np.float32
    assert np.abs(limited).max() <= 1.0
    assert (np.diff(limited) >= 0).all()
    assert np.abs(np.diff(limited)).max() < 2 * np.diff(ramp).max()
    assert np.abs(limited[np.abs(ramp) < 1.2]).max() < 0.9999


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 900), max_size=8))
def test_the_limiter_does_not_depend_on_the_chunks(sizes: list[int]) -> None:
    loud = tone(300, 0.1, level=1.4)
    assert np.array_equal(np.concatenate([soft_limit(part) for part in in_chunks(loud, sizes)]), soft_limit(loud))
