"""A stream of speech that tells when it is over, so that its model may be unloaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from tts_server.cancellation import Cancellation
from tts_server.engines.base import SpeechStream
from tts_server.speech import Samples


class CountedStream:
    """A stream that says once when it is over: read to its end, failed, or closed."""

    def __init__(self, stream: SpeechStream, over: Callable[[], None]) -> None:
        self._stream = stream
        self._over = over
        self._lock = threading.Lock()
        self._is_over = False

    @property
    def retries(self) -> int:
        return self._stream.retries

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        try:
            yield from self._stream.chunks(cancellation)
        finally:
            self._end()

    def close(self) -> None:
        self._stream.close()
        self._end()

    def _end(self) -> None:
        with self._lock:
            was_over, self._is_over = self._is_over, True
        if not was_over:
            self._over()
