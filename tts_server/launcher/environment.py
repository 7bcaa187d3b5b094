"""Creates, fills, checks and repairs the virtual environment that the server runs in.

Standard library only, since nothing is installed yet when it is used. Three small files of ours lie in the environment: a lock, a mark
that we made it (nothing without the mark is ever deleted), and a stamp that says which lists of requirements were installed to the end.

Lists are named by their files. Each has a lock (`locks.py`) with the exact files to install. Where the lock does not hold, the newest
versions within the list's ranges are installed. PyTorch is installed separately: its builds for one GPU or the CPU alone are in indexes
of its own, which uv supports by name; where those cannot be reached, its usual build is installed. A list whose name ends with `-bare.txt`
is installed without the dependencies of its packages.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tts_server.accelerator import LAST_TORCH, REGISTRY, TESTED_TORCH, torch_pins
from tts_server.launcher.errors import InstallError, StartError
from tts_server.launcher.installer import BROKEN_OFF, INSTALL_LOG, NO_INDEX, WRONG_HASH, Installer
from tts_server.launcher.locks import BASE, OLDEST_PYTHON, TORCH, Platform, is_bare, lock_of, uncovered_reason
from tts_server.launcher.process import run, say

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PROJECT = Path(__file__).resolve().parent.parent.parent

LOCK = "parlance.lock"
MARK = "parlance.made"
STAMP = "parlance.json"
LOG = INSTALL_LOG

NOT_WORKING = "is no working environment"

# Run by the environment's Python: names itself, if it is that environment's and finds its packages.
IDENTIFY = """
import os, sys
own = os.path.samefile(sys.prefix, sys.argv[1]) and any(p.startswith(sys.prefix) and p.endswith("site-packages") for p in sys.path)
print(sys.implementation.cache_tag if own else "")
"""

PYTHON_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"

# Run by the environment's Python: the build of torch that is installed, by the end of its version (2.13.0+cu128), if it has one.
TORCH_BUILD = """
import importlib.metadata
print(next((d.version.partition("+")[2] or "registry" for d in importlib.metadata.distributions(name="torch")), ""))
"""

NO_ENSUREPIP = re.compile(r"ensurepip is not\s+available|No module named '?ensurepip")
NO_VERSION = re.compile(r"No solution found|No matching distribution found")


def base_python() -> str:
    """The interpreter that creates environments, also where this process runs in an environment itself."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    if os.name == "nt":
        return str(getattr(sys, "_base_executable", sys.executable))
    return os.path.realpath(sys.executable)


class Environment:
    """A virtual environment in `folder` with lists of requirements of `project`, created by `base`, a path of an interpreter.

    With `is_newest`, locks are ignored: each `ensure` recreates the environment with the newest versions within the ranges.
    """

    def __init__(self, folder: Path, project: Path = PROJECT, base: str | None = None, *, is_newest: bool = False) -> None:
        self.folder = folder
        self.project = project
        self.base = base or base_python()
        self.is_newest = is_newest
        self.python = folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"
        self.installer = Installer(self.python, project, folder / LOG)
        self._platform = Platform.current()

    def ensure(self, *requirements: str, backend: str = "") -> None:
        """Create and fill the environment unless that is done already. Raises StartError.

        `backend` is the build of PyTorch that TORCH means (`accelerator.Build.backend`); without it the one that is there, or REGISTRY.
        """
        if not self.is_current(requirements, backend):
            with self._held():
                if not self.is_current(requirements, backend):  # another start may have done it while we waited
                    self._prepare(requirements, backend)

    def is_current(self, requirements: Sequence[str], backend: str = "") -> bool:
        """Whether exactly these requirements are completely installed, and the environment still works."""
        stamp = self._read_stamp()
        if self.is_newest or any(stamp.get(name) != self._fingerprint(name) for name in requirements):
            return False
        if backend and stamp.get("torch") != backend:
            return False
        return self._identify() == stamp.get("python")

    def installed(self) -> list[str]:
        """The requirements that are completely installed, perhaps in an earlier version of their files."""
        return [name for name in self._read_stamp() if name not in ("python", "torch")]

    def repair(self) -> None:
        """Install all requirements again, over the present packages; in a new environment if that fails. Raises StartError."""
        with self._held():
            requirements, backend = self.installed() or [BASE], self._read_stamp().get("torch", "")
            try:
                self._install(requirements, backend, is_forced=True)
            except InstallError as error:
                if error.is_external:
                    raise
                self._create()
                self._install(requirements, backend)

    def _prepare(self, requirements: Sequence[str], backend: str) -> None:
        # Created by the launcher but without a stamp: an installation was interrupted, and its state is unknown.
        stamp = self._read_stamp()
        is_cut_off = self._is_ours() and not stamp
        fault = self._fault()
        if self.is_newest or is_cut_off or fault:
            self._create(fault)
        self._install(requirements, backend or stamp.get("torch", ""))

    def _fault(self) -> str:
        """Why the environment cannot be used, as the rest of a sentence about it; empty where it can."""
        if not self.python.exists():
            return NOT_WORKING
        version = re.fullmatch(r"(\d+)\.(\d+)", self._ask(PYTHON_VERSION))
        if version and (int(version[1]), int(version[2])) < OLDEST_PYTHON:
            return f"was made by Python {version[0]}, and Parlance needs {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer"
        return "" if self._identify() and self._has_pip() else NOT_WORKING

    def _create(self, fault: str = "") -> None:
        content = [entry for entry in self.folder.iterdir() if entry.name not in (LOCK, MARK, LOG)]
        if content and not self._is_ours():
            raise StartError(
                f"{self.folder} {fault or NOT_WORKING}. Parlance did not create it, so it is not changed.\n"
                "Delete it, or set PARLANCE_VENV to another folder, then start again."
            )
        if content and fault:
            say(f"{self.folder} {fault}. It is created again.")
        for entry in content:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        (self.folder / MARK).touch()
        say(f"Creating an environment in {self.folder} ...")
        made = run([self.base, "-I", "-m", "venv", str(self.folder)])
        if made.returncode != 0 and NO_ENSUREPIP.search(made.stdout):
            raise StartError(
                "This Python cannot create environments: its venv package is not installed. On Debian and Ubuntu:\n"
                f"    sudo apt install {self._venv_package()}\nThen start again."
            )
        if made.returncode != 0:
            raise StartError(f"{made.stdout}\nPython could not create an environment in {self.folder}; the reason is above.")

    def _install(self, requirements: Sequence[str], backend: str, *, is_forced: bool = False) -> None:
        fingerprints = {name: self._fingerprint(name) for name in requirements}
        before = self._read_stamp()
        (self.folder / STAMP).unlink(missing_ok=True)
        say(f"Installing {', '.join(requirements)} (takes a minute or more; later starts skip it) ...")
        locked = [name for name in requirements if self.is_locked(name)]
        ranged = [name for name in requirements if name not in locked and name != TORCH]
        if ranged and not self.is_newest:
            say(f"The tested versions of {', '.join(ranged)} cannot be used: {self.unlocked_reason(ranged[0])}.")
            say("The newest versions within the ranges of those lists are installed instead.")
        try:
            self._install_files(map(lock_of, locked), "--no-deps", "--require-hashes", is_forced=is_forced)
            if TORCH in requirements:
                self._install_torch(backend, is_pinned=TORCH in locked, is_forced=is_forced)
            self._install_files([name for name in ranged if not is_bare(name)], is_forced=is_forced)
            self._install_files([name for name in ranged if is_bare(name)], "--no-deps", is_forced=is_forced)
        except InstallError:
            if before:
                self._write_stamp(before)  # the installer stopped by itself: what was there is still there
            raise
        torch = {"torch": self._ask(TORCH_BUILD)} if TORCH in (*before, *requirements) else {}
        self._write_stamp({**before, "python": self._identify(), **torch, **fingerprints})
        say("Installed.")

    def is_locked(self, requirements: str) -> bool:
        """Whether a list is installed from its lock."""
        return not self.unlocked_reason(requirements)

    def unlocked_reason(self, requirements: str) -> str:
        """Why a list is not installed from its lock, as a clause; empty where it is."""
        if self.is_newest:
            return "the newest versions were asked for"
        if not (self.project / lock_of(requirements)).exists():
            return f"there is no {lock_of(requirements)}"
        return uncovered_reason(requirements, self._platform)

    def _install_files(self, files: Iterable[str], *options: str, is_forced: bool) -> None:
        if arguments := [part for name in files for part in ("-r", name)]:
            self.installer.install(*options, *arguments, is_forced=is_forced)

    def _install_torch(self, backend: str, *, is_pinned: bool, is_forced: bool) -> None:
        wanted = [f"{name}=={version}" for name, version in torch_pins(backend).items()] if is_pinned else ["-r", TORCH]
        is_other = is_forced or self._ask(TORCH_BUILD) != backend
        if backend not in ("", REGISTRY) and self.installer.has_uv():
            command = ["pip", "install", "--python", str(self.python), "--torch-backend", backend]
            if is_other:  # another build of the same version is good enough for uv, as for pip
                command += ["--reinstall-package", "torch", "--reinstall-package", "torchaudio"]
            code, output = self.installer.run_uv(*command, *wanted)
            if code != 0 and is_pinned and NO_VERSION.search(output) and not NO_INDEX.search(output):
                say(f"PyTorch {torch_pins(backend)['torch']} has no build {backend}; the newest version that has one is installed.")
                code, output = self.installer.run_uv(*command, "-r", TORCH)
            if code == 0 or BROKEN_OFF.search(output) or WRONG_HASH.search(output) or not NO_INDEX.search(output):
                self.installer.check(code, output)
                return
            say(
                "PyTorch's own index cannot be reached, so its usual build is installed from pip's index. "
                "On Linux that can be one for NVIDIA's GPUs with several GB to download."
            )
        # pip prefers a build on this machine to the usual one of the same version; uv does not.
        self.installer.install_by_pip(*(["--no-deps"] if is_forced else []), *wanted, is_forced=is_forced)

    def _identify(self) -> str:
        """The kind of the environment's Python, such as `cpython-312`; empty where it is missing or broken."""
        return self._ask(IDENTIFY, str(self.folder))

    def _ask(self, code: str, *arguments: str) -> str:
        """The output of a script that the environment's Python runs; empty where it is missing or broken."""
        if not self.python.exists():
            return ""
        try:
            return run([str(self.python), "-I", "-c", code, *arguments], subprocess.DEVNULL).stdout.strip()
        except OSError:
            return ""

    def _has_pip(self) -> bool:
        return run([str(self.python), "-I", "-m", "pip", "--version"]).returncode == 0

    def _is_ours(self) -> bool:
        return (self.folder / MARK).exists()

    def _venv_package(self) -> str:
        version = run([self.base, "-I", "-c", "import sys; print('python%d.%d-venv' % sys.version_info[:2])"]).stdout.strip()
        return version or "python3-venv"

    def _fingerprint(self, name: str) -> str:
        """A text that changes whenever a list has to be installed again."""
        parts = [(self.project / name).read_bytes()]
        if self.is_locked(name):
            parts.append((self.project / lock_of(name)).read_bytes())
            if name == TORCH:
                parts.append(repr((TESTED_TORCH, LAST_TORCH)).encode())
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

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
    def _held(self) -> Iterator[None]:
        """Exclude other starts during the block. The system frees the lock when the process ends, also when it is killed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            is_new = not any(self.folder.iterdir())
            lock = (self.folder / LOCK).open("a+b")
        except OSError as error:
            raise StartError(
                f"{self.folder} cannot be written ({error.strerror}).\nSet PARLANCE_VENV to a folder that can, then start again."
            ) from error
        with lock:
            wait_for(lock.fileno())
            if is_new:
                (self.folder / MARK).touch()
            yield


if sys.platform == "win32":

    def wait_for(descriptor: int) -> None:
        """Lock an open file, waiting while another process holds the lock."""
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
        """Lock an open file, waiting while another process holds the lock."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is installing; waiting for it ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
