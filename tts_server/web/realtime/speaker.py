"""One thing after another is spoken, beside the thread that listens to the peer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial

from tts_server.cancellation import Cancellation
from tts_server.errors import Cancelled, TTSError, Unavailable
from tts_server.synthesis.cached_audio import CachedAudio
from tts_server.web.realtime.socket import WebSocket
from tts_server.web.speech_service import SpeechService

log = logging.getLogger("tts_server.web")

MAX_WAITING = 32
PIECE_SECONDS = 0.2
CLOSE_SECONDS = 5.0


class Speaker:
    """Runs jobs in their order, in a thread that lives while there are any. `check` counts each before it is taken; it raises TTSError."""

    def __init__(self, check: Callable[[], object]) -> None:
        self.check = check
        self._waiting: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._thread is not None

    def submit(self, job: Callable[[], None]) -> None:
        """Raises Unavailable where too many wait already, or what the check raises."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise Unavailable(f"{MAX_WAITING} texts wait to be spoken here already. Wait for some of them.", code="busy")
            self.check()
            self._waiting.append(partial(copy_context().run, self._do, job))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="realtime-speaker", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Forget what waits, and wait for what is being spoken; whoever submitted it has told it to end."""
        with self._lock:
            self._waiting.clear()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                job = self._waiting.popleft()
            job()

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Cancelled:
            pass
        except Exception:
            log.exception("speaking to a socket failed")


def as_told(error: Exception) -> TTSError:
    """What a peer is told of a failure. The log has more of those that are the server's."""
    if not isinstance(error, TTSError):
        log.error("answering a socket failed", exc_info=error)
        return TTSError("Something went wrong in the server. Its log has more.")
    if error.status >= 500:
        log.error("answering a socket failed: %s", error.message, exc_info=error.__cause__)
    return error


def pcm_pieces(service: SpeechService, audio: CachedAudio, socket: WebSocket, cancellation: Cancellation) -> Iterator[bytes]:
    """Whole samples of s16le, a fraction of a second each, so that a frame is small and a listener who has heard enough is soon obeyed.

    They come once there is a slot for this speech; while the socket's peer reads more slowly than they are made, others have the slot.
    Raises Cancelled if cancelled meanwhile, Busy where the server stops.
    """
    admission = service.options.admission
    slot = admission.slot(cancellation, size=len(audio.plan.transcript.encode()), is_admin=service.current_caller().is_admin)
    with slot as ticket, socket.blocking_within(lambda: admission.paused(ticket)):
        yield from _pieces(audio, cancellation)


def _pieces(audio: CachedAudio, cancellation: Cancellation) -> Iterator[bytes]:
    num_bytes = 2 * round(PIECE_SECONDS * audio.plan.sample_rate)
    waiting = b""
    for data in audio.stream(cancellation):
        waiting += data
        while len(waiting) >= num_bytes:
            cancellation.check()
            yield waiting[:num_bytes]
            waiting = waiting[num_bytes:]
        if whole := len(waiting) // 2 * 2:
            yield waiting[:whole]
            waiting = waiting[whole:]
