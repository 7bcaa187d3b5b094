"""The listening socket and its connections, as Waitress's loop sees them."""

from __future__ import annotations

import errno
import logging
import select
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from tts_server.http.addresses import FurtherAddress
from tts_server.http.channel import Channel
from tts_server.http.connections import ConnectionLimits, Connections
from tts_server.http.deadlines import Deadlines
from tts_server.http.dispatch import Dispatcher
from tts_server.http.polling import poll_once
from tts_server.http.request import MAX_HEAD_BYTES, Crowded
from tts_server.http.upgrades import UpgradedConnections
from tts_server.wsgi import RequestChecks

log = logging.getLogger("tts_server")

CONNECTIONS = 1000 if hasattr(select, "poll") else 400
MOST_CONNECTIONS = 3000 if hasattr(select, "poll") else 480
"""Without poll, on Windows, Python watches at most 512 sockets."""

BACKLOG = 4096
"""A client whose connection does not fit into the backlog waits for a second before it tries again."""

ACCEPTED_AT_ONCE = 1024
ACCEPT_SECONDS = 0.1
"""Limits of one pass of accepting, in connections and seconds, so that requests are read in between."""

REFUSED_AT_MOST = 200
"""How many connections above the limit may wait for a 503; further ones are closed without a reply."""

RECEIVED_BYTES = 32 * 1024
"""Bytes that are read from one connection in a pass: few enough to parse quickly, enough to read large bodies fast."""

OUTPUT_BYTES = 256 * 1024
MEMORY_BYTES = 4 * 2**20
"""Of one reply, a minute of WAV; what is longer goes through a temporary file."""

SYSTEM_OUTPUT_BYTES = 128 * 1024
"""What the system holds besides, which grows to megabytes by itself: minutes of audio that a client who leaves does not hear."""

CROWDED_SECONDS = 1.0
PROBE_SECONDS = 0.25
NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)


def connection_limits(per_address: int = 0, buffered_mb: int = 1024) -> ConnectionLimits:
    """The limits of this system. 0 for `per_address`: three quarters of all connections."""
    return ConnectionLimits(CONNECTIONS, MOST_CONNECTIONS, per_address, buffered_mb * 2**20)


class Listener(TcpWSGIServer):
    """Listens on one address, and on those that `listen_on` adds; raises OSError where one cannot be used.

    `turn` is what its thread does over and over.

    `is_draining`: what is asked from now on is refused. `is_ending`: the server can wait no longer for what is being answered.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        host: str,
        port: int,
        *,
        dispatcher: Dispatcher,
        upgrades: UpgradedConnections,
        deadlines: Deadlines,
        max_body_bytes: int,
        checks: RequestChecks,
        trusted_proxy: str = "",
        limits: ConnectionLimits | None = None,
    ) -> None:
        adjustments = Adjustments(
            host=host,
            port=port,
            backlog=BACKLOG,
            connection_limit=10 * MOST_CONNECTIONS,  # ours are in `limits`
            recv_bytes=RECEIVED_BYTES,
            channel_request_lookahead=1,
            outbuf_high_watermark=OUTPUT_BYTES,
            outbuf_overflow=MEMORY_BYTES,
            max_request_header_size=MAX_HEAD_BYTES,
            max_request_body_size=max_body_bytes,
            clear_untrusted_proxy_headers=True,
            ident=None,
        )
        self.checks = checks
        self.trusted_proxy = trusted_proxy
        self.is_draining = False
        self.is_ending = False
        limits = limits or connection_limits()
        self._connections = Connections(replace(limits, trusted_proxy=trusted_proxy))
        self.channel_class = partial(self._open, partial(Channel, upgrades, deadlines, self._connections))
        self._check_seconds = deadlines.check
        self._next_check = 0.0
        self._next_probe = 0.0
        self._accepts_from = 0.0
        self._has_accepted = False
        self._further: list[FurtherAddress] = []
        super().__init__(app, {}, dispatcher=dispatcher, adj=adjustments, sockinfo=adjustments.listen[0])

    def listen_on(self, address: str) -> None:
        """Listen on one more address, on the same port; raises OSError."""
        self._further.append(FurtherAddress(self, address, int(self.effective_port), BACKLOG, self._map))

    @property
    def channels(self) -> list[Channel]:
        return list(self.active_channels.values())

    def turn(self, seconds: float = 1.0) -> None:
        """Do what is to be done, or wait for it for a moment."""
        half_closed = [channel for channel in self.channels if channel.is_watched]
        is_behind = poll_once(self._map, min(seconds, self._check_seconds, PROBE_SECONDS if half_closed else seconds))
        now = time.monotonic()
        self.task_dispatcher.spare_loop(is_behind, now)
        if now >= self._next_check:
            self._next_check = now + self._check_seconds
            self._each(self.channels, lambda channel: channel.judge(now))
        if half_closed and now >= self._next_probe:
            self._next_probe = now + PROBE_SECONDS
            self._each(half_closed, lambda channel: channel.find_out(now))
        self._connections.make_room(now)

    def _each(self, channels: list[Channel], act: Callable[[Channel], None]) -> None:
        for channel in channels:
            try:
                act(channel)
            except Exception:
                log.exception("a connection is closed")
                channel.handle_close()

    def _open(
        self, make: Callable[..., Channel], server: Listener, connection: socket.socket, address: Any, *rest: Any, **more: Any
    ) -> None:
        """Open a channel for a new connection, or refuse it with a 503 if there is no room."""
        connections, now = self._connections, time.monotonic()
        network = connections.limits.network_of(str(address[0]))
        if not connections.has_room(network):
            connections.make_room_for(network, now)
        has_room = connections.has_room(network)
        if not has_room and len(connections) >= connections.limits.most_connections + REFUSED_AT_MOST:
            connection.close()
            return
        channel = make(server, connection, address, *rest, **more)
        if not has_room:
            channel.refuse(Crowded("Too many connections are open. Close some, or try again later"))

    def readable(self) -> bool:
        return time.monotonic() >= self._accepts_from and bool(super().readable())

    def handle_accept(self) -> None:
        """Accept many connections in one pass; Waitress accepts one, which is slow for a crowd."""
        until = time.monotonic() + ACCEPT_SECONDS
        for number in range(ACCEPTED_AT_ONCE):
            if number and not self._connections.has_room(None) and not self._has_waiting():
                return  # making room would close a connection for nothing
            if self._connections.must_wait(time.monotonic()):
                return
            self._has_accepted = False
            super().handle_accept()
            if not self._has_accepted or time.monotonic() > until:
                return

    def _has_waiting(self) -> bool:
        """Whether a client waits on the first address to be accepted; True where the system cannot tell."""
        if self.socket is None or not hasattr(select, "poll"):
            return True
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        return bool(poller.poll(0))

    def accept(self) -> Any:
        try:
            accepted = super().accept()
            for further in self._further:
                accepted = accepted or further.accept()
            self._has_accepted = accepted is not None
            return accepted
        except OSError as error:
            if error.errno not in NO_MORE_FILES:
                raise
            log.warning("no connection can be accepted: too many files are open")
            self._accepts_from = time.monotonic() + CROWDED_SECONDS  # it would fail over and over
            self._connections.close_waiting(time.monotonic(), ACCEPTED_AT_ONCE)
            return None

    def handle_error(self) -> None:
        """What fails for one connection must not close the listening socket, as Waitress does."""
        log.exception("a connection could not be accepted")

    def set_socket_options(self, connection: socket.socket) -> None:
        super().set_socket_options(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_OUTPUT_BYTES)

    def maintenance(self, now: float) -> None:
        """Waitress's own, by the clock of the day; ours is in `turn`."""

    def add_task(self, task: Channel) -> None:
        task.num_tasks += 1
        task.begin_reply()
        super().add_task(task)

    def dismiss(self, seconds: float) -> None:
        """Let go of the connections that nothing has been asked on for so long, or only half."""
        before = time.monotonic() - seconds
        for channel in self.channels:
            if channel.free_since <= before:
                channel.dismiss()

    def drain(self) -> None:
        """Accept no connection any more, and no request on those that are there."""
        self.is_draining = True
        wasyncore.dispatcher.close(self)
        for further in self._further:
            further.close()
        self._further.clear()
        self.task_dispatcher.drain()

    def end(self) -> None:
        """Wait no longer for what is being answered: a reply that has not begun can still become an error, what has begun is cut off."""
        self.is_ending = True
        for channel in self.channels:
            if channel.has_begun_reply:
                channel.cut_off()
            channel.cancellation.cancel()

    def close(self) -> None:
        """Stop listening and close every connection at once."""
        wasyncore.dispatcher.close(self)  # else it is closed as one of its sockets, again and again
        for channel in self.channels:
            channel.cut_off()
        wasyncore.close_all(self._map)
