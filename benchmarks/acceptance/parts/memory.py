"""Memory of the process, or of the GPU: loaded, speaking one text, speaking many, and unloaded."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.acceptance.parts.speed import speak_together
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.subject import free_memory
from benchmarks.texts import Writer

import torch  # isort: skip

GB = 1e9
PERIOD_SECONDS = 0.05
WORDS = 40


def measure(session: Session) -> None:
    """The figures are above what is in use before the model is loaded."""
    subject = session.subject
    subject.unload()
    meter = Meter(subject.device)
    if not meter.is_available():
        session.skip_all("the system does not tell this process's memory")
        return
    writer = Writer(5)
    before = meter.now()
    with meter.watching():
        engine = subject.engine
    peaks = {"loading": meter.peak - before, "loaded": meter.now() - before}
    for name, streams in (("one stream", 1), ("many streams", min(max(session.scale.streams), engine.num_parallel))):
        with meter.watching():
            speak_together(session, [writer.words(min(WORDS, session.scale.prose_words)) for _ in range(streams)])
        peaks[name] = meter.peak - before
    del engine
    subject.unload()
    peaks["unloaded"] = meter.now() - before
    session.note("GB above what was in use before", {name: value / GB for name, value in peaks.items()})
    expected = subject.expected_bytes
    session.note("GB expected at most", expected / GB)
    session.judge("many", max(peaks.values()) / expected, f"{max(peaks.values()) / GB:.2f} GB")
    session.judge("unloaded", peaks["unloaded"] / GB)


class Meter:
    """The memory in use, in bytes: reserved by PyTorch on a GPU, else the resident size of this process (on Linux)."""

    def __init__(self, device: str) -> None:
        self.peak = 0
        self._device = device
        self._is_gpu = device.startswith("cuda")

    def is_available(self) -> bool:
        """Whether memory can be measured here."""
        return self._is_gpu or sys.platform == "linux"

    def now(self) -> int:
        """Bytes in use, after what is free was given back."""
        free_memory(self._device)
        return self._read()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep the largest figure inside of the context as `peak`."""
        self.peak = self._read()
        if self._is_gpu:
            torch.cuda.reset_peak_memory_stats(self._device)
            yield
            self.peak = torch.cuda.max_memory_reserved(self._device)
            return
        is_done = threading.Event()

        def watch() -> None:
            while not is_done.wait(PERIOD_SECONDS):
                self.peak = max(self.peak, self._read())

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_done.set()
            thread.join()
            self.peak = max(self.peak, self._read())

    def _read(self) -> int:
        if self._is_gpu:
            return int(torch.cuda.memory_reserved(self._device))
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
