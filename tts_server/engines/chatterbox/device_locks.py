"""The locks of a device that several models of a process share. No torch here."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DeviceLocks:
    """Locks that all models of a process share while they use CUDA devices.

    loading: held from the measurement of free memory until the model has allocated its part. capturing: held while graphs are captured,
    and by cloning, whose allocations synchronise the device and so make a capture fail.
    """

    loading: threading.Lock = field(default_factory=threading.Lock)
    capturing: threading.Lock = field(default_factory=threading.Lock)
