"""The embedded voice as an engine: threads that compute the most urgent segment next."""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from tts_server.cancellation import Cancellation
from tts_server.engines.base import Capabilities, Utterance
from tts_server.engines.embedded.hibari_voice import SAMPLE_RATE, TEMPO_RANGE, HibariVoice, is_cancelled
from tts_server.engines.embedded.matching import match
from tts_server.engines.embedded.personas import PERSONAS
from tts_server.engines.embedded.shape import VoiceShape
from tts_server.engines.watchdog import Watchdog
from tts_server.errors import Cancelled, EngineFailure, EngineStuck, ResourceExhausted, TTSError
from tts_server.memory import keep_few_arenas, release_memory
from tts_server.speech import Samples, Voice, VoiceReference

log = logging.getLogger(__name__)

NAME = "The embedded voice"
IDLE_SECONDS = 2.0
STUCK_SECONDS = 120.0
CLOSE_SECONDS = 5.0

MAX_STUCK = 4
"""The most stuck threads that are replaced, for each worker; with more, the engine waits until one of them returns."""

REFERENCE_TEXT = (
    "The sky was clear this morning, and the first birds were singing in the garden. We had a cup of coffee, talked about the weather, "
    "and decided to take the long way around the lake. Would you like to come with us next time? It is quite a lovely walk."
)
"""The text of the clip of a voice for an engine that clones: about fourteen seconds, with every sound of English."""
SEGMENTS_PER_RELEASE = 64


class EmbeddedStream:
    """The audio of one utterance; a single chunk, since a whole segment takes a fraction of a second."""

    retries = 0

    def __init__(self) -> None:
        self.future: Future[Samples] = Future()
        self.is_closed = False

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        is_over = threading.Event()
        self.future.add_done_callback(lambda _: is_over.set())
        with cancellation.calling(is_over.set):
            is_over.wait()
        if not self.future.done():
            raise Cancelled
        yield self.future.result()

    def close(self) -> None:
        self.is_closed = True
        self.future.cancel()


_Task = tuple[int, int, Utterance | None, EmbeddedStream | None]
"""Priority, order of arrival, the utterance and the stream of its audio; a task without an utterance ends the thread."""


@dataclass(eq=False)
class _Worker:
    """A thread of the engine, and the stream of its current segment. `is_abandoned`: the segment took too long and its stream has ended."""

    thread: threading.Thread = field(init=False)
    stream: EmbeddedStream | None = None
    is_abandoned: bool = False


class EmbeddedEngine:
    """Speaks with `hibari` on `threads` threads (0: one for each core).

    First segments go before all others, otherwise the order is first come, first served. A thread cannot be ended from outside: one that
    computes a segment for more than `stuck_seconds` is abandoned, its request gets EngineStuck, and another thread replaces it.
    hibari: computes the audio; several engines may share one (default: a new one, which takes half a second to load).
    """

    name = "embedded"
    capabilities = Capabilities(
        sample_rate=SAMPLE_RATE,
        languages=("en",),
        scripts=frozenset({"Latin"}),
        cloning="matched",
        tempo_range=TEMPO_RANGE,
        first_segment_chars=80,
        max_segment_chars=280,
        reads_ipa=True,
    )

    def __init__(self, threads: int = 0, *, stuck_seconds: float = STUCK_SECONDS, hibari: HibariVoice | None = None) -> None:
        self.num_parallel = threads or os.cpu_count() or 1
        self.version = f"hibari-tts {importlib.metadata.version('hibari-tts')}"
        keep_few_arenas()
        self.hibari = hibari or HibariVoice()
        self.is_closed = False  # set under the lock
        self._queue: queue.PriorityQueue[_Task] = queue.PriorityQueue()
        self._order = itertools.count()
        self._lock = threading.Lock()  # guards all that follows, and the streams of the workers
        self._done = 0
        self._workers: list[_Worker] = []  # without those that are abandoned
        self._num_stuck = 0
        self._watchdog = Watchdog(stuck_seconds, self._abandon, self.name)
        with self._lock:
            for _ in range(self.num_parallel):
                self._start_worker(_Worker())

    # Called by request threads

    @property
    def num_workers(self) -> int:
        """The number of threads that take segments; abandoned ones do not count."""
        return len(self._workers)

    def voices(self) -> Sequence[Voice]:
        return [Voice(p.id, p.name, "builtin", p.description, "en", p.gender) for p in PERSONAS.values()]

    def builtin_voice(self, voice_id: str) -> VoiceShape:
        return PERSONAS[voice_id].shape

    def reference(self, voice_id: str) -> VoiceReference:
        """A clip of one of `voices()`, for an engine that clones; KeyError for others."""
        samples = self.hibari.speak(REFERENCE_TEXT, self.builtin_voice(voice_id))
        return VoiceReference(samples, SAMPLE_RATE, hashlib.sha256(samples.tobytes()).hexdigest(), "voice")

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> VoiceShape:
        return match(reference)

    def submit(self, utterance: Utterance) -> EmbeddedStream:
        stream = EmbeddedStream()
        with self._lock:
            if self.is_closed:
                raise EngineFailure(f"{NAME} has been stopped.")
            if not self._workers:
                raise EngineStuck(NAME, self._watchdog.seconds)
            self._queue.put((0 if utterance.index == 0 else 1, next(self._order), utterance, stream))
        return stream

    def stats(self) -> Mapping[str, float]:
        return {
            "segments_done": self._done,
            "segments_waiting": self._queue.qsize(),
            "threads": self.num_parallel,
            "threads_stuck": self._num_stuck,
        }

    def close(self) -> None:
        with self._lock:
            if not self.is_closed:
                self.is_closed = True
                for _ in self._workers:
                    self._queue.put((-1, next(self._order), None, None))
            workers = list(self._workers)
        deadline = time.monotonic() + CLOSE_SECONDS
        for worker in workers:
            worker.thread.join(max(0.0, deadline - time.monotonic()))
        self._watchdog.close()
        self._fail_waiting(EngineFailure(f"{NAME} has been stopped."))

    def _fail_waiting(self, error: TTSError) -> None:
        while True:
            try:
                _, _, _, stream = self._queue.get_nowait()
            except queue.Empty:
                return
            if stream is not None and stream.future.set_running_or_notify_cancel():
                stream.future.set_exception(error)

    # The watchdog's thread

    def _abandon(self, worker: _Worker) -> None:
        """Abandon a thread that is stuck, and start another one in its place."""
        with self._lock:
            stream = worker.stream
            if stream is None:
                return  # it has returned at this moment
            worker.stream, worker.is_abandoned = None, True
            self._workers.remove(worker)
            self._num_stuck += 1
            if not self.is_closed and self._num_stuck <= MAX_STUCK * self.num_parallel:
                self._start_worker(_Worker())
            is_last = not self._workers
        error = EngineStuck(NAME, self._watchdog.seconds)
        log.critical("embedded: a thread has been stuck for %g s; %d threads are stuck now", self._watchdog.seconds, self._num_stuck)
        stream.future.set_exception(error)
        if is_last:
            self._fail_waiting(error)

    def _start_worker(self, worker: _Worker) -> None:
        """Start a worker's thread; with the lock held."""
        worker.thread = threading.Thread(target=self._work, args=(worker,), name=f"embedded-{next(self._order)}", daemon=True)
        worker.thread.start()
        self._workers.append(worker)

    # The engine's own threads

    def _next(self) -> _Task:
        try:
            return self._queue.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            release_memory()
            return self._queue.get()

    def _work(self, worker: _Worker) -> None:
        while True:
            _, _, utterance, stream = self._next()
            if utterance is None or stream is None:
                return
            if not stream.future.set_running_or_notify_cancel():
                continue
            worker.stream = stream
            is_cancelled.set(partial(getattr, stream, "is_closed"))
            failure: Exception | None = None
            try:
                with self._watchdog.watching(worker):
                    samples = self.hibari.speak(utterance.text, utterance.voice, utterance.tempo, utterance.seed)
            except Cancelled as error:
                failure = error
            except Exception as error:
                is_full = isinstance(error, MemoryError)
                failure = ResourceExhausted("memory") if is_full else EngineFailure("The embedded voice could not speak this text.")
                failure.__cause__ = error
            with self._lock:
                worker.stream = None
                if worker.is_abandoned:  # its stream has already ended with EngineStuck
                    self._num_stuck -= 1
                    if self.is_closed or len(self._workers) >= self.num_parallel:
                        return
                    worker.is_abandoned = False
                    self._workers.append(worker)
                    continue
                is_last = self.is_closed
                self._done += failure is None
                is_time_to_release = self._done % SEGMENTS_PER_RELEASE == 0
            if failure is not None:
                stream.future.set_exception(failure)
            else:
                stream.future.set_result(samples)
            if is_last:
                return
            if is_time_to_release:
                release_memory()
