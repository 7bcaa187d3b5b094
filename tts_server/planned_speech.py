"""A request that has passed every check, and its audio: segments, joined PCM, encoded bytes."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

import numpy as np

from tts_server import __version__
from tts_server.audio.encoders import create_encoder
from tts_server.audio.loudness import LoudnessMatcher
from tts_server.audio.pcm import SegmentJoiner, silence, soft_limit
from tts_server.audio.resample import Resampler
from tts_server.audio.tempo import TempoChanger
from tts_server.cache import AudioCache, CacheUse, KeptAudio, Recording
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Engine, SpeechStream, Utterance, VoiceConverter
from tts_server.errors import EngineFailure
from tts_server.metrics import Metrics
from tts_server.reply_limits import too_long
from tts_server.speech import AudioFile, AudioFormat, Samples, Segment, SpeechRequest, VoiceReference
from tts_server.spool import Spool
from tts_server.text.clean import has_speech
from tts_server.text.segment import segments_for

MAX_SEED = 2**63 - 1
MIN_SPEED, MAX_SPEED = 0.25, 4.0
PUNCTUATION_SECONDS = 0.25
EDGE_SILENCE_SECONDS = 0.06

PIECE_SECONDS = 2.0
"""Audio of an engine is stretched and resampled in pieces of this length; at once, a long segment would take many times its memory."""

COPIED_BYTES = 16 * 1024
"""Bytes of a finished file that go into the cache at once, and later into one event. Even, so that no sample is cut."""


@dataclass
class Speech:
    """A request that has passed every check: what will be spoken, by what, and the audio on demand.

    `text` is what the engine gets, `words` the same for people, `transcript` the text as it was sent. `removed_voices` are the names of
    tags that would have switched the voice within the text.
    After `max_seconds` of audio it is given up: what is said turned out to be much longer than the text suggested.
    `seconds_made` and `retries` grow while the audio is read; whether it comes from the cache, and then `num_bytes` and the seed that it
    was made with, are known once `audio` has given its first piece.
    """

    request: SpeechRequest
    text: str
    words: str
    transcript: str
    model: str
    voice: str | None
    cloning: str | None
    ignored: tuple[str, ...]
    seed: int
    sample_rate: int
    _engine: Engine = field(repr=False)
    _prepared: Any = field(repr=False)
    _language: str | None
    metrics: Metrics = field(repr=False)
    _asked_seed: int | None
    _voice_content: str
    cache_use: CacheUse
    _cache: AudioCache | None = field(repr=False)
    max_seconds: float
    removed_voices: tuple[str, ...] = ()
    seconds_made: float = 0.0
    retries: int = 0
    num_bytes: int | None = None

    def pcm(self, cancellation: Cancellation | None = None) -> Iterator[Samples]:
        """Mono float32 chunks at `sample_rate`, the same samples however the reader takes them.

        Raises Cancelled as soon as nobody wants the rest, EngineFailure where the engine fails, AudioTooLong after `max_seconds`.
        """
        engine_rate = self._engine.capabilities.sample_rate
        resampler = Resampler(engine_rate, self.sample_rate)
        spoken = self._spoken(cancellation or Cancellation())
        pieces = (piece for samples in spoken for piece in _cut(samples, round(PIECE_SECONDS * engine_rate)))
        with self.metrics.speech(self.model, self.request.format.value) as clock:
            for samples in chain(map(resampler.process, pieces), _once(resampler.flush)):
                if len(samples):
                    self.seconds_made += len(samples) / self.sample_rate
                    clock.audio_ready(len(samples) / self.sample_rate)
                    if self.seconds_made > self.max_seconds:
                        raise too_long(self.seconds_made)
                    yield soft_limit(samples)
                    clock.resume()

    def audio(self, cancellation: Cancellation | None = None, *, in_pieces: bool = False) -> Iterator[bytes]:
        """Encoded chunks in the request's format, the first before the length is known; together they are one valid file.

        What the cache has is not spoken again. `in_pieces`: it comes as it was made, not at once.
        """
        kept = self._find_kept(streamed=True)
        self.metrics.count_cache(self.cache_use.value)
        if kept is not None:
            yield from kept.pieces() if in_pieces else kept.whole()
            return
        with self._recording(streamed=True) as recording:
            for data in self._encoded(cancellation):
                if recording is not None:
                    recording.write(data)
                yield data
            if recording is not None:
                recording.finish(self._note())

    def kept_file(self) -> AudioFile | None:
        """The stream as a file, where the cache has it; None where it has to be spoken by `audio`."""
        kept = self._find_kept(streamed=True)
        if kept is None:
            return None
        self.metrics.count_cache(self.cache_use.value)
        return kept.file()

    def file(self, cancellation: Cancellation | None = None) -> AudioFile:
        """The finished audio as one file whose header states its exact length. Close it.

        It is made in a temporary file where it is long. Raises what `pcm` raises, and ResourceExhausted without temporary files.
        """
        kept = self._find_kept(streamed=False)
        self.metrics.count_cache(self.cache_use.value)
        if kept is not None:
            return kept.file()
        spool = Spool()
        try:
            self._write(spool, cancellation)
            with self._recording(streamed=False) as recording:
                if recording is not None:
                    for data in iter(lambda: spool.read(COPIED_BYTES), b""):
                        recording.write(data)
                    recording.finish(self._note())
                    spool.rewind()
        except BaseException:
            spool.close()
            raise
        return spool

    @property
    def is_kept(self) -> bool:
        """Whether the cache seems to have it, streamed or whole."""
        return self._cache is not None and any(self._cache.has(self._cache_key(streamed=streamed)) for streamed in (True, False))

    @property
    def route(self) -> str:
        """Where the audio comes from, as `X-Route` says it: `CACHE`, `ADHOC` for a clip or recording of the request's own, else `HOT`."""
        return {CacheUse.HIT: "CACHE", CacheUse.ADHOC: "ADHOC"}.get(self.cache_use, "HOT")

    def _cache_key(self, *, streamed: bool) -> str:
        """All that decides the bytes, and who may have them. Without a seed any will do, so that the same words are found again."""
        request = self.request
        controls = [(one.name, request.controls.get(one.name)) for one in self._engine.capabilities.controls]
        knows_its_length = not streamed and request.format in (AudioFormat.WAV, AudioFormat.FLAC)
        made_by = [__version__, self._engine.version, self.model, self._voice_content, request.cache_scope]
        said = [self.text, self._language, request.speed, controls, self._asked_seed]
        return json.dumps([made_by, said, request.format.value, self.sample_rate, knows_its_length])

    def _find_kept(self, *, streamed: bool) -> KeptAudio | None:
        if self._cache is None or self.cache_use not in (CacheUse.MISS, CacheUse.HIT):
            return None
        kept = self._cache.find(self._cache_key(streamed=streamed))
        if kept is not None:
            self.cache_use = CacheUse.HIT
            self.seed, self.retries, self.seconds_made = kept.note["seed"], kept.note["retries"], kept.note["seconds"]
            self.num_bytes = kept.num_bytes
        return kept

    @contextmanager
    def _recording(self, *, streamed: bool) -> Iterator[Recording | None]:
        """A new entry of the cache; None where the request does not use it."""
        if self._cache is None or self.cache_use is not CacheUse.MISS:
            yield None
            return
        with self._cache.record(self._cache_key(streamed=streamed)) as recording:
            yield recording

    def _note(self) -> dict[str, object]:
        return {"seed": self.seed, "retries": self.retries, "seconds": self.seconds_made}

    def _write(self, file: Spool, cancellation: Cancellation | None) -> None:
        encoder = create_encoder(self.request.format, self.sample_rate, streamed=False, file=file)
        try:
            for samples in self.pcm(cancellation):
                encoder.encode(samples)
            encoder.flush()
        finally:
            encoder.close()
        file.rewind()

    def _encoded(self, cancellation: Cancellation | None) -> Iterator[bytes]:
        encoder = create_encoder(self.request.format, self.sample_rate, streamed=True)
        try:
            for samples in self.pcm(cancellation):
                if data := encoder.encode(samples):
                    yield data
            if data := encoder.flush():
                yield data
        finally:
            encoder.close()

    def _spoken(self, cancellation: Cancellation) -> Iterator[Samples]:
        """The segments' audio in order, joined.

        The first segment is submitted alone, so that nothing of the same text slows it; once it is heard, later ones are submitted
        ahead, as many as the engine works on at once. The engine keeps as much of the tempo as it can; the rest is stretched before
        the joints. Pauses and the silence at the joints follow the tempo too. Later segments are brought near the loudness of the first.
        """
        capabilities = self._engine.capabilities
        max_samples = round(PIECE_SECONDS * capabilities.sample_rate)
        joiner = SegmentJoiner(capabilities.sample_rate, edge_silence=EDGE_SILENCE_SECONDS / self.request.speed)
        loudness = LoudnessMatcher(capabilities.sample_rate) if capabilities.varies_in_loudness else None
        pieces = enumerate(segments_for(capabilities, self.text))
        ahead: deque[tuple[Segment, SpeechStream | None]] = deque()
        has_sound = False

        def submit_ahead(number: int) -> None:
            while len(ahead) < number and (piece := next(pieces, None)):
                ahead.append((piece[1], self._submit(*piece)))

        try:
            submit_ahead(1)
            while ahead:
                segment, stream = ahead[0]
                if stream is not None:
                    stretch = TempoChanger(capabilities.sample_rate, self._speed(segment) / self._tempo(segment))
                    sound = _sound(stream, max_samples, cancellation)
                    if loudness is not None:
                        matched = loudness.segment()
                        sound = chain(map(matched.process, sound), _once(matched.flush))
                    for samples in chain(map(stretch.process, sound), _once(stretch.flush)):
                        has_sound = has_sound or len(samples) > 0
                        yield joiner.process(samples)
                        submit_ahead(1 + self._engine.num_parallel)
                    self.retries += stream.retries
                has_sound = has_sound or segment.pause_after > 0
                yield joiner.end_segment(segment.pause_after / self.request.speed)
                ahead.popleft()
                submit_ahead(1 + self._engine.num_parallel)
                cancellation.check()
            if not has_sound:  # an engine may find nothing to say in what looks like words
                yield silence(PUNCTUATION_SECONDS, capabilities.sample_rate)
        finally:
            for _, stream in ahead:
                if stream is not None:
                    stream.close()

    def _speed(self, segment: Segment) -> float:
        return min(max(self.request.speed * segment.rate, MIN_SPEED), MAX_SPEED)

    def _tempo(self, segment: Segment) -> float:
        """The part of the speed that the engine takes over itself."""
        low, high = self._engine.capabilities.tempo_range
        return min(max(self._speed(segment), low), high)

    def _submit(self, index: int, segment: Segment) -> SpeechStream | None:
        if not has_speech(segment.text):
            return None
        # A text of one segment is spoken with the request's own seed: what a model's reference implementation says with it.
        seed = (self.seed + index * 1_000_003) & MAX_SEED
        return self._engine.submit(
            Utterance(
                segment.text,
                self._prepared,
                index,
                seed,
                self._tempo(segment),
                self._language,
                self.request.controls,
                id(self),
                begins_inside=segment.begins_inside,
                ends_inside=segment.ends_inside,
            )
        )


@dataclass
class Silence(Speech):
    """Text without words, such as the `.` by which a client tries its key, or an emoji: a moment of silence."""

    def _spoken(self, cancellation: Cancellation) -> Iterator[Samples]:
        yield silence(PUNCTUATION_SECONDS, self._engine.capabilities.sample_rate)


@dataclass
class Conversion(Speech):
    """A recording spoken again in another voice."""

    source: VoiceReference | None = None

    def _spoken(self, cancellation: Cancellation) -> Iterator[Samples]:
        assert self.source is not None  # noqa: S101 - for the type checker
        sample_rate = self._engine.capabilities.sample_rate
        stretch = TempoChanger(sample_rate, self.request.speed)
        joiner = SegmentJoiner(sample_rate, edge_silence=None)
        stream = cast(VoiceConverter, self._engine).convert(self.source, self._prepared, self.seed)
        try:
            sound = _sound(stream, round(PIECE_SECONDS * sample_rate), cancellation)
            for samples in chain(map(stretch.process, sound), _once(stretch.flush)):
                yield joiner.process(samples)
            yield joiner.end_segment()
        finally:
            stream.close()


def _sound(stream: SpeechStream, max_samples: int, cancellation: Cancellation) -> Iterator[Samples]:
    """What an engine gives, in pieces of `max_samples` at most; raises EngineFailure where it is not numbers."""
    for samples in stream.chunks(cancellation):
        if not np.isfinite(samples).all():
            raise EngineFailure("The model has lost its way: what it made is no sound. Try again.")
        for piece in _cut(samples, max_samples):
            cancellation.check()
            yield piece


def _cut(samples: Samples, max_samples: int) -> Iterator[Samples]:
    for start in range(0, len(samples), max_samples):
        yield samples[start : start + max_samples]


def _once(flush: Callable[[], Samples]) -> Iterator[Samples]:
    """What a stage still holds, asked for when its turn comes."""
    yield flush()
