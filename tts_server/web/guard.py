"""Applies the checks to every request of the application, unless the server has done so already."""

from __future__ import annotations

from flask import Flask, Response, g, request

from tts_server.errors import TTSError
from tts_server.web.browsers import install_browser_headers
from tts_server.web.checks import PolicyChecks
from tts_server.web.gate import ACCESS, Access
from tts_server.web.options import WebOptions
from tts_server.web.rates import ALLOWANCE
from tts_server.web.route_map import RouteMap
from tts_server.wsgi import REFUSAL

CALLER = "tts_server.caller"
"""In the environment: the name of the key that a request came with."""


def install_guard(app: Flask, routes: RouteMap, checks: PolicyChecks, options: WebOptions) -> None:
    """Check every request before its view: Host, then origin, then key and role, then the rate of its client."""

    @app.before_request
    def check() -> Response | None:
        environ = request.environ
        access = environ.get(ACCESS)
        refusal = environ.get(REFUSAL)
        if access is None and refusal is None:
            access = environ[ACCESS] = checks.check(environ)
            counted = checks.count(access)
            environ[ALLOWANCE] = counted.allowance
            refusal = counted.refusal
        if isinstance(access, Access):
            g.access = access
            if access.policy.max_body_bytes is not None:
                request.max_content_length = access.policy.max_body_bytes  # of a body in chunks, whose head names no length
            if access.key is not None:
                environ[CALLER] = access.key.name
                g.key = access.key
        if isinstance(refusal, TTSError):
            raise refusal
        return Response(status=204) if isinstance(access, Access) and access.is_preflight else None

    install_browser_headers(app, routes, options)
