"""Waitress around the application: threads, limits, start and stop."""

from __future__ import annotations

import errno
import json
import logging
import signal
import socket
import threading
import uuid
from collections.abc import Callable
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from tts_server.web.failures import error_body

log = logging.getLogger("tts_server")

STOP_SECONDS = 5.0
UNUSABLE_PORT = (errno.EADDRINUSE, errno.EACCES, 10013, 10048)


class PortInUse(Exception):
    """Another program listens on the port."""


class JsonErrorTask(ErrorTask):
    """What Waitress refuses by itself, such as a body that is too large, in the shape of all other errors."""

    def execute(self) -> None:
        error = self.request.error
        code = "too_large" if error.code == 413 else "bad_request" if error.code < 500 else "server_error"
        kind = "invalid_request_error" if error.code < 500 else "server_error"
        body = json.dumps(error_body(f"{error.reason}: {error.body}.".replace("..", "."), kind, None, code)).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", "application/json"), ("x-request-id", uuid.uuid4().hex)]
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)


class Channel(HTTPChannel):
    """A connection, as Waitress calls it."""

    error_task_class = JsonErrorTask


class Server:
    """One listening server. `port` is the real one, also when 0 was asked for. Raises PortInUse."""

    def __init__(self, app: Callable[..., Any], host: str, port: int, *, threads: int, max_body_bytes: int) -> None:
        try:
            self._waitress = create_server(
                app,
                host=_first_address(host, port),
                port=port,
                threads=threads,
                connection_limit=1000,
                asyncore_use_poll=True,
                channel_request_lookahead=1,
                outbuf_high_watermark=256 * 1024,
                max_request_body_size=max_body_bytes,
                channel_timeout=30,
                cleanup_interval=2,
                clear_untrusted_proxy_headers=True,
                ident=None,
            )
        except OSError as error:
            if error.errno in UNUSABLE_PORT:
                raise PortInUse(
                    f"Port {port} on {host} cannot be used ({error.strerror}). Another program may be listening there: "
                    f"stop it, or choose another port with PORT={port + 1}."
                ) from error
            raise PortInUse(f"The address {host} cannot be used: {error}. Set HOST to an address of this machine.") from error
        self._waitress.channel_class = Channel
        self.host = host
        self.port = int(self._waitress.effective_port)
        self._lock = threading.Lock()
        self._is_stopping = False

    @property
    def url(self) -> str:
        """The address to open on this machine."""
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)  # noqa: S104
        return f"http://{name}:{self.port}"

    def run(self) -> None:
        """Serve until `stop`, Ctrl-C or SIGTERM; what runs is given a few seconds to end."""
        try:
            while not self._is_stopping:
                wasyncore.loop(timeout=1, use_poll=True, map=self._waitress._map, count=1)
        except KeyboardInterrupt:
            pass
        finally:
            with self._lock:
                for channel in list(self._waitress.active_channels.values()):
                    channel.handle_close()  # wakes the thread that waits for its reader
                wasyncore.close_all(self._waitress._map)
            self._waitress.task_dispatcher.shutdown(cancel_pending=True, timeout=STOP_SECONDS)

    def stop_on_signals(self) -> None:
        """Let SIGTERM (and Ctrl-Break on Windows) end `run` as Ctrl-C does. Call from the main thread."""
        for name in ("SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), _interrupt)

    def stop(self) -> None:
        """End `run` from another thread. Safe to call twice."""
        # Under the lock the loop's trigger is still open, so that its descriptor cannot be somebody else's by now.
        with self._lock:
            if not self._is_stopping:
                self._is_stopping = True
                self._waitress.pull_trigger()


def _first_address(host: str, port: int) -> str:
    """One numeric address, so that Waitress opens one socket also for names that have several."""
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4][0])


def _interrupt(number: int, _frame: FrameType | None) -> None:
    log.info("stopping (signal %d)", number)
    raise KeyboardInterrupt
