"""Runs the chosen parts over the chosen models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.acceptance import report
from benchmarks.acceptance.recognizer import Recognizer
from benchmarks.acceptance.scale import Scale
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.similarity import SpeakerEncoder
from benchmarks.acceptance.subject import Loading, Subject
from benchmarks.acceptance.table import PARTS
from tts_server.engines.embedded.engine import EmbeddedEngine


def accept(
    models: Sequence[Loading],
    parts: Sequence[str],
    scale: Scale,
    output: Path,
    say: Callable[[str], None],
    *,
    recognizer: Recognizer | None = None,
    speakers: SpeakerEncoder | None = None,
) -> list[Session]:
    """Run `parts` for each model; write the reports into `output`, again after each model.

    A part that raises is listed as failed, and the next one runs. Unless given, the recogniser is one that is on this machine.
    """
    embedded = EmbeddedEngine(1)
    recognizer = recognizer or Recognizer(may_download=False)
    speakers = speakers or SpeakerEncoder()
    sessions: list[Session] = []
    try:
        for loading in models:
            session = Session(Subject(loading, embedded), scale, output, recognizer, speakers, say)
            sessions.append(session)
            try:
                _run(session, parts)
            finally:
                session.subject.unload()
                report.write(output, sessions)
    finally:
        embedded.close()
    return sessions


def _run(session: Session, parts: Sequence[str]) -> None:
    for part in PARTS:
        if part.name in parts:
            session.begin(part.name, part.thresholds)
            try:
                part.measure(session)
            except Exception as error:  # the report must come out, with what went wrong in it
                session.fail(error)
