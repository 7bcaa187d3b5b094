"""Decides what happens after an exception in the engine: which requests get an error, which are run again, and how.

A failure of several sequences or segments at once does not show which of them caused it. Those that are run again have the same seed and
therefore the same audio; one that fails while nothing else runs beside it has caused the failure.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum

from tts_server.engines.chatterbox.faults import is_out_of_memory
from tts_server.engines.chatterbox.job import Job
from tts_server.errors import EngineFailure, TTSError, Unavailable

log = logging.getLogger(__name__)

RAISE_AFTER = 16
"""Batches of the allowed size that must succeed before one more segment is allowed again."""


class Action(Enum):
    """FAIL: the request gets an error. RESTART: run it again. ISOLATE: run it again, with nothing else beside it."""

    FAIL = "fail"
    RESTART = "restart"
    ISOLATE = "isolate"


class BatchLimit:
    """Number of segments in a batch of S3Gen: halved when memory runs out, raised by one after some batches of full size."""

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.current = maximum
        self._successes = 0

    def record_out_of_memory(self, size: int) -> None:
        self.current = max(1, min(self.current, size // 2))
        self._successes = 0

    def record_success(self, size: int) -> None:
        if size < self.current or self.current == self.maximum:
            return
        self._successes += 1
        if self._successes == RAISE_AFTER:
            self.current += 1
            self._successes = 0


class RecoveryPolicy:
    """Decides by the error and by what ran together. `release` frees caches on the host and the device."""

    def __init__(self, name: str, max_batch: int, release: Callable[[], None]) -> None:
        self.batch_limit = BatchLimit(max_batch)
        self.release_caches = release
        self._name = name

    def after_single(self, error: BaseException) -> Action:
        """After a failure of work for one job alone."""
        if is_out_of_memory(error):
            self._release_memory()
        return Action.FAIL

    def after_decode(self, jobs: list[Job], error: BaseException, *, num_running: int) -> dict[Job, Action]:
        """The action for each job whose sequence has left the decoder because of `error`, in a step of `num_running` sequences."""
        is_memory = is_out_of_memory(error)
        if is_memory:
            self._release_memory()
        if len(jobs) == 1 and (num_running <= 1 or not is_memory):
            return {jobs[0]: Action.FAIL}
        # The youngest has made the batch too large: the others continue without it.
        youngest = max(jobs, key=lambda job: job.order)
        return {job: self._decode_again(job, is_isolated=is_memory and job is youngest) for job in jobs}

    @staticmethod
    def _decode_again(job: Job, *, is_isolated: bool) -> Action:
        if job.is_isolated:
            return Action.FAIL
        return Action.ISOLATE if is_isolated or job.restarts else Action.RESTART

    def after_batch(self, jobs: list[Job], error: BaseException, *, size: int) -> dict[Job, Action]:
        """The action for each job of a batch of S3Gen that had `size` segments. Its tokens stay: only their audio is computed again."""
        if is_out_of_memory(error):
            self._release_memory()
            self.batch_limit.record_out_of_memory(size)
            action = Action.FAIL if size == 1 else Action.RESTART
        else:
            action = Action.FAIL if size == 1 else Action.ISOLATE
        return dict.fromkeys(jobs, action)

    def error_for_client(self, error: BaseException, family: str) -> TTSError:
        """The error that a client gets: a TTSError itself, 503 where memory ran out, else 500 without the details."""
        if isinstance(error, TTSError):
            return error
        if is_out_of_memory(error):
            return Unavailable("There is not enough memory for this request now. Try again in a moment, or with a shorter text.")
        log.error("%s: a segment failed", self._name, exc_info=error)
        failure = EngineFailure(f"{family} could not speak this text.")
        failure.__cause__ = error
        return failure

    def _release_memory(self) -> None:
        log.warning("%s: out of memory; caches are dropped", self._name)
        self.release_caches()
