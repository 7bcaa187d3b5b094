"""A failure inside the engine ends at most one request, and never the engine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_engines import listen, running, utterance

from tts_server.engines.chatterbox.job import halve
from tts_server.errors import EngineFailure, TTSError, Unavailable

MAX_TOKENS = 15
"""More than the steps and batches that fail here; longer speech takes longer, not more."""


class Failing:
    """Calls through, but raises `error` at the calls numbered `at`."""

    def __init__(self, method, error: Exception, *at: int) -> None:
        self.method, self.error, self.at, self.calls = method, error, at, 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        if self.calls in self.at:
            raise self.error
        return self.method(*arguments, **options)


def is_same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("at", [1, 2, 3, 10])
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_failed_step_gives_an_error_or_the_right_audio_and_the_next_request_works(parts, monkeypatch, at, mode):
    voice = parts("turbo").builtin
    with running(parts("turbo"), mode=mode, max_tokens=MAX_TOKENS) as engine:
        expected = [listen(engine.submit(utterance(voice, seed=n, group=n))) for n in range(3)]
        monkeypatch.setattr(engine.decoder, "step", Failing(engine.decoder.step, RuntimeError("a kernel failed"), at))
        outcomes = []
        for stream in [engine.submit(utterance(voice, seed=n, group=n)) for n in range(3)]:
            try:
                outcomes.append(listen(stream))
            except EngineFailure as error:
                assert "kernel" not in error.message
                outcomes.append(error)
        outcomes.append(listen(engine.submit(utterance(voice, seed=1, group=9))))
        for outcome, right in zip(outcomes, [*expected, expected[1]], strict=True):
            if not isinstance(outcome, EngineFailure):
                # In fast mode the numbers, and so the tokens, depend on the other sequences in the batch.
                assert is_same(outcome, right) if mode == "exact" else len(outcome) and np.isfinite(outcome).all()
        assert not isinstance(outcomes[-1], EngineFailure)
        assert not engine.is_broken


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_failure_while_speaking_costs_that_segment_alone(parts, monkeypatch, at):
    voice = parts("turbo").builtin
    with running(parts("turbo"), max_tokens=MAX_TOKENS) as engine:
        expected = listen(engine.submit(utterance(voice, seed=1)))
        monkeypatch.setattr(engine.token_to_wave, "batch", Failing(engine.token_to_wave.batch, RuntimeError("a kernel failed"), at))
        outcomes = []
        for stream in [engine.submit(utterance(voice, seed=1, group=n)) for n in range(6)]:
            try:
                outcomes.append(is_same(listen(stream), expected))
            except EngineFailure:
                outcomes.append(None)
        assert outcomes.count(None) == 1
        assert outcomes.count(True) == 5


def test_running_out_of_memory_answers_503_and_drops_the_caches(parts, monkeypatch):
    voice = parts("turbo").builtin
    with running(parts("turbo")) as engine:
        expected = listen(engine.submit(utterance(voice, seed=1)))
        dropped = []
        monkeypatch.setattr(engine.decoder, "shrink", lambda: dropped.append("decoder"))
        monkeypatch.setattr(engine.token_to_wave, "shrink", lambda: dropped.append("token_to_wave"))
        monkeypatch.setattr(
            engine.token_to_wave, "batch", Failing(engine.token_to_wave.batch, torch.OutOfMemoryError("CUDA out of memory"), 1)
        )
        with pytest.raises(Unavailable, match="memory"):
            listen(engine.submit(utterance(voice, seed=1)))
        assert dropped == ["decoder", "token_to_wave"]
        assert is_same(listen(engine.submit(utterance(voice, seed=1))), expected)
        assert not engine.is_broken


def test_a_lost_device_breaks_the_engine_and_fails_all_requests_with_503(parts, monkeypatch):
    voice = parts("turbo").builtin
    with running(parts("turbo")) as engine:
        lost = RuntimeError("CUDA error: an illegal memory access was encountered")
        monkeypatch.setattr(engine.decoder, "step", Failing(engine.decoder.step, lost, 3))
        streams = [engine.submit(utterance(voice, seed=n, group=n)) for n in range(4)]
        for stream in streams:
            with pytest.raises(Unavailable):
                listen(stream)
        assert engine.is_broken
        with pytest.raises(Unavailable):
            engine.submit(utterance(voice))


def test_text_that_the_tokenizer_refuses_fails_alone(parts, monkeypatch):
    with running(parts("turbo")) as engine:
        monkeypatch.setattr(engine.parts, "text_ids", Failing(engine.parts.text_ids, IndexError("no tokens"), 1))
        with pytest.raises(TTSError):
            listen(engine.submit(utterance(parts("turbo").builtin)))
        assert len(listen(engine.submit(utterance(parts("turbo").builtin))))


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("We went home, and then we slept.", ("We went home,", "and then we slept.")),
        ("one two three four five six", ("one two three", "four five six")),
        ("你好，今天天气怎么样？我们去公园吧。", ("你好，今天天气怎么样？", "我们去公园吧。")),
        ("Hello.", None),
        ("Supercalifragilistic", None),
    ],
)
def test_a_text_is_halved_near_its_middle_at_a_clause(text, halves):
    assert halve(text) == halves
