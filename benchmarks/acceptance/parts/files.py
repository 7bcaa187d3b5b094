"""The model's files: their checksums, the tensors in them, and the tokenizer."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.acceptance.published_files import published_checksum
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.subject import Loading
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.weights.files import missing_files
from tts_server.engines.chatterbox.weights.language_helpers import needs_segmenter
from tts_server.engines.chatterbox.weights.repository_cache import Checksum
from tts_server.engines.chatterbox.weights.transfer import sha256_of

import torch  # isort: skip
from safetensors import safe_open  # isort: skip

T3_TENSORS = {"chatterbox-turbo": 299, "chatterbox-nano": 155}
GUIDED_T3_TENSORS = 292
S3GEN_TENSORS = {True: (2491,), False: (2488, 2489, 2490)}
"""By whether the flow is distilled (meanflow). Published files without it have or lack the tokenizer's window and its mel filters."""

TEXT_TOKENS = 50276
"""Of the GPT-2 tokenizers, tags and all."""


def measure(session: Session) -> None:
    """Look at all files; load the weights."""
    family, folder = session.subject.family, session.subject.loading.folder
    session.judge("missing", len(missing_files(family, folder)))
    _check_contents(session)
    _check_segmenter(session)
    t3, s3gen = (num_tensors(folder / family.files[part]) for part in ("t3", "s3gen"))
    session.note("tensors of t3", t3)
    session.note("tensors of s3gen", s3gen)
    session.judge("t3_tensors", t3 == T3_TENSORS.get(family.id, GUIDED_T3_TENSORS), f"{t3} tensors")
    session.judge("s3gen_tensors", s3gen in S3GEN_TENSORS[family.is_meanflow], f"{s3gen} tensors")
    parts = session.subject.parts  # raises where a tensor is missing, unknown or of another shape
    session.judge("voice", parts.builtin is not None)
    _check_tokenizer(session, family, parts)


def _check_contents(session: Session) -> None:
    """Compare size and sha256 of each file with what is known of it: from its download, and from the commit that is pinned."""
    loading = session.subject.loading
    differing: list[str] = []
    num_compared = 0
    for name in sorted({*loading.family.files.values(), *loading.family.tokenizer_files}):
        path = loading.folder / name
        if not path.is_file():
            continue
        found = Checksum(path.stat().st_size, sha256_of(path))
        session.note(f"size {name}", found.size)
        session.note(f"sha256 {name}", found.sha256)
        if loading.is_random:
            continue
        expected = known_checksums(loading, name)
        if not expected:
            session.skip("contents", "neither a download nor a pinned commit says what it should be", name)
        elif loading.commit is None and found not in expected:
            session.skip("contents", "a file of your own, not the one of the pinned commit", name)
        else:
            num_compared += 1
            differing += [name] if any(found != checksum for checksum in expected) else []
    session.note("files that differ", differing)
    if loading.is_random:
        session.skip("contents", "random weights")
    elif num_compared:
        session.judge("contents", len(differing), ", ".join(differing) or f"{num_compared} compared")


def known_checksums(loading: Loading, name: str) -> list[Checksum]:
    """What a file had when it was downloaded, and what it has at the commit that it is of (a folder of one's own: at the pinned one)."""
    known = (loading.recorded.get(name), published_checksum(loading.family, loading.commit or loading.family.revision, name))
    return [checksum for checksum in known if checksum is not None]


def _check_segmenter(session: Session) -> None:
    if not needs_segmenter(session.subject.family):
        session.skip("segmenter", "the model does not speak Chinese, or spacy-pkuseg is not installed")
    else:
        session.judge("segmenter", session.subject.loading.segmenter is not None)


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
