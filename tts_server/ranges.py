"""The ranges of the numbers in a request, as every dialect and the settings check them."""

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


SEED = Range(0, 2**63 - 1)
"""The maximum has all bits set, so `& SEED.maximum` brings any number into the range."""

SPEED = Range(0.25, 4.0)
SAMPLE_RATE = Range(8000, 48000)
"""In Hz."""
