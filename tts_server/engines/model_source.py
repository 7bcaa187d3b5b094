"""The source of a model, from which its engine is created, and the states that a model passes through."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tts_server.engines.base import Capabilities, ReloadableEngine


class ModelState(str, enum.Enum):
    """The state of a model."""

    NOT_INSTALLED = "not_installed"
    """Its Python packages are missing."""
    ABSENT = "absent"
    """Its files are not on this machine."""
    DOWNLOADING = "downloading"
    UNLOADED = "unloaded"
    """Its files are on this machine; it is not in memory."""
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


BUSY = frozenset({ModelState.DOWNLOADING, ModelState.LOADING})


@dataclass(frozen=True)
class ModelStatus:
    """The state of a model and its progress.

    `bytes_done` of `bytes_total` are downloaded, where the total is known; `memory_bytes` is the memory that it holds while it is loaded;
    `reason` is the reason of a failure as a sentence; `retry_after` is the estimated number of seconds until the model may be ready.
    """

    state: ModelState
    bytes_done: int = 0
    bytes_total: int | None = None
    memory_bytes: int = 0
    reason: str | None = None
    retry_after: float | None = None


class ModelSource(Protocol):
    """Downloads and loads one model. `capabilities` are known before it is loaded; `download_bytes` is about the size of the download."""

    name: str
    download_bytes: int | None

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""

    def is_present(self) -> bool:
        """Whether all its files are on this machine. Must be fast: every status calls it."""

    def stamp(self) -> str:
        """A text that identifies the files of the model, which are on this machine. Must be fast."""

    def fetch(self, report: Callable[[int, int | None], None]) -> None:
        """Download its files. Calls `report(bytes done, bytes in all)` repeatedly, which raises Cancelled to end the download."""

    def memory_bytes(self) -> int:
        """An estimate of the memory that the loaded model holds."""

    def create(self) -> ReloadableEngine:
        """Load the model, whose files are on this machine."""
