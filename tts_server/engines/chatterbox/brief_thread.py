"""Work in a thread that ends with it.

PyTorch on a CPU shares its work out through OpenMP, which keeps a team of workers for every thread that has ever asked, as long as that
thread lives. GNU's library lets idle workers wait awake for their next piece, and so start on it at once, only while all teams together
have no more workers than the machine has cores. With a second team every small operation waits for sleepers to wake: a step of T3
takes twice as long. So whoever computes beside the engine does it in a thread that goes away afterwards, and takes its team along.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_brief_thread(action: Callable[[], T]) -> T:
    """What `action` returns or raises."""
    with ThreadPoolExecutor(1, thread_name_prefix="compute") as thread:
        return thread.submit(action).result()
