"""Checks a request by its head: Host, origin, key, role, size. A refused request is answered before its body is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tts_server.client_addresses import network_name
from tts_server.errors import Forbidden, TooLarge, Unauthorized
from tts_server.keys import Key, Role
from tts_server.web.head import RequestHead, read_head
from tts_server.web.middleware.browsers import check_host, check_site, cors_policy, is_preflight, origin_allowed
from tts_server.web.options import WebOptions
from tts_server.web.policy import Authorization, RoutePolicy
from tts_server.web.route_map import RouteMap

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ACCESS = "tts_server.access"
"""Key of the environment for the Access of an accepted request."""

FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
PROTOCOL_WITH_KEY = "openai-insecure-api-key."


@dataclass(frozen=True)
class Access:
    """An accepted request.

    `policy` is that of its route. `key` is None if the request needed none. `may_load_models`: the request may cause models to be loaded,
    which may download gigabytes.
    """

    head: RequestHead
    policy: RoutePolicy
    key: Key | None = None
    is_preflight: bool = False
    may_load_models: bool = False

    @property
    def client(self) -> str:
        """The client for limits: the name of the key, or the address of a request without one."""
        return f"key {self.key.name}" if self.key is not None else network_name(self.head.address)


class HeadChecks:
    """Checks the heads of requests against the policies of `routes`. Thread-safe once all routes are registered."""

    def __init__(self, options: WebOptions, routes: RouteMap) -> None:
        self._options = options
        self._routes = routes

    def check(self, environ: WSGIEnvironment) -> Access:
        """Return the access that a request has; raises Forbidden, Unauthorized or TooLarge."""
        head = read_head(environ)
        policy = self._routes.find_policy(head.method, head.path, is_websocket=head.is_websocket)
        options = self._options
        if policy.is_health_probe and head.is_safe and "host" not in head.headers:
            return Access(head, policy)  # load balancers probe by HTTP/1.0 without a Host
        check_host(head.header("host"), options)
        if is_preflight(head) and origin_allowed(head.headers.get("origin"), cors_policy(head, self._routes), options):
            return Access(head, policy, is_preflight=True)
        check_site(head, policy, options)
        access = self._authorize(head, policy)
        if policy.max_body_bytes is not None and head.content_length > policy.max_body_bytes:
            raise TooLarge(f"The body is larger than {policy.max_body_bytes} bytes, the limit of this route.")
        return access

    def _authorize(self, head: RequestHead, policy: RoutePolicy) -> Access:
        """Check the key and role that the policy requires; raises Unauthorized or Forbidden."""
        options = self._options
        if policy.authorization is Authorization.NONE:
            return Access(head, policy)
        if options.keys.is_locked:
            key = self._check_key(head, policy)
            is_manager = key is not None and key.has_role(Role.ADMIN)
            return Access(head, policy, key, may_load_models=is_manager or options.may_anyone_load)
        is_open_to_changes = options.is_open_to_changes and not is_forwarded(head)
        if policy.is_administrative and not is_open_to_changes:
            raise Forbidden(
                "A server without keys accepts changes only from its own machine. Set API_KEYS to use this address.", code="admin_off"
            )
        return Access(head, policy, may_load_models=is_open_to_changes or options.may_anyone_load)

    def _check_key(self, head: RequestHead, policy: RoutePolicy) -> Key | None:
        """Return the key of a request; None for a listing that needs none. Raises Unauthorized or Forbidden."""
        given = given_keys(head)
        if not given and self._options.listings_open and policy.authorization is Authorization.LISTING:
            return None
        key = self._options.keys.find(given)
        if key is None:
            raise Unauthorized("This server requires an API key: send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.")
        role = policy.authorization.role
        if role is not None and not key.has_role(role):
            raise wrong_role(key, role)
        return key


def is_forwarded(head: RequestHead) -> bool:
    """Return whether a proxy forwarded the request, so that the client may be on another machine."""
    return any(name in head.headers for name in FORWARDING_HEADERS)


def wrong_role(key: Key, role: Role) -> Forbidden:
    """Return the error for a key without the role that a route needs."""
    own = ", ".join(sorted(one.value for one in key.roles)) or "none"
    return Forbidden(f"This requires a key with the role '{role.value}'. Roles of the key '{key.name}': {own}.", code="wrong_role")


def given_keys(head: RequestHead) -> list[bytes]:
    """Return the keys in the headers of a request, as the bytes that were sent."""
    scheme, _, token = head.header("authorization").partition(" ")
    given = [head.header(name).strip() for name in ("x-api-key", "xi-api-key")]
    if scheme.lower() == "bearer":
        given.append(token.strip())
    # Pages cannot set headers of a WebSocket, so OpenAI's clients send the key as one of its subprotocols.
    protocols = head.header("sec-websocket-protocol").split(",")
    given += [part.strip().removeprefix(PROTOCOL_WITH_KEY) for part in protocols if part.strip().startswith(PROTOCOL_WITH_KEY)]
    # WSGI decodes headers as Latin-1, whatever encoding the client used.
    return [text.encode("latin-1", "replace") for text in given if text]
