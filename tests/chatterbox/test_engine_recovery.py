"""A failure inside a batch costs the request that caused it: all others get the audio that they get alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tiny_engines import TEXT, listen, running, utterance

from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.recovery import RAISE_AFTER, BatchLimit
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.errors import EngineFailure, TTSError

BAD_TEXT = "This one fails."
ERRORS = {503: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."), 500: RuntimeError("a kernel failed")}
MAX_TOKENS = 15


class Fault:
    """Which error is raised where, and for whose request: those with the voice `voice`."""

    def __init__(self, stage: str, error: Exception, voice) -> None:
        self.stage, self.error, self.voice = stage, error, voice
        self.sizes: list[int] = []

    def check(self, stage: str, voices) -> None:
        voices = list(voices)
        self.sizes.append(len(voices))
        if stage == self.stage and any(voice is self.voice for voice in voices):
            raise self.error


def types_with(fault: Fault):
    """A decoder, a speaker and a judge that fail as `fault` says."""

    class Decoder(T3Decoder):
        def _prefill(self, admitted):
            fault.check("prefill", (running.sequence.conditionals for running in admitted))
            return super()._prefill(admitted)

        def _decode(self):
            fault.check("decode", (sequence.conditionals for sequence in self._running))
            return super()._decode()

    class Speaker(TokenToWave):
        def batch(self, requests):
            fault.check("flow", (request.conditionals for request in requests))
            for number, result in enumerate(super().batch(requests)):
                if number == 2:
                    fault.check("vocoder", (request.conditionals for request in requests))
                yield result

    class Judge(SpeechJudge):
        def usual_seconds(self, text, language=None):
            return 0.04

        def longest_seconds(self, text, language=None):
            return 60.0

        def faults_of_tokens(self, tokens, text, language=None):
            if fault.stage == "judge" and text == BAD_TEXT:
                raise fault.error
            return ()

        def faults_of_samples(self, samples):
            return ()

    return {"decoder_type": Decoder, "speaker_type": Speaker, "judge": Judge()}


@pytest.fixture(scope="module")
def alone(parts):
    """What each seed says when nothing else is spoken."""
    with running(parts("turbo"), max_tokens=MAX_TOKENS) as engine:
        voice = parts("turbo").builtin
        return [listen(engine.submit(utterance(voice, seed=seed))) for seed in range(8)]


def outcomes_of(streams) -> list[np.ndarray | TTSError]:
    outcomes: list[np.ndarray | TTSError] = []
    for stream in streams:
        try:
            outcomes.append(listen(stream))
        except TTSError as error:
            outcomes.append(error)
    return outcomes


def assert_same(spoken, expected) -> None:
    assert not isinstance(spoken, TTSError), spoken
    assert spoken.shape == expected.shape
    assert np.abs(spoken - expected).max() < 1e-3


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize(
    ("stage", "size"),
    [("begin", 2), ("prefill", 2), ("prefill", 8), ("decode", 2), ("decode", 8), ("flow", 2), ("flow", 5), ("vocoder", 8), ("hand-out", 3)],
)
def test_the_request_at_fault_gets_its_error_and_all_others_their_audio(parts, alone, monkeypatch, stage, size, status):
    voice = parts("turbo").builtin
    bad_voice = dataclasses.replace(voice)
    fault = Fault(stage, ERRORS[status], bad_voice)
    types = types_with(fault)
    del types["judge"]
    with running(parts("turbo"), max_batch=size, max_tokens=MAX_TOKENS, **types) as engine:
        if stage == "begin":
            real = parts("turbo").text_ids

            def text_ids(text, language):
                if text == BAD_TEXT:
                    raise fault.error
                return real(text, language)

            monkeypatch.setattr(engine._parts, "text_ids", text_ids)
        at_fault = size // 2
        streams = [
            engine.submit(
                utterance(bad_voice if seed == at_fault else voice, BAD_TEXT if seed == at_fault else TEXT, seed=seed, group=seed)
            )
            for seed in range(size)
        ]
        if stage == "hand-out":

            def put(samples):
                raise fault.error

            monkeypatch.setattr(streams[at_fault], "put", put)
        outcomes = outcomes_of(streams)
        for seed, outcome in enumerate(outcomes):
            if seed == at_fault:
                assert isinstance(outcome, TTSError)
                assert outcome.status == status
            else:
                assert_same(outcome, alone[seed])
        assert_same(listen(engine.submit(utterance(voice, seed=0, group=99))), alone[0])
        assert not engine.is_broken
        assert engine.stats()["failures"] == 1
    assert stage in ("begin", "hand-out") or max(fault.sizes) > 1


@pytest.mark.parametrize("marks_in_thread", [False, True])
@pytest.mark.parametrize("status", [500, 503])
def test_a_watermark_that_fails_costs_its_request(parts, alone, status, marks_in_thread):
    class FailingWatermarker(Watermarker):
        calls = 0

        def apply(self, samples):
            self.calls += 1
            if self.calls == 2:
                raise ERRORS[status]
            return super().apply(samples)

    with running(
        parts("turbo"), watermarker=FailingWatermarker(), marks_in_thread=marks_in_thread, max_tokens=MAX_TOKENS, max_batch=4
    ) as engine:
        outcomes = outcomes_of([engine.submit(utterance(parts("turbo").builtin, seed=seed, group=seed)) for seed in range(4)])
    failed = [outcome for outcome in outcomes if isinstance(outcome, TTSError)]
    assert [error.status for error in failed] == [status]
    for seed, outcome in enumerate(outcomes):
        if not isinstance(outcome, TTSError):
            assert_same(outcome, alone[seed])


def test_tokens_that_cannot_be_judged_cost_their_request(parts):
    voice = parts("turbo").builtin
    fault = Fault("judge", ERRORS[500], None)
    with running(parts("turbo"), checks_speech=True, max_tokens=MAX_TOKENS, **types_with(fault)) as engine:
        outcomes = outcomes_of([engine.submit(utterance(voice, text, seed=1, group=n)) for n, text in enumerate([TEXT, BAD_TEXT, TEXT])])
    assert isinstance(outcomes[1], EngineFailure)
    assert_same(outcomes[0], outcomes[2])


def test_batches_that_need_too_much_memory_are_made_smaller_and_cost_nobody_anything(parts, alone):
    sizes = []

    class SmallMemory(TokenToWave):
        def batch(self, requests):
            sizes.append(len(requests))
            if len(requests) > 2:
                raise ERRORS[503]
            yield from super().batch(requests)

    with running(parts("turbo"), max_batch=8, max_tokens=MAX_TOKENS, speaker_type=SmallMemory) as engine:
        voice = parts("turbo").builtin
        for _ in range(2):
            outcomes = outcomes_of([engine.submit(utterance(voice, seed=seed, group=seed)) for seed in range(8)])
            for spoken, expected in zip(outcomes, alone, strict=True):
                assert_same(spoken, expected)
    assert max(sizes) > 2
    assert max(sizes[-3:]) <= 2


def test_audio_marked_in_a_thread_of_its_own_is_the_same(parts, alone):
    for mode in ("exact", "fast"):
        spoken = []
        for in_thread in (False, True):
            with running(parts("turbo"), mode=mode, marks_in_thread=in_thread, max_rows=1) as engine:
                voice = parts("turbo").builtin
                spoken.append([listen(engine.submit(utterance(voice, seed=seed, group=seed))) for seed in range(3)])
        for one, other in zip(*spoken, strict=True):
            assert np.array_equal(one, other)


def test_the_limit_of_a_batch_is_halved_at_once_and_raised_slowly():
    limit = BatchLimit(8)
    limit.record_out_of_memory(8)
    assert limit.current == 4
    limit.record_out_of_memory(3)
    assert limit.current == 1
    for _ in range(RAISE_AFTER - 1):
        limit.record_success(1)
    assert limit.current == 1
    limit.record_success(1)
    assert limit.current == 2
    limit.record_success(1)  # too small to tell anything
    for _ in range(20 * RAISE_AFTER):
        limit.record_success(limit.current)
    assert limit.current == 8
