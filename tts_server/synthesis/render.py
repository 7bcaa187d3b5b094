"""From a plan to audio: segments, joined PCM, encoded bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import cast

import numpy as np

from tts_server.audio.encoders import create_encoder
from tts_server.audio.loudness import LoudnessMatcher
from tts_server.audio.pcm import SegmentJoiner, silence, soft_limit
from tts_server.audio.resample import Resampler
from tts_server.audio.tempo import TempoChanger
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Engine, PreparedVoice, SpeechStream, Utterance, VoiceConverter
from tts_server.errors import EngineFailure
from tts_server.metrics import Metrics
from tts_server.ranges import SEED, SPEED
from tts_server.speech import Samples, Segment
from tts_server.spool import Spool
from tts_server.synthesis.limits import too_long
from tts_server.synthesis.plan import Recording, Silence, SpeechPlan, Text
from tts_server.synthesis.result import SpeechResult
from tts_server.text.clean import has_speech
from tts_server.text.segment import segments_for

PUNCTUATION_SECONDS = 0.25
EDGE_SILENCE_SECONDS = 0.06

PIECE_SECONDS = 2.0
"""Audio of an engine is stretched and resampled in pieces of this length; at once, a long segment would take many times its memory."""

SEED_STEP = 1_000_003
"""Between the seeds of the segments of a text."""


class Renderer:
    """Makes the audio of a plan with its engine, and with `voice`, the engine's own form of the plan's voice."""

    def __init__(self, plan: SpeechPlan, engine: Engine, voice: PreparedVoice, metrics: Metrics) -> None:
        self._plan = plan
        self._engine = engine
        self._voice = voice
        self._metrics = metrics

    def pcm(self, result: SpeechResult, cancellation: Cancellation) -> Iterator[Samples]:
        """Yield mono float32 chunks at the plan's sample rate, the same samples however the reader takes them; updates `result`.

        Raises Cancelled once it is cancelled, EngineFailure where the engine fails, AudioTooLong after `max_seconds` of the plan.
        """
        plan = self._plan
        engine_rate = self._engine.capabilities.sample_rate
        resampler = Resampler(engine_rate, plan.sample_rate)
        pieces = (piece for samples in self._generate(result, cancellation) for piece in _cut(samples, round(PIECE_SECONDS * engine_rate)))
        with self._metrics.speech(plan.model, plan.format.value) as clock:
            for samples in chain(map(resampler.process, pieces), _once(resampler.flush)):
                if len(samples):
                    seconds = len(samples) / plan.sample_rate
                    result.seconds += seconds
                    clock.audio_ready(seconds)
                    if result.seconds > plan.max_seconds:
                        raise too_long(result.seconds)
                    yield soft_limit(samples)
                    clock.resume()

    def encode(self, result: SpeechResult, cancellation: Cancellation) -> Iterator[bytes]:
        """Yield a stream in the plan's format, the first chunk before its length is known; raises what `pcm` raises."""
        encoder = create_encoder(self._plan.format, self._plan.sample_rate, streamed=True)
        try:
            for samples in self.pcm(result, cancellation):
                if data := encoder.encode(samples):
                    yield data
            if data := encoder.flush():
                yield data
        finally:
            encoder.close()

    def write(self, file: Spool, result: SpeechResult, cancellation: Cancellation) -> None:
        """Write a file in the plan's format, whose header states its length where the format has that, and rewind it."""
        encoder = create_encoder(self._plan.format, self._plan.sample_rate, streamed=False, file=file)
        try:
            for samples in self.pcm(result, cancellation):
                encoder.encode(samples)
            encoder.flush()
        finally:
            encoder.close()
        file.rewind()

    def _generate(self, result: SpeechResult, cancellation: Cancellation) -> Iterator[Samples]:
        """Yield the audio of the plan's content at the engine's rate."""
        content = self._plan.content
        if isinstance(content, Text):
            return self._speak(content, result, cancellation)
        if isinstance(content, Recording):
            return self._convert(content, cancellation)
        return self._pause(content)

    def _pause(self, _: Silence) -> Iterator[Samples]:
        yield silence(PUNCTUATION_SECONDS, self._engine.capabilities.sample_rate)

    def _speak(self, content: Text, result: SpeechResult, cancellation: Cancellation) -> Iterator[Samples]:
        """Yield the audio of the segments in order, joined.

        The first segment is submitted alone, so that nothing of the same text delays it. Once its first audio is there, later ones are
        submitted ahead, as many as the engine works on at once. The engine does as much of the tempo as it can; the rest is stretched
        before the joints. Pauses and the silence at the joints follow the tempo too. Later segments are matched to the loudness of the
        first where the engine varies.
        """
        capabilities = self._engine.capabilities
        max_samples = round(PIECE_SECONDS * capabilities.sample_rate)
        joiner = SegmentJoiner(capabilities.sample_rate, edge_silence=EDGE_SILENCE_SECONDS / self._plan.speed)
        loudness = LoudnessMatcher(capabilities.sample_rate) if capabilities.varies_in_loudness else None
        segments = enumerate(segments_for(capabilities, content.text))
        ahead: deque[tuple[Segment, SpeechStream | None]] = deque()
        has_sound = False

        def submit_ahead(number: int) -> None:
            while len(ahead) < number and (numbered := next(segments, None)):
                ahead.append((numbered[1], self._submit(*numbered)))

        try:
            submit_ahead(1)
            while ahead:
                segment, stream = ahead[0]
                if stream is not None:
                    stretch = TempoChanger(capabilities.sample_rate, self._speed(segment) / self._tempo(segment))
                    chunks = _checked_chunks(stream, max_samples, cancellation)
                    if loudness is not None:
                        matched = loudness.segment()
                        chunks = chain(map(matched.process, chunks), _once(matched.flush))
                    for samples in chain(map(stretch.process, chunks), _once(stretch.flush)):
                        has_sound = has_sound or len(samples) > 0
                        yield joiner.process(samples)
                        submit_ahead(1 + self._engine.num_parallel)
                    result.retries += stream.retries
                has_sound = has_sound or segment.pause_after > 0
                yield joiner.end_segment(segment.pause_after / self._plan.speed)
                ahead.popleft()
                submit_ahead(1 + self._engine.num_parallel)
                cancellation.check()
            if not has_sound:  # an engine may find nothing to say in what looks like words
                yield silence(PUNCTUATION_SECONDS, capabilities.sample_rate)
        finally:
            for _, stream in ahead:
                if stream is not None:
                    stream.close()

    def _convert(self, content: Recording, cancellation: Cancellation) -> Iterator[Samples]:
        """Yield a recording in the plan's voice."""
        sample_rate = self._engine.capabilities.sample_rate
        stretch = TempoChanger(sample_rate, self._plan.speed)
        joiner = SegmentJoiner(sample_rate, edge_silence=None)
        stream = cast(VoiceConverter, self._engine).convert(content.source, self._voice, self._plan.seed)
        try:
            chunks = _checked_chunks(stream, round(PIECE_SECONDS * sample_rate), cancellation)
            for samples in chain(map(stretch.process, chunks), _once(stretch.flush)):
                yield joiner.process(samples)
            yield joiner.end_segment()
        finally:
            stream.close()

    def _submit(self, index: int, segment: Segment) -> SpeechStream | None:
        """Queue a segment; None where it has no words."""
        if not has_speech(segment.text):
            return None
        # A text of one segment is spoken with the request's own seed, as the model's reference implementation does.
        seed = (self._plan.seed + index * SEED_STEP) & SEED.maximum
        return self._engine.submit(
            Utterance(
                segment.text,
                self._voice,
                index,
                seed,
                self._tempo(segment),
                self._plan.language,
                dict(self._plan.controls),
                id(self._plan),
                begins_inside=segment.begins_inside,
                ends_inside=segment.ends_inside,
            )
        )

    def _speed(self, segment: Segment) -> float:
        return SPEED.clamp(self._plan.speed * segment.rate)

    def _tempo(self, segment: Segment) -> float:
        """Return the part of the speed that the engine does itself."""
        low, high = self._engine.capabilities.tempo_range
        return min(max(self._speed(segment), low), high)


def _checked_chunks(stream: SpeechStream, max_samples: int, cancellation: Cancellation) -> Iterator[Samples]:
    """Yield what an engine makes, in pieces of `max_samples` at most; raises EngineFailure where it is not finite."""
    for samples in stream.chunks(cancellation):
        if not np.isfinite(samples).all():
            raise EngineFailure("The model produced invalid audio. Try again.")
        for piece in _cut(samples, max_samples):
            cancellation.check()
            yield piece


def _cut(samples: Samples, max_samples: int) -> Iterator[Samples]:
    for start in range(0, len(samples), max_samples):
        yield samples[start : start + max_samples]


def _once(flush: Callable[[], Samples]) -> Iterator[Samples]:
    """Yield what a stage still holds, computed when it is asked for."""
    yield flush()
