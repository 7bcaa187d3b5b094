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
STEADY = 5.0

CLOSE_SECONDS = 0.03
"""Seconds that one pass of the loop may spend on closing connections; the next pass continues."""

IPV6_NETWORK_BITS = 64
"""An IPv6 client usually owns a whole /64 network, so its addresses count as one client."""


class Connection(Protocol):
    """A connection, as a Channel is one. `network` is the client's, None where many clients share it."""

    network: str | None

    @property
    def buffered(self) -> int:
        """Bytes that are buffered for it: of requests, and of replies that are not sent."""

    def rank(self, now: float) -> tuple[float, ...] | None:
        """Return the sort key by which connections are closed under pressure, lowest first; None if it must not be closed.

        It begins with JUST_BEGUN where the client has just connected or begun a request, with STEADY where a body keeps coming fast.
        """

    @property
    def has_unread_head(self) -> bool:
        """Whether a request head has arrived that the server has not read yet."""

    def upload_rate(self, now: float) -> float | None:
        """Bytes of its body that arrived in the last one to two seconds; None if it is not a sizeable upload."""

    def refuse(self, error: Error) -> None:
        """Answer an error instead of waiting for the rest of a request."""

    def handle_close(self) -> None:
        """Close it at once."""


@dataclass(frozen=True)
class ConnectionLimits:
    """`connections` may be open before some are closed for others, `most` where none can be; 0 for `most`: twice as many.

    Of one address come at most `per_address`, 0: three quarters of all. `buffered_bytes` are those of all requests that are read or
    worked on and of all replies that are not sent; one address may have a quarter of them. Addresses of this machine and of
    `trusted_proxy`, behind which there are many clients, are bounded by the totals alone.
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
        """What all connections of one client have in common; None for addresses that many clients share."""
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
    """The open connections, and those of them that are `refusing` a request by its head.

    Only the loop thread calls its methods, except `account`, which any thread may call.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[Connection, None] = {}  # in the order of their arrival
        self._by_network: Counter[str] = Counter()
        self._buffered: dict[Connection, int] = {}
        self._buffered_by_network: Counter[str] = Counter()
        self.refusing: set[Connection] = set()
        self._total = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def buffered(self) -> int:
        """Bytes that are buffered for all of them."""
        return self._total

    def add(self, connection: Connection) -> None:
        self._open[connection] = None
        if connection.network is not None:
            self._by_network[connection.network] += 1

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection. Safe to call twice. The bytes of a request in progress stay counted until it ends."""
        if connection not in self._open:
            return
        del self._open[connection]
        network = connection.network
        if network is not None:
            self._by_network[network] -= 1
            if not self._by_network[network]:
                del self._by_network[network]
        self.account(connection)

    def account(self, connection: Connection) -> None:
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

    def is_over(self, connection: Connection) -> bool:
        """Whether the buffered bytes exceed the total limit, or the limit of this connection's client."""
        if self._total > self.limits.buffered_bytes:
            return True
        network = connection.network
        return network is not None and self._buffered_by_network[network] > self.limits.buffered_bytes_per_address

    def sharing(self, connection: Connection) -> list[Connection]:
        """Return the other connections that count towards the limit that this one exceeds."""
        is_total = self._total > self.limits.buffered_bytes
        return [each for each in self._open if each is not connection and (is_total or each.network == connection.network)]

    def has_room(self, network: str | None) -> bool:
        """Whether one more connection may be open."""
        if len(self._open) >= self.limits.most_connections:
            return False
        return network is None or self._by_network[network] < self.limits.connections_per_address

    def make_room(self, now: float) -> None:
        """Close the connections above the limit, in the order of their ranks; never those that have just begun."""
        excess = len(self._open) - self.limits.connections
        if excess > 0:
            _close(self._open, excess, now, below=JUST_BEGUN)

    def make_room_for(self, network: str | None, now: float) -> None:
        """Close one connection of the client if it is at its limit, and enough of all connections if the total is at its limit."""
        if network is not None and self._by_network[network] >= self.limits.connections_per_address:
            _close([each for each in self._open if each.network == network], 1, now)
        if len(self._open) >= self.limits.most_connections:
            _close(self._open, len(self._open) - self.limits.connections + 1, now)

    def must_wait(self, now: float) -> bool:
        """Whether accepting has to wait until requests that have already arrived are read."""
        if self.has_room(None):
            return False
        self.make_room_for(None, now)
        return not self.has_room(None) and any(each.rank(now) is not None for each in self._open)

    def close_waiting(self, now: float, number: int) -> None:
        """Close up to `number` connections on which the server waits for the client; for when the system has no more descriptors."""
        _close(self._open, number, now)


def _close(connections: Iterable[Connection], number: int, now: float, *, below: float = math.inf) -> None:
    ranked = [(rank, place, each) for place, each in enumerate(connections) if (rank := each.rank(now)) is not None and rank[0] < below]
    ranked.sort(key=lambda each: each[:2])
    until = time.monotonic() + CLOSE_SECONDS
    for _, _, each in ranked:
        if number <= 0 or time.monotonic() > until:
            return
        if not each.has_unread_head:
            each.handle_close()
            number -= 1
