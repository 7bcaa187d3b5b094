"""The line, as requests see it: what enters it, what its replies say of that, and who is refused because too many wait."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Flask, Response, g, jsonify, request

from tts_server.admission import Admission, Turn

TURN = "tts_server.turn"
"""Where the server puts the request's Turn in its environment: an empty one, or that for which the request has waited."""

ENTER = "tts_server.enter"
"""Where it puts a function that gives the request a Turn, by its name and whether it is large. The request ends there if it has to wait."""

SHORT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
LONG_GETS = re.compile(r"/tts-stream|/v1/voices/[^/]+/(audio|preview)")
SHORT_POSTS = re.compile(r"/admin/.*|/v1/text/normalize|/v1/pronunciation-dictionaries/.*")
SMALL_BYTES = 1024
"""What is longer than this may hold more than a minute of speech, or a clip."""


def is_long() -> bool:
    """Whether the request makes or takes audio, and so may keep its thread for as long as a text takes to be spoken and heard."""
    if request.url_rule is None:
        return False
    if request.method in SHORT_METHODS:
        return request.method == "GET" and LONG_GETS.fullmatch(request.path) is not None
    return SHORT_POSTS.fullmatch(request.path) is None


def turn() -> Turn:
    """Of the request that is being answered; an empty one where it has none."""
    given = request.environ.get(TURN)
    return given if isinstance(given, Turn) else Turn()


def has_waited() -> bool:
    """Whether the request was looked at before, then waited, and has its turn now."""
    return turn().begun.done()


def install_turns(app: Flask) -> None:
    """Give what is long its turn, or refuse it; tell it how long it waited. To be installed behind every other check."""

    @app.before_request
    def enter() -> None:
        enter_line: Callable[[str, bool], Turn] | None = request.environ.get(ENTER)
        if enter_line is not None and is_long() and not has_waited():
            size = (request.content_length or 0) + len(request.query_string)
            request.environ[TURN] = enter_line(g.request_id, size > SMALL_BYTES)
        if (refusal := turn().refusal) is not None:
            raise refusal

    @app.after_request
    def tell(response: Response) -> Response:
        own = turn()
        if own.is_at_work:
            response.headers["X-Queue-Position"] = str(own.place)
            response.headers["X-Queue-Wait"] = str(round(own.waited * 1000))
        return response


def turn_routes(admission: Admission) -> Blueprint:
    routes = Blueprint("turns", __name__)

    @routes.get("/v1/queue/<request_id>")
    def show_place(request_id: str) -> Response:
        """Where a request is in the line that was sent with this `x-request-id` and is not answered yet."""
        found = admission.place(request_id)
        place, seconds = found or (0, 0.0)
        response = jsonify({"waiting": found is not None, "position": place, "estimated_seconds": round(seconds, 3)})
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes
