"""Speaking given tokens with tiny Chatterbox models, without text and without T3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks.checkpoints import family_of
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.voices.conditionals import Conditionals
from tts_server.engines.chatterbox.watermark import Watermarker, WatermarkStream
from tts_server.speech import Samples


class NoMark(Watermarker):
    """Leaves the samples as they are, so that they can be compared."""

    def __init__(self) -> None:
        pass

    def apply(self, samples: Samples) -> Samples:
        return samples

    def stream(self) -> WatermarkStream:
        return NoMarkStream(self)


class NoMarkStream(WatermarkStream):
    def feed(self, chunk: Samples) -> Samples:
        return chunk

    def finish(self) -> Samples:
        return np.zeros(0, np.float32)


def voice_of(tts: Any, key: str = "builtin") -> Conditionals:
    prompt = tts.conds.gen
    return Conditionals(
        key,
        tts.conds.t3.speaker_emb,
        tts.conds.t3.cond_prompt_speech_tokens,
        prompt["prompt_token"],
        prompt["prompt_feat"],
        prompt["embedding"],
    )


def other_voice(voice: Conditionals, num_tokens: int) -> Conditionals:
    """A voice with a prompt of another length."""
    generator = torch.Generator().manual_seed(num_tokens)
    return replace(
        voice,
        key=f"other-{num_tokens}",
        prompt_token=torch.randint(0, 6561, (1, num_tokens), generator=generator),
        prompt_feat=torch.randn(1, 2 * num_tokens, 80, generator=generator) * 2 - 5,
        embedding=torch.randn(1, 192, generator=generator),
    )


def some_tokens(count: int, seed: int = 0) -> list[int]:
    return torch.randint(0, 6561, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def speaker_of(tts: Any, kind: str, mode: str = "exact", **options: Any) -> TokenToWave:
    return TokenToWave(tts.s3gen, family=family_of(kind), mode=mode, watermarker=NoMark(), **options)


def spoken(speaker: TokenToWave, tokens: list[int], voice: Conditionals, seed: int = 7, *, is_text: bool = True) -> Samples:
    *slices, samples = speaker.segment(tokens, voice, torch.Generator().manual_seed(seed), is_text=is_text)
    assert slices
    assert all(piece is None for piece in slices)
    assert samples is not None
    return samples
