"""Suggests a route for a path without one: clients often append the path of a route to a base URL that contains one already."""

from __future__ import annotations

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map
from werkzeug.routing.exceptions import RoutingException

API_ROOT = "/v1"


def suggest_path(path: str, routes: Map) -> str | None:
    """Return the path of a route that `path` ends with, also without its `/v1`; None if there is none."""
    parts = path.strip("/").split("/")
    for start in range(len(parts)):
        rest = "/" + "/".join(parts[start:])
        for candidate in (rest, API_ROOT + rest):
            if candidate != path and candidate.startswith(API_ROOT + "/") and _is_route(candidate, routes):
                return candidate
    return None


def _is_route(path: str, routes: Map) -> bool:
    try:
        routes.bind("localhost").match(path, "POST")
    except MethodNotAllowed:
        return True
    except (NotFound, RoutingException):
        return False
    return True
