"""The second stage of the engine: speech tokens to samples, by S3Gen, in batches or block by block."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch

from tts_server.engines.chatterbox.job import Batch, Job
from tts_server.engines.chatterbox.s3gen.token_to_wave import TokenToWave, WaveRequest

log = logging.getLogger(__name__)

FEED_TOKENS = 25
"""Fast mode: tokens fed to S3Gen at once."""

_STREAM_SEED = 0x5EED
"""Streams draw their noise from a generator of their own, since T3 still draws from the sequence's meanwhile."""


class BatchFailure(Exception):
    """A batch of S3Gen raised `cause`. `jobs` are those of its members that were not removed, without audio; `size` counts all."""

    def __init__(self, jobs: Sequence[Job], size: int, cause: BaseException) -> None:
        super().__init__(f"a batch of {size} segments failed: {cause}")
        self.jobs = list(jobs)
        self.size = size
        self.cause = cause


class WaveStage:
    """Owns S3Gen. For the engine's thread. batch_bytes: working memory of a batch (0: no limit)."""

    def __init__(self, token_to_wave: TokenToWave, batch_bytes: int = 0) -> None:
        self._token_to_wave = token_to_wave
        self._batch_bytes = batch_bytes

    def is_ready(self, job: Job) -> bool:
        """Whether S3Gen has something to do for a job."""
        if job.tokens is not None:
            return True
        # The first segment of a request is streamed, in fast mode, while T3 still decodes it: its audio is the first that is needed.
        if not self._token_to_wave.can_stream or job.utterance.index > 0 or job.sequence is None or job.sequence.is_finished:
            return False
        return len(job.sequence.tokens) - len(job.fed_tokens) >= FEED_TOKENS

    def is_streamed(self, job: Job) -> bool:
        return self._token_to_wave.can_stream and isinstance(job.piece, str)

    def run_batch(self, job: Job, ready: Callable[[], list[Job]], limit: int) -> list[Job]:
        """Compute one slice of the job's batch. Returns the jobs whose samples are now complete, in `samples`.

        A new batch takes jobs of `ready` beside the job, up to `limit`. Raises BatchFailure.
        """
        batch = job.batch
        if batch is None:
            others = [] if job.is_isolated else [other for other in ready() if other is not job and not other.is_isolated]
            members = [job, *others][: max(1, limit)]
            try:
                batch = self._start_batch(members)
            except Exception as error:
                raise BatchFailure(members, len(members), error) from error
        try:
            results = next(batch.slices)
        except Exception as error:
            members = self._members(batch)
            for member in members:
                member.drop_wave()
            raise BatchFailure(members, len(batch.jobs), error) from error
        if results is None:
            return []
        members = []
        for member, samples in zip(batch.jobs, results, strict=True):
            if member.batch is batch:  # otherwise it has been removed since
                member.samples = [samples]
                members.append(member)
        return members

    def run_stream(self, job: Job) -> bool:
        """Feed the job's stream with its next tokens; its samples are in `samples`. Returns whether the piece is complete.

        A job that was restarted after its first samples were sent continues at the position that it had reached.
        """
        if job.wave_stream is None:
            generator = torch.Generator().manual_seed(job.seed ^ _STREAM_SEED)
            job.wave_stream = self._token_to_wave.stream(job.conditionals, generator)
        tokens = job.tokens if job.tokens is not None else job.sequence.tokens if job.sequence else []
        num_fed = len(job.fed_tokens)
        if list(tokens[:num_fed]) != job.fed_tokens:
            # In fast mode the tokens of a seed depend a little on what is decoded beside it. A word may be repeated or missed here; the
            # alternative is to end a stream that has begun, for a fault of another request.
            log.warning("a segment that was restarted differs from the %d tokens that it had already spoken", num_fed)
            job.fed_tokens = list(tokens[:num_fed])
        block = list(tokens[num_fed : num_fed + FEED_TOKENS])
        samples = job.wave_stream.feed(block) if block else job.wave_stream.finish()
        job.fed_tokens += block
        if len(samples):
            job.samples.append(samples)
        return not block

    def _start_batch(self, jobs: list[Job]) -> Batch:
        """Start a batch with as many of the jobs as the memory of a batch allows, at least the first."""
        requests = [self._request(job) for job in jobs]
        if self._batch_bytes:
            count = self._token_to_wave.split_batch(requests, self._batch_bytes)[0]
            jobs, requests = jobs[:count], requests[:count]
        batch = Batch(jobs, self._token_to_wave.batch(requests))
        for job in jobs:
            job.batch = batch
        return batch

    @staticmethod
    def _request(job: Job) -> WaveRequest:
        """S3Gen gets a copy of the generator, so that the batch can be run again from the same state."""
        if job.generator is None:
            raise RuntimeError("a segment without a random generator")
        generator = torch.Generator()
        generator.set_state(job.generator.get_state())
        return WaveRequest(job.tokens or [], job.conditionals, generator, isinstance(job.piece, str))

    @staticmethod
    def _members(batch: Batch) -> list[Job]:
        return [job for job in batch.jobs if job.batch is batch]
