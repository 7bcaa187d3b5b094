"""Recordings for voice conversion, cut at quiet places into pieces short enough for S3Gen."""

from __future__ import annotations

import numpy as np
import soxr

from tts_server.speech import Samples, VoiceReference

TOKENIZER_RATE = 16000
"""Sample rate of the speech tokenizer, in Hz."""

PIECE_SECONDS = 20.0
SEARCH_SECONDS = 6.0
WINDOW_SECONDS = 0.1


def recording_pieces(source: VoiceReference) -> list[Samples]:
    """The recording at TOKENIZER_RATE, in pieces of at most PIECE_SECONDS that together hold every sample.

    Each cut lies in the quietest tenth of a second of the piece's last SEARCH_SECONDS.
    """
    samples = soxr.resample(source.samples, source.sample_rate, TOKENIZER_RATE, quality="HQ").astype(np.float32)
    longest, search, window = (round(seconds * TOKENIZER_RATE) for seconds in (PIECE_SECONDS, SEARCH_SECONDS, WINDOW_SECONDS))
    pieces = []
    start = 0
    while len(samples) - start > longest:
        late = samples[start + longest - search : start + longest]
        powers = np.square(late[: len(late) // window * window].reshape(-1, window)).mean(axis=1)
        end = start + longest - search + int(powers.argmin()) * window + window // 2
        pieces.append(samples[start:end])
        start = end
    pieces.append(samples[start:])
    return pieces
