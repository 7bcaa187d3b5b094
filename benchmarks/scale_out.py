"""How models scale out: `python -m benchmarks.scale_out --ray [--quick]`, or `--simulate` with the options of `scale_simulation.py`.

With `--ray` it starts Ray on this machine and measures replicas of the embedded voice, each pinned to one core: throughput of one and of
two replicas, the time that the way through Ray adds to a first chunk, a burst of requests to a server, and replies of a server while
replicas are killed by SIGKILL. `--quick` measures little of each. It exits with 1 where a limit is missed; throughput counts only on a
machine with more than two cores, because the server needs one too.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Event, Thread

import psutil

from benchmarks import scale_simulation
from benchmarks.crowd import Ask, Crowd, Outcome, alone, distinct_asks
from benchmarks.machine import describe_machine
from benchmarks.server_process import running
from benchmarks.tables import table
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Engine, Utterance
from tts_server.engines.embedded.engine import EmbeddedEngine
from tts_server.launcher.command_line import Parser

MIN_SPEEDUP = 1.8
MAX_HOP_MS = 10.0
CORES_FOR_SPEEDUP = 3
TEXT = "The ferry leaves the harbour at nine, and the last one comes back in the evening."


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    segments: int = 400
    firsts: int = 100
    burst: int = 1024
    kills: int = 50
    asks: int = 64


QUICK = Scale(segments=24, firsts=10, burst=48, kills=2, asks=8)


@dataclass(frozen=True)
class Row:
    """A measured value and whether it is within its limit; None where the limit does not count on this machine."""

    what: str
    value: str
    limit: str
    is_met: bool | None


def pin_replicas(model_id: str) -> int:
    """Pin each replica of a model to a core of its own, as far as there are cores; return how many there are."""
    found = replicas_of(model_id)
    cores = os.cpu_count() or 1
    if hasattr(psutil.Process, "cpu_affinity"):
        for number, process in enumerate(found):
            process.cpu_affinity([number % cores])
    return len(found)


def replicas_of(model_id: str) -> list[psutil.Process]:
    """Return the processes of a model's replicas on this machine."""
    title = f"ray::ServeReplica:parlance-{model_id}:"
    return [process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [""])[0].startswith(title)]


def utterance(engine: Engine, number: int) -> Utterance:
    return Utterance(f"Number {number}. {TEXT}", engine.builtin_voice("alloy"), 0, number, 1.0, "en", {})


def segments_per_second(engine: Engine, number: int) -> float:
    """Return the throughput of an engine with 16 segments in work at all times."""

    def speak(index: int) -> None:
        for _ in engine.submit(utterance(engine, index)).chunks(Cancellation()):
            pass

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(speak, range(16)))
        began = time.perf_counter()
        list(threads.map(speak, range(number)))
        return number / (time.perf_counter() - began)


def first_chunk_ms(engine: Engine, number: int) -> float:
    """Return the median time to the first chunk of a short text, with nothing else in work."""
    times = []
    for index in range(number + 3):
        began = time.perf_counter()
        short = replace(utterance(engine, index), text="Yes.")
        next(engine.submit(short).chunks(Cancellation()))
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times[3:])


def measure_engines(scale: Scale) -> Iterator[Row]:
    """Measure throughput and the hop, without a server."""
    from tts_server.engines.cluster.deployment import ReplicaOptions
    from tts_server.engines.cluster.engine import ClusterEngine

    rates: dict[int, float] = {}
    hop = 0.0
    for replicas in (1, 2):
        options = ReplicaOptions(min_replicas=replicas, max_replicas=replicas, cpus=0.5)
        model_id = f"embedded-{replicas}"
        engine = ClusterEngine(model_id, "The embedded voice", partial(EmbeddedEngine, 1), options, "1")
        pin_replicas(model_id)
        rates[replicas] = segments_per_second(engine, scale.segments)
        if replicas == 1:
            local = EmbeddedEngine(1)
            hop = first_chunk_ms(engine, scale.firsts) - first_chunk_ms(local, scale.firsts)
            local.close()
        engine.close()
        engine.delete_replicas()
    speedup = rates[2] / rates[1]
    counts = (os.cpu_count() or 1) >= CORES_FOR_SPEEDUP
    for replicas, rate in rates.items():
        yield Row(f"segments a second with {replicas} replica{'s'[: replicas - 1]}", f"{rate:.1f}", "", None)
    yield Row(
        "throughput of two replicas against one", f"{speedup:.2f}", f"at least {MIN_SPEEDUP}", speedup >= MIN_SPEEDUP if counts else None
    )
    yield Row("added to the first chunk by the way through Ray", f"{hop:.1f} ms", f"below {MAX_HOP_MS:g} ms", hop < MAX_HOP_MS)


def describe(outcome: Outcome) -> str:
    return (
        f"{outcome.right} of {outcome.asked} right, {len(outcome.wrong)} wrong, {sum(outcome.lost.values())} lost "
        f"({dict(outcome.lost)}), {sum(outcome.busy.values())} times a 503 first, {outcome.seconds:.1f} s"
    )


@contextmanager
def killing(model_id: str, number: int, seed: int = 1) -> Iterator[list[int]]:
    """Kill a random replica of a model each time two run, `number` times while the block runs; yields the process ids of the killed."""
    draw, killed, is_over = random.Random(seed), list[int](), Event()

    def kill() -> None:
        while len(killed) < number and not is_over.wait(draw.uniform(0.2, 1.0)):
            found = [process for process in replicas_of(model_id) if process.pid not in killed]
            if len(found) >= 2:
                victim = draw.choice(found).pid
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

    thread = Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join()


def measure_server(scale: Scale, address: str) -> Iterator[Row]:
    """Measure a burst of requests, and replies while replicas are killed, at a server in a process of its own."""
    settings = {"ENGINE": "cluster", "RAY_ADDRESS": address, "CLUSTER_MIN_REPLICAS": "2", "CLUSTER_MAX_REPLICAS": "2"}
    settings |= {"CLUSTER_CPUS_PER_REPLICA": "0.5"}
    command = [sys.executable, "-m", "tts_server"]
    asks = distinct_asks(scale.asks, is_streamed=True)
    with running("local", command) as local:
        expected = alone(local.address, asks)
    with running("cluster", command, settings) as server:
        burst = [asks[number % len(asks)] for number in range(scale.burst)]
        outcome = Crowd(server.address, expected).all_at_once(burst)
        yield Row(f"burst of {scale.burst} requests", describe(outcome), "none lost or wrong", outcome.is_complete)
        crowd, done = Crowd(server.address, expected), Event()
        with killing("embedded", scale.kills) as killed, ThreadPoolExecutor(16) as threads:
            began = time.perf_counter()
            clients = [threads.submit(ask_until, done, crowd, asks, number) for number in range(16)]
            while len(killed) < scale.kills and not any(client.done() for client in clients):
                time.sleep(0.1)
            done.set()
        crowd.outcome.seconds = time.perf_counter() - began
        right = f"{len(killed)} kills: {describe(crowd.outcome)}"
        is_met = crowd.outcome.is_complete and len(killed) == scale.kills
        yield Row("replies while replicas are killed", right, "each whole and right, or a 503 before its first byte", is_met)


def ask_until(done: Event, crowd: Crowd, asks: Sequence[Ask], seed: int) -> None:
    """Send one request after the other."""
    draw = random.Random(seed)
    while not done.is_set():
        crowd.ask(draw.choice(asks))


def measure(scale: Scale) -> list[Row]:
    """Measure all on a Ray cluster on this machine."""
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # read when Ray is imported
    import ray

    from tts_server.engines.cluster.deployment import connect, disconnect

    connect("local", num_cpus=max(4, os.cpu_count() or 1))
    try:
        rows = []
        for row in (*measure_engines(scale), *measure_server(scale, ray.get_runtime_context().gcs_address)):
            print(f"{row.what}: {row.value}", file=sys.stderr, flush=True)
            rows.append(row)
        return rows
    finally:
        disconnect()


def main(arguments: Sequence[str]) -> int:
    if "--simulate" in arguments:
        return scale_simulation.main([one for one in arguments if one != "--simulate"])
    parser = Parser(prog="python -m benchmarks.scale_out", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", action="store_true", required=True, help="replicas on a Ray cluster on this machine")
    parser.add_argument("--quick", action="store_true", help="little of each: shows whether it runs")
    options = parser.parse_args(arguments)
    machine = describe_machine()
    rows = measure(QUICK if options.quick else Scale())
    verdicts = {True: "met", False: "MISSED", None: "not applicable here"}
    print(f"{machine}\n")
    print(
        "\n".join(
            table(
                ["what", "measured", "limit", ""],
                [[row.what, row.value, row.limit, verdicts[row.is_met] if row.limit else ""] for row in rows],
            )
        )
    )
    return 1 if any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
