"""Written forms as a listener hears them: spoken by the default voice, read back by a speech recogniser, compared word by word."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import jiwer
import numpy as np
import numpy.typing as npt
import pytest
from speech.asr import transcribe, words
from speech.normalized_sentences import SENTENCES

from tts_server.engines.embedded.hibari_voice import SAMPLE_RATE, HibariVoice
from tts_server.engines.embedded.personas import PERSONAS
from tts_server.text.phonemes import phoneme_span
from tts_server.text.reading import ReadingOptions, read_text

Audio = npt.NDArray[np.float32]

SCALE = float(os.environ.get("TEST_SCALE", "1"))
SPOKEN = SENTENCES[: min(len(SENTENCES), max(40, round(len(SENTENCES) * SCALE)))]
GAP = np.zeros(SAMPLE_RATE // 3, np.float32)
WINDOW_SECONDS = 24.0
"""The recogniser hears 30 seconds at a time; a sentence across two windows would be heard in halves."""

OPTIONS = ReadingOptions(language="en", reads_ipa=True)
PRONUNCIATIONS = {
    "Versailles": "vɛʁˈsaɪ",
    "Worcester": "ˈwʊstɚ",
    "Bach": "bax",
    "Beijing": "beɪˈd͡ʒɪŋ",
    "Hermione": "hɚˈmaɪəni",
    "Siobhan": "ʃɪˈvɔːn",
}
_DOTTED_TIME = re.compile(r"\b(\d{1,2})\.(\d\d)(?= ?[ap]\.?m\b)", re.IGNORECASE)
_LETTERS = re.compile(r"(?<!\w)\w(?: \w)+(?!\w)")


@pytest.fixture(scope="module")
def speaker() -> HibariVoice:
    return HibariVoice()


def in_words(text: str) -> str:
    """A text as words in one spelling: numbers written out, initialisms without spaces, hyphens as spaces."""
    text = _DOTTED_TIME.sub(r"\1:\2", text)
    return _LETTERS.sub(lambda letters: letters[0].replace(" ", ""), words(read_text(text, OPTIONS).text.replace("-", " ")))


def windows(speaker: HibariVoice) -> Iterator[tuple[str, Audio]]:
    """What should be heard and the sound of it, a few sentences at a time."""
    said: list[str] = []
    parts: list[Audio] = []
    length = 0
    for written, expected in SPOKEN:
        samples = speaker.speak(read_text(written, OPTIONS).text, PERSONAS["alloy"].shape, seed=1)
        if parts and length + len(samples) > WINDOW_SECONDS * SAMPLE_RATE:
            yield " ".join(said), np.concatenate(parts)
            said, parts, length = [], [], 0
        said.append(expected)
        parts += samples, GAP
        length += len(samples) + len(GAP)
    yield " ".join(said), np.concatenate(parts)


@pytest.mark.speech
def test_written_forms_are_understood_as_the_words_they_stand_for(speaker: HibariVoice) -> None:
    num_words = num_errors = 0
    for said, audio in windows(speaker):
        heard = transcribe(audio)
        compared = jiwer.process_words(in_words(said), in_words(heard))
        errors = compared.substitutions + compared.deletions + compared.insertions
        num_words += compared.hits + compared.substitutions + compared.deletions
        num_errors += errors
        if errors:
            print(f"{errors} wrong\n  said  {said}\n  heard {heard}")
    print(f"{num_errors} of {num_words} words wrong: {num_errors / num_words:.4f}")
    assert num_errors / num_words < 0.05


@pytest.mark.speech
def test_the_same_sentences_read_as_written_are_understood_less(speaker: HibariVoice) -> None:
    """Without the text front end this measure finds far more errors: it can tell good from bad."""
    shape = PERSONAS["alloy"].shape
    chosen = SENTENCES[7::16]
    as_written = " ".join(in_words(transcribe(np.concatenate([speaker.speak(written, shape, seed=1), GAP]))) for written, _ in chosen)
    as_words = " ".join(
        in_words(transcribe(np.concatenate([speaker.speak(read_text(written, OPTIONS).text, shape, seed=1), GAP]))) for written, _ in chosen
    )
    said = in_words(" ".join(expected for _, expected in chosen))
    rates = jiwer.wer(said, as_words), jiwer.wer(said, as_written)
    print("read {:.3f}, as written {:.3f}".format(*rates))
    assert rates[0] < rates[1]


@pytest.mark.speech
def test_pronunciations_in_ipa_are_heard_as_the_words_they_are_of(speaker: HibariVoice) -> None:
    """The written word says nothing about the sound: what is heard comes from the IPA."""
    shape = PERSONAS["alloy"].shape
    texts = [f"We talked about {phoneme_span('thing', ipa)} in the park today." for ipa in PRONUNCIATIONS.values()]
    heard = words(transcribe(np.concatenate([piece for text in texts for piece in (speaker.speak(text, shape, seed=1), GAP)])))
    missed = [name for name in PRONUNCIATIONS if name.lower() not in heard.split()]
    print(heard)
    assert len(missed) <= 1, missed
