"""How long a first start takes, by installer: `python benchmarks/install.py [--rounds 3] [--list requirements.txt]`.

Each way makes a new environment without any cache and installs a list of requirements into it; for the server's own list, it then speaks
one sentence to a file. The ways take turns. Printed are medians in seconds, with the ratio to the first way, and the size on disk.

The ways: pip with the ranges of the list (as before there were locks), pip with the lock, and pip bringing uv, which installs the lock
(what run.sh does). Everything is downloaded again each time, so the package index counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from tts_server.launcher.installer import uv_variables  # noqa: E402
from tts_server.launcher.locks import BASE, UV, lock_of  # noqa: E402

PIP = ("-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir")
LOCKED = ("--no-deps", "--require-hashes", "-r")


def steps(way: str, python: Path, requirements: str) -> list[list[str]]:
    """The commands of a way, each an argument list of the environment's interpreter."""
    if way == "pip, ranges":
        return [[*PIP, "-r", requirements]]
    if way == "pip, lock":
        return [[*PIP, *LOCKED, lock_of(requirements)]]
    uv = ["-I", "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
    return [[*PIP, *LOCKED, lock_of(UV)], [*uv, *LOCKED, lock_of(requirements)]]


WAYS = ("pip, ranges", "pip, lock", "uv, lock")


def measure(way: str, requirements: str) -> tuple[float, float, float]:
    """Seconds to install, seconds to speak afterwards (0 for other lists than the server's), MB on disk."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "environment")
        python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        variables = {**os.environ, "UV_CACHE_DIR": str(Path(folder, "cache")), "UV_SYSTEM_CERTS": "1"}
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        listed = subprocess.run([python, "-I", "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
        variables |= {**(uv_variables(listed) or {}), "UV_CONSTRAINT": "", "UV_INDEX_STRATEGY": "unsafe-best-match"}
        for step in steps(way, python, requirements):
            subprocess.run([str(python), *step], cwd=PROJECT, env=variables, check=True)
        installed = time.perf_counter()
        if requirements == BASE:
            command = [str(python), "-m", "tts_server", "say", "The first sentence.", "-o", str(Path(folder, "speech.wav"))]
            subprocess.run(command, cwd=PROJECT, env=variables, check=True, stderr=subprocess.DEVNULL)
        spoken = time.perf_counter()
        size = sum(file.stat().st_size for file in environment.rglob("*") if file.is_file() and not file.is_symlink())
        return installed - begin, spoken - installed if requirements == BASE else 0.0, size / 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--list", default=BASE, help="the list of requirements")
    options = parser.parse_args(arguments)
    measured: dict[str, list[tuple[float, float, float]]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            measured[way].append(measure(way, options.list))
    print(f"{options.list}, medians of {options.rounds} rounds\n")
    print("| way | install, s | then speech, s | together, to the first way | MB on disk |\n| --- | --- | --- | --- | --- |")
    first = statistics.median(install + speech for install, speech, _ in measured[WAYS[0]])
    for way, rounds in measured.items():
        install, speech, size = (statistics.median(column) for column in zip(*rounds, strict=True))
        together = statistics.median(install + speech for install, speech, _ in rounds)
        print(f"| {way} | {install:.1f} | {speech:.1f} | {together / first:.2f} | {size:.0f} |")


if __name__ == "__main__":
    main()
