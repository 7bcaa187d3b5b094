"""The fields of a request's body as they were sent, from JSON or a form."""

from __future__ import annotations

from typing import Any

from flask import Request

from tts_server.web.schema.json_body import parse_json_object

FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")


def read_payload(request: Request) -> dict[str, Any]:
    """Return the fields of the body; raises InvalidRequest. JSON is recognized whatever its Content-Type says."""
    is_form = request.mimetype in FORM_TYPES
    if is_form and (request.mimetype != FORM_TYPES[0] or not request.mimetype_params.get("boundary")):
        raw = request.get_data(cache=True)
        is_form = not raw.lstrip().startswith(b"{")
    if is_form:
        return {name: request.form[name] for name in request.form}
    return parse_json_object(request.get_data(), request.headers.get("Content-Encoding", ""))
