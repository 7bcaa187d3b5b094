"""The engine's thread: its start and end, and the methods that other threads may call.

The thread passes new jobs to a `JobRunner` and runs it as long as there are jobs. It ends after some time without jobs, and the next job
starts another: see `fresh_thread` for the cost of an idle thread.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from functools import partial

import torch

from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.decode_stage import DecodeStage
from tts_server.engines.chatterbox.device import device_context
from tts_server.engines.chatterbox.device_clock import DeviceClock
from tts_server.engines.chatterbox.job import Job, SegmentStream
from tts_server.engines.chatterbox.job_runner import JobRunner
from tts_server.engines.chatterbox.marking import Marking
from tts_server.engines.chatterbox.output_stage import OutputStage
from tts_server.engines.chatterbox.recovery import RecoveryPolicy
from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.chatterbox.wave_stage import WaveStage
from tts_server.engines.watchdog import Watchdog
from tts_server.errors import EngineStuck, TTSError, Unavailable
from tts_server.memory import release_memory
from tts_server.speech import Samples

log = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0


class EngineLoop:
    """Runs jobs until `close`. The public methods and properties may be used from any thread.

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
        self.is_broken = False  # set by the engine's thread, the watchdog and threads that clone; read by all
        self.is_device_lost = False  # as above
        self._name = name
        self._family = family
        self._device = device
        self._decode = decode
        self._recovery = recovery
        self._num_threads = num_threads
        self._idle_seconds = idle_seconds
        self._order = itertools.count()  # any thread: `next` is atomic
        self._wake = threading.Event()  # set by any thread, cleared by the engine's thread
        self._lock = threading.Lock()  # guards `_thread`, `_is_closed`, and the pairing of `_new` with them
        self._new: deque[Job] = deque()  # filled by request threads, emptied by the engine's thread
        self._thread: threading.Thread | None = None  # under the lock
        self._is_closed = False  # set under the lock, read by all
        self._is_stuck = False  # set by the watchdog, read by `close`
        self._watchdog: Watchdog[str] = Watchdog(stuck_seconds, self._abandon, name)  # thread-safe
        watch = partial(self._watchdog.watching, "watermark")
        self._marking = Marking(watermarker, in_thread=marks_in_thread, wake=self._wake.set, watch=watch)  # of the engine's thread
        # Of the engine's thread; any thread may read its counters, and the thread that ends the loop takes its jobs.
        self.runner = JobRunner(family, decode, wave, output, recovery, self._marking, clock, self._wake, self.mark_device_lost)

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
        """Stop the thread; open streams end with an error."""
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
                        self._run_once()
        except BaseException as error:
            log.critical("%s: the engine's thread has ended with an error", self._name, exc_info=error)
            self.is_broken = True
        self._stop()

    def _run_once(self) -> None:
        self._wake.clear()
        while self._new:
            self.runner.add(self._new.popleft())
        self.runner.run_once()

    def _stop(self) -> None:
        self._fail_all(self._stopped_error())
        self._marking.stop()
        self._recovery.release_caches()

    def _is_idle(self) -> bool:
        """Whether no job came for `idle_seconds`; `_thread` is None then, and the thread must end."""
        if self.runner.jobs or self._new or self._wake.wait(self._idle_seconds):
            return False
        release_memory()
        with self._lock:
            if self._new or self._is_closed:
                return False
            self._marking.stop()
            self._thread = None
            return True

    # Called by the watchdog's thread

    def _abandon(self, work: str) -> None:
        """End all streams, because a step does not return."""
        log.critical("%s: no progress of a %s for %g s; its thread is abandoned", self._name, work, self._watchdog.seconds)
        self.is_broken = self._is_stuck = True
        self.runner.num_failures += 1
        self._fail_all(EngineStuck(self._family, self._watchdog.seconds))

    # Called from any thread

    def _stopped_error(self) -> TTSError:
        return Unavailable(f"{self._family} has been stopped. Try again in a moment.")

    def _fail_all(self, error: TTSError) -> None:
        with self._lock:
            jobs = [*self.runner.take_all(), *self._new]
            self._new.clear()
        for job in jobs:
            job.stream.end(error)
