"""How many segments were made again because they did not sound like their text."""

from __future__ import annotations

from benchmarks.acceptance.parts.pace import ensure_spoken
from benchmarks.acceptance.session import Session


def measure(session: Session) -> None:
    """Uses all that was spoken before. Without the engine's checks, as with random weights, there are none."""
    ensure_spoken(session)
    segments = [segment for spoken in session.spoken for segment in spoken.segments]
    if not segments:
        session.skip_all("nothing was spoken")
        return
    session.note("segments", len(segments))
    session.note("texts of segments made again", [segment.text for segment in segments if segment.retries])
    session.judge("retried", sum(segment.retries > 0 for segment in segments) / len(segments), f"of {len(segments)} segments")
