"""Reads files of the folder of voices, without blocking on pipes, and locks the folder for changes by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from tts_server.errors import Conflict, TTSError, Unavailable, resource_exhausted

if sys.platform != "win32":
    import fcntl

LOCK_SECONDS = 30.0
LOCK_POLL_SECONDS = 0.02
LOCK_FILE = ".lock"
"""For folders that cannot be locked themselves (Windows, some network file systems). With a leading dot it is no voice."""

UNFINISHED = ".unfinished"
"""Suffix of files that are being written; with a leading dot they are no voices."""
STALE_SECONDS = 3600.0

_LACKING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_BUSY = frozenset({errno.EAGAIN, errno.EACCES})


class NotAFile(OSError):
    """The path is not a regular file but a folder, a pipe, a socket or a device."""


def read_file(path: Path, max_bytes: int | None = None) -> bytes:
    """The first `max_bytes` of a regular file, or all. Raises OSError; NotAFile for a pipe, which would block until a writer appears."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise NotAFile("it is not a file")
    # If the file has been replaced by a pipe since, opening it does not block either.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise NotAFile("it is not a file")
        return file.read() if max_bytes is None else file.read(max_bytes)


@contextlib.contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Lock `folder` against changes by other processes; raises Unavailable, or Conflict where the folder cannot be written."""
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if sys.platform == "win32" or not _lock_folder(folder, held):
                held.enter_context(FileLock(folder / LOCK_FILE, timeout=LOCK_SECONDS))
        except TimeoutError as error:
            raise Unavailable("Another server has been changing the voices for too long. Try again.") from error
        except (OSError, NotImplementedError) as error:  # NotImplementedError: a file system without locks
            raise not_writable(error) from error
        yield


if sys.platform != "win32":

    def _lock_folder(folder: Path, held: contextlib.ExitStack) -> bool:
        """Lock the folder itself until `held` ends, which leaves no file in it. False where its file system cannot; raises TimeoutError."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        held.callback(os.close, descriptor)
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _BUSY:
                    return False
                if time.monotonic() > deadline:
                    raise TimeoutError from error
                time.sleep(LOCK_POLL_SECONDS)
            else:
                return True


def not_writable(error: OSError | NotImplementedError) -> TTSError:
    """The error to raise for an OSError during a change of the folder."""
    if isinstance(error, OSError) and error.errno in _LACKING and (failure := resource_exhausted(error)) is not None:
        return failure
    why = (isinstance(error, OSError) and error.strerror) or "it is not writable, or its file system has no locks"
    return Conflict(f"The folder of voices cannot be changed: {why}.", code="folder_not_writable")


def remove_unfinished(folder: Path) -> None:
    """Remove the unfinished files of a killed server; younger ones may belong to another server."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
