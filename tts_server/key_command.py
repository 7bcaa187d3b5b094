"""The command `keys`: creates, lists and removes the keys of the file that `API_KEYS_FILE` names."""

from __future__ import annotations

import argparse
import sys

from tts_server.config import Settings
from tts_server.keys import KeyFile, KeyFileError, Role
from tts_server.launcher.client_options import PROGRAM
from tts_server.launcher.command_line import EXIT_USAGE
from tts_server.spelling import did_you_mean


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the command; return the exit code. A running server applies the change at its next request."""
    file = KeyFile(settings.api_keys_file)
    roles = [role.value for role in Role]
    for role in getattr(options, "role", None) or ():
        if role not in roles:
            print(f"--role: there is no role {role!r}.{did_you_mean(role, roles)} Roles: {', '.join(roles)}.", file=sys.stderr)
            return EXIT_USAGE
    try:
        if options.action == "add":
            _add(file, options.name, [Role(role) for role in options.role or [Role.SPEECH.value]])
        elif options.action == "remove":
            _remove(file, options.name)
        else:
            _list(file)
    except KeyFileError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _add(file: KeyFile, name: str, roles: list[Role]) -> None:
    is_first = file.state() is None
    key = file.add(name, roles)
    print(f"The key of {name}, with the roles {', '.join(role.value for role in roles)}. It is shown only once:", file=sys.stderr)
    print(key)
    if is_first:
        print("From now on the server refuses requests without a key.", file=sys.stderr)


def _remove(file: KeyFile, name: str) -> None:
    left = file.remove(name)
    print(f"The key of {name} is no longer valid.")
    if not left:
        print(f"It was the last key in {file.path}. To turn authentication off, delete that file and restart the server.", file=sys.stderr)


def _list(file: KeyFile) -> None:
    keys = file.read()
    width = max((len(key.name) for key in keys), default=0)
    for key in keys:
        print(f"{key.name:<{width}}  {', '.join(sorted(role.value for role in key.roles)):<22}  {key.created}".rstrip())
    if not keys:
        print(f"There are no keys in {file.path}. Create one: {PROGRAM} keys add NAME --role speech", file=sys.stderr)
