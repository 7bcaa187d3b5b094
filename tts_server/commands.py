"""The entry point of the command line: parses it and runs the command.

Commands import their modules when they run, so that a client of another server works without the server's packages.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from tts_server.engines.package import EnginePackage
from tts_server.engines.registry import PACKAGES
from tts_server.errors import TTSError
from tts_server.launcher.client_options import CLIENT_COMMANDS, PROGRAM
from tts_server.launcher.command_line import EXIT_USAGE, LAUNCHER_COMMANDS, parse


def main(arguments: Sequence[str], packages: Sequence[EnginePackage] = PACKAGES) -> int:
    """Run one command with the engines of `packages`; return the exit code. Errors are printed on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = parse(arguments, packages)
    if options.command in LAUNCHER_COMMANDS:
        print(f"Start this command with {PROGRAM}: {PROGRAM} {' '.join(arguments)}", file=sys.stderr)
        return EXIT_USAGE
    try:
        if getattr(options, "server", ""):
            from tts_server.client.commands import run

            return run(options, None)  # no settings: they belong to a server on this machine, and the client uses another one
        return _run_with_settings(options, packages)
    except OSError as error:
        print(describe_os_error(error), file=sys.stderr)
        return 1
    except TTSError as error:
        print(error, file=sys.stderr)
        return 1


def describe_os_error(error: OSError) -> str:
    """Return a sentence for an error of a file or a connection."""
    if error.filename is None:
        return f"{error.strerror or error}."
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} does not exist."
    if isinstance(error, IsADirectoryError):
        return f"{error.filename} is a folder, not a file."
    if isinstance(error, PermissionError):
        return f"{error.filename} cannot be used: permission denied."
    return f"{error.filename} cannot be used: {error.strerror or error}."


def _run_with_settings(options: argparse.Namespace, packages: Sequence[EnginePackage]) -> int:
    """Run a command that uses the settings of a server on this machine."""
    from tts_server.config import SettingsError
    from tts_server.log import set_up_log
    from tts_server.settings import find_misspelt_settings, load_settings

    overrides = {name: value for name in ("host", "port") if (value := getattr(options, name, None)) is not None}
    if trial := getattr(options, "trial", None):
        overrides |= trial.settings(options.replicas)
    try:
        settings = load_settings(packages, **overrides)
        set_up_log(settings.log_level, settings.log_format, with_text=settings.log_text)
        for warning in find_misspelt_settings(packages):
            logging.getLogger("tts_server").warning(warning)
        if options.command in CLIENT_COMMANDS:
            from tts_server.client.commands import run as run_client

            return run_client(options, settings, packages)
        if options.command == "doctor":
            from tts_server.doctor import main as run_doctor

            return run_doctor(settings, packages=packages)
        if options.command == "keys":
            from tts_server.key_command import run as run_keys

            return run_keys(settings, options)
        from tts_server.serve_command import run as run_server

        return run_server(settings, options, packages)
    except SettingsError as error:
        print(f"Invalid settings:\n{error}\nSee docs/CONFIGURATION.md.", file=sys.stderr)
        return EXIT_USAGE
