"""Several faults at once, or faults and cancelled requests: each ends the request that caused it, and no state remains."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from fault_injection import KERNEL_FAILED, OUT_OF_MEMORY, Fault, Injection
from support.speech_tokens import NoMark
from tiny_engines import listen, running, utterance

from tts_server.cancellation import Cancellation
from tts_server.engines.chatterbox.engine import ChatterboxEngine
from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.errors import TTSError

MAX_TOKENS = 15
ERRORS = {500: KERNEL_FAILED, 503: OUT_OF_MEMORY}
STAGES = ("prefill", "decode", "flow", "vocoder")

Outcome = np.ndarray | TTSError


@pytest.fixture(scope="module")
def turbo(parts: Callable[[str], Parts]) -> Parts:
    return parts("turbo")


@pytest.fixture(scope="module")
def alone(turbo: Parts) -> list[np.ndarray]:
    """What each seed says when nothing else is spoken."""
    with running(turbo, watermarker=NoMark(), max_tokens=MAX_TOKENS) as engine:
        return [listen(engine.submit(utterance(turbo.builtin, seed=seed))) for seed in range(8)]


def another(turbo: Parts) -> Any:
    """The built-in voice as an object of its own."""
    assert turbo.builtin is not None
    return dataclasses.replace(turbo.builtin)


def speak(engine: ChatterboxEngine, voices: Sequence[Any], first_group: int = 0) -> list[Any]:
    """A stream for each voice; their seeds count from 0."""
    return [engine.submit(utterance(voice, seed=seed, group=first_group + seed)) for seed, voice in enumerate(voices)]


def outcome(stream: Any) -> Outcome:
    try:
        return listen(stream)
    except TTSError as error:
        return error


def assert_spoken(spoken: Outcome, expected: np.ndarray) -> None:
    assert not isinstance(spoken, TTSError), spoken
    assert spoken.shape == expected.shape
    assert np.abs(spoken - expected).max() < 1e-3


def assert_failed(spoken: Outcome, status: int) -> None:
    assert isinstance(spoken, TTSError)
    assert spoken.status == status


def assert_idle(engine: ChatterboxEngine, turbo: Parts, alone: list[np.ndarray], num_failures: int) -> None:
    """The engine still speaks, and nothing is left of what was."""
    assert_spoken(outcome(engine.submit(utterance(turbo.builtin, seed=0, group=999))), alone[0])
    stats = engine.stats()
    assert (stats["failures"], stats["sequences_running"], stats["segments_waiting"]) == (num_failures, 0, 0)
    assert not engine.is_broken


@pytest.mark.parametrize("size", [3, 8])
@pytest.mark.parametrize(("one", "other"), [(503, 500), (503, 503)])
@pytest.mark.parametrize("stages", [("decode", "decode"), ("flow", "flow"), ("prefill", "decode"), ("decode", "vocoder")])
def test_two_faults_in_one_batch_cost_the_two_requests_that_caused_them(turbo, alone, stages, one, other, size):
    voices = [turbo.builtin] * size
    at_fault = {0: one, size - 2: other}
    for position in at_fault:
        voices[position] = another(turbo)
    faults = [Fault(voices[position], stage, ERRORS[status]) for (position, status), stage in zip(at_fault.items(), stages, strict=True)]
    injection = Injection(*faults)
    with running(turbo, watermarker=NoMark(), max_batch=size, max_tokens=MAX_TOKENS, **injection.types) as engine:
        streams = speak(engine, voices)
        injection.gate.set()
        for position, stream in enumerate(streams):
            if position in at_fault:
                assert_failed(outcome(stream), at_fault[position])
            else:
                assert_spoken(outcome(stream), alone[position])
        assert_idle(engine, turbo, alone, 2)


@pytest.mark.parametrize("operator", [1, 40, 80])
@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize("status", [500, 503])
def test_after_a_step_that_fails_once_no_request_fails(turbo, alone, status, size, operator):
    fault = Fault(turbo.builtin, "decode", ERRORS[status], size=size, times=1, operator=operator)
    injection = Injection(fault)
    with running(turbo, watermarker=NoMark(), max_batch=size, max_tokens=MAX_TOKENS, **injection.types) as engine:
        streams = speak(engine, [turbo.builtin] * size)
        injection.gate.set()
        for stream, expected in zip(streams, alone, strict=False):
            assert_spoken(outcome(stream), expected)
        assert fault.sizes == [size]
        assert_idle(engine, turbo, alone, 0)


@pytest.mark.parametrize("num_late", [1, 3, 6])
def test_requests_that_come_while_one_runs_by_itself_are_spoken_after_it(turbo, alone, num_late):
    """The youngest is run by itself after its memory error, and fails; all others wait for that."""
    bad_voice = another(turbo)
    late: list[Any] = []
    fault = Fault(bad_voice, "decode", OUT_OF_MEMORY, size=2, times=2)
    fault.after_raise = lambda: late.extend(speak(engine, [turbo.builtin] * num_late, first_group=10))
    injection = Injection(fault)
    with running(turbo, watermarker=NoMark(), max_tokens=MAX_TOKENS, **injection.types) as engine:
        streams = speak(engine, [turbo.builtin, bad_voice])
        injection.gate.set()
        assert_spoken(outcome(streams[0]), alone[0])
        assert_failed(outcome(streams[1]), 503)
        for stream, expected in zip(late, alone, strict=False):
            assert_spoken(outcome(stream), expected)
        assert len(late) == num_late
        assert_idle(engine, turbo, alone, 1)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("status", "moment"), [(500, "on_raise"), (503, "after_raise")])
@pytest.mark.parametrize("leaving", ["the one at fault", "another", "all others"])
def test_listeners_that_leave_at_a_fault_or_in_the_recovery_cost_the_others_nothing(turbo, alone, leaving, status, stage, moment):
    size, position = 5, 2
    voices = [turbo.builtin] * size
    voices[position] = another(turbo)
    left = {"the one at fault": [position], "another": [4], "all others": [0, 1, 3, 4]}[leaving]
    streams: list[Any] = []
    fault = Fault(voices[position], stage, ERRORS[status])

    def leave() -> None:
        for each in left:
            streams[each].close()

    setattr(fault, moment, leave)
    injection = Injection(fault)
    with running(turbo, watermarker=NoMark(), max_batch=size, max_tokens=MAX_TOKENS, **injection.types) as engine:
        streams += speak(engine, voices)
        injection.gate.set()
        for number, stream in enumerate(streams):
            if number not in left:
                if number == position:
                    assert_failed(outcome(stream), status)
                else:
                    assert_spoken(outcome(stream), alone[number])
        assert fault.sizes
        stats = engine.stats()
        assert_idle(engine, turbo, alone, int(stats["failures"]))
        assert stats["failures"] <= 1


class SplittingJudge(SpeechJudge):
    """Takes a second for a letter, so that each text is spoken in pieces; finds no fault."""

    def usual_seconds(self, text: str, language: str | None = None) -> float:
        return len(text) / 25

    def longest_seconds(self, text: str, language: str | None = None) -> float:
        return 60.0

    def faults_of_tokens(self, tokens: Sequence[int], text: str, language: str | None = None) -> tuple[str, ...]:
        return ()

    def faults_of_samples(self, samples: np.ndarray) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize("marks_in_thread", [False, True])
def test_a_reader_that_fails_at_the_first_piece_ends_the_pieces_after_it(turbo, alone, marks_in_thread):
    injection = Injection()
    options = {"checks_speech": True, "judge": SplittingJudge(), "max_tokens": MAX_TOKENS, "marks_in_thread": marks_in_thread}
    with running(turbo, watermarker=NoMark(), **options, **injection.types) as engine:
        stream = engine.submit(utterance(turbo.builtin, seed=1))

        def put(samples: np.ndarray) -> None:
            raise KERNEL_FAILED

        stream.put = put
        injection.gate.set()
        assert_failed(outcome(stream), 500)
        other = listen(engine.submit(utterance(turbo.builtin, seed=1, group=7)))
        assert len(other)
        stats = engine.stats()
        assert (stats["failures"], stats["sequences_running"], stats["segments_waiting"]) == (1, 0, 0)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_in_a_later_piece_of_a_text_comes_after_the_audio_before_it(turbo, status, stage):
    """The first pieces are heard; then comes the error. A request beside it is spoken to its end."""
    options = {"checks_speech": True, "judge": SplittingJudge(), "max_tokens": MAX_TOKENS, "max_batch": 4}
    with running(turbo, watermarker=NoMark(), **options) as engine:
        expected = [listen(engine.submit(utterance(turbo.builtin, seed=seed))) for seed in range(2)]
    bad_voice = another(turbo)
    fault = Fault(bad_voice, stage, ERRORS[status])
    injection = Injection()
    with running(turbo, watermarker=NoMark(), **options, **injection.types) as engine:
        streams = speak(engine, [turbo.builtin, bad_voice])
        injection.gate.set()
        chunks = streams[1].chunks(Cancellation())
        first = next(chunks)
        injection.faults = (fault,)
        with pytest.raises(TTSError) as caught:
            list(chunks)
        assert caught.value.status == status
        assert np.abs(first - expected[1][: len(first)]).max() < 1e-3
        assert_spoken(outcome(streams[0]), expected[0])
        assert fault.sizes
