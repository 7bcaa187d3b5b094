"""The machine that a benchmark runs on, in words."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from pathlib import Path

from tts_server.doctor import memory_bytes


def describe_machine() -> str:
    """Cores, processor, memory, system, Python, and the load average, by which one sees whether other programs were running."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        processor = names[0] if names else processor
    memory = memory_bytes()
    words = [f"{os.cpu_count() or 1} cores ({processor})", *([f"{memory / 2**30:.0f} GiB"] if memory else []), platform.system()]
    words.append(f"Python {platform.python_version()}")
    load = f"; load average at the start {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return ", ".join(words) + load
