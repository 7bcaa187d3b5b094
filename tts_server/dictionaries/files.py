"""Writes files atomically, also if the process is killed."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from pathlib import Path

from tts_server.errors import Conflict

UNFINISHED = ".unfinished"
REPLACE_ATTEMPTS = 10
STALE_SECONDS = 3600.0
"""An unfinished file that is older belongs to a killed server; a younger one may belong to another running server."""

_EXHAUSTED = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def write_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically; it is on the disk when this returns.

    Raises Conflict where the folder cannot be written, OSError where the disk is full.
    """
    unfinished = path.with_name(f".{uuid.uuid4().hex}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _replace(unfinished, path)
            _sync_folder(path.parent)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise not_writable(error) from error


def not_writable(error: OSError) -> Exception:
    """The error to raise for an OSError during a change of the folder."""
    if error.errno in _EXHAUSTED:
        return error
    message = f"The folder of pronunciation dictionaries cannot be changed: {error.strerror or 'it is not writable'}."
    return Conflict(message, code="folder_not_writable")


def remove_folder(folder: Path, first: str) -> None:
    """Remove a folder of files, the file `first` before the others, which are ignored without it."""
    try:
        (folder / first).unlink(missing_ok=True)
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        if (folder / first).exists():
            raise not_writable(error) from error


def is_stale(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > STALE_SECONDS
    return False


def _replace(source: Path, target: Path) -> None:
    """Rename a file, replacing the target. On Windows a reader or a scanner that has it open blocks this for a moment."""
    for attempt in range(REPLACE_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == REPLACE_ATTEMPTS - 1:
                raise
            time.sleep(0.02 * (attempt + 1))
        else:
            return


def _sync_folder(folder: Path) -> None:
    """Write the new name of a file to the disk as well; Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
