"""How much faster a reply from the audio cache is than one that is spoken: `python benchmarks/cache.py [--rounds 25]`.

A server of its own, on a free port of this machine, speaks texts of 1,000 characters, each twice: the first time it is a MISS, the second a
HIT. The table holds medians over the rounds, from before the request is sent to its last byte. Ends with 1 where a HIT of compressed audio
is not 50 times faster. WAV is shown beside: its 3 MB are read, checked and sent, and what that takes has little to do with the cache.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence

from server_process import ServerProcess, running
from texts import Writer

COMMAND = [sys.executable, "-m", "tts_server", "serve"]
CHARACTERS = 1000
MIN_RATIO = 50.0
COMPRESSED = ("mp3", "opus")
KINDS = [(format_, stream) for format_ in (*COMPRESSED, "wav") for stream in (False, True)]


def ask(connection: http.client.HTTPConnection, text: str, format_: str, *, stream: bool) -> tuple[float, str, bytes]:
    """(seconds, what X-Cache says, the bytes)"""
    body = json.dumps({"input": text, "response_format": format_, "stream": stream})
    began = time.perf_counter()
    connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    data = reply.read()
    seconds = time.perf_counter() - began
    if reply.status != 200:
        raise RuntimeError(f"{reply.status}: {data[:300]!r}")
    return seconds, reply.headers["X-Cache"], data


def measure(server: ServerProcess, rounds: int) -> dict[tuple[str, bool], tuple[float, float]]:
    """(format, streamed) -> median seconds of a MISS and of a HIT."""
    writer = Writer(1)
    times: dict[tuple[str, bool], tuple[list[float], list[float]]] = {kind: ([], []) for kind in KINDS}
    with contextlib.closing(http.client.HTTPConnection(server.address, timeout=300)) as connection:
        for _ in range(rounds):  # every kind in each round, so that a busy moment of the machine meets all alike
            texts = {kind: writer.characters(CHARACTERS) for kind in KINDS}
            bodies = []
            for number, expected in enumerate(("MISS", "HIT")):
                for (format_, stream), text in texts.items():
                    took, told, data = ask(connection, text, format_, stream=stream)
                    if told != expected:
                        raise RuntimeError(f"X-Cache is {told}, not {expected}")
                    times[format_, stream][number].append(took)
                    bodies.append(data)
            if bodies[: len(KINDS)] != bodies[len(KINDS) :]:
                raise RuntimeError("a HIT is not the bytes of its MISS")
    return {kind: (statistics.median(misses), statistics.median(hits)) for kind, (misses, hits) in times.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(CACHE_TTL_MINUTES="60", CACHE_MAX_MB="1024", CACHE_PATH=folder)
        with running("Parlance", COMMAND) as server:
            medians = measure(server, rounds)
    print(f"## Audio cache: {CHARACTERS:,} characters, medians of {rounds} rounds, embedded voice\n")
    print("| format | reply | MISS, ms | HIT, ms | times faster |\n|---|---|---:|---:|---:|")
    for (format_, stream), (miss, hit) in medians.items():
        print(f"| {format_} | {'streamed' if stream else 'whole'} | {miss * 1e3:.1f} | {hit * 1e3:.2f} | {miss / hit:.0f} |")
    worst = min(miss / hit for (format_, _), (miss, hit) in medians.items() if format_ in COMPRESSED)
    is_met = worst >= MIN_RATIO
    verdict = "PASS" if is_met else "FAIL"
    print(f"\nA HIT of compressed audio at least {MIN_RATIO:g} times faster than its MISS: {verdict} (at worst {worst:.0f} times)")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
