"""A server that is killed at any moment, with its cache full and voices being made, starts again as if nothing had been: nothing partial is
listed or served, and what was promised before the kill is still there.

TEST_SCALE makes it longer: 34 stands for 102 kills.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

PROJECT = Path(__file__).resolve().parents[2]
CLIPS = PROJECT / "tests" / "clips"
ROUNDS = max(3, round(3 * float(os.environ.get("TEST_SCALE", "1"))))
CLIENTS = 4
MAKERS = 2
CACHE_MB = 1
FORMATS = ("wav", "mp3", "flac")
TEXTS = [
    f"This is text number {number}. " + "It goes on for a while, so that the server is killed while it is written. " * (number % 3)
    for number in range(14)
]
"""More than the cache holds, so that room is being made when the kill comes."""

RECORDINGS = [(CLIPS / name).read_bytes() for name in ("female_slt.flac", "male_rms.flac")]
"""A voice with an even number at its end is made of the first, one with an odd number of the second."""

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


# Voices


def make(url: str, name: str) -> requests.Response:
    clip = RECORDINGS[int(name[-1]) % 2]
    fields = {"name": name, "aliases": f"{name} too", "description": "x" * 400}
    return requests.post(f"{url}/v1/voices", data=fields, files={"audio": ("clip.flac", clip)}, timeout=60)


def recording(url: str, name: str) -> bytes:
    reply = requests.get(f"{url}/v1/voices/{name}/audio", timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.content


def listed(url: str) -> list[str]:
    reply = requests.get(f"{url}/v1/voices", timeout=60)
    assert reply.status_code == 200, reply.text
    return [voice["id"] for voice in reply.json()["data"] if voice["origin"] == "library"]


@dataclass
class Voices:
    """The folder of voices, and what there has to be in it: what was promised, unless its fate was open when the kill came."""

    folder: Path
    stored: list[bytes] = field(default_factory=list)
    """What the server makes of each of the recordings."""
    promised: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)

    def check_disk(self) -> None:
        """No file that could be taken for a voice is partial, and `voices.json` is whole."""
        for path in self.folder.rglob("[!.]*.flac"):
            assert path.read_bytes() == self.stored[int(path.stem[-1]) % 2], f"{path.name} is not what was stored"
        registry = self.folder / "voices.json"
        assert not registry.exists() or isinstance(json.loads(registry.read_text(encoding="utf-8")), dict)

    def check_server(self, url: str) -> None:
        """What is listed is there, and is the voice that was made under its name."""
        names = listed(url)
        assert self.promised - self.open <= set(names) <= self.promised | self.open
        for name in names:
            assert recording(url, name) == self.stored[int(name[-1]) % 2]
        self.promised, self.open = set(names), set()

    def churn(self, url: str, maker: int) -> None:
        """Make and delete voices until the server is gone."""
        for number in itertools.count():
            name = f"voice {maker} {number % 4}"
            self.open.add(name)
            if name in self.promised:
                assert requests.delete(f"{url}/v1/voices/{name}", timeout=60).status_code == 200
                self.promised.discard(name)
            else:
                assert make(url, name).status_code == 201
                self.promised.add(name)
            self.open.discard(name)


def run_until_the_kill(jobs: list[Callable[[], None]], failures: list[BaseException]) -> list[threading.Thread]:
    def run(job: Callable[[], None]) -> None:
        try:
            with contextlib.suppress(requests.RequestException):  # the kill
                job()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    return threads


def test_nothing_partial_is_listed_or_served_after_kills_at_random_moments(tmp_path):
    audio = tmp_path / "audio"
    voices = Voices(tmp_path / "voices")
    voices.folder.mkdir()
    draw = random.Random(42)
    every: list[Request] = [(text, draw.choice(FORMATS), draw.random() < 0.5) for text in TEXTS]
    settings = {"VOICE_LIBRARY_PATH": str(voices.folder)}
    caching = {**settings, "CACHE_TTL_MINUTES": "60", "CACHE_MAX_MB": str(CACHE_MB), "CACHE_PATH": str(audio)}
    with server(tmp_path, **settings) as (url, _):
        expected = {request: ask(url, request).content for request in every}
        for number in range(2):
            assert make(url, f"first {number}").status_code == 201
            voices.stored.append(recording(url, f"first {number}"))
            voices.promised.add(f"first {number}")
    wrong: list[tuple[Request, str | None]] = []
    failures: list[BaseException] = []
    seen: list[str | None] = []
    largest = 0

    def client(url: str, order: list[Request]) -> None:
        for request in itertools.cycle(order):
            reply = ask(url, request)
            kind = reply.headers.get("X-Cache")
            seen.append(kind)
            if reply.status_code != 200 or reply.content != expected[request]:
                wrong.append((request, kind))

    for _ in range(ROUNDS):
        with server(tmp_path, **caching) as (url, process):
            assert list(audio.glob("*.part")) == [], "what a crash left was not removed at the start"
            voices.check_server(url)
            talkers = [partial(client, url, draw.sample(every, len(every))) for _ in range(CLIENTS)]
            makers = [partial(voices.churn, url, maker) for maker in range(MAKERS)]
            threads = run_until_the_kill([*talkers, *makers], failures)
            last = len(seen) + draw.randrange(1, len(every))
            while len(seen) < last and any(thread.is_alive() for thread in threads):
                largest = max(largest, disk_bytes(audio))
                time.sleep(0.002)
            time.sleep(draw.uniform(0.0, 0.05))
            process.kill()
            for thread in threads:
                thread.join()
            largest = max(largest, disk_bytes(audio))
        voices.check_disk()

    with server(tmp_path, **caching) as (url, _):
        for request in every:
            if ask(url, request).content != expected[request]:
                wrong.append((request, "at the end"))
        assert ask(url, every[-1]).headers["X-Cache"] == "HIT"
        voices.check_server(url)
        # No name is spoilt by a kill in the middle of its making.
        for name in (f"voice {maker} {number}" for maker in range(MAKERS) for number in range(4)):
            assert make(url, name).status_code == (409 if name in voices.promised else 201)
            assert recording(url, name) == voices.stored[int(name[-1]) % 2]
    assert failures == []
    assert wrong == []
    assert {"MISS", "HIT"} <= set(seen), "nothing was ever written, or read"
    assert largest <= CACHE_MB * 2**20 * 1.05
