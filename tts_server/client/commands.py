"""Runs `say`, `voices` and `models`, with a server over the network or in this process.

Commands import their modules when they run: a list from another server needs neither NumPy nor the server's packages.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from tts_server.client.connection import Connect, Connection, NetworkConnection
from tts_server.client.errors import NoSpeakers, UsageError
from tts_server.engines.package import EnginePackage
from tts_server.engines.registry import PACKAGES

if TYPE_CHECKING:
    from tts_server.config import Settings

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_STOPPED = 130


def run(options: argparse.Namespace, settings: Settings | None, packages: Sequence[EnginePackage] = PACKAGES) -> int:
    """Run one of the commands; returns the exit code. Without `settings` the server of the options is asked, else this process speaks."""
    try:
        return _command(options.command)(partial(_connection, options, settings, packages), options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except NoSpeakers as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return EXIT_STOPPED


def _command(name: str) -> Callable[[Connect, argparse.Namespace], int]:
    if name == "say":
        from tts_server.client.say import say

        return say
    from tts_server.client.listings import models, voices

    return voices if name == "voices" else models


@contextlib.contextmanager
def _connection(options: argparse.Namespace, settings: Settings | None, packages: Sequence[EnginePackage]) -> Iterator[Connection]:
    if settings is None:
        yield NetworkConnection(options.server, options.key)
        return
    from tts_server.client.in_process import in_process_connection

    with in_process_connection(options, settings, packages) as connection:
        yield connection
