"""Runs the application: opens the port, runs the loop, and stops in steps."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tts_server.server.addresses import IN_USE, find_addresses, listen_on_all
from tts_server.server.connections import ConnectionLimits
from tts_server.server.deadlines import Deadlines
from tts_server.server.dispatch import Dispatcher
from tts_server.server.listener import Listener
from tts_server.server.polling import frequent_thread_switches
from tts_server.server.signals import StopSignals
from tts_server.server.upgrades import UpgradedConnections
from tts_server.wsgi import RequestChecks

log = logging.getLogger("tts_server")

STOP_SECONDS = 8.0
ABORT_SECONDS = 2.0
"""How long aborted replies have to reach their clients."""

IDLE_SECONDS = 0.3
"""While the server stops, connections without a request for this long are closed."""

POLL_SECONDS = 0.1
OPEN_FILES = 4096


class PortInUse(Exception):
    """Another program listens on the port."""


class Server:
    """A server that listens on every address of `host`. Raises PortInUse.

    The attribute `port` is the actual port, also for `port=0`. `checks` are those of the application; their admission limits how many
    requests for audio run and wait (see `server/dispatch.py`). After `stop`, running requests have `stop_seconds` to end.
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
        # Reentrant, because a signal handler calls `stop` in the main thread, which may hold the lock.
        self._lock = threading.RLock()
        # Guarded by the lock.
        self._stop_seconds = stop_seconds
        self._is_stopping = False
        self._signals = StopSignals(self.stop)

    @property
    def url(self) -> str:
        """The address to open on this machine."""
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)  # noqa: S104
        return f"http://{name}:{self.port}"

    def run(self) -> None:
        """Serve until `stop` is called and running requests have ended or their time is over. The calling thread is the loop thread."""
        try:
            with frequent_thread_switches():
                while not self._is_stopping:
                    self._listener.run_once()
                self._drain()
        finally:
            self._upgrades.close(0)
            with self._lock:
                self._is_stopping = True
                self._listener.close()
            self.dispatcher.shutdown(timeout=ABORT_SECONDS)

    def stop_on_signals(self) -> None:
        """Call `stop` on Ctrl-C, SIGTERM and a closed window; the second such event ends the process. Call from the main thread."""
        self._signals.listen()

    def stop(self, within: float | None = None) -> None:
        """Have `run` end, at most `within` seconds from now if given. Call from any thread or a signal handler. Safe to call twice."""
        # Under the lock the loop's trigger is still open, so its descriptor has not been reused.
        with self._lock:
            if within is not None:
                self._stop_seconds = min(self._stop_seconds, within)
            if not self._is_stopping:
                self._is_stopping = True
                self._listener.pull_trigger()

    def _drain(self) -> None:
        log.info("stopping: running requests have %g seconds to end", self._stop_seconds)
        self._listener.drain()
        threading.Thread(target=self._upgrades.close, args=(self._stop_seconds,), name="close-websockets", daemon=True).start()
        self._run_until_idle(time.monotonic() + self._stop_seconds)
        self._listener.abort_replies()
        self._run_until_idle(time.monotonic() + ABORT_SECONDS)

    def _run_until_idle(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            self._listener.close_idle(IDLE_SECONDS)
            if self.dispatcher.is_idle and not self._listener.channels:
                return
            self._listener.run_once(POLL_SECONDS)


def _allow_open_files() -> None:
    """Raise the limit of open files to what the connections may need; the default of macOS is 256."""
    if sys.platform != "win32":  # Windows has no such limit
        import resource

        granted, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
        if granted != resource.RLIM_INFINITY and granted < wanted:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
