"""The third stage of the engine: checks the samples of a piece, shortens long pauses and fades the end, before the watermark."""

from __future__ import annotations

import numpy as np

from tts_server.engines.chatterbox.families import SAMPLE_RATE
from tts_server.engines.chatterbox.job import Job
from tts_server.engines.chatterbox.pauses import PauseShortener, shorten_pauses
from tts_server.engines.chatterbox.quality import SpeechJudge, without_tail
from tts_server.speech import Samples

FADE_SECONDS = 0.03
"""Fade-out where the model was stopped."""


class OutputStage:
    """judge: None leaves all samples as they are. For the engine's thread."""

    def __init__(self, judge: SpeechJudge | None) -> None:
        self._judge = judge

    def faults(self, job: Job) -> tuple[str, ...]:
        """The faults of the complete samples of a piece, if it can still be retried."""
        if self._judge is None or not job.text or job.has_sent_audio or job.is_final:
            return ()
        return self._judge.faults_of_samples(_joined(job))

    def take_chunk(self, job: Job) -> Samples:
        """Return the finished samples of a piece that is still being computed; it cannot be retried afterwards."""
        samples = job.take_samples()
        if not len(samples):
            return samples
        job.has_sent_audio = True
        if self._judge is None or not job.text:
            return samples
        if job.pauses is None:
            job.pauses = PauseShortener(self._judge.longest_pause(job.text))
        return job.pauses.feed(samples)

    def take_piece(self, job: Job) -> Samples:
        """The remaining samples of a complete piece."""
        samples = job.take_samples()
        if job.pauses is not None:
            samples = np.concatenate((job.pauses.feed(samples), job.pauses.finish()))
        elif self._judge is not None and job.text and not job.has_sent_audio and np.isfinite(samples).all():
            samples = shorten_pauses(without_tail(samples), self._judge.longest_pause(job.text))
        return fade_out(samples) if job.is_cut and self._judge is not None else samples


def fade_out(samples: Samples) -> Samples:
    """The samples with a linear fade at their end, FADE_SECONDS long."""
    length = min(len(samples), round(FADE_SECONDS * SAMPLE_RATE))
    faded: Samples = samples.copy()
    if length:
        faded[-length:] *= np.linspace(1.0, 0.0, length, dtype=np.float32)
    return faded


def _joined(job: Job) -> Samples:
    samples: Samples = np.concatenate([np.zeros(0, np.float32), *job.samples])
    return samples
