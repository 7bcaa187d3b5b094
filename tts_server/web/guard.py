"""Applies the gate to every request of the application, unless the server in front of it has done so already."""

from __future__ import annotations

from flask import Flask, Response, g, request

from tts_server.errors import TTSError
from tts_server.web.browsers import describe_to_browsers
from tts_server.web.gate import ACCESS, REFUSAL, Access, Gate
from tts_server.web.options import WebOptions

CALLER = "tts_server.caller"
"""In the environment: the name of the key that a request came with."""


def install_guard(app: Flask, gate: Gate, options: WebOptions) -> None:
    """Check every request before its view: Host, then origin, then key and role."""

    @app.before_request
    def check() -> Response | None:
        refusal = request.environ.get(REFUSAL)
        if isinstance(refusal, TTSError):
            raise refusal
        checked = request.environ.get(ACCESS)
        access = checked if isinstance(checked, Access) else gate.check(request.environ)
        g.access = access
        if access.key is not None:
            request.environ[CALLER] = access.key.name
            g.key = access.key
        return Response(status=204) if access.is_preflight else None

    describe_to_browsers(app, options)
