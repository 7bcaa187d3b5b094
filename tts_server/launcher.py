"""Where run.sh and run.bat end: prepares the environment that the server runs in, and starts the server there.

Standard library only, since nothing is installed yet when it runs. The environment is `.venv` beside the code, or wherever
PARLANCE_VENV points.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

if sys.version_info < (3, 10):
    sys.exit("Parlance needs Python 3.10 or newer, this is %d.%d. See https://www.python.org/downloads/" % sys.version_info[:2])

# It runs as a file, without the folder of the package on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tts_server.accelerator import REGISTRY, Build, choose, look  # noqa: E402
from tts_server.environment import BASE, PROJECT, TORCH, Environment, InstallError, StartError, clean_environment, say  # noqa: E402

TEST = "requirements-test.txt"
CHATTERBOX = (TORCH, "requirements-chatterbox.txt", "requirements-chatterbox-bare.txt")

DAMAGED = 97
"""Exit status by which the server asks the launcher that waits for it (on Windows) to repair the environment."""

LAUNCHED = "PARLANCE_LAUNCHED"
"""In the server's environment: `1`, or `repaired` after a repair, so that a repair is tried once."""

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
    """Lint, types, import contracts and tests, as CI runs them; `arguments` go to pytest, which then runs in one process.

    Returns the exit status of the first failure.
    """
    environment.ensure(BASE, TEST, *CHATTERBOX)
    install_system_packages()
    variables = clean_environment()
    if not arguments:
        variables.setdefault("OMP_NUM_THREADS", "1")  # processes beside each other share the cores
    if os.environ.get("CI") == "true":
        variables.setdefault("CONFORMANCE", "1")  # client packages that are large to install
        variables.setdefault("AUDIT", "1")  # known vulnerabilities, where the network tells them
    if os.environ.get("CI") == "true" and can_use_apt():
        variables["PARLANCE_REQUIRE_TOOLS"] = "1"  # a missing browser or wine fails the tests instead of skipping them
    for name, command in STAGES:
        say(f"== {name}")
        extra = () if name != "pytest" else arguments or side_by_side()
        code = call([str(environment.python), *command, *extra], variables, PROJECT)
        if code != 0:
            say(f"== {name} failed (exit status {code})")
            return code
    say("== all passed")
    return 0


def side_by_side() -> list[str]:
    """pytest's options to run files of tests beside each other: at most four, since each process loads its own speech models."""
    processes = min(4, os.cpu_count() or 1)
    # In their order: otherwise the files with few tests, which are the longest, come last and wait for each other.
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"] if processes > 1 else []


def install(environment: Environment, names: Sequence[str]) -> int:
    """Install the server's own requirements, or an engine by name. Returns an exit status."""
    if list(names) == ["chatterbox"]:
        install_chatterbox(environment)
        return 0
    if names:
        say(f"There is nothing named {' '.join(names)!r} to install. There is: chatterbox")
        return 2
    environment.ensure(BASE)
    say("Everything is installed. Start with run.sh or run.bat.")
    return 0


def install_chatterbox(environment: Environment) -> None:
    """Bring Chatterbox with the build of PyTorch that this machine wants. Raises StartError."""
    build = chosen_build()
    if not environment.is_current([BASE, *CHATTERBOX], build.backend):
        what = "for the CPU" if not build.is_for_gpu else f"with {build.backend}"
        if build.backend == REGISTRY:
            what = "as pip brings it"
        say(f"Chatterbox comes with PyTorch {what}: {build.reason}.")
        say(f"About {build.download:g} GB to download, {build.disk:g} GB on disk.")
        require_space(environment, build)
        environment.ensure(BASE, *CHATTERBOX, backend=build.backend)
    if build.is_for_gpu and not environment.is_current([BASE, *CHATTERBOX], build.backend):
        say(f"It is not the build for this GPU ({build.backend}), though: connect the network and install once more to get that.")
    say("Chatterbox is installed. Start with run.sh or run.bat; a model is downloaded when it is first used (2 to 3 GB).")


def chosen_build() -> Build:
    """PyTorch's build for this machine, or the one that PARLANCE_TORCH names. Raises StartError where there is none."""
    try:
        build = choose(look(), os.environ.get("PARLANCE_TORCH", ""))
    except ValueError as error:
        raise StartError(str(error)) from error
    if not build.backend:
        raise StartError(f"Chatterbox cannot be installed here: {build.reason}. The embedded voice goes on speaking.")
    return build


def require_space(environment: Environment, build: Build) -> None:
    """Raises StartError where the disk is too small for a build, before anything is downloaded."""
    folder = next(folder for folder in (environment.folder, *environment.folder.parents) if folder.exists())
    free = shutil.disk_usage(folder).free / 1e9
    if free < build.disk:
        raise StartError(
            f"There are {free:.1f} GB free on the disk of {folder}, and about {build.disk:g} are needed.\n"
            "Free some space, or let PARLANCE_VENV name a folder on another disk, then install again."
        )


def prepare(environment: Environment) -> None:
    """Bring what the server needs, and Chatterbox up to date if it was installed. Raises StartError if the server cannot start."""
    try:
        environment.ensure(BASE, *(name for name in environment.installed() if name in CHATTERBOX))
    except InstallError as error:
        if not environment.is_current([BASE]):
            raise
        say(f"{error}\nUntil then the server runs with the Chatterbox that is there.")


def main(arguments: Sequence[str]) -> int:
    """Prepare what the command needs and run it. Returns an exit status, or does not return."""
    environment = default_environment()
    command = arguments[0] if arguments else ""
    try:
        if command == "test":
            return run_tests(environment, arguments[1:])
        if command == "install":
            return install(environment, arguments[1:])
        prepare(environment)
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
