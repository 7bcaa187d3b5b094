"""Connections that have left HTTP."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable

from tts_server.web.realtime.routes import Dialogue

log = logging.getLogger("tts_server")


class Dialogues:
    """The connections that have left HTTP, at most `limit`, each with a thread of its own, so that they hold none of Waitress's."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: dict[Dialogue, threading.Thread] = {}
        self._lock = threading.Lock()
        self._is_closing = False
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        return self._is_closing or len(self._running) >= self._limit

    def start(self, dialogue: Dialogue, connection: socket.socket, on_end: Callable[[], None]) -> bool:
        """Run a dialogue on a connection, which it frees; False where there is no room. `on_end` follows unless `close` came first."""
        thread = threading.Thread(target=self._run, args=(dialogue, connection, on_end), name="realtime", daemon=True)
        with self._lock:
            if self.is_full:
                connection.close()
                return False
            # Under the lock, so that `close` never meets a thread that cannot be joined yet.
            self._running[dialogue] = thread
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads
                del self._running[dialogue]
                connection.close()
                return False
        return True

    def close(self, seconds: float) -> None:
        """Tell each dialogue to end, and wait for them for a while."""
        with self._lock:
            self._is_closing = True
            running = dict(self._running)
        for dialogue in running:
            dialogue.leave()
        deadline = time.monotonic() + seconds
        for thread in running.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._is_closed = True

    def _run(self, dialogue: Dialogue, connection: socket.socket, on_end: Callable[[], None]) -> None:
        try:
            dialogue.converse(connection)
        except Exception:
            log.exception("a socket's dialogue failed")
        finally:
            connection.close()
            with self._lock:
                del self._running[dialogue]
                if not self._is_closed:
                    on_end()
