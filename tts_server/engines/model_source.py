"""A model before it is an engine: where it comes from, and how far it is on its way."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tts_server.engines.base import Capabilities, ReloadableEngine


class ModelState(str, enum.Enum):
    """Where a model is on its way to speaking."""

    NOT_INSTALLED = "not_installed"
    """Its Python packages are missing."""
    ABSENT = "absent"
    """Its files are not on this machine yet."""
    DOWNLOADING = "downloading"
    UNLOADED = "unloaded"
    """Its files are here, its memory is free."""
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


BUSY = frozenset({ModelState.DOWNLOADING, ModelState.LOADING})


@dataclass(frozen=True)
class ModelStatus:
    """What can be told of a model now.

    `bytes_done` of `bytes_total` are downloaded, where the total is known; `memory_bytes` is what it holds while it is loaded;
    `reason` says in words why it failed; `retry_after` is in how many seconds asking again is worth while.
    """

    state: ModelState
    bytes_done: int = 0
    bytes_total: int | None = None
    memory_bytes: int = 0
    reason: str | None = None
    retry_after: float | None = None


class ModelSource(Protocol):
    """Where a model comes from. `capabilities` are known before it is loaded; `download_bytes` is about what a download takes."""

    name: str
    download_bytes: int | None

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""

    def is_present(self) -> bool:
        """Whether all its files are on this machine. Quick: asked for each status."""

    def stamp(self) -> str:
        """Another one when its files are others. They are here; quick."""

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        """Bring its files here. `report(bytes done, bytes in all)` is called now and then and raises Cancelled, which must come through."""

    def memory_bytes(self) -> int:
        """What the loaded model will hold in memory, estimated from the sizes of its files."""

    def create(self) -> ReloadableEngine:
        """Load it. Its files are here."""
