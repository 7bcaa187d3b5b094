"""The cache of finished audio: which entries there are, how much space they take, and which are removed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from tts_server.synthesis.cache_files import CachedEntry, EntryWriter

log = logging.getLogger("tts_server.cache")

LARGEST_SHARE = 4
"""One entry may take a fourth of the cache, so that a long text does not evict everything else."""

BLOCK_BYTES = 4096
"""File systems allocate space in blocks, so a small file takes a whole one."""

SWEEP_SECONDS = 60.0
CLOCK_SLACK_SECONDS = 60.0

_OUR_FILES = re.compile(r"([0-9a-f]{64})\.(?:audio|[0-9a-f]{32}\.part)")


class CacheInUse(Exception):
    """Another server stores its audio in the same folder."""


@dataclass(frozen=True)
class CacheStats:
    """What a cache holds, and how many entries it has removed for lack of space, for their age, and because their files were damaged."""

    entries: int
    bytes: int
    evicted: int
    expired: int
    damaged: int


@dataclass(eq=False)
class _Entry:
    """The facts of a file; guarded by the cache's lock."""

    size: int
    created: float
    num_readers: int = 0


class AudioCache:
    """Entries by key, each a file in `folder` that is younger than `ttl` seconds; together they take at most `max_bytes`. Thread-safe.

    The least recently used entries are removed for new ones, except while they are read. A file is written under another name and renamed
    once it is complete, and every byte of it is checked before the first is returned. So a crash, a full disk or a changed file costs an
    entry and never returns a wrong one, and nothing has to be flushed to the disk. A file's time of change is when it was made, its time
    of access when it was used last; there is no index that could be wrong.

    Raises CacheInUse where another server has the folder, OSError where it cannot be written.
    """

    def __init__(self, folder: Path, ttl: float, max_bytes: int, *, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.ttl = ttl
        self.max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._used = 0
        self._evicted = self._expired = self._damaged = 0
        self._next_sweep = 0.0
        self._is_failing = False
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._owner = FileLock(str(folder / "in-use.lock"), thread_local=False)
        try:
            self._owner.acquire(timeout=0)
        except Timeout as error:
            raise CacheInUse(f"Another server stores its audio in {folder}.") from error
        self._load_entries()

    def has(self, key: str) -> bool:
        """Whether there seems to be audio under `key`; only `find` checks that it is whole."""
        with self._lock:
            entry = self._entries.get(_name_of(key))
            return entry is not None and not self._is_old(entry)

    def find(self, key: str) -> CachedEntry | None:
        """Return the audio stored under `key`, None where there is none. Close it, or read it to its end."""
        name = _name_of(key)
        with self._lock:
            self._sweep()
            entry = self._entries.get(name)
            if entry is None:
                return None
            if self._is_old(entry):
                self._expired += self._drop(name, entry)
                return None
            entry.num_readers += 1
            self._entries.move_to_end(name)
        try:
            cached = CachedEntry(self._path(name), name, lambda: self._end_reading(entry))
        except (OSError, ValueError) as error:
            is_deleted = isinstance(error, FileNotFoundError)
            log.log(
                logging.DEBUG if is_deleted else logging.WARNING,
                "%s cannot be used (%s); its text is synthesized again.",
                self._path(name),
                error,
            )
            self._end_reading(entry)
            with self._lock:
                if self._entries.get(name) is entry and self._drop(name, entry):
                    self._damaged += 1
            return None
        with contextlib.suppress(OSError):
            os.utime(self._path(name), (self._clock(), entry.created))
        return cached

    def create(self, key: str) -> EntryWriter:
        """Return the writer of a new entry for `key`; once finished, it replaces the one that may be there."""
        return EntryWriter(self, _name_of(key))

    def stats(self) -> CacheStats:
        with self._lock:
            self._sweep()
            return CacheStats(len(self._entries), self._used, self._evicted, self._expired, self._damaged)

    def close(self) -> None:
        """Release the folder for another server. Safe to call twice."""
        self._owner.release()

    # For EntryWriter

    def open_part(self, name: str) -> tuple[Path, BinaryIO]:
        """Return a new file for an entry. A deleted folder is created again; raises OSError, also where another server has it by then."""
        path = self.folder / f"{name}.{uuid.uuid4().hex}.part"
        try:
            return path, path.open("xb")
        except FileNotFoundError:
            self._recreate_folder()
            return path, path.open("xb")

    def report(self, error: OSError | None) -> None:
        """Log that audio could not be stored, once until something is stored again (None)."""
        with self._lock:
            is_new, self._is_failing = error is not None and not self._is_failing, error is not None
        if is_new:
            log.warning("Audio could not be stored in %s: %s", self.folder, error)

    def reserve(self, reserved: int, wanted: int) -> int | None:
        """Raise a reservation of `reserved` bytes so that `wanted` fit; None where there is no space for them."""
        size = -(-wanted // BLOCK_BYTES) * BLOCK_BYTES
        if size > self.max_bytes // LARGEST_SHARE:
            return None
        with self._lock:
            self._sweep()
            if not self._free_space(size - reserved):
                return None
            self._used += size - reserved
            return size

    def release(self, reserved: int) -> None:
        """Give up a reservation."""
        with self._lock:
            self._used -= reserved

    def adopt(self, part: Path, name: str, reserved: int) -> None:
        """Make a finished file the entry; raises OSError, on Windows also while the one it replaces is being read."""
        now = self._clock()
        os.utime(part, (now, now))
        with self._lock:
            part.replace(self._path(name))
            if (old := self._entries.pop(name, None)) is not None:
                self._used -= old.size
            self._entries[name] = _Entry(reserved, now)

    # With the lock held

    def _free_space(self, more: int) -> bool:
        for name, entry in list(self._entries.items()):
            if self._used + more <= self.max_bytes:
                break
            if not entry.num_readers and self._drop(name, entry):
                self._evicted += 1
        return self._used + more <= self.max_bytes

    def _sweep(self) -> None:
        """Remove expired entries, at most once in `SWEEP_SECONDS`."""
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + min(SWEEP_SECONDS, self.ttl)
        for name, entry in list(self._entries.items()):
            if self._is_old(entry) and not entry.num_readers:
                self._expired += self._drop(name, entry)

    def _is_old(self, entry: _Entry) -> bool:
        # An entry must not last forever because the clock was set back.
        return not -CLOCK_SLACK_SECONDS <= self._clock() - entry.created < self.ttl

    def _drop(self, name: str, entry: _Entry) -> bool:
        """Remove an entry; False where the system refuses, as Windows does while the file is open."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError:
            return False
        del self._entries[name]
        self._used -= entry.size
        return True

    def _recreate_folder(self) -> None:
        with self._lock:
            if self.folder.is_dir():  # created by another request
                return
            self.folder.mkdir(parents=True)
            # The file that was locked is gone too, and another server may have locked a new one.
            self._owner.release()
            try:
                self._owner.acquire(timeout=0)
            except Timeout as error:
                raise FileExistsError(errno.EEXIST, "another server stores its audio there now", str(self.folder)) from error
            log.warning("The folder %s was deleted. It was created again, and is empty.", self.folder)
            for name, entry in list(self._entries.items()):
                if not self._path(name).exists():
                    self._drop(name, entry)

    def _end_reading(self, entry: _Entry) -> None:
        with self._lock:
            entry.num_readers -= 1

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.audio"

    def _load_entries(self) -> None:
        """Remove what a crash has left unfinished, and load the entries, least recently used first. Other files are not touched."""
        found = []
        for item in os.scandir(self.folder):
            if (match := _OUR_FILES.fullmatch(item.name)) is None:
                continue
            if item.name.endswith(".part"):
                with contextlib.suppress(OSError):
                    Path(item.path).unlink()
                continue
            status = item.stat()
            size = -(-status.st_size // BLOCK_BYTES) * BLOCK_BYTES
            found.append((status.st_atime, match[1], _Entry(size, status.st_mtime)))
        with self._lock:
            for _, name, entry in sorted(found, key=lambda one: one[:2]):
                self._entries[name] = entry
                self._used += entry.size
            self._sweep()
            self._free_space(0)


def _name_of(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
