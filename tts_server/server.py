"""Waitress around the application: threads, limits, start and stop."""

from __future__ import annotations

import errno
import json
import logging
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask, WSGITask

from tts_server.errors import Unavailable
from tts_server.web.failures import error_body
from tts_server.web.realtime.routes import TAKE_OVER, Dialogue

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


class Task(WSGITask):
    """A request, as Waitress works on it. Its view may take the connection over: then the reply is the view's to send."""

    dialogue: Dialogue | None = None

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[TAKE_OVER] = self.take_over
        return environ

    def take_over(self, dialogue: Dialogue) -> None:
        """Let the connection be the dialogue's once the view has answered 101; raises Unavailable."""
        if self.channel.dialogues.is_full:
            raise Unavailable("Too many WebSockets are open at this moment. Try again.", code="busy")
        self.dialogue = dialogue

    @property
    def is_taken_over(self) -> bool:
        return self.dialogue is not None and self.status.startswith("101")

    def write(self, data: bytes) -> None:
        if not self.is_taken_over:
            super().write(data)

    def finish(self) -> None:
        if self.is_taken_over:
            self.channel.hand_over(self.dialogue)
        else:
            super().finish()


class Channel(HTTPChannel):
    """A connection, as Waitress calls it. Handed over, it stays in Waitress's count of connections, and nothing else."""

    task_class = Task
    error_task_class = JsonErrorTask

    def __init__(self, dialogues: Dialogues, *arguments: Any, **options: Any) -> None:
        self.dialogues = dialogues
        self._is_handed_over = False
        self._reading = threading.Lock()
        super().__init__(*arguments, **options)

    def hand_over(self, dialogue: Dialogue) -> None:
        """From now on the dialogue alone reads and writes. Called by the request's thread."""
        with self._reading:
            connection = self.socket.dup()
            self._is_handed_over = True
        # What came behind the request was read as HTTP and is lost: a client has to wait for the reply to it.
        is_early = len(self.requests) > 1 or self.request is not None
        if is_early:
            connection.close()
        if is_early or not self.dialogues.start(dialogue, connection, self._take_back):
            self._take_back()

    def readable(self) -> bool:
        return not self._is_handed_over and bool(super().readable())

    def writable(self) -> bool:
        return not self._is_handed_over and bool(super().writable())

    def handle_read(self) -> None:
        with self._reading:
            if not self._is_handed_over:
                super().handle_read()

    def _take_back(self) -> None:
        """The dialogue is over: let the loop close what is left."""
        self.will_close = True
        self._is_handed_over = False
        self.server.pull_trigger()


class Server:
    """One listening server. `port` is the real one, also when 0 was asked for. Raises PortInUse."""

    def __init__(
        self, app: Callable[..., Any], host: str, port: int, *, threads: int, max_body_bytes: int, max_websockets: int = 100
    ) -> None:
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
        self._dialogues = Dialogues(max_websockets)
        self._waitress.channel_class = partial(Channel, self._dialogues)
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
            self._dialogues.close(STOP_SECONDS)
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
