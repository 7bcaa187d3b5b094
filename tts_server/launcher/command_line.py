"""The command line: every command and its options, help and mistakes in words. Standard library only.

The launcher reads it before anything is installed, so that help and mistakes need no installation; the server reads it again.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tts_server import __version__
from tts_server.engines.package import EnginePackage, TrialCommand
from tts_server.engines.registry import PACKAGES
from tts_server.launcher.client_options import PROGRAM, add_client_commands, whole_number
from tts_server.spelling import did_you_mean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

EXIT_USAGE = 2

LAUNCHER_COMMANDS = ("install", "repair", "accept", "test", "lock")
"""Commands that change or check the installation, and so run outside of it."""

_HELP = ("-h", "--help")
_TEST_OPTIONS = ("--fast", "--newest")
_SHORT_USAGE = 2
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_ARGPARSE_WORDS = (
    (re.compile(r"argument (?:-\w/)?(\S+): (?:expected one argument|expected at least one argument)"), r"\1 needs a value."),
    (re.compile(r"argument (?:-\w/)?(\S+): ignored explicit argument .*"), r"\1 takes no value."),
    (re.compile(r"the following arguments are required: (.+)"), r"\1 is missing."),
    (re.compile(r"ambiguous option: (\S+) could match (.+)"), r"\1 could mean \2."),
    (re.compile(r"argument ACTION: invalid choice: (\S+).*", re.DOTALL), r"There is no action \1."),
    (re.compile(r"argument (?:-\w/)?(\S+): (.*)", re.DOTALL), r"\1: \2"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are sentences that end with what to do."""

    def error(self, message: str) -> NoReturn:
        for pattern, words in _ARGPARSE_WORDS:
            if pattern.fullmatch(message):
                message = pattern.sub(words, message)
                break
        usage = self.format_usage()
        short = usage if usage.count("\n") <= _SHORT_USAGE else ""
        self.exit(EXIT_USAGE, f"{message}\n{short}See: {self.prog} --help\n")


def parse(arguments: Sequence[str], packages: Sequence[EnginePackage] = PACKAGES) -> argparse.Namespace:
    """The options of a command line; `command` is the command's name. Help and mistakes end the process by SystemExit, with 0 or 2."""
    words = _with_command(arguments)
    if words[0] == "test" and words[1:2] not in ([_HELP[0]], [_HELP[1]]):
        own = list(takewhile(_TEST_OPTIONS.__contains__, words[1:]))
        # What follows goes to pytest as it is.
        return argparse.Namespace(command="test", newest="--newest" in own, fast="--fast" in own, arguments=words[1 + len(own) :])
    parser, commands = build_parser(packages)
    if words[0] not in commands.choices and not words[0].startswith("-"):
        known = list(commands.choices)
        parser.exit(
            EXIT_USAGE,
            f"There is no command {words[0]!r}.{did_you_mean(words[0], known)}\nCommands: {', '.join(known)}\nSee: {PROGRAM} --help\n",
        )
    options, unknown = parser.parse_known_args(words)
    command_parser: Parser = options.__dict__.pop("parser")
    if unknown:
        _refuse(unknown[0], command_parser)
    return options


def build_parser(packages: Sequence[EnginePackage] = PACKAGES) -> tuple[Parser, _SubParsersAction[Any]]:
    """The parser of the whole command line, and its commands."""
    parser = Parser(prog=PROGRAM, description="A text-to-speech server. Without a command it starts the server.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serving = commands.add_parser("serve", help="start the server (what happens without a command)")
    serving.add_argument("--host", help="address to listen on")
    serving.add_argument("--port", type=whole_number, help="port to listen on; 0 takes a free one")
    for package in packages:
        if package.trial is not None:
            _add_trial_command(commands, package.trial)
    add_client_commands(commands)
    add_key_commands(commands)
    commands.add_parser("doctor", help="say what is installed, what is missing and how to get it")
    _add_launcher_commands(commands, packages)
    _remember_parsers(commands)
    return parser, commands


def _add_trial_command(commands: _SubParsersAction[Any], trial: TrialCommand) -> None:
    trying = commands.add_parser(trial.name, help=trial.summary)
    actions = trying.add_subparsers(dest="action", required=True, metavar="ACTION")
    starting = actions.add_parser("up", help=trial.up_summary)
    starting.set_defaults(trial=trial)
    starting.add_argument("--host", help="address to listen on")
    starting.add_argument("--port", type=whole_number, help="port to listen on; 0 takes a free one")
    starting.add_argument("--replicas", type=whole_number, default=2, metavar="N", help="replicas of each model (default: 2)")
    _remember_parsers(actions)


def add_key_commands(commands: _SubParsersAction[Any]) -> None:
    """Describe `keys` and its options."""
    keys = commands.add_parser("keys", help="make, list and remove keys")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="make a key and print it, this once")
    adding.add_argument("name", metavar="NAME", help="whose key it is, as lists and the log will say")
    adding.add_argument(
        "--role",
        action="append",
        type=str.lower,
        help="what it opens: speech, voices, models or admin; may be given more than once (default: speech)",
    )
    actions.add_parser("list", help="show names and roles")
    actions.add_parser("remove", help="take a key away").add_argument("name", metavar="NAME")
    _remember_parsers(actions)


def installable(packages: Sequence[EnginePackage] = PACKAGES) -> dict[str, str]:
    """Return the names that `install` takes, and what each installs."""
    engines = {package.installation.name: package.installation.summary for package in packages if package.installation}
    return {**engines, "s3": "the client for voices in a bucket"}


def _add_launcher_commands(commands: _SubParsersAction[Any], packages: Sequence[EnginePackage]) -> None:
    known = installable(packages)
    installing = commands.add_parser("install", help=f"install the server's packages, or further ones: {', '.join(known)}")
    installing.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{'; '.join(f'{name}: {summary}' for name, summary in known.items())} (default: the server's own packages)",
    )
    commands.add_parser("repair", help="install the packages again, in the versions of this release")
    _add_accept_command(commands)
    testing = commands.add_parser(
        "test",
        help="install what the tests need and run them",
        usage=f"{PROGRAM} test [--fast] [--newest] [PYTEST_OPTION ...]",
        description="Run the linters, the type checker, the import contracts and the tests.",
    )
    testing.add_argument("--fast", action="store_true", help="only the linter, the import contracts and unit tests: about two minutes")
    testing.add_argument("--newest", action="store_true", help="with the newest versions of all packages, in an environment of its own")
    testing.add_argument("arguments", nargs="*", metavar="PYTEST_OPTION", help="options for pytest, such as -k NAME or a file of tests")
    locking = commands.add_parser(
        "lock",
        help="write the lock files again, for those who maintain Parlance",
        usage=f"{PROGRAM} lock [PACKAGE ...], or: {PROGRAM} lock --keep",
    )
    locking.add_argument("packages", nargs="*", metavar="PACKAGE", help="bring these to their newest version (default: all)")
    locking.add_argument("--keep", action="store_true", help="change no more than the lists of requirements ask for")


def _add_accept_command(commands: _SubParsersAction[Any]) -> None:
    accepting = commands.add_parser(
        "accept",
        help="check the Chatterbox models on this machine: sound, words, speed, memory",
        description="Check Chatterbox models on this machine and write a report. The last line says how it went, for a bug report.",
    )
    accepting.add_argument("models", nargs="*", metavar="MODEL", help="such as turbo (default: turbo with a GPU, nano without)")
    accepting.add_argument("--random", action="store_true", help="with random weights of full size: downloads nothing, judges no words")
    accepting.add_argument("--parts", metavar="NAMES", help="some of the parts, such as files,words,speed (default: all)")
    accepting.add_argument("--quick", action="store_true", help="little of everything: shows whether it runs")
    accepting.add_argument("--output", type=Path, metavar="FOLDER", help="where the report goes (default: acceptance-DATE-TIME)")


def _with_command(arguments: Sequence[str]) -> list[str]:
    """`serve` is meant where no command is named."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in (*_HELP, "--version")):
        return ["serve", *arguments]
    return list(arguments)


def _remember_parsers(commands: _SubParsersAction[Any]) -> None:
    """Let the options that each of these parsers returns name it, as `parser`."""
    for parser in commands.choices.values():
        parser.set_defaults(parser=parser)


def _refuse(word: str, parser: Parser) -> NoReturn:
    """End with what is wrong with a word that the command does not take."""
    if not word.startswith("-"):
        parser.error(f"{parser.prog} takes no {word!r}.")
    option = word.partition("=")[0]
    parser.error(f"There is no option {option}.{did_you_mean(option, _OPTION.findall(parser.format_help()))}")
