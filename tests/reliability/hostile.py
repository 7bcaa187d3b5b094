"""What the tests of hostile input share."""

from __future__ import annotations

import contextlib
import http.client
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

SCALE = float(os.environ.get("TEST_SCALE", "1"))
PATIENCE = 60 * max(1.0, SCALE)
"""Seconds. A clip may wait 10 for its turn and be read for 20; the rest is for the machine that tests."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def scaled(quick: int) -> int:
    """How many of something: `quick` by default, more with TEST_SCALE."""
    return max(1, round(quick * max(SCALE, 0.1)))


def at_once(work: Callable[[Item], Result], items: Iterable[Item], workers: int = 4) -> list[Result]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


def decoders() -> list[psutil.Process]:
    """The child processes of this one that decode."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "ffmpeg" in child.name():
                found.append(child)
    return found


def memory() -> int:
    """Bytes of this process, in which the server runs."""
    return int(psutil.Process().memory_info().rss)


@dataclass
class Peak:
    """The most memory in bytes that this process, and one child of it, was seen to take."""

    own: int = 0
    child: int = 0


@contextlib.contextmanager
def watched_memory() -> Iterator[Peak]:
    peak, is_over = Peak(), threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            peak.own = max(peak.own, memory())
            for child in decoders():
                with contextlib.suppress(psutil.NoSuchProcess):
                    peak.child = max(peak.child, child.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        is_over.set()
        watcher.join()


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str


def ask(port: int, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    """One request whose path reaches the server letter by letter: other clients tidy `..` away."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection._validate_path = lambda url: None  # type: ignore[attr-defined]
    connection._encode_request = lambda request: request.encode("utf-8", "surrogateescape")  # type: ignore[attr-defined]
    try:
        connection.request(method, target, body, headers or {})
        reply = connection.getresponse()
        return Answer(reply.status, reply.read(), reply.getheader("Content-Type", ""))
    finally:
        connection.close()


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def told(reply: Any) -> dict[str, Any]:
    """The error object of a reply, or what stands in its place in other dialects."""
    payload = reply.json() if hasattr(reply, "json") else reply
    assert isinstance(payload, dict), payload
    return payload.get("error") or payload
