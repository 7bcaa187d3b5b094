"""`GET /openapi.json` and `GET /docs`: the description of the API for programs and for people."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import flask_openapi3_swagger
from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from tts_server import __version__
from tts_server.errors import NotFound
from tts_server.web.options import WebOptions
from tts_server.web.policy import PUBLIC
from tts_server.web.route_map import PolicyRule
from tts_server.web.routes.pages import html_page
from tts_server.web.schema.openapi.document import describe_api

SWAGGER_UI = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
FILES = {"swagger-ui.css": SWAGGER_UI / "css", "swagger-ui-bundle.js": SWAGGER_UI / "js"}
KEY_KINDS: tuple[dict[str, list[str]], ...] = ({"bearer": []}, {"key": []})

DOCUMENTATION = replace(PUBLIC, undocumented="the description itself, for programs and for people")


def docs_routes(options: WebOptions) -> Blueprint:
    """Return the routes. They need no key: they contain no secrets, and clients read here how to send a key."""
    routes = Blueprint("docs", __name__)

    @cache
    def document() -> dict[str, Any]:
        """Return the description of all routes. Built at the first request, when all routes are registered."""
        views = {endpoint: (inspect.getdoc(view) or "").partition("\n")[0] for endpoint, view in current_app.view_functions.items()}
        rules = [rule for rule in current_app.url_map.iter_rules() if isinstance(rule, PolicyRule)]
        return describe_api(rules, views, options.max_text_length)

    @routes.get("/openapi.json", policy=DOCUMENTATION)
    def describe() -> Response:
        response = jsonify({**document(), "security": [*KEY_KINDS, *([] if options.keys.is_locked else [{}])]})
        response.headers["Cache-Control"] = "no-cache"
        return response

    @routes.get("/docs", policy=DOCUMENTATION)
    def show() -> BaseResponse:
        if request.environ.get("REQUEST_URI", "").partition("?")[0].endswith("/"):
            return redirect("../docs", 308)  # the page uses relative addresses, since a proxy may serve it below a path
        return html_page(render_template("docs.html", version=__version__))

    @routes.get("/static/swagger-ui/<name>", policy=DOCUMENTATION)
    def file(name: str) -> Response:
        """A file of Swagger UI."""
        if name not in FILES:
            raise NotFound(f"There is no route /static/swagger-ui/{name}.")
        return send_from_directory(FILES[name], name)

    return routes
