"""Work in a thread that ends with it.

PyTorch on a CPU shares its work out through OpenMP, which keeps a team of workers for every thread that has ever asked, as long as that
thread lives. GNU's library lets idle workers wait awake for their next piece, and so start on it at once, only while all teams together
have no more workers than the machine has cores. With a second team every small operation waits for sleepers to wake: a step of T3
takes twice as long. So whoever computes beside the engine does it in a thread that goes away afterwards, and takes its team along.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from tts_server.errors import EngineStuck

T = TypeVar("T")


def in_fresh_thread(action: Callable[[], T], name: str = "", seconds: float | None = None) -> T:
    """What `action` returns or raises; raises EngineStuck, in the name of its model, after `seconds`, and leaves the thread behind.

    Without `seconds` it takes as long as it takes.
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
