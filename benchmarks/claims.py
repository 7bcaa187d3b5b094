"""What the server promises, held against what was measured."""

from __future__ import annotations

from dataclasses import dataclass

from long_stream import growth_exponent
from results import MIB, OURS, PLAIN, STREAMED, WHOLE, Results
from scale import Scale

MIN_THROUGHPUT_RATIO = 1.4
MAX_FIRST_BYTE_RATIO = 0.1
MAX_IDLE_BYTES = 400e6
MAX_START_SECONDS = 3.0
MAX_GROWTH_MIB = 16.0
"""Of the memory while a long text streams; 100,000 characters are some 300 MiB of samples."""
MAX_EXPONENT = 1.1
"""Of the text's length in the time of its stream: 1 is linear, 2 quadratic."""


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
            "idle memory after the start, and after all of this and a few seconds' rest",
            f"{idle:.0f}, {after:.0f} MiB",
            f"{plain_idle:.0f} MiB",
            idle / plain_idle,
            f"< {MAX_IDLE_BYTES / 1e6:.0f} MB",
            max(idle, after) * MIB < MAX_IDLE_BYTES,
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
