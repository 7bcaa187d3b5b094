"""Fast mode beside exact mode: the words, the voice, and the joints of its blocks."""

from __future__ import annotations

import numpy as np

from benchmarks.acceptance.levels import steps_at
from benchmarks.acceptance.parts.words import error_rate, recognize
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.subject import Spoken

PERCENTILE = 99


def measure(session: Session) -> None:
    """The same sentences in both modes, one after the other, so that one model is loaded at a time."""
    language = session.subject.family.default_language
    spoken: dict[str, list[Spoken]] = {}
    own = session.subject.loading.mode
    for mode in (own, *({"exact", "fast"} - {own})):
        subject = session.subject if mode == own else session.subject.in_mode(mode)
        try:
            for number, text in enumerate(subject.sentences[: session.scale.sentences]):
                one = session.speak(f"{mode} {number}", text, subject=subject, language=language, seed=number)
                spoken.setdefault(mode, []).append(one)
        finally:
            subject.unload()
    if session.recognizer.is_available(language):
        exact, fast = (error_rate([recognize(session, one, language) for one in spoken[mode]]) for mode in ("exact", "fast"))
        session.judge("words", fast - exact)
    else:
        session.skip("words", session.recognizer.why_not(language))
    _compare_voices(session, spoken)
    joints, inside = joints_of(spoken["fast"])
    if len(joints) and len(inside):
        session.judge("joints", float(np.mean(joints > np.percentile(inside, PERCENTILE))), f"{len(joints)} joints")
    else:
        session.skip("joints", "nothing was sent in blocks")


def joints_of(spoken: list[Spoken]) -> tuple[np.ndarray, np.ndarray]:
    """How abrupt the sound is where blocks meet, and at other places of the same audio."""
    joints, inside = [np.zeros(0)], [np.zeros(0)]
    for segment in (segment for one in spoken for segment in one.segments):
        edges = np.cumsum([len(chunk) for chunk in segment.chunks])[:-1]
        joints.append(steps_at(segment.samples, [int(edge) for edge in edges]))
        far = [at for at in range(0, len(segment.samples), 97) if not len(edges) or np.abs(edges - at).min() > 1000]
        inside.append(steps_at(segment.samples, far))
    return np.concatenate(joints), np.concatenate(inside)


def _compare_voices(session: Session, spoken: dict[str, list[Spoken]]) -> None:
    if not session.speakers.is_available():
        session.skip("voice", session.speakers.reason)
        return
    rate = spoken["exact"][0].sample_rate
    exact, fast = (np.concatenate([one.samples for one in spoken[mode]]) for mode in ("exact", "fast"))
    session.judge("voice", session.speakers.compare(exact, fast, rate))
