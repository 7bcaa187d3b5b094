"""Protection against attacks through a user's browser: DNS rebinding (Host), CSRF, CORS, framing and markup."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import partial
from urllib.parse import urlsplit

from flask import Flask, Response, request

from tts_server.errors import Forbidden
from tts_server.web.head import RequestHead, read_head
from tts_server.web.options import WebOptions
from tts_server.web.policy import CrossSite, RoutePolicy
from tts_server.web.route_map import RouteMap

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s\[\]@:/\\?#]+)(?::\d*)?")
LOCAL_SUFFIXES = (".local", ".lan", ".internal", ".home.arpa", ".localdomain", ".home")
"""Suffixes of names that every machine in a local network can claim, and then serve a page that reaches this server by that name."""

CONTAINER_HOST_NAMES = frozenset({"host.docker.internal", "gateway.docker.internal", "host.containers.internal"})
"""Names of the host machine inside of containers; no other machine can claim them."""

LOOPBACK_SUFFIX = ".localhost"
"""Names that always resolve to the own machine."""

HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
CORS_ALLOWED_HEADERS = "Authorization, Content-Type, x-api-key, xi-api-key, x-request-id, Cache-Control"
"""For a preflight without valid `Access-Control-Request-Headers`."""

CORS_EXPOSED_HEADERS = (
    "x-request-id, X-Model, X-Voice, X-Voice-Cloning, X-Ignored-Parameters, X-Removed-Voices, X-Retries, X-Sample-Rate, X-Seed, "
    "X-Cache, X-Route, Retry-After, X-Queue-Position, X-Queue-Wait, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
)
NO_MARKUP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of HTML that has none of its own."""


def is_preflight(head: RequestHead) -> bool:
    """Return whether a request is a CORS preflight."""
    return head.method == "OPTIONS" and "access-control-request-method" in head.headers


def cors_policy(head: RequestHead, routes: RouteMap) -> RoutePolicy:
    """Return the policy of a request's route; for a preflight, that of the request that follows it."""
    method = head.header("access-control-request-method").strip().upper() if is_preflight(head) else ""
    return routes.find_policy(method or head.method, head.path, is_websocket=head.is_websocket)


def install_browser_headers(app: Flask, routes: RouteMap, options: WebOptions) -> None:
    """Add headers for browsers to every reply: CORS, and those against sniffing, framing, embedding and referrers."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        # Without CORS, pages of other sites must not embed audio or images either.
        allows_cors = bool(options.allowed_origins) and cors_policy(read_head(request.environ), routes).allows_cors
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if allows_cors else "same-origin")
        if response.mimetype == "text/html":
            headers.setdefault("Content-Security-Policy", NO_MARKUP)
            headers.setdefault("X-Frame-Options", "DENY")
        if allows_cors:
            allow_origin(response, options)
        return response


def allow_origin(response: Response, options: WebOptions) -> None:
    """Add the CORS headers if the origin is allowed. Credentials are never allowed: the key is a header, not a cookie."""
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if not origin or not is_listed(origin, options):
        return
    response.headers["Access-Control-Allow-Origin"] = "*" if "*" in options.allowed_origins else origin
    response.headers["Access-Control-Expose-Headers"] = CORS_EXPOSED_HEADERS
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
        # An allowed origin may send any header, since libraries add their own, such as OpenAI's x-stainless-*.
        requested = request.headers.get("Access-Control-Request-Headers", "").strip()
        response.headers["Access-Control-Allow-Headers"] = requested if HEADER_NAMES.fullmatch(requested) else CORS_ALLOWED_HEADERS
        response.headers.add("Vary", "Access-Control-Request-Headers")
        response.headers["Access-Control-Max-Age"] = "600"


def host_name(host: str) -> str:
    """Return the name in a Host header, without port and brackets, in lower case; empty if it is malformed."""
    found = HOST.fullmatch(host)
    return found[1].strip("[]").lower().rstrip(".") if found else ""


def check_host(host: str, options: WebOptions) -> None:
    """Raise Forbidden for host names that are not this server's, as a protection against DNS rebinding.

    IP addresses are safe. Names of a local network, which any machine in it can claim, pass only with `allow_local_names`, except for this
    machine's own name.
    """
    if "*" in options.allowed_hosts:
        return
    name = host_name(host)
    if name and (_is_address(name) or name in own_names(options) or name.endswith(LOOPBACK_SUFFIX)):
        return
    is_local = bool(name) and ("." not in name or name.endswith(LOCAL_SUFFIXES))
    if is_local and options.allow_local_names:
        return
    if not name:
        raise Forbidden("The request has no valid Host header.", code="forbidden_host")
    remedy = f"If it is a name of this server, add it to ALLOWED_HOSTS: ALLOWED_HOSTS={name}"
    if is_local:
        remedy += ". Or allow all names of the local network with ALLOW_LOCAL_NAMES=true"
    raise Forbidden(f"The host name {name!r} is not allowed. {remedy}.", code="forbidden_host")


def own_names(options: WebOptions) -> set[str]:
    """Return the host names of this server, in lower case: those of the machine and those of the settings."""
    own = socket.gethostname().lower().rstrip(".")
    bare = own.partition(".")[0]
    local = {bare + suffix for suffix in LOCAL_SUFFIXES} if bare else set()
    allowed = {host.lower().rstrip(".") for host in options.allowed_hosts}
    return {"localhost", own, bare, *local, *CONTAINER_HOST_NAMES, options.listening_on.lower(), *allowed}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_listed(origin: str | None, options: WebOptions) -> bool:
    """Return whether an origin is one of CORS_ORIGINS."""
    return origin is not None and ("*" in options.allowed_origins or origin in options.allowed_origins)


def origin_allowed(origin: str | None, policy: RoutePolicy, options: WebOptions) -> bool:
    """Return whether pages of an origin may use a route."""
    return policy.allows_cors and is_listed(origin, options)


def check_site(head: RequestHead, policy: RoutePolicy, options: WebOptions) -> None:
    """Raise Forbidden for a request by a page of another site that the policy does not allow."""
    if not head.is_safe or policy.cross_site is CrossSite.OWN_PAGES:
        check_origin(head, policy, options)
    elif policy.cross_site is CrossSite.ANYTHING:
        return
    elif _is_of_other_site(head, policy, options) and not (policy.cross_site is CrossSite.LINK and _is_navigation(head)):
        raise _forbidden_origin()
    if head.header("upgrade"):  # browsers send no preflight before a WebSocket
        check_origin(head, policy, options)


def check_origin(head: RequestHead, policy: RoutePolicy, options: WebOptions) -> None:
    """Raise Forbidden for requests by pages of other sites. Programs other than browsers send no Origin and pass.

    Pages cannot set Sec-Fetch-Site, so `same-origin` is reliable even if a proxy has replaced the Host.
    """
    origin = head.headers.get("origin")
    if origin_allowed(origin, policy, options):
        return
    site = head.headers.get("sec-fetch-site")
    if site == "same-origin":
        return
    is_same = _is_same_site(origin, head) if origin is not None else site in (None, "none")
    if not is_same:
        raise _forbidden_origin()


def _is_of_other_site(head: RequestHead, policy: RoutePolicy, options: WebOptions) -> bool:
    """Return whether a GET comes from a page of a site that is not allowed. Media and frames send no Origin, and sometimes no Referer."""
    is_allowed = partial(origin_allowed, policy=policy, options=options)
    site = head.headers.get("sec-fetch-site")
    if site in ("none", "same-origin"):
        return False
    source = head.headers.get("origin") or _origin_of(head.header("referer"))
    if site is None:
        # An old browser, an address without https, for which browsers do not send it, or another program.
        must_check = policy.cross_site is CrossSite.NOTHING
        return must_check and source is not None and not _is_same_site(source, head) and not is_allowed(source)
    return not is_allowed(source) if source is not None else not (options.allowed_origins and policy.allows_cors)


def _is_navigation(head: RequestHead) -> bool:
    """Return whether the user follows a link, so that the page with the link cannot read the reply. Frames do not count."""
    return head.header("sec-fetch-mode") == "navigate" and head.header("sec-fetch-dest") == "document"


def _origin_of(address: str) -> str | None:
    scheme, separator, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if separator else None


def _is_same_site(origin: str, head: RequestHead) -> bool:
    """Return whether an origin is this server's own, by the Host of the request. False for `null` and malformed origins."""
    try:
        named = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(named) and named == head.header("host").lower()


def _forbidden_origin() -> Forbidden:
    return Forbidden(
        "Pages of other sites may not use this server. To allow a site, add its origin to CORS_ORIGINS. If this is the server's own page "
        "behind a proxy, configure the proxy to forward the Host header (nginx: proxy_set_header Host $http_host;).",
        code="forbidden_origin",
    )
