"""Files for finished replies: in memory while short, else temporary files that exist only while the reply is sent."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import tempfile
from collections.abc import Iterator
from typing import IO

from tts_server.errors import ResourceExhausted

log = logging.getLogger("tts_server.spool")

MEMORY_BYTES = 4 * 2**20
"""Replies up to this size stay in memory: more than a minute of speech as WAV, several as MP3."""

NOT_THE_DISK = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
ADVICE = (
    "Its folder for temporary files is full or cannot be written. The administrator can free disk space there, "
    "or set TMPDIR (TEMP on Windows) to a folder on another disk."
)


class Spool(io.RawIOBase):
    """A binary file for one reply: in memory up to `memory_bytes`, beyond that a temporary file that is removed when it is closed.

    The temporary file has no name where the system supports that. Not thread-safe. Raises ResourceExhausted if the folder for temporary
    files is full or cannot be written.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        super().__init__()
        self._memory_bytes = memory_bytes
        self._file: IO[bytes] = io.BytesIO()
        self._is_in_memory = True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Write all of `data`."""
        with _disk_errors():
            if self._is_in_memory and self._file.tell() + len(data) > self._memory_bytes:
                self._move_to_disk()
            return self._file.write(data)

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        with _disk_errors():  # seeking writes buffered data
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def rewind(self) -> None:
        """Flush buffered data and seek to the beginning."""
        with _disk_errors():
            self._file.flush()
            self._file.seek(0)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Remove the file. Safe to call twice."""
        with contextlib.suppress(OSError):  # closing retries a failed write
            self._file.close()
        super().close()

    def _move_to_disk(self) -> None:
        file = tempfile.TemporaryFile(prefix="parlance-reply-")  # noqa: SIM115 - closed by `close`
        memory, self._file, self._is_in_memory = self._file, file, False
        position = memory.tell()
        memory.seek(0)
        file.write(memory.read())
        file.seek(position)
        memory.close()


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NOT_THE_DISK:
            raise
        log.warning("cannot write to the folder for temporary files, %s: %s", tempfile.gettempdir(), error)
        raise ResourceExhausted("disk space", ADVICE) from error
