"""Loads models: downloads the files, reserves memory, creates the engine. Each model in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tts_server.engines.manager.handles import EngineFacts
from tts_server.engines.manager.pool import ModelPool
from tts_server.engines.manager.slot import LoadedEngine, ModelSlot
from tts_server.engines.model_source import ModelSource, ModelState
from tts_server.errors import Cancelled, TTSError, Unavailable

log = logging.getLogger("tts_server.models")

MAX_REASON_CHARS = 500


class ModelLoader:
    """Starts a thread for each load and records the result in the slot.

    After a failure, a load that is not forced starts only after `retry_pause` seconds. A load waits up to `memory_wait` seconds for other
    models to become idle. `on_loaded` is called with the lock held once a model is ready.
    """

    def __init__(self, pool: ModelPool, *, retry_pause: float, memory_wait: float, on_loaded: Callable[[], None]) -> None:
        self._pool = pool
        self._retry_pause = retry_pause
        self._memory_wait = memory_wait
        self._on_loaded = on_loaded
        self._threads: list[threading.Thread] = []  # under the pool's lock
        self._is_downloading = False  # under the pool's lock

    # With the lock held

    def start(self, slot: ModelSlot, *, is_forced: bool = False, old: LoadedEngine | None = None) -> None:
        """Start to load a model, unless it is loaded, busy, or has just failed. The thread first disposes of the engine `old`."""
        pool = self._pool
        if pool.is_closed or slot.state is ModelState.READY:
            return
        if slot.is_busy:
            slot.is_cancelled = slot.is_cancelled and not is_forced
            return
        if slot.state is ModelState.FAILED and pool.now() < slot.retry_at and not is_forced:
            return
        slot.start(pool.now())
        thread = threading.Thread(target=self._load, args=(slot, old), name=f"load-{slot.id}", daemon=True)
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()

    @property
    def threads(self) -> list[threading.Thread]:
        """The threads that load models now."""
        return list(self._threads)

    # In the thread that loads a model

    def _load(self, slot: ModelSlot, old: LoadedEngine | None) -> None:
        pool = self._pool
        try:
            pool.dispose(old)
            if slot.state is ModelState.DOWNLOADING:
                self._download(slot)
            memory_bytes = self._reserve_memory(slot)
            try:
                engine = slot.source.create()
            except BaseException:
                with pool.changed:
                    pool.budget.release(memory_bytes)
                raise
        except Cancelled:
            log.info("%s: cancelled", slot.id)
            with pool.changed:
                slot.state = slot.reason = None
                pool.changed.notify_all()
        except Exception as error:
            log.exception("%s could not be loaded", slot.id)
            with pool.changed:
                slot.fail(_reason(error), pool.now() + self._retry_pause)
                pool.changed.notify_all()
        else:
            self._finish(slot, LoadedEngine(engine, memory_bytes, pool.now()))

    def _download(self, slot: ModelSlot) -> None:
        log.info("%s: downloading", slot.id)
        pool = self._pool
        logged_tenths = 0

        def report(done: int, total: int | None) -> None:
            nonlocal logged_tenths
            with pool.changed:
                pool.raise_if_cancelled(slot)
                slot.record_progress(done, total, pool.now())
            if total and 10 * done // total > logged_tenths:
                logged_tenths = 10 * done // total
                log.info("%s: %d of %d MB downloaded (%d %%)", slot.id, done >> 20, total >> 20, 100 * done // total)

        # One at a time: models share files, and the bandwidth.
        with pool.changed:
            pool.changed.wait_for(lambda: not self._is_downloading or slot.is_cancelled or pool.is_closed)
            pool.raise_if_cancelled(slot)
            self._is_downloading = True
        try:
            slot.source.fetch(report)
        finally:
            with pool.changed:
                self._is_downloading = False
                pool.changed.notify_all()
        with pool.changed:
            slot.finish_download(pool.now())

    def _reserve_memory(self, slot: ModelSlot) -> int:
        """Reserve the memory of a model, unloading idle ones for it; returns its bytes."""
        pool, budget = self._pool, self._pool.budget
        need = slot.source.memory_bytes()
        if not budget.can_ever_fit(need):
            raise Unavailable(f"it needs about {need >> 20:,} MB of memory, and MODEL_MEMORY_MB allows {budget.limit >> 20:,}.")

        def can_continue() -> bool:
            return slot.is_cancelled or pool.is_closed or budget.fits(need) or bool(pool.idle_slots())

        while True:
            with pool.changed:
                pool.raise_if_cancelled(slot)
                if budget.fits(need):
                    budget.reserve(need)
                    return need
                idle = pool.idle_slots()
                if not idle:
                    if not pool.changed.wait_for(can_continue, self._memory_wait):
                        raise Unavailable("there is no memory for it within MODEL_MEMORY_MB while other models are in use.")
                    continue
                oldest = min(idle, key=lambda other: other.loaded.last_used if other.loaded else 0.0)
                log.info("%s: unloaded to free memory for %s", oldest.id, slot.id)
                loaded = pool.unlink(oldest)
            pool.dispose(loaded)

    def _finish(self, slot: ModelSlot, loaded: LoadedEngine) -> None:
        """Make an engine available, or dispose of it where the load was cancelled meanwhile."""
        pool, engine = self._pool, loaded.engine
        facts = EngineFacts(slot.id, engine.capabilities, engine.version, tuple(engine.voices()), files_stamp(slot.source))
        with pool.changed:
            is_cancelled = slot.is_cancelled or pool.is_closed
            if is_cancelled:
                slot.state = None
            else:
                slot.finish_loading(loaded, facts, pool.now())
                self._on_loaded()
            pool.changed.notify_all()
        if is_cancelled:
            pool.dispose(loaded)
        else:
            log.info("%s: ready after %.1f s", slot.id, slot.loading_seconds)


def files_stamp(source: ModelSource) -> str:
    """The stamp of a model's files; empty where they were removed."""
    try:
        return source.stamp()
    except (TTSError, OSError):
        return ""


def _reason(error: Exception) -> str:
    """The reason of a failure as one sentence for a user."""
    reason = error.message if isinstance(error, TTSError) else str(error).strip().partition("\n")[0]
    if isinstance(error, MemoryError):
        reason = "there is not enough memory"
    return (reason or type(error).__name__)[:MAX_REASON_CHARS].rstrip(".") + "."
