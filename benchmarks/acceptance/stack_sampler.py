"""Where the time of a run goes, by samples of all threads' stacks."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PERIOD_SECONDS = 0.005

SHARES = {
    "T3": ("chatterbox/t3/",),
    "vocoder": ("chatterbox/s3gen/vocoder", "chatterbox/s3gen/hift"),
    "flow": ("chatterbox/s3gen/",),
    "watermark": ("chatterbox/watermark", "chatterbox/marking", "/perth/"),
    "cloning": ("chatterbox/voices/",),
}
"""Parts of the engine by substrings of their file paths; the first match counts."""


class StackSampler:
    """Counts, every few milliseconds, which part of the engine each thread is in. On a GPU this is the time of the host, which includes
    its waiting for the device."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count inside of the context."""
        is_done = threading.Event()
        thread = threading.Thread(target=self._count, args=(is_done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_done.set()
            thread.join()

    @property
    def shares(self) -> dict[str, float]:
        """The share of each part in the time that any of them took; empty where nothing was counted."""
        total = sum(self._counts.values())
        return {name: count / total for name, count in self._counts.most_common()}

    def _count(self, is_done: threading.Event) -> None:
        own = threading.get_ident()
        while not is_done.wait(PERIOD_SECONDS):
            for thread, frame in sys._current_frames().items():
                if thread != own and (name := part_of(frame)):
                    self._counts[name] += 1


def part_of(frame: FrameType | None) -> str | None:
    """The part that the innermost of these frames belongs to."""
    while frame is not None:
        path = frame.f_code.co_filename.replace("\\", "/")
        for name, places in SHARES.items():
            if any(place in path for place in places):
                return name
        frame = frame.f_back
    return None
