"""Exact mode on a CPU against the stock package on the same files: the same audio for the same seed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.acceptance.session import Session
from benchmarks.checkpoints import load_stock
from benchmarks.upstream import REPETITION_PENALTY, multilingual_as_upstream
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.families import MULTILINGUAL_V2, Family
from tts_server.engines.chatterbox.weights import stock
from tts_server.speech import Samples

import torch  # isort: skip
from safetensors.torch import load_file  # isort: skip

WATERMARK_SAMPLES = 240
"""The stock watermarker may swallow so many at the end."""


def measure(session: Session) -> None:
    """Both speak one text with several seeds."""
    subject = session.subject
    text = subject.sentences[0]
    ours = _speak_ours(session, text)
    expected = {}
    with stock_folder(subject.family, subject.loading.folder) as folder, multilingual_as_upstream():
        tts = load_stock(stock_kind(subject.family), folder)
        for seed in ours:
            torch.manual_seed(seed)
            options = {"language_id": subject.language, "repetition_penalty": REPETITION_PENALTY} if subject.language else {}
            expected[seed] = tts.generate(text, **options)[0].numpy()
    session.judge("length", max(abs(len(ours[seed]) - len(expected[seed])) for seed in ours))
    session.judge("samples", max(largest_difference(ours[seed], expected[seed]) for seed in ours))


def largest_difference(one: Samples, other: Samples) -> float:
    """Between the samples of two recordings, as far as both go."""
    length = min(len(one), len(other))
    return float(np.abs(one[:length] - other[:length]).max(initial=0.0))


def stock_kind(family: Family) -> str:
    """The kind of checkpoint, as `load_stock` names it, whose class speaks a family."""
    return "multilingual" if family.is_multilingual else family.id.removeprefix("chatterbox-")


@contextlib.contextmanager
def stock_folder(family: Family, folder: Path) -> Iterator[Path]:
    """The model's files by the names that the stock classes of 0.1.7 read: they know one version of the multilingual model."""
    if not family.is_multilingual or family.files == MULTILINGUAL_V2.files:
        yield folder
        return
    known = {family.files[part]: name for part, name in MULTILINGUAL_V2.files.items()}
    with tempfile.TemporaryDirectory() as temporary:
        for path in folder.iterdir():
            target = Path(temporary, known.get(path.name, path.name))
            if path.suffix != target.suffix:
                _write_stock_s3gen(path, target)
                continue
            try:
                target.symlink_to(path.resolve())
            except OSError:  # Windows asks for a privilege
                shutil.copyfile(path, target)
        yield Path(temporary)


def _write_stock_s3gen(path: Path, target: Path) -> None:
    """S3Gen in the stock class's format, with the constants that it computes itself and wants in the file all the same."""
    s3gen = stock.S3Gen()
    s3gen.load_state_dict(load_file(path), strict=False)
    torch.save(s3gen.state_dict(), target)


def _speak_ours(session: Session, text: str) -> dict[int, Samples]:
    """Our audio by seed, from an engine without checks, which would have another attempt where stock has one."""
    engine = session.subject.create_engine(device="cpu", mode="exact", checks_speech=False)
    try:
        voice = engine.builtin_voice(engine.voices()[0].id)
        spoken = {}
        for seed in range(session.scale.seeds):
            stream = engine.submit(Utterance(text, voice, 0, seed, 1.0, session.subject.language, {}, seed))
            spoken[seed] = np.concatenate([np.zeros(0, np.float32), *stream.chunks(Cancellation())])
            session.save(f"seed {seed}", spoken[seed], engine.capabilities.sample_rate)
        return spoken
    finally:
        engine.close()
