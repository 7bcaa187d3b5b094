"""Puts the server under load and in bad company, and holds what happens against what docs/RELIABILITY.md promises.

    python benchmarks/reliability.py [--quick] [--only burst,streams,…] [--json FILE] [--start "./run.sh"] [--address HOST:PORT]

Each part has a fresh server, a child process on a free port of this machine, unless `--address` names one that runs already (then
its threads, files and memory are not looked at). /health is asked for ten times a second all the while. The full run takes about a
quarter of an hour. Ends with 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import shlex
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from crowd import (
    Ask,
    Crowd,
    Outcome,
    alone,
    distinct_asks,
    health,
    hostile,
    overruns,
    slow_readers,
    stalled,
    streams_together,
    talking,
    trickling,
    vanishing,
    wait_idle,
    watched_health,
)
from heavy import dear_bodies, dear_texts, encode_all, fill_session, speak_all
from server_process import ServerProcess, running, watched_memory
from texts import Writer

COMMAND = [sys.executable, "-m", "tts_server", "serve"]

MIB = 2**20

MAX_HEALTH_SECONDS = 1.0
MAX_P95_RATIO = 1.25
MAX_MEMORY_RATIO = 1.05
MAX_TRICKLING_SECONDS = 30.0
MAX_STALLED_SECONDS = 90.0
MAX_SHORT_SECONDS = 3.0
MAX_GONE_SECONDS = 2.0
KEY = "a-key-of-this-run"
MAX_ONE_REPLY_MIB = 300.0
MAX_EIGHT_REPLIES_MIB = 800.0
MAX_ENCODE_MIB = 400.0
MAX_SESSION_MIB = 50.0
WITHOUT_TIMES = frozenset({"reconnecting", "reconnecting_with_keys"})
"""Parts in which everybody has to be served, but no time is promised."""

EARLY = ("--early", "300000")
STALL_SECONDS = 10
"""How long a reader may take nothing, as the server is set for this part. There are more readers than threads, so it takes two rounds."""

SLOW_BYTES_PER_SECOND = 1024

STREAM_CHARACTERS = 700
STORY_CHARACTERS = 4000
SMALL_CHARACTERS = 800


@dataclass(frozen=True)
class Scale:
    """How many of each. After `rest` seconds without work the server has given free memory back, and closed connections are gone."""

    burst: int = 2048
    per_second: float = 2.0
    seconds: float = 300.0
    clients: int = 10
    streams: int = 500
    trickling: int = 110
    stalled: int = 100
    slow: int = 64
    bodies: int = 2000
    keepalive: int = 1040
    pipelined: int = 60
    vanishing: int = 500
    overruns: int = 50
    hold_seconds: float = 120.0
    talk_seconds: float = 20.0
    dear_characters: int = 4096
    replies_at_once: int = 8
    encode_bytes: int = 49 * MIB
    session_updates: int = 60
    update_bytes: int = 1_000_000
    rest: float = 5.0
    warm_up: int = 64


QUICK = Scale(
    burst=16,
    per_second=6,
    seconds=2,
    clients=2,
    streams=6,
    trickling=12,
    stalled=6,
    slow=12,
    bodies=60,
    keepalive=30,
    pipelined=6,
    vanishing=24,
    overruns=3,
    talk_seconds=2,
    dear_characters=48,
    replies_at_once=2,
    encode_bytes=2 * MIB,
    session_updates=3,
    rest=0.5,
    warm_up=8,
)


@dataclass(frozen=True)
class Finding:
    """One figure, and the promise it is held against; `is_kept` is None where nothing is promised."""

    part: str
    what: str
    figure: str
    promise: str = ""
    is_kept: bool | None = None


@dataclass(frozen=True)
class Stage:
    """What a part has: where the server is, its process if it is ours, how many of each, and who to tell what is done."""

    address: str
    process: ServerProcess | None
    scale: Scale
    tell: Callable[[str], None]
    part: str = ""
    key: str = ""


# The parts; each returns its findings


def burst(stage: Stage) -> Iterator[Finding]:
    asks = distinct_asks(stage.scale.burst)
    stage.tell(f"{len(asks)} requests one by one, to know what each gives alone")
    expected = alone(stage.address, asks)
    stage.tell(f"{len(asks)} requests at once")
    outcome = Crowd(stage.address, expected, patience=900.0).all_at_once(asks)
    yield from answered("burst", outcome)
    yield Finding("burst", "longest wait for a reply, with all retries", f"{max(outcome.latencies, default=math.nan):.1f} s")


def sustained(stage: Stage) -> Iterator[Finding]:
    scale = stage.scale
    asks = distinct_asks(round(scale.per_second * scale.seconds))
    stage.tell(f"{len(asks)} requests one by one, to know what each gives alone")
    expected = alone(stage.address, asks)
    time.sleep(scale.rest)
    memory = stage.process.rss if stage.process else 0
    crowd = Crowd(stage.address, expected)
    stage.tell(f"{scale.clients} clients with {scale.per_second:g} requests a second each, for {scale.seconds:g} s")
    crowd.at_rate(asks * scale.clients, scale.per_second * scale.clients)
    yield from answered("sustained", crowd.outcome)
    latencies = crowd.outcome.latencies
    quarter = max(1, len(latencies) // 4)
    first, last = p95(latencies[:quarter]), p95(latencies[-quarter:])
    yield Finding("sustained", "median latency", f"{statistics.median(latencies) * 1000:.0f} ms")
    yield Finding("sustained", "p95 latency, first and last quarter", f"{first * 1000:.0f} and {last * 1000:.0f} ms")
    yield at_most("sustained", "p95 of the last quarter to that of the first", last / first, MAX_P95_RATIO)
    if stage.process:
        time.sleep(scale.rest)
        yield Finding("sustained", "memory before and after", f"{memory / MIB:.0f} and {stage.process.rss / MIB:.0f} MiB")
        yield at_most("sustained", "memory after to before", stage.process.rss / memory, MAX_MEMORY_RATIO)


def streams(stage: Stage) -> Iterator[Finding]:
    writer = Writer(2)
    asks = [Ask(writer.characters(STREAM_CHARACTERS), seed=number) for number in range(stage.scale.streams)]
    stage.tell(f"{len(asks)} streams, each one alone and then all together")
    outcome, together = streams_together(stage.address, asks, patience=900.0)
    yield from answered("streams", outcome)
    yield Finding("streams", "streams that had begun when none had ended", str(together), f"all {len(asks)}", is_kept=together == len(asks))
    yield Finding("streams", "median time to the first byte", f"{statistics.median(outcome.first_bytes or [math.nan]):.2f} s")


def trickle(stage: Stage) -> Iterator[Finding]:
    number = stage.scale.trickling
    stage.tell(f"{number} connections that send a byte each 0.4 s")
    with talking(stage.address) as crowd, trickling(stage.address, number) as still_open:
        seconds = wait_for(lambda: still_open() == 0, stage.scale.hold_seconds)
        left = still_open()
    yield from answered("trickle", crowd.outcome, "short requests meanwhile")
    yield freed("trickle", "connections", left, seconds, MAX_TRICKLING_SECONDS)


def stall(stage: Stage) -> Iterator[Finding]:
    text = Writer(3).characters(STORY_CHARACTERS)
    asks = [Ask(text, seed=number, is_streamed=True) for number in range(stage.scale.stalled)]
    stage.tell(f"{len(asks)} readers that read nothing")
    with contextlib.ExitStack() as stack:
        memory = stack.enter_context(watched_memory(stage.process)) if stage.process else []
        began = time.monotonic()
        crowd = stack.enter_context(talking(stage.address))
        stack.enter_context(stalled(stage.address, asks))
        wait_for(lambda: health(stage.address)["in_flight"] > 1, stage.scale.hold_seconds)
        time.sleep(stage.scale.talk_seconds)
        crowd.is_over.set()
        with contextlib.suppress(TimeoutError):
            wait_idle(stage.address, stage.scale.hold_seconds)
        seconds = time.monotonic() - began
        left = round(health(stage.address)["in_flight"])
    yield from answered("stall", crowd.outcome, "short requests meanwhile")
    yield freed("stall", "streams", left, seconds, MAX_STALLED_SECONDS)
    if memory:
        yield Finding("stall", "most memory", f"{max(rss for _, rss in memory) / MIB:.0f} MiB, {memory[0][1] / MIB:.0f} before")


def slow(stage: Stage) -> Iterator[Finding]:
    """Readers far slower than speech, of long texts and of ones so short that they count as small."""
    for name, characters in (("long", STORY_CHARACTERS), ("short", SMALL_CHARACTERS)):
        text = Writer(5).characters(characters)
        asks = [Ask(text, seed=number, is_streamed=True) for number in range(stage.scale.slow)]
        stage.tell(f"{len(asks)} readers of {name} texts at {SLOW_BYTES_PER_SECOND} bytes a second")
        with talking(stage.address) as crowd, slow_readers(stage.address, asks, SLOW_BYTES_PER_SECOND) as still_open:
            time.sleep(stage.scale.talk_seconds)
            left = still_open()
            crowd.is_over.set()
        yield from answered("slow", crowd.outcome, f"short requests during {name} texts")
        yield at_most("slow", "longest wait for one", max(crowd.outcome.latencies, default=math.inf), MAX_SHORT_SECONDS, " s")
        yield Finding("slow", "readers still connected", f"{left} of {len(asks)}", "all", is_kept=left == len(asks))
        with contextlib.suppress(TimeoutError):
            wait_idle(stage.address, stage.scale.hold_seconds)


def held_up(part: str, stage: Stage, what: str, kind: str, number: int, *options: str) -> Iterator[Finding]:
    """What short requests take while many connections hold the server up."""
    stage.tell(f"{number} {what}")
    with talking(stage.address, key=stage.key) as crowd, hostile(stage.address, kind, number, *options) as counts:
        time.sleep(stage.scale.talk_seconds)
        crowd.is_over.set()
    yield from answered(part, crowd.outcome, f"short requests during {number:,} {what}")
    yield at_most(part, "longest wait for one", max(crowd.outcome.latencies, default=math.inf), MAX_SHORT_SECONDS, " s")
    yield Finding(
        part, "what became of the connections", ", ".join(f"{name}: {count:,}" for name, count in sorted(counts.items())) or "open"
    )


def bodies(stage: Stage) -> Iterator[Finding]:
    yield from held_up(stage.part, stage, "bodies that trickle", "bodies", stage.scale.bodies, *EARLY)


def reconnecting(stage: Stage) -> Iterator[Finding]:
    number = stage.scale.bodies * 3 // 2
    yield from held_up(stage.part, stage, "bodies that trickle and come again", "bodies", number, *EARLY, "--reconnect")


def keepalive(stage: Stage) -> Iterator[Finding]:
    number = stage.scale.keepalive
    yield from held_up("keepalive", stage, "connections that ask again and again", "keepalive", number, "--pause", "0.8", "--reconnect")


def pipelined(stage: Stage) -> Iterator[Finding]:
    for how in ((), ("--reset",)):
        stage.tell(f"{stage.scale.pipelined} clients that send more than one request and vanish")
        with hostile(stage.address, "pipelined", stage.scale.pipelined, "--pause", "0.5", *how) as counts:
            pass
        seconds = wait_for(lambda: not health(stage.address)["in_flight"], stage.scale.hold_seconds)
        name = f"by {'a reset' if how else 'a close'}"
        yield Finding("pipelined", f"clients that vanished {name}", str(counts["vanished"]))
        yield at_most("pipelined", f"time until nothing was worked on, {name}", seconds, MAX_GONE_SECONDS, " s")


def vanish(stage: Stage) -> Iterator[Finding]:
    text = Writer(4).characters(STORY_CHARACTERS)
    stage.tell(f"{stage.scale.vanishing} clients that vanish somewhere")
    places: Counter[str] = vanishing(stage.address, [Ask(text, seed=n) for n in range(stage.scale.vanishing)])
    yield Finding("vanish", "left", ", ".join(f"{place}: {count}" for place, count in sorted(places.items())))
    wait_idle(stage.address, 120.0)
    yield Finding("vanish", "requests still worked on afterwards", "0", "0", is_kept=True)
    stage.tell(f"{stage.scale.overruns} more, one after another")
    over = overruns(stage.address, Ask(text, seed=1), stage.scale.overruns)
    threads = round(health(stage.address)["threads"])
    yield Finding(
        "vanish",
        "segments that the engine finished after a listener had gone",
        f"{statistics.mean(over):.1f} on average, {max(over)} at most",
        f"at most {threads}, one for each thread of the engine",
        is_kept=max(over) <= threads,
    )


def heavy(stage: Stage) -> Iterator[Finding]:
    """Requests of 4 KB that ask for as much as they can. Memory is counted from before the first of them."""
    idle = stage.process.rss if stage.process else 0
    dearest: list[tuple[int, str, bytes]] = []
    length = stage.scale.dear_characters
    for name, body in zip(dear_texts(length), dear_bodies(length), strict=True):
        stage.tell(f"{length:,} characters of {name}, at a quarter of the speed, as WAV of 48 kHz")
        with added_memory(stage, idle) as peak:
            answer = speak_all(stage.address, [body], 1)[0]
        yield Finding("heavy", f"{name}: status, MB of reply", f"{answer.status}, {answer.num_bytes / MIB:.0f}")
        yield from most_memory("heavy", f"{name}: most memory above idle", peak, MAX_ONE_REPLY_MIB)
        dearest.append((answer.num_bytes, name, body))
    number = stage.scale.replies_at_once
    for kind, bodies in (("the longest reply", [max(dearest)[2]]), ("every kind", [body for _, _, body in dearest])):
        stage.tell(f"{number} requests for {kind} at once")
        with added_memory(stage, idle) as peak:
            speak_all(stage.address, [bodies[n % len(bodies)] for n in range(number)], number)
        yield from most_memory("heavy", f"{number} of {kind} at once: most memory above idle", peak, MAX_EIGHT_REPLIES_MIB)


def encode(stage: Stage) -> Iterator[Finding]:
    number, size = stage.scale.replies_at_once, stage.scale.encode_bytes
    stage.tell(f"{number} downloads of {size / MIB:.0f} MB at once")
    with added_memory(stage) as peak:
        answers = encode_all(stage.address, number, size)
    right = sum(answer.status == 200 for answer in answers)
    yield Finding("encode", "encoded", f"{right} of {number}", "all", is_kept=right == number)
    yield from most_memory("encode", "most memory above idle", peak, MAX_ENCODE_MIB)


def session(stage: Stage) -> Iterator[Finding]:
    number, size = stage.scale.session_updates, stage.scale.update_bytes
    stage.tell(f"{number} updates of a session, {size / MIB:.1f} MB each")
    with added_memory(stage) as peak:
        received = fill_session(stage.address, number, size)
        time.sleep(stage.scale.rest)
        left = stage.process.rss if stage.process else 0
    yield Finding("session", "sent back for all of them", f"{received / MIB:.2f} MB")
    if peak:
        yield at_most("session", "memory that stays", (left - peak[0]) / MIB, MAX_SESSION_MIB, " MiB")


PARTS: dict[str, tuple[Callable[[Stage], Iterator[Finding]], Callable[[Scale], dict[str, str]]]] = {
    "burst": (burst, lambda scale: {}),
    "streams": (streams, lambda scale: {"THREADS": str(scale.streams + 56)}),
    "trickle": (trickle, lambda scale: {}),
    "stall": (stall, lambda scale: {"STALL_SECONDS": str(STALL_SECONDS)}),
    "slow": (slow, lambda scale: {}),
    "bodies": (bodies, lambda scale: {}),
    "bodies_with_keys": (bodies, lambda scale: {"API_KEYS": KEY}),
    "reconnecting": (reconnecting, lambda scale: {}),
    "reconnecting_with_keys": (reconnecting, lambda scale: {"API_KEYS": KEY}),
    "keepalive": (keepalive, lambda scale: {}),
    "pipelined": (pipelined, lambda scale: {}),
    "vanish": (vanish, lambda scale: {}),
    "heavy": (heavy, lambda scale: {"MAX_TEXT_LENGTH": "4096"}),
    "encode": (encode, lambda scale: {}),
    "session": (session, lambda scale: {}),
    "sustained": (sustained, lambda scale: {}),
}
"""Each part with the settings of its server: a stream holds a thread, so there have to be as many, and some for others."""


# Helpers of theirs


def wait_for(condition: Callable[[], bool], patience: float) -> float:
    """Seconds until `condition` held, or all that it was waited for."""
    began = time.monotonic()
    while not condition() and time.monotonic() - began < patience:
        time.sleep(0.1)
    return time.monotonic() - began


def answered(part: str, outcome: Outcome, what: str = "right replies") -> Iterator[Finding]:
    figure = f"{outcome.right:,} of {outcome.asked:,}"
    yield Finding(part, what, figure, "all", is_kept=outcome.is_complete)
    trouble = f"{len(outcome.wrong)} of another text, {outcome.lost.total()} lost"
    if outcome.lost:
        trouble += " (" + ", ".join(f"{name}: {count}" for name, count in outcome.lost.items()) + ")"
    yield Finding(part, "wrong ones", trouble, "none", is_kept=not outcome.wrong and not outcome.lost)
    if outcome.busy:
        told = ", ".join(f"{count:,} times {status}" for status, count in sorted(outcome.busy.items()))
        yield Finding(part, "busy", f"{told}, {outcome.impolite} without Retry-After", "none without", is_kept=not outcome.impolite)


def freed(part: str, things: str, left: int, seconds: float, limit: float) -> Finding:
    is_kept = not left and seconds <= limit
    return Finding(part, f"{things} still held", f"{left} after {seconds:.0f} s", f"0 within {limit:.0f} s", is_kept=is_kept)


def at_most(part: str, what: str, value: float, limit: float, unit: str = "") -> Finding:
    return Finding(part, what, f"{value:.2f}{unit}", f"at most {limit:g}{unit}", is_kept=value <= limit)


@contextlib.contextmanager
def added_memory(stage: Stage, idle: int = 0) -> Iterator[list[int]]:
    """[`idle`, most RSS within the block] in bytes, once the block has ended; empty where the process is not ours.

    Unless given, `idle` is the RSS before the block.
    """
    found: list[int] = []
    if stage.process is None:
        yield found
        return
    found.append(idle or stage.process.rss)
    with watched_memory(stage.process) as samples:
        yield found
    found.append(max([stage.process.rss, *(rss for _, rss in samples)]))


def most_memory(part: str, what: str, peak: Sequence[int], limit: float) -> Iterator[Finding]:
    if peak:
        yield at_most(part, what, (peak[1] - peak[0]) / MIB, limit, " MiB")


def p95(latencies: Sequence[float]) -> float:
    return sorted(latencies)[math.ceil(0.95 * len(latencies)) - 1]


# The run


def run_part(name: str, stage: Stage) -> list[Finding]:
    """One part, and what the server looks like around it."""
    warm_up = distinct_asks(stage.scale.warm_up, seed=99, key=stage.key)
    Crowd(stage.address, dict.fromkeys(warm_up, "")).all_at_once(warm_up)
    time.sleep(stage.scale.rest)
    process = stage.process
    before = (process.num_threads, process.num_descriptors) if process else (0, 0)
    with watched_health(stage.address) as log:
        findings = list(PARTS[name][0](stage))
    findings.append(at_most(name, "longest time that /health took", log.worst, MAX_HEALTH_SECONDS, " s"))
    findings.append(Finding(name, "times /health was asked, and failed", f"{len(log.latencies):,} and {len(log.failures)}", "0 failed",
                            is_kept=not log.failures))  # fmt: skip
    if name in WITHOUT_TIMES:
        findings = [replace(each, promise="", is_kept=None) if each.promise.endswith(" s") else each for each in findings]
    if process:
        time.sleep(stage.scale.rest)
        after = (process.num_threads, process.num_descriptors)
        for what, was, now in zip(("threads", "open files"), before, after, strict=True):
            findings.append(Finding(name, f"{what} before and after", f"{was} and {now}", "back to the start", is_kept=now <= was))
    return findings


def report(findings: Sequence[Finding]) -> str:
    verdicts = {True: "PASS", False: "FAIL", None: ""}
    lines = ["| Part | What | Figure | Promise | |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {each.part} | {each.what} | {each.figure} | {each.promise} | {verdicts[each.is_kept]} |" for each in findings]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Put the server under load and in bad company.")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: shows that it works, the figures mean little")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts to run, separated by commas (default: {','.join(PARTS)})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings as JSON too")
    parser.add_argument("--start", default=shlex.join(COMMAND), help="command that starts the server (default: -m tts_server serve)")
    parser.add_argument("--address", metavar="HOST:PORT", help="use the server that runs there")
    options = parser.parse_args(list(arguments))
    if unknown := set(options.only.split(",")) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scale = QUICK if options.quick else Scale()
    began = time.perf_counter()

    def tell(words: str) -> None:
        print(f"[{time.perf_counter() - began:5.0f} s] {words}", file=sys.stderr, flush=True)

    findings: list[Finding] = []
    for name in options.only.split(","):
        tell(f"part {name}")
        key = PARTS[name][1](scale).get("API_KEYS", "")
        if options.address:
            findings += run_part(name, Stage(options.address, None, scale, tell, name, key))
            continue
        with running("Parlance", shlex.split(options.start), PARTS[name][1](scale)) as server:
            findings += run_part(name, Stage(server.address, server, scale, tell, name, key))
    print(report(findings))
    print(f"\nThe run took {time.perf_counter() - began:.0f} s.")
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in findings], indent=1), encoding="utf-8")
    return 1 if any(each.is_kept is False for each in findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
