"""The stock multilingual class as upstream's code has been since 2026-05-01 (commit 3f35dfc), which chatterbox-tts 0.1.7 is not yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from tts_server.engines.chatterbox.weights import stock

REPETITION_PENALTY = 1.2
TAIL_SAMPLES = 960
"""Samples that are cut off the end of speech before the watermark."""


@contextlib.contextmanager
def multilingual_as_upstream() -> Iterator[None]:
    """Inside, the stock multilingual class neither steers by the alignment nor keeps the last 40 ms, as upstream since May 2026.

    Its `generate` still has the old default of `repetition_penalty`; pass REPETITION_PENALTY.
    """
    watermark = stock.PerthImplicitWatermarker.apply_watermark

    def apply(self: Any, wav: Any, **options: Any) -> Any:
        return watermark(self, wav[: max(0, len(wav) - TAIL_SAMPLES)], **options)

    from chatterbox.models.t3.inference.alignment_stream_analyzer import AlignmentStreamAnalyzer

    generate = stock.mtl_tts.ChatterboxMultilingualTTS.generate

    def generate_without_tail(*arguments: Any, **options: Any) -> Any:
        with patch.object(stock.PerthImplicitWatermarker, "apply_watermark", apply):
            return generate(*arguments, **options)

    with (
        patch.object(AlignmentStreamAnalyzer, "_add_attention_spy", lambda *_: None),
        patch.object(AlignmentStreamAnalyzer, "step", lambda self, logits, next_token=None: logits),
        patch.object(stock.mtl_tts.ChatterboxMultilingualTTS, "generate", generate_without_tail),
    ):
        yield
