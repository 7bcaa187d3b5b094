"""Runs ffmpeg as a child process, with limits on time, memory and output."""

from __future__ import annotations

import contextlib
import errno
import functools
import importlib.resources
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from tts_server.child_environment import minimal_environment
from tts_server.errors import EngineFailure, ResourceExhausted, resource_exhausted

if sys.platform != "win32":
    import resource

_MAX_ADDRESS_SPACE = 1024**3
"""Bytes. The header of an mp4 of 20 KB can declare tables of gigabytes, which ffmpeg's limits on allocations and streams bound. This limit
of the whole process is a second barrier, on systems that can limit a running process (Linux)."""

_MAX_LOG_BYTES = 4096


@dataclass(frozen=True)
class Outcome:
    """The output of a child, the start of its messages, its exit status, and whether it was killed at the deadline."""

    output: bytes
    log: bytes
    status: int
    is_late: bool


def find_ffmpeg() -> str:
    """The program in IMAGEIO_FFMPEG_EXE, the one that comes with `imageio-ffmpeg`, or another that this package finds.

    Raises EngineFailure where there is none.
    """
    return os.environ.get("IMAGEIO_FFMPEG_EXE") or _bundled_ffmpeg()


@functools.cache
def _bundled_ffmpeg() -> str:
    """The program that comes with `imageio-ffmpeg`, or another that this package finds; raises EngineFailure where there is none.

    The package itself runs the program as a test, and caches a failure for lack of descriptors as long as the server runs.
    """
    with contextlib.suppress(ModuleNotFoundError):
        folder = importlib.resources.files("imageio_ffmpeg.binaries")
        programs = [entry for entry in folder.iterdir() if entry.name.startswith("ffmpeg") and isinstance(entry, Path)]
        if len(programs) == 1 and programs[0].is_file():
            return str(programs[0])
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EngineFailure("Reference clips cannot be read: no ffmpeg program was found. Reinstall the package imageio-ffmpeg.") from error


def run_child(command: Sequence[str], max_bytes: int, deadline: float) -> Outcome:
    """Run `command` until it ends, has written `max_bytes`, or `time.monotonic()` reaches `deadline`.

    Raises ResourceExhausted where the machine has no descriptors, processes, threads or memory left, EngineFailure where it does not start.
    """
    try:
        child = subprocess.Popen(  # a list, no shell, no argument from the user
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=minimal_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        # fork() has EAGAIN where the user may have no more processes.
        failure = ResourceExhausted("processes") if error.errno == errno.EAGAIN else resource_exhausted(error)
        raise failure or EngineFailure(f"Reference clips cannot be read: ffmpeg does not start ({error.strerror or error}).") from error
    _confine(child.pid)
    is_late = threading.Event()

    def stop_late_child() -> None:
        is_late.set()
        child.kill()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), stop_late_child)
    with child:
        assert child.stdout is not None and child.stderr is not None  # noqa: S101 - both are pipes; for the type checker
        log = _Log(child.stderr)
        try:
            log.start()
            timer.start()
            output = child.stdout.read(max_bytes)
            if len(output) >= max_bytes:
                child.kill()
            child.wait()
        except RuntimeError as error:  # a thread could not be started
            raise ResourceExhausted("threads") from error
        finally:
            timer.cancel()
            child.kill()
            if log.ident is not None:
                log.join()
    return Outcome(output, log.start_of_messages, child.returncode, is_late.is_set())


def _confine(pid: int) -> None:
    """Limit the child's memory as a whole."""
    if sys.platform == "linux" and hasattr(resource, "prlimit"):
        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))


class _Log(threading.Thread):
    """Reads all of the child's messages, so that it never blocks on a full pipe, and stores the first few thousand bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True, name="ffmpeg-log")
        self._stream = stream
        self.start_of_messages = b""

    def run(self) -> None:
        while block := self._stream.read(_MAX_LOG_BYTES):
            self.start_of_messages += block[: _MAX_LOG_BYTES - len(self.start_of_messages)]
