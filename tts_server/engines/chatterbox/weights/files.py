"""Finds a model's files: in a folder of the owner's or in the cache of the Hugging Face hub, into which they are downloaded.

`locate` never uses the network. `fetch` downloads the commit of the settings, and `find` does so only where `locate` finds nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tts_server.engines.chatterbox.failures import DownloadFailed, WeightsMissing
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.weights.hub import HUB, Report, Revisions, current_commit, download
from tts_server.engines.chatterbox.weights.repository_cache import RepositoryCache, is_commit, link_or_copy
from tts_server.engines.chatterbox.weights.transfer import PAUSE_SECONDS, STALL_SECONDS, Connection

log = logging.getLogger(__name__)

BRANCH = "main"
"""The branch that is downloaded of a repository for which no commit is pinned."""

ALL_MODELS = ""
"""The key of `FileOptions.revisions` that stands for all models."""

_BYTE_TOKENIZER = (frozenset({"tokenizer.json"}), frozenset({"vocab.json", "merges.txt"}))
"""GPT-2's tokenizer comes in one file or in two; all its other files are optional."""


@dataclass(frozen=True)
class FileOptions:
    """Where files are searched and downloaded from.

    `model_dir` holds the files of one model, or a folder for each, named after it (`chatterbox-turbo` or `turbo`). `hf_home` contains
    the cache of the hub, `endpoint` is a mirror of the hub. `revisions` maps model ids, or ALL_MODELS, to a commit, branch or tag that is
    used instead of the pinned commit.
    """

    model_dir: Path | None = None
    hf_home: Path | None = None
    endpoint: str | None = None
    token: str | None = None
    is_offline: bool = False
    revisions: Mapping[str, str] = field(default_factory=dict)
    stall_seconds: float = STALL_SECONDS
    pause_seconds: float = PAUSE_SECONDS

    def revision_of(self, model_id: str, pinned: str | None) -> str | None:
        """The revision of a model's repository that the settings require; None: the commit that was downloaded first."""
        return self.revisions.get(model_id) or self.revisions.get(ALL_MODELS) or pinned

    @property
    def connection(self) -> Connection:
        """How the hub is reached."""
        return Connection((self.endpoint or HUB).rstrip("/"), self.token, self.stall_seconds, self.pause_seconds)


@dataclass(frozen=True)
class Located:
    """A folder with all files of a model. `commit` is theirs, None for a folder of the owner's; `wanted` is the commit to use, where it is
    known.
    """

    folder: Path
    commit: str | None = None
    wanted: str | None = None

    @property
    def differs(self) -> bool:
        """Whether these are the files of another commit than the wanted one."""
        return self.wanted is not None and self.commit is not None and self.commit != self.wanted


def find(family: Family, options: FileOptions, report: Report | None = None) -> Located:
    """The files of a model, downloaded where they are not on this machine. Raises WeightsMissing and DownloadFailed."""
    try:
        return locate(family, options, accepts_other_commits=options.is_offline)
    except WeightsMissing:
        return fetch(family, options, report)


def locate(family: Family, options: FileOptions, *, accepts_other_commits: bool = True) -> Located:
    """The files of a model on this machine; no network is used.

    Where the wanted commit is not here, another one is used if the caller `accepts_other_commits`. Raises WeightsMissing.
    """
    if options.model_dir is not None and (folder := _own_folder(family, options.model_dir)):
        return Located(folder)
    cache = RepositoryCache(options.hf_home, family.repository)
    revision = options.revision_of(family.id, family.revision)
    wanted = _wanted_commit(cache, revision)
    candidates = cache.snapshots()
    if wanted is not None:
        others = [folder for folder in candidates if folder.name != wanted]
        candidates = [cache.snapshot(wanted), *(others if accepts_other_commits else ())]
    for folder in candidates:
        _take_shared_files(family, options, folder)
        if not missing_files(family, folder):
            if revision is None and cache.pin is None:
                _remember_pin(cache, folder.name)
            return Located(folder, folder.name, wanted)
    folder = candidates[0] if candidates else options.model_dir or cache.folder
    raise WeightsMissing(family.name, missing_files(family, folder), folder, _advice(options))


def fetch(family: Family, options: FileOptions, report: Report | None = None) -> Located:
    """Download the missing files of the wanted commit. A branch or tag is looked up on the hub each time.

    Where the hub cannot be reached, files of another commit are used if they are on this machine. Raises WeightsMissing and DownloadFailed.
    """
    if options.is_offline or (options.model_dir is not None and _own_folder(family, options.model_dir)):
        return locate(family, options)
    cache = RepositoryCache(options.hf_home, family.repository)
    revision = options.revision_of(family.id, family.revision)
    fallback = _fallback(family, options)
    # One attempt is enough where there are files to use if the hub does not answer.
    connection = replace(options.connection, attempts=1) if fallback else options.connection
    if fallback and not fallback.differs and (revision is None or is_commit(revision)):
        return fallback
    try:
        if fallback and revision and not is_commit(revision) and fallback.commit == current_commit(family, connection, revision):
            return fallback
        wanted = _wanted_commit(cache, revision) if revision is None else revision
        shared = options.revision_of(family.shared.model_id, family.shared.revision) if family.shared.names else None
        commit = download(family, cache, connection, Revisions(wanted or BRANCH, shared or BRANCH), report or _ignore)
    except DownloadFailed as error:
        if fallback is None:
            raise
        log.warning("%s: %s The files of commit %s are used.", family.id, error, fallback.commit)
        return fallback
    if revision is None and cache.pin is None:
        _remember_pin(cache, commit)
        log.info("%s: its files stay at commit %s, unless MODEL_REVISION names another", family.id, commit)
    return Located(cache.snapshot(commit), commit, commit)


def missing_files(family: Family, folder: Path) -> list[str]:
    """The required files of a model that `folder` lacks."""
    needed = [family.files[part] for part in ("t3", "s3gen", "voice_encoder")]
    missing = [name for name in needed if not (folder / name).is_file()]
    if not family.is_gpt2:
        return missing + [name for name in family.tokenizer_files if not (folder / name).is_file()]
    if not any(all((folder / name).is_file() for name in names) for names in _BYTE_TOKENIZER):
        missing += sorted(_BYTE_TOKENIZER[1])
    return missing


def stamp_of(family: Family, folder: Path) -> str:
    """A text that identifies the files of a model, for comparison only. Two snapshots of the hub have different names."""
    files = [folder / name for name in sorted(set(family.files.values()))]
    stamps = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files if path.is_file()]
    return "; ".join([folder.name, *stamps])


def _own_folder(family: Family, model_dir: Path) -> Path | None:
    """The owner's folder for this model; None if it has no file of the model. Raises WeightsMissing if it has only some."""
    for folder in (model_dir / family.id, model_dir / family.id.removeprefix("chatterbox-"), model_dir):
        missing = missing_files(family, folder)
        if not missing:
            return folder
        if (folder / family.files["t3"]).is_file():
            raise WeightsMissing(family.name, missing, folder, "Copy them there from " + " or ".join(_addresses(family, missing)))
        if family.is_single_language and folder != model_dir and (others := sorted(path.name for path in folder.glob("t3_*.safetensors"))):
            advice = f"It holds {', '.join(others)}: rename the right one to {family.files['t3']}."
            raise WeightsMissing(family.name, missing, folder, advice)
    return None


def _addresses(family: Family, names: list[str]) -> list[str]:
    repositories = {family.shared.repository if name in family.shared.names else family.repository for name in names}
    return [f"{HUB}/{repository}" for repository in sorted(repositories)]


def _wanted_commit(cache: RepositoryCache, revision: str | None) -> str | None:
    if revision is None:
        return cache.pin
    return revision if is_commit(revision) else cache.commit_of(revision)


def _fallback(family: Family, options: FileOptions) -> Located | None:
    with contextlib.suppress(WeightsMissing, OSError):
        return locate(family, options)
    return None


def _take_shared_files(family: Family, options: FileOptions, folder: Path) -> None:
    """Complete a folder that lacks nothing but small files of the shared repository with those, where that one is in the cache."""
    missing = missing_files(family, folder) if family.shared.names else []
    if not missing or not set(missing) <= family.shared.names:
        return
    cache = RepositoryCache(options.hf_home, family.shared.repository)
    wanted = _wanted_commit(cache, options.revision_of(family.shared.model_id, family.shared.revision))
    source = cache.snapshot(wanted) if wanted else next(iter(cache.snapshots()), cache.folder)
    with contextlib.suppress(OSError):
        for name in family.shared.names:
            if (source / name).is_file() and not (folder / name).exists():
                link_or_copy(source / name, folder / name)


def _remember_pin(cache: RepositoryCache, commit: str) -> None:
    # A cache that cannot be written holds one commit anyway.
    with contextlib.suppress(OSError):
        cache.remember_pin(commit)


def _advice(options: FileOptions) -> str:
    if options.is_offline:
        return "Downloads are disabled (HF_HUB_OFFLINE): put the files there, or set MODEL_DIR to their folder."
    return "They have not been downloaded."


def _ignore(_done: int, _total: int | None) -> None:
    """For callers that show no progress."""
