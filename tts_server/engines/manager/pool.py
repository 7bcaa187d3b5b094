"""The models of the manager with the lock and the memory that they share."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from tts_server.engines.manager.budget import MemoryBudget
from tts_server.engines.manager.slot import LoadedEngine, ModelSlot
from tts_server.engines.model_source import ModelSource
from tts_server.errors import Cancelled

log = logging.getLogger("tts_server.models")


class ModelPool:
    """All slots by model id. `changed` is the lock of every attribute; it is notified whenever a state, a use or the memory changes."""

    def __init__(self, sources: Mapping[str, ModelSource], memory_bytes: int, clock: Callable[[], float]) -> None:
        self.changed = threading.Condition()
        self.slots = {id_: ModelSlot(id_, source) for id_, source in sources.items()}
        self.budget = MemoryBudget(memory_bytes)
        self.is_closed = False  # set under the lock, read by all
        self.now = clock

    # With the lock held

    def idle_slots(self) -> list[ModelSlot]:
        """The loaded models that no request uses."""
        return [slot for slot in self.slots.values() if slot.loaded is not None and not slot.is_in_use]

    def unlink(self, slot: ModelSlot) -> LoadedEngine | None:
        """Remove the engine of a model and return it; the caller disposes of it without the lock."""
        loaded = slot.remove_engine()
        self.changed.notify_all()
        return loaded

    def raise_if_cancelled(self, slot: ModelSlot) -> None:
        if slot.is_cancelled or self.is_closed:
            raise Cancelled

    # Without the lock, in any thread

    def dispose(self, loaded: LoadedEngine | None) -> None:
        """Close an engine and release its memory."""
        if loaded is None:
            return
        try:
            loaded.engine.close()
        except Exception:
            log.exception("%s could not be closed", loaded.engine.name)
        with self.changed:
            self.budget.release(loaded.memory_bytes)
            self.changed.notify_all()
