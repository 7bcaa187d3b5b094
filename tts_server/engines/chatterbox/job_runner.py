"""Runs the jobs of an engine, one decoding step or one slice of S3Gen at a time.

An iteration drops cancelled jobs, and then either decodes one step for all sequences together or computes one slice of S3Gen for the
segment whose audio is needed first. Both stages get equal device time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from tts_server.engines.chatterbox.decode_stage import DecodeStage
from tts_server.engines.chatterbox.device_clock import DeviceClock
from tts_server.engines.chatterbox.families import SAMPLE_RATE
from tts_server.engines.chatterbox.faults import is_device_lost
from tts_server.engines.chatterbox.job import Job
from tts_server.engines.chatterbox.marking import Chunk, Marked, Marking
from tts_server.engines.chatterbox.output_stage import OutputStage
from tts_server.engines.chatterbox.recovery import Action, RecoveryPolicy
from tts_server.engines.chatterbox.t3.decoder import StepFailure
from tts_server.engines.chatterbox.wave_stage import BatchFailure, WaveStage
from tts_server.log import request_context
from tts_server.speech import Samples

Item = TypeVar("Item")

MAX_CREDIT_SECONDS = 0.5
MARKING_POLL_SECONDS = 0.1


class JobRunner:
    """Takes jobs through the stages. For the engine's thread, except `take_all`.

    family: for messages. wake: set when a watermark is ready, a job is new, or a stream was closed.
    on_device_lost: called with the exception after which the device cannot be used any more.
    """

    def __init__(
        self,
        family: str,
        decode: DecodeStage,
        wave: WaveStage,
        output: OutputStage,
        recovery: RecoveryPolicy,
        marking: Marking,
        clock: DeviceClock,
        wake: threading.Event,
        on_device_lost: Callable[[BaseException], None],
    ) -> None:
        self.jobs: list[Job] = []
        self.num_steps = self.num_failures = self.num_done = 0
        self.audio_seconds = 0.0
        self._family = family
        self._decode = decode
        self._wave = wave
        self._output = output
        self._recovery = recovery
        self._marking = marking
        self._clock = clock
        self._wake = wake
        self._on_device_lost = on_device_lost
        # Per request, the time at which the audio sent so far will have been played.
        self._played_until: dict[int, float] = {}
        # Device seconds of T3 minus those of S3Gen, within MAX_CREDIT_SECONDS: S3Gen runs while it is positive.
        self._credit = 0.0

    def add(self, job: Job) -> None:
        """Begin a new job."""
        self.jobs.append(job)
        self._guard(job, self._decode.begin, job)

    def run_once(self) -> None:
        """One iteration."""
        self._drop_cancelled()
        self._take_marked()
        while (job := self._decode.take_deferred()) is not None:
            self._guard(job, self._decode.begin_deferred, job)
        self._work()

    def take_all(self) -> list[Job]:
        """Remove and return all jobs. For any thread, once no iteration will follow, or while one is stuck."""
        jobs, self.jobs = self.jobs, []
        return jobs

    def _drop_cancelled(self) -> None:
        for job in [job for job in self.jobs if job.stream.is_closed]:
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
        elif any(job.num_marking for job in self.jobs):
            self._wake.wait(MARKING_POLL_SECONDS)
        else:
            for job in list(self.jobs):  # not reachable, but an open stream would block its reader forever
                self._fail(job, RuntimeError("a segment was neither decoded nor spoken"))

    def _ready(self) -> list[Job]:
        """The jobs that S3Gen can work on, the one whose audio is needed first at the head."""
        return sorted((job for job in self.jobs if self._wave.is_ready(job)), key=self._needed_at)

    def _needed_at(self, job: Job) -> tuple[float, int]:
        """When the audio sent for the request so far will have been played; 0 before the first."""
        return self._played_until.get(job.utterance.group, 0.0), job.order

    # The stages

    def _step(self) -> None:
        num_running = self._decode.decoder.num_running + self._decode.decoder.num_waiting
        try:
            self._decode.decoder.step()
        except StepFailure as failure:
            by_sequence = {job.sequence: job for job in self.jobs}
            jobs = [by_sequence[sequence] for sequence in failure.sequences if sequence in by_sequence]
            self._recover_decode(jobs, failure.cause, num_running)
        except Exception as error:
            jobs = [job for job in self.jobs if job.sequence is not None and not job.sequence.is_finished]
            for job in jobs:
                self._decode.remove(job)
            self._recover_decode(jobs, error, num_running)
        self.num_steps += 1
        for job in list(self.jobs):
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
        return [job for job in self._ready() if job.tokens is not None and job.batch is None and not self._wave.is_streamed(job)]

    def _end_piece(self, job: Job) -> None:
        """Check and output the complete samples of a piece, and begin the next piece."""
        faults = self._output.faults(job)
        if faults and self._decode.reject_samples(job, faults):
            return
        samples = self._output.take_piece(job)
        has_next = job.next_piece()
        self._output_samples(job, samples, is_piece_end=True, is_job_end=not has_next)
        if has_next and job in self.jobs:  # the watermark may have failed
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
            if job in self.jobs:
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

    def _guard(self, job: Job, action: Callable[[Item], object], item: Item) -> None:
        """Call `action(item)` for one job; an exception ends that job alone."""
        try:
            action(item)
        except Exception as error:
            self._recover({job: self._recovery.after_single(error)}, error)

    def _recover_decode(self, jobs: list[Job], error: BaseException, num_running: int) -> None:
        self._recover(self._recovery.after_decode(jobs, error, num_running=num_running), error)

    def _recover(self, actions: Mapping[Job, Action], error: BaseException) -> None:
        """Fail the jobs that caused an exception and run the others again."""
        if is_device_lost(error):
            self._on_device_lost(error)
            return
        for job, action in actions.items():
            if action is Action.FAIL:
                self._fail(job, error)
                continue
            job.restarts += 1
            job.is_isolated = job.is_isolated or action is Action.ISOLATE
            if job.tokens is None:
                job.drop_tokens()
                self._guard(job, self._decode.begin, job)

    def _fail(self, job: Job, error: BaseException) -> None:
        self.num_failures += 1
        with request_context(job.request, job.utterance.text):
            reply = self._recovery.error_for_client(error, self._family)
        job.stream.end(reply)
        self._remove(job)

    def _remove(self, job: Job) -> None:
        self._decode.remove(job)
        self._marking.remove(job)
        job.drop_attempt()
        if job in self.jobs:
            self.jobs.remove(job)
        if not any(other.utterance.group == job.utterance.group for other in self.jobs):
            self._played_until.pop(job.utterance.group, None)
