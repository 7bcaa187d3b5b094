"""Runs programs for the launcher, and prints its messages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def say(text: str) -> None:
    """Print a message to standard error; standard output is the server's."""
    print(text, file=sys.stderr, flush=True)


def clean_environment(**extra: str) -> dict[str, str]:
    """The caller's environment, without variables that would add other packages to the server's."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    environment.update(extra)
    return environment


def run(command: Sequence[str], stderr: int = subprocess.STDOUT) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its output is in the result, together with standard error unless `stderr` is given."""
    return subprocess.run(
        command,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        encoding="utf-8",
        errors="replace",
    )


def run_with_progress(command: Sequence[str], cwd: Path, **variables: str) -> tuple[int, str]:
    """Run a program and return its exit status and all its output. A terminal shows its latest line meanwhile."""
    is_terminal = sys.stderr.isatty()
    width = shutil.get_terminal_size().columns - 1
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=clean_environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        for line in process.stdout:
            lines.append(line)
            if is_terminal and line.strip():
                print("\r" + line.strip()[:width].ljust(width), end="", file=sys.stderr, flush=True)
    if is_terminal:
        print("\r" + " " * width, end="\r", file=sys.stderr, flush=True)
    return process.returncode, "".join(lines)


def call(command: Sequence[str], variables: Mapping[str, str], cwd: Path | None = None) -> int:
    """Run a program to its end and return its exit status. Ctrl-C reaches the program directly, so it is ignored here."""
    with subprocess.Popen(command, env=variables, cwd=cwd) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue
