"""Protection against what a browser can be made to do: foreign host names (DNS rebinding), CSRF, CORS, frames, markup."""

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
"""Ends of names that anybody in the same local network can claim, so that a page of theirs could reach this server by such a name."""

CONTAINER_HOST_NAMES = frozenset({"host.docker.internal", "gateway.docker.internal", "host.containers.internal"})
"""What containers call the machine that runs them; no other machine can claim these names."""

LOOPBACK_SUFFIX = ".localhost"
"""Browsers and resolvers never look these names up, so they cannot be pointed elsewhere."""

HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
CORS_ALLOWED_HEADERS = "Authorization, Content-Type, x-api-key, xi-api-key, x-request-id, Cache-Control"
"""For a preflight that asks for none, or not for names of headers."""
CORS_EXPOSED_HEADERS = (
    "x-request-id, X-Model, X-Voice, X-Voice-Cloning, X-Ignored-Parameters, X-Removed-Voices, X-Retries, X-Sample-Rate, X-Seed, "
    "X-Cache, X-Route, Retry-After, X-Queue-Position, X-Queue-Wait, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
)
NO_MARKUP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of HTML that brings none of its own."""


def is_preflight(head: RequestHead) -> bool:
    """Whether a browser asks by CORS what a page of another site may send."""
    return head.method == "OPTIONS" and "access-control-request-method" in head.headers


def cors_policy(head: RequestHead, routes: RouteMap) -> RoutePolicy:
    """Return the policy of a request's route; for a preflight that of the request that the browser wants to send."""
    asked = head.header("access-control-request-method").strip().upper() if is_preflight(head) else ""
    return routes.find_policy(asked or head.method, head.path, is_websocket=head.is_websocket)


def install_browser_headers(app: Flask, routes: RouteMap, options: WebOptions) -> None:
    """Add to every reply the headers for browsers: CORS, and those against sniffing, framing, embedding and referrers."""

    @app.after_request
    def describe(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        # Without CORS no other site's page may play or show what is here either.
        allows_cors = bool(options.allowed_origins) and cors_policy(read_head(request.environ), routes).allows_cors
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if allows_cors else "same-origin")
        if response.mimetype == "text/html":
            headers.setdefault("Content-Security-Policy", NO_MARKUP)
            headers.setdefault("X-Frame-Options", "DENY")
        if allows_cors:
            allow_origin(response, options)
        return response


def allow_origin(response: Response, options: WebOptions) -> None:
    """Let the page that asked read the reply, if its site is allowed. Never with credentials: the key is a header, not a cookie."""
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if not origin or not is_listed(origin, options):
        return
    response.headers["Access-Control-Allow-Origin"] = "*" if "*" in options.allowed_origins else origin
    response.headers["Access-Control-Expose-Headers"] = CORS_EXPOSED_HEADERS
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
        # Libraries send headers of their own, such as OpenAI's x-stainless-*: an allowed origin may send any.
        asked = request.headers.get("Access-Control-Request-Headers", "").strip()
        response.headers["Access-Control-Allow-Headers"] = asked if HEADER_NAMES.fullmatch(asked) else CORS_ALLOWED_HEADERS
        response.headers.add("Vary", "Access-Control-Request-Headers")
        response.headers["Access-Control-Max-Age"] = "600"


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; empty where it is malformed."""
    found = HOST.fullmatch(host)
    return found[1].strip("[]").lower().rstrip(".") if found else ""


def check_host(host: str, options: WebOptions) -> None:
    """Refuse foreign host names: a page whose name was re-pointed to this address must not reach the server.

    Addresses cannot be re-pointed. Names of a local network, which any machine in it can claim, pass only where `allow_local_names` is set,
    but for this machine's own name.
    """
    if "*" in options.allowed_hosts:
        return
    name = host_name(host)
    if name and (_is_address(name) or name in known_names(options) or name.endswith(LOOPBACK_SUFFIX)):
        return
    is_local = bool(name) and ("." not in name or name.endswith(LOCAL_SUFFIXES))
    if is_local and options.allow_local_names:
        return
    if not name:
        raise Forbidden("This server does not answer to a request without a proper Host header.", code="forbidden_host")
    remedy = f"Add it to ALLOWED_HOSTS if it is yours: ALLOWED_HOSTS={name}"
    if is_local:
        remedy += ". Or allow all names of the local network with ALLOW_LOCAL_NAMES=true"
    raise Forbidden(f"This server does not answer to the name {name!r}. {remedy}.", code="forbidden_host")


def known_names(options: WebOptions) -> set[str]:
    """The host names, in lower case, that are this server's: those of this machine and those that the settings name."""
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
    """Whether an origin is one of CORS_ORIGINS."""
    return origin is not None and ("*" in options.allowed_origins or origin in options.allowed_origins)


def origin_allowed(origin: str | None, policy: RoutePolicy, options: WebOptions) -> bool:
    """Whether pages of an origin may use a route."""
    return policy.allows_cors and is_listed(origin, options)


def check_site(head: RequestHead, policy: RoutePolicy, options: WebOptions) -> None:
    """Raise Forbidden for what the policy does not let a page of another site make the user's browser send."""
    if not head.is_safe or policy.cross_site is CrossSite.OWN_PAGES:
        check_origin(head, policy, options)
    elif policy.cross_site is CrossSite.ANYTHING:
        return
    elif _is_of_other_site(head, policy, options) and not (policy.cross_site is CrossSite.LINK and _is_navigation(head)):
        raise _forbidden_origin()
    if head.header("upgrade"):  # browsers send no preflight before a WebSocket
        check_origin(head, policy, options)


def check_origin(head: RequestHead, policy: RoutePolicy, options: WebOptions) -> None:
    """Refuse requests that another site's page sends through the user's browser. Other programs send no Origin.

    Pages cannot write Sec-Fetch-Site, so `same-origin` holds also where a proxy has replaced the Host.
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
    """Whether a GET comes from a page of a site that is not allowed. Images, sounds and frames carry no Origin, and perhaps no Referer."""
    is_allowed = partial(origin_allowed, policy=policy, options=options)
    site = head.headers.get("sec-fetch-site")
    if site in ("none", "same-origin"):
        return False
    source = head.headers.get("origin") or _origin_of(head.header("referer"))
    if site is None:
        # An old browser, or an address without https, where browsers do not send it; or no browser at all.
        must_check = policy.cross_site is CrossSite.NOTHING
        return must_check and source is not None and not _is_same_site(source, head) and not is_allowed(source)
    return not is_allowed(source) if source is not None else not (options.allowed_origins and policy.allows_cors)


def _is_navigation(head: RequestHead) -> bool:
    """Whether the user follows a link, so that the page that has it learns nothing. A frame is none."""
    return head.header("sec-fetch-mode") == "navigate" and head.header("sec-fetch-dest") == "document"


def _origin_of(address: str) -> str | None:
    scheme, separator, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if separator else None


def _is_same_site(origin: str, head: RequestHead) -> bool:
    """Whether an origin is this server's own, as the request names it. `null` and what is no address are nobody's."""
    try:
        named = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(named) and named == head.header("host").lower()


def _forbidden_origin() -> Forbidden:
    return Forbidden(
        "Pages of other sites may not use this server. Add their origin to CORS_ORIGINS to allow it. If this is the server's own page "
        "behind a proxy, let the proxy pass on the Host header (nginx: proxy_set_header Host $http_host;).",
        code="forbidden_origin",
    )
