"""Minutes of prose: the words, and whether loudness, voice and pauses stay the same from the first segment to the last."""

from __future__ import annotations

import numpy as np

from benchmarks.acceptance.levels import longest_inner_silence, loudness, tail_level
from benchmarks.acceptance.parts.words import recognize, threshold_of
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.texts import prose

MIN_VOICE_SECONDS = 1.6
"""Shorter segments tell too little about the speaker."""


def measure(session: Session) -> None:
    """One text, as the server streams it."""
    language = session.subject.family.default_language
    spoken = session.speak("prose", prose(language, session.scale.prose_words), language=language)
    rate = spoken.sample_rate
    session.note("seconds", spoken.seconds)
    session.note("segments", len(spoken.segments))
    session.judge("silence", longest_inner_silence(spoken.samples, rate))
    levels = [level for piece in spoken.pieces if np.isfinite(level := loudness(piece, rate))]
    session.note("loudness of the segments", levels)
    session.judge("loudness", max(levels) - min(levels) if levels else float("nan"))
    tails = [tail_level(segment.samples, rate) for segment in spoken.segments]
    session.judge("tails", max(tails, default=float("nan")))
    if session.recognizer.is_available(language):
        errors = recognize(session, spoken, language)
        session.judge("wer", errors.rate, threshold_of(language))
    else:
        session.skip("wer", session.recognizer.why_not(language))
    if not session.speakers.is_available():
        session.skip("voice", session.speakers.reason)
        return
    long_enough = [piece for piece in spoken.pieces if len(piece) >= MIN_VOICE_SECONDS * rate]
    if len(long_enough) < 2:
        session.skip("voice", "fewer than two segments are long enough")
        return
    first, *others = (session.speakers.embed(piece, rate) for piece in long_enough)
    session.judge("voice", min(float(first @ other) for other in others))
