"""Who may ask: the Host header, pages of other sites, then the key and what it opens."""

from __future__ import annotations

from flask import Flask, Response, g, request

from tts_server.errors import Forbidden, Unauthorized
from tts_server.keys import Key, Role
from tts_server.web.browsers import SAFE_METHODS, check_host, check_site, describe_to_browsers, is_preflight, origin_allowed
from tts_server.web.options import WebOptions

CALLER = "tts_server.caller"
"""In the environment: the name of the key that a request came with."""

OPEN_PATHS = frozenset({"/", "/favicon.ico", "/health", "/healthz", "/docs", "/openapi.json"})
OPEN_FOLDER = "/static/"
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


def install_guard(app: Flask, options: WebOptions) -> None:
    """Check every request before its view: Host, then origin, then key and role."""

    @app.before_request
    def check() -> Response | None:
        rule = request.url_rule.rule if request.url_rule else None
        check_host(request.headers.get("Host", ""), options)
        if is_preflight() and origin_allowed(request.headers.get("Origin"), options):
            return Response(status=204)
        if is_open(request.path):
            return None
        check_site(rule, options)
        is_locked = options.keys.is_locked
        if is_locked:
            check_key(rule, options)
        if not is_locked and not options.is_open_to_changes and changes_server():
            raise Forbidden("Without a key this server is not changed from outside. Set API_KEYS to use this address.", code="admin_off")
        return None

    describe_to_browsers(app, options)


def is_open(path: str) -> bool:
    """Whether a path is answered without a key: health, the page and the documentation."""
    return request.method in SAFE_METHODS and (path in OPEN_PATHS or path.startswith(OPEN_FOLDER))


def changes_server() -> bool:
    """Whether a request is about more than itself: models, and voices and dictionaries that others use too."""
    return request.path.startswith(ADMIN_PATHS) or (request.method not in SAFE_METHODS and request.path.startswith(VOICE_PATHS))


def needed_role(rule: str | None) -> Role | None:
    """What a key must open for the current request; None where any key will do."""
    changes = request.method not in SAFE_METHODS
    if request.path.startswith(VOICE_PATHS) and changes or rule == RECORDINGS:
        return Role.VOICES
    if request.path.startswith(ADMIN_PATHS):
        return Role.ADMIN
    return None if rule in LISTINGS or rule in DICTIONARIES else Role.SPEECH


def check_key(rule: str | None, options: WebOptions) -> None:
    """Raise Unauthorized unless the request brings one of the keys, Forbidden where that key has another role."""
    given = given_keys()
    if not given and options.listings_open and rule in LISTINGS and request.method in SAFE_METHODS:
        return
    key = options.keys.find(given)
    if key is None:
        raise Unauthorized("This server needs a key: send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.")
    request.environ[CALLER] = key.name
    g.key = key
    role = needed_role(rule)
    if role is not None and not key.may(role):
        raise wrong_role(key, role)


def wrong_role(key: Key, role: Role) -> Forbidden:
    own = ", ".join(sorted(one.value for one in key.roles)) or "none"
    return Forbidden(f"This needs a key with the role '{role.value}'. The key '{key.name}' has: {own}.", code="wrong_role")


def given_keys() -> list[bytes]:
    """What the request brings as keys, as the bytes that were sent."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = [request.headers.get(name, "").strip() for name in ("x-api-key", "xi-api-key")]
    if scheme.lower() == "bearer":
        given.append(token.strip())
    # Pages cannot set headers of a WebSocket, so OpenAI's clients put the key among its protocols.
    protocols = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    given += [part.strip().removeprefix(PROTOCOL_WITH_KEY) for part in protocols if part.strip().startswith(PROTOCOL_WITH_KEY)]
    # Headers arrive as Latin-1 text, whatever the client meant by its bytes.
    return [text.encode("latin-1", "replace") for text in given if text]
