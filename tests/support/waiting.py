"""Waiting for what happens in another thread, process or machine."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds after which a test gives up waiting for what takes a moment on an idle machine."""


def wait_until(condition: Callable[[], object], what: str = "the condition", *, seconds: float = PATIENCE) -> None:
    """Return once `condition` holds; fails after `seconds`, with the name of what did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.01)
