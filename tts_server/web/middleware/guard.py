"""Applies the request checks inside Flask: to every request, unless the server has checked it already."""

from __future__ import annotations

from flask import Flask, Response, g, request

from tts_server.errors import TTSError
from tts_server.web.middleware.browsers import install_browser_headers
from tts_server.web.middleware.checks import PolicyChecks
from tts_server.web.middleware.head_checks import ACCESS, Access
from tts_server.web.middleware.rate_headers import ALLOWANCE
from tts_server.web.options import WebOptions
from tts_server.web.route_map import RouteMap
from tts_server.wsgi import REFUSAL

CALLER = "tts_server.caller"
"""Key of the environment for the name of the request's key."""


def install_guard(app: Flask, routes: RouteMap, checks: PolicyChecks, options: WebOptions) -> None:
    """Check every request before its view: Host, origin, key and role, rate of the client, in this order."""

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
                request.max_content_length = access.policy.max_body_bytes  # for chunked bodies, whose length the head does not contain
            if access.key is not None:
                environ[CALLER] = access.key.name
                g.key = access.key
        if isinstance(refusal, TTSError):
            raise refusal
        return Response(status=204) if isinstance(access, Access) and access.is_preflight else None

    install_browser_headers(app, routes, options)
