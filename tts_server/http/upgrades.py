"""Connections that have left HTTP."""

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
class _Place:
    """An upgraded connection with its thread. `connection` gets its socket, or None where the upgrade did not happen."""

    upgraded: UpgradedConnection
    thread: threading.Thread = field(init=False)
    connection: queue.SimpleQueue[tuple[socket.socket, OnEnd] | None] = field(default_factory=queue.SimpleQueue)
    is_leaving: bool = False
    is_decided: bool = False


class UpgradedConnections:
    """The connections that have left HTTP, each with a thread of its own, so that they hold none of Waitress's. Thread-safe.

    There are at most `limit`, and at most `limit_per_client` of one client. One that has been idle for `idle_seconds` is closed
    where a new one finds no place.
    """

    def __init__(self, limit: int, limit_per_client: int | None = None, *, idle_seconds: float = 60.0) -> None:
        self._limit = limit
        self._limit_per_client = max(1, (limit + 1) // 2) if limit_per_client is None else limit_per_client
        self._idle_seconds = idle_seconds
        self._places: dict[UpgradedConnection, _Place] = {}
        self._lock = threading.Lock()
        self._is_closing = False
        self._is_closed = False

    def reserve(self, upgraded: UpgradedConnection) -> None:
        """Reserve a place before the client gets its 101; raises Unavailable. `start` or `release` must follow."""
        place = _Place(upgraded)
        place.thread = threading.Thread(target=self._run, args=(place,), name="realtime", daemon=True)
        with self._lock:
            self._check_room(upgraded.client)
            # Under the lock, so that `close` never meets a thread that cannot be joined yet.
            self._places[upgraded] = place
            try:
                place.thread.start()
            except RuntimeError as error:  # the system has no more threads
                del self._places[upgraded]
                raise Unavailable("The server has no thread left for a WebSocket. Try again later.", code="busy") from error

    def start(self, upgraded: UpgradedConnection, connection: socket.socket, on_end: OnEnd) -> None:
        """Run one that has a place on a socket, which it closes. `on_end` follows unless `close` came first."""
        self._decide(upgraded, (connection, on_end))

    def release(self, upgraded: UpgradedConnection) -> None:
        """Give back the place of one that was not started."""
        self._decide(upgraded, None)

    def close(self, seconds: float) -> None:
        """Have each one end, and wait for them for a while."""
        with self._lock:
            self._is_closing = True
            running = list(self._places.values())
        for place in running:
            place.upgraded.leave()
        deadline = time.monotonic() + seconds
        for place in running:
            place.thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._is_closed = True

    def _check_room(self, client: str | None) -> None:
        """Raise Unavailable where there is no place, and none can be made. With the lock held."""
        if self._is_closing:
            raise Unavailable("The server is stopping. Try again in a moment.", code="busy")
        staying = [place for place in self._places.values() if not place.is_leaving]
        if client is not None and sum(place.upgraded.client == client for place in staying) >= self._limit_per_client:
            raise Unavailable(
                f"This client has {self._limit_per_client} WebSockets open, and may have no more. Close one of them first.", code="busy"
            )
        if len(staying) < self._limit:
            return
        idle = [(place.upgraded.idle_seconds(), place) for place in staying if place.is_decided]
        seconds, longest = max(idle, key=lambda one: one[0], default=(0.0, None))
        if longest is None or seconds < self._idle_seconds:
            raise Unavailable("Too many WebSockets are open at this moment. Try again.", code="busy")
        longest.is_leaving = True
        longest.upgraded.leave(TRY_AGAIN_LATER, "Nothing was asked for a while, and another client needs the place. Connect again.")

    def _decide(self, upgraded: UpgradedConnection, connection: tuple[socket.socket, OnEnd] | None) -> None:
        with self._lock:
            place = self._places.get(upgraded)
            is_first = place is not None and not place.is_decided
            if place is not None and is_first:
                place.is_decided = True
                place.connection.put(connection)
        if not is_first and connection is not None:
            connection[0].close()

    def _run(self, place: _Place) -> None:
        given = place.connection.get()
        try:
            if given is not None:
                place.upgraded.converse(given[0])
        except Exception:
            log.exception("an upgraded connection failed")
        finally:
            if given is not None:
                given[0].close()
            with self._lock:
                del self._places[place.upgraded]
                if given is not None and not self._is_closed:
                    given[1]()
