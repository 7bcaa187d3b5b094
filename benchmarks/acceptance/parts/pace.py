"""How long segments are against what the engine expects: sets whether its limits reject good speech."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.acceptance.session import Session
from benchmarks.acceptance.texts import SENTENCES
from tts_server.engines.chatterbox.quality import FASTEST, SLOWEST, usual_seconds

__all__ = ["measure", "usual_seconds"]


def measure(session: Session) -> None:
    """Uses all that was spoken before; a few sentences where nothing was."""
    ensure_spoken(session)
    ratios = ratios_by_language(session)
    if not ratios:
        session.skip_all("nothing was spoken")
        return
    together = np.concatenate([np.asarray(values) for values in ratios.values()])
    for language, values in ratios.items():
        session.note(f"percentiles 1, 50, 99 in {language}", [float(value) for value in np.percentile(values, (1, 50, 99))])
    low, median, high = (float(value) for value in np.percentile(together, (1, 50, 99)))
    session.judge("fast", low * FASTEST)
    session.judge("slow", high / SLOWEST)
    session.note("constants that would fit", {"FASTEST": 1.2 / max(low, 1e-3), "SLOWEST": 1.2 * high, "usual pace": median})


def ensure_spoken(session: Session) -> None:
    """Speak some sentences if no part before has spoken."""
    if not session.spoken:
        language = session.subject.family.languages[0] if "en" not in session.subject.family.languages else "en"
        for number, text in enumerate(SENTENCES.get(language, SENTENCES["en"])[: session.scale.sentences]):
            session.speak(f"sentence {number}", text, language=language, seed=number)


def ratios_by_language(session: Session) -> dict[str, list[float]]:
    """Seconds over expected seconds of each segment that is long enough to have a pace."""
    rate = session.subject.engine.capabilities.sample_rate
    ratios: dict[str, list[float]] = {}
    for segment in (segment for spoken in session.spoken for segment in spoken.segments):
        usual = usual_seconds(segment.text)
        if usual >= 1.0 and not math.isclose(len(segment.samples), 0):
            ratios.setdefault(segment.language or "en", []).append(len(segment.samples) / rate / usual)
    return ratios
