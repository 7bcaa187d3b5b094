"""The address of a client, also behind a proxy, and the name that all addresses of one client share."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"
"""In place of the address of a client whose proxy does not name it."""

ANY_PROXY = "*"
IPV6_NETWORK_BITS = 64
"""An IPv6 client has a whole network of addresses to choose from."""


def network_name(address: str) -> str:
    """Return one name for all addresses that one client may have: an IPv4 address, or a network of IPv6; `unknown` for what is none."""
    parsed = parse_address(address)
    if parsed is None:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        return f"network {ipaddress.ip_network((parsed, IPV6_NETWORK_BITS), strict=False)}"
    return f"address {parsed}"


def forwarded_address(forwarded: str, peer: str, trusted_proxy: str) -> str:
    """Return the address of the client of a connection from `peer`, by the header X-Forwarded-For where the trusted proxy is the peer.

    The last address in the header counts, which is the one that the proxy has seen itself. `unknown` where that is no address.
    """
    if not _is_trusted(peer, trusted_proxy) or not forwarded.strip():
        return peer
    address = parse_address(forwarded.rpartition(",")[2])
    return UNKNOWN if address is None else str(address)


def parse_address(text: str) -> Address | None:
    """Read an address as proxies write it: quoted, in brackets, with a port or a zone. An IPv4 address within IPv6 is that of IPv4."""
    text = text.strip().strip('"').strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0].strip())
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _is_trusted(peer: str, trusted_proxy: str) -> bool:
    if trusted_proxy in ("", ANY_PROXY):
        return bool(trusted_proxy)
    # A socket for both families names IPv4 peers as ::ffff:127.0.0.1.
    return peer == trusted_proxy or (parse_address(peer) or peer) == (parse_address(trusted_proxy) or trusted_proxy)
