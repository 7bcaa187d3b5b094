"""Cloning: the conditioning of the models from a reference clip, as the stock `prepare_conditionals` computes it."""

from __future__ import annotations

import librosa
import numpy as np
import torch

from tts_server.audio.quality import describe
from tts_server.engines.chatterbox.families import SAMPLE_RATE, Family
from tts_server.engines.chatterbox.voices.conditionals import TENSORS, Conditionals, copied_to_host, from_tensors, key_of
from tts_server.engines.chatterbox.weights import stock
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.errors import InvalidReference
from tts_server.speech import Samples, VoiceReference

S3GEN_SECONDS = 10
"""How much of a clip S3Gen is conditioned on."""

QUIETEST_DBFS = -55.0
MIN_SPEECH_SECONDS = 0.5
MAX_CLIPPING_SHARE = 0.2
MIN_ABOVE_NOISE_DB = 2.0


def compute(parts: Parts, reference: VoiceReference, norm_loudness: bool = True) -> Conditionals:
    """The conditionals of a clip, as the stock `prepare_conditionals` computes them. Raises InvalidReference with the measured reason.

    With `norm_loudness` the clip is brought to the usual loudness first, by the models that do so.
    """
    family = parts.family
    _check(family, reference)
    cloning = parts.cloning()
    with torch.inference_mode():
        wav = _resampled(reference.samples, reference.sample_rate, SAMPLE_RATE)
        if norm_loudness and family.normalizes_loudness:
            wav = stock.norm_loudness(wav, SAMPLE_RATE)
        wav_16k = _resampled(wav, SAMPLE_RATE, stock.S3_SR)
        gen = parts.s3gen.embed_ref(wav[: S3GEN_SECONDS * SAMPLE_RATE], SAMPLE_RATE, device=parts.device)
        prompt = wav_16k[: family.prompt_seconds * stock.S3_SR]
        speech_tokens, _ = parts.s3gen.tokenizer.forward([prompt], max_len=family.prompt_tokens)
        speaker = torch.from_numpy(cloning.voice_encoder.embeds_from_wavs([wav_16k], sample_rate=stock.S3_SR)).mean(dim=0, keepdim=True)
    found = {
        "speaker_emb": speaker,
        "speech_tokens": speech_tokens.reshape(1, -1),
        "prompt_token": gen["prompt_token"],
        "prompt_feat": gen["prompt_feat"],
        "embedding": gen["embedding"],
    }
    # Copies made outside of inference mode: ordinary tensors that keep nothing else alive.
    tensors = {name: copied_to_host(tensor, TENSORS[name][0]) for name, tensor in found.items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise InvalidReference("The reference clip holds no voice that could be measured.", param=reference.param)
    return from_tensors(key_of(family.id, reference, norm_loudness), tensors)


def _resampled(samples: Samples, rate: int, wanted_rate: int) -> Samples:
    if rate == wanted_rate:
        return samples
    return np.asarray(librosa.resample(samples, orig_sr=rate, target_sr=wanted_rate, res_type="soxr_hq"), dtype=np.float32)


def _check(family: Family, reference: VoiceReference) -> None:
    problem = _problem(family, reference)
    if problem is not None:
        advice = "Use a clear recording of one person, 6 to 20 s long."
        raise InvalidReference(f"The reference clip {problem}. {advice}", param=reference.param)


def _problem(family: Family, reference: VoiceReference) -> str | None:
    """Why a model cannot use this clip at all; what would only make the copy worse is no concern here."""
    if not np.isfinite(reference.samples).all():
        return "holds samples that are not numbers"
    if reference.seconds <= family.min_reference_seconds:
        needed = f"{family.min_reference_seconds:g} s"
        return f"is too short for {family.name}: {reference.seconds:.1f} s, where more than {needed} are needed"
    report = describe(reference)
    if report.rms_dbfs < QUIETEST_DBFS:
        return f"is silent: its level is {report.rms_dbfs:.0f} dBFS"
    if report.clipping_share > MAX_CLIPPING_SHARE:
        return f"is overloaded: {report.clipping_share:.0%} of its samples are cut off"
    spoken = report.speech_share * report.seconds
    if spoken < MIN_SPEECH_SECONDS:
        return f"holds only {spoken:.1f} s of sound in {report.seconds:.1f} s"
    above_noise = report.rms_dbfs - report.noise_dbfs
    if above_noise < MIN_ABOVE_NOISE_DB:
        return f"holds no speech: its quietest parts are within {above_noise:.1f} dB of its mean level, like noise or a tone"
    return None
