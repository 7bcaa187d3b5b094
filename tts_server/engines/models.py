"""Models that come and go: brought to this machine, loaded when asked for, unloaded when idle or when memory is wanted."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tts_server.engines.base import Engine, ReloadableEngine, SpeechStream
from tts_server.engines.counted_stream import CountedStream
from tts_server.engines.managed_engines import Facts, ManagedEngine, RestingEngine
from tts_server.engines.model_source import BUSY, ModelSource, ModelState, ModelStatus
from tts_server.errors import Cancelled, Conflict, ModelLoading, ModelNotAvailable, TTSError, Unavailable

log = logging.getLogger("tts_server.models")

KEEP_ALIVE_SECONDS = 15 * 60.0
SHORTEST_KEEP_SECONDS = 10.0
RETRY_PAUSE_SECONDS = 30.0
RELOAD_WAIT_SECONDS = 20.0
ROOM_WAIT_SECONDS = 60.0
STOP_SECONDS = 10.0

# OpenAI's SDKs do not obey a longer Retry-After.
LONGEST_RETRY_AFTER = 60.0
USUAL_LOADING_SECONDS = 10.0
LONGEST_REASON = 500


@dataclass(eq=False)
class _Loaded:
    """An engine with the memory it was granted and who uses it."""

    engine: ReloadableEngine
    memory_bytes: int
    last_used: float
    num_uses: int = 0


@dataclass(eq=False)
class _Model:
    """What the manager keeps of one model; guarded by the manager's lock. `phase` is None where the disk decides."""

    id: str
    source: ModelSource
    phase: ModelState | None = None
    loaded: _Loaded | None = None
    was_ready: bool = False
    facts: Facts | None = None
    is_cancelled: bool = False
    began: float = 0.0
    bytes_done: int = 0
    bytes_total: int | None = None
    bytes_at_begin: int | None = None
    loading_seconds: float = USUAL_LOADING_SECONDS
    reason: str | None = None
    retry_at: float = 0.0


class ModelManager:
    """Loads models on demand, each in a thread of its own that all who ask for it share. Thread-safe.

    `memory_bytes` bounds what the loaded models hold together (0: nothing does); the least recently used idle one goes first. A model
    is unloaded after `keep_alive` idle seconds (None: never), but not before `shortest_keep`, so that whoever waited for it can use it.
    A model in use is never unloaded. After a failure `retry_pause` seconds pass before a request makes it load again.
    A model that was ready before is waited for up to `reload_wait` seconds, so that a voice does not change after a pause.
    `fallback` is the model that messages name as the one that answers meanwhile.
    """

    def __init__(
        self,
        sources: Mapping[str, ModelSource],
        *,
        memory_bytes: int = 0,
        keep_alive: float | None = KEEP_ALIVE_SECONDS,
        shortest_keep: float = SHORTEST_KEEP_SECONDS,
        retry_pause: float = RETRY_PAUSE_SECONDS,
        reload_wait: float = RELOAD_WAIT_SECONDS,
        room_wait: float = ROOM_WAIT_SECONDS,
        fallback: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.memory_limit = memory_bytes
        self._keep_seconds = None if keep_alive is None else max(keep_alive, shortest_keep)
        self._retry_pause = retry_pause
        self._reload_wait = reload_wait
        self._room_wait = room_wait
        self._fallback = fallback
        self._clock = clock
        self._models = {id_: _Model(id_, source) for id_, source in sources.items()}
        self._changed = threading.Condition()
        self._used_bytes = 0
        self._threads: list[threading.Thread] = []
        self._keeper: threading.Thread | None = None
        self._is_fetching = False
        self._is_closed = False
        self._has_lost_device = False
        self._on_device_lost: Callable[[], None] | None = None

    # What is there

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._models

    def source(self, model_id: str) -> ModelSource:
        """Where a model comes from; KeyError for one without a source."""
        return self._models[model_id].source

    @property
    def used_bytes(self) -> int:
        """Memory granted to the models that are loaded or being loaded."""
        with self._changed:
            return self._used_bytes

    def status(self, model_id: str) -> ModelStatus:
        """How far a model is; KeyError for one without a source."""
        model = self._models[model_id]
        with self._changed:
            if model.phase is not None:
                return self._status(model)
        return ModelStatus(ModelState.UNLOADED if model.source.is_present() else ModelState.ABSENT)

    def engines(self) -> dict[str, Engine]:
        """The models that are ready."""
        with self._changed:
            ready = [model.id for model in self._models.values() if model.loaded is not None]
        return {id_: ManagedEngine(self, id_) for id_ in ready}

    @property
    def has_lost_device(self) -> bool:
        """Whether the device of a model has failed, so that only a new process can use it again. No model is taken or loaded then."""
        return self._has_lost_device

    def when_device_lost(self, action: Callable[[], None]) -> None:
        """Call `action` once, with the manager's lock held, when a device has failed. It must not block."""
        self._on_device_lost = action

    # Asking for models

    def load(self, model_id: str) -> ModelStatus:
        """Begin to load a model, whatever happened before; returns at once."""
        with self._changed:
            self._begin(self._models[model_id], is_forced=True)
            return self._status(self._models[model_id])

    def wait(self, model_id: str, timeout: float | None = None) -> ModelStatus:
        """The status once nothing is under way with the model, or after `timeout` seconds."""
        model = self._models[model_id]
        with self._changed:
            self._changed.wait_for(lambda: model.phase not in BUSY or self._is_closed, timeout)
        return self.status(model_id)

    def is_answering(self, model_id: str) -> bool:
        """Whether a model can be used now, which it can be soon after it has been asked."""
        try:
            self._give_back(model_id, self._take(model_id))
        except Unavailable:
            return False
        return True

    def engine(self, model_id: str) -> Engine:
        """A ready model. Raises ModelLoading, and begins to load it, or ModelNotAvailable with the reason of a failure."""
        self._give_back(model_id, self._take(model_id))
        return ManagedEngine(self, model_id)

    def resting(self, model_id: str) -> RestingEngine | None:
        """A model that was unloaded and whose files are as they were, without loading it; else None."""
        model = self._models[model_id]
        with self._changed:
            facts = model.facts if model.phase is None else None
        if facts is None or facts.stamp != _stamp(model.source):
            return None
        return RestingEngine(self, model_id, facts)

    def unload(self, model_id: str) -> ModelStatus:
        """Free a model's memory, or give up what is under way; raises Conflict while somebody uses it."""
        model = self._models[model_id]
        with self._changed:
            if model.phase in BUSY:
                model.is_cancelled = True
                self._changed.notify_all()
                return self._status(model)
            if model.loaded is not None and model.loaded.num_uses:
                message = f"{model.source.name} is speaking. It can be unloaded when nobody uses it."
                raise Conflict(message, param="model", code="model_in_use")
            retired = self._detach(model)
            model.phase = None
        self._retire(retired)
        return self.status(model_id)

    def close(self) -> None:
        """Give up what is under way and stop all engines; streams that are open end with EngineFailure."""
        with self._changed:
            self._is_closed = True
            retired = [self._detach(model) for model in self._models.values()]
            threads = [*self._threads, *([self._keeper] if self._keeper else [])]
            self._changed.notify_all()
        for loaded in retired:
            self._retire(loaded)
        for thread in threads:
            thread.join(STOP_SECONDS)

    # Using models: for ManagedEngine

    @contextlib.contextmanager
    def using(self, model_id: str) -> Iterator[ReloadableEngine]:
        """The engine of a model, which is not unloaded within the block; raises ModelLoading or ModelNotAvailable."""
        loaded = self._take(model_id)
        try:
            yield loaded.engine
        finally:
            self._give_back(model_id, loaded)

    def stream(self, model_id: str, start: Callable[[ReloadableEngine], SpeechStream]) -> SpeechStream:
        """What `start` queues. The model is in use until the stream has been read or closed."""
        loaded = self._take(model_id)
        try:
            stream = start(loaded.engine)
        except BaseException:
            self._give_back(model_id, loaded)
            raise
        return CountedStream(stream, lambda: self._give_back(model_id, loaded))

    def current(self, model_id: str) -> ReloadableEngine | None:
        """The engine of a model where it is loaded."""
        loaded = self._models[model_id].loaded
        return loaded.engine if loaded else None

    def _take(self, model_id: str) -> _Loaded:
        model = self._models[model_id]
        with self._changed:
            self._replace_if_broken(model)
            if self._has_lost_device:
                raise Unavailable("The device that the models run on has failed; the server is being started again.")
            if model.loaded is None:
                self._begin(model)
                if model.was_ready and model.phase is ModelState.LOADING:
                    self._changed.wait_for(lambda: model.phase is not ModelState.LOADING or self._is_closed, self._reload_wait)
            if model.loaded is None:
                raise self._why_not(model)
            model.loaded.num_uses += 1
            model.loaded.last_used = self._clock()
            return model.loaded

    def _give_back(self, model_id: str, loaded: _Loaded) -> None:
        with self._changed:
            loaded.num_uses -= 1
            loaded.last_used = self._clock()
            model = self._models[model_id]
            if model.loaded is loaded:
                self._replace_if_broken(model)
            self._changed.notify_all()

    # With the lock held

    def _status(self, model: _Model) -> ModelStatus:
        return ModelStatus(
            model.phase or ModelState.UNLOADED,
            bytes_done=model.bytes_done if model.phase is ModelState.DOWNLOADING else 0,
            bytes_total=model.bytes_total if model.phase is ModelState.DOWNLOADING else None,
            memory_bytes=model.loaded.memory_bytes if model.loaded else 0,
            reason=model.reason if model.phase is ModelState.FAILED else None,
            retry_after=self._retry_after(model) if model.phase in BUSY or model.phase is ModelState.FAILED else None,
        )

    def _retry_after(self, model: _Model) -> float:
        elapsed = self._clock() - model.began
        if model.phase is ModelState.FAILED:
            left = model.retry_at - self._clock()
        elif model.phase is ModelState.LOADING:
            left = model.loading_seconds - elapsed
        elif model.bytes_total and model.bytes_at_begin is not None and model.bytes_done > model.bytes_at_begin:
            left = (model.bytes_total - model.bytes_done) * elapsed / (model.bytes_done - model.bytes_at_begin)
        else:
            left = LONGEST_RETRY_AFTER / 2
        return min(max(left, 1.0), LONGEST_RETRY_AFTER)

    def _why_not(self, model: _Model) -> Unavailable:
        name, wait = model.source.name, self._retry_after(model)
        meanwhile = f" The model '{self._fallback}' answers meanwhile." if self._fallback else ""
        if model.phase is ModelState.FAILED:
            failure = ModelNotAvailable(f"{name} could not be loaded: {model.reason}{meanwhile}", param="model")
            failure.retry_after = wait
            return failure
        if self._is_closed:
            return Unavailable("The server is stopping.")
        doing = "being loaded"
        if model.phase is ModelState.DOWNLOADING:
            doing = "being downloaded"
            if model.bytes_total:
                done, total = model.bytes_done / 2**20, model.bytes_total / 2**20
                doing += f" ({done:,.0f} of {total:,.0f} MB, {done / total:.0%})"
        return ModelLoading(f"{name} is {doing}. Try again in about {wait:.0f} seconds.{meanwhile}", wait)

    def _begin(self, model: _Model, *, is_forced: bool = False, after: _Loaded | None = None) -> None:
        """Start the thread that loads a model, unless it is loaded, under way, or failed a moment ago; it stops `after` first."""
        if self._is_closed or model.phase is ModelState.READY:
            return
        if model.phase in BUSY:
            model.is_cancelled = model.is_cancelled and not is_forced
            return
        if model.phase is ModelState.FAILED and self._clock() < model.retry_at and not is_forced:
            return
        model.phase = ModelState.LOADING if model.source.is_present() else ModelState.DOWNLOADING
        model.is_cancelled = False
        model.began = self._clock()
        model.bytes_done, model.bytes_total, model.bytes_at_begin = 0, model.source.download_bytes, None
        thread = threading.Thread(target=self._bring, args=(model, after), name=f"load-{model.id}", daemon=True)
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()

    def _detach(self, model: _Model) -> _Loaded | None:
        """Take the engine from a model; the caller retires it once the lock is free."""
        loaded, model.loaded = model.loaded, None
        if loaded is not None:
            model.phase = None
        self._changed.notify_all()
        return loaded

    def _replace_if_broken(self, model: _Model) -> None:
        if model.loaded is not None and model.loaded.engine.is_device_lost:
            if not self._has_lost_device:
                self._has_lost_device = True
                log.critical("%s: its device has failed; the server ends, to be started again", model.id)
                if self._on_device_lost is not None:
                    self._on_device_lost()
            return
        if model.loaded is not None and model.loaded.engine.is_broken and not self._is_closed:
            log.error("%s: it has failed or is stuck; the model is loaded again", model.id)
            self._begin(model, after=self._detach(model))

    def _check(self, model: _Model) -> None:
        if model.is_cancelled or self._is_closed:
            raise Cancelled

    # In threads of their own

    def _retire(self, loaded: _Loaded | None) -> None:
        if loaded is None:
            return
        try:
            loaded.engine.close()
        except Exception:
            log.exception("%s did not stop as it should", loaded.engine.name)
        with self._changed:
            self._used_bytes -= loaded.memory_bytes
            self._changed.notify_all()

    def _bring(self, model: _Model, after: _Loaded | None) -> None:
        """Download where necessary, make room, load."""
        try:
            self._retire(after)
            if model.phase is ModelState.DOWNLOADING:
                self._download(model)
            need = self._make_room(model)
            try:
                engine = model.source.create()
            except BaseException:
                with self._changed:
                    self._used_bytes -= need
                raise
        except Cancelled:
            self._end(model, None)
            log.info("%s: given up", model.id)
        except Exception as error:
            log.exception("%s could not be loaded", model.id)
            self._end(model, _in_words(error))
        else:
            self._welcome(model, _Loaded(engine, need, self._clock()))

    def _download(self, model: _Model) -> None:
        log.info("%s: downloading", model.id)
        told = 0

        def report(done: int, total: int | None) -> None:
            nonlocal told
            with self._changed:
                self._check(model)
                if model.bytes_at_begin is None:
                    model.bytes_at_begin, model.began = done, self._clock()
                model.bytes_done, model.bytes_total = done, total or model.bytes_total
            if total and 10 * done // total > told:
                told = 10 * done // total
                log.info("%s: %d of %d MB downloaded (%d %%)", model.id, done >> 20, total >> 20, 100 * done // total)

        # One at a time: models share files, and the line.
        with self._changed:
            self._changed.wait_for(lambda: not self._is_fetching or model.is_cancelled or self._is_closed)
            self._check(model)
            self._is_fetching = True
        try:
            model.source.fetch(report)
        finally:
            with self._changed:
                self._is_fetching = False
                self._changed.notify_all()
        with self._changed:
            model.phase = ModelState.LOADING
            model.began = self._clock()

    def _make_room(self, model: _Model) -> int:
        """Reserve the memory of a model, unloading idle ones for it; returns its bytes."""
        need, limit = model.source.memory_bytes(), self.memory_limit
        if limit and need > limit:
            raise Unavailable(f"it needs about {need >> 20:,} MB of memory, and MODEL_MEMORY_MB allows {limit >> 20:,}.")
        while True:
            with self._changed:
                self._check(model)
                if not limit or self._used_bytes + need <= limit:
                    self._used_bytes += need
                    return need
                idle = [other for other in self._models.values() if other.loaded and not other.loaded.num_uses]
                if not idle:
                    if not self._changed.wait_for(lambda: model.is_cancelled or self._is_closed or self._has_room(need), self._room_wait):
                        raise Unavailable("there is no memory for it within MODEL_MEMORY_MB while other models are in use.")
                    continue
                oldest = min(idle, key=lambda other: other.loaded.last_used if other.loaded else 0.0)
                log.info("%s: unloaded to make room for %s", oldest.id, model.id)
                retired = self._detach(oldest)
            self._retire(retired)

    def _has_room(self, need: int) -> bool:
        """Whether there is memory, or somebody who can give it."""
        is_somebody_idle = any(other.loaded and not other.loaded.num_uses for other in self._models.values())
        return self._used_bytes + need <= self.memory_limit or is_somebody_idle

    def _end(self, model: _Model, reason: str | None) -> None:
        with self._changed:
            model.phase = None if reason is None else ModelState.FAILED
            model.reason = reason
            model.retry_at = self._clock() + self._retry_pause
            self._changed.notify_all()

    def _welcome(self, model: _Model, loaded: _Loaded) -> None:
        engine = loaded.engine
        facts = Facts(engine.capabilities, engine.num_parallel, engine.version, tuple(engine.voices()), _stamp(model.source))
        with self._changed:
            is_wanted = not (model.is_cancelled or self._is_closed)
            if is_wanted:
                model.phase, model.loaded, model.was_ready, model.facts = ModelState.READY, loaded, True, facts
                model.loading_seconds = self._clock() - model.began
                if self._keeper is None and self._keep_seconds is not None:
                    self._keeper = threading.Thread(target=self._keep, name="model-keeper", daemon=True)
                    self._keeper.start()
            else:
                model.phase = None
            self._changed.notify_all()
        if is_wanted:
            log.info("%s: ready after %.1f s", model.id, model.loading_seconds)
        else:
            self._retire(loaded)

    def unload_idle(self) -> None:
        """Unload what has been idle for long enough."""
        with self._changed:
            expired = self._expired()
        for loaded in expired:
            self._retire(loaded)

    def _keep(self) -> None:
        while not self._is_closed:
            with self._changed:
                expired = self._expired()
                if not expired and not self._is_closed:
                    self._changed.wait(self._seconds_to_next())
            for loaded in expired:
                self._retire(loaded)

    def _expired(self) -> list[_Loaded]:
        """Take the engines from models that have been idle for too long; with the lock held."""
        expired = []
        for model in self._models.values():
            loaded = model.loaded
            if loaded and not loaded.num_uses and self._keep_seconds is not None and self._clock() - loaded.last_used >= self._keep_seconds:
                log.info("%s: unloaded after %.0f s without use", model.id, self._keep_seconds)
                self._detach(model)
                expired.append(loaded)
        return expired

    def _seconds_to_next(self) -> float | None:
        """When the next idle model expires, None where none is idle; with the lock held."""
        used = [model.loaded.last_used for model in self._models.values() if model.loaded and not model.loaded.num_uses]
        return min(used) + self._keep_seconds - self._clock() if used and self._keep_seconds is not None else None


def _stamp(source: ModelSource) -> str:
    try:
        return source.stamp()
    except (TTSError, OSError):  # the files are gone
        return ""


def _in_words(error: Exception) -> str:
    """Why something failed, as one sentence for a user."""
    words = error.message if isinstance(error, TTSError) else str(error).strip().partition("\n")[0]
    if isinstance(error, MemoryError):
        words = "there is not enough memory"
    words = words or type(error).__name__
    return words[:LONGEST_REASON].rstrip(".") + "."
