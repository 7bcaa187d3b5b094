"""A server that is killed at any moment never gives a wrong or partial reply from its cache afterwards.

TEST_SCALE makes it longer: 17 stands for 51 kills.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import requests

PROJECT = Path(__file__).resolve().parents[2]
ROUNDS = max(3, round(3 * float(os.environ.get("TEST_SCALE", "1"))))
CLIENTS = 4
CACHE_MB = 1
FORMATS = ("wav", "mp3", "flac")
TEXTS = [
    f"This is text number {number}. " + "It goes on for a while, so that the server is killed while it is written. " * (number % 3)
    for number in range(14)
]
"""More than the cache holds, so that room is being made when the kill comes."""

Request = tuple[str, str, bool]


@contextlib.contextmanager
def server(folder: Path, **settings: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false", "CONFIG_FILE": "none", **settings},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[\w.]+:\d+", line)
        assert found, line
        yield found[0], process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def ask(url: str, request: Request) -> requests.Response:
    text, format_, stream = request
    fields = {"input": text, "response_format": format_, "stream": stream, "seed": 1, "sample_rate": 16000}
    return requests.post(f"{url}/v1/audio/speech", json=fields, timeout=60)


def disk_bytes(folder: Path) -> int:
    sizes = []
    for path in folder.glob("*.*"):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return sum(sizes)


def test_no_reply_is_wrong_or_partial_after_kills_at_random_moments(tmp_path):
    audio = tmp_path / "audio"
    draw = random.Random(42)
    every: list[Request] = [(text, draw.choice(FORMATS), draw.random() < 0.5) for text in TEXTS]
    caching = {"CACHE_TTL_MINUTES": "60", "CACHE_MAX_MB": str(CACHE_MB), "CACHE_PATH": str(audio)}
    with server(tmp_path) as (url, _):
        expected = {request: ask(url, request).content for request in every}
    wrong: list[tuple[Request, str | None]] = []
    seen: list[str | None] = []
    largest = 0

    for _ in range(ROUNDS):
        with server(tmp_path, **caching) as (url, process):
            assert list(audio.glob("*.part")) == [], "what a crash left was not removed at the start"
            orders = [draw.sample(every, len(every)) for _ in range(CLIENTS)]

            def client(order: list[Request], url: str = url) -> None:
                with contextlib.suppress(requests.RequestException):  # the kill
                    while True:
                        for request in order:
                            reply = ask(url, request)
                            kind = reply.headers.get("X-Cache")
                            seen.append(kind)
                            if reply.status_code != 200 or reply.content != expected[request]:
                                wrong.append((request, kind))

            threads = [threading.Thread(target=client, args=(order,)) for order in orders]
            for thread in threads:
                thread.start()
            last = len(seen) + draw.randrange(1, len(every))
            while len(seen) < last and any(thread.is_alive() for thread in threads):
                largest = max(largest, disk_bytes(audio))
                time.sleep(0.002)
            time.sleep(draw.uniform(0.0, 0.05))
            process.kill()
            for thread in threads:
                thread.join()
            largest = max(largest, disk_bytes(audio))

    with server(tmp_path, **caching) as (url, _):
        for request in every:
            if ask(url, request).content != expected[request]:
                wrong.append((request, "at the end"))
        assert ask(url, every[-1]).headers["X-Cache"] == "HIT"
    assert wrong == []
    assert {"MISS", "HIT"} <= set(seen), "nothing was ever written, or read"
    assert largest <= CACHE_MB * 2**20 * 1.05
