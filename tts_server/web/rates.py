"""How often one client may ask for audio: 429 beyond, and headers that say how much is left."""

from __future__ import annotations

import ipaddress

from flask import Flask, Response, g, request

from tts_server.errors import RateLimited
from tts_server.rates import Allowance, Rates
from tts_server.web.guard import CALLER
from tts_server.web.turns import has_waited, is_long, turn

IPV6_NETWORK_BITS = 64
"""An IPv6 client has a whole network of addresses to choose from."""


def client_name() -> str:
    """Who the current request is counted for: the key that let it in, else its address."""
    if key := request.environ.get(CALLER):
        return f"key {key}"
    address = request.remote_addr or ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"address {address}"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return f"network {ipaddress.ip_network((parsed, IPV6_NETWORK_BITS), strict=False)}"
    return f"address {getattr(parsed, 'ipv4_mapped', None) or parsed}"


def install_rates(app: Flask, rates: Rates) -> None:
    """Count what makes or takes audio; health, the page and listings are not. What a WebSocket is asked to speak counts there.

    What the line refuses does not count. To be installed before the line.
    """

    @app.before_request
    def count() -> None:
        if not is_long() or not rates.rules:
            return
        client = client_name()
        if has_waited():
            g.allowance = rates.left(client)
            return
        try:
            g.allowance = rates.take(client)
        except RateLimited:
            g.allowance = rates.left(client)
            raise

    @app.after_request
    def tell(response: Response) -> Response:
        allowance: Allowance | None = g.get("allowance")
        if allowance is not None and turn().refusal is not None:
            rates.give_back(client_name())
        elif allowance is not None:
            response.headers["X-RateLimit-Limit"] = str(allowance.limit)
            response.headers["X-RateLimit-Remaining"] = str(allowance.remaining)
            response.headers["X-RateLimit-Reset"] = str(allowance.reset)
        return response
