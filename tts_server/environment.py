"""The virtual environment that the server runs in: made, filled, checked, repaired.

Standard library only, since nothing is installed yet when it is used. Three small files of ours lie in the environment: a lock, a mark
that we made it (nothing without the mark is ever deleted), and a stamp with the requirements that were installed to the end.

Requirements are named by their files, and pip brings them, with two exceptions. PyTorch's builds for one GPU or the CPU alone lie in
indexes of PyTorch's own, which uv knows by name; where those cannot be reached, pip's own source has to do. And what stands in a
file that ends in BARE is installed without its dependencies.
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

from tts_server.accelerator import REGISTRY

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PROJECT = Path(__file__).resolve().parent.parent

BASE = "requirements.txt"
TORCH = "requirements-torch.txt"
BARE = "-bare.txt"

UV = "uv>=0.13,<1"

LOCK = "parlance.lock"
MARK = "parlance.made"
STAMP = "parlance.json"

# Run by the environment's Python: names itself, if it is that environment's and finds its packages.
IDENTIFY = """
import os, sys
own = os.path.samefile(sys.prefix, sys.argv[1]) and any(p.startswith(sys.prefix) and p.endswith("site-packages") for p in sys.path)
print(sys.implementation.cache_tag if own else "")
"""

# Run by the environment's Python: the build of torch that is installed, by the end of its version (2.13.0+cu128), if it has one.
TORCH_BUILD = """
import importlib.metadata
print(next((d.version.partition("+")[2] or "registry" for d in importlib.metadata.distributions(name="torch")), ""))
"""

NO_NETWORK = re.compile(r"NewConnectionError|NameResolutionError|Failed to establish|failure in name resolution|getaddrinfo failed")
NO_SPACE = re.compile(r"No space left on device|os error (28|112)\b|WinError 112|not enough space on the disk")
# uv's words for a file that it began to download, and for an index that does not answer.
BROKEN_OFF = re.compile(r"Failed to (download|extract)|error decoding response body")
NO_INDEX = re.compile(r"Failed to fetch|error sending request|[Cc]onnection (refused|reset)|operation timed out")
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

    def ensure(self, *requirements: str, backend: str = "") -> None:
        """Make and fill the environment unless that is done already. Raises StartError.

        `backend` is the build of PyTorch that TORCH means (`accelerator.Build.backend`); without it the one that is there, or REGISTRY.
        """
        if not self.is_current(requirements, backend):
            with self._locked():
                if not self.is_current(requirements, backend):  # another start may have done it while we waited
                    self._prepare(requirements, backend)

    def is_current(self, requirements: Sequence[str], backend: str = "") -> bool:
        """Was exactly this installed to the end, and does it still run?"""
        stamp = self._read_stamp()
        if any(stamp.get(name) != self._read_requirements(name) for name in requirements):
            return False
        if backend and stamp.get("torch") != backend:
            return False
        return self._identify() == stamp.get("python")

    def installed(self) -> list[str]:
        """The requirements that were installed to the end, perhaps in an earlier version of their files."""
        return [name for name in self._read_stamp() if name not in ("python", "torch")]

    def repair(self) -> None:
        """Install again all that was installed, over what is there; from nothing if that fails. Raises StartError."""
        with self._locked():
            requirements, backend = self.installed() or [BASE], self._read_stamp().get("torch", "")
            try:
                self._install(requirements, backend, is_forced=True)
            except InstallError as error:
                if error.is_offline:
                    raise
                self._create()
                self._install(requirements, backend)

    def _prepare(self, requirements: Sequence[str], backend: str) -> None:
        # Made by us but without a stamp: an install was cut off, and nobody knows what it left behind.
        stamp = self._read_stamp()
        is_cut_off = self._is_ours() and not stamp
        if is_cut_off or not self._identify() or not self._has_pip():
            self._create()
        self._install(requirements, backend or stamp.get("torch", ""))

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

    def _install(self, requirements: Sequence[str], backend: str, *, is_forced: bool = False) -> None:
        contents = {name: self._read_requirements(name) for name in requirements}
        before = self._read_stamp()
        (self.folder / STAMP).unlink(missing_ok=True)
        say(f"Installing {', '.join(requirements)} (takes a minute or more; later starts skip it) ...")
        bare = [name for name in requirements if name.endswith(BARE)]
        is_for_uv = TORCH in requirements and backend not in ("", REGISTRY)
        usual = [name for name in requirements if name not in bare and not (is_for_uv and name == TORCH)]
        options = ["--force-reinstall"] if is_forced else []
        try:
            self._install_by_pip(usual, options)
            if is_for_uv:
                self._install_torch(backend, is_forced)
            self._install_by_pip(bare, ["--no-deps", *options])
        except InstallError:
            if before:
                self._write_stamp(before)  # the installer stopped by itself: what was there is still there
            raise
        torch = {"torch": self._ask(TORCH_BUILD)} if TORCH in (*before, *requirements) else {}
        self._write_stamp({**before, "python": self._identify(), **torch, **contents})
        say("Installed.")

    def _install_by_pip(self, requirements: Sequence[str], options: Sequence[str]) -> None:
        if requirements:
            files = [part for name in requirements for part in ("-r", name)]
            self._check(*self._show("pip", "install", "--no-input", "--disable-pip-version-check", *options, *files))

    def _install_torch(self, backend: str, is_forced: bool) -> None:
        self._check(*self._show("pip", "install", "--no-input", "--disable-pip-version-check", UV))
        command = ["uv", "pip", "install", "--python", str(self.python), "--system-certs", "--torch-backend", backend, "-r", TORCH]
        if is_forced or self._ask(TORCH_BUILD) != backend:
            # Another build of the same version is good enough for uv, as for pip.
            command += ["--reinstall-package", "torch", "--reinstall-package", "torchaudio"]
        code, output = self._show(*command)
        if code != 0 and NO_INDEX.search(output) and not BROKEN_OFF.search(output):
            say(
                "PyTorch's own index cannot be reached, so its usual build is taken from where pip looks. "
                "On Linux that can be one for NVIDIA's GPUs with several GB to download."
            )
            self._install_by_pip([TORCH], ["--force-reinstall", "--no-deps"] if is_forced else [])
        else:
            self._check(code, output)

    def _check(self, code: int, output: str) -> None:
        """Raises InstallError with what to do, if an installer that said `output` failed."""
        if code == 0:
            return
        is_offline = NO_NETWORK.search(output) is not None
        if NO_SPACE.search(output):
            hint = "The disk is full: free some space, or let PARLANCE_VENV name a folder on another disk"
        elif is_offline:
            hint = "The network cannot be reached: connect it"
        elif BROKEN_OFF.search(output):
            hint = "The download broke off. Files that came whole are kept and not downloaded again"
        else:
            hint = "The reason is in the installer's words above: mend it"
        raise InstallError(f"{output}\nInstalling failed. {hint}, then start again.", is_offline)

    def _show(self, module: str, *arguments: str) -> tuple[int, str]:
        """Run pip or uv; a terminal sees what it is busy with, on one line. Returns its exit status and all it said."""
        is_terminal = sys.stderr.isatty()
        width = shutil.get_terminal_size().columns - 1
        lines: list[str] = []
        # PIP_USER would install beside the environment.
        with subprocess.Popen(
            [str(self.python), "-I", "-m", module, *arguments],
            cwd=self.project,
            env=clean_environment(PIP_USER="0", UV_PYTHON_DOWNLOADS="never"),
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
        return self._ask(IDENTIFY, str(self.folder))

    def _ask(self, code: str, *arguments: str) -> str:
        """What a few lines print that the environment's Python runs; empty where it is missing or broken."""
        if not self.python.exists():
            return ""
        try:
            return self._run([str(self.python), "-I", "-c", code, *arguments], subprocess.DEVNULL).stdout.strip()
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
