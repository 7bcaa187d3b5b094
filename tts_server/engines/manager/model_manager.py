"""Loads models on demand, and unloads them when they are idle or when another model needs their memory."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping

from tts_server.engines.base import Engine, ReloadableEngine, SpeechStream
from tts_server.engines.manager.handles import CountedStream, EngineFacts, ManagedEngine
from tts_server.engines.manager.loader import ModelLoader, files_stamp
from tts_server.engines.manager.pool import ModelPool
from tts_server.engines.manager.slot import LoadedEngine, ModelSlot
from tts_server.engines.model_source import BUSY, ModelSource, ModelState, ModelStatus
from tts_server.errors import Conflict, Unavailable

log = logging.getLogger("tts_server.models")

KEEP_ALIVE_SECONDS = 15 * 60.0
MIN_KEEP_ALIVE_SECONDS = 10.0
RETRY_PAUSE_SECONDS = 30.0
RELOAD_WAIT_SECONDS = 20.0
MEMORY_WAIT_SECONDS = 60.0
STOP_SECONDS = 10.0

NOT_BUSY = frozenset(ModelState) - BUSY


class ModelManager:
    """The models that are loaded on demand: requests for the same model share one load. Thread-safe.

    `memory_bytes` limits the memory that the loaded models hold together (0: no limit); the least recently used idle model is unloaded
    first. `keep_alive` is the number of idle seconds after which a model is unloaded (None: never), at least `min_keep_alive`, so that
    the requests that waited for the model can use it. A model in use is never unloaded. After a failure, a request can start the next
    load after `retry_pause` seconds. A request for a model that was ready before waits up to `reload_wait` seconds for it, so that its
    voice does not change after a pause. A load waits up to `memory_wait` seconds for other models to become idle.
    `fallback` is the model that error messages name as the one that can be used instead.
    """

    def __init__(
        self,
        sources: Mapping[str, ModelSource],
        *,
        memory_bytes: int = 0,
        keep_alive: float | None = KEEP_ALIVE_SECONDS,
        min_keep_alive: float = MIN_KEEP_ALIVE_SECONDS,
        retry_pause: float = RETRY_PAUSE_SECONDS,
        reload_wait: float = RELOAD_WAIT_SECONDS,
        memory_wait: float = MEMORY_WAIT_SECONDS,
        fallback: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keep_alive = None if keep_alive is None else max(keep_alive, min_keep_alive)
        self._reload_wait = reload_wait
        self._fallback = fallback
        self._pool = ModelPool(sources, memory_bytes, clock)
        self._loader = ModelLoader(self._pool, retry_pause=retry_pause, memory_wait=memory_wait, on_loaded=self._start_reaper)
        self._reaper: threading.Thread | None = None  # unloads idle models; started, under the lock, with the first loaded model
        self._has_lost_device = False  # set under the lock, read by all
        self._on_device_lost: Callable[[], None] | None = None  # set before the first request

    # State

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._pool.slots

    def source(self, model_id: str) -> ModelSource:
        """The source of a model; KeyError for an unknown id."""
        return self._pool.slots[model_id].source

    @property
    def memory_limit(self) -> int:
        """The memory that the loaded models may hold together; 0: no limit."""
        return self._pool.budget.limit

    @property
    def used_bytes(self) -> int:
        """Memory reserved for the models that are loaded or being loaded."""
        with self._pool.changed:
            return self._pool.budget.used

    def status(self, model_id: str) -> ModelStatus:
        """The state of a model and its progress; KeyError for an unknown id."""
        slot = self._pool.slots[model_id]
        with self._pool.changed:
            if slot.state is not None:
                return slot.status(self._pool.now())
        return ModelStatus(ModelState.UNLOADED if slot.source.is_present() else ModelState.ABSENT)

    def engines(self) -> dict[str, Engine]:
        """The models that are ready."""
        with self._pool.changed:
            ready = [slot.id for slot in self._pool.slots.values() if slot.loaded is not None]
        return {id_: ManagedEngine(self, id_) for id_ in ready}

    @property
    def has_lost_device(self) -> bool:
        """Whether the device of a model has failed, so that only a new process can use it again. No model is used or loaded then."""
        return self._has_lost_device

    def when_device_lost(self, action: Callable[[], None]) -> None:
        """Call `action` once, with the manager's lock held, when a device has failed. It must not block."""
        self._on_device_lost = action

    # Loading and unloading: for request threads

    def load(self, model_id: str) -> ModelStatus:
        """Begin to load a model, even directly after a failure; returns at once."""
        slot = self._pool.slots[model_id]
        with self._pool.changed:
            self._loader.start(slot, is_forced=True)
            return slot.status(self._pool.now())

    def wait(self, model_id: str, timeout: float | None = None, *, states: Collection[ModelState] = NOT_BUSY) -> ModelStatus:
        """The status of a model once it is in one of `states`, the manager is closed, or `timeout` seconds have passed."""
        pool, slot = self._pool, self._pool.slots[model_id]
        with pool.changed:
            pool.changed.wait_for(lambda: slot.status(pool.now()).state in states or pool.is_closed, timeout)
        return self.status(model_id)

    def ensure_loaded(self, model_id: str) -> bool:
        """Whether a model can be used now; begins to load it, and may wait for one that was ready before."""
        try:
            self._release(model_id, self._acquire(model_id))
        except Unavailable:
            return False
        return True

    def engine(self, model_id: str) -> Engine:
        """A ready model. Raises ModelLoading, and begins to load it, or ModelNotAvailable with the reason of a failure."""
        self._release(model_id, self._acquire(model_id))
        return ManagedEngine(self, model_id)

    def unloaded_facts(self, model_id: str) -> EngineFacts | None:
        """Return the properties of a model that was unloaded and whose files have not changed since, without loading it; else None."""
        slot = self._pool.slots[model_id]
        with self._pool.changed:
            facts = slot.facts if slot.state is None else None
        return facts if facts is not None and facts.stamp == files_stamp(slot.source) else None

    def unload(self, model_id: str) -> ModelStatus:
        """Free a model's memory, or cancel its download or load; raises Conflict while requests use it."""
        pool, slot = self._pool, self._pool.slots[model_id]
        with pool.changed:
            if slot.is_busy:
                slot.is_cancelled = True
                pool.changed.notify_all()
                return slot.status(pool.now())
            if slot.is_in_use:
                message = f"{slot.source.name} is speaking. It can be unloaded when nobody uses it."
                raise Conflict(message, param="model", code="model_in_use")
            loaded = pool.unlink(slot)
            slot.state = None
        pool.dispose(loaded)
        return self.status(model_id)

    def unload_idle(self) -> int:
        """Unload the models that have been idle for `keep_alive` seconds; returns how many."""
        pool = self._pool
        with pool.changed:
            expired = [slot for slot in pool.idle_slots() if self._seconds_to_expiry(slot) <= 0]
            engines = [pool.unlink(slot) for slot in expired]
        for slot, loaded in zip(expired, engines, strict=True):
            log.info("%s: unloaded after %.0f s without use", slot.id, self.keep_alive)
            pool.dispose(loaded)
        return len(expired)

    def close(self) -> None:
        """Cancel all downloads and loads and stop all engines; open streams end with EngineFailure."""
        pool = self._pool
        with pool.changed:
            pool.is_closed = True
            engines = [pool.unlink(slot) for slot in pool.slots.values()]
            threads = [*self._loader.threads, *([self._reaper] if self._reaper else [])]
            pool.changed.notify_all()
        for loaded in engines:
            pool.dispose(loaded)
        for thread in threads:
            thread.join(STOP_SECONDS)

    # Use of models: for the handles, in any thread

    @contextlib.contextmanager
    def using(self, model_id: str) -> Iterator[ReloadableEngine]:
        """The engine of a model, which is not unloaded within the block; raises ModelLoading or ModelNotAvailable."""
        loaded = self._acquire(model_id)
        try:
            yield loaded.engine
        finally:
            self._release(model_id, loaded)

    def stream(self, model_id: str, start: Callable[[ReloadableEngine], SpeechStream]) -> SpeechStream:
        """The stream that `start` returns for the engine of a model, which is not unloaded before the stream has ended."""
        loaded = self._acquire(model_id)
        try:
            stream = start(loaded.engine)
        except BaseException:
            self._release(model_id, loaded)
            raise
        return CountedStream(stream, lambda: self._release(model_id, loaded))

    def loaded_engine(self, model_id: str) -> ReloadableEngine | None:
        """The engine of a model if it is loaded."""
        loaded = self._pool.slots[model_id].loaded
        return loaded.engine if loaded else None

    def _acquire(self, model_id: str) -> LoadedEngine:
        """Count a use of a model, which `_release` ends; raises ModelLoading or ModelNotAvailable."""
        pool, slot = self._pool, self._pool.slots[model_id]
        with pool.changed:
            self._replace_if_broken(slot)
            if self._has_lost_device:
                raise Unavailable("The device that the models run on has failed; the server is being started again.")
            if slot.loaded is None:
                self._loader.start(slot)
                if slot.was_ready and slot.state is ModelState.LOADING:
                    pool.changed.wait_for(lambda: slot.state is not ModelState.LOADING or pool.is_closed, self._reload_wait)
            if slot.loaded is None:
                if pool.is_closed and slot.state is not ModelState.FAILED:
                    raise Unavailable("The server is stopping.")
                raise slot.unavailable_error(pool.now(), self._fallback)
            slot.loaded.num_uses += 1
            slot.loaded.last_used = pool.now()
            return slot.loaded

    def _release(self, model_id: str, loaded: LoadedEngine) -> None:
        pool, slot = self._pool, self._pool.slots[model_id]
        with pool.changed:
            loaded.num_uses -= 1
            loaded.last_used = pool.now()
            if slot.loaded is loaded:
                self._replace_if_broken(slot)
            pool.changed.notify_all()

    # With the lock held

    def _replace_if_broken(self, slot: ModelSlot) -> None:
        """Load a model again whose engine is broken, or report that its device is lost."""
        if slot.loaded is None:
            return
        if slot.loaded.engine.is_device_lost:
            if not self._has_lost_device:
                self._has_lost_device = True
                log.critical("%s: its device has failed; the server ends, to be started again", slot.id)
                if self._on_device_lost is not None:
                    self._on_device_lost()
        elif slot.loaded.engine.is_broken and not self._pool.is_closed:
            log.error("%s: it has failed or is stuck; the model is loaded again", slot.id)
            self._loader.start(slot, old=self._pool.unlink(slot))

    def _seconds_to_expiry(self, slot: ModelSlot) -> float:
        """The seconds until an idle model is unloaded."""
        if self.keep_alive is None or slot.loaded is None:
            return float("inf")
        return slot.loaded.last_used + self.keep_alive - self._pool.now()

    def _start_reaper(self) -> None:
        if self._reaper is None and self.keep_alive is not None:
            self._reaper = threading.Thread(target=self._reap_idle, name="model-reaper", daemon=True)
            self._reaper.start()

    # In the reaper's thread

    def _reap_idle(self) -> None:
        pool = self._pool
        while not pool.is_closed:
            if self.unload_idle():
                continue
            with pool.changed:
                if not pool.is_closed:
                    pool.changed.wait(min(map(self._seconds_to_expiry, pool.idle_slots()), default=None))
