"""Finished audio on disk, so that what was said once need not be said again."""

from __future__ import annotations

import contextlib
import enum
import errno
import hashlib
import io
import json
import logging
import os
import re
import struct
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from zlib import crc32

from filelock import FileLock, Timeout

from tts_server.speech import AudioFile

log = logging.getLogger("tts_server.cache")

LARGEST_SHARE = 4
"""One entry may take this part of the cache: a long text must not push out everything else."""

BLOCK_BYTES = 4096
"""File systems hand out space in blocks, so a small file costs a whole one."""

READ_BYTES = 256 * 1024
MEMORY_BYTES = 2 * 2**20
"""What is not longer is read once, to be checked and given out; what is longer twice, and is never in memory as a whole."""

SWEEP_SECONDS = 60.0
CLOCK_SLACK_SECONDS = 60.0

MAGIC = b"PARLAUD1"
_HEADER = struct.Struct("<8sIQ32sI")
_LENGTHS = struct.Struct("<IQ")
_OUR_FILES = re.compile(r"([0-9a-f]{64})\.(?:audio|[0-9a-f]{32}\.part)")


class CacheUse(str, enum.Enum):
    """What the cache has to do with a request."""

    HIT = "HIT"
    MISS = "MISS"
    """Not there; it is kept once it is complete."""
    BYPASS = "BYPASS"
    """The client wants it neither read nor written."""
    ADHOC = "ADHOC"
    """The request brings audio of its own, of which nothing is kept."""
    DISABLED = "DISABLED"


class CacheInUse(Exception):
    """Another server keeps its audio in the same folder."""


@dataclass(frozen=True)
class CacheStats:
    """What a cache holds, and how many entries it has dropped for want of room, for their age, and because their files were damaged."""

    entries: int
    bytes: int
    evicted: int
    expired: int
    damaged: int


@dataclass(eq=False)
class _Entry:
    """What is known of a file without opening it; guarded by the cache's lock."""

    size: int
    created: float
    num_readers: int = 0


class AudioCache:
    """Entries by key, each a file in `folder` that is younger than `ttl` seconds; together they take at most `max_bytes`. Thread-safe.

    Room is made by dropping what was used least recently; what is being read stays. A file is written under another name and gets its
    own once it is complete, and every byte of it is checked before the first is given out. So a crash, a full disk or a stranger's hand
    costs an entry and never gives a wrong one, and nothing has to be forced to the disk. The time of change of a file is when it was
    made, the time of access when it was used last; there is no index that could be wrong.

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
            raise CacheInUse(f"Another server keeps its audio in {folder}.") from error
        self._take_stock()

    def has(self, key: str) -> bool:
        """Whether there seems to be audio under `key`; only `find` looks whether it is whole."""
        with self._lock:
            entry = self._entries.get(_name_of(key))
            return entry is not None and not self._is_old(entry)

    def find(self, key: str) -> KeptAudio | None:
        """The audio that was kept under `key`; close it, or read it to its end."""
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
            kept = KeptAudio(self._path(name), name, lambda: self._leave(entry))
        except (OSError, ValueError) as error:
            is_deleted = isinstance(error, FileNotFoundError)
            log.log(
                logging.DEBUG if is_deleted else logging.WARNING,
                "%s cannot be used (%s); its text is spoken again.",
                self._path(name),
                error,
            )
            self._leave(entry)
            with self._lock:
                if self._entries.get(name) is entry and self._drop(name, entry):
                    self._damaged += 1
            return None
        with contextlib.suppress(OSError):
            os.utime(self._path(name), (self._clock(), entry.created))
        return kept

    def record(self, key: str) -> Recording:
        """A new entry for `key`, which takes the place of the one that may be there."""
        return Recording(self, _name_of(key))

    def stats(self) -> CacheStats:
        with self._lock:
            self._sweep()
            return CacheStats(len(self._entries), self._used, self._evicted, self._expired, self._damaged)

    def close(self) -> None:
        """Let another server have the folder. Safe to call twice."""
        self._owner.release()

    # For Recording

    def open_part(self, name: str) -> tuple[Path, BinaryIO]:
        """A new file for an entry. A folder that was deleted is made again; raises OSError, also where another server has it by then."""
        path = self.folder / f"{name}.{uuid.uuid4().hex}.part"
        try:
            return path, path.open("xb")
        except FileNotFoundError:
            self._make_folder_again()
            return path, path.open("xb")

    def report(self, error: OSError | None) -> None:
        """Log that audio could not be kept, once until something is kept again (None)."""
        with self._lock:
            is_new, self._is_failing = error is not None and not self._is_failing, error is not None
        if is_new:
            log.warning("Audio could not be kept in %s: %s", self.folder, error)

    def reserve(self, held: int, wanted: int) -> int | None:
        """Raise a reservation of `held` bytes so that `wanted` fit; None where there is no room for them."""
        size = -(-wanted // BLOCK_BYTES) * BLOCK_BYTES
        if size > self.max_bytes // LARGEST_SHARE:
            return None
        with self._lock:
            self._sweep()
            if not self._make_room(size - held):
                return None
            self._used += size - held
            return size

    def give_back(self, held: int) -> None:
        with self._lock:
            self._used -= held

    def adopt(self, part: Path, name: str, held: int) -> None:
        """A finished file becomes the entry; raises OSError, on Windows also while the one it replaces is being read."""
        now = self._clock()
        os.utime(part, (now, now))
        with self._lock:
            part.replace(self._path(name))
            if (old := self._entries.pop(name, None)) is not None:
                self._used -= old.size
            self._entries[name] = _Entry(held, now)

    # With the lock held

    def _make_room(self, more: int) -> bool:
        for name, entry in list(self._entries.items()):
            if self._used + more <= self.max_bytes:
                break
            if not entry.num_readers and self._drop(name, entry):
                self._evicted += 1
        return self._used + more <= self.max_bytes

    def _sweep(self) -> None:
        """Drop what is too old, now and then."""
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + min(SWEEP_SECONDS, self.ttl)
        for name, entry in list(self._entries.items()):
            if self._is_old(entry) and not entry.num_readers:
                self._expired += self._drop(name, entry)

    def _is_old(self, entry: _Entry) -> bool:
        # A clock that was set back must not keep an entry for ever.
        return not -CLOCK_SLACK_SECONDS <= self._clock() - entry.created < self.ttl

    def _drop(self, name: str, entry: _Entry) -> bool:
        """Remove an entry; False where the system does not let go of the file, as Windows while somebody has it open."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError:
            return False
        del self._entries[name]
        self._used -= entry.size
        return True

    # The rest

    def _make_folder_again(self) -> None:
        with self._lock:
            if self.folder.is_dir():  # another request was faster
                return
            self.folder.mkdir(parents=True)
            # The file that was locked is gone too, and another server may have locked a new one.
            self._owner.release()
            try:
                self._owner.acquire(timeout=0)
            except Timeout as error:
                raise FileExistsError(errno.EEXIST, "another server keeps its audio there now", str(self.folder)) from error
            log.warning("The folder %s was deleted. It was made again, and is empty.", self.folder)
            for name, entry in list(self._entries.items()):
                if not self._path(name).exists():
                    self._drop(name, entry)

    def _leave(self, entry: _Entry) -> None:
        with self._lock:
            entry.num_readers -= 1

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.audio"

    def _take_stock(self) -> None:
        """Remove what a crash has left unfinished, and count what is there, least recently used first. Files of others are not touched."""
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
            self._make_room(0)


class Recording:
    """An entry in the making: `write` what is sent, `finish` at its end. A block that is left before that leaves nothing.

    What cannot be kept, for want of room or because the disk fails, is given up without a word to the one who writes.
    """

    def __init__(self, cache: AudioCache, name: str) -> None:
        self._cache = cache
        self._name = name
        self._held = 0
        self._length = 0
        self._pieces: list[int] = []
        self._checksum = 0
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        with self._failing_quietly():
            self._path, self._file = cache.open_part(name)
            self._put(b"\0" * _HEADER.size)

    def write(self, data: bytes) -> None:
        """The next piece of the audio."""
        with self._failing_quietly():
            self._put(data)
            self._checksum = crc32(data, self._checksum)
            self._pieces.append(len(data))

    def finish(self, note: Mapping[str, Any]) -> None:
        """The audio is complete; `note`, as JSON, comes back with it."""
        if self._file is None or self._path is None:
            return
        with self._failing_quietly():
            told = json.dumps({"note": note, "pieces": self._pieces}, separators=(",", ":")).encode()
            length = self._length - _HEADER.size
            self._put(told)
            checksum = crc32(_LENGTHS.pack(len(told), length), crc32(told, self._checksum))
            if self._file is not None:
                self._file.seek(0)
                self._file.write(_HEADER.pack(MAGIC, len(told), length, bytes.fromhex(self._name), checksum))
                self._file.close()
                self._cache.adopt(self._path, self._name, self._held)
                self._file = self._path = None
                self._cache.report(None)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._give_up()

    def _put(self, data: bytes) -> None:
        if self._file is None:
            return
        held = self._cache.reserve(self._held, self._length + len(data))
        if held is None:
            self._give_up()
            return
        self._held = held
        self._file.write(data)
        self._length += len(data)

    def _give_up(self) -> None:
        """Leave nothing behind, unless it is finished."""
        file, path = self._file, self._path
        self._file = self._path = None
        with contextlib.suppress(OSError):
            if file is not None:
                file.close()
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            self._cache.give_back(self._held)

    @contextlib.contextmanager
    def _failing_quietly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._cache.report(error)
            self._give_up()


class KeptAudio:
    """Audio from the cache, checked to its last byte; raises OSError or ValueError where the file is not what it should be."""

    def __init__(self, path: Path, name: str, over: Callable[[], None]) -> None:
        self._over = over
        self._is_closed = False
        self._file = path.open("rb")
        try:
            self.note, self._pieces, self._body = self._checked(name)
        except BaseException:
            self._file.close()
            raise

    @property
    def num_bytes(self) -> int:
        """The length of the audio."""
        return sum(self._pieces)

    def whole(self) -> Iterator[bytes]:
        """The audio, at once where it is not too long."""
        if self._body is None:
            yield from self.pieces()
        else:
            self.close()
            yield self._body

    def pieces(self) -> Iterator[bytes]:
        """The audio, in the pieces it was written in."""
        source: BinaryIO = io.BytesIO(self._body) if self._body is not None else self._file
        try:
            if source is self._file:
                source.seek(_HEADER.size)
            for length in self._pieces:
                yield source.read(length)
        finally:
            self.close()

    def file(self) -> AudioFile:
        """The audio as a file, which closes this when it is closed."""
        if self._body is None:
            return _Audio(self._file, self.num_bytes, self.close)
        self.close()
        return io.BytesIO(self._body)

    def close(self) -> None:
        """Safe to call twice."""
        if not self._is_closed:
            self._is_closed = True
            self._file.close()
            self._over()

    def _checked(self, name: str) -> tuple[dict[str, Any], list[int], bytes | None]:
        """The note, the lengths of the pieces, and the audio itself where it is not too long."""
        header = self._file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise ValueError("it is cut short")
        magic, note_length, length, digest, expected = _HEADER.unpack(header)
        if magic != MAGIC or digest.hex() != name:
            raise ValueError("it is not what its name says")
        if os.fstat(self._file.fileno()).st_size != _HEADER.size + length + note_length:
            raise ValueError("its length is wrong")
        body = self._file.read(length) if length <= MEMORY_BYTES else None
        checksum = 0 if body is None else crc32(body)
        left = 0 if body is not None else length
        while left and (data := self._file.read(min(left, READ_BYTES))):
            checksum = crc32(data, checksum)
            left -= len(data)
        told = self._file.read(note_length)
        if crc32(_LENGTHS.pack(note_length, length), crc32(told, checksum)) != expected:
            raise ValueError("it is damaged")
        content = json.loads(told)
        return content["note"], content["pieces"], body


class _Audio(io.RawIOBase):
    """The audio within a file of the cache, as a file of its own. Closing it calls `over`."""

    def __init__(self, file: BinaryIO, num_bytes: int, over: Callable[[], None]) -> None:
        super().__init__()
        self._file = file
        self._num_bytes = num_bytes
        self._over = over
        file.seek(_HEADER.size)

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._num_bytes - self.tell())
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._num_bytes}[whence]
        return self._file.seek(_HEADER.size + max(0, start + offset)) - _HEADER.size

    def tell(self) -> int:
        return self._file.tell() - _HEADER.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        super().close()
        self._over()


def _name_of(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
