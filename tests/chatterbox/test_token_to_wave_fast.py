"""Fast mode: speech block by block, from states of the prompt that are cached for each voice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from support.speech_tokens import other_voice, some_tokens, speaker_of, spoken, voice_of

from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.s3gen.hift import HiFT
from tts_server.engines.chatterbox.s3gen.noise import source_noise
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.s3gen.wave_stream import run_slices
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights import packed
from tts_server.speech import Samples

KINDS = pytest.mark.parametrize("kind", ["turbo", "english"])


@pytest.fixture(scope="module")
def watermarker() -> Watermarker:
    return Watermarker()


def streamed(stream: Any, tokens: list[int], size: int = 25) -> Samples:
    chunks = [stream.feed(tokens[first : first + size]) for first in range(0, len(tokens), size)]
    return np.concatenate([*chunks, stream.finish()])


def decibels(error: Samples, signal: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(error)) / np.var(signal)))


@pytest.mark.parametrize("sizes", [(200,), (50,), (1, 2, 3), (30, 1, 77), (15, 50)])
def test_the_streamed_vocoder_equals_the_stock_one(stock_tts: Callable[[str], Any], sizes: tuple[int, ...]) -> None:
    stock = stock_tts("turbo").s3gen.mel2wav
    mel = torch.randn(1, 80, 200, generator=torch.Generator().manual_seed(0)) * 2 - 4
    torch.manual_seed(5)
    # Voiced and unvoiced stretches: random weights alone hear no pitch at all.
    pitch = torch.where(torch.arange(200) % 60 < 40, 120.0 + torch.arange(200), 0.0)[None]
    with torch.inference_mode(), patch.object(stock.f0_predictor, "forward", return_value=pitch):
        expected = stock.inference(mel)[0][0].numpy()
    source = source_noise(torch.Generator().manual_seed(5), 9, 200 * 480)
    position = 0

    def noise(count: int) -> torch.Tensor:
        nonlocal position
        position += count
        return source.noise[:, :, position - count : position]

    vocoder = HiFT(stock, torch.float32)
    num_predicted = 0

    class Predictor:
        """Given frequencies, as late as the predicted ones come."""

        def __init__(self, real: Any) -> None:
            self.start = real.start
            self.real = real

        def __call__(self, *arguments: Any) -> torch.Tensor:
            nonlocal num_predicted
            num_predicted += (count := self.real(*arguments).shape[1])
            return pitch[:, num_predicted - count : num_predicted]

    chunks = []
    with torch.inference_mode(), patch.object(vocoder, "f0_predictor", Predictor(vocoder.f0_predictor)):
        stream = vocoder.stream(source.phase, noise)
        first = 0
        while first < 200:
            size = sizes[len(chunks) % len(sizes)]
            chunks.append(stream.push(mel[:, :, first : first + size], is_end=first + size >= 200).numpy())
            first += size
    samples = np.concatenate(chunks)

    assert len(samples) == len(expected) == 200 * 480
    assert decibels(samples - expected, expected) < -90


def test_samples_come_out_of_the_vocoder_within_twenty_frames(stock_tts: Callable[[str], Any]) -> None:
    vocoder = HiFT(stock_tts("turbo").s3gen.mel2wav, torch.float32)
    with torch.inference_mode():
        stream = vocoder.stream(torch.zeros(1, 9, 1), lambda count: torch.zeros(1, 9, count))
        assert len(stream.push(torch.zeros(1, 80, 40))) >= 20 * 480


@KINDS
@pytest.mark.parametrize("count", [1, 23, 60])
def test_a_stream_has_the_length_of_its_tokens_however_it_is_fed(stock_tts: Callable[[str], Any], kind: str, count: int) -> None:
    tts = stock_tts(kind)
    speaker, voice = speaker_of(tts, kind, "fast"), voice_of(tts)
    tokens = some_tokens(count)
    length = max(2, count + (3 if kind == "turbo" else 0)) * 960
    first = streamed(speaker.stream(voice, torch.Generator().manual_seed(1)), tokens, 25)

    assert len(first) == length
    assert np.isfinite(first).all()
    for size in (1, 200):
        again = streamed(speaker.stream(voice, torch.Generator().manual_seed(1)), tokens, size)
        np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("count", [2, 18, 60])
def test_a_stream_of_the_multilingual_model_loses_its_last_40_ms(stock_tts: Callable[[str], Any], count: int) -> None:
    tts = stock_tts("multilingual")
    stream = speaker_of(tts, "multilingual", "fast").stream(voice_of(tts), torch.Generator().manual_seed(1))

    assert len(streamed(stream, some_tokens(count))) == (count - 1) * 960


@KINDS
def test_there_is_no_jump_where_blocks_meet(stock_tts: Callable[[str], Any], kind: str) -> None:
    tts = stock_tts(kind)
    speaker = speaker_of(tts, kind, "fast")
    samples = streamed(speaker.stream(voice_of(tts), torch.Generator().manual_seed(1)), some_tokens(90))

    steps = np.abs(np.diff(samples))
    joins = [(20 + 25 * number) * 960 for number in range(3)]
    at_joins = np.concatenate([steps[join - 240 : join + 240] for join in joins])
    inside = np.concatenate([steps[join - 9600 : join - 4800] for join in joins])
    assert at_joins.max() <= 1.5 * inside.max()


@KINDS
def test_blocks_sound_much_like_the_whole(stock_tts: Callable[[str], Any], kind: str) -> None:
    tts = stock_tts(kind)
    voice = voice_of(tts)
    flow = speaker_of(tts, kind, "fast", prompt_seconds=60.0).flow
    speaker = speaker_of(tts, kind, "fast", prompt_seconds=60.0)
    tokens, noise = torch.tensor(some_tokens(65)), torch.randn(130, 80, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        prompt = speaker.prompt(voice)
        whole = run_slices(flow.stream(prompt, 1000).block(tokens, noise, is_end=True))
        stream = flow.stream(prompt, 1000)
        blocks = [
            run_slices(stream.block(tokens[:18], noise[:30], is_end=False)),
            run_slices(stream.block(tokens[15:], noise[30:], is_end=True)),
        ]
    mel = torch.cat(blocks, 2)

    assert mel.shape == whole.shape == (1, 80, 130)
    assert decibels((mel - whole).float().numpy(), whole.float().numpy()) < -10


def test_the_first_samples_come_before_the_last_tokens(stock_tts: Callable[[str], Any], watermarker: Watermarker) -> None:
    tts = stock_tts("nano")
    speaker = TokenToWave(tts.s3gen, family=family_of("nano"), mode="fast", watermarker=watermarker)
    stream = speaker.stream(voice_of(tts), torch.Generator().manual_seed(1))

    assert len(stream.feed(some_tokens(22))) == 0
    assert len(stream.feed(some_tokens(1))) > 4800


def test_a_stream_is_watermarked_throughout(stock_tts: Callable[[str], Any], watermarker: Watermarker) -> None:
    tts = stock_tts("turbo")
    speaker = TokenToWave(tts.s3gen, family=family_of("turbo"), mode="fast", watermarker=watermarker)
    samples = streamed(speaker.stream(voice_of(tts), torch.Generator().manual_seed(1)), some_tokens(90))
    plain = streamed(speaker_of(tts, "turbo", "fast").stream(voice_of(tts), torch.Generator().manual_seed(1)), some_tokens(90))

    assert len(samples) == len(plain) == 93 * 960
    assert watermarker.detect(samples) > 0.9
    whole = watermarker.apply(plain)
    assert decibels(samples - whole, whole) < -60


def test_a_voice_is_prepared_once_and_dropped_when_memory_is_needed(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")
    speaker = speaker_of(tts, "turbo", "fast", prompt_bytes=1)
    voices = [voice_of(tts), other_voice(voice_of(tts), 30)]
    with patch.object(speaker.flow, "prompt", wraps=speaker.flow.prompt) as prompt:
        for number, expected in ((0, 1), (0, 1), (1, 2), (1, 2), (0, 3)):
            stream = speaker.stream(voices[number], torch.Generator().manual_seed(1))
            streamed(stream, some_tokens(5))
            assert prompt.call_count == expected
        speaker.shrink()
        assert speaker.prompts.num_bytes == 0


def test_streams_of_two_voices_do_not_disturb_each_other(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("english")
    speaker = speaker_of(tts, "english", "fast")
    voices = [voice_of(tts), other_voice(voice_of(tts), 30)]
    tokens = some_tokens(50)
    alone = [streamed(speaker.stream(voice, torch.Generator().manual_seed(4)), tokens) for voice in voices]

    streams = [speaker.stream(voice, torch.Generator().manual_seed(4)) for voice in voices]
    parts: list[list[Samples]] = [[], []]
    for first in range(0, 50, 10):
        for stream, chunks in zip(streams, parts, strict=True):
            chunks.append(stream.feed(tokens[first : first + 10]))
            speaker.shrink()
    for stream, chunks, expected in zip(streams, parts, alone, strict=True):
        np.testing.assert_array_equal(np.concatenate([*chunks, stream.finish()]), expected)
    assert not np.allclose(alone[0], alone[1], atol=1e-3)


def test_a_short_reference_is_used_wholly_and_a_long_one_only_its_end(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")
    voice = other_voice(voice_of(tts), 40)

    short = speaker_of(tts, "turbo", "fast", prompt_seconds=1.0).target(voice)
    assert torch.equal(short.tokens, voice.prompt_token[0, -25:])
    assert torch.equal(short.frames, voice.prompt_feat[0, -50:])
    assert len(speaker_of(tts, "turbo", "fast", prompt_seconds=9.0).target(voice).tokens) == 40


def test_a_whole_segment_in_fast_mode_is_near_the_exact_one(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")
    exact = spoken(speaker_of(tts, "turbo"), some_tokens(40), voice_of(tts))
    fast = spoken(speaker_of(tts, "turbo", "fast"), some_tokens(40), voice_of(tts))

    assert len(fast) == len(exact)
    assert decibels(fast - exact, exact) < -20


@pytest.mark.parametrize("is_packed", [True, False])
def test_layers_compute_the_same_with_and_without_onednn(is_packed: bool) -> None:
    layer = torch.nn.Linear(24, 40)
    conv = torch.nn.Conv1d(8, 16, 3, stride=2, dilation=2)
    x, sound = torch.randn(2, 5, 24), torch.randn(1, 8, 1, 21)
    with torch.inference_mode(), patch.object(packed, "has_onednn", return_value=is_packed and packed.has_onednn()):
        for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.1)):
            linear = packed.Linear.of(layer, dtype=dtype, gelu=True)
            torch.testing.assert_close(linear(x).float(), torch.nn.functional.gelu(layer(x)), atol=tolerance, rtol=tolerance)
            result = packed.Conv(conv, dtype)(sound).float()
            torch.testing.assert_close(result[:, :, 0], conv(sound[:, :, 0]), atol=tolerance, rtol=tolerance)
