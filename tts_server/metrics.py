"""Counters of the server, for `/health` and, by model and route, for Prometheus."""

from __future__ import annotations

import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

from tts_server.errors import Cancelled

FIRST_AUDIO_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
REAL_TIME_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1, 1.5, 3, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "unmatched"


class SpeechClock:
    """Times one synthesis, without the time in which it waits for its reader.

    `audio_ready` is called for each piece of audio, `resume` when the reader asks for the next. All values are in seconds.
    """

    def __init__(self, count_audio: Callable[[float], None]) -> None:
        self._count_audio = count_audio
        self.first_audio: float | None = None
        self.working = 0.0
        self.audio = 0.0
        self._since = time.perf_counter()

    def audio_ready(self, seconds: float) -> None:
        """Count a piece of audio of `seconds`."""
        self.working += time.perf_counter() - self._since
        if self.first_audio is None:
            self.first_audio = self.working
        self.audio += seconds
        self._count_audio(seconds)

    def resume(self) -> None:
        """Start timing again."""
        self._since = time.perf_counter()


class Metrics(Collector):
    """Counters of the server. Thread-safe.

    Labels are models, formats, routes and codes of the server, never values that a client sends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by the lock. The totals of `snapshot`, by their names there.
        self._in_flight = 0
        self._totals: Tally[str] = Tally()
        self._audio_seconds = 0.0
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "parlance_http_requests", "Answered requests; streams count when they begin.", ["route", "method", "status"], registry=registry
        )
        self._codes = Counter("parlance_errors", "Errors sent to clients, by code.", ["code"], registry=registry)
        self._speeches = Counter(
            "parlance_speeches", "Syntheses and voice conversions, by outcome.", ["model", "format", "outcome"], registry=registry
        )
        self._seconds = Counter(
            "parlance_audio_seconds", "Seconds of audio synthesized; audio from the cache does not count.", ["model"], registry=registry
        )
        self._first_audio = Histogram(
            "parlance_first_audio_seconds",
            "Seconds from a checked request to its first audio.",
            ["model"],
            buckets=FIRST_AUDIO_BUCKETS,
            registry=registry,
        )
        self._real_time = Histogram(
            "parlance_real_time_factor",
            "Seconds of synthesis per second of audio; below 1 is faster than real time.",
            ["model"],
            buckets=REAL_TIME_BUCKETS,
            registry=registry,
        )
        self._cache_uses = Counter(
            "parlance_cache_requests", "Requests for speech, by the value of X-Cache.", ["result"], registry=registry
        )
        Gauge("parlance_requests_in_flight", "Requests for speech that are being processed.", registry=registry).set_function(
            lambda: self._in_flight
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one request and its outcome; the context lasts until its last byte."""
        with self._lock:
            self._in_flight += 1
        outcome = "total_cancelled"
        try:
            yield
            outcome = "total_completed"
        except Cancelled:
            raise
        except Exception:
            outcome = "total_errors"
            raise
        finally:
            with self._lock:
                self._in_flight -= 1
                self._totals[outcome] += 1

    @contextmanager
    def speech(self, model: str, format_: str) -> Iterator[SpeechClock]:
        """Time one synthesis by a model."""
        clock = SpeechClock(partial(self._count_audio, model))
        outcome = "cancelled"
        try:
            yield clock
            outcome = "completed"
        except Cancelled:
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            self._speeches.labels(model, format_, outcome).inc()
            if clock.first_audio is not None:
                self._first_audio.labels(model).observe(clock.first_audio)
            if outcome == "completed" and clock.audio:
                self._real_time.labels(model).observe(clock.working / clock.audio)

    def count_answer(self, route: str | None, method: str, status: int) -> None:
        """Count a reply. `route` is a rule of the application, not an address; None if the request matches no route."""
        self._requests.labels(route or NO_ROUTE, method if method in METHODS else "other", str(status)).inc()

    def count_error(self, code: str) -> None:
        self._codes.labels(code).inc()

    def count_cache(self, result: str) -> None:
        """Count a use of the cache. `result` is the value of `X-Cache`."""
        self._cache_uses.labels(result.lower()).inc()
        name = {"HIT": "cache_hits", "MISS": "cache_misses"}.get(result)
        if name is not None:
            with self._lock:
                self._totals[name] += 1

    def _count_audio(self, model: str, seconds: float) -> None:
        self._seconds.labels(model).inc(seconds)
        with self._lock:
            self._audio_seconds += seconds

    def snapshot(self) -> dict[str, float]:
        """Return the counters that `/health` shows."""
        with self._lock:
            return {
                "in_flight": self._in_flight,
                "total_completed": self._totals["total_completed"],
                "total_errors": self._totals["total_errors"],
                "total_cancelled": self._totals["total_cancelled"],
                "audio_seconds": round(self._audio_seconds, 2),
                "cache_hits": self._totals["cache_hits"],
                "cache_misses": self._totals["cache_misses"],
            }

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()
