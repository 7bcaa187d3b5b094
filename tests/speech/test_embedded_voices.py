"""The embedded voice as a listener judges it: who speaks, how clearly, how loud."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import threading

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest
from hibari import Hibari
from speech.asr import transcribe, word_error_rate
from speech.embedding import embed, similarity
from speech.sentences import SENTENCES

from tts_server.engines.embedded.hibari_voice import SAMPLE_RATE, TEMPO_RANGE, HibariVoice
from tts_server.engines.embedded.matching import measure, track_pitch
from tts_server.engines.embedded.personas import PERSONAS
from tts_server.engines.embedded.shape import VoiceShape

Audio = npt.NDArray[np.float32]

SCALE = float(os.environ.get("TEST_SCALE", "1"))
PER_VOICE = SENTENCES[: min(len(SENTENCES), max(6, round(12 * SCALE)))]
OTHERS = [persona for persona in PERSONAS if persona != "alloy"]
GAP = np.zeros(SAMPLE_RATE // 3, np.float32)


def joined(parts: list[Audio]) -> Audio:
    return np.concatenate([piece for part in parts for piece in (part, GAP)])


def loudness(samples: Audio) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770), by ffmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1"]
    command += ["-i", "-", "-af", "ebur128", "-f", "null", "-"]
    report = subprocess.run(command, input=samples.tobytes(), capture_output=True, check=True).stderr.decode("utf-8", "replace")
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", report)[-1])


@pytest.fixture(scope="module")
def speaker() -> HibariVoice:
    return HibariVoice()


@pytest.fixture(scope="module")
def spoken(speaker: HibariVoice) -> dict[str, Audio]:
    """The same sentences by each persona."""
    return {name: joined([speaker.speak(text, persona.shape) for text in PER_VOICE]) for name, persona in PERSONAS.items()}


@pytest.fixture(scope="module")
def error_rates(spoken: dict[str, Audio]) -> dict[str, float]:
    return {name: word_error_rate(" ".join(PER_VOICE), transcribe(audio)) for name, audio in spoken.items()}


@pytest.mark.speech
def test_the_thirteen_voices_are_thirteen_persons(spoken: dict[str, Audio]) -> None:
    voices = {name: embed(audio) for name, audio in spoken.items()}
    pairs = {(a, b): similarity(voices[a], voices[b]) for a, b in itertools.combinations(voices, 2)}
    print({f"{a}-{b}": round(value, 3) for (a, b), value in sorted(pairs.items(), key=lambda item: -item[1])[:8]})
    assert len(pairs) == 78
    assert max(pairs.values()) < 0.93
    assert sum(value < 0.85 for value in pairs.values()) >= len(pairs) / 2


@pytest.mark.speech
@pytest.mark.parametrize("name", OTHERS)
def test_every_voice_is_as_intelligible_as_the_default(error_rates: dict[str, float], name: str) -> None:
    print(name, error_rates[name], error_rates["alloy"])
    assert error_rates[name] <= error_rates["alloy"] + 0.05


@pytest.mark.speech
def test_the_default_voice_is_understood_like_the_bare_package(speaker: HibariVoice) -> None:
    text = " ".join(SENTENCES)
    bare = Hibari()
    expected = word_error_rate(text, transcribe(joined([bare(sentence, seed=1) for sentence in SENTENCES])))
    ours = word_error_rate(text, transcribe(joined([speaker.speak(sentence, VoiceShape(), seed=1) for sentence in SENTENCES])))
    print(f"bare {expected:.4f}, ours {ours:.4f}")
    assert ours <= expected + 0.01
    assert ours < 0.1


@pytest.mark.speech
def test_one_voice_stays_the_same_person_over_other_sentences(speaker: HibariVoice, spoken: dict[str, Audio]) -> None:
    for name in ("onyx", "coral"):
        other = joined([speaker.speak(text, PERSONAS[name].shape) for text in SENTENCES[20:26]])
        assert similarity(embed(other), embed(spoken[name])) > 0.93


@pytest.mark.parametrize("name", PERSONAS)
def test_the_pitch_of_a_voice_is_that_of_its_gender(spoken: dict[str, Audio], name: str) -> None:
    measures = measure(spoken[name], SAMPLE_RATE)
    low, high = {"male": (85.0, 155.0), "female": (165.0, 255.0)}[PERSONAS[name].gender]
    assert low <= measures.pitch_hz <= high
    assert 0.12 < measures.spread_octaves < 0.7, "a voice that neither drones nor sings"


@pytest.mark.parametrize("name", PERSONAS)
def test_every_voice_is_as_loud_as_the_default_and_never_clips(spoken: dict[str, Audio], name: str) -> None:
    assert abs(loudness(spoken[name]) - loudness(spoken["alloy"])) < 1.5
    assert np.abs(spoken[name]).max() < 1.0


@pytest.mark.parametrize("name", PERSONAS)
def test_no_voice_has_a_hole_in_its_spectrum(spoken: dict[str, Audio], name: str) -> None:
    spectrum, default = measure(spoken[name], SAMPLE_RATE).spectrum_db, measure(spoken["alloy"], SAMPLE_RATE).spectrum_db
    assert np.abs(spectrum[1:] - default[1:]).max() < 18.0


def test_the_neutral_shape_is_the_bare_package_bit_by_bit(speaker: HibariVoice) -> None:
    text = "Dr. Smith paid $6 for 4.5 kilos of apples; was that fair? Yes, it was — quite fair."
    assert np.array_equal(speaker.speak(text, VoiceShape(), seed=7), Hibari()(text, seed=7))


def test_the_same_seed_gives_the_same_samples_and_another_seed_others(speaker: HibariVoice) -> None:
    shape = PERSONAS["fable"].shape
    first = speaker.speak("Every word the same.", shape, seed=3)
    assert np.array_equal(first, speaker.speak("Every word the same.", shape, seed=3))
    assert not np.array_equal(first, speaker.speak("Every word the same.", shape, seed=4))


def test_threads_share_a_speaker_without_hearing_each_other(speaker: HibariVoice) -> None:
    jobs = [(text, PERSONAS[name].shape) for text, name in zip(SENTENCES[:8], itertools.cycle(("alloy", "onyx", "nova")))]
    alone = [speaker.speak(text, shape, seed=5) for text, shape in jobs]
    together: dict[int, Audio] = {}

    def work(indices: range) -> None:
        for i in indices:
            together[i] = speaker.speak(jobs[i][0], jobs[i][1], seed=5)

    threads = [threading.Thread(target=work, args=(range(start, len(jobs), 2),)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(together[i], audio) for i, audio in enumerate(alone))


@pytest.mark.parametrize("tempo", [0.8, 0.9, 1.25])
def test_tempo_changes_the_length_and_not_the_pitch(speaker: HibariVoice, tempo: float) -> None:
    text = " ".join(SENTENCES[1:4])
    usual, other = (speaker.speak(text, VoiceShape(), tempo=t) for t in (1.0, tempo))
    assert len(usual) / len(other) == pytest.approx(tempo, rel=0.15)
    medians = [float(np.median(pitch[pitch > 0])) for pitch in (track_pitch(usual, SAMPLE_RATE), track_pitch(other, SAMPLE_RATE))]
    assert medians[1] == pytest.approx(medians[0], rel=0.08)


@pytest.mark.speech
@pytest.mark.parametrize("tempo", [*TEMPO_RANGE, 1.2])
def test_every_tempo_the_network_is_asked_for_is_intelligible(speaker: HibariVoice, tempo: float) -> None:
    audio = joined([speaker.speak(text, VoiceShape(), tempo=tempo) for text in PER_VOICE])
    assert word_error_rate(" ".join(PER_VOICE), transcribe(audio)) < 0.12


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("He said Привет to us.", "He said privet to us."),
        ("They met in 東京 today.", "They met in dong jing today."),
        ("Ａ ｆｕｌｌ width.", "A full width."),
        ("A zero\u200bwidth space.", "A zerowidth space."),
        ("It is 5 ≤ 9.", "It is 5 less than or equal to 9."),
        ("It costs 10 €.", "It costs 10 euros."),
        ("The letter α.", "The letter alpha."),
    ],
)
def test_words_of_other_scripts_are_read_and_not_dropped(speaker: HibariVoice, text: str, reading: str) -> None:
    assert speaker.phonemes(text) == speaker.phonemes(reading)


@pytest.mark.parametrize("word", ["naïve", "café", "Łódź", "señor", "cafe\u0301"])
def test_accented_words_are_spoken(speaker: HibariVoice, word: str) -> None:
    assert len("".join(speaker.phonemes(word))) >= 4


def test_phoneme_markup_in_a_text_is_read_as_text(speaker: HibariVoice) -> None:
    assert "hˈædˌɑk" not in "".join(speaker.phonemes("[word](/hˈædˌɑk/)"))
    assert speaker.phonemes("word")[0] in speaker.phonemes("[word](/x/)")[0]


@pytest.mark.parametrize("text", ["and then we walked on " * 60, "first, " * 200, "x" * 600])
def test_long_strings_are_split_without_losing_a_sound(speaker: HibariVoice, text: str) -> None:
    parts = speaker.phonemes(text)
    assert max(map(len, parts)) <= 400
    once = "".join(speaker.phonemes(text[: len(text) // 4])).replace(" ", "")
    assert len("".join(parts).replace(" ", "")) >= 3.8 * len(once)


@pytest.mark.parametrize("text", ["", " ", "😀", "\u200b"])
def test_nothing_to_say_is_no_sound(speaker: HibariVoice, text: str) -> None:
    assert len(speaker.speak(text, VoiceShape())) == 0
