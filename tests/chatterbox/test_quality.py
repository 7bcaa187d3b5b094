"""Speech that does not sound like its text is recognised; speech that does is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.engines.chatterbox.quality import fault_of_samples, fault_of_tokens, usual_seconds, without_tail
from tts_server.engines.embedded.engine import EmbeddedEngine

TEXT = "The quick brown fox jumps over the lazy dog, and the cat watches from the wall."


def tokens(seconds: float) -> list[int]:
    """Speech tokens as varied as speech's."""
    return np.random.default_rng(1).integers(0, 6561, round(seconds * TOKEN_RATE)).tolist()


def noise(seconds: float, level: float) -> np.ndarray:
    return (level * np.random.default_rng(2).standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """TEXT said by a real voice."""
    engine = EmbeddedEngine(1)
    from tts_server.engines.base import Utterance

    stream = engine.submit(Utterance(TEXT, engine.builtin_voice("onyx"), 0, 1, 1.0, "en", {}))
    samples = np.concatenate(list(stream.chunks(lambda: False)))
    engine.close()
    return samples


def test_real_speech_has_the_usual_length_and_no_fault(spoken):
    seconds = len(spoken) / SAMPLE_RATE
    assert usual_seconds(TEXT) == pytest.approx(seconds, rel=0.5)
    assert fault_of_samples(spoken, TEXT) is None
    assert fault_of_tokens(tokens(seconds), TEXT) is None


@pytest.mark.parametrize(
    "text",
    ["你好，今天天气怎么样？我们去公园吧。", "こんにちは、元気ですか。", "안녕하세요, 만나서 반갑습니다.", "Guten Morgen, Herr Doktor."],
)
def test_the_usual_length_holds_for_dense_scripts_too(text):
    assert 1.0 < usual_seconds(text) < 6.0


@pytest.mark.parametrize(("seconds", "fault"), [(40.0, "too long"), (0.6, "too short"), (0.0, "too short")])
def test_an_absurd_duration_is_a_fault(seconds, fault):
    assert fault_of_tokens(tokens(seconds), TEXT) == fault


@pytest.mark.parametrize("seconds", [0.24, 0.6, 1.2])
def test_a_word_may_be_short_or_drawn_out(seconds):
    assert fault_of_tokens(tokens(seconds), "Hi.") is None


def test_a_stuck_decoder_is_a_fault():
    stuck = [*tokens(2.0), *[77] * 30, *tokens(2.0)]
    assert fault_of_tokens(stuck, TEXT) == "stuck"
    assert fault_of_tokens([*tokens(2.0), *[77] * 10, *tokens(2.0)], TEXT) is None


def test_a_loop_is_a_fault():
    loop = tokens(0.4)
    assert fault_of_tokens([*tokens(1.0), *loop * 9, *tokens(1.0)], TEXT) == "looping"
    assert fault_of_tokens([*tokens(1.0), *loop * 3, *tokens(1.0)], TEXT) is None


def test_silence_is_a_fault():
    assert fault_of_samples(np.zeros(SAMPLE_RATE, np.float32), TEXT) == "silent"
    assert fault_of_samples(np.zeros(0, np.float32), TEXT) == "silent"


def test_a_long_silence_inside_is_a_fault_and_a_pause_is_none(spoken):
    def with_gap(seconds: float) -> np.ndarray:
        half = len(spoken) // 2
        return np.concatenate([spoken[:half], np.zeros(round(seconds * SAMPLE_RATE), np.float32), spoken[half:]])

    assert fault_of_samples(with_gap(2.5), TEXT) == "long silence"
    assert fault_of_samples(with_gap(0.7), TEXT) is None


def test_samples_that_are_no_numbers_are_a_fault(spoken):
    assert fault_of_samples(np.where(np.arange(len(spoken)) == 500, np.nan, spoken).astype(np.float32), TEXT) == "not a number"


def test_what_follows_the_last_word_is_cut_off(spoken):
    gap = np.zeros(SAMPLE_RATE // 2, np.float32)
    clean = without_tail(spoken)
    assert len(clean) >= len(spoken) - 0.4 * SAMPLE_RATE
    with_noise = np.concatenate([spoken, gap, noise(0.1, 0.01), gap])
    assert abs(len(without_tail(with_noise)) - len(clean)) <= 0.06 * SAMPLE_RATE
    assert len(without_tail(np.concatenate([spoken, gap, gap]))) <= len(spoken) + 0.2 * SAMPLE_RATE


def test_a_short_last_word_stays(spoken):
    word = spoken[np.argmax(np.abs(spoken)) - 2400 :][:4800]
    sentence = np.concatenate([spoken, np.zeros(SAMPLE_RATE // 2, np.float32), word])
    assert len(without_tail(sentence)) >= len(spoken) + 0.5 * SAMPLE_RATE + 3000
