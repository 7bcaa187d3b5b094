"""The engine's thread: it owns the model and runs all jobs, one decoding step or one slice of S3Gen at a time.

An iteration takes new jobs, drops cancelled ones, and then either decodes one step for all sequences together or computes one slice of
S3Gen for the segment whose audio is needed first. Both stages get equal device time. The thread ends after some time without jobs, and
the next job starts another: see `fresh_thread` for what an idle thread costs.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.decode_stage import DecodeStage
from tts_server.engines.chatterbox.device import device_context
from tts_server.engines.chatterbox.device_clock import DeviceClock
from tts_server.engines.chatterbox.families import SAMPLE_RATE
from tts_server.engines.chatterbox.faults import is_device_lost
from tts_server.engines.chatterbox.job import Job, SegmentStream
from tts_server.engines.chatterbox.marking import Chunk, Marked, Marking
from tts_server.engines.chatterbox.output_stage import OutputStage
from tts_server.engines.chatterbox.recovery import Action, RecoveryPolicy
from tts_server.engines.chatterbox.t3.decoder import StepFailure
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.wave_stage import BatchFailure, WaveStage
from tts_server.engines.watchdog import Watchdog
from tts_server.errors import EngineStuck, TTSError, Unavailable
from tts_server.log import working_for
from tts_server.memory import release_memory
from tts_server.speech import Samples

log = logging.getLogger(__name__)

MAX_CREDIT_SECONDS = 0.5
CLOSE_SECONDS = 10.0
MARKING_POLL_SECONDS = 0.1


class EngineLoop:
    """Runs jobs until `close`. `submit`, `close` and `stats` may be called from any thread.

    name, family: for the log, and for messages. num_threads: of PyTorch on the CPU (0: its default).
    A step that takes longer than `stuck_seconds` makes the loop broken, and its thread is abandoned.
    """

    def __init__(
        self,
        name: str,
        family: str,
        device: torch.device | str,
        decode: DecodeStage,
        wave: WaveStage,
        output: OutputStage,
        recovery: RecoveryPolicy,
        watermarker: Watermarker | None,
        *,
        marks_in_thread: bool,
        num_threads: int,
        idle_seconds: float,
        stuck_seconds: float,
        clock: DeviceClock,
    ) -> None:
        self.is_broken = False  # set by the engine's thread and the watchdog, read by all
        self.is_device_lost = False  # as above
        self.num_steps = self.num_failures = self.num_done = 0  # written by the engine's thread
        self.audio_seconds = 0.0  # as above
        self._name = name
        self._family = family
        self._device = device
        self._decode = decode
        self._wave = wave
        self._output = output
        self._recovery = recovery
        self._num_threads = num_threads
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._order = itertools.count()
        self._wake = threading.Event()
        self._lock = threading.Lock()  # guards `_thread`, `_is_closed`, and the pairing of `_new` with them
        self._watchdog: Watchdog[str] = Watchdog(stuck_seconds, self._abandon, name)
        self._new: deque[Job] = deque()  # filled by request threads, emptied by the engine's thread
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._is_stuck = False
        self._jobs: list[Job] = []  # of the engine's thread, as is all below
        self._played_until: dict[int, float] = {}
        self._credit = 0.0
        self._marking = Marking(
            watermarker, in_thread=marks_in_thread, wake=self._wake.set, watch=partial(self._watchdog.watching, "watermark")
        )

    # Called from any thread

    @property
    def num_waiting(self) -> int:
        return len(self._new) + self._decode.num_waiting

    def submit(self, utterance: Utterance, pieces: deque[str | Samples]) -> SegmentStream:
        """Queue a job; returns the stream of its audio. Raises Unavailable once the loop is closed or broken."""
        stream = SegmentStream(self._wake.set)
        job = Job(utterance, utterance.voice, stream, next(self._order), pieces)
        with self._lock:
            if self._is_closed or self.is_broken:
                raise self._stopped_error()
            self._new.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._wake.set()
        return stream

    def close(self) -> None:
        """Stop the thread; streams that are open end with an error."""
        with self._lock:
            self._is_closed = True
            thread = self._thread
        self._wake.set()
        if thread is None:
            self._stop()
        elif not self._is_stuck:
            thread.join(CLOSE_SECONDS)
            if thread.is_alive():
                log.error("%s: its thread did not end in time and is abandoned", self._name)
                self._fail_all(self._stopped_error())
        self._watchdog.close()

    def mark_device_lost(self, error: BaseException) -> None:
        """Record that the device has failed for good: the loop ends, and all streams with it."""
        log.critical("%s: the device has failed; only a new process can use it again", self._name, exc_info=error)
        self.is_device_lost = self.is_broken = True
        self._wake.set()

    # The engine's thread

    def _run(self) -> None:
        if self._num_threads:
            torch.set_num_threads(self._num_threads)
        try:
            with torch.inference_mode(), device_context(self._device):
                while not (self._is_closed or self.is_broken):
                    if self._is_idle():
                        return
                    with self._watchdog.watching("step"):
                        self._iterate()
        except BaseException as error:
            log.critical("%s: the engine's thread has ended with an error", self._name, exc_info=error)
            self.is_broken = True
        self._stop()

    def _iterate(self) -> None:
        self._wake.clear()
        self._take_new()
        self._drop_cancelled()
        self._take_marked()
        while (job := self._decode.take_deferred()) is not None:
            self._guard(job, self._decode.begin, job)
        self._work()

    def _stop(self) -> None:
        self._fail_all(self._stopped_error())
        self._marking.stop()
        self._recovery.release_caches()

    def _is_idle(self) -> bool:
        """Whether no job came for `idle_seconds`; the thread has been signed off then and must end."""
        if self._jobs or self._new or self._wake.wait(self._idle_seconds):
            return False
        release_memory()
        with self._lock:
            if self._new or self._is_closed:
                return False
            self._marking.stop()
            self._thread = None
            return True

    def _take_new(self) -> None:
        while self._new:
            job = self._new.popleft()
            self._jobs.append(job)
            self._guard(job, self._decode.begin, job)

    def _drop_cancelled(self) -> None:
        for job in [job for job in self._jobs if job.stream.is_closed]:
            self._remove(job)

    def _work(self) -> None:
        """One decoding step or one slice of S3Gen."""
        ready = self._ready()
        begun = self._clock.now()
        if ready and (self._credit > 0 or not self._decode.is_busy):
            job = ready[0]
            self._guard(job, self._speak, job)
            self._credit = max(self._credit - (self._clock.now() - begun), -MAX_CREDIT_SECONDS)
        elif self._decode.is_busy:
            self._step()
            self._credit = min(self._credit + (self._clock.now() - begun), MAX_CREDIT_SECONDS)
        elif any(job.num_marking for job in self._jobs):
            self._wake.wait(MARKING_POLL_SECONDS)
        else:
            for job in list(self._jobs):  # not reachable; but no stream may be left open
                self._fail(job, RuntimeError("a segment was neither decoded nor spoken"))

    def _ready(self) -> list[Job]:
        """The jobs that S3Gen can work on, the one whose audio is needed first at the head."""
        return sorted((job for job in self._jobs if self._wave.is_ready(job)), key=self._needed_at)

    def _needed_at(self, job: Job) -> tuple[float, int]:
        """When the audio sent for the request so far will have been played; 0 before the first."""
        return self._played_until.get(job.utterance.group, 0.0), job.order

    # The stages

    def _step(self) -> None:
        num_running = self._decode.decoder.num_running + self._decode.decoder.num_waiting
        try:
            self._decode.decoder.step()
        except StepFailure as failure:
            self._recover_decode([sequence.owner for sequence in failure.sequences], failure.cause, num_running)
        except Exception as error:
            jobs = [job for job in self._jobs if job.sequence is not None and not job.sequence.is_finished]
            for job in jobs:
                self._decode.remove(job)
            self._recover_decode(jobs, error, num_running)
        self.num_steps += 1
        for job in list(self._jobs):
            if job.tokens is None and job.sequence is not None and job.sequence.finish_reason in ("stop", "cap"):
                self._guard(job, self._decode.judge, job)

    def _speak(self, job: Job) -> None:
        if self._wave.is_streamed(job):
            if self._wave.run_stream(job):
                self._end_piece(job)
            elif job.utterance.index == 0:
                self._output_samples(job, self._output.take_chunk(job), is_piece_end=False)
            return
        limit = self._recovery.batch_limit
        try:
            done = self._wave.run_batch(job, self._ready_for_batch, limit.current)
        except BatchFailure as failure:
            self._recover(self._recovery.after_batch(failure.jobs, failure.cause, size=failure.size), failure.cause)
            return
        if done:
            limit.record_success(len(done))
        for member in done:
            self._guard(member, self._end_piece, member)

    def _ready_for_batch(self) -> list[Job]:
        return [job for job in self._ready() if job.tokens is not None and job.wave is None and not self._wave.is_streamed(job)]

    def _end_piece(self, job: Job) -> None:
        """All samples of the piece are there: check them, give them out, go on with the next piece."""
        faults = self._output.faults(job)
        if faults and self._decode.reject_samples(job, faults):
            return
        samples = self._output.take_piece(job)
        has_next = job.next_piece()
        self._output_samples(job, samples, is_piece_end=True, is_job_end=not has_next)
        if has_next:
            self._decode.begin(job)

    def _output_samples(self, job: Job, samples: Samples, *, is_piece_end: bool, is_job_end: bool = False) -> None:
        if not (len(samples) or is_piece_end):
            return
        seconds = len(samples) / SAMPLE_RATE
        group = job.utterance.group
        self._played_until[group] = self._played_until.get(group, time.monotonic()) + seconds
        job.num_marking += 1
        self._marking.put(Chunk(job, samples, is_piece_end, is_job_end))
        self._take_marked()

    def _take_marked(self) -> None:
        for marked in self._marking.take():
            job = marked.chunk.job
            job.num_marking -= 1
            if job in self._jobs:
                self._guard(job, self._put, marked)

    def _put(self, marked: Marked) -> None:
        if marked.error is not None:
            raise marked.error
        job, samples = marked.chunk.job, marked.samples
        if samples is not None and len(samples):
            self.audio_seconds += len(samples) / SAMPLE_RATE
            job.stream.put(samples)
        if marked.chunk.is_job_end:
            self.num_done += 1
            job.stream.end()
            self._remove(job)

    # Exceptions

    def _guard(self, job: Job, action: Callable[..., object], *arguments: Any) -> None:
        """Do something for one job; an exception ends that job alone."""
        try:
            action(*arguments)
        except Exception as error:
            self._recover({job: self._recovery.after_single(error)}, error)

    def _recover_decode(self, jobs: list[Job], error: BaseException, num_running: int) -> None:
        self._recover(self._recovery.after_decode(jobs, error, num_running=num_running), error)

    def _recover(self, actions: Mapping[Job, Action], error: BaseException) -> None:
        """Fail the jobs that caused an exception and run the others again."""
        if is_device_lost(error):
            self.mark_device_lost(error)
            return
        for job, action in actions.items():
            if action is Action.FAIL:
                self._fail(job, error)
                continue
            job.restarts += 1
            job.is_isolated = job.is_isolated or action is Action.ISOLATE
            if job.tokens is None:
                job.forget_tokens()
                self._guard(job, self._decode.begin, job)

    def _fail(self, job: Job, error: BaseException) -> None:
        self.num_failures += 1
        with working_for(job.request, job.utterance.text):
            reply = self._recovery.error_for_client(error, self._family)
        job.stream.end(reply)
        self._remove(job)

    def _remove(self, job: Job) -> None:
        self._decode.remove(job)
        self._marking.remove(job)
        job.forget_attempt()
        if job in self._jobs:
            self._jobs.remove(job)
        if not any(other.utterance.group == job.utterance.group for other in self._jobs):
            self._played_until.pop(job.utterance.group, None)

    def _abandon(self, work: str) -> None:
        """End all streams, because a step does not come back. Called by the watchdog."""
        log.critical("%s: no progress of a %s for %g s; its thread is abandoned", self._name, work, self._watchdog.seconds)
        self.is_broken = self._is_stuck = True
        self.num_failures += 1
        self._fail_all(EngineStuck(self._family, self._watchdog.seconds))

    def _stopped_error(self) -> TTSError:
        return Unavailable(f"{self._family} has been stopped. Try again in a moment.")

    def _fail_all(self, error: TTSError) -> None:
        with self._lock:
            jobs = [*self._jobs, *self._new]
            self._new.clear()
        self._jobs = []
        for job in jobs:
            job.stream.end(error)
