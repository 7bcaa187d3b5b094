"""Models and vocoders that do not do what they should: each request ends, at a bounded cost, and spoils no other one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from fault_injection import KERNEL_FAILED, Fault, Injection, RecordingDecoder
from support.speech_tokens import NoMark
from tiny_engines import listen, running, utterance

from benchmarks.checkpoints import family_of, write_checkpoint
from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave
from tts_server.engines.chatterbox.t3.sequence import Sequence as DecoderSequence
from tts_server.engines.chatterbox.weights.loading import Parts, load
from tts_server.errors import TTSError
from tts_server.speech import Samples

TEXTS = ("Yes.", "Oh, no.")
LIMITS = [math.ceil(SpeechJudge().longest_seconds(text) * TOKEN_RATE) for text in TEXTS]
MODES = pytest.mark.parametrize("mode", ["exact", "fast"])


@pytest.fixture(scope="module")
def endless(tiny: None, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """A Nano that never gives the stop token."""
    folder = tmp_path_factory.mktemp("endless") / "nano"
    return load(family_of("nano"), write_checkpoint("nano", folder, tiny=True, stop_after=None))


@pytest.fixture(scope="module")
def speechless(tiny: None, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """An English model that mostly stops at its first token."""
    folder = tmp_path_factory.mktemp("speechless") / "english"
    return load(family_of("english"), write_checkpoint("english", folder, tiny=True, stop_after=1))


def speaker_with(change: Callable[[Samples], Samples], is_changed: Callable[[Any], bool] = lambda voice: True) -> type[TokenToWave]:
    """A speaker that changes its samples, for some voices."""

    class Stream:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def feed(self, tokens: Sequence[int]) -> Samples:
            return change(self._stream.feed(tokens))

        def finish(self) -> Samples:
            return change(self._stream.finish())

    class Changed(TokenToWave):
        def batch(self, requests: Any) -> Iterator[Any]:
            for result in super().batch(requests):
                if result is None:
                    yield None
                else:
                    yield [change(each) if is_changed(r.conditionals) else each for r, each in zip(requests, result, strict=True)]

        def stream(self, conditionals: Any, generator: Any) -> Any:
            stream = super().stream(conditionals, generator)
            return Stream(stream) if is_changed(conditionals) else stream

    return Changed


class OneToken(RecordingDecoder):
    """Gives the same token again and again."""

    def step(self) -> list[DecoderSequence]:
        finished = super().step()
        for sequence in self.sequences:
            sequence.tokens[-1:] = [7] * len(sequence.tokens[-1:])
        return finished


def silent(samples: Samples) -> Samples:
    return np.zeros_like(samples)


def not_a_number(samples: Samples) -> Samples:
    return np.where(np.arange(len(samples)) < len(samples) // 2, samples, np.float32("nan"))


BROKEN: dict[str, dict[str, Any]] = {
    "never stops": {},
    "silent": {"speaker_type": speaker_with(silent)},
    "one token": {"decoder_type": OneToken},
    "not a number": {"speaker_type": speaker_with(not_a_number)},
}


@MODES
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_model_costs_at_most_half_as_much_again_as_the_limit_of_each_text(endless: Parts, fault: str, mode: str) -> None:
    with running(endless, mode=mode, checks_speech=True, watermarker=NoMark(), max_batch=2, **BROKEN[fault]) as engine:
        streams = [engine.submit(utterance(endless.builtin, text, group=number)) for number, text in enumerate(TEXTS)]
        spoken = [listen(stream) for stream in streams]
        assert engine.stats()["tokens"] <= 1.5 * sum(LIMITS)
        assert engine.stats()["failures"] == 0
    for samples, limit in zip(spoken, LIMITS, strict=True):
        assert 0 < len(samples) <= (limit + 3) / TOKEN_RATE * SAMPLE_RATE
        assert np.isfinite(samples).all() == (fault != "not a number")


@MODES
def test_a_model_that_stops_at_once_is_asked_three_times_and_ends(speechless: Parts, mode: str) -> None:
    with running(speechless, mode=mode, checks_speech=True, watermarker=NoMark(), max_batch=2) as engine:
        streams = [engine.submit(utterance(speechless.builtin, "This is a longer text.", seed=n, group=n)) for n in range(3)]
        assert all(0 < len(listen(stream)) < 2 * SAMPLE_RATE for stream in streams)
        assert max(stream.retries for stream in streams) == 2


@MODES
def test_numbers_that_are_none_in_one_segment_of_a_batch_stay_in_its_audio(parts: Callable[[str], Parts], mode: str) -> None:
    nano = parts("nano")
    assert nano.builtin is not None
    bad_voice = dataclasses.replace(nano.builtin)
    speaker_type = speaker_with(not_a_number, lambda voice: voice is bad_voice)
    with running(nano, mode=mode, watermarker=NoMark(), max_batch=4, max_tokens=15, speaker_type=speaker_type) as engine:
        voices = [nano.builtin, bad_voice, nano.builtin, nano.builtin]
        streams = [engine.submit(utterance(voice, seed=n, group=n)) for n, voice in enumerate(voices)]
        assert [bool(np.isfinite(listen(stream)).all()) for stream in streams] == [True, False, True, True]


def test_a_stream_that_has_begun_goes_on_after_the_fault_of_another_request(endless: Parts) -> None:
    """Even where, after the restart, the same seed gives other tokens, as it may in fast mode."""
    assert endless.builtin is not None
    bad_voice = dataclasses.replace(endless.builtin)
    num_tokens, spoken_before = 120, []
    fault = Fault(bad_voice, "decode", KERNEL_FAILED, after_tokens=100)
    injection = Injection(fault)
    base = injection.types["decoder_type"]

    class OtherTokens(base):  # type: ignore[misc, valid-type]
        def step(self) -> list[DecoderSequence]:
            finished: list[DecoderSequence] = super().step()
            for sequence in self.sequences:
                if fault.sizes and len(sequence.tokens) == 1:
                    sequence.tokens[0] = (sequence.tokens[0] + 1) % 6561
            return finished

    types = {**injection.types, "decoder_type": OtherTokens}
    with running(endless, mode="fast", watermarker=NoMark(), max_tokens=num_tokens, **types) as engine:
        fault.on_raise = lambda: spoken_before.append(engine.stats()["audio_seconds"])
        voices = [endless.builtin, endless.builtin, bad_voice]
        streams = [engine.submit(utterance(voice, seed=n, group=n)) for n, voice in enumerate(voices)]
        injection.gate.set()
        lengths = [len(listen(stream)) for stream in streams[:2]]
        with pytest.raises(TTSError):
            listen(streams[2])
    assert spoken_before[0] > 0
    assert lengths == [(num_tokens + 3) / TOKEN_RATE * SAMPLE_RATE] * 2
