"""Time that work takes on the model's device, for sharing it between T3 and S3Gen."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


class DeviceClock:
    """Reads the time once the device has done what was launched.

    CUDA runs kernels asynchronously: without the synchronisation, the time of S3Gen's kernels would be measured as part of the next T3
    step, which waits for them.
    """

    def __init__(self, synchronize: Callable[[], None] | None = None, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._synchronize = synchronize
        self._seconds = seconds

    @classmethod
    def of(cls, device: torch.device | str) -> DeviceClock:
        """The clock of a device; the CPU has nothing to wait for."""
        device = torch.device(device)
        if device.type == "cuda":
            return cls(lambda: torch.cuda.synchronize(device))
        return cls(torch.mps.synchronize if device.type == "mps" else None)

    def now(self) -> float:
        """Seconds; only differences have a meaning."""
        if self._synchronize is not None:
            self._synchronize()
        return self._seconds()
