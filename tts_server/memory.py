"""Memory that is free goes back to the system, where the C library is glibc; elsewhere these do nothing.

glibc gives each thread an arena of its own and keeps what was freed in it. With large
arrays in many threads that doubles the size of the process.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

M_ARENA_MAX = -8
NUM_ARENAS = 2


def keep_few_arenas() -> None:
    """Let all threads share a few arenas. Takes effect for threads that have none yet."""
    _call("mallopt", M_ARENA_MAX, NUM_ARENAS)


def release_memory() -> None:
    """Give free memory back; takes some milliseconds, so it is for idle moments."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        function: Callable[..., Any] | None = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            function(*arguments)
