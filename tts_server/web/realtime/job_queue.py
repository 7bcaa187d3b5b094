"""The jobs of one WebSocket, and the audio of a job as frames of PCM."""

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

MAX_QUEUED = 32
PIECE_SECONDS = 0.2
CLOSE_SECONDS = 5.0


class JobQueue:
    """Runs the jobs of one socket in order, in a thread that exists while there are any. Thread-safe.

    `check` is called for each job before it is queued, and raises TTSError to refuse it.
    """

    def __init__(self, check: Callable[[], object]) -> None:
        self.check = check
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], None]] = deque()  # that have not begun; guarded by `_lock`
        self._thread: threading.Thread | None = None  # runs the jobs; guarded by `_lock`

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or is queued."""
        return self._thread is not None

    def submit(self, job: Callable[[], None]) -> None:
        """Queue a job; raises Unavailable where too many are queued already, or what `check` raises."""
        with self._lock:
            if len(self._jobs) >= MAX_QUEUED:
                raise Unavailable(f"{MAX_QUEUED} texts are queued on this connection already. Wait until some are spoken.", code="busy")
            self.check()
            self._jobs.append(partial(copy_context().run, self._run, job))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="realtime-jobs", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Drop the queued jobs, and wait for the running one, which its submitter has cancelled."""
        with self._lock:
            self._jobs.clear()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                job = self._jobs.popleft()
            job()

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Cancelled:
            pass
        except Exception:
            log.exception("a job of a websocket failed")


def client_error(error: Exception) -> TTSError:
    """Return the error that the client gets for a failure, and log the failures of the server."""
    if not isinstance(error, TTSError):
        log.error("a request on a websocket failed", exc_info=error)
        return TTSError("Internal server error. See the server's log.")
    if error.status >= 500:
        log.error("a request on a websocket failed: %s", error.message, exc_info=error.__cause__)
    return error


def pcm_pieces(service: SpeechService, audio: CachedAudio, socket: WebSocket, cancellation: Cancellation) -> Iterator[bytes]:
    """Yield whole samples of s16le, a fraction of a second each, so that frames are small and a cancellation takes effect soon.

    Waits for a slot first. While the client reads more slowly than the audio is made, other requests use the slot. Raises Cancelled,
    or Busy where the server stops.
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
