"""What separates the models of a process that use the same device. No torch here."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DeviceLocks:
    """Locks that all models of a process share while they use CUDA devices.

    loading: held from measuring the free memory until the model has taken its part. capturing: held while graphs are captured, and by
    work that would disturb that: cloning, whose allocations synchronise the device.
    """

    loading: threading.Lock = field(default_factory=threading.Lock)
    capturing: threading.Lock = field(default_factory=threading.Lock)
