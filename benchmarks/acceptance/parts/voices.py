"""Clones of the clips that come with the server: how alike they are to the clip, beside those of the stock package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.acceptance.parts.stock_equality import stock_folder, stock_kind
from benchmarks.acceptance.session import Session
from benchmarks.checkpoints import load_stock
from benchmarks.upstream import multilingual_as_upstream
from tts_server.speech import Samples

import torch  # isort: skip


def measure(session: Session) -> None:
    """Both speak two sentences in each voice."""
    subject = session.subject
    text = " ".join(subject.sentences[:2])
    clips = subject.clips[: session.scale.clips]
    ours = {clip: session.speak(clip.stem, text, clip=clip, language=subject.family.default_language).samples for clip in clips}
    if not session.speakers.is_available():
        session.skip_all(session.speakers.reason)
        return
    theirs = speak_stock(session, clips, text)
    rate = subject.engine.capabilities.sample_rate
    for clip in clips:
        reference = subject.reference(clip)
        target = session.speakers.embed(reference.samples, reference.sample_rate)
        alike, stock_alike = (float(target @ session.speakers.embed(spoken[clip], rate)) for spoken in (ours, theirs))
        session.judge("similarity", alike, clip.stem)
        session.judge("to_stock", alike - stock_alike, clip.stem)


def speak_stock(session: Session, clips: list[Path], text: str) -> dict[Path, Samples]:
    """What the stock package says in the voice of each clip."""
    subject = session.subject
    spoken = {}
    with stock_folder(subject.family, subject.loading.folder) as folder, multilingual_as_upstream():
        tts = load_stock(stock_kind(subject.family), folder, subject.device)
        for clip in clips:
            tts.prepare_conditionals(clip)
            torch.manual_seed(1)
            options = {"language_id": subject.language} if subject.language else {}
            spoken[clip] = np.asarray(tts.generate(text, **options)[0].numpy())
            session.note(f"stock seconds of {clip.stem}", len(spoken[clip]) / tts.sr)
    return spoken
