"""Fetches `voice_url`, a reference clip from the web, without giving access to the local network (SSRF)."""

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
from urllib.parse import urljoin, urlsplit

from tts_server.errors import InvalidRequest, TooLarge

MAX_REDIRECTS = 3
CHUNK_BYTES = 64 * 1024
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""The public part of IPv6. Outside of it are, among others, IPv4 addresses in IPv6: mapped, compatible, translated, NAT64."""

SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24", "192.88.99.0/24", "3fff::/20",  # reserved; older Pythons count them as public
        "168.63.129.16/32",  # Azure's own service inside each of its machines
    )
)  # fmt: skip


@dataclass(frozen=True)
class FetchLimits:
    """The limits of a fetch: bytes, seconds for everything together, plain http, addresses that are not public."""

    max_bytes: int
    seconds: float = 15.0
    allow_http: bool = False
    allow_private: bool = False


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; of an IPv4 address within IPv6 the former decides."""
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
    so that a name with changing addresses (DNS rebinding) has no effect.
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
    with sock, _closed_at(sock, deadline):
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
    sock = _connect_to_first(addresses, port, deadline)
    if not limits.allow_private and sock.getsockname()[0] in addresses:
        # A public address of this machine: services there may trust clients on the same machine.
        sock.close()
        raise _refused("it leads to this machine")
    return sock


def _resolved(host: str, port: int, deadline: float) -> list[str]:
    """Every address of a name. The system's resolver has no time limit, so it runs in a thread that is abandoned at the deadline."""
    addresses: concurrent.futures.Future[list[str]] = concurrent.futures.Future()

    def resolve() -> None:
        try:
            addresses.set_result([str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except Exception as error:
            addresses.set_exception(error)

    threading.Thread(target=resolve, name="resolver", daemon=True).start()
    try:
        found = addresses.result(_left(deadline))
    except concurrent.futures.TimeoutError as error:
        raise TimeoutError("the name was not resolved in time") from error
    return list(dict.fromkeys(found))


def _with_tls(sock: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    except (OSError, ValueError):
        sock.close()
        raise


@contextlib.contextmanager
def _closed_at(sock: socket.socket, deadline: float) -> Iterator[None]:
    """Close the connection at the deadline, also where a slow server sends a few bytes before the timeout of each read."""
    timer = threading.Timer(_left(deadline), _shut_down, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _connect_to_first(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """Connect to the first reachable address: some may be unreachable, such as IPv6 ones from a network without it."""
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout=_left(deadline) / 2)
    return socket.create_connection((addresses[-1], port), timeout=_left(deadline))


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not SSLSocket's own shutdown, which would remove the encryption while another thread reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, limits: FetchLimits, deadline: float) -> bytes:
    body = bytearray()
    while True:
        _left(deadline)
        chunk = response.read1(CHUNK_BYTES)
        if not chunk:
            _left(deadline)  # raises where the connection was closed at the deadline
            return bytes(body)
        body += chunk
        if len(body) > limits.max_bytes:
            raise TooLarge(f"voice_url: the file is larger than {limits.max_bytes} bytes.", param="voice_url")


def _left(deadline: float) -> float:
    """The seconds until the deadline; raises TimeoutError after it."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("out of time")
    return left
