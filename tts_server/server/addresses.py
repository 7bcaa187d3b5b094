"""Finds the addresses that a server listens on: all addresses of its host, with the same port."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from waitress import wasyncore

log = logging.getLogger("tts_server")

LOOPBACK = ("127.0.0.1", "::1")
ALL_ADDRESSES = ("::", "0.0.0.0")  # noqa: S104
NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, 10043, 10047, 10049)
"""Errors for an address that the machine does not have, or for missing IPv6; the last three are error numbers of Windows."""

IN_USE = (errno.EADDRINUSE, errno.EACCES, 10013, 10048)
PORT_ATTEMPTS = 20


class Listening(Protocol):
    """A listener on one address that can listen on more."""

    def listen_on(self, address: str) -> None:
        """Listen on one more address; raises OSError."""

    def close(self) -> None:
        """Stop listening."""


SomeListener = TypeVar("SomeListener", bound=Listening)


def find_addresses(host: str, port: int) -> list[str]:
    """Return the numeric addresses to listen on for a host. `localhost` and `::` mean both IPv4 and IPv6. Raises OSError."""
    if host.lower() == "localhost":
        return list(LOOPBACK)
    if host == "::":
        return list(ALL_ADDRESSES)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def listen_on_all(open_listener: Callable[[str, int], SomeListener], addresses: Sequence[str], port: int) -> SomeListener:
    """Listen on every given address that this machine has, on one port, and return the listener. Raises OSError.

    Port 0 means any port that is free on all of them.
    """
    for attempt in range(1, PORT_ATTEMPTS + 1):
        listener: SomeListener | None = None
        missing: OSError | None = None
        try:
            for address in addresses:
                try:
                    if listener is None:
                        listener = open_listener(address, port)
                    else:
                        listener.listen_on(address)
                except OSError as error:
                    if error.errno not in NOT_HERE:
                        raise
                    missing = error
        except OSError as error:
            is_chosen = listener is not None and port == 0
            if listener is not None:
                listener.close()
            if is_chosen and error.errno in IN_USE and attempt < PORT_ATTEMPTS:
                continue  # the port was free on the first address only
            raise
        if listener is not None:
            return listener
        if missing is not None:
            raise missing
    raise OSError(errno.EADDRINUSE, "no port is free on all addresses")


class FurtherAddress(wasyncore.dispatcher):
    """A further listening socket of a listener, which accepts its connections. Raises OSError if the address cannot be used."""

    def __init__(self, listener: Any, address: str, port: int, backlog: int, sockets: dict[int, Any]) -> None:
        super().__init__(map=sockets)
        self._listener = listener
        family, kind, _, _, endpoint = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
        self.create_socket(family, kind)
        try:
            if family == socket.AF_INET6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.set_reuse_addr()
            self.bind(endpoint)
            self.accepting = True
            self.socket.listen(backlog)
        except OSError:
            self.close()
            raise

    def readable(self) -> bool:
        return bool(self._listener.readable())

    def writable(self) -> bool:
        return False

    def handle_accept(self) -> None:
        self._listener.handle_accept()

    def handle_error(self) -> None:
        self._listener.handle_error()
