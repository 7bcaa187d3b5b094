"""The server around the application: where it listens, how it starts, how it stops."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tts_server.http.addresses import IN_USE, find_addresses, listen_on_all
from tts_server.http.connections import ConnectionLimits
from tts_server.http.deadlines import Deadlines
from tts_server.http.dispatch import Dispatcher
from tts_server.http.listener import Listener
from tts_server.http.polling import switching_often
from tts_server.http.signals import StopSignals
from tts_server.http.upgrades import UpgradedConnections
from tts_server.wsgi import RequestChecks

log = logging.getLogger("tts_server")

STOP_SECONDS = 8.0
LAST_SECONDS = 2.0
QUIET_SECONDS = 0.3
POLL_SECONDS = 0.1
OPEN_FILES = 4096


class PortInUse(Exception):
    """Another program listens on the port."""


class Server:
    """One server that listens on every address of `host`. `port` is the real one, also when 0 was asked for. Raises PortInUse.

    `checks` are those of the application; their admission says how many long requests are worked on at a time, and how many may wait (see
    `http/dispatch.py`). Once it is to stop, what is being answered has `stop_seconds` to end.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        host: str,
        port: int,
        *,
        checks: RequestChecks,
        max_body_bytes: int,
        max_websockets: int = 100,
        max_websockets_per_client: int | None = None,
        trusted_proxy: str = "",
        deadlines: Deadlines | None = None,
        limits: ConnectionLimits | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.dispatcher = Dispatcher(checks.admission)
        deadlines = deadlines or Deadlines()
        self._upgrades = UpgradedConnections(max_websockets, max_websockets_per_client, idle_seconds=deadlines.websocket)
        _allow_open_files()
        try:
            open_listener = partial(
                Listener,
                app,
                dispatcher=self.dispatcher,
                upgrades=self._upgrades,
                deadlines=deadlines,
                max_body_bytes=max_body_bytes,
                checks=checks,
                trusted_proxy=trusted_proxy,
                limits=limits,
            )
            self._listener = listen_on_all(open_listener, find_addresses(host, port), port)
        except OSError as error:
            self.dispatcher.shutdown()
            if error.errno in IN_USE:
                raise PortInUse(
                    f"Port {port} on {host} cannot be used ({error.strerror}). Another program may be listening there: "
                    f"stop it, or choose another port with PORT={port + 1}."
                ) from error
            raise PortInUse(f"The address {host} cannot be used: {error}. Set HOST to an address of this machine.") from error
        self.host = host
        self.port = int(self._listener.effective_port)
        self._stop_seconds = stop_seconds
        self._lock = threading.RLock()  # a signal may come while its thread has it
        self._is_stopping = False
        self._signals = StopSignals(self.stop)

    @property
    def url(self) -> str:
        """The address to open on this machine."""
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)  # noqa: S104
        return f"http://{name}:{self.port}"

    def run(self) -> None:
        """Serve until `stop` is called, and then until what is being answered has ended or its time is over."""
        try:
            with switching_often():
                while not self._is_stopping:
                    self._listener.turn()
                self._drain()
        finally:
            self._upgrades.close(0)
            with self._lock:
                self._is_stopping = True
                self._listener.close()
            self.dispatcher.shutdown(timeout=LAST_SECONDS)

    def stop_on_signals(self) -> None:
        """Let Ctrl-C, SIGTERM and a closed window call `stop`; a second time they end the process. Call from the main thread."""
        self._signals.listen()

    def stop(self, within: float | None = None) -> None:
        """Have `run` end, from another thread or a signal; in fewer seconds than it was made with, if so. Safe to call twice."""
        # Under the lock the loop's trigger is still open, so that its descriptor cannot be somebody else's by now.
        with self._lock:
            if within is not None:
                self._stop_seconds = min(self._stop_seconds, within)
            if not self._is_stopping:
                self._is_stopping = True
                self._listener.pull_trigger()

    def _drain(self) -> None:
        log.info("stopping: what is being answered has %g seconds to end", self._stop_seconds)
        self._listener.drain()
        goodbyes = threading.Thread(target=self._upgrades.close, args=(self._stop_seconds,), name="goodbyes", daemon=True)
        goodbyes.start()
        self._turn_until_quiet(time.monotonic() + self._stop_seconds)
        self._listener.end()
        self._turn_until_quiet(time.monotonic() + LAST_SECONDS)

    def _turn_until_quiet(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            self._listener.dismiss(QUIET_SECONDS)
            if self.dispatcher.is_idle and not self._listener.channels:
                return
            self._listener.turn(POLL_SECONDS)


def _allow_open_files() -> None:
    """Ask for as many files as the connections may need; macOS grants 256 unless asked."""
    if sys.platform != "win32":  # which has no such limit
        import resource

        granted, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
        if granted != resource.RLIM_INFINITY and granted < wanted:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
