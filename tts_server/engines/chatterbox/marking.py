"""The last stage of the engine: the watermark, in the engine's thread or in one of its own.

Perth's network takes 8 ms of CPU time for each second of audio. On a GPU the engine's thread only launches kernels, so that this time is
better spent in parallel. On a CPU a second thread would compete for the same cores (see `fresh_thread`).
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tts_server.engines.chatterbox.job import Job
from tts_server.engines.chatterbox.watermark import Watermarker, WatermarkStream
from tts_server.speech import Samples


@dataclass(frozen=True)
class Chunk:
    """Audio of a job. is_piece_end: it completes a piece. is_job_end: it completes the job."""

    job: Job
    samples: Samples
    is_piece_end: bool
    is_job_end: bool


@dataclass(frozen=True)
class Marked:
    """A chunk with its watermark, or with the exception that marking it raised."""

    chunk: Chunk
    samples: Samples | None
    error: Exception | None = None


class Marking:
    """Marks chunks in the order in which they are put. For the engine's thread.

    watermarker: None leaves the samples as they are. wake: called, by whichever thread, when a chunk is ready to be taken.
    watch: a context that is entered while a chunk is marked. in_thread: mark in a separate thread, which runs from the first chunk to
    `stop`.
    """

    def __init__(
        self,
        watermarker: Watermarker | None,
        *,
        in_thread: bool,
        wake: Callable[[], None],
        watch: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._watermarker = watermarker
        self._in_thread = in_thread
        self._wake = wake
        self._watch = watch
        self._streams: dict[Job, WatermarkStream] = {}  # of the thread that marks
        self._done: deque[Marked] = deque()  # filled by the thread that marks, emptied by the engine's thread
        # Replaced and filled by the engine's thread, emptied by the thread that marks.
        self._to_do: queue.SimpleQueue[Chunk | Job | None] | None = None

    def put(self, chunk: Chunk) -> None:
        """Mark a chunk, now or soon."""
        if not self._in_thread:
            self._done.append(self._mark(chunk))
            return
        if self._to_do is None:
            self._to_do = queue.SimpleQueue()
            threading.Thread(target=self._run, args=(self._to_do,), name="watermark", daemon=True).start()
        self._to_do.put(chunk)

    def remove(self, job: Job) -> None:
        """Drop the state of a job that was removed."""
        if self._to_do is not None:
            self._to_do.put(job)
        elif not self._in_thread:
            self._streams.pop(job, None)

    def take(self) -> list[Marked]:
        """Return the chunks that have been marked since the last call."""
        return [self._done.popleft() for _ in range(len(self._done))]

    def stop(self) -> None:
        """End the thread once it has marked all chunks; it starts again with the next one."""
        if self._to_do is not None:
            self._to_do.put(None)
            self._to_do = None

    def _run(self, to_do: queue.SimpleQueue[Chunk | Job | None]) -> None:
        while (item := to_do.get()) is not None:
            if isinstance(item, Job):
                self._streams.pop(item, None)
                continue
            with self._watch():
                self._done.append(self._mark(item))
            self._wake()

    def _mark(self, chunk: Chunk) -> Marked:
        try:
            return Marked(chunk, self._marked_samples(chunk))
        except Exception as error:
            self._streams.pop(chunk.job, None)
            return Marked(chunk, None, error)

    def _marked_samples(self, chunk: Chunk) -> Samples:
        job = chunk.job
        if self._watermarker is None or job.stream.is_closed:
            self._streams.pop(job, None)
            return chunk.samples
        if chunk.is_piece_end and job not in self._streams:
            return self._watermarker.apply(chunk.samples)
        stream = self._streams.get(job) or self._streams.setdefault(job, self._watermarker.stream())
        marked = stream.feed(chunk.samples)
        if chunk.is_piece_end:
            del self._streams[job]
            marked = np.concatenate((marked, stream.finish()))
        return marked
