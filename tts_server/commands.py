"""What the command line can do: serve, doctor, and what a client does."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import webbrowser
from collections.abc import Sequence

from tts_server import __version__
from tts_server.build import build_app, build_synthesizer, key_ring
from tts_server.client.commands import run as run_client
from tts_server.client.options import CLIENT_COMMANDS, add_client_commands
from tts_server.config import Settings, SettingsError, load_settings
from tts_server.doctor import main as run_doctor
from tts_server.errors import TTSError
from tts_server.http.deadlines import Deadlines
from tts_server.key_command import add_key_commands
from tts_server.key_command import run as run_keys
from tts_server.launcher.accelerator import offer_chatterbox
from tts_server.log import set_up_log
from tts_server.server import PortInUse, Server
from tts_server.web.app import MAX_BODY_BYTES

log = logging.getLogger("tts_server")

EXIT_USAGE = 2
PREPARING_SECONDS = 5.0


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. Errors are sentences on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(_with_command(arguments))
    try:
        if getattr(options, "server", ""):
            return run_client(options, None)  # the settings are those of a server, and another one is asked
        settings = load_settings(**_overrides(options))
        set_up_log(settings.log_level, settings.log_format, with_text=settings.log_text)
        if options.command in CLIENT_COMMANDS:
            return run_client(options, settings)
        command = {"serve": serve, "doctor": doctor, "keys": run_keys}[options.command]
        return command(settings, options)
    except SettingsError as error:
        print(f"A setting is wrong:\n{error}\nSee docs/CONFIGURATION.md.", file=sys.stderr)
        return EXIT_USAGE
    except (TTSError, PortInUse, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 1


def serve(settings: Settings, _options: argparse.Namespace) -> int:
    """Answer requests until the process is stopped."""
    keys = key_ring(settings)
    synthesizer = build_synthesizer(settings)
    server = Server(
        build_app(settings, synthesizer, keys),
        settings.host,
        settings.port,
        admission=synthesizer.admission,
        max_body_bytes=MAX_BODY_BYTES,
        max_websockets=settings.max_websockets,
        trusted_proxy=settings.trusted_proxy,
        deadlines=Deadlines(reader=settings.stall_seconds),
        stop_seconds=settings.stop_seconds,
    )
    server.stop_on_signals()
    print(f"Parlance {__version__} speaks at {server.url}  (stop with Ctrl-C)", flush=True)
    if not settings.is_loopback and not keys.is_locked:
        log.warning("LISTENING ON %s WITHOUT A KEY: anyone who reaches this machine can use the server. Set API_KEYS.", settings.host)
    if settings.open_browser and _has_desktop():
        threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
    # nvidia-smi may take seconds, which the first request need not wait for.
    threading.Thread(target=_offer_chatterbox, daemon=True).start()
    synthesizer.catalog.preload([settings.default_model, *settings.preload_models])
    preparing = threading.Thread(target=synthesizer.prepare_voices, name="prepare-voices", daemon=True)
    preparing.start()
    server.run()
    synthesizer.close()
    preparing.join(PREPARING_SECONDS)  # so that no clip's temporary file is left
    return 0


def _offer_chatterbox() -> None:
    if offer := offer_chatterbox():
        print(offer, flush=True)


def doctor(settings: Settings, _options: argparse.Namespace) -> int:
    """Say what is installed and what is missing."""
    return run_doctor(settings)


def _with_command(arguments: Sequence[str]) -> list[str]:
    """`serve` is meant where no command is named."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        return ["serve", *arguments]
    return list(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run",
        description="A text-to-speech server.",
        epilog="Also: 'install chatterbox' brings the Chatterbox models, 'test' runs all tests.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serving = commands.add_parser("serve", help="start the server (what happens without a command)")
    serving.add_argument("--host", help="address to listen on")
    serving.add_argument("--port", type=int, help="port to listen on; 0 takes a free one")
    add_client_commands(commands)
    add_key_commands(commands)
    commands.add_parser("doctor", help="say what is installed, what is missing and how to get it")
    return parser


def _overrides(options: argparse.Namespace) -> dict[str, object]:
    return {name: value for name in ("host", "port") if (value := getattr(options, name, None)) is not None}


def _has_desktop() -> bool:
    """Whether a browser window can appear: not over SSH, in a container or in CI."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
