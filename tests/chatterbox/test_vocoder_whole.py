"""The vocoder over whole segments, several in one pass, as it runs on a GPU: equal to the block-wise one and to each segment alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support.speech_tokens import other_voice, some_tokens, speaker_of, voice_of
from torch import Tensor

from tts_server.engines.chatterbox.s3gen.hift import HiFT
from tts_server.engines.chatterbox.s3gen.layout import Layout, group_segments
from tts_server.engines.chatterbox.s3gen.noise import SourceNoise, source_noise
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave, WaveRequest
from tts_server.speech import Samples


class VoicedPredictor:
    """Frequencies with voiced and unvoiced stretches, of which a network with random weights predicts none."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.start = real.start
        self.padding = real.padding

    def __call__(self, *arguments: Any) -> Tensor:
        predicted: Tensor = self.real(*arguments)
        rounded = (predicted * 1e4).round()
        return torch.where(rounded % 5 < 3, 90 + rounded % 200, 0.0)


def vocoder_of(tts: Any, dtype: torch.dtype = torch.float32) -> HiFT:
    vocoder = HiFT(tts.s3gen.mel2wav, dtype)
    vocoder.f0_predictor = VoicedPredictor(vocoder.f0_predictor)  # type: ignore[assignment]
    return vocoder


def mel_of(num_frames: int) -> Tensor:
    return torch.randn(1, 80, num_frames, generator=torch.Generator().manual_seed(num_frames)) * 2 - 4


def noise_of(num_frames: int) -> SourceNoise:
    return source_noise(torch.Generator().manual_seed(num_frames), 9, num_frames * 480)


def block_wise(vocoder: HiFT, num_frames: int, size: int = 50) -> Tensor:
    noise = noise_of(num_frames)
    position = 0

    def draw(count: int) -> Tensor:
        nonlocal position
        position += count
        return noise.noise[:, :, position - count : position]

    stream = vocoder.stream(noise.phase, draw)
    mel = mel_of(num_frames)
    return torch.cat([stream.push(mel[:, :, at : at + size], is_end=at + size >= num_frames) for at in range(0, num_frames, size)])


@pytest.mark.parametrize("lengths", [(4,), (130,), (37, 37), (90, 4, 131, 1, 57), (2, 3, 5, 8, 13, 21, 34, 55)])
def test_segments_of_any_lengths_get_in_one_pass_what_blocks_give_each_alone(
    stock_tts: Callable[[str], Any], lengths: tuple[int, ...]
) -> None:
    vocoder = vocoder_of(stock_tts("turbo"))
    with torch.inference_mode():
        results = vocoder.generate([mel_of(length) for length in lengths], [noise_of(length) for length in lengths])
        for length, result in zip(lengths, results, strict=True):
            assert result.shape == (length * 480,)
            torch.testing.assert_close(result, block_wise(vocoder, length), atol=1e-6, rtol=0)


def test_half_precision_batches_are_near_each_segment_alone(stock_tts: Callable[[str], Any]) -> None:
    vocoder = vocoder_of(stock_tts("turbo"), torch.bfloat16)
    lengths = (40, 4, 61)
    with torch.inference_mode():
        results = vocoder.generate([mel_of(length) for length in lengths], [noise_of(length) for length in lengths])
        for length, result in zip(lengths, results, strict=True):
            (alone,) = vocoder.generate([mel_of(length)], [noise_of(length)])
            torch.testing.assert_close(result, alone, atol=4e-3, rtol=0)


@pytest.mark.parametrize("vocoder_bytes", [1, 12_000_000, 2**31])
def test_a_batch_equals_its_segments_in_blocks_whatever_memory_there_is(
    stock_tts: Callable[[str], Any], kind: str, vocoder_bytes: int
) -> None:
    tts = stock_tts(kind)
    voices = [voice_of(tts), other_voice(voice_of(tts), 31), voice_of(tts)]
    counts = (11, 3, 27)

    def spoken(token_to_wave: TokenToWave, indices: list[int]) -> list[Samples]:
        requests = [WaveRequest(some_tokens(counts[i], i), voices[i], torch.Generator().manual_seed(i)) for i in indices]
        results = list(token_to_wave.batch(requests))[-1]
        assert results is not None
        return results

    together = spoken(speaker_of(tts, kind, block_frames=None, vocoder_bytes=vocoder_bytes), [0, 1, 2])

    blocks = speaker_of(tts, kind)
    for index, samples in enumerate(together):
        np.testing.assert_allclose(samples, spoken(blocks, [index])[0], atol=1e-5)


def test_segments_are_grouped_within_the_memory_and_those_of_similar_length_together() -> None:
    assert group_segments([5, 100, 7, 90], 200) == [[1, 3, 2], [0]]
    assert group_segments([5, 100, 7, 90], 1) == [[1], [3], [2], [0]]
    assert group_segments([5, 100, 7, 90], 10**9) == [[1, 3, 2, 0]]
    assert group_segments([], 10) == []


def test_a_layout_joins_and_splits_segments_and_clears_only_what_lies_between() -> None:
    layout = Layout([3, 1, 2], 2, torch.device("cpu"))
    joined = layout.join([torch.full((1, length), float(length)) for length in (3, 1, 2)])
    assert joined.tolist() == [[3, 3, 3, 0, 0, 1, 0, 0, 2, 2]]

    doubled = layout.clear_gaps(torch.ones(1, 20))
    assert [part.tolist() for part in layout.split(doubled[0], 2)] == [[1] * 6, [1] * 2, [1] * 4]
    assert doubled.sum() == 12
    assert layout.clear_gaps(torch.ones(1, 21)).sum() == 12 + 3
