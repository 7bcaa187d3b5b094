"""The audio of a plan, from the cache where it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tts_server.cancellation import Cancellation
from tts_server.metrics import Metrics
from tts_server.speech import AudioFile, Samples
from tts_server.spool import Spool
from tts_server.synthesis.cache import AudioCache
from tts_server.synthesis.cache_files import CachedEntry, EntryWriter
from tts_server.synthesis.plan import SpeechPlan
from tts_server.synthesis.render import Renderer
from tts_server.synthesis.result import CacheUse, SpeechResult

COPIED_BYTES = 16 * 1024
"""Bytes of a finished file that go into the cache at once, and later into one event. Even, so that no sample is cut."""


class CachedAudio:
    """The audio of a plan: read from the cache, or rendered and stored there. To be read once, by one thread at a time.

    `create_renderer` is called when the cache does not have the audio. `result` is complete once the audio has been read.
    """

    def __init__(self, plan: SpeechPlan, create_renderer: Callable[[], Renderer], metrics: Metrics, cache: AudioCache | None) -> None:
        self.plan = plan
        self.metrics = metrics
        self.result = SpeechResult(plan.seed, _initial_use(plan, cache))
        self._create_renderer = create_renderer
        self._cache = cache

    @property
    def is_cached(self) -> bool:
        """Whether the cache seems to have it, streamed or whole."""
        return self._cache is not None and any(self._cache.has(self.plan.cache_key(streamed=streamed)) for streamed in (True, False))

    def pcm(self, cancellation: Cancellation | None = None) -> Iterator[Samples]:
        """Yield mono float32 chunks at the plan's sample rate, without the cache; raises what `Renderer.pcm` raises."""
        return self._create_renderer().pcm(self.result, cancellation or Cancellation())

    def stream(self, cancellation: Cancellation | None = None, *, in_pieces: bool = False) -> Iterator[bytes]:
        """Yield encoded chunks in the plan's format, the first before the length is known; together they are one valid file.

        `in_pieces`: audio from the cache comes in the chunks that it was made in, not in one. Raises what `Renderer.pcm` raises.
        """
        entry = self._find(streamed=True)
        self.metrics.count_cache(self.result.cache_use.value)
        if entry is not None:
            yield from entry.pieces() if in_pieces else entry.whole()
            return
        renderer = self._create_renderer()
        with self._writing(streamed=True) as writer:
            for data in renderer.encode(self.result, cancellation or Cancellation()):
                if writer is not None:
                    writer.write(data)
                yield data
            if writer is not None:
                writer.finish(self._note())

    def find_streamed_file(self) -> AudioFile | None:
        """Return the stream as a file, where the cache has it; else None. Close it."""
        entry = self._find(streamed=True)
        if entry is None:
            return None
        self.metrics.count_cache(self.result.cache_use.value)
        return entry.file()

    def file(self, cancellation: Cancellation | None = None) -> AudioFile:
        """Return the finished audio as one file whose header states its exact length. Close it.

        A long one is a temporary file. Raises what `Renderer.pcm` raises, and ResourceExhausted where no temporary file can be written.
        """
        entry = self._find(streamed=False)
        self.metrics.count_cache(self.result.cache_use.value)
        if entry is not None:
            return entry.file()
        spool = Spool()
        try:
            self._create_renderer().write(spool, self.result, cancellation or Cancellation())
            with self._writing(streamed=False) as writer:
                if writer is not None:
                    for data in iter(lambda: spool.read(COPIED_BYTES), b""):
                        writer.write(data)
                    writer.finish(self._note())
                    spool.rewind()
        except BaseException:
            spool.close()
            raise
        return spool

    def _find(self, *, streamed: bool) -> CachedEntry | None:
        if self._cache is None or self.result.cache_use not in (CacheUse.MISS, CacheUse.HIT):
            return None
        entry = self._cache.find(self.plan.cache_key(streamed=streamed))
        if entry is not None:
            note = entry.note
            self.result = SpeechResult(note["seed"], CacheUse.HIT, note["seconds"], note["retries"], entry.num_bytes)
        return entry

    @contextmanager
    def _writing(self, *, streamed: bool) -> Iterator[EntryWriter | None]:
        """A new entry of the cache; None where the request does not use it."""
        if self._cache is None or self.result.cache_use is not CacheUse.MISS:
            yield None
            return
        with self._cache.create(self.plan.cache_key(streamed=streamed)) as writer:
            yield writer

    def _note(self) -> dict[str, object]:
        return {"seed": self.result.seed, "retries": self.result.retries, "seconds": self.result.seconds}


def _initial_use(plan: SpeechPlan, cache: AudioCache | None) -> CacheUse:
    """Return what the cache has to do with a plan before it is read."""
    if plan.is_ad_hoc:
        return CacheUse.ADHOC
    if cache is None:
        return CacheUse.DISABLED
    return CacheUse.MISS if plan.may_use_cache else CacheUse.BYPASS
