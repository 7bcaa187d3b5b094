"""Many clients at once, each with short texts."""

from __future__ import annotations

import contextlib
import http.client
import math
import statistics
import threading
import time
from dataclasses import dataclass

from reply import REPLY_SECONDS, Reply, speak
from server_process import ServerProcess, watched_memory
from texts import Writer


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
