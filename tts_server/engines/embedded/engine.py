"""The embedded voice as an engine: a few threads that take the most urgent segment next."""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from tts_server.engines.base import Capabilities, Utterance
from tts_server.engines.embedded.matching import match
from tts_server.engines.embedded.personas import PERSONAS
from tts_server.engines.embedded.shape import VoiceShape
from tts_server.engines.embedded.speaker import SAMPLE_RATE, TEMPO_RANGE, Speaker
from tts_server.errors import Cancelled, EngineFailure
from tts_server.memory import keep_few_arenas, release_memory
from tts_server.speech import Samples, Voice, VoiceReference

CANCEL_POLL_SECONDS = 0.1
IDLE_SECONDS = 2.0
REFERENCE_TEXT = (
    "The sky was clear this morning, and the first birds were singing in the garden. We had a cup of coffee, talked about the weather, "
    "and decided to take the long way around the lake. Would you like to come with us next time? It is quite a lovely walk."
)
"""What a voice says where another engine wants to hear it: about fourteen seconds, with every sound of English."""
SEGMENTS_PER_RELEASE = 64


class EmbeddedStream:
    """The audio of one utterance; a single chunk, since a whole segment takes a fraction of a second."""

    retries = 0

    def __init__(self) -> None:
        self.future: Future[Samples] = Future()

    def chunks(self, is_cancelled: Callable[[], bool]) -> Iterator[Samples]:
        while True:
            try:
                yield self.future.result(timeout=CANCEL_POLL_SECONDS)
                return
            except FutureTimeout:
                if is_cancelled():
                    raise Cancelled from None

    def close(self) -> None:
        self.future.cancel()


_Task = tuple[int, int, Utterance | None, EmbeddedStream | None]
"""Priority, order of arrival, what to say and where the audio goes; nothing to say ends the thread."""


class EmbeddedEngine:
    """Speaks with `hibari` on `threads` threads (0: one for each core).

    First segments go before all others, then first come, first served.
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
    )

    def __init__(self, threads: int = 0) -> None:
        self.num_parallel = threads or os.cpu_count() or 1
        self.version = f"hibari-tts {importlib.metadata.version('hibari-tts')}"
        keep_few_arenas()
        self._speaker = Speaker()
        self._queue: queue.PriorityQueue[_Task] = queue.PriorityQueue()
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._done = 0
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"embedded-{i}", daemon=True) for i in range(self.num_parallel)]
        for thread in self._threads:
            thread.start()

    # Called by request threads

    def voices(self) -> Sequence[Voice]:
        return [Voice(p.id, p.name, "builtin", p.description, "en", p.gender) for p in PERSONAS.values()]

    def builtin_voice(self, voice_id: str) -> VoiceShape:
        return PERSONAS[voice_id].shape

    def reference(self, voice_id: str) -> VoiceReference:
        """A clip of one of `voices()`, for an engine that clones; KeyError for others."""
        samples = self._speaker.speak(REFERENCE_TEXT, self.builtin_voice(voice_id))
        return VoiceReference(samples, SAMPLE_RATE, hashlib.sha256(samples.tobytes()).hexdigest(), "voice")

    def prepare_voice(self, reference: VoiceReference, *, norm_loudness: bool = True, keep: bool = True) -> VoiceShape:
        return match(reference)

    def submit(self, utterance: Utterance) -> EmbeddedStream:
        stream = EmbeddedStream()
        with self._lock:
            if self._closed:
                raise EngineFailure("The embedded voice has been stopped.")
            self._queue.put((0 if utterance.index == 0 else 1, next(self._order), utterance, stream))
        return stream

    def stats(self) -> Mapping[str, float]:
        return {"segments_done": self._done, "segments_waiting": self._queue.qsize(), "threads": self.num_parallel}

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._queue.put((-1, next(self._order), None, None))
        for thread in self._threads:
            thread.join()
        while not self._queue.empty():
            _, _, _, stream = self._queue.get()
            if stream is not None and stream.future.set_running_or_notify_cancel():
                stream.future.set_exception(EngineFailure("The embedded voice has been stopped."))

    # The engine's own threads

    def _next(self) -> _Task:
        try:
            return self._queue.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            release_memory()
            return self._queue.get()

    def _work(self) -> None:
        while True:
            _, _, utterance, stream = self._next()
            if utterance is None or stream is None:
                return
            if not stream.future.set_running_or_notify_cancel():
                continue
            try:
                samples = self._speaker.speak(utterance.text, utterance.voice, utterance.tempo, utterance.seed)
            except Exception as error:
                failure = EngineFailure("The embedded voice could not speak this text.")
                failure.__cause__ = error
                stream.future.set_exception(failure)
            else:
                with self._lock:
                    self._done += 1
                    is_time_to_release = self._done % SEGMENTS_PER_RELEASE == 0
                stream.future.set_result(samples)
                if is_time_to_release:
                    release_memory()
