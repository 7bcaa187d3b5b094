"""One model of the manager: its state, the progress of its download, and its engine while it is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from tts_server.engines.base import ReloadableEngine
from tts_server.engines.manager.handles import EngineFacts
from tts_server.engines.model_source import BUSY, ModelSource, ModelState, ModelStatus
from tts_server.errors import ModelLoading, ModelNotAvailable, Unavailable

# OpenAI's SDKs ignore a longer Retry-After.
MAX_RETRY_AFTER = 60.0
DEFAULT_LOADING_SECONDS = 10.0


@dataclass(eq=False)
class LoadedEngine:
    """An engine, the memory that is reserved for it, and how often it is in use now. `last_used` is a time of the manager's clock."""

    engine: ReloadableEngine
    memory_bytes: int
    last_used: float
    num_uses: int = 0


@dataclass(eq=False)
class ModelSlot:
    """The state of one model, which has no lock: the manager's guards it. Times are those of the manager's clock.

    state: None while the model is not loaded and nothing is being done with it; its files then decide between `absent` and `unloaded`.
    facts: of the engine that was loaded last. is_cancelled: whether the current download or load is to be stopped.
    started_at: start of the current download or load. bytes_at_start: what was there already when the download began.
    loading_seconds: how long the last load took. reason: why the last load failed; retry_at: when a request may start the next one.
    """

    id: str
    source: ModelSource
    state: ModelState | None = None
    loaded: LoadedEngine | None = None
    facts: EngineFacts | None = None
    is_cancelled: bool = False
    started_at: float = 0.0
    bytes_done: int = 0
    bytes_total: int | None = None
    bytes_at_start: int | None = None
    loading_seconds: float = DEFAULT_LOADING_SECONDS
    reason: str | None = None
    retry_at: float = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether the model is being downloaded or loaded."""
        return self.state in BUSY

    @property
    def is_in_use(self) -> bool:
        """Whether the model is loaded and requests use it."""
        return self.loaded is not None and self.loaded.num_uses > 0

    @property
    def was_ready(self) -> bool:
        """Whether the model has been loaded before."""
        return self.facts is not None

    def start(self, now: float) -> None:
        """Begin to download the model, or to load it if its files are there."""
        self.state = ModelState.LOADING if self.source.is_present() else ModelState.DOWNLOADING
        self.is_cancelled = False
        self.started_at = now
        self.bytes_done, self.bytes_total, self.bytes_at_start = 0, self.source.download_bytes, None

    def record_progress(self, done: int, total: int | None, now: float) -> None:
        """Record that `done` of `total` bytes are downloaded."""
        if self.bytes_at_start is None:
            self.bytes_at_start, self.started_at = done, now
        self.bytes_done, self.bytes_total = done, total or self.bytes_total

    def finish_download(self, now: float) -> None:
        """Go on from the download to loading."""
        self.state = ModelState.LOADING
        self.started_at = now

    def finish_loading(self, loaded: LoadedEngine, facts: EngineFacts, now: float) -> None:
        """Record that the model is ready."""
        self.state, self.loaded, self.facts = ModelState.READY, loaded, facts
        self.loading_seconds = now - self.started_at

    def fail(self, reason: str, retry_at: float) -> None:
        """Record that the model could not be loaded."""
        self.state, self.reason, self.retry_at = ModelState.FAILED, reason, retry_at

    def remove_engine(self) -> LoadedEngine | None:
        """Remove and return the engine, which is not closed; None where the model is not loaded."""
        loaded, self.loaded = self.loaded, None
        if loaded is not None:
            self.state = None
        return loaded

    def status(self, now: float) -> ModelStatus:
        """The status of the model; `unloaded` also where its files are missing, which the caller has to check."""
        is_downloading, is_failed = self.state is ModelState.DOWNLOADING, self.state is ModelState.FAILED
        return ModelStatus(
            self.state or ModelState.UNLOADED,
            bytes_done=self.bytes_done if is_downloading else 0,
            bytes_total=self.bytes_total if is_downloading else None,
            memory_bytes=self.loaded.memory_bytes if self.loaded else 0,
            reason=self.reason if is_failed else None,
            retry_after=self.retry_after(now) if self.is_busy or is_failed else None,
        )

    def retry_after(self, now: float) -> float:
        """Estimate the seconds until the model may be ready, 1 to MAX_RETRY_AFTER."""
        elapsed = now - self.started_at
        if self.state is ModelState.FAILED:
            seconds = self.retry_at - now
        elif self.state is ModelState.LOADING:
            seconds = self.loading_seconds - elapsed
        elif self.bytes_total and self.bytes_at_start is not None and self.bytes_done > self.bytes_at_start:
            seconds = (self.bytes_total - self.bytes_done) * elapsed / (self.bytes_done - self.bytes_at_start)
        else:
            seconds = MAX_RETRY_AFTER / 2
        return min(max(seconds, 1.0), MAX_RETRY_AFTER)

    def unavailable_error(self, now: float, fallback: str | None) -> Unavailable:
        """The error of a request for the model while it is not ready; `fallback` is the model that can be used instead."""
        name, seconds = self.source.name, self.retry_after(now)
        alternative = f" The model '{fallback}' answers meanwhile." if fallback else ""
        if self.state is ModelState.FAILED:
            failure = ModelNotAvailable(f"{name} could not be loaded: {self.reason}{alternative}", param="model")
            failure.retry_after = seconds
            return failure
        progress = "being loaded"
        if self.state is ModelState.DOWNLOADING:
            progress = "being downloaded"
            if self.bytes_total:
                done, total = self.bytes_done / 2**20, self.bytes_total / 2**20
                progress += f" ({done:,.0f} of {total:,.0f} MB, {done / total:.0%})"
        return ModelLoading(f"{name} is {progress}. Try again in about {seconds:.0f} seconds.{alternative}", seconds)
