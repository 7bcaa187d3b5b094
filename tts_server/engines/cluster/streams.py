"""Streams of calls of replicas: read in a thread of their own, continued on another replica when one is lost. No Ray."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tts_server.cancellation import Cancellation
from tts_server.engines.cluster.messages import End, EngineFacts, Failure, Item
from tts_server.errors import Cancelled, EngineFailure, TTSError, Unavailable
from tts_server.speech import Samples, VoiceReference

log = logging.getLogger(__name__)

MAX_LOSSES = 5
"""So many replicas may be lost under one call; a text that breaks each replica must not break all of them."""

FIRST_PAUSE_SECONDS = 0.05
"""Before a call is sent again; doubled after each loss."""


class ReplicaLost(Exception):
    """The replica of a call was lost: its process, its node, or its engine."""


class Call(Protocol):
    """A running call of a replica. Only one thread iterates it; any thread may cancel it, more than once."""

    def __iter__(self) -> Iterator[Item]:
        """Yield the items; raises ReplicaLost, or TTSError."""

    def cancel(self) -> None:
        """Cancel the call on the replica; returns at once."""


@dataclass(frozen=True)
class StreamReport:
    """How a stream ended, for the counters. `end` is None unless it is complete."""

    num_samples: int
    num_losses: int
    end: End | None
    has_failed: bool


class ClusterStream:
    """The audio of one utterance, from whichever replica has it.

    `open_call` sends the call to a replica. When that is lost, the call is sent again: the same seed gives the same samples, so the
    samples that were passed on are skipped. `wait_seconds` is how long a chunk may take; then the stream ends with a 503.
    `start` begins to read; `on_end` is called once, by the stream's thread.
    """

    def __init__(
        self,
        open_call: Callable[[], Call],
        *,
        name: str,
        wait_seconds: float,
        on_end: Callable[[ClusterStream, StreamReport], None],
    ) -> None:
        self.retries = 0  # written by the stream's thread
        self.result: EngineFacts | VoiceReference | None = None  # written by the stream's thread, before the end of the items
        self._open_call = open_call
        self._name = name
        self._wait_seconds = wait_seconds
        self._on_end = on_end
        self._lock = threading.Lock()
        self._call: Call | None = None  # guarded by the lock
        self._closed = threading.Event()  # set by any thread
        # Filled by the stream's thread, and by `close`; emptied by the request's thread.
        self._items: queue.SimpleQueue[Samples | TTSError | Cancelled | None] = queue.SimpleQueue()

    def start(self) -> None:
        """Begin to read, in a thread of the stream."""
        threading.Thread(target=self._read, name="cluster-stream", daemon=True).start()

    # Called by a request's thread

    def chunks(self, cancellation: Cancellation) -> Iterator[Samples]:
        with cancellation.calling(self.close):
            while (item := self._next()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item

    def wait(self, cancellation: Cancellation) -> Any:
        """Return the result of a call that returns no audio."""
        for _ in self.chunks(cancellation):
            raise EngineFailure(f"{self._name}: the replica sent audio that was not requested.")
        return self.result

    def _next(self) -> Samples | TTSError | Cancelled | None:
        try:
            return self._items.get(timeout=self._wait_seconds)
        except queue.Empty:
            self.close()
            return Unavailable(f"{self._name}: no replica answered within {self._wait_seconds:.0f} seconds. Try again later.")

    # Called by any thread

    def close(self) -> None:
        self._stop(Cancelled())

    def fail(self, error: TTSError) -> None:
        """End the stream with an error, as when the engine is stopped."""
        self._stop(error)

    def _stop(self, reason: TTSError | Cancelled) -> None:
        self._closed.set()
        self._items.put(reason)
        with self._lock:
            call = self._call
        if call is not None:
            call.cancel()

    # The stream's own thread

    def _read(self) -> None:
        num_samples = num_losses = 0
        version: str | None = None
        end: End | None = None
        error: TTSError | None = None
        while end is None and error is None and not self._closed.is_set():
            num_to_skip = num_samples
            try:
                for item in self._begin():
                    if isinstance(item, End):
                        end = item
                        break
                    if isinstance(item, Failure):
                        if item.is_replica_broken:
                            raise ReplicaLost(item.error().message)
                        raise item.error()
                    if num_samples and item.version != version:
                        # Other weights give other samples, which do not continue those that were passed on.
                        raise EngineFailure(f"{self._name} was updated while this text was spoken.")
                    version, self.retries = item.version, item.retries
                    # A copy: what Ray returns is read-only and occupies its object store.
                    samples = item.samples[num_to_skip:].copy()
                    num_to_skip -= len(item.samples) - len(samples)
                    if len(samples):
                        num_samples += len(samples)
                        self._items.put(samples)
                else:
                    raise ReplicaLost("the stream ended early")
            except ReplicaLost as loss:
                num_losses += 1
                if not self._closed.is_set():
                    error = self._after_loss(loss, num_losses, num_samples)
            except TTSError as failure:
                error = failure
            except Exception:
                log.exception("%s: a call of a replica has failed", self._name)
                error = EngineFailure(f"{self._name} could not speak this text.")
        if end is not None:
            self.retries, self.result = end.retries, end.result
        is_cancelled = self._closed.is_set() and end is None
        self._on_end(self, StreamReport(num_samples, num_losses, end, has_failed=error is not None and not is_cancelled))
        self._items.put(error)

    def _begin(self) -> Call:
        call = self._open_call()
        with self._lock:
            self._call = call
        if self._closed.is_set():  # closed before it could cancel this call
            call.cancel()
        return call

    def _after_loss(self, loss: ReplicaLost, num_losses: int, num_samples: int) -> TTSError | None:
        """Pause before the call is sent again; return the error where it is not."""
        if num_losses >= MAX_LOSSES:
            log.error("%s: %d replicas were lost while they spoke one text; it is given up", self._name, num_losses)
            return Unavailable(f"{self._name}: the replicas that spoke this text were lost. Try again later.")
        log.warning("%s: a replica was lost (%s); %d samples were sent, the rest is synthesised again", self._name, loss, num_samples)
        self._closed.wait(FIRST_PAUSE_SECONDS * 2 ** (num_losses - 1))
        return None
