"""Engines on tiny models, and what to ask of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.engine import ChatterboxEngine
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.voices.cloning import compute
from tts_server.engines.chatterbox.voices.prepared import PreparedVoices
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.loading import Parts

TEXT = "Hello there, how are you today?"


@contextlib.contextmanager
def running(
    parts: Parts,
    *,
    mode: Any = "exact",
    checks_speech: bool = False,
    max_rows: int = 16,
    decoder_type: type[T3Decoder] = T3Decoder,
    speaker_type: type[TokenToWave] = TokenToWave,
    watermarker: Watermarker | None = None,
    **options: Any,
) -> Iterator[ChatterboxEngine]:
    """An engine that stops with the block. Random weights say nothing that passes a check of speech, so there is none unless asked for."""
    engine = ChatterboxEngine(
        parts,
        decoder_type(parts.t3, mode=mode, max_rows=max_rows),
        speaker_type(parts.s3gen, family=parts.family, mode=mode),
        PreparedVoices(None, partial(compute, parts), capacity=8),
        watermarker=watermarker or Watermarker(),
        checks_speech=checks_speech,
        threads=1,
        **options,
    )
    try:
        yield engine
    finally:
        engine.close()


def utterance(voice: Any, text: str = TEXT, *, seed: int = 1, index: int = 0, group: int = 0, **controls: float) -> Utterance:
    return Utterance(text, voice, index, seed, 1.0, "en", controls, group)


def listen(stream: Any, cancellation: Cancellation | None = None) -> np.ndarray:
    """All that a stream gives."""
    return np.concatenate([np.zeros(0, np.float32), *stream.chunks(cancellation or Cancellation())])
