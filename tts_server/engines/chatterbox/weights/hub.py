"""Downloads a model's files from the Hugging Face hub, or a mirror of it, into the cache.

It does not use the hub's own client: see `transfer`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import re
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tts_server.engines.chatterbox.failures import DownloadFailed
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.weights.repository_cache import Checksum, RepositoryCache, is_commit, link_or_copy
from tts_server.engines.chatterbox.weights.transfer import Connection, RemoteFile, download_file, is_final, publish, sha256_of

log = logging.getLogger(__name__)

HUB = "https://huggingface.co"
MAX_LISTING_BYTES = 2**20

Report = Callable[[int, "int | None"], None]
"""Is called with the bytes that have arrived and those of all files together; None while that is unknown."""


@dataclass(frozen=True)
class _HubFile:
    """A file of a repository, and the commit that it belongs to."""

    remote: RemoteFile
    commit: str


@dataclass(frozen=True)
class Revisions:
    """The revisions to download: of a model's own repository, and of the repository of its shared files."""

    own: str
    shared: str


def current_commit(family: Family, connection: Connection, revision: str) -> str:
    """The commit that a revision has on the hub now. Raises DownloadFailed."""
    return _ask_for_t3(family, connection, revision).commit


def download(family: Family, cache: RepositoryCache, connection: Connection, revisions: Revisions, report: Report) -> str:
    """Download all missing files of a model into the cache and return their commit.

    One process at a time downloads into a repository's folder; others wait and then use its files. Raises DownloadFailed.
    """
    t3 = _ask_for_t3(family, connection, revisions.own)
    if is_commit(revisions.own) and t3.commit != revisions.own:
        raise DownloadFailed(family.name, t3.remote.name, f"{connection.endpoint} answers for commit {t3.commit}, not {revisions.own}")
    # A branch may move meanwhile: all files are those of one commit.
    files = [file for name in _other_files(family) if (file := _ask_if_wanted(family, connection, t3.commit, revisions.shared, name))]
    with cache.locked(lambda: report(0, None)):
        _fetch_all(family, cache, connection, t3.commit, [*files, t3.remote], report)
        if not is_commit(revisions.own):
            cache.remember_commit(revisions.own, t3.commit)
    return t3.commit


def _other_files(family: Family) -> list[str]:
    """All files except T3's, which is downloaded last: where it is present, so are the others."""
    return [*family.tokenizer_files, *(family.files[part] for part in ("conditionals", "voice_encoder", "s3gen"))]


def _ask_if_wanted(family: Family, connection: Connection, commit: str, shared_revision: str, name: str) -> RemoteFile | None:
    """The hub's description of a file; None for an optional one that its repository does not have."""
    is_shared = name in family.shared.names
    repository, revision = (family.shared.repository, shared_revision) if is_shared else (family.repository, commit)
    try:
        return _ask_for(family, repository, connection, revision, name).remote
    except DownloadFailed as error:
        if _is_absent(error) and family.is_optional(name):
            return None
        raise


def _ask_for_t3(family: Family, connection: Connection, revision: str) -> _HubFile:
    """The hub's description of T3. A single-language model's may have another name if it is the only one in its repository."""
    try:
        return _ask_for(family, family.repository, connection, revision, family.files["t3"])
    except DownloadFailed as error:
        if not (_is_absent(error) and family.is_single_language):
            raise
        names = _t3_names(family, connection, revision)
        if len(names) != 1:
            has = f"has {', '.join(names)}" if names else "has no file t3_*.safetensors"
            raise DownloadFailed(family.name, family.files["t3"], f"{family.repository} {has}") from error
    log.warning("%s: %s has no %s; %s is used", family.id, family.repository, family.files["t3"], names[0])
    file = _ask_for(family, family.repository, connection, revision, names[0])
    return replace(file, remote=replace(file.remote, name=family.files["t3"]))


def _t3_names(family: Family, connection: Connection, revision: str) -> list[str]:
    """The names of T3 files in a repository."""
    url = f"{connection.endpoint}/api/models/{family.repository}/revision/{quote(revision, safe='')}"
    try:
        with connection.open(url, "GET") as (response, _):
            listed = json.loads(response.read(MAX_LISTING_BYTES))
        return sorted(name for entry in listed["siblings"] if re.fullmatch(r"t3_[\w.-]*\.safetensors", name := str(entry["rfilename"])))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        log.warning("%s: the files of %s cannot be listed (%s)", family.id, family.repository, connection.explain(error))
        return []


def _is_absent(error: DownloadFailed) -> bool:
    """Whether the hub does not have a file."""
    cause = error.__cause__
    return isinstance(cause, urllib.error.HTTPError) and cause.code == 404


def _ask_for(family: Family, repository: str, connection: Connection, revision: str, name: str) -> _HubFile:
    url = f"{connection.endpoint}/{repository}/resolve/{quote(revision, safe='')}/{quote(name)}"
    for attempt in range(1, connection.attempts + 1):
        try:
            with connection.open(url, "HEAD", follows_elsewhere=False) as (response, address):
                return _described(family, connection, name, address, response)
        except (OSError, http.client.HTTPException) as error:
            if is_final(error) or attempt == connection.attempts:
                raise DownloadFailed(family.name, name, connection.explain(error)) from error
        time.sleep(connection.pause_seconds * attempt)
    raise AssertionError("a connection has at least one attempt")


def _described(family: Family, connection: Connection, name: str, url: str, response: Any) -> _HubFile:
    headers = response.headers
    commit = headers.get("X-Repo-Commit")
    etag = (headers.get("X-Linked-ETag") or headers.get("ETag") or "").removeprefix("W/").strip('"')
    if not commit or not re.fullmatch(r"[\w-]+", commit) or not re.fullmatch(r"[\w.-]+", etag):
        raise DownloadFailed(family.name, name, f"{connection.endpoint} does not answer like a Hugging Face hub")
    size = headers.get("X-Linked-Size") or headers.get("Content-Length")
    return _HubFile(RemoteFile(name, url, etag, int(size) if size and size.isdigit() else None), commit)


def _fetch_all(
    family: Family, cache: RepositoryCache, connection: Connection, commit: str, files: list[RemoteFile], report: Report
) -> None:
    folder = cache.snapshot(commit)
    folder.mkdir(parents=True, exist_ok=True)
    (cache.folder / "blobs").mkdir(exist_ok=True)
    sizes = [file.size for file in files if file.size is not None]
    total = sum(sizes) if len(sizes) == len(files) else None
    done = 0
    for file in files:
        path = folder / file.name
        if not path.exists():
            if not _take_from_another_commit(cache, file, path):
                partial = cache.folder / "blobs" / f"{file.etag}.incomplete"
                download_file(family.name, connection, file, partial, lambda count, before=done: report(before + count, total))  # type: ignore[misc]
                publish(partial, path)
            size = path.stat().st_size
            cache.remember_checksum(commit, file.name, Checksum(size, file.sha256 or sha256_of(path)))
        done += path.stat().st_size
        report(done, total)


def _take_from_another_commit(cache: RepositoryCache, file: RemoteFile, path: Path) -> bool:
    """Use a file of another commit where its content is the same; commits often differ in nothing but their description."""
    if file.sha256 is None or file.size is None:
        return False
    for other in cache.content_paths(file.name, file.etag):
        with contextlib.suppress(OSError):
            if other.stat().st_size == file.size and sha256_of(other) == file.sha256:
                link_or_copy(other, path)
                return True
    return False
