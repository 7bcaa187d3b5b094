"""Runs a computation in a new thread, which ends with it.

PyTorch on a CPU distributes work through OpenMP, which keeps a team of worker threads for every thread that has used it, until that
thread ends. In GNU's library idle workers spin, and so start the next task at once, only while all teams together have no more workers
than the machine has cores. With a second team they block instead, and every small operation has to wake them: a step of T3 takes twice
as long. So computations beside the engine run in threads that end afterwards, and their teams with them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from tts_server.errors import EngineStuck

T = TypeVar("T")


def in_fresh_thread(action: Callable[[], T], name: str = "", seconds: float | None = None) -> T:
    """Return or raise what `action` returns or raises.

    Raises EngineStuck for the model `name` after `seconds` (None: no limit); the thread is then abandoned.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    thread = threading.Thread(target=run, name="compute", daemon=True)
    thread.start()
    if not wait([future], seconds).done and seconds is not None:
        raise EngineStuck(name, seconds)
    thread.join()
    return future.result()
