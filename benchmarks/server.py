"""Measures this server beside the plain way of serving speech, in one run, and prints Markdown tables.

    python benchmarks/server.py [--rounds 3] [--quick] [--json FILE] [--start "./run.sh"]

Both servers are child processes on free ports of this machine, both speak with the same voice, and this process is their only
client. Measurements alternate between them, so that whatever else the machine does touches both; tables hold medians of the
rounds. The plain way (`plain_server.py`) speaks the whole text at once, writes a WAV file and runs an ffmpeg child on it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import math
import os
import platform
import random
import re
import shlex
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parent.parent
PLAIN_COMMAND = [sys.executable, str(PROJECT / "benchmarks" / "plain_server.py")]
OUR_COMMAND = [sys.executable, "-m", "tts_server", "serve"]
ENVIRONMENT = {
    "HOST": "127.0.0.1",
    "PORT": "0",
    "OPEN_BROWSER": "false",
    "LOG_LEVEL": "WARNING",
    "MAX_TEXT_LENGTH": "200000",
    "CONFIG_FILE": "no-file",
}

START_SECONDS = 60.0
REPLY_SECONDS = 300.0
SAMPLE_SECONDS = 0.2
MIB = 2**20

MIN_THROUGHPUT_RATIO = 1.4
MAX_FIRST_BYTE_RATIO = 0.1
MAX_IDLE_MIB = 400e6 / MIB
MAX_START_SECONDS = 3.0
MAX_GROWTH_MIB = 16.0
"""Of the memory while a long text streams; 100,000 characters are some 300 MiB of samples."""
MAX_EXPONENT = 1.1
"""Of the text's length in the time of its stream: 1 is linear, 2 quadratic."""


# Texts


class Writer:
    """Sentences of 10 to 20 ordinary words, hardly ever the same one twice."""

    subjects = ("gardener", "teacher", "captain", "painter", "doctor", "farmer", "singer", "baker", "traveller")
    verbs = ("found", "carried", "painted", "described", "sold", "followed", "noticed", "repaired", "counted")
    adjectives = ("quiet", "wooden", "yellow", "heavy", "ancient", "narrow", "gentle", "broken", "silver")
    objects = ("boats", "letters", "lanterns", "chairs", "apples", "maps", "bicycles", "windows", "stones")
    places = ("harbour", "station", "library", "mountain", "bridge", "market", "meadow", "kitchen", "museum")
    endings = ("on Monday", "early in the morning", "without a word", "before the rain began", "with great care", "", "once again")
    openings = ("", "", "Last summer, ", "After a while, ", "As everyone knows, ", "Much later, ")

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def sentence(self) -> str:
        pick = self._random.choice
        with self._lock:
            words = (
                f"{pick(self.openings)}the {pick(self.adjectives)} {pick(self.subjects)} {pick(self.verbs)} {self._random.randint(2, 99)} "
                f"{pick(self.adjectives)} {pick(self.objects)} near the {pick(self.places)} {pick(self.endings)}"
            ).rstrip()
        return words[0].upper() + words[1:] + "."

    def words(self, number: int) -> str:
        """A text of so many words; its last sentence is cut short where needed."""
        words = list(itertools.islice((word for _ in itertools.count() for word in self.sentence().split()), number))
        return " ".join(words).rstrip(",.") + "."

    def characters(self, number: int) -> str:
        """A text of so many characters."""
        text = self.sentence()
        while len(text) < number:
            text += " " + self.sentence()
        return text[: number - 1] + "."


# Servers


class ServerProcess:
    """A server in a child process. `start_seconds` is the time from its start to its first answer, `idle_rss` its memory then, in bytes."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.log: list[str] = []
        began = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603
            command,
            cwd=PROJECT,
            env={**os.environ, **ENVIRONMENT},
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
    def rss(self) -> int:
        """Memory in bytes of the process that serves, without the ffmpeg children it may run."""
        return int(self._worker.memory_info().rss)

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
def running(name: str, command: Sequence[str]) -> Iterator[ServerProcess]:
    server = ServerProcess(name, command)
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


# One request


@dataclass(frozen=True)
class Reply:
    """What a client noticed; times in seconds, from before the request was sent."""

    ended_at: float
    first_byte: float
    total: float
    audio: float
    num_bytes: int


def speak(connection: http.client.HTTPConnection, text: str, *, is_streamed: bool) -> Reply:
    """Have a text spoken as mp3; raises RuntimeError where the reply is not a whole mp3 of a plausible length."""
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "mp3", **({"stream": True} if is_streamed else {})}
    began = time.perf_counter()
    connection.request("POST", "/v1/audio/speech", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    data = response.read1(65536)
    first_byte = time.perf_counter() - began
    data += response.read()
    ended = time.perf_counter()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {data[:500].decode(errors='replace')}")
    audio = mp3_seconds(data)
    if not 0.15 < audio / len(text.split()) < 1.5:
        raise RuntimeError(f"{audio:.1f} s of audio for {len(text.split())} words")
    return Reply(ended, first_byte, ended - began, audio, len(data))


def mp3_seconds(data: bytes) -> float:
    """Length of an MPEG-2 layer III file by its frame headers, in seconds; raises RuntimeError where frames do not follow each other."""
    position = 10 + _syncsafe(data[6:10]) if data[:3] == b"ID3" else 0
    seconds = 0.0
    while position + 4 <= len(data):
        header = int.from_bytes(data[position : position + 4], "big")
        if header >> 17 != 0x7FF9:
            raise RuntimeError(f"no MPEG-2 layer III frame at byte {position} of {len(data)}")
        kbps = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)[header >> 12 & 15]
        rate = (22050, 24000, 16000)[header >> 10 & 3]
        position += 72000 * kbps // rate + (header >> 9 & 1)
        seconds += 576 / rate
    return seconds


def _syncsafe(data: bytes) -> int:
    return sum(byte << 7 * place for place, byte in enumerate(reversed(data)))


# Many requests


@dataclass(frozen=True)
class Load:
    """A closed loop of clients, counted over a few seconds after a ramp; `cpu_seconds` is the server's processor time for a request."""

    num_clients: int
    requests_per_second: float
    audio_per_second: float
    first_byte: float
    first_byte_p95: float
    cpu_seconds: float
    peak_rss: float


def run_load(server: ServerProcess, writer: Writer, num_clients: int, ramp: float, seconds: float, *, is_streamed: bool) -> Load:
    """Every client sends its next text once its last reply is there. Replies that end within the window count."""
    replies: list[Reply] = []
    failures: list[Exception] = []
    opens = time.perf_counter() + ramp
    closes = opens + seconds

    def client() -> None:
        try:
            with contextlib.closing(http.client.HTTPConnection(server.address, timeout=REPLY_SECONDS)) as connection:
                while time.perf_counter() < closes and not failures:
                    replies.append(speak(connection, writer.words(12), is_streamed=is_streamed))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(num_clients)]
    cpu_before = server.cpu_seconds
    with watched_memory(server) as memory:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise RuntimeError(f"{server.name}, {num_clients} clients: {failures[0]}\n{''.join(server.log)}") from failures[0]
    counted = [reply for reply in replies if opens <= reply.ended_at <= closes] or replies
    first_bytes = sorted(reply.first_byte for reply in counted)
    return Load(
        num_clients,
        len(counted) / seconds,
        sum(reply.audio for reply in counted) / seconds,
        statistics.median(first_bytes),
        first_bytes[math.ceil(0.95 * len(first_bytes)) - 1],
        (server.cpu_seconds - cpu_before) / len(replies),
        max(rss for _, rss in memory),
    )


# The measurements


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int
    clients: tuple[int, ...] = (1, 8, 32)
    ramp: float = 1.0
    seconds: float = 4.0
    lengths: tuple[int, ...] = (12, 55, 220, 880)
    claimed_length: int = 220
    long_texts: tuple[int, ...] = (25_000, 50_000, 100_000)
    starts: int = 3


QUICK = Scale(1, (1, 2), 0.1, 0.6, (12, 55), 55, (500, 1000, 2000), 1)

PLAIN, OURS = "plain way", "Parlance"
WHOLE, STREAMED = f"{OURS}, whole", f"{OURS}, stream"


@dataclass(frozen=True)
class LongStream:
    """One long text, streamed. `growth` in bytes: the highest RSS of the last quarter over that of the first."""

    characters: int
    seconds: float
    cpu_seconds: float
    audio: float
    first_byte: float
    growth: int
    peak_rss: int
    rss_by_tenth: list[int]


@dataclass
class Results:
    """All that was measured; the keys of the dictionaries are names of servers, or of kinds of replies."""

    machine: str
    start_seconds: dict[str, list[float]] = field(default_factory=dict)
    idle_rss: dict[str, list[int]] = field(default_factory=dict)
    rss_after: dict[str, int] = field(default_factory=dict)
    loads: dict[str, dict[int, list[Load]]] = field(default_factory=dict)
    first_bytes: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    long_streams: list[LongStream] = field(default_factory=list)

    def load(self, kind: str, num_clients: int) -> Load:
        """The median of each figure over the rounds."""
        rounds = self.loads[kind][num_clients]
        return Load(**{name.name: statistics.median(getattr(load, name.name) for load in rounds) for name in fields(Load)})

    def throughput_ratio(self, kind: str, num_clients: int) -> float:
        """Requests/s to the plain way's: median of the rounds' ratios, since what else the machine does changes between rounds."""
        rounds = zip(self.loads[kind][num_clients], self.loads[PLAIN][num_clients], strict=True)
        return statistics.median(load.requests_per_second / plain.requests_per_second for load, plain in rounds)

    def first_byte(self, kind: str, num_words: int) -> float:
        """Median over the rounds, in ms."""
        return statistics.median(self.first_bytes[kind][num_words]) * 1000

    def start(self, name: str) -> float:
        return statistics.median(self.start_seconds[name])

    def idle(self, name: str) -> float:
        """Memory in MiB after the start."""
        return statistics.median(self.idle_rss[name]) / MIB


def measure(scale: Scale, start: Sequence[str], say: Callable[[str], None]) -> Results:
    """Run everything; `say` hears what is being done."""
    results = Results(machine())
    with contextlib.ExitStack() as stack:
        for number in range(scale.starts):
            say(f"start {number + 1} of {scale.starts}")
            servers = {}
            for name, command in ((PLAIN, PLAIN_COMMAND), (OURS, start)):
                with contextlib.ExitStack() as one:
                    servers[name] = one.enter_context(running(name, command))
                    results.start_seconds.setdefault(name, []).append(servers[name].start_seconds)
                    results.idle_rss.setdefault(name, []).append(servers[name].idle_rss)
                    if number == scale.starts - 1:
                        stack.push(one.pop_all())
        plain, ours = servers[PLAIN], servers[OURS]
        kinds = ((PLAIN, plain, False), (WHOLE, ours, False), (STREAMED, ours, True))
        writer = Writer(1)
        for name, server, is_streamed in kinds:
            say(f"warm up: {name}")
            run_load(server, writer, 4, 0.0, 0.5, is_streamed=is_streamed)
        for number in range(scale.rounds):
            order = kinds if number % 2 == 0 else kinds[::-1]
            for num_clients in scale.clients:
                for name, server, is_streamed in order:
                    say(f"round {number + 1} of {scale.rounds}: {num_clients} clients, {name}")
                    load = run_load(server, writer, num_clients, scale.ramp, scale.seconds, is_streamed=is_streamed)
                    results.loads.setdefault(name, {}).setdefault(num_clients, []).append(load)
            for num_words in scale.lengths:
                say(f"round {number + 1} of {scale.rounds}: {num_words} words")
                for name, server, is_streamed in order:
                    if name == WHOLE:
                        continue
                    reply = speak_once(server, writer.words(num_words), is_streamed=is_streamed)
                    results.first_bytes.setdefault(name, {}).setdefault(num_words, []).append(reply.first_byte)
        for characters in scale.long_texts:
            say(f"a text of {characters:,} characters")
            results.long_streams.append(stream_long(ours, writer.characters(characters)))
        results.rss_after = {name: server.rss for name, server in servers.items()}
    return results


def speak_once(server: ServerProcess, text: str, *, is_streamed: bool) -> Reply:
    with contextlib.closing(http.client.HTTPConnection(server.address, timeout=REPLY_SECONDS)) as connection:
        return speak(connection, text, is_streamed=is_streamed)


def stream_long(server: ServerProcess, text: str) -> LongStream:
    cpu_before = server.cpu_seconds
    with watched_memory(server) as memory:
        reply = speak_once(server, text, is_streamed=True)
    rss = [sample for _, sample in memory]
    quarter = math.ceil(len(rss) / 4)
    return LongStream(
        len(text),
        reply.total,
        server.cpu_seconds - cpu_before,
        reply.audio,
        reply.first_byte,
        max(rss[-quarter:]) - max(rss[:quarter]),
        max(rss),
        [rss[tenth * (len(rss) - 1) // 10] for tenth in range(11)],
    )


def machine() -> str:
    """The machine in words, with what else it was doing."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        processor = names[0] if names else processor
    load = psutil.getloadavg()[0]
    return (
        f"{psutil.cpu_count()} cores ({processor}), {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}; load average at the start {load:.1f}"
    )


# What is printed


@dataclass(frozen=True)
class Claim:
    """Something the server promises, and what was measured."""

    words: str
    ours: str
    plain: str
    ratio: float | None
    limit: str
    is_met: bool


def claims(results: Results, scale: Scale) -> list[Claim]:
    num_clients = scale.clients[-1]
    ours, plain = (results.load(kind, num_clients).requests_per_second for kind in (WHOLE, PLAIN))
    ratio = results.throughput_ratio(WHOLE, num_clients)
    first, plain_first = (results.first_byte(kind, scale.claimed_length) for kind in (STREAMED, PLAIN))
    idle, plain_idle = results.idle(OURS), results.idle(PLAIN)
    after = results.rss_after[OURS] / MIB
    start, plain_start = results.start(OURS), results.start(PLAIN)
    longest = results.long_streams[-1]
    growth = longest.growth / MIB
    exponent = growth_exponent(results.long_streams)
    return [
        Claim(
            f"requests/s at {num_clients} clients",
            f"{ours:.1f}",
            f"{plain:.1f}",
            ratio,
            f"ratio >= {MIN_THROUGHPUT_RATIO}",
            ratio >= MIN_THROUGHPUT_RATIO,
        ),
        Claim(
            f"first byte of {scale.claimed_length} words, streamed",
            f"{first:.0f} ms",
            f"{plain_first:.0f} ms",
            first / plain_first,
            f"ratio <= {MAX_FIRST_BYTE_RATIO}",
            first / plain_first <= MAX_FIRST_BYTE_RATIO,
        ),
        Claim(
            "idle memory after the start, and after all of this",
            f"{idle:.0f}, {after:.0f} MiB",
            f"{plain_idle:.0f} MiB",
            idle / plain_idle,
            f"< {MAX_IDLE_MIB:.0f} MiB",
            max(idle, after) < MAX_IDLE_MIB,
        ),
        Claim(
            "start to first answer",
            f"{start:.2f} s",
            f"{plain_start:.2f} s",
            start / plain_start,
            f"< {MAX_START_SECONDS:.0f} s",
            start < MAX_START_SECONDS,
        ),
        Claim(
            f"memory flat while {longest.characters:,} characters stream",
            f"{growth:+.1f} MiB",
            "-",
            None,
            f"< {MAX_GROWTH_MIB:.0f} MiB",
            growth < MAX_GROWTH_MIB,
        ),
        Claim(
            "processor time linear in the length",
            f"length^{exponent:.2f}",
            "-",
            None,
            f"<= length^{MAX_EXPONENT}",
            exponent <= MAX_EXPONENT,
        ),
    ]


def growth_exponent(streams: Sequence[LongStream]) -> float:
    """x in "the processor time grows as length^x", from the shortest to the longest text.

    Processor time, since whatever else the machine does meanwhile would bend the curve of the clock.
    """
    shortest, longest = streams[0], streams[-1]
    return math.log(longest.cpu_seconds / shortest.cpu_seconds) / math.log(longest.characters / shortest.characters)


def report(results: Results, scale: Scale) -> str:
    """All tables as Markdown."""
    lines = [f"Machine: {results.machine}.", "", f"Medians of {scale.rounds} rounds, ratios too; replies are mp3."]
    lines += ["", f"## Short texts: 12 words, all different, {scale.seconds:g} s a cell", "", *load_table(results, scale)]
    lines += ["", "## First byte against the length of the text, one client", "", *first_byte_table(results, scale)]
    lines += ["", f"## Start and memory, medians of {scale.starts} starts", "", *memory_table(results)]
    lines += ["", "The plain way's memory is without its ffmpeg children."]
    lines += ["", "## Long texts, streamed by Parlance", "", *long_table(results)]
    tenths = ", ".join(f"{rss / MIB:.0f}" for rss in results.long_streams[-1].rss_by_tenth)
    lines += [
        "",
        f"Memory in MiB at each tenth of the last one: {tenths}. Growth is the most in the last quarter over the most in the first.",
    ]
    lines += ["", "## Claims", "", *claim_table(results, scale)]
    return "\n".join(lines)


def load_table(results: Results, scale: Scale) -> list[str]:
    rows = []
    for num_clients in scale.clients:
        for kind in (PLAIN, WHOLE, STREAMED):
            load = results.load(kind, num_clients)
            rows.append(
                [
                    f"{num_clients}",
                    kind,
                    f"{load.requests_per_second:.1f}",
                    f"{results.throughput_ratio(kind, num_clients):.2f}",
                    f"{load.audio_per_second:.0f}",
                    f"{load.cpu_seconds * 1000:.0f}",
                    f"{load.first_byte * 1000:.0f}",
                    f"{load.first_byte_p95 * 1000:.0f}",
                    f"{load.peak_rss / MIB:.0f}",
                ]
            )
    head = [
        "clients",
        "server",
        "requests/s",
        "to plain",
        "audio s/s",
        "CPU ms a request",
        "first byte, ms",
        "95th percentile, ms",
        "peak memory, MiB",
    ]
    return table(head, rows)


def first_byte_table(results: Results, scale: Scale) -> list[str]:
    rows = []
    for num_words in scale.lengths:
        plain, ours = results.first_byte(PLAIN, num_words), results.first_byte(STREAMED, num_words)
        plain_growth, growth = (
            results.first_byte(kind, num_words) / results.first_byte(kind, scale.lengths[0]) for kind in (PLAIN, STREAMED)
        )
        rows.append([f"{num_words}", f"{plain:.0f}", f"{ours:.0f}", f"{ours / plain:.3f}", f"{plain_growth:.1f}", f"{growth:.1f}"])
    return table(["words", f"{PLAIN}, ms", f"{STREAMED}, ms", "to plain", f"growth, {PLAIN}", f"growth, {STREAMED}"], rows)


def memory_table(results: Results) -> list[str]:
    rows = []
    for name, kinds in ((PLAIN, [PLAIN]), (OURS, [WHOLE, STREAMED])):
        peak = max(load.peak_rss for kind in kinds for loads in results.loads[kind].values() for load in loads)
        after = results.rss_after[name]
        rows.append([name, f"{results.start(name):.2f}", f"{results.idle(name):.0f}", f"{peak / MIB:.0f}", f"{after / MIB:.0f}"])
    return table(["server", "start to first answer, s", "idle, MiB", "peak under load, MiB", "idle at the end, MiB"], rows)


def long_table(results: Results) -> list[str]:
    rows = [
        [
            f"{one.characters:,}",
            f"{one.seconds:.1f}",
            f"{one.cpu_seconds:.1f}",
            f"{one.seconds / one.characters * 1e6:.0f}",
            f"{one.audio:.0f}",
            f"{one.audio / one.seconds:.0f}",
            f"{one.first_byte * 1000:.0f}",
            f"{one.peak_rss / MIB:.0f}",
            f"{one.growth / MIB:+.1f}",
        ]
        for one in results.long_streams
    ]
    head = [
        "characters",
        "time, s",
        "CPU, s",
        "µs a character",
        "audio, s",
        "times real time",
        "first byte, ms",
        "peak memory, MiB",
        "growth, MiB",
    ]
    return table(head, rows)


def claim_table(results: Results, scale: Scale) -> list[str]:
    rows = [
        [one.words, one.ours, one.plain, "-" if one.ratio is None else f"{one.ratio:.3g}", one.limit, "PASS" if one.is_met else "FAIL"]
        for one in claims(results, scale)
    ]
    return table(["claim", OURS, PLAIN, "ratio", "must be", "verdict"], rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)]


# The command


def main(arguments: Sequence[str]) -> int:
    """Measure and print. The exit code says whether the run was complete, not whether the claims were met."""
    parser = argparse.ArgumentParser(description="Measure this server beside the plain way of serving speech.")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: shows that the benchmark works, the figures mean little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all single figures as JSON too")
    parser.add_argument("--start", default=shlex.join(OUR_COMMAND), help="command that starts the server (default: -m tts_server serve)")
    options = parser.parse_args(list(arguments))
    scale = QUICK if options.quick else Scale(options.rounds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    began = time.perf_counter()

    def say(words: str) -> None:
        print(f"[{time.perf_counter() - began:4.0f} s] {words}", file=sys.stderr, flush=True)

    results = measure(scale, shlex.split(options.start), say)
    print(report(results, scale))
    print(f"\nThe run took {time.perf_counter() - began:.0f} s.")
    if options.json:
        document = {**asdict(results), "claims": [asdict(claim) for claim in claims(results, scale)]}
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
