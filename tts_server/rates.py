"""How often one client may ask, counted in windows that move with the clock."""

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
    """At most `count` in any `seconds`, with the unit's name for messages."""

    count: int
    seconds: int
    unit: str


@dataclass(frozen=True)
class Allowance:
    """What the tightest rule leaves: `remaining` of `limit`, and one more after `reset` seconds."""

    limit: int
    remaining: int
    reset: int


def parse_rates(text: str) -> tuple[Rate, ...]:
    """`60/minute`, or several such rules with `;` or `,` between them; raises ValueError."""
    rates = []
    for part in filter(None, (part.strip() for part in re.split("[;,]", text))):
        found = RULE.fullmatch(part)
        if not found or not int(found[1]):
            raise ValueError(f"{part!r} is not a rate such as '60/minute'; the units are {', '.join(UNITS)}.")
        rates.append(Rate(int(found[1]), UNITS[found[2].lower()], found[2].lower()))
    return tuple(rates)


class Rates:
    """Counts what each client does, in windows that move with the clock. Thread-safe; clients that are quiet are forgotten."""

    def __init__(self, rules: Sequence[Rate] = ()) -> None:
        self.rules = tuple(rules)
        self._times: dict[str, tuple[deque[float], ...]] = {}
        self._lock = threading.Lock()
        self._sweep_at = 0.0

    def take(self, client: str) -> Allowance | None:
        """Count one request; None where there are no rules. Raises RateLimited, and then it does not count."""
        if not self.rules:
            return None
        with self._lock:
            now = time.monotonic()
            self._sweep(now)
            windows = self._times.setdefault(client, tuple(deque() for _ in self.rules))
            self._forget(windows, now)
            full = [
                (rate.seconds - (now - times[0]), rate) for rate, times in zip(self.rules, windows, strict=True) if len(times) >= rate.count
            ]
            if full:
                seconds, rate = max(full, key=lambda one: one[0])
                wait = max(1, math.ceil(seconds))
                raise RateLimited(f"This server takes {rate.count} requests a {rate.unit} from each client. Try again in {wait} s.", wait)
            for times in windows:
                times.append(now)
            return self._left(windows, now)

    def give_back(self, client: str) -> None:
        """The client's last request shall not count."""
        with self._lock:
            for times in self._times.get(client, ()):
                if times:
                    times.pop()

    def left(self, client: str) -> Allowance:
        """What the client has left, without counting. There must be rules."""
        with self._lock:
            now = time.monotonic()
            windows = self._times.get(client, tuple(deque() for _ in self.rules))
            self._forget(windows, now)
            return self._left(windows, now)

    def __len__(self) -> int:
        """Clients that are remembered."""
        return len(self._times)

    def _left(self, windows: tuple[deque[float], ...], now: float) -> Allowance:
        def tightness(one: tuple[Rate, deque[float]]) -> tuple[int, int]:
            return one[0].count - len(one[1]), -one[0].seconds

        rate, times = min(zip(self.rules, windows, strict=True), key=tightness)
        # In this order: the sum of a clock and a window would round, and the ceiling make a whole second of it.
        reset = math.ceil(rate.seconds - (now - times[0])) if times else 0
        return Allowance(rate.count, rate.count - len(times), reset)

    def _forget(self, windows: tuple[deque[float], ...], now: float) -> None:
        for rate, times in zip(self.rules, windows, strict=True):
            while times and now - times[0] >= rate.seconds:
                times.popleft()

    def _sweep(self, now: float) -> None:
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_SECONDS
        for client, windows in list(self._times.items()):
            self._forget(windows, now)
            if not any(windows):
                del self._times[client]
