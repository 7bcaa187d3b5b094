"""Rate limits: how many requests one client may send, counted in sliding windows."""

from __future__ import annotations

import math
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from tts_server.errors import RateLimited

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
RULE = re.compile(r"(\d{1,6})\s*(?:/|per)\s*(second|minute|hour|day)s?", re.IGNORECASE)
SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Rate:
    """At most `count` requests in any `seconds`. `unit` is the unit's name for messages."""

    count: int
    seconds: int
    unit: str


@dataclass(frozen=True)
class Allowance:
    """What the strictest rule allows: `remaining` of `limit` requests now, and one more after `reset` seconds."""

    limit: int
    remaining: int
    reset: int


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Return the rules in a text such as `60/minute` or `10/second;1000/hour`; raises ValueError."""
    rates = []
    for part in filter(None, (part.strip() for part in re.split("[;,]", text))):
        found = RULE.fullmatch(part)
        if not found or not int(found[1]):
            raise ValueError(f"{part!r} is not a rate such as '60/minute'; the units are {', '.join(UNITS)}.")
        rates.append(Rate(int(found[1]), UNITS[found[2].lower()], found[2].lower()))
    return tuple(rates)


class Rates:
    """Counts the requests of each client in sliding windows. Thread-safe. Clients without recent requests are removed."""

    def __init__(self, rules: Sequence[Rate] = ()) -> None:
        self.rules = tuple(rules)
        self._lock = threading.Lock()
        # Guarded by the lock. The times of each client's requests, one deque for each rule.
        self._times: dict[str, tuple[deque[float], ...]] = {}
        self._sweep_at = 0.0

    def take(self, client: str) -> Allowance | None:
        """Count one request and return the remaining allowance; None without rules. Raises RateLimited without counting the request."""
        if not self.rules:
            return None
        with self._lock:
            now = time.monotonic()
            self._sweep(now)
            windows = self._times.setdefault(client, tuple(deque() for _ in self.rules))
            self._drop_expired(windows, now)
            full = [
                (rate.seconds - (now - times[0]), rate) for rate, times in zip(self.rules, windows, strict=True) if len(times) >= rate.count
            ]
            if full:
                seconds, rate = max(full, key=lambda one: one[0])
                wait = max(1, math.ceil(seconds))
                raise RateLimited(f"This server allows each client {rate.count} requests per {rate.unit}. Try again in {wait} s.", wait)
            for times in windows:
                times.append(now)
            return self._allowance(windows, now)

    def give_back(self, client: str) -> None:
        """Undo the last `take` of a client."""
        with self._lock:
            for times in self._times.get(client, ()):
                if times:
                    times.pop()

    def left(self, client: str) -> Allowance:
        """Return what a client has left, without counting a request. There must be rules."""
        with self._lock:
            now = time.monotonic()
            windows = self._times.get(client, tuple(deque() for _ in self.rules))
            self._drop_expired(windows, now)
            return self._allowance(windows, now)

    def __len__(self) -> int:
        """Return the number of clients with recent requests."""
        return len(self._times)

    # With the lock held

    def _allowance(self, windows: tuple[deque[float], ...], now: float) -> Allowance:
        def tightness(one: tuple[Rate, deque[float]]) -> tuple[int, int]:
            return one[0].count - len(one[1]), -one[0].seconds

        rate, times = min(zip(self.rules, windows, strict=True), key=tightness)
        # In this order: `times[0] + rate.seconds` would round, and the ceiling would turn the error into a whole second.
        reset = math.ceil(rate.seconds - (now - times[0])) if times else 0
        return Allowance(rate.count, rate.count - len(times), reset)

    def _drop_expired(self, windows: tuple[deque[float], ...], now: float) -> None:
        for rate, times in zip(self.rules, windows, strict=True):
            while times and now - times[0] >= rate.seconds:
                times.popleft()

    def _sweep(self, now: float) -> None:
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_SECONDS
        for client, windows in list(self._times.items()):
            self._drop_expired(windows, now)
            if not any(windows):
                del self._times[client]
