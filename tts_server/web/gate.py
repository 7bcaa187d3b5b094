"""Decides by a request's head alone whether it is accepted: Host, origin, key and role. No body is needed, so none is read before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.routing.exceptions import RoutingException

from tts_server.errors import Forbidden, Unauthorized
from tts_server.keys import Key, Role
from tts_server.web.browsers import check_host, check_origin, check_site, is_preflight, origin_allowed
from tts_server.web.head import RequestHead, decoded_path, normalize_path, read_head
from tts_server.web.options import WebOptions

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ACCESS = "tts_server.access"
"""Where the server puts the Access of a request that it has checked in the environment of the application."""

REFUSAL = "tts_server.refusal"
"""Where it puts the TTSError of a request that it has refused; the application only turns it into a reply."""

OPEN_PATHS = frozenset({"/", "/favicon.ico", "/health", "/healthz", "/docs", "/openapi.json"})
OPEN_FOLDER = "/static/"
FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
HEALTH_PATHS = frozenset({"/health", "/healthz"})
LISTINGS = frozenset(
    {
        "/v1/models",
        "/v1/models/<model_id>",
        "/v1/audio/models",
        "/v1/voices",
        "/v1/voices/<voice_id>",
        "/v1/audio/voices",
        "/v1/languages",
        "/get_predefined_voices",
        "/get_reference_files",
    }
)
"""Rules that name what there is. Any key opens them, whatever its roles."""

DICTIONARIES = frozenset(
    {
        "/v1/pronunciation-dictionaries",
        "/v1/pronunciation-dictionaries/<dictionary_id>",
        "/v1/pronunciation-dictionaries/<dictionary_id>/<version_id>/download",
    }
)
"""Rules that show pronunciation dictionaries. Any key opens them, and one is needed even where lists are open."""

ADMIN_PATHS = "/admin/"
VOICE_PATHS = ("/v1/voices", "/v1/audio/voices", "/v1/pronunciation-dictionaries", "/admin/reload-voices")
RECORDINGS = "/v1/voices/<voice_id>/audio"
PROTOCOL_WITH_KEY = "openai-insecure-api-key."


@dataclass(frozen=True)
class Access:
    """A request that may go on. `key` is the one that it came with, None where none was needed; it `is_preflight` where CORS only asks.

    It `may_load_models` that are not loaded, which may mean a download of gigabytes.
    """

    head: RequestHead
    key: Key | None = None
    is_preflight: bool = False
    may_load_models: bool = False


class RouteFinder:
    """Looks up the rule of the route of a request. Call it only once all routes are registered."""

    def __init__(self, routes: Map) -> None:
        self._routes = routes

    def __call__(self, environ: WSGIEnvironment) -> str | None:
        """The rule, such as `/v1/voices/<voice_id>`; None where there is no such route, or not for this method."""
        is_websocket = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        adapter = self._routes.bind("localhost")
        path = normalize_path(decoded_path(environ))
        try:
            found, _ = adapter.match(path, environ.get("REQUEST_METHOD", "GET"), return_rule=True, websocket=is_websocket)
        except (HTTPException, RoutingException):
            return None
        return found.rule


class Gate:
    """Checks requests by their heads. `find_rule` gives the rule of the route for an environment, None where there is none. Thread-safe."""

    def __init__(self, options: WebOptions, find_rule: Callable[[WSGIEnvironment], str | None]) -> None:
        self._options = options
        self._find_rule = find_rule

    def check(self, environ: WSGIEnvironment) -> Access:
        """Accept a request; raises Forbidden or Unauthorized."""
        head = read_head(environ, self._find_rule(environ))
        options = self._options
        if head.path in HEALTH_PATHS and head.is_safe and "host" not in head.headers:
            return Access(head)  # load balancers ask by HTTP/1.0, without a Host
        check_host(head.header("host"), options)
        if is_preflight(head) and origin_allowed(head.headers.get("origin"), options):
            return Access(head, is_preflight=True)
        if is_open(head):
            return Access(head)
        check_site(head, options)
        if head.header("upgrade"):  # browsers send no preflight before a WebSocket
            check_origin(head, options)
        if options.keys.is_locked:
            key = self._check_key(head)
            is_manager = key is not None and key.may(Role.ADMIN)
            return Access(head, key, may_load_models=is_manager or options.may_anyone_load)
        is_open_to_changes = options.is_open_to_changes and not is_forwarded(head)
        if not is_open_to_changes and changes_server(head):
            raise Forbidden("Without a key this server is not changed from outside. Set API_KEYS to use this address.", code="admin_off")
        return Access(head, may_load_models=is_open_to_changes or options.may_anyone_load)

    def _check_key(self, head: RequestHead) -> Key | None:
        given = given_keys(head)
        if not given and self._options.listings_open and head.rule in LISTINGS and head.is_safe:
            return None
        key = self._options.keys.find(given)
        if key is None:
            raise Unauthorized("This server needs a key: send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.")
        role = needed_role(head)
        if role is not None and not key.may(role):
            raise wrong_role(key, role)
        return key


def is_forwarded(head: RequestHead) -> bool:
    """Whether a proxy says that it passes the request on for somebody else, who may be on another machine."""
    return any(name in head.headers for name in FORWARDING_HEADERS)


def is_open(head: RequestHead) -> bool:
    """Whether a path is answered without a key: health, the page and the documentation."""
    return head.is_safe and (head.path in OPEN_PATHS or head.path.startswith(OPEN_FOLDER))


def changes_server(head: RequestHead) -> bool:
    """Whether a request is about more than itself: models, and voices and dictionaries that others use too."""
    return head.path.startswith(ADMIN_PATHS) or (not head.is_safe and head.path.startswith(VOICE_PATHS))


def needed_role(head: RequestHead) -> Role | None:
    """What a key must open for a request; None where any key will do."""
    if (head.path.startswith(VOICE_PATHS) and not head.is_safe) or head.rule == RECORDINGS:
        return Role.VOICES
    if head.path.startswith(ADMIN_PATHS):
        return Role.ADMIN
    return None if head.rule in LISTINGS or head.rule in DICTIONARIES else Role.SPEECH


def wrong_role(key: Key, role: Role) -> Forbidden:
    own = ", ".join(sorted(one.value for one in key.roles)) or "none"
    return Forbidden(f"This needs a key with the role '{role.value}'. The key '{key.name}' has: {own}.", code="wrong_role")


def given_keys(head: RequestHead) -> list[bytes]:
    """What the request brings as keys, as the bytes that were sent."""
    scheme, _, token = head.header("authorization").partition(" ")
    given = [head.header(name).strip() for name in ("x-api-key", "xi-api-key")]
    if scheme.lower() == "bearer":
        given.append(token.strip())
    # Pages cannot set headers of a WebSocket, so OpenAI's clients put the key among its protocols.
    protocols = head.header("sec-websocket-protocol").split(",")
    given += [part.strip().removeprefix(PROTOCOL_WITH_KEY) for part in protocols if part.strip().startswith(PROTOCOL_WITH_KEY)]
    # Headers arrive as Latin-1 text, whatever the client meant by its bytes.
    return [text.encode("latin-1", "replace") for text in given if text]
