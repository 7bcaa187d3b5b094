"""All that was measured, and the names it is kept under."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field, fields

from load import Load
from long_stream import LongStream

PLAIN, OURS = "plain way", "Parlance"
WHOLE, STREAMED = f"{OURS}, whole", f"{OURS}, stream"

MIB = 2**20


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
