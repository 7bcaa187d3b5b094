"""How long segments are against what the engine expects: sets whether its limits reject good speech."""

from __future__ import annotations

import numpy as np

from benchmarks.acceptance.session import Session
from tts_server.engines.chatterbox.families import SAMPLE_RATE, TOKEN_RATE
from tts_server.engines.chatterbox.quality import SpeechJudge

MIN_SECONDS = 1.0
"""Shorter texts have no pace of their own."""


def measure(session: Session) -> None:
    """Uses all that was spoken before; a few sentences where nothing was."""
    ensure_spoken(session)
    judge = SpeechJudge()
    ratios: dict[str, list[float]] = {}
    found: dict[str, list[bool]] = {"too short": [], "too long": []}
    for segment in (segment for spoken in session.spoken for segment in spoken.segments):
        usual, seconds = judge.usual_seconds(segment.text, segment.language), len(segment.samples) / SAMPLE_RATE
        # The judge counts tokens; as these are all different, it can find fault with their number alone.
        faults = judge.faults_of_tokens(range(round(seconds * TOKEN_RATE)), segment.text, segment.language)
        for fault, segments in found.items():
            segments.append(fault in faults)
        if usual >= MIN_SECONDS and seconds:
            ratios.setdefault(segment.language or session.subject.family.default_language, []).append(seconds / usual)
    for language, values in ratios.items():
        session.note(
            f"seconds to expected in {language}, percentiles 1, 50, 99", [float(one) for one in np.percentile(values, (1, 50, 99))]
        )
    for name, segments in (("fast", found["too short"]), ("slow", found["too long"])):
        if segments:
            session.judge(name, sum(segments) / len(segments), f"of {len(segments)} segments")
        else:
            session.skip(name, "nothing was spoken")


def ensure_spoken(session: Session) -> None:
    """Speak some sentences if no part before has spoken."""
    if not session.spoken:
        subject = session.subject
        for number, text in enumerate(subject.sentences[: session.scale.sentences]):
            session.speak(f"sentence {number}", text, language=subject.family.default_language, seed=number)
