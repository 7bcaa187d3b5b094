"""Upgraded connections, i.e. WebSockets: their limits, and a thread for each."""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tts_server.errors import Unavailable
from tts_server.wsgi import UpgradedConnection

log = logging.getLogger("tts_server")

TRY_AGAIN_LATER = 1013

OnEnd = Callable[[], None]


@dataclass(eq=False)
class _Entry:
    """An upgraded connection with its thread, reserved or running.

    `connection` passes the socket to the thread, or None if the upgrade does not happen. The flags are guarded by the lock.
    """

    upgraded: UpgradedConnection
    thread: threading.Thread = field(init=False)
    connection: queue.SimpleQueue[tuple[socket.socket, OnEnd] | None] = field(default_factory=queue.SimpleQueue)
    is_closing: bool = False
    is_decided: bool = False
    """Whether `connection` was passed."""


class UpgradedConnections:
    """Runs upgraded connections, each in a thread of its own, so that they do not occupy request threads. Thread-safe.

    At most `limit` run at a time, and at most `limit_per_client` of one client. At the limit, the one that has been idle longest is closed
    for a new one, if it has been idle for `idle_seconds`.
    """

    def __init__(self, limit: int, limit_per_client: int | None = None, *, idle_seconds: float = 60.0) -> None:
        self._limit = limit
        self._limit_per_client = max(1, (limit + 1) // 2) if limit_per_client is None else limit_per_client
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        # Guarded by the lock. `_is_closed`: `close` has returned, so no `on_end` is called any more.
        self._entries: dict[UpgradedConnection, _Entry] = {}
        self._is_closing = False
        self._is_closed = False

    def reserve(self, upgraded: UpgradedConnection) -> None:
        """Reserve a thread before the client gets its 101; raises Unavailable at a limit. `start` or `release` must follow."""
        entry = _Entry(upgraded)
        entry.thread = threading.Thread(target=self._run, args=(entry,), name="realtime", daemon=True)
        with self._lock:
            self._check_limits(upgraded.client)
            # Under the lock, so that `close` never meets a thread that cannot be joined yet.
            self._entries[upgraded] = entry
            try:
                entry.thread.start()
            except RuntimeError as error:  # the system has no more threads
                del self._entries[upgraded]
                raise Unavailable("The server cannot start another thread for a WebSocket. Try again later.", code="busy") from error

    def start(self, upgraded: UpgradedConnection, connection: socket.socket, on_end: OnEnd) -> None:
        """Run a reserved connection on a socket, which is closed afterwards. Then `on_end` is called, unless `close` has returned."""
        self._decide(upgraded, (connection, on_end))

    def release(self, upgraded: UpgradedConnection) -> None:
        """Cancel a reservation. Without effect on a connection that was started."""
        self._decide(upgraded, None)

    def close(self, seconds: float) -> None:
        """Close all connections and wait up to `seconds` for them."""
        with self._lock:
            self._is_closing = True
            running = list(self._entries.values())
        for entry in running:
            entry.upgraded.close_soon()
        deadline = time.monotonic() + seconds
        for entry in running:
            entry.thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._is_closed = True

    def _check_limits(self, client: str | None) -> None:
        """Raise Unavailable at a limit, unless an idle connection can be closed for a new one. With the lock held."""
        if self._is_closing:
            raise Unavailable("The server is stopping. Try again in a moment.", code="busy")
        staying = [entry for entry in self._entries.values() if not entry.is_closing]
        if client is not None and sum(entry.upgraded.client == client for entry in staying) >= self._limit_per_client:
            raise Unavailable(
                f"This client has {self._limit_per_client} WebSockets open, which is the limit. Close one of them first.", code="busy"
            )
        if len(staying) < self._limit:
            return
        idle = [(entry.upgraded.idle_seconds(), entry) for entry in staying if entry.is_decided]
        seconds, longest = max(idle, key=lambda one: one[0], default=(0.0, None))
        if longest is None or seconds < self._idle_seconds:
            raise Unavailable("Too many WebSockets are open. Try again later.", code="busy")
        longest.is_closing = True
        longest.upgraded.close_soon(TRY_AGAIN_LATER, "Closed after a long idle time, for another client. Connect again.")

    def _decide(self, upgraded: UpgradedConnection, connection: tuple[socket.socket, OnEnd] | None) -> None:
        with self._lock:
            entry = self._entries.get(upgraded)
            is_first = entry is not None and not entry.is_decided
            if entry is not None and is_first:
                entry.is_decided = True
                entry.connection.put(connection)
        if not is_first and connection is not None:
            connection[0].close()

    def _run(self, entry: _Entry) -> None:
        given = entry.connection.get()
        try:
            if given is not None:
                entry.upgraded.run(given[0])
        except Exception:
            log.exception("an upgraded connection failed")
        finally:
            if given is not None:
                given[0].close()
            with self._lock:
                del self._entries[entry.upgraded]
                if given is not None and not self._is_closed:
                    given[1]()
