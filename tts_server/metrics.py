"""Counters of what the server has done, as /health shows them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tts_server.errors import Cancelled


class Metrics:
    """Thread-safe counters of requests for speech."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self._completed = 0
        self._errors = 0
        self._cancelled = 0
        self._audio_seconds = 0.0

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

    def add_audio(self, seconds: float) -> None:
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
            }
