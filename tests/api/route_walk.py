"""Sends every method to every route as every kind of caller, over HTTP, and returns the answers."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.server import RunningServer, run_server

from tts_server.keys import KeyFile, Role

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
EXAMPLES = {"filename": "none.css", "name": "none.js"}
"""Values for the variables of rules; `none` for every other variable."""

UNKNOWN_PATHS = (
    "/nowhere",
    "/v1/nowhere",
    "/static",
    "/admin",
    "/admin/nowhere",
    "/admin/reload-voices/nowhere",
    "/v1/voices/none/nowhere",
    "/v1/voices-and-more",
    "/v1/audio/voices/none/nowhere",
    "/v1/pronunciation-dictionaries/none/nowhere",
)
"""Paths without a route, among them some below the paths of routes."""

FRIEND, STRANGER = "https://friend.example", "https://stranger.example"
EMBEDDED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
LINKED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket"}
RATE = {"rate_limit": "999999/minute"}
LOCKED = {"api_keys": ("plain",), "cors_origins": (FRIEND,), **RATE}

SERVERS: dict[str, dict[str, Any]] = {
    "locked": LOCKED,
    "locked with open listings": {**LOCKED, "listings_open": True},
    "without keys": RATE,
    "without keys, reached from outside": {"host": "0.0.0.0", **RATE},  # noqa: S104
}
"""Settings of the servers that are asked."""


@dataclass(frozen=True)
class Caller:
    """A kind of client: the server it calls, its key, one of `KEYS`, and its headers. `{port}` in a header stands for the server's port."""

    server: str
    key: str = ""
    headers: dict[str, str] = field(default_factory=dict)


KEYS = ("wrong", "plain", *(role.value for role in Role))
PREFLIGHT = {"Access-Control-Request-Method": "POST"}
CALLERS = {
    "no key": Caller("locked"),
    "wrong key": Caller("locked", "wrong"),
    "speech": Caller("locked", "speech"),
    "voices": Caller("locked", "voices"),
    "admin": Caller("locked", "admin"),
    "API_KEYS": Caller("locked", "plain"),
    "API_KEYS, stranger's origin": Caller("locked", "plain", {"Origin": STRANGER}),
    "API_KEYS, friend's origin": Caller("locked", "plain", {"Origin": FRIEND}),
    "API_KEYS, own origin": Caller("locked", "plain", {"Origin": "http://127.0.0.1:{port}"}),
    "API_KEYS, embedded": Caller("locked", "plain", EMBEDDED),
    "API_KEYS, linked": Caller("locked", "plain", LINKED),
    "API_KEYS, upgrade": Caller("locked", "plain", UPGRADE),
    "no key, upgrade": Caller("locked", "", UPGRADE),
    "no key, friend's preflight": Caller("locked", "", {"Origin": FRIEND, **PREFLIGHT}),
    "no key, stranger's preflight": Caller("locked", "", {"Origin": STRANGER, **PREFLIGHT}),
    "no key, listings open": Caller("locked with open listings"),
    "loopback": Caller("without keys"),
    "loopback, stranger's origin": Caller("without keys", "", {"Origin": STRANGER}),
    "loopback, own page": Caller("without keys", "", {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}),
    "loopback, embedded": Caller("without keys", "", EMBEDDED),
    "loopback, linked": Caller("without keys", "", LINKED),
    "loopback, stranger's Referer": Caller("without keys", "", {"Referer": f"{STRANGER}/page"}),
    "loopback, through a proxy": Caller("without keys", "", {"X-Forwarded-For": "192.0.2.7"}),
    "loopback, foreign Host": Caller("without keys", "", {"Host": "stranger.example"}),
    "outside": Caller("without keys, reached from outside"),
}


@dataclass(frozen=True)
class Answer:
    """A reply. `error` is the code of an error; `is_queued` and `is_counted` say what the queue and the rate limit did.

    `is_readable`: CORS lets the page that asked read it.
    """

    status: int
    error: str = ""
    is_queued: bool = False
    is_counted: bool = False
    is_readable: bool = False

    def __str__(self) -> str:
        marks = {"queue": self.is_queued, "rate": self.is_counted, "cors": self.is_readable}
        return " ".join(
            [str(self.status), *([self.error] if self.error else []), *(f"+{mark}" for mark, is_set in marks.items() if is_set)]
        )


class RouteWalk:
    """Servers with all kinds of keys, and a connection to each."""

    def __init__(self, servers: dict[str, RunningServer], keys: dict[str, str]) -> None:
        self.servers = servers
        self._keys = keys
        self._connections = {name: http.client.HTTPConnection("127.0.0.1", one.port, timeout=60) for name, one in servers.items()}

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def paths(self) -> dict[str, str]:
        """Return all paths to ask for, each with the rule of its route; those without a route have themselves."""
        found = {}
        for rule in next(iter(self.servers.values())).app.url_map.iter_rules():
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<path:{name}>", f"<{name}>").replace(f"<{name}>", EXAMPLES.get(name, "none"))
            found[path] = rule.rule
        return {**dict(sorted(found.items())), **{path: path for path in UNKNOWN_PATHS}}

    def ask(self, caller: Caller, method: str, path: str) -> Answer:
        headers = {name: value.format(port=self.servers[caller.server].port) for name, value in caller.headers.items()}
        if caller.key:
            headers["x-api-key"] = self._keys[caller.key]
        connection = self._connections[caller.server]
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        return Answer(
            reply.status,
            _error(body) if reply.status >= 400 else "",
            is_queued="X-Queue-Position" in reply.headers,
            is_counted="X-RateLimit-Limit" in reply.headers,
            is_readable="Access-Control-Allow-Origin" in reply.headers,
        )


def _error(body: bytes) -> str:
    """Return the code of an error; Resonance's errors have none, so the first words of theirs."""
    if not body.startswith(b"{"):
        return ""
    fields = json.loads(body)
    if "error" in fields:
        return str(fields["error"]["code"])
    detail = fields.get("detail", "")
    return " ".join(detail.split()[:3]) if isinstance(detail, str) else ""


@contextlib.contextmanager
def route_walk(folder: Path) -> Iterator[RouteWalk]:
    """Start the servers; `folder` is for the file of keys."""
    file = KeyFile(folder / "keys.json")
    keys = {role.value: file.add(f"the-{role.value}", [role]) for role in Role} | {"plain": "plain", "wrong": "wrong"}
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(run_server(**({"api_keys_file": file.path} if "api_keys" in settings else {}), **settings))
            for name, settings in SERVERS.items()
        }
        walk = RouteWalk(servers, keys)
        stack.callback(walk.close)
        yield walk
