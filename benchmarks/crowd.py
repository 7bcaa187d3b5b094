"""Crowds of clients: polite ones that come all at once, and others that trickle, stall or vanish; and what became of each.

Everything speaks plain HTTP to an address `host:port` and knows nothing of the server but its API.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import itertools
import json
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROUTE = "/v1/audio/speech"
JSON = {"Content-Type": "application/json"}
BUSY = (429, 503)
REPLY_SECONDS = 300.0
HEALTH_SECONDS = 60.0
STACK_BYTES = 512 * 1024
SMALL_BUFFER = 4096
NAMES = ("Anna", "Bruno", "Clara", "David", "Emma", "Felix", "Greta", "Henry", "Irene", "Jonas", "Karla", "Louis", "Maria", "Nora", "Oscar")
THINGS = ("apples", "boats", "candles", "doors", "eggs", "flowers", "gardens", "hats", "islands", "jackets", "kettles", "letters", "maps")


@dataclass(frozen=True)
class Ask:
    """A request for speech. With its seed it always has the same samples, so that a reply can be told from every other."""

    text: str
    voice: str = "alloy"
    seed: int = 1
    is_streamed: bool = False
    key: str = ""

    @property
    def body(self) -> bytes:
        fields = {"input": self.text, "voice": self.voice, "seed": self.seed, "response_format": "pcm", "stream": self.is_streamed}
        return json.dumps({**fields, "cache": False}).encode()

    @property
    def head(self) -> bytes:
        """The whole request, for a client that writes to a bare socket."""
        lines = (f"POST {ROUTE} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Reply:
    """What came back: `digest` of the body, seconds until its first byte and its last; `retry_after` in seconds where it was busy."""

    status: int
    digest: str
    first_byte: float
    total: float
    retry_after: float | None
    body: bytes = field(repr=False)


@dataclass
class Outcome:
    """What became of many requests. A request that found the server busy was sent again once it was told to."""

    asked: int = 0
    right: int = 0
    wrong: list[Ask] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    busy: Counter[int] = field(default_factory=Counter)
    impolite: int = 0
    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether everybody got an answer, and their own."""
        return self.right == self.asked and not self.impolite


def distinct_asks(number: int, seed: int = 1, **fields: Any) -> list[Ask]:
    """Requests of which no two say the same; short texts, each with a number of its own."""
    draw = random.Random(seed)
    return [Ask(f"{draw.choice(NAMES)} has {n + 20} {draw.choice(THINGS)}.", seed=n, **fields) for n in range(number)]


def speak(address: str, ask: Ask, *, patience: float = REPLY_SECONDS, when_heard: Callable[[], object] | None = None) -> Reply:
    """One request on a connection of its own; `when_heard` is called at the first byte of the audio. Raises OSError or HTTPException."""
    with contextlib.closing(http.client.HTTPConnection(address, timeout=patience)) as connection:
        began = time.perf_counter()
        connection.request("POST", ROUTE, ask.body, {**JSON, "Connection": "close", **({"x-api-key": ask.key} if ask.key else {})})
        response = connection.getresponse()
        body = response.read(1)
        first_byte = time.perf_counter() - began
        if when_heard is not None and response.status == 200:
            when_heard()
        body += response.read()
        told = response.headers.get("Retry-After")
        total = time.perf_counter() - began
    return Reply(response.status, hashlib.sha256(body).hexdigest(), first_byte, total, None if told is None else float(told), body)


def alone(address: str, asks: Sequence[Ask]) -> dict[Ask, str]:
    """What each request gives while nobody else asks, as a digest. A streamed reply has the samples of a whole one."""
    known: dict[Ask, str] = {}
    for ask in asks:
        reply = speak(address, replace(ask, is_streamed=False))
        if reply.status != 200:
            raise RuntimeError(f"{reply.status}: {reply.body[:300].decode(errors='replace')}")
        known[ask] = reply.digest
    return known


class Crowd:
    """Clients that compare each reply with what the same request gave alone, and come back when they are told to."""

    def __init__(self, address: str, expected: Mapping[Ask, str], *, patience: float = REPLY_SECONDS, seed: int = 1) -> None:
        self.address = address
        self.outcome = Outcome()
        self.is_over = threading.Event()
        self._expected = expected
        self._patience = patience
        self._draw = random.Random(seed)
        self._lock = threading.Lock()

    def ask(self, ask: Ask, when_heard: Callable[[], object] | None = None) -> None:
        """Ask until there is an answer; never raises. The latency counts from the first try."""
        with self._lock:
            self.outcome.asked += 1
        began = time.perf_counter()
        deadline = began + self._patience
        while True:
            try:
                reply = speak(self.address, ask, patience=max(1.0, deadline - time.perf_counter()), when_heard=when_heard)
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.outcome.lost[type(error).__name__] += 1
                return
            with self._lock:
                pause = self._judged(ask, reply, time.perf_counter() - began)
            if pause is None:
                return
            if time.perf_counter() + pause > deadline:
                with self._lock:
                    self.outcome.lost["busy until the end"] += 1
                return
            time.sleep(pause)

    def all_at_once(self, asks: Sequence[Ask], when_heard: Callable[[], object] | None = None) -> Outcome:
        """Every request from a client of its own, all let go at the same moment."""
        start = threading.Barrier(len(asks) + 1)

        def client(ask: Ask) -> None:
            start.wait()
            self.ask(ask, when_heard)

        with _many_threads():
            threads = [threading.Thread(target=client, args=(ask,)) for ask in asks]
            for thread in threads:
                thread.start()
        start.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        self.outcome.seconds = time.perf_counter() - began
        return self.outcome

    def at_rate(self, asks: Sequence[Ask], per_second: float) -> Outcome:
        """Requests at fixed moments, however long the replies take."""
        began = time.perf_counter()
        with ThreadPoolExecutor(128) as threads:
            for number, ask in enumerate(asks):
                time.sleep(max(0.0, began + number / per_second - time.perf_counter()))
                threads.submit(self.ask, ask)
        self.outcome.seconds = time.perf_counter() - began
        return self.outcome

    def _judged(self, ask: Ask, reply: Reply, latency: float) -> float | None:
        """Count a reply; seconds to wait where it asks to be asked again."""
        if reply.status in BUSY:
            self.outcome.busy[reply.status] += 1
            if reply.retry_after is None:
                self.outcome.impolite += 1
            # Not all at the same moment again.
            return (reply.retry_after or 1.0) * self._draw.uniform(1.0, 1.5)
        if reply.status != 200:
            self.outcome.lost[str(reply.status)] += 1
        elif reply.digest != self._expected[ask]:
            self.outcome.wrong.append(ask)
        else:
            self.outcome.right += 1
            self.outcome.latencies.append(latency)
            self.outcome.first_bytes.append(reply.first_byte)
        return None


def streams_together(address: str, asks: Sequence[Ask], *, patience: float = REPLY_SECONDS, wait: float = 60.0) -> tuple[Outcome, int]:
    """All requests as streams. Who hears a first sound waits for all others to hear theirs, or so many seconds, before it reads
    on: the number is how many streams had begun while none had ended.
    """
    asks = [replace(ask, is_streamed=True) for ask in asks]
    expected = alone(address, asks)
    heard = threading.Semaphore(0)
    go_on = threading.Event()

    def hear() -> None:
        heard.release()
        go_on.wait(wait * 2)

    counted = 0

    def count() -> None:
        nonlocal counted
        deadline = time.monotonic() + wait
        while counted < len(asks) and heard.acquire(timeout=max(0.0, deadline - time.monotonic())):
            counted += 1
        go_on.set()

    counter = threading.Thread(target=count)
    counter.start()
    outcome = Crowd(address, expected, patience=patience).all_at_once(asks, hear)
    counter.join()
    return outcome, counted


@contextlib.contextmanager
def talking(address: str, pause: float = 0.5, *, key: str = "") -> Iterator[Crowd]:
    """A client that says one short thing after another until the block ends, or its `is_over` is set."""
    asks = distinct_asks(4, key=key)
    crowd = Crowd(address, alone(address, asks))

    def talk() -> None:
        for ask in itertools.cycle(asks):
            crowd.ask(ask)
            if crowd.is_over.wait(pause):
                return

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield crowd
    finally:
        crowd.is_over.set()
        thread.join()


# What the server says of itself


def health(address: str, patience: float = HEALTH_SECONDS) -> dict[str, Any]:
    """The counters of /health; raises OSError, HTTPException, or RuntimeError where it does not answer 200."""
    with contextlib.closing(http.client.HTTPConnection(address, timeout=patience)) as connection:
        connection.request("GET", "/health", headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read()
    if response.status != 200:
        raise RuntimeError(f"/health answered {response.status}")
    counters: dict[str, Any] = json.loads(body)["metrics"]
    return counters


@dataclass
class HealthLog:
    """Seconds that /health took, each time, and the times that it failed."""

    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def worst(self) -> float:
        return max(self.latencies, default=0.0)


@contextlib.contextmanager
def watched_health(address: str) -> Iterator[HealthLog]:
    """Ask for /health again and again until the block ends; the log is filled then."""
    log = HealthLog()
    command = [sys.executable, str(Path(__file__).with_name("health_watch.py")), address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as watcher:  # noqa: S603
        assert watcher.stdin is not None and watcher.stdout is not None
        try:
            watcher.stdout.readline()  # it has begun
            yield log
        finally:
            watcher.stdin.close()
            found = json.loads(watcher.stdout.read())
            log.latencies, log.failures = found["latencies"], found["failures"]


def wait_idle(address: str, patience: float = 60.0) -> dict[str, Any]:
    """Wait until nothing is spoken or waited for and the engine has been still for a moment; its counters then. Raises TimeoutError."""
    deadline = time.monotonic() + patience
    before: dict[str, Any] = {}
    while True:
        now = health(address)
        is_idle = not now["in_flight"] and not now["segments_waiting"]
        if is_idle and now["segments_done"] == before.get("segments_done"):
            return now
        before = now if is_idle else {}
        if time.monotonic() > deadline:
            raise TimeoutError(f"still at work: {now}")
        time.sleep(0.3)


# Clients that nobody wants


@contextlib.contextmanager
def hostile(address: str, kind: str, number: int, *options: str) -> Iterator[Counter[str]]:
    """Many connections of a kind in a process of their own (see `hostile_clients.py`); the counts are filled when the block ends."""
    counts: Counter[str] = Counter()
    command = [sys.executable, str(Path(__file__).with_name("hostile_clients.py")), kind, address, str(number), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as clients:  # noqa: S603
        assert clients.stdin is not None and clients.stdout is not None
        try:
            clients.stdout.readline()  # they have begun
            yield counts
        finally:
            clients.stdin.close()
            counts.update(json.loads(clients.stdout.read()))


def connect(address: str, *, buffer: int | None = None) -> socket.socket:
    host, _, port = address.rpartition(":")
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(HEALTH_SECONDS)
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.connect((host, int(port)))
    except BaseException:
        sock.close()
        raise
    return sock


def vanish(sock: socket.socket) -> None:
    """Be gone without a word: the other side gets a reset."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextlib.contextmanager
def trickling(address: str, number: int, pause: float = 0.4) -> Iterator[Callable[[], int]]:
    """So many connections that send one byte of a request's head at a time; gives a function that counts those still open."""
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + b"x" * 100_000
    is_over = threading.Event()
    open_: set[socket.socket] = set()
    for _ in range(number):
        sock = connect(address)
        sock.setblocking(False)
        open_.add(sock)

    def trickle() -> None:
        for byte in head:
            for sock in list(open_):
                if is_cut(sock):
                    open_.discard(sock)
                    sock.close()
                    continue
                with contextlib.suppress(OSError):
                    sock.send(bytes([byte]))
            if is_over.wait(pause):
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield lambda: len(open_)
    finally:
        is_over.set()
        thread.join()
        for sock in open_:
            sock.close()


def is_cut(sock: socket.socket) -> bool:
    """Whether the other side has closed a non-blocking connection; what it sends before is thrown away."""
    try:
        while sock.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def stalled(address: str, asks: Sequence[Ask]) -> Iterator[list[socket.socket]]:
    """Clients that ask for speech and then read nothing of it."""
    sockets: list[socket.socket] = []
    try:
        for ask in asks:
            sock = connect(address, buffer=SMALL_BUFFER)
            sockets.append(sock)
            sock.sendall(ask.head)
        yield sockets
    finally:
        for sock in sockets:
            vanish(sock)


@contextlib.contextmanager
def slow_readers(address: str, asks: Sequence[Ask], bytes_per_second: int) -> Iterator[Callable[[], int]]:
    """Clients that read their streams this slowly. The function counts those whose connection is still open."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(connect(address, buffer=SMALL_BUFFER)) for _ in asks]
        is_over = threading.Event()
        still_open = set(sockets)

        def read() -> None:
            while not is_over.wait(1.0):
                for sock in list(still_open):
                    with contextlib.suppress(BlockingIOError):
                        try:
                            if not sock.recv(bytes_per_second):
                                still_open.discard(sock)
                        except (ConnectionError, TimeoutError):
                            still_open.discard(sock)

        for sock, ask in zip(sockets, asks, strict=True):
            sock.sendall(ask.head)
            sock.setblocking(False)
        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield lambda: len(still_open)
        finally:
            is_over.set()
            thread.join()


def vanishing(address: str, asks: Sequence[Ask], *, seed: int = 1, together: int = 40) -> Counter[str]:
    """Clients that leave somewhere: within their request, before the first sound, while they listen; half of them without a word. Counts
    how far they came.
    """
    draw = random.Random(seed)
    plans = [(ask, draw.choice(("in the head", "after the request", "while it plays")), draw.random(), draw.random() < 0.5) for ask in asks]
    places: Counter[str] = Counter()

    def client(plan: tuple[Ask, str, float, bool]) -> None:
        ask, place, part, is_sudden = plan
        try:
            sock = connect(address, buffer=SMALL_BUFFER)
        except OSError:
            places["not let in"] += 1
            return
        try:
            data = replace(ask, is_streamed=place == "while it plays").head
            sock.sendall(data[: round(len(data) * part)] if place == "in the head" else data)
            if place == "after the request":
                time.sleep(part * 0.2)
            left = round(part * 200_000) if place == "while it plays" else 0
            while left > 0 and (got := sock.recv(min(left, 65536))):
                left -= len(got)
            places[place] += 1
        except OSError:
            places["thrown out"] += 1
        finally:
            vanish(sock) if is_sudden else sock.close()

    with _many_threads(), ThreadPoolExecutor(together) as threads:
        list(threads.map(client, plans))
    return places


def overruns(address: str, ask: Ask, number: int, *, seed: int = 1) -> list[int]:
    """Clients that one after another leave in the middle of a stream: how many segments the engine finished after each had gone."""
    draw = random.Random(seed)
    found = []
    for _ in range(number):
        wait_idle(address)
        sock = connect(address, buffer=SMALL_BUFFER)
        sock.sendall(replace(ask, is_streamed=True).head)
        left = draw.randrange(1, 400_000)
        while left > 0 and (got := sock.recv(min(left, 65536))):
            left -= len(got)
        vanish(sock)
        at_leaving = health(address)["segments_done"]
        found.append(round(wait_idle(address)["segments_done"] - at_leaving))
    return found


@contextlib.contextmanager
def _many_threads() -> Iterator[None]:
    """Threads that are started within have a small stack."""
    before = threading.stack_size(STACK_BYTES)
    try:
        yield
    finally:
        threading.stack_size(before)
