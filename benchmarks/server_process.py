"""A server in a child process: its start, its address, its memory and processor time, its end."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {
    "HOST": "127.0.0.1",
    "PORT": "0",
    "OPEN_BROWSER": "false",
    "LOG_LEVEL": "WARNING",
    "MAX_TEXT_LENGTH": "200000",
    "CONFIG_FILE": "no-file",
}

START_SECONDS = 60.0
SAMPLE_SECONDS = 0.2


class ServerProcess:
    """A server in a child process. `start_seconds` is the time from its start to its first answer, `idle_rss` its memory then, in bytes."""

    def __init__(self, name: str, command: Sequence[str], settings: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log: list[str] = []
        began = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603
            command,
            cwd=PROJECT,
            env={**os.environ, **ENVIRONMENT, **(settings or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        try:
            self.address = self._listening()
            connection = http.client.HTTPConnection(self.address, timeout=START_SECONDS)
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                status = connection.getresponse().status
            if status != 200:
                raise RuntimeError(f"{name}: /health answered {status}")
            self.start_seconds = time.perf_counter() - began
            family = [root := psutil.Process(self._process.pid), *root.children(recursive=True)]
            self._worker = max(family, key=lambda process: process.memory_info().rss)
            self.idle_rss = self.rss
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process that serves."""
        return int(self._worker.pid)

    @property
    def rss(self) -> int:
        """Memory in bytes of the process that serves, without the ffmpeg children it may run."""
        return int(self._worker.memory_info().rss)

    @property
    def num_threads(self) -> int:
        return int(self._worker.num_threads())

    @property
    def num_descriptors(self) -> int:
        """Open files and connections; on Windows, handles of all kinds."""
        return int(self._worker.num_handles() if os.name == "nt" else self._worker.num_fds())

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the process, and on Linux and macOS its ended children, have used so far."""
        times = self._worker.cpu_times()
        return sum(getattr(times, name, 0.0) for name in ("user", "system", "children_user", "children_system"))

    def stop(self) -> None:
        """End the process and all its children."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [*psutil.Process(self._process.pid).children(recursive=True)]
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.kill()
        self._process.wait()

    def _listening(self) -> str:
        """host:port, from the line that the server prints; what it prints later is kept in `log`."""
        found: list[str] = []
        is_known = threading.Event()

        def read() -> None:
            assert self._process.stdout is not None
            with self._process.stdout as lines:
                for line in lines:
                    self.log = [*self.log[-20:], line]
                    if not found and (match := re.search(r"http://([\w.]+:\d+)", line)):
                        found.append(match[1])
                        is_known.set()
            is_known.set()

        threading.Thread(target=read, daemon=True).start()
        if not is_known.wait(START_SECONDS) or not found:
            raise RuntimeError(f"{self.name} did not start:\n{''.join(self.log)}")
        return found[0]


@contextlib.contextmanager
def running(name: str, command: Sequence[str], settings: Mapping[str, str] | None = None) -> Iterator[ServerProcess]:
    server = ServerProcess(name, command, settings)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def watched_memory(server: ServerProcess) -> Iterator[list[tuple[float, int]]]:
    """(seconds since the block began, RSS in bytes), sampled until the block ends."""
    samples: list[tuple[float, int]] = []
    is_over = threading.Event()
    began = time.perf_counter()

    def watch() -> None:
        while not is_over.is_set():
            samples.append((time.perf_counter() - began, server.rss))
            is_over.wait(SAMPLE_SECONDS)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()
