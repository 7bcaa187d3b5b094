"""How alike two voices are: the cosine of Resemblyzer's speaker embeddings, where that package is installed."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from tts_server.speech import Samples


class SpeakerEncoder:
    """Loads Resemblyzer at the first use. `reason` says why there is none."""

    def __init__(self) -> None:
        self.reason = ""
        self._encoder: Any = None

    def is_available(self) -> bool:
        """Whether voices can be compared here."""
        if self._encoder is None and not self.reason:
            try:
                with _quiet():
                    from resemblyzer import VoiceEncoder

                    self._encoder = VoiceEncoder("cpu", verbose=False)
            except Exception as error:  # a package that is there may still fail to load
                self.reason = f"install Resemblyzer and setuptools<81 ({type(error).__name__}: {error})"
        return self._encoder is not None

    def embed(self, samples: Samples, sample_rate: int) -> np.ndarray:
        """A unit vector [256] of the speaker of mono `samples`; a zero vector where there is no speech."""
        with _quiet():
            from resemblyzer import preprocess_wav

            speech = preprocess_wav(samples, sample_rate)
            if not len(speech):
                return np.zeros(256, np.float32)
            return np.asarray(self._encoder.embed_utterance(speech))

    def compare(self, one: Samples, other: Samples, sample_rate: int) -> float:
        """Cosine similarity: 1 for the same voice, about 0.5 for strangers."""
        return float(self.embed(one, sample_rate) @ self.embed(other, sample_rate))


@contextlib.contextmanager
def _quiet() -> Any:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
