"""Speech tokens to samples in exact mode: equal to stock Chatterbox, alone, in a batch, and after work that was abandoned."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from support.speech_tokens import NoMark, other_voice, some_tokens, speaker_of, spoken, voice_of

from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave, WaveRequest
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.speech import Samples

SEED = 7


def stock_samples(tts: Any, kind: str, tokens: list[int]) -> tuple[Samples, float]:
    """What stock `generate` makes of T3's tokens before the watermark, and the number that the global generator gives next.

    The multilingual model's last 40 ms are cut, as upstream does since the release that is installed here.
    """
    method = "inference_turbo" if family_of(kind).is_gpt2 else "inference"
    language = {"language_id": "en"} if kind == "multilingual" else {}
    with (
        patch.object(tts.t3, method, return_value=torch.tensor([tokens])),
        patch.object(tts.watermarker, "apply_watermark", side_effect=lambda wav, sample_rate: wav),
    ):
        torch.manual_seed(SEED)
        samples = tts.generate("Hello there.", **language)[0].numpy()
    return samples[:-960] if kind == "multilingual" else samples, float(torch.rand(1))


@pytest.mark.parametrize("count", [2, 40])
def test_a_segment_equals_what_stock_makes_of_the_same_tokens(stock_tts: Callable[[str], Any], kind: str, count: int) -> None:
    tts = stock_tts(kind)
    tokens = some_tokens(count)
    expected, following = stock_samples(tts, kind, tokens)
    generator = torch.Generator().manual_seed(SEED)

    samples = list(speaker_of(tts, kind).segment(tokens, voice_of(tts), generator))[-1]

    assert samples is not None
    assert samples.dtype == np.float32
    assert len(samples) == len(expected)
    np.testing.assert_allclose(samples, expected, atol=1e-5)
    assert float(torch.rand(1, generator=generator)) == following


@pytest.mark.parametrize("kind", ["turbo", "english"])
def test_tokens_that_are_no_sound_are_left_out_as_stock_does(stock_tts: Callable[[str], Any], kind: str) -> None:
    tts = stock_tts(kind)
    tokens = some_tokens(20) + ([6561, 17] if kind == "turbo" else []) + [6562]
    expected, _ = stock_samples(tts, kind, tokens)

    np.testing.assert_allclose(spoken(speaker_of(tts, kind), tokens, voice_of(tts)), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["turbo", "english"])
@pytest.mark.parametrize("num_frames", [39, 41, 44])
def test_a_prompt_with_more_or_fewer_than_two_frames_a_token_is_taken_as_stock_does(
    stock_tts: Callable[[str], Any], kind: str, num_frames: int
) -> None:
    tts = stock_tts(kind)
    voice = other_voice(voice_of(tts), 20)
    voice = replace(voice, prompt_feat=torch.cat((voice.prompt_feat, voice.prompt_feat), 1)[:, :num_frames])
    prompt = {
        "prompt_token": voice.prompt_token,
        "prompt_token_len": torch.tensor([20]),
        "prompt_feat": voice.prompt_feat,
        "prompt_feat_len": None,
        "embedding": voice.embedding,
    }
    with patch.object(tts.conds, "gen", prompt):
        expected, _ = stock_samples(tts, kind, some_tokens(15))

    np.testing.assert_allclose(spoken(speaker_of(tts, kind), some_tokens(15), voice), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["turbo", "english"])
def test_lines_of_different_length_in_one_batch_sound_as_they_do_alone(stock_tts: Callable[[str], Any], kind: str) -> None:
    tts = stock_tts(kind)
    speaker = speaker_of(tts, kind)
    voices = [voice_of(tts), other_voice(voice_of(tts), 31), other_voice(voice_of(tts), 12)]
    tokens = [some_tokens(23, 1), some_tokens(5, 2), some_tokens(37, 3)]
    alone = [spoken(speaker, tokens[index], voices[index], seed=index) for index in range(3)]

    lines = [WaveRequest(tokens[index], voices[index], torch.Generator().manual_seed(index)) for index in range(3)]
    together = list(speaker.batch(lines))[-1]

    assert together is not None
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_work_that_was_abandoned_leaves_no_trace(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")
    speaker, voice = speaker_of(tts, "turbo"), voice_of(tts)
    expected = spoken(speaker, some_tokens(30), voice)
    slices = len(list(speaker.segment(some_tokens(30), voice, torch.Generator().manual_seed(1))))

    for stop in range(1, slices):
        work = speaker.segment(some_tokens(30), voice, torch.Generator().manual_seed(1))
        for _ in range(stop):
            assert next(work) is None
        work.close()  # type: ignore[attr-defined]

    np.testing.assert_array_equal(spoken(speaker, some_tokens(30), voice), expected)


def test_two_segments_can_be_worked_on_in_turn(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("english")
    speaker = speaker_of(tts, "english")
    voices = [voice_of(tts), other_voice(voice_of(tts), 17)]
    expected = [spoken(speaker, some_tokens(9), voice) for voice in voices]

    works = [speaker.segment(some_tokens(9), voice, torch.Generator().manual_seed(SEED)) for voice in voices]
    for pair in zip(*works, strict=True):
        last = pair

    for samples, wanted in zip(last, expected, strict=True):
        np.testing.assert_array_equal(samples, wanted)


def test_the_global_generator_and_grad_mode_are_left_alone(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)

    for _ in speaker_of(tts, "turbo").segment(some_tokens(5), voice_of(tts), torch.Generator().manual_seed(1)):
        assert not torch.is_inference_mode_enabled()

    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_the_voice_is_the_same_afterwards(stock_tts: Callable[[str], Any], mode: str) -> None:
    tts = stock_tts("turbo")
    voice = voice_of(tts)
    names = ("speaker_emb", "speech_tokens", "prompt_token", "prompt_feat", "embedding")
    before = {name: getattr(voice, name).clone() for name in names}

    spoken(speaker_of(tts, "turbo", mode), some_tokens(10), voice)

    for name in names:
        now = getattr(voice, name)
        assert now.dtype == before[name].dtype
        assert torch.equal(now, before[name])


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("kind", ["turbo", "english"])
@pytest.mark.parametrize("tokens", [[], [6562], [11], [6561, 6562, 11]])
def test_too_few_tokens_are_silence_and_no_crash(stock_tts: Callable[[str], Any], kind: str, tokens: list[int], mode: str) -> None:
    tts = stock_tts(kind)

    samples = spoken(speaker_of(tts, kind, mode), tokens, voice_of(tts))

    assert len(samples) >= 1920
    assert np.isfinite(samples).all()


def test_recorded_speech_gets_no_silence_of_its_own(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")

    assert len(spoken(speaker_of(tts, "turbo"), some_tokens(10), voice_of(tts), is_text=False)) == 10 * 960
    assert len(spoken(speaker_of(tts, "turbo"), some_tokens(10), voice_of(tts))) == 13 * 960


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_only_the_multilingual_models_text_loses_its_last_40_ms(stock_tts: Callable[[str], Any], mode: str) -> None:
    voices = {kind: voice_of(stock_tts(kind)) for kind in ("multilingual", "english")}
    speakers = {kind: speaker_of(stock_tts(kind), kind, mode) for kind in voices}

    text = spoken(speakers["multilingual"], some_tokens(10), voices["multilingual"])
    recording = spoken(speakers["multilingual"], some_tokens(10), voices["multilingual"], is_text=False)
    assert len(text) == 10 * 960 - 960
    np.testing.assert_array_equal(text, recording[:-960])
    assert len(recording) == len(spoken(speakers["english"], some_tokens(10), voices["english"])) == 10 * 960


@pytest.mark.parametrize("kind", ["turbo", "english"])
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_speaker_can_take_the_weights_for_itself(stock_tts: Callable[[str], Any], kind: str, mode: str) -> None:
    tts = stock_tts(kind)
    expected = spoken(speaker_of(tts, kind, mode), some_tokens(9), voice_of(tts))
    s3gen = copy.deepcopy(tts.s3gen)
    speaker = TokenToWave(s3gen, family=family_of(kind), mode=mode, watermarker=NoMark(), takes_weights=True)

    assert sum(parameter.numel() for parameter in s3gen.flow.decoder.parameters()) == 0
    assert s3gen.dtype == torch.float32
    np.testing.assert_array_equal(spoken(speaker, some_tokens(9), voice_of(tts)), expected)


def test_every_sample_is_watermarked(stock_tts: Callable[[str], Any]) -> None:
    tts = stock_tts("turbo")
    watermarker = Watermarker()
    plain = spoken(speaker_of(tts, "turbo"), some_tokens(60), voice_of(tts))
    speaker = TokenToWave(tts.s3gen, family=family_of("turbo"), watermarker=watermarker)

    marked = spoken(speaker, some_tokens(60), voice_of(tts))

    np.testing.assert_array_equal(marked, watermarker.apply(plain))
    assert watermarker.detect(marked) > 0.9


def test_nothing_is_printed(stock_tts: Callable[[str], Any], kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    tts = stock_tts(kind)
    capfd.readouterr()

    spoken(speaker_of(tts, kind), some_tokens(5), voice_of(tts))

    assert capfd.readouterr() == ("", "")


def test_an_unknown_mode_is_refused(stock_tts: Callable[[str], Any]) -> None:
    with pytest.raises(ValueError, match="'faster'"):
        speaker_of(stock_tts("turbo"), "turbo", "faster")
