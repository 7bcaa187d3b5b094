"""One client with a long text, streamed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from reply import speak_once
from server_process import ServerProcess, watched_memory


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
        round(statistics.median(rss[-quarter:]) - statistics.median(rss[:quarter])),
        max(rss),
        [rss[tenth * (len(rss) - 1) // 10] for tenth in range(11)],
    )


def growth_exponent(streams: Sequence[LongStream]) -> float:
    """x in "the processor time grows as length^x", from the shortest to the longest text.

    Processor time, since whatever else the machine does meanwhile would bend the curve of the clock.
    """
    shortest, longest = streams[0], streams[-1]
    return math.log(longest.cpu_seconds / shortest.cpu_seconds) / math.log(longest.characters / shortest.characters)
