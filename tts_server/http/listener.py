"""The listening socket and its connections, as Waitress's loop sees them."""

from __future__ import annotations

import errno
import logging
import select
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from tts_server.http.channel import Channel
from tts_server.http.deadlines import Deadlines
from tts_server.http.dialogues import Dialogues
from tts_server.http.dispatch import Dispatcher
from tts_server.http.request import MAX_HEAD_BYTES
from tts_server.web.checks import RequestChecks

log = logging.getLogger("tts_server")

CONNECTIONS = 1000 if hasattr(select, "poll") else 480
"""Without poll, on Windows, Python watches at most 512 sockets."""

ACCEPTED_AT_ONCE = 256
"""Of a crowd at the door, so many are let in before anybody is listened to: who comes last is asked the sooner."""

OUTPUT_BYTES = 256 * 1024
MEMORY_BYTES = 4 * 2**20
"""Of one reply, a minute of WAV; what is longer goes through a temporary file."""

SYSTEM_OUTPUT_BYTES = 128 * 1024
"""What the system holds besides, which grows to megabytes by itself: minutes of audio that a client who leaves does not hear."""

CROWDED_SECONDS = 1.0
NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)


class Listener(TcpWSGIServer):
    """Listens on one address. `turn` is what its thread does over and over; raises OSError where the address cannot be used.

    `is_draining`: what is asked from now on is refused. `is_ending`: the server can wait no longer for what is being answered.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        host: str,
        port: int,
        *,
        dispatcher: Dispatcher,
        dialogues: Dialogues,
        deadlines: Deadlines,
        max_body_bytes: int,
        checks: RequestChecks,
        trusted_proxy: str = "",
    ) -> None:
        adjustments = Adjustments(
            host=host,
            port=port,
            connection_limit=CONNECTIONS,
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
        self.channel_class = partial(Channel, dialogues, deadlines)
        self._check_seconds = deadlines.check
        self._next_check = 0.0
        self._accepts_from = 0.0
        self._has_accepted = False
        super().__init__(app, {}, dispatcher=dispatcher, adj=adjustments, sockinfo=adjustments.listen[0])

    @property
    def channels(self) -> list[Channel]:
        return list(self.active_channels.values())

    def turn(self, seconds: float = 1.0) -> None:
        """Do what is to be done, or wait for it for a moment."""
        wasyncore.loop(timeout=min(seconds, self._check_seconds), use_poll=True, map=self._map, count=1)
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + self._check_seconds
            for channel in self.channels:
                try:
                    channel.judge(now)
                except Exception:
                    log.exception("a connection is ended")
                    channel.handle_close()
            if self.in_connection_overflow:
                self._make_room()

    def _make_room(self) -> None:
        """No more connections fit: end those whose clients ask for nothing, or are slow to say what."""
        before = time.monotonic() - CROWDED_SECONDS
        for channel in self.channels:
            if channel.has_no_head and channel.free_since <= before:
                channel.handle_close()

    def readable(self) -> bool:
        return time.monotonic() >= self._accepts_from and bool(super().readable())

    def handle_accept(self) -> None:
        """Take several who wait at the door: one in each round of the loop, as Waitress does, takes the longer the more there are."""
        for _ in range(ACCEPTED_AT_ONCE):
            self._has_accepted = False
            super().handle_accept()
            if not self._has_accepted:
                return

    def accept(self) -> Any:
        try:
            accepted = super().accept()
            self._has_accepted = accepted is not None
            return accepted
        except OSError as error:
            if error.errno not in NO_MORE_FILES:
                raise
            log.warning("no connection can be accepted: too many files are open")
            self._accepts_from = time.monotonic() + CROWDED_SECONDS  # it would fail over and over
            self._make_room()
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
        self.task_dispatcher.drain()

    def close(self) -> None:
        """End every connection at once."""
        for channel in self.channels:
            channel.cut_off()
        wasyncore.close_all(self._map)
