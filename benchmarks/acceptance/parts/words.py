"""Do a recogniser's words agree with the text? By language, in the model's own voice and in that of a clip."""

from __future__ import annotations

from pathlib import Path

from benchmarks.acceptance.recognizer import Errors, count_errors
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.subject import Spoken
from benchmarks.acceptance.texts import SENTENCES


def measure(session: Session) -> None:
    """Sentences of every language that the model speaks and a text is there for."""
    family, scale = session.subject.family, session.scale
    missing, judged = 0, 0
    for language in [language for language in SENTENCES if language in family.languages]:
        found = []
        clips: list[tuple[Path | None, int]] = [(None, scale.sentences)]
        if language == family.default_language:
            clips += [(clip, scale.cloned_sentences) for clip in session.subject.clips[:1]]
        for clip, count in clips:
            for number, text in enumerate(SENTENCES[language][:count]):
                name = f"{language} {clip.stem if clip else 'own'} {number}"
                spoken = session.speak(name, text, clip=clip, language=language, seed=number)
                if session.recognizer.is_available(language):
                    found.append(recognize(session, spoken, language))
        if not found:
            session.skip(threshold_of(language), session.recognizer.why_not(language), language)
            continue
        session.judge(threshold_of(language), error_rate(found), language)
        missing += sum(errors.missing_at_the_end > 0 for errors in found)
        judged += len(found)
    if judged:
        session.judge("tails", missing, f"of {judged}")
    else:
        session.skip("tails", session.recognizer.why_not(family.default_language))


def recognize(session: Session, spoken: Spoken, language: str) -> Errors:
    """The errors in what a recogniser hears; both sides are read by the server, so that numbers are words."""
    heard = session.recognizer.transcribe(spoken.samples, spoken.sample_rate, language)
    errors = count_errors(spoken.words, session.subject.words_of(heard, language), language)
    session.note(f"heard {len(session.figures.get(session.part, {}))}", {"text": spoken.words, "heard": heard, "errors": errors.rate})
    return errors


def error_rate(found: list[Errors]) -> float:
    """The share of all words or characters that are wrong."""
    return sum(errors.count for errors in found) / max(1, sum(errors.total for errors in found))


def threshold_of(language: str) -> str:
    """The name of the threshold that holds for a language."""
    return "wer_en" if language == "en" else "cer" if language in ("zh", "ja", "ko") else "wer"
