"""Who may ask: the key, the Host header, and pages of other sites."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from urllib.parse import urlsplit

from flask import Flask, Response, request

from tts_server.errors import Forbidden, Unauthorized
from tts_server.web.options import WebOptions

OPEN_PATHS = frozenset({"/", "/favicon.ico", "/health", "/healthz"})
ADMIN_PATHS = "/admin/"
VOICE_PATHS = ("/v1/voices", "/v1/audio/voices")
PROTOCOL_WITH_KEY = "openai-insecure-api-key."
LOCAL_SUFFIXES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CORS_ALLOWED_HEADERS = "Authorization, Content-Type, x-api-key, x-request-id, Cache-Control"
CORS_EXPOSED_HEADERS = (
    "x-request-id, X-Model, X-Voice, X-Voice-Cloning, X-Ignored-Parameters, X-Retries, X-Sample-Rate, X-Seed, X-Cache, X-Route, Retry-After"
)


def install_guard(app: Flask, options: WebOptions) -> None:
    """Check every request before its view: Host, then origin, then key."""

    @app.before_request
    def check() -> Response | None:
        check_host(request.headers.get("Host", ""), options)
        origin = request.headers.get("Origin")
        if is_preflight() and origin_allowed(origin, options):
            return Response(status=204)
        if request.method not in SAFE_METHODS:
            check_origin(origin, options)
        if options.api_keys and not is_open(request.path):
            check_key(options)
        if changes_server() and not options.is_admin_on:
            raise Forbidden("Without a key this server is not changed from outside. Set API_KEYS to use this address.", code="admin_off")
        return None

    @app.after_request
    def allow_origin(response: Response) -> Response:
        if not options.allowed_origins:
            return response
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin and origin_allowed(origin, options):
            response.headers["Access-Control-Allow-Origin"] = "*" if "*" in options.allowed_origins else origin
            response.headers["Access-Control-Expose-Headers"] = CORS_EXPOSED_HEADERS
            if is_preflight():
                response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
                response.headers["Access-Control-Allow-Headers"] = CORS_ALLOWED_HEADERS
                response.headers["Access-Control-Max-Age"] = "600"
        return response


def is_open(path: str) -> bool:
    """Whether a path is answered without a key: health and the page's own files."""
    return path in OPEN_PATHS or path.startswith("/static/")


def is_preflight() -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def changes_server() -> bool:
    """Whether a request is about more than itself: models, and voices that others use too."""
    return request.path.startswith(ADMIN_PATHS) or (request.method not in SAFE_METHODS and request.path.startswith(VOICE_PATHS))


def check_key(options: WebOptions) -> None:
    """Raise Unauthorized unless the request brings one of the keys; compared in constant time."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = [request.headers.get("x-api-key", "").strip()]
    if scheme.lower() == "bearer":
        given.append(token.strip())
    # Pages cannot set headers of a WebSocket, so OpenAI's clients put the key among its protocols.
    protocols = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    given += [part.strip().removeprefix(PROTOCOL_WITH_KEY) for part in protocols if part.strip().startswith(PROTOCOL_WITH_KEY)]
    # Headers arrive as Latin-1 text, whatever the client meant by its bytes.
    sent = [g.encode("latin-1", "replace") for g in given if g]
    matches = [
        hmac.compare_digest(s, key.encode(coding, "replace")) for s in sent for key in options.api_keys for coding in ("utf-8", "latin-1")
    ]
    if not any(matches):
        raise Unauthorized("This server needs a key: send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.")


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; empty where it is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def check_host(host: str, options: WebOptions) -> None:
    """Refuse foreign host names: a page whose name was re-pointed to this address must not reach the server.

    Addresses cannot be re-pointed, nor can names without a dot or of the local network, so those pass.
    """
    if "*" in options.allowed_hosts:
        return
    name = host_name(host)
    known = {"localhost", options.listening_on.lower(), socket.gethostname().lower(), *(h.lower() for h in options.allowed_hosts)}
    if name and (name in known or name.endswith(LOCAL_SUFFIXES) or "." not in name or _is_address(name)):
        return
    told = f"the name {name!r}. Add it to ALLOWED_HOSTS if it is yours" if name else "a request without a proper Host header"
    raise Forbidden(f"This server does not answer to {told}.", code="forbidden_host")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def origin_allowed(origin: str | None, options: WebOptions) -> bool:
    return origin is not None and ("*" in options.allowed_origins or origin in options.allowed_origins)


def check_origin(origin: str | None, options: WebOptions) -> None:
    """Refuse requests that another site's page sends through the user's browser. Other programs send no Origin."""
    if origin_allowed(origin, options):
        return
    if origin is not None:
        is_same = urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()
    else:
        is_same = request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    if not is_same:
        message = "Pages of other sites may not use this server. Add their origin to CORS_ORIGINS to allow it."
        raise Forbidden(message, code="forbidden_origin")
