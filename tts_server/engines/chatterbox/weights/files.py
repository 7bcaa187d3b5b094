"""Where a model's files are: in a folder of the owner's, in the cache of the Hugging Face hub, or on the hub, from where they come into it.

The hub is spoken to directly: its client forgets what has arrived when a download breaks off, and can hang without a word. The cache has
the client's layout, without links: `models--OWNER--NAME/snapshots/COMMIT/FILE`, so other programs find the files too.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import logging
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from tts_server.engines.chatterbox.failures import DownloadFailed, WeightsMissing
from tts_server.engines.chatterbox.families import Family

log = logging.getLogger(__name__)

Report = Callable[[int, "int | None"], None]
"""Told the bytes that are there and those of all files together, None as long as that is unknown."""

HUB = "https://huggingface.co"
STALL_SECONDS = 30.0
"""A connection that gives no byte for so long is given up."""

ATTEMPTS = 4
"""Tries in a row that bring no byte, until a download is given up."""

PAUSE_SECONDS = 1.0
CHUNK_BYTES = 2**20
MAX_REDIRECTS = 5
REVISION = "main"

_BYTE_TOKENIZER = (frozenset({"tokenizer.json"}), frozenset({"vocab.json", "merges.txt"}))
"""GPT-2's tokenizer comes in one file or in two; all its other files are extras."""

_SHA256 = re.compile("[0-9a-f]{64}")


def stamp_of(family: Family, folder: Path) -> str:
    """Tells the files of a model from others. Two snapshots of the hub have different names."""
    files = [folder / name for name in sorted(set(family.files.values()))]
    stamps = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files if path.is_file()]
    return "; ".join([folder.name, *stamps])


def find(
    family: Family,
    model_dir: Path | None = None,
    hf_home: Path | None = None,
    endpoint: str | None = None,
    is_offline: bool = False,
    report: Report | None = None,
    *,
    token: str | None = None,
    stall_seconds: float = STALL_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> Path:
    """The folder with all files of a model; what is on this machine is used without any network.

    `model_dir` is such a folder, or holds one named after the model (`chatterbox-turbo` or `turbo`). Else the files are looked for in
    the hub's cache below `hf_home` and, unless `is_offline`, downloaded into it from `endpoint`, a mirror of the hub.
    Raises WeightsMissing and DownloadFailed.
    """
    if model_dir is not None and (folder := _own_folder(family, model_dir)):
        return folder
    cache = _cache_folder(hf_home) / f"models--{family.repository.replace('/', '--')}"
    snapshots = _snapshots(cache)
    for folder in snapshots:
        if not missing_files(family, folder):
            return folder
    if is_offline:
        folder = snapshots[0] if snapshots else model_dir or cache
        advice = "Downloads are switched off (HF_HUB_OFFLINE): put the files there, or name their folder by MODEL_DIR."
        raise WeightsMissing(family.name, missing_files(family, folder), folder, advice)
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=_tls()))
    hub = _Hub((endpoint or HUB).rstrip("/"), token, stall_seconds, pause_seconds, opener)
    return _download(family, cache, hub, report or (lambda done, total: None))


def missing_files(family: Family, folder: Path) -> list[str]:
    """The files that the model cannot do without and `folder` lacks."""
    needed = [family.files[part] for part in ("t3", "s3gen", "voice_encoder")]
    missing = [name for name in needed if not (folder / name).is_file()]
    if not family.is_gpt2:
        return missing + [name for name in family.tokenizer_files if not (folder / name).is_file()]
    if not any(all((folder / name).is_file() for name in names) for names in _BYTE_TOKENIZER):
        missing += sorted(_BYTE_TOKENIZER[1])
    return missing


def _own_folder(family: Family, model_dir: Path) -> Path | None:
    """The owner's folder for this model; None if there is nothing of the model, an error if there is only a part of it."""
    for folder in (model_dir / family.id, model_dir / family.id.removeprefix("chatterbox-"), model_dir):
        missing = missing_files(family, folder)
        if not missing:
            return folder
        if (folder / family.files["t3"]).is_file():
            raise WeightsMissing(family.name, missing, folder, "Copy them there from https://huggingface.co/" + family.repository)
    return None


def _cache_folder(hf_home: Path | None) -> Path:
    if hf_home is not None:
        return hf_home / "hub"
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface" / "hub"


def _snapshots(cache: Path) -> list[Path]:
    """The revisions of a repository in the cache, the current one first, then the newest."""
    with contextlib.suppress(OSError):
        current = (cache / "refs" / REVISION).read_text(encoding="utf-8").strip()
        folders = [folder for folder in (cache / "snapshots").iterdir() if folder.is_dir()]
        return sorted(folders, key=lambda folder: (folder.name == current, folder.stat().st_mtime), reverse=True)
    return []


@dataclass(frozen=True)
class _RemoteFile:
    """What the hub says of a file. `etag` is the sha256 of a large file."""

    name: str
    url: str
    commit: str
    etag: str
    size: int | None


@dataclass(frozen=True)
class _Hub:
    """How the hub is reached."""

    endpoint: str
    token: str | None
    stall_seconds: float
    pause_seconds: float
    opener: urllib.request.OpenerDirector


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by hand: the token must not go to the servers that the hub leads to."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _download(family: Family, cache: Path, hub: _Hub, report: Report) -> Path:
    files = [file for name in _wanted_files(family) if (file := _ask(family, hub, name))]
    folder = cache / "snapshots" / files[-1].commit
    folder.mkdir(parents=True, exist_ok=True)
    (cache / "blobs").mkdir(exist_ok=True)
    (cache / "refs").mkdir(exist_ok=True)
    sizes = [file.size for file in files if file.size is not None]
    total = sum(sizes) if len(sizes) == len(files) else None
    done = 0
    for file in files:
        if not (folder / file.name).exists():
            partial = cache / "blobs" / f"{file.etag}.incomplete"
            _fetch(family, hub, file, partial, lambda count, before=done: report(before + count, total))  # type: ignore[misc]
            _publish(file, partial, folder / file.name)
        done += (folder / file.name).stat().st_size
        report(done, total)
    (cache / "refs" / REVISION).write_text(files[-1].commit, encoding="utf-8")
    return folder


def _wanted_files(family: Family) -> list[str]:
    """All files, T3's last: where it is, the extras that a repository may lack have been asked for."""
    parts = [family.files[part] for part in ("conditionals", "voice_encoder", "s3gen", "t3")]
    return [*family.tokenizer_files, *parts]


def _is_extra(family: Family, name: str) -> bool:
    return name == family.files["conditionals"] or (family.is_gpt2 and name in family.tokenizer_files)


def _ask(family: Family, hub: _Hub, name: str) -> _RemoteFile | None:
    """What the hub knows about a file; None for an extra that its repository does not have."""
    url = f"{hub.endpoint}/{family.repository}/resolve/{REVISION}/{quote(name)}"
    failure = "it was not tried"
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(hub.pause_seconds * attempt)
        try:
            with _open(hub, url, "HEAD", follows_elsewhere=False) as (response, place):
                return _described(family, hub, name, place, response)
        except urllib.error.HTTPError as error:
            if error.code == 404 and _is_extra(family, name):
                return None
            failure = _in_words(error, hub)
            if error.code < 500 and error.code not in (408, 429):
                break
        except (OSError, http.client.HTTPException) as error:
            failure = _in_words(error, hub)
    raise DownloadFailed(family.name, name, failure)


def _described(family: Family, hub: _Hub, name: str, url: str, response: Any) -> _RemoteFile:
    headers = response.headers
    commit = headers.get("X-Repo-Commit")
    etag = (headers.get("X-Linked-ETag") or headers.get("ETag") or "").removeprefix("W/").strip('"')
    if not commit or not re.fullmatch(r"[\w-]+", commit) or not re.fullmatch(r"[\w.-]+", etag):
        raise DownloadFailed(family.name, name, f"{hub.endpoint} does not answer like a Hugging Face hub")
    size = headers.get("X-Linked-Size") or headers.get("Content-Length")
    return _RemoteFile(name, url, commit, etag, int(size) if size and size.isdigit() else None)


def _fetch(family: Family, hub: _Hub, file: _RemoteFile, partial: Path, report: Callable[[int], None]) -> None:
    """Download into `partial`, on from what it already holds, and check it."""
    log.info("%s: downloading %s (%s)", family.name, file.name, "size unknown" if file.size is None else f"{file.size / 1e6:.0f} MB")
    fruitless = 0
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        try:
            if file.size is None or before != file.size:
                _append(hub, file, partial, before, report)
            break
        except (OSError, http.client.HTTPException) as error:
            failure = _in_words(error, hub)
            has_come = partial.exists() and partial.stat().st_size > before
            fruitless = 0 if has_come else fruitless + 1
            is_final = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in (408, 416, 429)
            if isinstance(error, urllib.error.HTTPError) and error.code == 416:
                partial.unlink(missing_ok=True)
            if is_final or fruitless >= ATTEMPTS or getattr(error, "errno", None) == 28:
                raise DownloadFailed(family.name, file.name, failure) from error
            log.warning("%s: %s broke off (%s); going on from %d bytes", family.name, file.name, failure, before)
            time.sleep(hub.pause_seconds * max(1, fruitless))
    if not _is_sound(file, partial):
        partial.unlink(missing_ok=True)
        raise DownloadFailed(family.name, file.name, "what arrived is not what the hub announced")


def _append(hub: _Hub, file: _RemoteFile, partial: Path, start: int, report: Callable[[int], None]) -> None:
    headers = {"Range": f"bytes={start}-"} if start else {}
    with _open(hub, file.url, "GET", headers) as (response, _):
        resumes = start > 0 and response.status == 206
        count = start if resumes else 0
        with partial.open("ab" if resumes else "wb") as out:
            report(count)
            while chunk := response.read1(CHUNK_BYTES):
                out.write(chunk)
                out.flush()
                count += len(chunk)
                report(count)
    if file.size is not None and count < file.size:
        raise ConnectionError(f"the connection ended after {count} of {file.size} bytes")


def _is_sound(file: _RemoteFile, path: Path) -> bool:
    if file.size is not None and path.stat().st_size != file.size:
        return False
    if not _SHA256.fullmatch(file.etag):
        return True
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == file.etag


def _publish(file: _RemoteFile, partial: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    shutil.move(partial, path)


@contextlib.contextmanager
def _open(
    hub: _Hub, url: str, method: str, headers: dict[str, str] | None = None, *, follows_elsewhere: bool = True
) -> Iterator[tuple[Any, str]]:
    """The response to a request and the address that gave it. Of redirects, those to other servers are followed only if asked for."""
    own = urlsplit(hub.endpoint)[:2]
    for _ in range(MAX_REDIRECTS + 1):
        request = urllib.request.Request(url, method=method, headers={"Accept-Encoding": "identity", "User-Agent": "parlance"})  # noqa: S310
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if hub.token and urlsplit(url)[:2] == own:
            request.add_header("Authorization", f"Bearer {hub.token}")
        try:
            response = hub.opener.open(request, timeout=hub.stall_seconds)
        except urllib.error.HTTPError as error:
            target = urljoin(url, error.headers.get("Location", "")) if error.code in (301, 302, 303, 307, 308) else ""
            if urlsplit(target).scheme not in ("http", "https"):
                raise
            if not follows_elsewhere and urlsplit(target)[:2] != urlsplit(url)[:2]:
                # For the hub's own words on a file that lies elsewhere.
                with error:
                    yield error, url
                return
            error.close()
            url = target
            continue
        with response:
            yield response, url
        return
    raise ConnectionError(f"{hub.endpoint} redirects more than {MAX_REDIRECTS} times")


def _tls() -> ssl.SSLContext:
    """The machine's certificates, and those of `certifi` where that is installed: some Pythons come without any."""
    context = ssl.create_default_context()
    with contextlib.suppress(ImportError):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _in_words(error: Exception, hub: _Hub) -> str:
    if isinstance(error, urllib.error.HTTPError):
        if error.code in (401, 403):
            return (
                f"{hub.endpoint} refuses it ({error.code}). It may want a token (HF_TOKEN) of somebody who has accepted the model's terms"
            )
        if error.code == 404:
            return f"{hub.endpoint} does not have it (404)"
        return f"{hub.endpoint} answered {error.code} {error.reason}"
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no data came for {hub.stall_seconds:g} seconds"
    if isinstance(error, urllib.error.URLError):
        return f"{hub.endpoint} cannot be reached ({reason})"
    return str(error) or type(error).__name__
