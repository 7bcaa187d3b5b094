"""What the server has done, counted for /health and, by model and route, for Prometheus."""

from __future__ import annotations

import threading
import time
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
    """Times one speech, without what its reader takes. `heard` for each piece of audio, `resume` when the reader wants the next."""

    def __init__(self, count_audio: Callable[[float], None]) -> None:
        self._count_audio = count_audio
        self.first_audio: float | None = None
        self.working = 0.0
        self.audio = 0.0
        self._since = time.perf_counter()

    def heard(self, seconds: float) -> None:
        self.working += time.perf_counter() - self._since
        if self.first_audio is None:
            self.first_audio = self.working
        self.audio += seconds
        self._count_audio(seconds)

    def resume(self) -> None:
        self._since = time.perf_counter()


class Metrics(Collector):
    """Thread-safe counters. Label values are models, formats, routes and codes that the server itself knows, never a client's words."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self._completed = 0
        self._errors = 0
        self._cancelled = 0
        self._audio_seconds = 0.0
        self._cache_hits = 0
        self._cache_misses = 0
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "parlance_http_requests", "Answered requests, streams at their begin.", ["route", "method", "status"], registry=registry
        )
        self._codes = Counter("parlance_errors", "Errors told to clients, by code.", ["code"], registry=registry)
        self._speeches = Counter(
            "parlance_speeches", "Texts and recordings spoken, by how that ended.", ["model", "format", "outcome"], registry=registry
        )
        self._seconds = Counter(
            "parlance_audio_seconds", "Seconds of audio made; none for audio from the cache.", ["model"], registry=registry
        )
        self._first_audio = Histogram(
            "parlance_first_audio_seconds",
            "Time from a checked request to its first audio.",
            ["model"],
            buckets=FIRST_AUDIO_BUCKETS,
            registry=registry,
        )
        self._real_time = Histogram(
            "parlance_real_time_factor",
            "Seconds that a second of audio took to be made; below 1 is faster than it is heard.",
            ["model"],
            buckets=REAL_TIME_BUCKETS,
            registry=registry,
        )
        self._cache_uses = Counter("parlance_cache_requests", "Requests for speech by what X-Cache says.", ["result"], registry=registry)
        Gauge("parlance_requests_in_flight", "Requests for speech that are being worked on.", registry=registry).set_function(
            lambda: self._in_flight
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one request from its first work to its last byte, and how it ended."""
        with self._lock:
            self._in_flight += 1
        outcome = "_cancelled"
        try:
            yield
            outcome = "_completed"
        except Cancelled:
            raise
        except Exception:
            outcome = "_errors"
            raise
        finally:
            with self._lock:
                self._in_flight -= 1
                setattr(self, outcome, getattr(self, outcome) + 1)

    @contextmanager
    def speech(self, model: str, format_: str) -> Iterator[SpeechClock]:
        """Time one speech by a known model."""
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
        """`route` is a rule of the application, not an address; None where there is none."""
        self._requests.labels(route or NO_ROUTE, method if method in METHODS else "other", str(status)).inc()

    def count_error(self, code: str) -> None:
        self._codes.labels(code).inc()

    def count_cache(self, result: str) -> None:
        """`result` is what `X-Cache` says."""
        self._cache_uses.labels(result.lower()).inc()
        with self._lock:
            self._cache_hits += result == "HIT"
            self._cache_misses += result == "MISS"

    def _count_audio(self, model: str, seconds: float) -> None:
        self._seconds.labels(model).inc(seconds)
        with self._lock:
            self._audio_seconds += seconds

    def snapshot(self) -> dict[str, float]:
        with self._lock:
            return {
                "in_flight": self._in_flight,
                "total_completed": self._completed,
                "total_errors": self._errors,
                "total_cancelled": self._cancelled,
                "audio_seconds": round(self._audio_seconds, 2),
                "cache_hits": self._cache_hits,
                "cache_misses": self._cache_misses,
            }

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()
