"""The files of the cache of finished audio: writing one, and reading one that is checked to its last byte."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol
from zlib import crc32

from tts_server.speech import AudioFile

READ_BYTES = 256 * 1024
MEMORY_BYTES = 2 * 2**20
"""Entries up to this size are verified and served from one read; larger ones are verified first, then streamed."""

MAGIC = b"PARLAUD1"
_HEADER = struct.Struct("<8sIQ32sI")
_LENGTHS = struct.Struct("<IQ")


class EntryStorage(Protocol):
    """What a writer needs of the cache: files, space, and a place for the finished entry."""

    def open_part(self, name: str) -> tuple[Path, BinaryIO]:
        """Return a new file for an entry; raises OSError."""

    def reserve(self, reserved: int, wanted: int) -> int | None:
        """Raise a reservation of `reserved` bytes so that `wanted` fit; None where there is no space for them."""

    def release(self, reserved: int) -> None:
        """Give up a reservation."""

    def adopt(self, part: Path, name: str, reserved: int) -> None:
        """Make a finished file the entry; raises OSError."""

    def report(self, error: OSError | None) -> None:
        """Log that audio could not be stored, once until something is stored again (None)."""


class EntryWriter:
    """Writes an entry: `write` what is sent, `finish` at its end. Leaving the block before that removes it.

    What cannot be stored, for lack of space or because the disk fails, is abandoned without an error for the writer.
    """

    def __init__(self, storage: EntryStorage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._reserved = 0
        self._length = 0
        self._pieces: list[int] = []
        self._checksum = 0
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        with self._ignoring_disk_errors():
            self._path, self._file = storage.open_part(name)
            self._append(b"\0" * _HEADER.size)

    def write(self, data: bytes) -> None:
        """Append the next piece of the audio."""
        with self._ignoring_disk_errors():
            self._append(data)
            self._checksum = crc32(data, self._checksum)
            self._pieces.append(len(data))

    def finish(self, note: Mapping[str, Any]) -> None:
        """Store the complete audio; `note`, as JSON, is read with it."""
        if self._file is None or self._path is None:
            return
        with self._ignoring_disk_errors():
            trailer = json.dumps({"note": note, "pieces": self._pieces}, separators=(",", ":")).encode()
            length = self._length - _HEADER.size
            self._append(trailer)
            checksum = crc32(_LENGTHS.pack(len(trailer), length), crc32(trailer, self._checksum))
            if self._file is not None:
                self._file.seek(0)
                self._file.write(_HEADER.pack(MAGIC, len(trailer), length, bytes.fromhex(self._name), checksum))
                self._file.close()
                self._storage.adopt(self._path, self._name, self._reserved)
                self._file = self._path = None
                self._storage.report(None)

    def __enter__(self) -> EntryWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._abandon()

    def _append(self, data: bytes) -> None:
        if self._file is None:
            return
        reserved = self._storage.reserve(self._reserved, self._length + len(data))
        if reserved is None:
            self._abandon()
            return
        self._reserved = reserved
        self._file.write(data)
        self._length += len(data)

    def _abandon(self) -> None:
        """Remove the file and its reservation, unless it is finished."""
        file, path = self._file, self._path
        self._file = self._path = None
        with contextlib.suppress(OSError):
            if file is not None:
                file.close()
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            self._storage.release(self._reserved)

    @contextlib.contextmanager
    def _ignoring_disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._storage.report(error)
            self._abandon()


class CachedEntry:
    """An entry, checked to its last byte; raises OSError or ValueError where the file is not a whole entry called `name`.

    Close it, or read it to its end; `on_close` is called then.
    """

    def __init__(self, path: Path, name: str, on_close: Callable[[], None]) -> None:
        self._on_close = on_close
        self._is_closed = False
        self._file = path.open("rb")
        try:
            self.note, self._pieces, self._body = self._read_checked(name)
        except BaseException:
            self._file.close()
            raise

    @property
    def num_bytes(self) -> int:
        """The length of the audio."""
        return sum(self._pieces)

    def whole(self) -> Iterator[bytes]:
        """Yield the audio, in one piece where it is in memory."""
        if self._body is None:
            yield from self.pieces()
        else:
            self.close()
            yield self._body

    def pieces(self) -> Iterator[bytes]:
        """Yield the audio in the pieces it was written in."""
        source: BinaryIO = io.BytesIO(self._body) if self._body is not None else self._file
        try:
            if source is self._file:
                source.seek(_HEADER.size)
            for length in self._pieces:
                yield source.read(length)
        finally:
            self.close()

    def file(self) -> AudioFile:
        """Return the audio as a file, which closes this when it is closed."""
        if self._body is None:
            return _AudioSection(self._file, self.num_bytes, self.close)
        self.close()
        return io.BytesIO(self._body)

    def close(self) -> None:
        """Safe to call twice."""
        if not self._is_closed:
            self._is_closed = True
            self._file.close()
            self._on_close()

    def _read_checked(self, name: str) -> tuple[dict[str, Any], list[int], bytes | None]:
        """Return the note, the lengths of the pieces, and the audio itself where it is small."""
        header = self._file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise ValueError("it is cut short")
        magic, trailer_length, length, digest, expected = _HEADER.unpack(header)
        if magic != MAGIC or digest.hex() != name:
            raise ValueError("it is not what its name says")
        if os.fstat(self._file.fileno()).st_size != _HEADER.size + length + trailer_length:
            raise ValueError("its length is wrong")
        body = self._file.read(length) if length <= MEMORY_BYTES else None
        checksum = 0 if body is None else crc32(body)
        left = 0 if body is not None else length
        while left and (data := self._file.read(min(left, READ_BYTES))):
            checksum = crc32(data, checksum)
            left -= len(data)
        trailer = self._file.read(trailer_length)
        if crc32(_LENGTHS.pack(trailer_length, length), crc32(trailer, checksum)) != expected:
            raise ValueError("it is damaged")
        content = json.loads(trailer)
        return content["note"], content["pieces"], body


class _AudioSection(io.RawIOBase):
    """The audio within a file of the cache, as a file of its own. Closing it calls `on_close`."""

    def __init__(self, file: BinaryIO, num_bytes: int, on_close: Callable[[], None]) -> None:
        super().__init__()
        self._file = file
        self._num_bytes = num_bytes
        self._on_close = on_close
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
        self._on_close()
