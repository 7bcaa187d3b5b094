"""The memory that the loaded models hold together."""

from __future__ import annotations


class MemoryBudget:
    """Counts the bytes that models have reserved, at most `limit` (0: no limit). Not thread-safe: the manager's lock guards it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def can_ever_fit(self, num_bytes: int) -> bool:
        """Whether a model of this size fits while no other one is loaded."""
        return not self.limit or num_bytes <= self.limit

    def fits(self, num_bytes: int) -> bool:
        """Whether a model of this size fits beside those that are loaded."""
        return not self.limit or self.used + num_bytes <= self.limit

    def reserve(self, num_bytes: int) -> None:
        self.used += num_bytes

    def release(self, num_bytes: int) -> None:
        self.used -= num_bytes
