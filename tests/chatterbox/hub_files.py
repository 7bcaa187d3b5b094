"""Files of models without a content that anybody loads, for the small hub and for its cache."""

from __future__ import annotations

from pathlib import Path

from small_hub import LARGE

from tts_server.engines.chatterbox.families import NANO, Family
from tts_server.engines.chatterbox.weights.repository_cache import RepositoryCache


def content(words: str, size: int) -> bytes:
    return (words.encode() * (size // len(words) + 1))[:size]


def files_of(family: Family, words: str = "") -> dict[str, bytes]:
    """All files of a model's own repository; those of weights are large ones on the hub."""
    weights = {name: content(f"{name} {words}", 2 * LARGE) for part, name in family.files.items() if part != "conditionals"}
    others = {family.files["conditionals"]: b"conds", **dict.fromkeys(family.tokenizer_files, b"{}")}
    return {name: data for name, data in {**weights, **others}.items() if name not in family.shared.names}


def put_snapshot(cache: RepositoryCache, commit: str, family: Family = NANO) -> Path:
    """What another program has downloaded."""
    folder = cache.snapshot(commit)
    folder.mkdir(parents=True)
    for name, data in files_of(family, commit).items():
        (folder / name).write_bytes(data)
    return folder
