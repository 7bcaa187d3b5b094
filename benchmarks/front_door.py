"""What one server costs beside its engine: `python benchmarks/front_door.py [--rounds 3]`. Prints a Markdown table.

The engine gives samples that exist already (`instant_engine.py`), so the processor time of the server is that of parsing, planning,
joining, encoding and sending. Short and long replies together tell what a request and what a second of audio costs.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also runs as a script

from benchmarks.server_process import ServerProcess  # noqa: E402
from benchmarks.tables import table  # noqa: E402

COMMAND = [sys.executable, str(Path(__file__).with_name("instant_engine.py"))]
FORMATS = ("pcm", "wav", "mp3", "opus")
SHORT, LONG = "One second.", "Sixty seconds."
SHORT_SECONDS, LONG_SECONDS = 1, 60
CLIENTS = 8


def speak(address: str, text: str, response_format: str) -> None:
    """One streamed request, read to its end."""
    connection = http.client.HTTPConnection(address, timeout=120)
    with contextlib.closing(connection):
        body = json.dumps({"model": "instant", "input": text, "voice": "alloy", "response_format": response_format, "stream": True})
        connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{response.status}: {data[:300]!r}")


def processor_seconds(server: ServerProcess, text: str, response_format: str, count: int) -> float:
    """Processor time of the server for one of `count` requests, CLIENTS at a time."""
    process = psutil.Process(server.pid)
    before = process.cpu_times()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: speak(server.address, text, response_format), range(count)))
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / count


def measure(server: ServerProcess, response_format: str, rounds: int, num_short: int, num_long: int) -> tuple[float, float]:
    """Milliseconds of processor time for a request, and for a second of its audio; medians."""
    per_request, per_second = [], []
    for _ in range(rounds):
        short = processor_seconds(server, SHORT, response_format, num_short)
        long = processor_seconds(server, LONG, response_format, num_long)
        slope = (long - short) / (LONG_SECONDS - SHORT_SECONDS)
        per_second.append(1000 * slope)
        per_request.append(1000 * (short - slope * SHORT_SECONDS))
    return statistics.median(per_request), statistics.median(per_second)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Measure what a server costs beside its engine.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", type=int, default=200, help="short replies in a round (default 200)")
    parser.add_argument("--long", type=int, default=24, help="long replies in a round (default 24)")
    options = parser.parse_args(list(arguments))
    server = ServerProcess("front door", COMMAND)
    try:
        processor_seconds(server, SHORT, "mp3", 20)
        rows = []
        for response_format in FORMATS:
            request, second = measure(server, response_format, options.rounds, options.short, options.long)
            rows.append(
                [response_format, f"{request:.2f}", f"{second:.2f}", f"{1000 / second:,.0f}", f"{1000 / (request + 8 * second):,.0f}"]
            )
        head = ["format", "ms a request", "ms a second of audio", "streams in real time a core", "replies of 8 s a second and core"]
        print("\n".join(table(head, rows)))
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
