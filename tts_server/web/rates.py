"""What replies say of how often their client may still ask. What goes beyond is refused by `checks.py`."""

from __future__ import annotations

from flask import Flask, Response, g, request

from tts_server.rates import Allowance, Rates
from tts_server.web.tickets import current_ticket

ALLOWANCE = "tts_server.allowance"
"""Where the server puts the Allowance of a request's client in its environment, if it was counted."""


def install_rates(app: Flask, rates: Rates) -> None:
    """Add the headers of the rate limit to what is counted."""

    @app.after_request
    def describe_allowance(response: Response) -> Response:
        allowance = request.environ.get(ALLOWANCE)
        if not isinstance(allowance, Allowance):
            return response
        ticket = current_ticket()
        if ticket is not None and ticket.position:  # time has passed since it was counted
            allowance = rates.left(g.access.client)
        response.headers["X-RateLimit-Limit"] = str(allowance.limit)
        response.headers["X-RateLimit-Remaining"] = str(allowance.remaining)
        response.headers["X-RateLimit-Reset"] = str(allowance.reset)
        return response
