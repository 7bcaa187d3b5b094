"""Capturing work on a device as a graph that can be replayed with one launch."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

LOCK_SECONDS = 60.0
"""How long a capture waits for the lock. A thread that holds it for longer is stuck; the steps then run without graphs."""


def row_counts(max_rows: int) -> list[int]:
    """The numbers of rows, ascending, that work is captured for; a smaller batch is padded to the next one."""
    counts = [1, 2, 4, 8, *range(16, 64, 16), *range(64, max_rows, 32)]
    return [count for count in counts if count < max_rows] + [max_rows]


class CaptureFailed(RuntimeError):
    """The work could not be captured. Running it directly still works."""


class GraphBackend(Protocol):
    """Captures work with fixed shapes and addresses."""

    def capturing(self) -> contextlib.AbstractContextManager[None]:
        """Entered once around several captures. Raises CaptureFailed where none is possible now."""

    def capture(self, run: Callable[[], T]) -> tuple[Callable[[], None], T]:
        """A function that replays `run`, and the outputs, which each replay overwrites. Raises CaptureFailed.

        `run` is called more than once and must be repeatable.
        """

    def is_true(self, condition: Tensor) -> bool:
        """The value of a boolean scalar, once the device has computed it."""


class CudaGraphs:
    """CUDA graphs of one device, all from one memory pool and one side stream.

    lock: held during captures. Other threads that submit work to a CUDA device, except for the steps of loaded models, must hold it too:
    allocations that synchronise the device make a capture fail.
    """

    def __init__(self, device: torch.device, lock: threading.Lock) -> None:
        self._device = device
        self._lock = lock
        self._pool: Any = None  # an opaque handle of PyTorch
        self._stream: torch.cuda.Stream | None = None

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise CaptureFailed(f"another thread has used the device exclusively for {LOCK_SECONDS:g} s")
        try:
            with torch.cuda.device(self._device):
                yield
        finally:
            self._lock.release()

    def capture(self, run: Callable[[], T]) -> tuple[Callable[[], None], T]:
        if self._stream is None:
            # One stream for all: cuBLAS keeps a workspace for each stream that it has been used on.
            self._stream = torch.cuda.Stream(device=self._device)  # type: ignore[no-untyped-call]
            self._pool = torch.cuda.graph_pool_handle()
        stream = self._stream
        graph = torch.cuda.CUDAGraph()
        try:
            stream.wait_stream(torch.cuda.current_stream(self._device))
            # The outer block restores the current stream where the end of a capture raises.
            with torch.cuda.stream(stream):
                run()  # kernels are loaded and workspaces allocated outside of the capture
                # "thread_local": work of other threads, such as the steps of another model, does not invalidate the capture.
                with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
                    outputs = run()
            torch.cuda.current_stream(self._device).wait_stream(stream)
        except Exception as error:
            # A failed capture may leave its pool and its stream in an undefined state.
            self._pool = self._stream = None
            raise CaptureFailed(str(error)) from error
        return graph.replay, outputs

    def is_true(self, condition: Tensor) -> bool:
        return bool(condition)
