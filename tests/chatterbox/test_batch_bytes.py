"""Batches of S3Gen stay within their working memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from tiny_engines import listen, running, utterance

from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.weights.loading import Parts


@pytest.mark.parametrize(("batch_bytes", "is_alone"), [(1, True), (1 << 40, False)])
def test_a_batch_takes_as_many_segments_as_fit(parts: Callable[[str], Parts], batch_bytes: int, is_alone: bool) -> None:
    voice = parts("turbo").builtin
    sizes: list[int] = []
    real = TokenToWave.batch

    def batch(self: TokenToWave, requests: Sequence[Any]) -> Any:
        sizes.append(len(requests))
        return real(self, requests)

    with patch.object(TokenToWave, "batch", batch), running(parts("turbo"), max_batch=4, batch_bytes=batch_bytes) as engine:
        streams = [engine.submit(utterance(voice, seed=seed, group=seed)) for seed in range(6)]
        together = [listen(stream) for stream in streams]
    assert (max(sizes) == 1) is is_alone
    assert sum(sizes) == 6
    assert all(np.isfinite(samples).all() and len(samples) for samples in together)
