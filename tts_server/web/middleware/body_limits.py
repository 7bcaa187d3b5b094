"""Rejects bodies with invalid UTF-8 or too many values before they are parsed.

The size of a body is limited elsewhere, but a value of two bytes takes about a hundred bytes of memory once it is parsed.
"""

from __future__ import annotations

from flask import Flask, request

from tts_server.errors import InvalidRequest, TooLarge

MAX_FORM_FIELDS = 100
MAX_JSON_VALUES = 250_000
"""Values are counted by commas and opening brackets, also those inside strings: a book of a million words has 100,000 commas."""


def install_body_limits(app: Flask) -> None:
    """Refuse queries and urlencoded forms that are not UTF-8 or have too many fields. Werkzeug limits the fields of multipart forms."""

    @app.before_request
    def check() -> None:
        if not _is_text(request.query_string):
            raise InvalidRequest("The address contains bytes that are not UTF-8. Write them as %XX.", code="bad_request")
        if request.mimetype == "multipart/form-data" and not request.mimetype_params.get("boundary"):
            _check_json_instead(request.get_data(cache=True))
        if request.mimetype != "application/x-www-form-urlencoded":
            return
        body = request.get_data(cache=True)
        if body.count(b"&") >= MAX_FORM_FIELDS:
            raise TooLarge(f"The form has too many fields; at most {MAX_FORM_FIELDS} are accepted.")
        if not _is_text(body):
            raise InvalidRequest("The form contains bytes that are not UTF-8. Write them as %XX.", code="bad_request")


def _check_json_instead(body: bytes) -> None:
    """Refuse a multipart form without a boundary, unless the body is JSON with a wrong Content-Type."""
    if not body.lstrip().startswith(b"{"):
        raise InvalidRequest(
            "The header Content-Type is multipart/form-data without a boundary, so the form cannot be parsed. "
            "Do not set this header by hand: the HTTP library sets it, with the boundary.",
            code="bad_request",
        )


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_json(data: bytes, most: int = MAX_JSON_VALUES) -> None:
    """Raise TooLarge for JSON with more than `most` values. Call before parsing."""
    if count_json_values(data) > most:
        raise TooLarge(f"The JSON has too many values; at most {most} are accepted.")


def count_json_values(data: bytes) -> int:
    """Return the approximate number of values in a JSON text, without parsing it."""
    return sum(map(data.count, (b",", b"[", b"{")))
