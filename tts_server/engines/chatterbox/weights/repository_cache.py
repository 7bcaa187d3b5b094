"""One repository of the Hugging Face hub in the cache on this machine.

The cache has the layout of Hugging Face's client, without links: `models--OWNER--NAME/snapshots/COMMIT/FILE` and `refs/NAME`, which holds
a commit. So other programs find the files too. `parlance.json` beside them holds the data that this layout does not include: the commit
that a model without a published pin stays at, and the size and sha256 of each file that was downloaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

RECORD_FILE = "parlance.json"
LOCK_FILE = "parlance.lock"
LOCK_POLL_SECONDS = 0.2

_COMMIT = re.compile("[0-9a-f]{40}")


def is_commit(revision: str) -> bool:
    """Whether a revision is a full commit, which always names the same files, and not a branch or a tag."""
    return _COMMIT.fullmatch(revision) is not None


def hub_folder(hf_home: Path | None) -> Path:
    """The folder of the cache, below `hf_home` or where Hugging Face's client has it."""
    if hf_home is not None:
        return hf_home / "hub"
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface" / "hub"


@dataclass(frozen=True)
class Checksum:
    """The size in bytes and the sha256, in hexadecimal digits, of a file."""

    size: int
    sha256: str


class RepositoryCache:
    """The files of one repository, by commit. Reading never fails: an unreadable file counts as missing."""

    def __init__(self, hf_home: Path | None, repository: str) -> None:
        self.folder = hub_folder(hf_home) / f"models--{repository.replace('/', '--')}"

    def snapshot(self, commit: str) -> Path:
        """The folder of a commit's files, whether it exists or not."""
        return self.folder / "snapshots" / commit

    def snapshots(self) -> list[Path]:
        """The folders of all commits: the one of the branch `main` first, then the newest."""
        current = self.commit_of("main")
        with contextlib.suppress(OSError):
            folders = [folder for folder in (self.folder / "snapshots").iterdir() if folder.is_dir()]
            return sorted(folders, key=lambda folder: (folder.name == current, folder.stat().st_mtime), reverse=True)
        return []

    def commit_of(self, revision: str) -> str | None:
        """The commit that a branch or tag had when it was last downloaded."""
        with contextlib.suppress(OSError, ValueError):
            return (self.folder / "refs" / revision).read_text(encoding="utf-8").strip() or None
        return None

    def remember_commit(self, revision: str, commit: str) -> None:
        """Record which commit a branch or tag has."""
        path = self.folder / "refs" / revision
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(commit, encoding="utf-8")

    @property
    def pin(self) -> str | None:
        """The commit that a model without a published pin stays at."""
        commit = self._record().get("pin")
        return commit if isinstance(commit, str) else None

    def remember_pin(self, commit: str) -> None:
        """Record the commit to stay at."""
        self._write_record({**self._record(), "pin": commit})

    def checksums(self, commit: str) -> dict[str, Checksum]:
        """The checksums of a commit's files when they were downloaded, by name."""
        recorded = _object(_object(self._record().get("files")).get(commit))
        return {
            name: Checksum(entry["size"], entry["sha256"])
            for name, entry in recorded.items()
            if isinstance(entry, dict) and isinstance(entry.get("size"), int) and isinstance(entry.get("sha256"), str)
        }

    def remember_checksum(self, commit: str, name: str, checksum: Checksum) -> None:
        """Record size and sha256 of a file that was downloaded."""
        record = self._record()
        files = _object(record.get("files"))
        entry = {"size": checksum.size, "sha256": checksum.sha256}
        self._write_record({**record, "files": {**files, commit: {**_object(files.get(commit)), name: entry}}})

    def content_paths(self, name: str, etag: str) -> Iterator[Path]:
        """Files that may have the content that `etag` names: the hub client's own, and files of this name of other commits."""
        yield self.folder / "blobs" / etag
        for folder in self.snapshots():
            yield folder / name

    def locked(self, waiting: Callable[[], None]) -> contextlib.AbstractContextManager[None]:
        """Lock this folder against downloads by other processes; see `locked`."""
        return locked(self.folder, waiting)

    def _record(self) -> Mapping[str, object]:
        with contextlib.suppress(OSError, ValueError):
            record = json.loads((self.folder / RECORD_FILE).read_text(encoding="utf-8"))
            if isinstance(record, dict):
                return record
        return {}

    def _write_record(self, record: Mapping[str, object]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f"{RECORD_FILE}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=1)
            Path(name).replace(self.folder / RECORD_FILE)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _object(value: object) -> Mapping[str, object]:
    """A JSON object; an empty one instead of any other value."""
    return value if isinstance(value, dict) else {}


@contextlib.contextmanager
def locked(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Lock a folder against downloads by other processes; `waiting` is called repeatedly until they are done, and may raise."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE, thread_local=False)
    while True:
        try:
            lock.acquire(timeout=LOCK_POLL_SECONDS, poll_interval=LOCK_POLL_SECONDS / 4)
            break
        except TimeoutError:
            waiting()
    try:
        yield
    finally:
        lock.release()


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where its file system has no links; `target` is never seen half-written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.copy")
    try:
        try:
            os.link(source.resolve(), partial)
        except OSError:
            shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
