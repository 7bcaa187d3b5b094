"""How long commands take to start: `python benchmarks/command_line.py [--rounds 5]`.

Each command runs through run.sh (on Windows run.bat) in the environment that is installed, in turn with `python -c pass`, so that both
see the same machine. Printed are medians in seconds and their ratio. A server runs beside them, which `--server` asks.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
RUN = [str(PROJECT / "run.bat")] if os.name == "nt" else ["/bin/sh", str(PROJECT / "run.sh")]
BASE = [sys.executable, "-I", "-c", "pass"]
HERE = (["--help"], ["--version"], ["say", "--help"], ["voices"], ["models"], ["say", "Good morning.", "-o", "speech.wav"])
OF_A_SERVER = (["voices"], ["models"], ["say", "--preview", "Good morning."], ["say", "Good morning.", "-o", "speech.wav"])


def seconds(command: Sequence[str], folder: str) -> float:
    """How long a command takes, which must succeed."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begin


def measure(command: Sequence[str], folder: str, rounds: int) -> tuple[float, float]:
    """The medians of a command and of `python -c pass`, which take turns."""
    pairs = [(seconds([*RUN, *command], folder), seconds(BASE, folder)) for _ in range(rounds)]
    own, base = zip(*pairs, strict=True)
    return statistics.median(own), statistics.median(base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tts_server", "serve", "--port", "0"]
        variables = {**os.environ, "PYTHONPATH": str(PROJECT), "OPEN_BROWSER": "false"}
        with subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            try:
                assert server.stdout is not None
                found = re.search(r"http://\S+", server.stdout.readline().decode())
                assert found, "the server did not start"
                print("| command | seconds | `python -c pass` | ratio |\n|---|---|---|---|")
                for arguments in (*HERE, *([*words, "--server", found[0]] for words in OF_A_SERVER)):
                    own, base = measure(arguments, folder, rounds)
                    shown = " ".join(arguments).replace(found[0], "URL")
                    print(f"| `{shown}` | {own:.2f} | {base:.3f} | {own / base:.0f} |", flush=True)
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
