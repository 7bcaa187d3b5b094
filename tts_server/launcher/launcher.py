"""The program of run.sh and run.bat: prepares the environment that the server runs in, and starts the server there.

Standard library only, since nothing is installed yet when it runs. The environment is `.venv` beside the code, or wherever
PARLANCE_VENV points.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

if sys.version_info < (3, 10):
    sys.exit("Parlance needs Python 3.10 or newer, this is %d.%d. See https://www.python.org/downloads/" % sys.version_info[:2])

# It runs as a file, without the folder of the package on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tts_server.engines.package import EnginePackage  # noqa: E402
from tts_server.engines.registry import PACKAGES  # noqa: E402
from tts_server.launcher import engine_install  # noqa: E402
from tts_server.launcher.command_line import EXIT_USAGE, installable, parse  # noqa: E402
from tts_server.launcher.environment import PROJECT, Environment  # noqa: E402
from tts_server.launcher.errors import InstallError, StartError  # noqa: E402
from tts_server.launcher.locks import BASE, ENGINES, S3, LockWriter  # noqa: E402
from tts_server.launcher.process import call, clean_environment, say  # noqa: E402
from tts_server.spelling import did_you_mean  # noqa: E402

DAMAGED = 97
"""Exit status by which the server asks the launcher that waits for it (on Windows) to repair the environment."""

DEVICE_LOST = 70
"""Exit status of a server whose GPU has failed: only a new process can use it again."""

SHORTEST_RUN_SECONDS = 60.0
"""A server that fails sooner after its start is not started again, so that a broken GPU does not cause endless restarts."""

LAUNCHED = "PARLANCE_LAUNCHED"
"""In the server's environment: `1`, or `repaired` after a repair, so that a repair is tried once."""

# As `-m tts_server`, but with the project in place of the caller's folder, where any file could take a module's name.
RUN = (
    "import sys; sys.path[:] = [sys.argv.pop(1), *filter(None, sys.path)]; "
    "import runpy; runpy.run_module('tts_server', run_name='__main__', alter_sys=True)"
)


def environment_folder() -> Path:
    """The folder of the environment of this copy of Parlance."""
    return Path.cwd() / (os.environ.get("PARLANCE_VENV") or PROJECT / ".venv")


def default_environment() -> Environment:
    """The environment of this copy of Parlance."""
    return Environment(environment_folder())


def newest_environment() -> Environment:
    """An environment beside the default one for the newest versions of all packages, so that the default one keeps the tested ones."""
    folder = environment_folder()
    return Environment(folder.with_name(f"{folder.name}-newest"), is_newest=True)


def start(environment: Environment, arguments: Sequence[str], launched: str = "1") -> NoReturn:
    """Replace this process by `python -m tts_server`, in the caller's folder."""
    command = [str(environment.python), "-c", RUN, str(PROJECT), *arguments]
    variables = clean_environment(**{LAUNCHED: launched})
    if sys.platform == "win32":  # exec would give the terminal back while the server runs
        began = time.monotonic()
        while (code := call(command, variables)) == DEVICE_LOST and time.monotonic() - began >= SHORTEST_RUN_SECONDS:
            say("The GPU has failed; Parlance starts again.")
            began = time.monotonic()
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


def restart_after(status: int, seconds: float, arguments: Sequence[str]) -> int:
    """For the end of `__main__`: start again where the GPU has failed and nothing else does so; otherwise the exit status.

    `seconds`: how long the server has run. systemd and containers restart what has failed by themselves; on Windows the launcher does.
    """
    is_supervised = os.environ.get(LAUNCHED) is None or "INVOCATION_ID" in os.environ or os.getpid() == 1 or os.name == "nt"
    if status != DEVICE_LOST or is_supervised or seconds < SHORTEST_RUN_SECONDS:
        return status
    say("The GPU has failed; Parlance starts again.")
    start(default_environment(), arguments)


def install(environment: Environment, names: Sequence[str], packages: Sequence[EnginePackage] = PACKAGES) -> int:
    """Install the server's own requirements, or engines and extras by their names. Returns an exit status."""
    known = list(installable(packages))
    if unknown := [name for name in names if name not in known]:
        say(f"There is nothing named {unknown[0]!r} to install.{did_you_mean(unknown[0], known)} There is: {', '.join(known)}")
        return EXIT_USAGE
    if "s3" in names:
        environment.ensure(BASE, S3)
    engines = [(package, package.installation) for package in packages if package.installation and package.installation.name in names]
    for package, installation in engines:
        engine_install.install(environment, package, installation)
    if engines:
        return 0
    environment.ensure(BASE)
    say("Everything is installed. Start with run.sh or run.bat.")
    return 0


def write_locks(environment: Environment, names: Sequence[str], *, is_kept: bool) -> int:
    """Write the lock files again and print what changed. Returns an exit status.

    `names`: the packages to bring to their newest version, all without any. With `is_kept` no more is changed than the lists ask for.
    """
    if is_kept and names:
        say(f"lock --keep takes no packages, such as {names[0]!r}. Use: lock [PACKAGE ...], or lock --keep")
        return EXIT_USAGE
    environment.ensure(BASE)
    if not environment.installer.has_uv():
        raise StartError("Locks are made by uv, and uv could not be installed here.")
    say("Finding versions for every system and Python (takes a few minutes) ...")
    changes = LockWriter(PROJECT, environment.installer.run_uv).write(names, is_kept=is_kept)
    for line in changes:
        print(line)
    say(f"{len(changes)} changes. Review them, then run the tests: docs/UPDATING.md." if changes else "Nothing changed.")
    return 0


def prepare(environment: Environment) -> None:
    """Update the packages of the server, of engines and of extras that are installed. Raises StartError if the server cannot start."""
    try:
        environment.ensure(BASE, *(name for name in environment.installed() if name in (S3, *ENGINES)))
    except InstallError as error:
        if not environment.is_current([BASE]):
            raise
        say(f"{error}\nUntil then the server runs with the packages of engines and S3 that are there.")


def main(arguments: Sequence[str]) -> int:
    """Prepare the environment and run the command. Returns an exit status, or does not return. Help and errors need no environment."""
    options = parse(arguments)
    environment = default_environment()
    try:
        if options.command == "test":
            from tts_server.launcher.test_command import run_tests

            return run_tests(newest_environment() if options.newest else environment, options.arguments, is_fast=options.fast)
        if options.command == "lock":
            return write_locks(environment, options.packages, is_kept=options.keep)
        if options.command == "repair":
            environment.repair()
            return 0
        if options.command == "install":
            return install(environment, options.names)
        prepare(environment)
        if options.command == "accept":
            return call([str(environment.python), str(PROJECT / "benchmarks" / "accept.py"), *arguments[1:]], clean_environment())
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
