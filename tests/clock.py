"""Time that passes when a test says so."""

from __future__ import annotations

from types import SimpleNamespace


class Clock(SimpleNamespace):
    """In place of the time module."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now
