"""All connections of the server: limits on their number and on buffered bytes, and the order in which they are closed under pressure."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from waitress.utilities import Error

JUST_BEGUN = 4.0
"""First element of the rank of a connection whose client has just connected or begun a request."""

STEADY = 5.0
"""First element of the rank of a connection that receives a body fast."""

CLOSE_SECONDS = 0.03
"""Seconds that one iteration of the loop may spend on closing connections; the next iteration continues."""

IPV6_NETWORK_BITS = 64
"""An IPv6 client usually owns a whole /64 network, so its addresses count as one client."""


class OpenConnection(Protocol):
    """What `Connections` needs of a Channel. `network` is the client's, None where many clients share it."""

    network: str | None

    @property
    def buffered(self) -> int:
        """Bytes buffered for this connection: of requests, and of replies that are not sent yet."""

    def rank(self, now: float) -> tuple[float, ...] | None:
        """Return the sort key by which connections are closed under pressure, lowest first; None if it must not be closed."""

    @property
    def has_unread_head(self) -> bool:
        """Whether a request head has arrived that the server has not read yet."""

    def upload_rate(self, now: float) -> float | None:
        """Return the bytes of its body that arrived in the last one to two seconds; None if it is not a large upload."""

    def refuse(self, error: Error) -> None:
        """Answer an error instead of waiting for the rest of a request."""

    def handle_close(self) -> None:
        """Close the connection at once."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits on the connections of a server.

    - `connections`: above this number, connections on which the server waits for the client are closed.
    - `most`: the hard limit; 0 means twice `connections`.
    - `per_address`: connections of one client; 0 means three quarters of `connections`.
    - `buffered_bytes`: bytes of all requests that are being received or processed and of all unsent replies; one client may use a quarter.

    Addresses of this machine and of `trusted_proxy` stand for many clients, so only the totals apply to them.
    """

    connections: int = 1000
    most: int = 0
    per_address: int = 0
    buffered_bytes: int = 1024 * 2**20
    trusted_proxy: str = ""

    @property
    def most_connections(self) -> int:
        return self.most or self.connections * 2

    @property
    def connections_per_address(self) -> int:
        return self.per_address or max(1, self.connections * 3 // 4)

    @property
    def buffered_bytes_per_address(self) -> int:
        return self.buffered_bytes // 4

    def network_of(self, address: str) -> str | None:
        """Return the key under which the connections of one client are counted; None for addresses that many clients share."""
        if self.trusted_proxy in ("*", address):
            return None
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return address
        if isinstance(parsed, ipaddress.IPv6Address):
            if parsed.ipv4_mapped is None:
                return None if parsed.is_loopback else str(ipaddress.ip_network((parsed, IPV6_NETWORK_BITS), strict=False))
            return self.network_of(str(parsed.ipv4_mapped))
        return None if parsed.is_loopback else str(parsed)


class Connections:
    """The open connections of a server. Only the loop thread calls its methods, except `account`, which any thread may call."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        # In the order of their arrival. Loop thread.
        self._open: dict[OpenConnection, None] = {}
        self._by_network: Counter[str] = Counter()
        # Connections with a request that was refused by its head and not answered yet. The loop thread adds, request threads discard.
        self.refusing: set[OpenConnection] = set()
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._buffered: dict[OpenConnection, int] = {}
        self._buffered_by_network: Counter[str] = Counter()
        self._total = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def buffered(self) -> int:
        """Bytes buffered for all connections."""
        return self._total

    def add(self, connection: OpenConnection) -> None:
        self._open[connection] = None
        if connection.network is not None:
            self._by_network[connection.network] += 1

    def remove(self, connection: OpenConnection) -> None:
        """Remove a closed connection. Safe to call twice. The bytes of a request in progress are counted until it ends."""
        if connection not in self._open:
            return
        del self._open[connection]
        network = connection.network
        if network is not None:
            self._by_network[network] -= 1
            if not self._by_network[network]:
                del self._by_network[network]
        self.account(connection)

    def account(self, connection: OpenConnection) -> None:
        """Update the counted bytes of one connection."""
        with self._lock:
            now = connection.buffered
            change = now - self._buffered.get(connection, 0)
            if not change:
                return
            self._total += change
            if now:
                self._buffered[connection] = now
            else:
                del self._buffered[connection]
            if connection.network is not None:
                self._buffered_by_network[connection.network] += change
                if not self._buffered_by_network[connection.network]:
                    del self._buffered_by_network[connection.network]

    def is_over(self, connection: OpenConnection) -> bool:
        """Whether the buffered bytes exceed the total limit, or the limit of this connection's client."""
        if self._total > self.limits.buffered_bytes:
            return True
        network = connection.network
        return network is not None and self._buffered_by_network[network] > self.limits.buffered_bytes_per_address

    def sharing_limit_with(self, connection: OpenConnection) -> list[OpenConnection]:
        """Return the other connections that count towards the limit of buffered bytes that this one exceeds."""
        is_total = self._total > self.limits.buffered_bytes
        return [each for each in self._open if each is not connection and (is_total or each.network == connection.network)]

    def has_capacity(self, network: str | None) -> bool:
        """Whether one more connection of a network may be open."""
        if len(self._open) >= self.limits.most_connections:
            return False
        return network is None or self._by_network[network] < self.limits.connections_per_address

    def close_excess(self, now: float) -> None:
        """Close connections above the soft limit, in the order of their ranks, but none that have just begun."""
        excess = len(self._open) - self.limits.connections
        if excess > 0:
            _close(self._open, excess, now, below=JUST_BEGUN)

    def close_for(self, network: str | None, now: float) -> None:
        """Make a new connection of a network possible: close one of its own at its limit, and others at the total limit."""
        if network is not None and self._by_network[network] >= self.limits.connections_per_address:
            _close([each for each in self._open if each.network == network], 1, now)
        if len(self._open) >= self.limits.most_connections:
            _close(self._open, len(self._open) - self.limits.connections + 1, now)

    def must_defer_accept(self, now: float) -> bool:
        """Whether to accept no connection until requests that have already arrived are read, since only those could be closed."""
        if self.has_capacity(None):
            return False
        self.close_for(None, now)
        return not self.has_capacity(None) and any(each.rank(now) is not None for each in self._open)

    def close_idle(self, now: float, number: int) -> None:
        """Close up to `number` connections on which the server waits for the client. Used when file descriptors run out."""
        _close(self._open, number, now)


def _close(connections: Iterable[OpenConnection], number: int, now: float, *, below: float = math.inf) -> None:
    ranked = [(rank, index, each) for index, each in enumerate(connections) if (rank := each.rank(now)) is not None and rank[0] < below]
    ranked.sort(key=lambda each: each[:2])
    until = time.monotonic() + CLOSE_SECONDS
    for _, _, each in ranked:
        if number <= 0 or time.monotonic() > until:
            return
        if not each.has_unread_head:
            each.handle_close()
            number -= 1
