"""The addresses of this machine: those that others can use, and whether a port is free. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on
"""Hosts that mean every address of the machine, with the one that the machine itself uses."""

PROBES = ("192.0.2.1", "10.255.255.255", "172.31.255.255", "192.168.255.255", "100.100.100.100", "2001:db8::1", "fd00::1")
"""Addresses of the internet and of private networks. The system is asked which of its own addresses it would use towards each."""

IN_USE = (errno.EADDRINUSE, 10013, 10048)

CONNECT_SECONDS = 0.5


def url_of(host: str, port: int) -> str:
    """The address of a server to open on this machine, where it listens on `host`."""
    name = EVERY_ADDRESS.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def network_addresses(host: str, port: int) -> list[str]:
    """The addresses of a server that listens on every address of this machine, as other machines can open them.

    Empty where `host` is a single address. Only addresses that answer on the port are named.
    """
    if host not in EVERY_ADDRESS:
        return []
    return [url_of(address, port) for address in own_addresses() if _answers(address, port)]


def own_addresses() -> list[str]:
    """The addresses by which other machines reach this one, IPv4 first. Nothing is sent."""
    found = [address for probe in PROBES if (address := _source_towards(probe))]
    with contextlib.suppress(OSError):
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)]
    return sorted(filter(_is_reachable, dict.fromkeys(found)), key=lambda address: ":" in address)


def is_free(host: str, port: int) -> bool:
    """Whether no other program listens on the port; also True where the address cannot be used for another reason."""
    try:
        listen_briefly(host, port)
    except OSError as error:
        return error.errno not in IN_USE
    return True


def listen_briefly(host: str, port: int) -> None:
    """Listen on an address and stop at once; raises OSError where that is not possible."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind, protocol) as listener:
        if os.name == "posix":  # as servers do; on Windows the option would take a port from its owner
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)


def _source_towards(address: str) -> str:
    """The own address from which packets to `address` would go; empty where there is no way. Connecting UDP sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0])
    return ""


def _is_reachable(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # with the name of an interface, as addresses of one link have it
        return False
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
