"""Asks a server for /health ten times a second until its standard input ends: `python benchmarks/health_watch.py HOST:PORT`.

Then it prints, as JSON, the seconds that each answer took and what failed. A process of its own, since a crowd of clients in this one would
have it wait for its turn and call that the server's time.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import threading
import time

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1


def watch(address: str, is_over: threading.Event) -> tuple[list[float], list[str]]:
    """Each answer's seconds, and the failures."""
    latencies: list[float] = []
    failures: list[str] = []
    while True:
        began = time.perf_counter()
        try:
            with contextlib.closing(http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)) as connection:
                connection.request("GET", "/health", headers={"Connection": "close"})
                response = connection.getresponse()
                response.read()
            if response.status != 200:
                failures.append(str(response.status))
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{type(error).__name__}: {error}")
        latencies.append(time.perf_counter() - began)
        if len(latencies) == 1:
            print("watching", flush=True)
        if is_over.wait(PAUSE_SECONDS):
            return latencies, failures


def main(address: str) -> None:
    is_over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        is_over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    latencies, failures = watch(address, is_over)
    print(json.dumps({"latencies": latencies, "failures": failures}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
