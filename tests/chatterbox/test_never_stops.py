"""A model that never stops costs at most one and a half times its segment's own limit, and is cut there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tiny_engines import listen, running, utterance

from benchmarks.checkpoints import family_of, write_checkpoint
from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.weights.loading import load

TEXTS = ["Yes.", "Oh, no."]


@pytest.fixture(scope="module")
def endless(tiny, tmp_path_factory):
    """A Nano that never gives the stop token."""
    folder = write_checkpoint("nano", tmp_path_factory.mktemp("endless") / "nano", tiny=True, stop_after=None)
    return load(family_of("nano"), folder)


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("num_requests", [1, 3])
def test_a_model_that_never_stops_is_cut_at_the_limit_of_its_segment(endless, mode, num_requests):
    texts = [TEXTS[number % len(TEXTS)] for number in range(num_requests)]
    limits = [math.ceil(SpeechJudge().longest_seconds(text) * TOKEN_RATE) for text in texts]
    with running(endless, mode=mode, checks_speech=True, max_batch=num_requests) as engine:
        streams = [engine.submit(utterance(endless.builtin, text, group=number)) for number, text in enumerate(texts)]
        spoken = [listen(stream) for stream in streams]
        assert engine.stats()["tokens"] <= 1.5 * sum(limits)
    for samples, limit in zip(spoken, limits, strict=True):
        assert 0 < len(samples) <= (limit + 3) / TOKEN_RATE * SAMPLE_RATE
        assert abs(samples[-1]) < 0.2 * np.abs(samples).max()  # faded out before the watermark
