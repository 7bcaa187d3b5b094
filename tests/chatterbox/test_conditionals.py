"""The conditioning from a clip equals that of stock Chatterbox; unusable clips are refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch

from benchmarks.checkpoints import family_of
from tts_server.audio.decode import decode_clip
from tts_server.engines.chatterbox.voices.cloning import compute
from tts_server.engines.chatterbox.voices.conditionals import Conditionals, from_tensors
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.errors import InvalidReference
from tts_server.speech import Samples, VoiceReference

CLIP = Path(__file__).parent.parent / "clips" / "female_slt.flac"


def reference(samples: Any, rate: int = 24000) -> VoiceReference:
    return VoiceReference(np.asarray(samples, np.float32), rate, "digest", "voice_file")


def speech(seconds: float, rate: int = 24000) -> Samples:
    """A person who speaks for so long, or speaks again and again."""
    clip = decode_clip(CLIP.read_bytes())
    at = np.arange(int(seconds * rate)) * clip.sample_rate / rate
    return np.interp(at % (len(clip.samples) - 1), np.arange(len(clip.samples)), clip.samples).astype(np.float32)


def stock_conditionals(tts: Any, clip: VoiceReference, **options: Any) -> Any:
    """What `prepare_conditionals` computes for these very samples, as librosa would have loaded them from a file."""
    import librosa

    def load(_: str, sr: int) -> tuple[Samples, int]:
        if clip.sample_rate == sr:
            return clip.samples, sr
        return librosa.resample(clip.samples, orig_sr=clip.sample_rate, target_sr=sr), sr

    with patch.object(librosa, "load", load), patch.object(tts, "conds", None):
        tts.prepare_conditionals("clip.wav", **options)
        return tts.conds


def assert_equal(ours: Conditionals, theirs: Any) -> None:
    torch.testing.assert_close(ours.speaker_emb, theirs.t3.speaker_emb, rtol=0, atol=1e-5)
    assert torch.equal(ours.speech_tokens, theirs.t3.cond_prompt_speech_tokens)
    assert ours.prompt_token.tolist() == theirs.gen["prompt_token"].tolist()
    for name in ("prompt_feat", "embedding"):
        torch.testing.assert_close(getattr(ours, name), theirs.gen[name], rtol=0, atol=1e-5)
    assert ours.ref_dict().keys() == theirs.gen.keys()
    assert ours.ref_dict()["prompt_token_len"].tolist() == theirs.gen["prompt_token_len"].tolist()


@pytest.mark.parametrize(("seconds", "rate"), [(17.0, 24000), (5.7, 44100)])
def test_a_clip_gives_what_stock_hears_in_it(
    kind: str, seconds: float, rate: int, parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]
) -> None:
    clip = reference(speech(seconds, rate), rate)
    assert_equal(compute(parts(kind), clip), stock_conditionals(stock_tts(kind), clip))


def test_turbo_normalizes_the_loudness_unless_disabled(parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]) -> None:
    quiet = reference(0.05 * speech(6))
    even, plain = compute(parts("turbo"), quiet), compute(parts("turbo"), quiet, norm_loudness=False)
    assert_equal(even, stock_conditionals(stock_tts("turbo"), quiet))
    assert_equal(plain, stock_conditionals(stock_tts("turbo"), quiet, norm_loudness=False))
    assert even.prompt_feat.mean() > plain.prompt_feat.mean() + 1.0
    assert even.key != plain.key


def test_the_llama_models_take_a_clip_as_loud_as_it_is(parts: Callable[[str], Parts]) -> None:
    clip = reference(speech(3))
    with_it, without = compute(parts("english"), clip), compute(parts("english"), clip, norm_loudness=False)
    assert torch.equal(with_it.prompt_feat, without.prompt_feat)


def test_how_much_each_model_hears(parts: Callable[[str], Parts]) -> None:
    clip = reference(speech(20))
    lengths = {kind: compute(parts(kind), clip).speech_tokens.shape[1] for kind in ("turbo", "english")}
    assert lengths == {"turbo": 375, "english": 150}
    assert compute(parts("turbo"), clip).prompt_feat.shape == (1, 500, 80)


def test_conditionals_are_ordinary_small_tensors_without_a_graph(parts: Callable[[str], Parts]) -> None:
    voice = compute(parts("turbo"), reference(speech(20)))
    for tensor in voice.tensors().values():
        assert not tensor.requires_grad
        assert not tensor.is_inference()
        assert tensor.is_contiguous()
        assert tensor.untyped_storage().nbytes() == tensor.nbytes


def test_the_stock_objects_are_new_at_each_call(parts: Callable[[str], Parts]) -> None:
    voice = parts("english").builtin
    assert voice is not None
    first, second = voice.t3_cond(0.3), voice.t3_cond(0.7)
    with torch.inference_mode():
        parts("english").t3.prepare_conditioning(first)
    assert first.cond_prompt_speech_emb is not None
    assert second.cond_prompt_speech_emb is None
    assert (float(first.emotion_adv), float(second.emotion_adv)) == (pytest.approx(0.3), pytest.approx(0.7))
    assert voice.ref_dict() is not voice.ref_dict()


def test_the_builtin_voice_is_that_of_the_checkpoint(kind: str, parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]) -> None:
    voice = parts(kind).builtin
    assert voice is not None
    assert_equal(voice, stock_tts(kind).conds)


def test_tensors_of_another_kind_are_refused(parts: Callable[[str], Parts]) -> None:
    voice = parts("turbo").builtin
    assert voice is not None
    for name, wrong in (("speaker_emb", torch.zeros(1, 255)), ("prompt_token", torch.zeros(1, 4)), ("embedding", torch.zeros(192))):
        with pytest.raises(ValueError, match=name):
            from_tensors("key", {**voice.tensors(), name: wrong})
    with pytest.raises(ValueError, match="speaker_emb"):
        from_tensors("key", {})


def noise(seconds: float) -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * 24000)).astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "samples", "reason"),
    [
        ("turbo", speech(4.2), r"too short for Chatterbox Turbo: 4\.2 s, where more than 5 s"),
        ("english", speech(0.6), r"too short for Chatterbox English: 0\.6 s, where more than 1 s"),
        ("turbo", np.zeros(150000), "is silent"),
        ("turbo", 1e-5 * noise(6), "is silent"),
        ("turbo", np.append(speech(6), np.nan), "not numbers"),
        ("turbo", np.clip(100 * speech(6), -1, 1), r"overloaded: \d\d% of its samples"),
        ("turbo", noise(6), r"no speech: its quietest parts are within 0\.\d dB"),
        ("english", np.sin(np.arange(150000) / 10), "no speech"),
        ("english", np.pad(speech(0.45), (0, 140000)), r"only 0\.\d s of sound in 6\.\d s"),
    ],
)
def test_an_unusable_clip_is_refused_with_the_measured_reason(kind: str, samples: Any, reason: str, parts: Callable[[str], Parts]) -> None:
    with pytest.raises(InvalidReference, match=reason) as caught:
        compute(parts(kind), reference(samples))
    assert caught.value.status == 400
    assert caught.value.param == "voice_file"
    assert family_of(kind).name in str(caught.value) or "short" not in reason
