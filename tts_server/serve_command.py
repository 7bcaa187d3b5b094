"""The command `serve`: starts the server and prints its addresses."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import webbrowser
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tts_server import __version__
from tts_server.addresses import is_free, network_addresses, url_of
from tts_server.build import build_app, build_synthesizer, key_ring
from tts_server.config import Settings
from tts_server.engines.package import EnginePackage
from tts_server.engines.registry import PACKAGES
from tts_server.launcher.engine_install import suggest_installation
from tts_server.launcher.launcher import DEVICE_LOST
from tts_server.running_server import is_parlance
from tts_server.server.connections import ConnectionLimits
from tts_server.server.deadlines import Deadlines
from tts_server.server.listener import connection_limits
from tts_server.server.server import PortInUse, Server
from tts_server.web.app import CHECKS, MAX_BODY_BYTES
from tts_server.wsgi import RequestChecks

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("tts_server")

PREPARING_SECONDS = 5.0
BROWSER_SECONDS = 10.0
"""How long the process waits for the browser to start before it exits."""


def run(settings: Settings, _options: argparse.Namespace, packages: Sequence[EnginePackage] = PACKAGES) -> int:
    """Serve until the process is stopped; return the exit code.

    If a Parlance server already listens on the port, open its page instead.
    """
    was_free = is_free(settings.host, settings.port)
    if not was_free and _open_running(settings):
        return 0
    try:
        return serve(settings, packages)
    except PortInUse as error:
        if was_free and _open_running(settings):  # another one was started at the same time
            return 0
        print(error, file=sys.stderr)
        return 1


def serve(settings: Settings, packages: Sequence[EnginePackage] = PACKAGES) -> int:
    """Serve until the process is stopped; return the exit code, DEVICE_LOST if a GPU has failed. Raises PortInUse."""
    keys = key_ring(settings)
    synthesizer = build_synthesizer(settings, packages=packages)
    app = build_app(settings, synthesizer, keys)
    server = create_server(settings, app, app.extensions[CHECKS])
    models = synthesizer.catalog.models
    # In a thread, because the callback must not block.
    models.when_device_lost(lambda: threading.Thread(target=server.stop, name="stop-after-device", daemon=True).start())
    server.stop_on_signals()
    print(f"Parlance {__version__} is running at {server.url}  (stop with Ctrl-C)", flush=True)
    for address in network_addresses(settings.host, server.port):
        print(f"On your network: {address}", flush=True)
    if settings.exposed_by is not None and not keys.is_locked:
        warn_of_exposure(settings, settings.exposed_by)
    _open_browser(settings, server.url)
    # In a thread, because nvidia-smi may take seconds.
    threading.Thread(target=_print_suggestion, args=(packages,), daemon=True).start()
    synthesizer.catalog.preload([settings.default_model, *settings.preload_models])
    preparing = threading.Thread(target=synthesizer.prepare_voices, name="prepare-voices", daemon=True)
    preparing.start()
    server.run()
    synthesizer.close()
    preparing.join(PREPARING_SECONDS)  # so that it removes the temporary file of a clip
    return DEVICE_LOST if models.has_lost_device else 0


def create_server(
    settings: Settings,
    app: WSGIApplication,
    checks: RequestChecks,
    *,
    deadlines: Deadlines | None = None,
    limits: ConnectionLimits | None = None,
) -> Server:
    """Return a server that listens; `run` answers requests. By default deadlines and limits are those of the settings. Raises PortInUse."""
    return Server(
        app,
        settings.host,
        settings.port,
        checks=checks,
        max_body_bytes=MAX_BODY_BYTES,
        max_websockets=settings.max_websockets,
        max_websockets_per_client=settings.max_websockets_per_client,
        trusted_proxy=settings.trusted_proxy,
        deadlines=deadlines or Deadlines(reader=settings.stall_seconds, upload=settings.max_upload_seconds),
        limits=limits or connection_limits(settings.max_connections_per_address, settings.max_buffered_mb),
        stop_seconds=settings.stop_seconds,
    )


def _open_running(settings: Settings) -> bool:
    """Open the page of a Parlance server that already listens on the port; return whether there is one."""
    url = url_of(settings.host, settings.port)
    if not settings.port or not is_parlance(url):
        return False
    opening = _open_browser(settings, url)
    print(f"Parlance is already running at {url}{'; opening the page' if opening else ''}.", flush=True)
    if opening:
        opening.join(BROWSER_SECONDS)
    return True


def _open_browser(settings: Settings, url: str) -> threading.Thread | None:
    """Open the page in a browser, if OPEN_BROWSER is set and there is a desktop; return the thread that does."""
    if not settings.open_browser or not _has_desktop():
        return None
    thread = threading.Thread(target=webbrowser.open, args=(url,), daemon=True)
    thread.start()
    return thread


def warn_of_exposure(settings: Settings, variable: str) -> None:
    """Log that the setting named `variable` makes a server without keys reachable from outside of this machine."""
    who = {
        "CORS_ORIGINS": "pages of every site",
        "ENABLE_CORS": "pages of every site",
        "ALLOW_LOCAL_NAMES": "web pages served by other machines of the network",
    }.get(variable, "everyone who can reach this machine")
    value = getattr(settings, variable.lower())
    log.warning(
        "REACHABLE WITHOUT A KEY, by %s=%s: %s can use the server. Models and voices cannot be changed. Set API_KEYS.",
        variable,
        ",".join(value) if isinstance(value, tuple) else value,
        who,
    )


def _print_suggestion(packages: Sequence[EnginePackage]) -> None:
    if suggestion := suggest_installation(packages):
        print(suggestion, flush=True)


def _has_desktop() -> bool:
    """Whether a browser window can appear: not over SSH, in a container or in CI."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
