"""Fetching `voice_url`: a reference clip from the web, without becoming a door into the local network."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from tts_server.errors import InvalidRequest, TooLarge

MAX_REDIRECTS = 3
CHUNK_BYTES = 64 * 1024
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is the internet. Outside lie, among others, wrappings of IPv4: mapped, compatible, translated, NAT64."""

SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24", "192.88.99.0/24", "3fff::/20",  # reserved; older Pythons do not know that
        "168.63.129.16/32",  # Azure's own service inside each of its machines
    )
)  # fmt: skip


@dataclass(frozen=True)
class FetchLimits:
    """What a fetch may reach and take: bytes, seconds for everything together, plain http, addresses that are not public."""

    max_bytes: int
    seconds: float = 15.0
    allow_http: bool = False
    allow_private: bool = False


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, seen through IPv6 wrappings of IPv4."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or ip not in GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in SPECIAL)


def fetch(url: str, limits: FetchLimits) -> bytes:
    """The body of `url`; raises InvalidRequest or TooLarge with `voice_url` as the field.

    Each hop's name is resolved once, every address is checked, and the connection goes to the checked address itself,
    so a name that changes its answer in between gains nothing.
    """
    deadline = time.monotonic() + limits.seconds
    for _ in range(MAX_REDIRECTS + 1):
        try:
            body, redirect = _fetch_once(url, limits, deadline)
            if redirect is None:
                return body
            url = urljoin(url, redirect)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _refused("it could not be fetched") from error
    raise _refused(f"it redirects more than {MAX_REDIRECTS} times")


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"voice_url: {why}.", param="voice_url")


def _fetch_once(url: str, limits: FetchLimits, deadline: float) -> tuple[bytes, str | None]:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and limits.allow_http):
        raise _refused("only https addresses are fetched")
    if not parts.hostname or "@" in parts.netloc:
        raise _refused("it must be a plain address such as https://example.com/voice.wav")
    host, is_tls = parts.hostname, parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    sock = _connect(host, port, limits, deadline)
    if is_tls:
        sock = _with_tls(sock, host)
    with sock, _cut_off(sock, deadline):
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Host": parts.netloc, "Accept": "audio/*", "Connection": "close"})
        with contextlib.closing(connection.getresponse()) as response:
            if response.status in (301, 302, 303, 307, 308):
                location = response.getheader("Location")
                if not location:
                    raise _refused("it redirects to nowhere")
                return b"", location
            if response.status != 200:
                raise _refused(f"its server answered {response.status}")
            return _read(response, limits, deadline), None


def _connect(host: str, port: int, limits: FetchLimits, deadline: float) -> socket.socket:
    addresses = _resolved(host, port, deadline)
    if not limits.allow_private and not all(is_public(address) for address in addresses):
        raise _refused("it leads to an address that is not on the public internet")
    sock = _first_that_answers(addresses, port, deadline)
    if not limits.allow_private and sock.getsockname()[0] in addresses:
        # A public address of this very machine: what listens there may trust who comes from here.
        sock.close()
        raise _refused("it leads to this machine")
    return sock


def _resolved(host: str, port: int, deadline: float) -> list[str]:
    """Every address of a name. The system's resolver has no time limit, so a thread asks, which is left behind where it is late."""
    answer: concurrent.futures.Future[list[tuple[Any, ...]]] = concurrent.futures.Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        found = answer.result(_left(deadline))
    except concurrent.futures.TimeoutError as error:
        raise TimeoutError("the name was not resolved in time") from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def _with_tls(sock: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    except (OSError, ValueError):
        sock.close()
        raise


@contextlib.contextmanager
def _cut_off(sock: socket.socket, deadline: float) -> Iterator[None]:
    """End the connection when time is up: a server that trickles keeps every single read within its own time."""
    timer = threading.Timer(_left(deadline), _shut_down, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _first_that_answers(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """Of a name's addresses some may be out of reach, such as IPv6 ones from a network without it."""
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout=_left(deadline) / 2)
    return socket.create_connection((addresses[-1], port), timeout=_left(deadline))


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not that of SSLSocket, which would take the encryption away under the thread that reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, limits: FetchLimits, deadline: float) -> bytes:
    body = bytearray()
    while True:
        _left(deadline)
        chunk = response.read1(CHUNK_BYTES)
        if not chunk:
            _left(deadline)  # an end that came from the cut is no end
            return bytes(body)
        body += chunk
        if len(body) > limits.max_bytes:
            raise TooLarge(f"voice_url: the file is larger than {limits.max_bytes} bytes.", param="voice_url")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("out of time")
    return left
