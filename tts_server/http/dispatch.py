"""Which request gets a thread next.

There is a thread for every turn that the admission gives at once, and RESERVE more. A request gets the next that is free. One that makes or
takes audio enters the line once its key and its rate are checked (`tts_server.web.turns`); if it has to wait, it gives its thread back, and
begins anew when its turn has come. So health, the page and every listing are answered however many texts are being spoken. In a rush of
requests they, and those whose turn has come, alternate with the others, so that they need not wait until all of those have been looked at.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from functools import partial
from typing import Protocol

from tts_server.admission import Admission, Turn

log = logging.getLogger("tts_server")

RESERVE = 8


class Parked(BaseException):
    """The request waits for its turn, and nothing of a reply is written. No Exception, so that nobody on the way takes it for a failure."""


class Connection(Protocol):
    """A connection with a request to be answered, as a Channel is one. `turn` is that of the request."""

    turn: Turn

    @property
    def only_reads(self) -> bool:
        """Whether its request is soon answered."""

    def service(self) -> None:
        """Answer it; raises Parked."""


class Dispatcher:
    """Threads that answer requests; what Waitress calls a task dispatcher."""

    def __init__(self, admission: Admission, *, reserve: int = RESERVE) -> None:
        self.admission = admission
        self._quick: deque[Connection] = deque()
        self._others: deque[Connection] = deque()
        self._took_quick = False
        self._num_busy = 0
        self._is_closing = False
        self._changed = threading.Condition()
        count = admission.slots + reserve
        self._threads = [threading.Thread(target=self._work, name=f"request-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered and nothing waits."""
        with self._changed:
            return not (self._num_busy or self._quick or self._others or self.admission.state().waiting)

    def add_task(self, connection: Connection) -> None:
        """Queue the connection's next request. Called by Waitress."""
        connection.turn = Turn()
        self._queue(connection)

    def drain(self) -> None:
        """Let none wait any longer: what comes to a thread from now on is refused by its connection."""
        self.admission.close()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        """End the threads, and wait for them for up to `timeout` seconds; what waits is dropped. The name is Waitress's."""
        self.admission.close()
        with self._changed:
            self._is_closing = True
            self._quick.clear()
            self._others.clear()
            self._changed.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if left := sum(thread.is_alive() for thread in self._threads):
            log.warning("%d requests did not end in time", left)

    def _queue(self, connection: Connection, _: object = None) -> None:
        queue = self._quick if connection.turn.begun.done() or connection.only_reads else self._others
        with self._changed:
            queue.append(connection)
            self._changed.notify()

    def _work(self) -> None:
        while (connection := self._take()) is not None:
            turn = connection.turn  # another one may be asked for before this is over
            try:
                connection.service()
            except Parked:
                connection.turn.begun.add_done_callback(partial(self._queue, connection))
            except BaseException:
                log.exception("a request failed outside of the application")
            finally:
                self.admission.leave(turn)
                with self._changed:
                    self._num_busy -= 1

    def _take(self) -> Connection | None:
        """The next one, once there is one; None at the end."""
        with self._changed:
            while not self._is_closing:
                if self._quick or self._others:
                    self._num_busy += 1
                    self._took_quick = bool(self._quick) and not (self._took_quick and self._others)
                    return (self._quick if self._took_quick else self._others).popleft()
                self._changed.wait()
        return None
