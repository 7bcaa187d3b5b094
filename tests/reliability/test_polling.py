"""In which order the loop handles the connections that are ready, and for how long."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tts_server.server.polling import poll_once

NUM = 6


class Readable:
    """A connection with something to read, as Waitress's loop sees it; it notes when it is read."""

    accepting = False

    def __init__(self, name: str, sock: socket.socket, order: list[str]) -> None:
        self._fileno = sock.fileno()
        self._name = name
        self._order = order

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        self._order.append(self._name)


class Costly(Readable):
    """One whose last reads took `cost` seconds."""

    def __init__(self, name: str, sock: socket.socket, order: list[str], cost: float) -> None:
        super().__init__(name, sock, order)
        self._cost = cost

    def recent_cost(self, now: float) -> float:
        return self._cost


@pytest.fixture
def socks() -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(NUM)]
        for one, other in pairs:
            stack.enter_context(one)
            stack.enter_context(other)
            other.sendall(b"x")
        yield [one for one, _ in pairs]


def test_new_connections_are_read_from_both_ends_before_those_that_cost_time(socks: list[socket.socket]) -> None:
    order: list[str] = []
    costs = [0.3, 0.0, 0.0, 0.1, 0.0]
    dispatchers = [Costly(f"{number}", sock, order, cost) for number, (sock, cost) in enumerate(zip(socks, costs, strict=False))]
    dispatchers.append(Readable("listener", socks[-1], order))
    assert poll_once({each._fileno: each for each in dispatchers}, 1.0) is False
    assert order == ["listener", "4", "1", "2", "3", "0"]


def test_a_pass_ends_after_its_time_and_says_that_some_are_left(socks: list[socket.socket]) -> None:
    order: list[str] = []
    dispatchers = {sock.fileno(): Costly(f"{number}", sock, order, 0.0) for number, sock in enumerate(socks)}
    listener = Readable("listener", socks[0], order)
    dispatchers[socks[0].fileno()] = listener
    assert poll_once(dispatchers, 1.0, pass_seconds=0.0) is True
    assert order == ["listener", "5"]
    assert poll_once({}, 0.0) is False
