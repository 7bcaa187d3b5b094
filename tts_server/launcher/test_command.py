"""`run.sh test`: the linters, the type checker, the import contracts and the tests, as CI runs them. Standard library only."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tts_server.accelerator import Machine, choose
from tts_server.launcher.environment import PROJECT, Environment
from tts_server.launcher.locks import BASE, ENGINES, S3, TEST, TORCH
from tts_server.launcher.process import call, clean_environment, say

STAGES = (
    ("ruff check .", ["-m", "ruff", "check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("lint-imports", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
    ("pytest", ["-m", "pytest", "--durations=10"]),
)

FAST_STAGES = ("ruff check .", "lint-imports", "pytest")
FAST_TESTS = (
    *(f"tests/{folder}" for folder in ("audio", "cache", "dictionaries", "settings", "text")),
    "-m",
    "not browser and not speech",
)
"""pytest's arguments for the fast tier: folders of unit tests, which need neither a browser nor Chatterbox nor an installation."""

SYSTEM_PACKAGES = {
    "chromium-headless-shell": ("chromium-headless-shell",),
    "chromium": ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
    "wine": ("wine",),
    "strace": ("strace",),
    "nginx": ("nginx",),
    "caddy": ("caddy",),
}
"""Debian's packages that some tests use, and the programs that show that one is installed. Ubuntu has no headless shell."""


def can_use_apt() -> bool:
    """Whether this is Debian or Ubuntu and the user is root."""
    return sys.platform == "linux" and os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install_system_packages() -> None:
    """Install the programs that some tests use, where that is possible; elsewhere print which are missing."""
    missing = [package for package, programs in SYSTEM_PACKAGES.items() if not any(map(shutil.which, programs))]
    if not missing:
        return
    if not can_use_apt():
        say(f"Not installed: {', '.join(missing)}. The tests that need them are skipped.")
        return
    variables = clean_environment(DEBIAN_FRONTEND="noninteractive")
    call(["apt-get", "update", "-qq"], variables)
    for package in missing:
        if any(map(shutil.which, SYSTEM_PACKAGES[package])):
            continue  # another package has brought it
        say(f"Installing {package} with apt ...")
        code = call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], variables)
        if code != 0:
            say(f"apt could not install {package} (exit status {code}; its reason is above).")


def run_tests(environment: Environment, arguments: Sequence[str], *, is_fast: bool = False) -> int:
    """Lint, types, import contracts and tests, as CI runs them; `arguments` go to pytest, which then runs in one process.

    With `is_fast` only FAST_STAGES run, with FAST_TESTS. Returns the exit status of the first failure.
    """
    environment.ensure(BASE, S3, TEST, *ENGINES, backend=torch_build(environment))
    if not is_fast:
        install_system_packages()
    variables = clean_environment()
    # The tests start a hundred processes. Without compiled files each of them compiles all packages, which doubles the time of imports.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    if not arguments:
        variables.setdefault("OMP_NUM_THREADS", "1")  # processes beside each other share the cores
    if os.environ.get("CI") == "true":
        variables.setdefault("CONFORMANCE", "1")  # client packages that are large to install
        variables.setdefault("AUDIT", "1")  # known vulnerabilities, where the network is available
    if os.environ.get("CI") == "true" and can_use_apt():
        variables["PARLANCE_REQUIRE_TOOLS"] = "1"  # a missing browser or wine fails the tests instead of skipping them
    stages = [(name, command) for name, command in STAGES if not is_fast or name in FAST_STAGES]
    for number, (name, command) in enumerate(stages, 1):
        say(f"== {number}/{len(stages)} {name}")
        extra = [] if name != "pytest" else [*(FAST_TESTS if is_fast else ()), *(arguments or side_by_side())]
        code = call([str(environment.python), *command, *extra], variables, PROJECT)
        if code != 0:
            say(f"== {name} failed (exit status {code})")
            return code
    say("== all passed")
    return 0


def torch_build(environment: Environment) -> str:
    """The build of PyTorch for the tests: the one that is there (empty), else the smallest one."""
    if TORCH in environment.installed():
        return ""
    return os.environ.get("PARLANCE_TORCH") or choose(Machine(platform.system(), platform.machine())).backend


def side_by_side() -> list[str]:
    """pytest's options to run files of tests beside each other: at most four, since each process loads its own speech models."""
    cores = os.cpu_count() or 1
    # One more than there are cores: many tests wait for a browser, a deadline or another process.
    processes = min(4, cores + 1) if cores > 1 else 1
    # In their order: otherwise the files with few tests, which are the longest, come last and wait for each other.
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"] if processes > 1 else []
