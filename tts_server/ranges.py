"""The ranges of the numbers in a request: one table for all dialects, models and settings. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Range(Generic[Number]):
    """A closed range."""

    minimum: Number
    maximum: Number

    def clamp(self, value: Number) -> Number:
        """Return the number of the range that is nearest to `value`."""
        return min(max(value, self.minimum), self.maximum)

    def __str__(self) -> str:
        return f"{self.minimum:g} to {self.maximum:g}"


SEED = Range(0, 2**63 - 1)
"""The maximum has all bits set, so `& SEED.maximum` brings any number into the range."""

SAMPLE_RATE = Range(8000, 48000)
"""In Hz."""

SPEED = Range(0.25, 4.0)

CFG_WEIGHT = Range(0.0, 1.0)
EXAGGERATION = Range(0.25, 2.0)
TEMPERATURE = Range(0.0, 2.0)
TOP_P = Range(0.0, 1.0)
TOP_K = Range(0, 10000)
MIN_P = Range(0.0, 1.0)
REPETITION_PENALTY = Range(1.0, 2.0)
CFG_VALUE = Range(0.5, 5.0)
