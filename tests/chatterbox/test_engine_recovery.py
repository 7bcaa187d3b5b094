"""A failure inside a batch costs the request that caused it: all others get the audio that they get alone."""

from __future__ import annotations

import copy
import dataclasses
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_engines import TEXT, listen, running, utterance

from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.recovery import RAISE_AFTER, BatchLimit
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.errors import EngineFailure, TTSError

BAD_TEXT = "This one fails."
ERRORS = {503: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."), 500: RuntimeError("a kernel failed")}
MAX_TOKENS = 15


class Fault:
    """Raises `error` in one stage of the engine, while the request with the text BAD_TEXT or the voice `voice` is in it.

    sizes: how many sequences each step of the decoder began or went on with, and how many segments each batch of S3Gen had.
    is_submitted: the engine waits for it at its first text, so that all requests of a test begin in the same step.
    """

    def __init__(self, stage: str, error: Exception, voice=None) -> None:
        self.stage, self.error, self.voice = stage, error, voice
        self.sizes: list[int] = []
        self.is_submitted = threading.Event()
        self.bad_ids: torch.Tensor | None = None
        self.bad_sequences: list[Sequence] = []

    def check_batch(self, stage: str, requests) -> None:
        self.sizes.append(len(requests))
        if stage == self.stage and any(request.conditionals is self.voice for request in requests):
            raise self.error

    def is_bad(self, ids: torch.Tensor) -> bool:
        return self.bad_ids is not None and torch.equal(ids, self.bad_ids)


class FailingTable:
    """A table of embeddings that calls `check` with the ids that it is asked for."""

    def __init__(self, weight: torch.Tensor, check) -> None:
        self.weight, self.check = weight, check

    def detach(self):
        return self

    def __len__(self) -> int:
        return len(self.weight)

    def __getitem__(self, ids):
        self.check(ids)
        return self.weight[ids]


class FailingModel:
    """T3 whose embeddings fail as `fault` says: those of a text are read at a prefill, those of speech tokens at a decoding step."""

    def __init__(self, t3, fault: Fault) -> None:
        self.t3, self.fault = t3, fault
        self.text_emb = SimpleNamespace(weight=FailingTable(t3.text_emb.weight.detach(), self.check_prefill))
        self.speech_emb = SimpleNamespace(weight=FailingTable(t3.speech_emb.weight.detach(), self.check_decode))

    def __getattr__(self, name: str):
        return getattr(self.t3, name)

    def check_prefill(self, ids: torch.Tensor) -> None:
        if self.fault.stage == "prefill" and self.fault.is_bad(ids):
            raise self.fault.error

    def check_decode(self, tokens) -> None:
        if not isinstance(tokens, torch.Tensor):
            return  # the token that every speech starts with
        if self.fault.stage == "decode" and any(sequence.tokens and not sequence.is_finished for sequence in self.fault.bad_sequences):
            raise self.fault.error


def parts_with(fault: Fault, parts: Parts) -> Parts:
    """The same model, which fails as `fault` says."""

    def text_ids(text: str, language: str | None = None, **inside: bool) -> torch.Tensor:
        assert fault.is_submitted.wait(60)
        if text != BAD_TEXT:
            return parts.text_ids(text, language, **inside)
        if fault.stage == "begin":
            raise fault.error
        fault.bad_ids = parts.text_ids(text, language, **inside)
        return fault.bad_ids

    changed = copy.copy(parts)
    changed.text_ids = text_ids
    changed.t3 = FailingModel(parts.t3, fault)
    return changed


def types_with(fault: Fault):
    """A decoder and a speaker that tell `fault` what they work on."""

    class Decoder(T3Decoder):
        def add(self, sequence):
            if fault.is_bad(sequence.text_ids):
                fault.bad_sequences.append(sequence)
            super().add(sequence)

        def step(self):
            running, waiting = self.num_running, self.num_waiting
            try:
                return super().step()
            finally:
                fault.sizes += [running, waiting - self.num_waiting]

    class Speaker(TokenToWave):
        def batch(self, requests):
            fault.check_batch("flow", requests)
            for number, result in enumerate(super().batch(requests)):
                if number == 2:
                    fault.check_batch("vocoder", requests)
                yield result

    return {"decoder_type": Decoder, "speaker_type": Speaker}


class FailingJudge(SpeechJudge):
    """Raises `error` for BAD_TEXT and accepts all else, at any length."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def usual_seconds(self, text, language=None):
        return 0.04

    def longest_seconds(self, text, language=None):
        return 60.0

    def faults_of_tokens(self, tokens, text, language=None):
        if text == BAD_TEXT:
            raise self.error
        return ()

    def faults_of_samples(self, samples):
        return ()


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
    with running(parts_with(fault, parts("turbo")), max_batch=size, max_tokens=MAX_TOKENS, **types_with(fault)) as engine:
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
        fault.is_submitted.set()
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
    judge = FailingJudge(ERRORS[500])
    with running(parts("turbo"), checks_speech=True, judge=judge, max_tokens=MAX_TOKENS) as engine:
        outcomes = outcomes_of([engine.submit(utterance(voice, text, seed=1, group=n)) for n, text in enumerate([TEXT, BAD_TEXT, TEXT])])
    assert isinstance(outcomes[1], EngineFailure)
    assert_same(outcomes[0], outcomes[2])


def test_batches_that_need_too_much_memory_are_made_smaller_and_no_request_fails(parts, alone):
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
