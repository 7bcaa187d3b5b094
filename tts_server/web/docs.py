"""`GET /openapi.json` and `GET /docs`: the API, described for programs and for people."""

from __future__ import annotations

from pathlib import Path

import flask_openapi3_swagger
from flask import Blueprint, Response, jsonify, redirect, render_template, request, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from tts_server import __version__
from tts_server.errors import NotFound
from tts_server.web.openapi.document import described
from tts_server.web.options import WebOptions
from tts_server.web.pages import html_page

SWAGGER_UI = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
FILES = {"swagger-ui.css": SWAGGER_UI / "css", "swagger-ui-bundle.js": SWAGGER_UI / "js"}
KEY_KINDS: tuple[dict[str, list[str]], ...] = ({"bearer": []}, {"key": []})


def docs_routes(options: WebOptions) -> Blueprint:
    """All of it is open: it holds no secrets, and who has a key has to learn how to send it."""
    routes = Blueprint("docs", __name__)
    document = described(options.max_text_length)

    @routes.get("/openapi.json")
    def describe() -> Response:
        response = jsonify({**document, "security": [*KEY_KINDS, *([] if options.keys.is_locked else [{}])]})
        response.headers["Cache-Control"] = "no-cache"
        return response

    @routes.get("/docs")
    def show() -> BaseResponse:
        if request.environ.get("REQUEST_URI", "").partition("?")[0].endswith("/"):
            return redirect("../docs", 308)  # its addresses are relative, also below the path of a proxy
        return html_page(render_template("docs.html", version=__version__))

    @routes.get("/static/swagger-ui/<name>")
    def file(name: str) -> Response:
        """Swagger UI's own files, as its package brings them."""
        if name not in FILES:
            raise NotFound(f"There is nothing at /static/swagger-ui/{name}.")
        return send_from_directory(FILES[name], name)

    return routes
