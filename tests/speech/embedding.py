"""How alike two voices sound: Resemblyzer's speaker embedding, whose model is in its wheel."""

from __future__ import annotations

import contextlib
import functools
import io
import warnings

import numpy as np
import numpy.typing as npt

Embedding = npt.NDArray[np.float32]


@contextlib.contextmanager
def _quietly():  # type: ignore[no-untyped-def]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@functools.lru_cache(maxsize=1)
def _encoder():  # type: ignore[no-untyped-def]
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)


def embed(samples: npt.NDArray[np.float32], sample_rate: int = 24000) -> Embedding:
    """A unit vector that tells who speaks in mono `samples`; several sentences make it steady."""
    with _quietly():
        from resemblyzer import preprocess_wav

        embedding: Embedding = _encoder().embed_utterance(preprocess_wav(samples, sample_rate))
    return embedding


def similarity(one: Embedding, other: Embedding) -> float:
    """Cosine similarity: 1.0 for the same voice, about 0.5 for strangers."""
    return float(one @ other)
