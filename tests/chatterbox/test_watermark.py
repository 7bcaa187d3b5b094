"""The watermark: on whole segments, on streams, on next to nothing, and never silently missing."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from tts_server.engines.chatterbox import watermark
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.stock import PerthImplicitWatermarker
from tts_server.errors import ModelNotAvailable
from tts_server.speech import Samples

RATE = 24000


@pytest.fixture(scope="module")
def watermarker() -> Watermarker:
    return Watermarker()


@pytest.fixture(scope="module")
def voice() -> Samples:
    """Something with the harmonics and the rhythm of a voice."""
    seconds = np.arange(3 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(130 + 13 * np.sin(2 * np.pi * 3 * seconds)) / RATE
    tone = sum(np.sin(phase * number) / number for number in range(1, 25))
    noise = np.random.default_rng(0).standard_normal(len(seconds))
    return (0.15 * tone * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * seconds)) + 0.003 * noise).astype(np.float32)


def decibels(error: Samples, signal: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(error)) / np.mean(np.square(signal))))


def test_marked_audio_is_detected_and_unmarked_audio_is_not(watermarker: Watermarker, voice: Samples) -> None:
    assert watermarker.detect(watermarker.apply(voice)) > 0.99
    assert watermarker.detect(voice) < 0.3


@pytest.mark.parametrize("length", [3 * RATE, 3 * RATE - 101, RATE + 7])
def test_a_whole_segment_is_marked_as_perth_does_it_and_keeps_its_length(watermarker: Watermarker, voice: Samples, length: int) -> None:
    expected = PerthImplicitWatermarker().apply_watermark(voice[:length], sample_rate=RATE)
    marked = watermarker.apply(voice[:length])

    assert marked.dtype == np.float32
    assert len(marked) == length
    np.testing.assert_array_equal(marked[: len(expected)], expected[:length])


@pytest.mark.parametrize("length", [0, 1, 100, 2399, 2400])
def test_very_short_audio_keeps_its_length(watermarker: Watermarker, voice: Samples, length: int) -> None:
    marked = watermarker.apply(voice[:length])

    assert len(marked) == length
    assert np.isfinite(marked).all()
    stream = watermarker.stream()
    assert len(stream.feed(voice[:length])) + len(stream.finish()) == length


@pytest.mark.parametrize("sizes", [(RATE,), (5000, 7001, 12345), (37, 4000)])
def test_a_stream_is_marked_as_the_whole_would_be(watermarker: Watermarker, voice: Samples, sizes: tuple[int, ...]) -> None:
    stream = watermarker.stream()
    chunks = []
    fed = 0
    while fed < len(voice):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream.feed(voice[fed : fed + size]))
        fed += size
    marked = np.concatenate([*chunks, stream.finish()])

    whole = watermarker.apply(voice)
    assert len(marked) == len(voice)
    assert decibels(marked - whole, whole) < -60
    assert watermarker.detect(marked) > 0.99


def test_a_stream_gives_its_first_samples_before_the_end(watermarker: Watermarker, voice: Samples) -> None:
    assert len(watermarker.stream().feed(voice[:8000])) > 4000


def test_a_watermark_that_cannot_be_loaded_is_an_error() -> None:
    with (
        patch.object(watermark, "PerthImplicitWatermarker", side_effect=FileNotFoundError("perth_net.pth.tar")),
        pytest.raises(ModelNotAvailable, match="perth_net.pth.tar"),
    ):
        Watermarker()
