"""How much is measured: in full, or hardly anything."""

from __future__ import annotations

from dataclasses import dataclass


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
