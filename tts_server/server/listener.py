"""The listening socket with its connections, and the loop that reads and writes them.

Banners in the class say which thread may call a method: only the loop thread accepts, reads, writes and closes.
"""

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

from tts_server.server.addresses import FurtherAddress
from tts_server.server.channel import Channel
from tts_server.server.connections import ConnectionLimits, Connections
from tts_server.server.deadlines import Deadlines
from tts_server.server.dispatch import Dispatcher
from tts_server.server.polling import poll_once
from tts_server.server.request import MAX_HEAD_BYTES, ServerBusy
from tts_server.server.upgrades import UpgradedConnections
from tts_server.wsgi import RequestChecks

log = logging.getLogger("tts_server")

CONNECTIONS = 1000 if hasattr(select, "poll") else 400
MOST_CONNECTIONS = 3000 if hasattr(select, "poll") else 480
"""Without poll, on Windows, select watches at most 512 sockets."""

BACKLOG = 4096
"""Length of the listen queue. A client whose connection does not fit retries after a second."""

ACCEPTED_AT_ONCE = 1024
ACCEPT_SECONDS = 0.1
"""Connections accepted per iteration of the loop, and the seconds spent on that, so that requests are read in between."""

REFUSED_AT_MOST = 200
"""How many connections above the limit receive a 503; further ones are closed without a reply."""

RECEIVED_BYTES = 32 * 1024
"""Bytes read from one connection per iteration: few enough to parse quickly, enough to read large bodies fast."""

OUTPUT_BYTES = 256 * 1024
MEMORY_BYTES = 4 * 2**20
"""Bytes of one reply in memory, a minute of WAV; longer replies go through a temporary file."""

SYSTEM_OUTPUT_BYTES = 128 * 1024
"""SO_SNDBUF. Left to auto-tuning it grows to megabytes, i.e. minutes of audio made for a client that may be gone."""

ACCEPT_PAUSE_SECONDS = 1.0
PROBE_SECONDS = 0.25
NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)


def connection_limits(per_address: int = 0, buffered_mb: int = 1024) -> ConnectionLimits:
    """Return the connection limits for this operating system. 0 for `per_address` means three quarters of all connections."""
    return ConnectionLimits(CONNECTIONS, MOST_CONNECTIONS, per_address, buffered_mb * 2**20)


class Listener(TcpWSGIServer):
    """Listens on one address, and on those that `listen_on` adds. Raises OSError where an address cannot be used."""

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
            connection_limit=10 * MOST_CONNECTIONS,  # never reached; `limits` applies first
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
        # New requests are refused. Set once by the loop thread, read by all.
        self.is_draining = False
        # The server no longer waits for replies. Set once by the loop thread, read by all.
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

    # ------------------------------------------------------------------ called before the loop starts

    def listen_on(self, address: str) -> None:
        """Listen on one more address, on the same port; raises OSError."""
        self._further.append(FurtherAddress(self, address, int(self.effective_port), BACKLOG, self._map))

    # ------------------------------------------------------------------ called by the loop thread only

    @property
    def channels(self) -> list[Channel]:
        return list(self.active_channels.values())

    def run_once(self, seconds: float = 1.0) -> None:
        """Run one iteration of the loop: wait up to `seconds` for sockets, serve those that are ready, and check deadlines."""
        half_closed = [channel for channel in self.channels if channel.is_watched]
        is_behind = poll_once(self._map, min(seconds, self._check_seconds, PROBE_SECONDS if half_closed else seconds))
        now = time.monotonic()
        self.task_dispatcher.throttle_checks(is_behind, now)
        if now >= self._next_check:
            self._next_check = now + self._check_seconds
            self._for_each(self.channels, lambda channel: channel.check_deadlines(now))
        if half_closed and now >= self._next_probe:
            self._next_probe = now + PROBE_SECONDS
            self._for_each(half_closed, lambda channel: channel.probe_client(now))
        self._connections.close_excess(now)

    def _for_each(self, channels: list[Channel], act: Callable[[Channel], None]) -> None:
        for channel in channels:
            try:
                act(channel)
            except Exception:
                log.exception("closing a connection after an error")
                channel.handle_close()

    def _open(
        self, make: Callable[..., Channel], server: Listener, connection: socket.socket, address: Any, *rest: Any, **more: Any
    ) -> None:
        """Open a channel for a new connection, or refuse it with a 503 if too many are open."""
        connections, now = self._connections, time.monotonic()
        network = connections.limits.network_of(str(address[0]))
        if not connections.has_capacity(network):
            connections.close_for(network, now)
        is_accepted = connections.has_capacity(network)
        if not is_accepted and len(connections) >= connections.limits.most_connections + REFUSED_AT_MOST:
            connection.close()
            return
        channel = make(server, connection, address, *rest, **more)
        if not is_accepted:
            channel.refuse(ServerBusy("Too many connections are open. Close some, or try again later"))

    def readable(self) -> bool:
        return time.monotonic() >= self._accepts_from and bool(super().readable())

    def handle_accept(self) -> None:
        """Accept many connections per iteration. Waitress accepts one, which makes late clients wait when many connect at once."""
        until = time.monotonic() + ACCEPT_SECONDS
        for number in range(ACCEPTED_AT_ONCE):
            if number and not self._connections.has_capacity(None) and not self._has_pending_client():
                return  # `must_defer_accept` would close a connection although no client waits
            if self._connections.must_defer_accept(time.monotonic()):
                return
            self._has_accepted = False
            super().handle_accept()
            if not self._has_accepted or time.monotonic() > until:
                return

    def _has_pending_client(self) -> bool:
        """Whether a client waits on the first address to be accepted; True where poll is missing."""
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
            log.warning("cannot accept connections: too many files are open")
            self._accepts_from = time.monotonic() + ACCEPT_PAUSE_SECONDS  # else the loop would spin on the error
            self._connections.close_idle(time.monotonic(), ACCEPTED_AT_ONCE)
            return None

    def handle_error(self) -> None:
        """Log the error. Waitress would close the listening socket for an error of one connection."""
        log.exception("cannot accept a connection")

    def set_socket_options(self, connection: socket.socket) -> None:
        super().set_socket_options(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_OUTPUT_BYTES)

    def maintenance(self, now: float) -> None:
        """Do nothing: Waitress's maintenance uses the wall clock; `run_once` checks deadlines by the monotonic clock."""

    def close_idle(self, seconds: float) -> None:
        """Close the connections that have had no complete request for `seconds`."""
        before = time.monotonic() - seconds
        for channel in self.channels:
            if channel.idle_since <= before:
                channel.close_idle()

    def drain(self) -> None:
        """Stop accepting connections, and refuse new requests on those that are open."""
        self.is_draining = True
        wasyncore.dispatcher.close(self)
        for further in self._further:
            further.close()
        self._further.clear()
        self.task_dispatcher.drain()

    def abort_replies(self) -> None:
        """Cancel all requests: replies that have started are cut off, the others become errors."""
        self.is_ending = True
        for channel in self.channels:
            if channel.has_started_reply:
                channel.close_abruptly()
            channel.cancellation.cancel()

    def close(self) -> None:
        """Stop listening and close every connection at once."""
        wasyncore.dispatcher.close(self)  # first, since `close_all` would call this method again
        for channel in self.channels:
            channel.close_abruptly()
        wasyncore.close_all(self._map)

    # ------------------------------------------------------------------ called by any thread

    def add_task(self, task: Channel) -> None:
        task.num_requests_queued += 1
        task.begin_reply()
        super().add_task(task)
