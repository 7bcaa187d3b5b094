"""Prepares the environment that the server runs in, and starts the server there.

Standard library only, since nothing is installed yet when it runs. The environment is a virtual environment, `.venv` beside
the code or wherever PARLANCE_VENV points. Three small files of ours lie in it: a lock, a mark that we made it (nothing
without the mark is ever deleted), and a stamp with the requirements that were installed to the end.
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
from typing import NoReturn

if sys.version_info < (3, 10):
    sys.exit("Parlance needs Python 3.10 or newer, this is %d.%d. See https://www.python.org/downloads/" % sys.version_info[:2])

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PROJECT = Path(__file__).resolve().parent.parent

BASE = "requirements.txt"
TEST = "requirements-test.txt"
CHATTERBOX = "requirements-chatterbox.txt"

LOCK = "parlance.lock"
MARK = "parlance.made"
STAMP = "parlance.json"

DAMAGED = 97
"""Exit status by which the server asks the launcher that waits for it (on Windows) to repair the environment."""

LAUNCHED = "PARLANCE_LAUNCHED"
"""In the server's environment: `1`, or `repaired` after a repair, so that a repair is tried once."""

# Run by the environment's Python: names itself, if it is that environment's and finds its packages.
IDENTIFY = """
import os, sys
own = os.path.samefile(sys.prefix, sys.argv[1]) and any(p.startswith(sys.prefix) and p.endswith("site-packages") for p in sys.path)
print(sys.implementation.cache_tag if own else "")
"""

# As `-m tts_server`, but with the project in place of the caller's folder, where any file could take a module's name.
RUN = (
    "import sys; sys.path[:] = [sys.argv.pop(1), *filter(None, sys.path)]; "
    "import runpy; runpy.run_module('tts_server', run_name='__main__', alter_sys=True)"
)

STAGES = (
    ("ruff check .", ["-m", "ruff", "check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("lint-imports", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
    ("pytest", ["-m", "pytest"]),
)

SYSTEM_PACKAGES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "wine": ("wine",),
    "strace": ("strace",),
}
"""Debian's packages that some tests drive, and the programs that show one is there."""

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


def default_environment() -> Environment:
    """The environment of this copy of Parlance."""
    return Environment(Path.cwd() / (os.environ.get("PARLANCE_VENV") or PROJECT / ".venv"))


def start(environment: Environment, arguments: Sequence[str], launched: str = "1") -> NoReturn:
    """Become `python -m tts_server`, in the caller's folder."""
    command = [str(environment.python), "-c", RUN, str(PROJECT), *arguments]
    variables = clean_environment(**{LAUNCHED: launched})
    if sys.platform == "win32":  # exec would give the terminal back while the server runs
        code = call(command, variables)
        if code == DAMAGED and launched == "1":
            environment.repair()
            start(environment, arguments, "repaired")
        sys.exit(code)
    os.execve(command[0], command, variables)  # noqa: S606


def repair_and_restart(arguments: Sequence[str]) -> NoReturn:
    """For the `except` clause of `__main__`, when a package does not load: repair the environment and start again with these arguments.

    Raises that exception again where a repair cannot help: one was tried already, or it was not the launcher that started the server.
    """
    if os.environ.get(LAUNCHED) != "1":
        raise  # noqa: PLE0704 - the exception that the caller is handling
    if os.name == "nt":  # files in use cannot be replaced there: the waiting launcher does it
        sys.exit(DAMAGED)
    environment = default_environment()
    try:
        environment.repair()
    except (StartError, OSError) as error:
        say(str(error))
        sys.exit(1)
    start(environment, arguments, "repaired")


def call(command: Sequence[str], variables: Mapping[str, str], cwd: Path | None = None) -> int:
    """Run a program to its end and return its exit status. Ctrl-C reaches the program by itself, so it is not ours to act on."""
    with subprocess.Popen(command, env=variables, cwd=cwd) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def can_use_apt() -> bool:
    """Is this Debian or Ubuntu, and are we root?"""
    return sys.platform == "linux" and os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install_system_packages() -> None:
    """Bring the programs that some tests drive, where we may; elsewhere say what will be skipped."""
    missing = [package for package, programs in SYSTEM_PACKAGES.items() if not any(map(shutil.which, programs))]
    if not missing:
        return
    if not can_use_apt():
        say(f"Not installed: {', '.join(missing)}. The tests that need them are skipped.")
        return
    variables = clean_environment(DEBIAN_FRONTEND="noninteractive")
    call(["apt-get", "update", "-qq"], variables)
    for package in missing:
        say(f"Installing {package} with apt ...")
        code = call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], variables)
        if code != 0:
            say(f"apt could not install {package} (exit status {code}; its reason is above).")


def run_tests(environment: Environment, arguments: Sequence[str]) -> int:
    """Lint, types, import contracts and tests, as CI runs them; `arguments` go to pytest. Returns the exit status of the first failure."""
    environment.ensure(BASE, TEST)
    install_system_packages()
    variables = clean_environment()
    if os.environ.get("CI") == "true" and can_use_apt():
        variables["PARLANCE_REQUIRE_TOOLS"] = "1"  # a missing browser or wine fails the tests instead of skipping them
    for name, command in STAGES:
        say(f"== {name}")
        extra = arguments if name == "pytest" else ()
        code = call([str(environment.python), *command, *extra], variables, PROJECT)
        if code != 0:
            say(f"== {name} failed (exit status {code})")
            return code
    say("== all passed")
    return 0


def install(environment: Environment, names: Sequence[str]) -> int:
    """Install the server's own requirements, or an engine by name. Returns an exit status."""
    if list(names) == ["chatterbox"]:
        say("Installing Resemble AI's Chatterbox and PyTorch: about 3 GB to download, 6 GB on disk.")
        environment.ensure(BASE, CHATTERBOX)
        say(
            "Chatterbox's packages are in the environment. This version of Parlance does not speak with them yet: "
            "that engine comes with a later one, and the embedded voice goes on speaking until then."
        )
        return 0
    if names:
        say(f"There is nothing named {' '.join(names)!r} to install. There is: chatterbox")
        return 2
    environment.ensure(BASE)
    say("Everything is installed. Start with run.sh or run.bat.")
    return 0


def main(arguments: Sequence[str]) -> int:
    """Prepare what the command needs and run it. Returns an exit status, or does not return."""
    environment = default_environment()
    command = arguments[0] if arguments else ""
    try:
        if command == "test":
            return run_tests(environment, arguments[1:])
        if command == "install":
            return install(environment, arguments[1:])
        environment.ensure(BASE)
        start(environment, arguments)
    except (StartError, OSError) as error:
        say(str(error))
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    return 1


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
