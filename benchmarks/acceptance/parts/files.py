"""The model's files: their checksums, the tensors in them, and the tokenizer."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.acceptance.session import Session
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.weights.files import missing_files

import torch  # isort: skip
from safetensors import safe_open  # isort: skip

T3_TENSORS = {"chatterbox-turbo": 299, "chatterbox-nano": 155}
GUIDED_T3_TENSORS = 292
S3GEN_TENSORS = {True: (2491,), False: (2489, 2490)}
"""By whether the flow is distilled (meanflow). Published files without it have or lack the tokenizer's window."""

TEXT_TOKENS = 50276
"""Of the GPT-2 tokenizers, tags and all."""


def measure(session: Session) -> None:
    """Look at all files; load the weights."""
    family, folder = session.subject.family, session.subject.loading.folder
    session.judge("missing", len(missing_files(family, folder)))
    files = sorted({*family.files.values(), *family.tokenizer_files})
    for name in files:
        if (folder / name).is_file():
            session.note(f"sha256 {name}", sha256(folder / name))
    t3, s3gen = (num_tensors(folder / family.files[part]) for part in ("t3", "s3gen"))
    session.note("tensors of t3", t3)
    session.note("tensors of s3gen", s3gen)
    session.judge("t3_tensors", t3 == T3_TENSORS.get(family.id, GUIDED_T3_TENSORS), f"{t3} tensors")
    session.judge("s3gen_tensors", s3gen in S3GEN_TENSORS[family.is_meanflow], f"{s3gen} tensors")
    parts = session.subject.parts  # raises where a tensor is missing, unknown or of another shape
    session.judge("voice", parts.builtin is not None)
    _check_tokenizer(session, family, parts)


def sha256(path: Path) -> str:
    """The checksum of a file, as the hub lists it."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(2**22), b""):
            digest.update(block)
    return digest.hexdigest()


def num_tensors(path: Path) -> int:
    """How many tensors a file of weights holds."""
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            return len(list(file.keys()))
    stored = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    return sum(isinstance(value, torch.Tensor) for value in stored.values())


def _check_tokenizer(session: Session, family: Family, parts: Any) -> None:
    if not family.is_gpt2:
        session.skip("vocabulary", "the tokenizer of this model has no tags")
        session.skip("tags", "the tokenizer of this model has no tags")
        return
    session.judge("vocabulary", len(parts.tokenizer))
    session.judge("tags", share_of_single_tokens(parts.tokenizer, family.tags))


def share_of_single_tokens(tokenizer: Any, tags: Iterable[str]) -> float:
    """The share of tags that are one token each."""
    lengths = [len(tokenizer(tag).input_ids) for tag in sorted(tags)]
    return sum(length == 1 for length in lengths) / len(lengths)
