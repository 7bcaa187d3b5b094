"""The headers of the rate limit. `checks.py` enforces the limit."""

from __future__ import annotations

from flask import Flask, Response, g, request

from tts_server.rates import Allowance, Rates
from tts_server.web.middleware.tickets import current_ticket

ALLOWANCE = "tts_server.allowance"
"""Key of the environment for the Allowance of the request's client; None if the request was not counted."""


def install_rates(app: Flask, rates: Rates) -> None:
    """Add the headers of the rate limit to replies to counted requests."""

    @app.after_request
    def add_allowance(response: Response) -> Response:
        allowance = request.environ.get(ALLOWANCE)
        if not isinstance(allowance, Allowance):
            return response
        ticket = current_ticket()
        if ticket is not None and ticket.position:  # the request waited after it was counted
            allowance = rates.left(g.access.client)
        response.headers["X-RateLimit-Limit"] = str(allowance.limit)
        response.headers["X-RateLimit-Remaining"] = str(allowance.remaining)
        response.headers["X-RateLimit-Reset"] = str(allowance.reset)
        return response
