"""The virtual environment that the server runs in: made, filled, checked, repaired.

Standard library only, since nothing is installed yet when it is used. Three small files of ours lie in the environment: a lock, a mark
that we made it (nothing without the mark is ever deleted), and a stamp with the requirements that were installed to the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PROJECT = Path(__file__).resolve().parent.parent

BASE = "requirements.txt"

LOCK = "parlance.lock"
MARK = "parlance.made"
STAMP = "parlance.json"

# Run by the environment's Python: names itself, if it is that environment's and finds its packages.
IDENTIFY = """
import os, sys
own = os.path.samefile(sys.prefix, sys.argv[1]) and any(p.startswith(sys.prefix) and p.endswith("site-packages") for p in sys.path)
print(sys.implementation.cache_tag if own else "")
"""

NO_NETWORK = re.compile(r"NewConnectionError|NameResolutionError|Failed to establish|failure in name resolution|getaddrinfo failed")
NO_ENSUREPIP = re.compile(r"ensurepip is not\s+available|No module named '?ensurepip")


class StartError(Exception):
    """Why the server cannot start, and what to do about it."""


class InstallError(StartError):
    """pip failed."""

    def __init__(self, message: str, is_offline: bool) -> None:
        super().__init__(message)
        self.is_offline = is_offline


def say(text: str) -> None:
    """A line for the person at the terminal. Standard output stays the server's."""
    print(text, file=sys.stderr, flush=True)


def clean_environment(**extra: str) -> dict[str, str]:
    """The caller's environment, without what would mix other packages into ours."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    environment.update(extra)
    return environment


def base_python() -> str:
    """The interpreter that environments are made from, also where this process runs in an environment itself."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    if os.name == "nt":
        return str(getattr(sys, "_base_executable", sys.executable))
    return os.path.realpath(sys.executable)


class Environment:
    """A virtual environment in `folder` with the requirements of `project`; made by `base`, a path of an interpreter."""

    def __init__(self, folder: Path, project: Path = PROJECT, base: str | None = None) -> None:
        self.folder = folder
        self.project = project
        self.base = base or base_python()
        self.python = folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"

    def ensure(self, *requirements: str) -> None:
        """Make and fill the environment unless that is done already. Raises StartError."""
        if not self.is_current(requirements):
            with self._locked():
                if not self.is_current(requirements):  # another start may have done it while we waited
                    self._prepare(requirements)

    def is_current(self, requirements: Sequence[str]) -> bool:
        """Was exactly this installed to the end, and does it still run?"""
        stamp = self._read_stamp()
        if any(stamp.get(name) != self._read_requirements(name) for name in requirements):
            return False
        return self._identify() == stamp.get("python")

    def repair(self) -> None:
        """Install again all that was installed, over what is there; from nothing if that fails. Raises StartError."""
        with self._locked():
            requirements = [name for name in self._read_stamp() if name != "python"] or [BASE]
            try:
                self._install(requirements, ["--force-reinstall"])
            except InstallError as error:
                if error.is_offline:
                    raise
                self._create()
                self._install(requirements)

    def _prepare(self, requirements: Sequence[str]) -> None:
        # Made by us but without a stamp: an install was cut off, and nobody knows what it left behind.
        is_cut_off = self._is_ours() and not self._read_stamp()
        if is_cut_off or not self._identify() or not self._has_pip():
            self._create()
        self._install(requirements)

    def _create(self) -> None:
        content = [entry for entry in self.folder.iterdir() if entry.name not in (LOCK, MARK)]
        if content and not self._is_ours():
            raise StartError(
                f"{self.folder} is no working environment, and Parlance did not make it, so it is left alone.\n"
                "Delete it, or let PARLANCE_VENV name another folder, then start again."
            )
        for entry in content:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        (self.folder / MARK).touch()
        say(f"Making an environment in {self.folder} ...")
        made = self._run([self.base, "-I", "-m", "venv", str(self.folder)])
        if made.returncode != 0 and NO_ENSUREPIP.search(made.stdout):
            raise StartError(
                "This Python cannot make environments: its venv package is not installed. On Debian and Ubuntu:\n"
                f"    sudo apt install {self._venv_package()}\nThen start again."
            )
        if made.returncode != 0:
            raise StartError(f"{made.stdout}\nPython could not make an environment in {self.folder}; the reason is above.")

    def _install(self, requirements: Sequence[str], options: Sequence[str] = ()) -> None:
        contents = {name: self._read_requirements(name) for name in requirements}
        before = self._read_stamp()
        (self.folder / STAMP).unlink(missing_ok=True)
        say(f"Installing {' and '.join(requirements)} (takes a minute or more; later starts skip it) ...")
        command = [str(self.python), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *options]
        for name in requirements:
            command += ["-r", name]
        code, output = self._run_pip(command)
        if code != 0:
            if before:
                self._write_stamp(before)  # pip stopped by itself: what was there is still there
            is_offline = NO_NETWORK.search(output) is not None
            hint = "The network cannot be reached: connect it" if is_offline else "The reason is in pip's words above: mend it"
            raise InstallError(f"{output}\nInstalling failed. {hint}, then start again.", is_offline)
        self._write_stamp({"python": self._identify(), **contents})
        say("Installed.")

    def _run_pip(self, command: Sequence[str]) -> tuple[int, str]:
        """Run pip; a terminal sees what it is busy with, on one line. Returns its exit status and all it said."""
        is_terminal = sys.stderr.isatty()
        width = shutil.get_terminal_size().columns - 1
        lines: list[str] = []
        # PIP_USER would install beside the environment.
        with subprocess.Popen(
            command,
            cwd=self.project,
            env=clean_environment(PIP_USER="0"),
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

    def _identify(self) -> str:
        """What the environment's Python is, such as `cpython-312`; empty where it is missing or broken."""
        if not self.python.exists():
            return ""
        try:
            return self._run([str(self.python), "-I", "-c", IDENTIFY, str(self.folder)], subprocess.DEVNULL).stdout.strip()
        except OSError:
            return ""

    def _has_pip(self) -> bool:
        return self._run([str(self.python), "-I", "-m", "pip", "--version"]).returncode == 0

    def _is_ours(self) -> bool:
        return (self.folder / MARK).exists()

    def _venv_package(self) -> str:
        version = self._run([self.base, "-I", "-c", "import sys; print('python%d.%d-venv' % sys.version_info[:2])"]).stdout.strip()
        return version or "python3-venv"

    def _run(self, command: Sequence[str], stderr: int = subprocess.STDOUT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
        )

    def _read_requirements(self, name: str) -> str:
        return (self.project / name).read_text(encoding="utf-8")

    def _read_stamp(self) -> dict[str, str]:
        try:
            stamp = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def _write_stamp(self, stamp: Mapping[str, str]) -> None:
        unfinished = self.folder / f"{STAMP}.new"
        unfinished.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
        unfinished.replace(self.folder / STAMP)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold off other starts. The system frees the lock when a process ends, however it ends."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            is_new = not any(self.folder.iterdir())
            lock = (self.folder / LOCK).open("a+b")
        except OSError as error:
            raise StartError(
                f"{self.folder} cannot be written ({error.strerror}).\nLet PARLANCE_VENV name a folder that can, then start again."
            ) from error
        with lock:
            wait_for(lock.fileno())
            if is_new:
                (self.folder / MARK).touch()
            yield


if sys.platform == "win32":

    def wait_for(descriptor: int) -> None:
        """Lock an open file, waiting for whoever holds it."""
        is_waiting = False
        while True:
            try:
                os.lseek(descriptor, 0, os.SEEK_SET)
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                return
            except OSError:
                if not is_waiting:
                    say("Another start is installing; waiting for it ...")
                is_waiting = True
                time.sleep(0.2)

else:

    def wait_for(descriptor: int) -> None:
        """Lock an open file, waiting for whoever holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is installing; waiting for it ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
