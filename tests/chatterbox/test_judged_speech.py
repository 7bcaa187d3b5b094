"""Speech that does not sound like its text is recognised; speech that does is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from tts_server.cancellation import Cancellation
from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.engines.chatterbox.pauses import PauseShortener, shorten_pauses
from tts_server.engines.chatterbox.quality import SpeechJudge, usual_seconds, without_tail
from tts_server.engines.embedded.engine import EmbeddedEngine

JUDGE = SpeechJudge()
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
    samples = np.concatenate(list(stream.chunks(Cancellation())))
    engine.close()
    return samples


def test_real_speech_has_the_usual_length_and_no_fault(spoken):
    seconds = len(spoken) / SAMPLE_RATE
    assert usual_seconds(TEXT) == pytest.approx(seconds, rel=0.5)
    assert JUDGE.faults_of_samples(spoken) == ()
    assert JUDGE.faults_of_tokens(tokens(seconds), TEXT) == ()


@pytest.mark.parametrize(
    "text",
    ["你好，今天天气怎么样？我们去公园吧。", "こんにちは、元気ですか。", "안녕하세요, 만나서 반갑습니다.", "Guten Morgen, Herr Doktor."],
)
def test_the_usual_length_holds_for_dense_scripts_too(text):
    assert 1.0 < usual_seconds(text) < 6.0


@pytest.mark.parametrize(("seconds", "fault"), [(40.0, "too long"), (0.6, "too short"), (0.0, "too short")])
def test_an_absurd_duration_is_a_fault(seconds, fault):
    assert JUDGE.faults_of_tokens(tokens(seconds), TEXT) == (fault,)


@pytest.mark.parametrize("seconds", [0.24, 0.6, 1.2])
def test_a_word_may_be_short_or_drawn_out(seconds):
    assert JUDGE.faults_of_tokens(tokens(seconds), "Hi.") == ()


def test_a_stuck_decoder_is_a_fault():
    stuck = [*tokens(2.0), *[77] * 30, *tokens(2.0)]
    assert JUDGE.faults_of_tokens(stuck, TEXT) == ("stuck",)
    assert JUDGE.faults_of_tokens([*tokens(2.0), *[77] * 10, *tokens(2.0)], TEXT) == ()


def test_a_loop_is_a_fault():
    loop = tokens(0.4)
    assert JUDGE.faults_of_tokens([*tokens(1.0), *loop * 9, *tokens(1.0)], TEXT) == ("looping",)
    assert JUDGE.faults_of_tokens([*tokens(1.0), *loop * 3, *tokens(1.0)], TEXT) == ()


def test_silence_is_a_fault():
    assert JUDGE.faults_of_samples(np.zeros(SAMPLE_RATE, np.float32)) == ("silent",)
    assert JUDGE.faults_of_samples(np.zeros(0, np.float32)) == ("silent",)


def with_gap(spoken: np.ndarray, seconds: float) -> np.ndarray:
    half = len(spoken) // 2
    return np.concatenate([spoken[:half], np.zeros(round(seconds * SAMPLE_RATE), np.float32), spoken[half:]])


@pytest.mark.parametrize("seconds", [1.8, 2.5, 8.0])
def test_a_long_pause_is_shortened_and_all_words_stay(spoken, seconds):
    shortened = shorten_pauses(with_gap(spoken, seconds))
    assert len(shortened) / SAMPLE_RATE == pytest.approx(len(spoken) / SAMPLE_RATE + 0.8, abs=0.3)
    half = len(spoken) // 2
    assert np.array_equal(shortened[: half - 480], spoken[: half - 480])
    rest = half - 4 * 480  # the end of the stream may be a pause, and the last frame incomplete
    assert np.allclose(np.sort(np.abs(shortened))[-rest:], np.sort(np.abs(spoken))[-rest:], atol=0.01)


@pytest.mark.parametrize("seconds", [0.0, 0.7, 1.2])
def test_a_usual_pause_stays_as_it_is(spoken, seconds):
    paused = with_gap(spoken, seconds)
    shortened = shorten_pauses(paused)
    assert np.array_equal(shortened, paused[: len(shortened)])
    assert not np.abs(paused[len(shortened) :] > 0.01).any()


def test_a_silence_before_the_first_word_is_shortened_too(spoken):
    assert len(shorten_pauses(np.concatenate([np.zeros(3 * SAMPLE_RATE, np.float32), spoken]))) < len(spoken) + SAMPLE_RATE


@pytest.mark.parametrize("size", [1, 37, 480, 5000, 24000])
def test_pauses_of_a_stream_are_shortened_as_those_of_the_whole(spoken, size):
    paused = with_gap(spoken[: 2 * SAMPLE_RATE], 2.5) if size > 1 else with_gap(spoken[:2400], 2.5)[: 3 * SAMPLE_RATE]
    shortener = PauseShortener()
    chunks = [shortener.feed(paused[at : at + size]) for at in range(0, len(paused), size)]
    assert np.array_equal(np.concatenate([*chunks, shortener.finish()]), shorten_pauses(paused))


def test_samples_that_are_no_numbers_are_a_fault(spoken):
    assert JUDGE.faults_of_samples(np.where(np.arange(len(spoken)) == 500, np.nan, spoken).astype(np.float32)) == ("not a number",)


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
