"""Segments whose speech cannot be right are spoken again, within a budget, and the best attempt is used."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_engines import TEXT, listen, running, utterance

from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.retries import Attempt, Retries


class ScriptedJudge(SpeechJudge):
    """Finds the faults that it is given, one tuple after the other, then none. Any length is right."""

    def __init__(self, tokens=(), samples=(), longest=40.0, usual=0.04) -> None:
        self.of_tokens, self.of_samples = iter(tokens), iter(samples)
        self.lengths, self.texts = [], []
        self.longest, self.usual = longest, usual

    def usual_seconds(self, text, language=None):
        return self.usual

    def longest_seconds(self, text, language=None):
        return self.longest

    def faults_of_tokens(self, tokens, text, language=None):
        self.lengths.append(len(tokens))
        self.texts.append(text)
        return next(self.of_tokens, ())

    def faults_of_samples(self, samples):
        return next(self.of_samples, ())


def attempt(length: int, *faults: str, coverage: float | None = None) -> Attempt:
    return Attempt([0] * length, None, False, faults, coverage)


def test_a_segment_without_faults_is_spoken_once(parts):
    with running(parts("turbo"), checks_speech=True, judge=ScriptedJudge()) as engine:
        stream = engine.submit(utterance(parts("turbo").builtin))
        assert len(listen(stream))
        assert stream.retries == 0


@pytest.mark.parametrize("stage", ["tokens", "samples"])
def test_a_segment_with_a_fault_is_spoken_again(parts, stage):
    judge = ScriptedJudge(**{stage: [("silent",)]})
    with running(parts("turbo"), checks_speech=True, judge=judge) as engine:
        stream = engine.submit(utterance(parts("turbo").builtin))
        assert len(listen(stream))
        assert stream.retries == 1


def test_a_segment_is_spoken_again_at_most_twice_and_the_best_attempt_is_given_out(parts):
    judge = ScriptedJudge(tokens=[("stuck", "too long"), ("looping",), ("too long", "stuck")])
    with running(parts("turbo"), checks_speech=True, judge=judge) as engine:
        voice = parts("turbo").builtin
        stream = engine.submit(utterance(voice))
        spoken = listen(stream)
        assert stream.retries == 2
    with running(parts("turbo")) as engine:
        second = listen(engine.submit(utterance(voice, seed=1 + 7_919)))
    shorter = min(len(spoken), len(second)) - round(0.2 * SAMPLE_RATE)
    assert shorter > 0
    assert np.abs(spoken[:shorter] - second[:shorter]).max() < 2e-3  # the watermark sees another end


def test_bad_audio_of_the_last_attempt_gives_way_to_an_earlier_one(parts):
    judge = ScriptedJudge(tokens=[("too long",), ("too long",), ()], samples=[("silent",)])
    with running(parts("turbo"), checks_speech=True, judge=judge) as engine:
        stream = engine.submit(utterance(parts("turbo").builtin))
        spoken = listen(stream)
    assert stream.retries == 2
    assert len(spoken) <= (max(judge.lengths[:2]) + 3) / TOKEN_RATE * SAMPLE_RATE


@pytest.mark.parametrize(
    ("attempts", "best"),
    [
        ([attempt(30, "too long"), attempt(12)], 1),
        ([attempt(30, "too long"), attempt(14, "too long"), attempt(1, "too short")], 1),
        ([attempt(10, "stuck", "too long"), attempt(40, "too long")], 1),
        ([attempt(10, "silent"), attempt(40, "too long", "stuck", "looping")], 1),
        ([attempt(10, "not a number"), attempt(10, "silent")], 0),
        ([attempt(10, "stuck"), attempt(10, "looping")], 0),
        ([attempt(10, "stuck", coverage=0.5), attempt(10, "looping", coverage=0.9)], 1),
        ([attempt(30, "stuck", coverage=0.5), attempt(31, "looping", coverage=0.9)], 1),
        ([attempt(10, "stuck", coverage=0.5), attempt(40, "looping", coverage=0.9)], 0),
        ([attempt(10, "stuck", coverage=0.1), attempt(10, "looping", "too long", coverage=0.9)], 0),
        ([attempt(10, coverage=0.0), attempt(10, "looping", coverage=1.0)], 0),
    ],
)
def test_the_best_attempt_has_the_fewest_faults_and_the_usual_length(attempts, best):
    retries = Retries(100, 10)
    for each in attempts:
        retries.add(each)
    assert retries.best() is attempts[best]


@pytest.mark.parametrize("kind", ["multilingual", "turbo"])
def test_the_coverage_of_a_text_is_logged_and_counted_and_rejects_nothing(parts, caplog, kind):
    judge = ScriptedJudge()
    with caplog.at_level("DEBUG", "tts_server"), running(parts(kind), checks_speech=True, judge=judge) as engine:
        streams = [engine.submit(utterance(parts(kind).builtin, seed=seed, group=seed)) for seed in range(2)]
        assert all(len(listen(stream)) for stream in streams)
        assert [stream.retries for stream in streams] == [0, 0]
        stats = engine.stats()
    lines = [record.getMessage() for record in caplog.records if "covered" in record.getMessage()]
    if kind == "multilingual":
        assert 0 < stats["coverage"] <= 1
        assert len(lines) == 2
    else:
        assert "coverage" not in stats
        assert not lines


@pytest.mark.parametrize("limit", [1, 2, 3, 65, 999, 1000])
def test_a_model_that_never_stops_has_one_and_a_half_times_its_limit(limit):
    retries = Retries(limit, 1)
    spent = 0
    while not retries.attempts or retries.can_retry:
        spent += retries.next_limit
        retries.add(attempt(retries.next_limit, "too long"))
    assert limit <= spent <= 1.5 * limit


def test_no_attempt_is_begun_that_has_too_few_tokens_left_for_the_text():
    retries = Retries(100, 60)
    retries.add(attempt(100, "too long"))
    assert not retries.can_retry


def test_a_text_too_long_for_an_attempt_is_split_before_it_is_spoken(parts):
    class LengthJudge(ScriptedJudge):
        def usual_seconds(self, text, language=None):
            return len(text) / TOKEN_RATE

    judge = LengthJudge()
    with running(parts("turbo"), checks_speech=True, judge=judge, max_tokens=12) as engine:
        stream = engine.submit(utterance(parts("turbo").builtin, seed=2))
        assert len(listen(stream))
    assert " ".join(dict.fromkeys(judge.texts)) == TEXT  # a piece that was cut is spoken twice
    assert len(judge.texts) > 2
