"""The first stage of the engine: text to accepted speech tokens, by T3, with further attempts where the tokens cannot be right."""

from __future__ import annotations

import logging
import math
from collections import deque

import torch

from tts_server.engines.chatterbox.controls import sampling_of
from tts_server.engines.chatterbox.conversion import TOKENIZER_RATE
from tts_server.engines.chatterbox.families import TOKEN_RATE
from tts_server.engines.chatterbox.job import Job
from tts_server.engines.chatterbox.quality import SpeechJudge
from tts_server.engines.chatterbox.retries import Attempt, Retries
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.log import request_context

log = logging.getLogger(__name__)

LONGEST_SHARE = 0.8
"""A text is split where it usually takes more than this share of the most tokens that an attempt may have."""


class DecodeStage:
    """Owns the decoder. For the engine's thread.

    judge: None accepts every result, at any length up to `max_tokens`.
    """

    def __init__(self, parts: Parts, decoder: T3Decoder, judge: SpeechJudge | None, max_tokens: int) -> None:
        self.decoder = decoder
        self.num_retries = 0
        self.num_tokens = 0
        self._parts = parts
        self._judge = judge
        self._max_tokens = max_tokens
        self._deferred: deque[Job] = deque()
        self._is_isolating = False
        self._num_covered = 0
        self._sum_coverage = 0.0

    @property
    def mean_coverage(self) -> float | None:
        """The mean share of their texts that sequences have attended to, 0 to 1, for models that measure it."""
        return self._sum_coverage / self._num_covered if self._num_covered else None

    @property
    def is_busy(self) -> bool:
        """Whether the decoder has sequences."""
        return self.decoder.num_running + self.decoder.num_waiting > 0

    @property
    def num_waiting(self) -> int:
        return len(self._deferred) + self.decoder.num_waiting

    def begin(self, job: Job) -> None:
        """Queue the current piece of a job; an exception is caused by that job. Recorded audio gets its tokens at once."""
        job.generator = torch.Generator().manual_seed(job.seed)
        if not isinstance(job.piece, str):
            job.tokens = self._parts.cloning().speech_tokens(job.piece, TOKENIZER_RATE)
            return
        if self._judge is not None and job.retries is None:
            job.retries = self._start_retries(job, self._judge)
        if self._deferred or not self._can_add(job):
            self._deferred.append(job)
        else:
            self._add(job)

    def take_deferred(self) -> Job | None:
        """Remove and return the next deferred job, if it can begin now; jobs are deferred while one is isolated, or to be isolated."""
        return self._deferred.popleft() if self._deferred and self._can_add(self._deferred[0]) else None

    def begin_deferred(self, job: Job) -> None:
        """Queue the current piece of a job that `take_deferred` returned."""
        self._add(job)

    def remove(self, job: Job) -> None:
        """Remove a job, decoding or waiting."""
        if job.sequence is not None and not job.sequence.is_finished:
            self.decoder.abort(job.sequence)
        if job in self._deferred:
            self._deferred.remove(job)

    def judge(self, job: Job) -> bool:
        """Accept the tokens of a finished sequence, or begin another attempt (True then)."""
        sequence = job.sequence
        assert sequence is not None  # noqa: S101 - for the type checker
        self.num_tokens += len(sequence.tokens)
        is_cut = sequence.finish_reason == "cap"
        faults = self._judge.faults_of_tokens(sequence.tokens, job.text, job.utterance.language) if self._judge else ()
        if is_cut and self._judge:
            faults = tuple({*faults, "too long"})
        # The only read of the coverage, after the last step of the sequence.
        coverage = None if sequence.coverage is None else float(sequence.coverage)
        if coverage is not None:
            self._num_covered += 1
            self._sum_coverage += coverage
            log.debug("%s: %.0f %% of the text of a segment is covered", self._parts.family.id, 100 * coverage)
        attempt = Attempt(sequence.tokens, sequence.generator.get_state(), is_cut, faults, coverage)
        if job.retries is not None:
            job.retries.add(attempt)
        if faults and job.can_retry:
            self.retry(job, faults)
            return True
        if job.retries is None or job.has_sent_audio:
            job.accept(attempt, sequence.generator)
        else:
            self.use_best_attempt(job)
        job.is_final = bool(faults)
        return False

    def retry(self, job: Job, faults: tuple[str, ...]) -> None:
        with request_context(job.request):
            log.info("%s: a segment was %s; it is retried with another seed", self._parts.family.id, ", ".join(faults))
        self.num_retries += 1
        job.start_next_attempt()
        self.begin(job)

    def reject_samples(self, job: Job, faults: tuple[str, ...]) -> bool:
        """After `faults` in the audio of accepted tokens: begin another attempt, or take the tokens of a better one (True both times)."""
        if job.retries is None:
            return False
        job.retries.add_faults(faults)
        if job.can_retry:
            self.retry(job, faults)
            return True
        job.is_final = True
        if job.retries.best() is job.retries.attempts[-1]:
            return False
        job.drop_wave()
        self.use_best_attempt(job)
        return True

    def use_best_attempt(self, job: Job) -> None:
        """Give the job the tokens of its best attempt."""
        assert job.retries is not None  # noqa: S101 - for the type checker
        best = job.retries.best()
        if job.fed_tokens != best.tokens[: len(job.fed_tokens)]:
            job.drop_wave()
        generator = torch.Generator()
        generator.set_state(best.generator_state)
        job.accept(best, generator)

    def _start_retries(self, job: Job, judge: SpeechJudge) -> Retries:
        """Split the piece until speech of its length fits into an attempt; then its limits."""
        language = job.utterance.language
        while judge.usual_seconds(job.text, language) * TOKEN_RATE > LONGEST_SHARE * self._max_tokens and job.split_piece():
            pass
        limit = min(self._max_tokens, math.ceil(judge.longest_seconds(job.text, language) * TOKEN_RATE))
        return Retries(limit, math.ceil(judge.usual_seconds(job.text, language) * TOKEN_RATE))

    def _can_add(self, job: Job) -> bool:
        """Whether a job may be decoded beside what is being decoded: an isolated one may not, and nothing beside it."""
        return not self.is_busy or not (job.is_isolated or self._is_isolating)

    def _add(self, job: Job) -> None:
        if job.generator is None:
            raise RuntimeError("a segment without a random generator")
        max_tokens = job.retries.next_limit if job.retries is not None else self._max_tokens
        job.sequence = Sequence(
            self._parts.text_ids(job.text, job.utterance.language, begins_inside=job.begins_inside, ends_inside=job.ends_inside),
            job.conditionals,
            sampling_of(self._parts.family, job.utterance, max_tokens),
            job.generator,
            index=job.utterance.index,
            group=job.utterance.group,
        )
        self.decoder.add(job.sequence)
        self._is_isolating = job.is_isolated
