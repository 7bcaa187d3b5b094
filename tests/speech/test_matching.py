"""Voice matching moves towards the reference, and says in words why a clip is of no use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech.asr import transcribe, word_error_rate
from speech.embedding import embed, similarity
from speech.sentences import SENTENCES

from tts_server.engines.embedded.hibari_voice import SAMPLE_RATE, HibariVoice
from tts_server.engines.embedded.matching import (
    NEUTRAL_MEDIAN_HZ,
    NEUTRAL_SPECTRUM_DB,
    NEUTRAL_SPREAD_OCTAVES,
    match,
    measure,
    track_pitch,
)
from tts_server.engines.embedded.shape import VoiceShape
from tts_server.errors import InvalidReference
from tts_server.speech import Samples, VoiceReference

CLIPS = sorted((Path(__file__).parent.parent / "clips").glob("*.flac"))
TEXTS = SENTENCES[1:7]


def reference(samples: Samples, rate: int = 16000) -> VoiceReference:
    return VoiceReference(samples.astype(np.float32), rate, "0" * 64)


def clip(path: Path) -> VoiceReference:
    samples, rate = soundfile.read(path, dtype="float32")
    return reference(samples, rate)


@pytest.fixture(scope="module")
def speaker() -> HibariVoice:
    return HibariVoice()


@pytest.fixture(scope="module")
def say(speaker: HibariVoice):  # type: ignore[no-untyped-def]
    return lambda shape: np.concatenate([speaker.speak(text, shape) for text in TEXTS])


@pytest.fixture(scope="module")
def default_voice(say) -> Samples:  # type: ignore[no-untyped-def]
    return say(VoiceShape())


@pytest.fixture(scope="module")
def default_error_rate(default_voice: Samples) -> float:
    return word_error_rate(" ".join(TEXTS), transcribe(default_voice))


def test_there_are_clips_of_men_and_women() -> None:
    names = [path.stem for path in CLIPS]
    assert len(names) >= 6
    assert {name.split("_")[0] for name in names} == {"female", "male"}


@pytest.mark.speech
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_a_matched_voice_is_nearer_to_the_clip_and_intelligible(path: Path, say, default_voice, default_error_rate) -> None:  # type: ignore[no-untyped-def]
    heard = clip(path)
    matched = say(match(heard))
    who = embed(heard.samples, heard.sample_rate)
    before, after = similarity(embed(default_voice), who), similarity(embed(matched), who)
    error_rate = word_error_rate(" ".join(TEXTS), transcribe(matched))
    print(f"{path.stem}: {before:.3f} -> {after:.3f}, word error rate {error_rate:.3f}")
    assert after > before + 0.01
    assert error_rate <= default_error_rate + 0.06
    assert np.abs(matched).max() < 1.0


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_a_matched_voice_has_the_pitch_of_the_clip(path: Path, say) -> None:  # type: ignore[no-untyped-def]
    heard = clip(path)
    wanted = measure(heard.samples, heard.sample_rate).pitch_hz
    assert measure(say(match(heard)), SAMPLE_RATE).pitch_hz == pytest.approx(wanted, rel=0.08)


def test_the_pitch_tracker_finds_the_pitch_of_a_pulse_train() -> None:
    for hertz in (82.0, 123.4, 246.8):
        pulses = np.zeros(16000, np.float32)
        pulses[(np.arange(0, 1, 1 / hertz) * 16000).astype(int)] = 0.9
        pitch = track_pitch(np.convolve(pulses, np.hanning(24), "same").astype(np.float32), 16000)
        assert np.mean(pitch > 0) > 0.8
        assert np.median(pitch[pitch > 0]) == pytest.approx(hertz, rel=0.01)


def test_the_neutral_measures_are_those_of_the_unshaped_voice(speaker: HibariVoice) -> None:
    measures = measure(np.concatenate([speaker.speak(text, VoiceShape()) for text in SENTENCES[:10]]), SAMPLE_RATE)
    assert measures.pitch_hz == pytest.approx(NEUTRAL_MEDIAN_HZ, rel=0.06)
    assert measures.spread_octaves == pytest.approx(NEUTRAL_SPREAD_OCTAVES, rel=0.35)
    assert np.abs(measures.spectrum_db - NEUTRAL_SPECTRUM_DB)[1:].mean() < 1.5


def test_a_clip_of_the_default_voice_leaves_it_almost_as_it_is(default_voice: Samples) -> None:
    shape = match(reference(default_voice, SAMPLE_RATE))
    assert shape.pitch_scale == pytest.approx(1.0, abs=0.06)
    assert shape.envelope_stretch == pytest.approx(1.0, abs=0.03)
    assert np.abs(shape.bands_db).max() < 5.0


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_the_clip_may_have_any_sample_rate(rate: int) -> None:
    import soxr

    heard = clip(CLIPS[-1])
    resampled = reference(soxr.resample(heard.samples, heard.sample_rate, rate), rate)
    assert match(resampled).pitch_scale == pytest.approx(match(heard).pitch_scale, rel=0.03)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(0), "no usable audio"),
        (np.full(16000, np.nan), "no usable audio"),
        (np.zeros(48000), "silent"),
        (np.random.default_rng(0).normal(0, 0.1, 48000), "only 0.0 s of the 3.0 s clip"),
        (0.3 * np.sin(np.arange(48000) / 16000 * 2 * np.pi * 220), "steady tone of 220 Hz"),
        (np.full(100, 0.1), "only 0.0 s"),
    ],
    ids=["empty", "nan", "silence", "noise", "tone", "short"],
)
def test_a_clip_without_a_voice_is_refused_with_the_reason(samples: Samples, reason: str) -> None:
    with pytest.raises(InvalidReference, match=reason):
        match(reference(samples))
