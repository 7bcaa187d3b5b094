"""Texts that models stumble over: numbers, abbreviations, marks, one word, no comma, a tag alone."""

from __future__ import annotations

from benchmarks.acceptance.parts.words import error_rate, recognize
from benchmarks.acceptance.recording import SpokenSegment
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.texts import HARD_TEXTS, TAG_ALONE
from tts_server.engines.chatterbox.families import SAMPLE_RATE
from tts_server.engines.chatterbox.quality import SpeechJudge


def measure(session: Session) -> None:
    """English, with the server's reading of numbers and marks."""
    family = session.subject.family
    if "en" not in family.languages:
        session.skip_all("the texts are English")
        return
    can_hear = session.recognizer.is_available("en")
    longest, found = 0.0, []
    for name, text in list(HARD_TEXTS.items())[: session.scale.hard_texts]:
        spoken = session.speak(name, text, language="en")
        longest = max(longest, *(_to_usual(segment) for segment in spoken.segments))
        session.note(f"retries of {name}", spoken.retries)
        if can_hear:
            errors = recognize(session, spoken, "en")
            session.note(f"errors of {name}", errors.rate)
            found.append(errors)
    if TAG_ALONE.strip("[]") in {tag.strip("[]") for tag in family.tags}:
        session.note(f"retries of {TAG_ALONE}", session.speak("tag alone", TAG_ALONE, language="en").retries)
    session.judge("length", longest)
    if found:
        session.judge("heard", 1.0 - error_rate(found))
    else:
        session.skip("heard", session.recognizer.why_not("en"))


def _to_usual(segment: SpokenSegment) -> float:
    """How many times its usual length a segment is; short ones get a second's grace."""
    seconds = len(segment.samples) / SAMPLE_RATE
    return max(0.0, seconds - 1.0) / max(0.5, SpeechJudge().usual_seconds(segment.text, segment.language))
