"""What of a request is looked at before anybody reads it: letters that are none, and how many values there are.

The bytes of a body are limited already, but a value of two bytes takes a hundred of memory once it is read.
"""

from __future__ import annotations

from flask import Flask, request

from tts_server.errors import InvalidRequest, TooLarge

MAX_FORM_FIELDS = 100
MAX_JSON_VALUES = 250_000
"""Counted by the marks before values. Those inside texts count too: a book of a million words has 100,000 commas."""


def install_body_limits(app: Flask) -> None:
    """Refuse addresses and urlencoded forms that Flask would stumble over, and forms of too many fields; Werkzeug counts others."""

    @app.before_request
    def check() -> None:
        if not _is_text(request.query_string):
            raise InvalidRequest("The address holds bytes that are not UTF-8. Write them as %XX.", code="bad_request")
        if request.mimetype == "multipart/form-data" and not request.mimetype_params.get("boundary"):
            _check_json_instead(request.get_data(cache=True))
        if request.mimetype != "application/x-www-form-urlencoded":
            return
        body = request.get_data(cache=True)
        if body.count(b"&") >= MAX_FORM_FIELDS:
            raise TooLarge(f"The form has too many fields; at most {MAX_FORM_FIELDS} are accepted.")
        if not _is_text(body):
            raise InvalidRequest("The form holds bytes that are not UTF-8. Write them as %XX.", code="bad_request")


def _check_json_instead(body: bytes) -> None:
    """Refuse a form whose parts cannot be told apart, unless the body is JSON that has a wrong Content-Type."""
    if not body.lstrip().startswith(b"{"):
        raise InvalidRequest(
            "The header Content-Type says multipart/form-data but names no boundary, so the form cannot be read. "
            "Do not write this header by hand: the HTTP library does it, with the boundary.",
            code="bad_request",
        )


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_json(data: bytes, most: int = MAX_JSON_VALUES) -> None:
    """Raise TooLarge for JSON of more values than any request needs. Call before it is parsed."""
    if count_json_values(data) > most:
        raise TooLarge(f"The JSON holds too many values; at most {most} are accepted.")


def count_json_values(data: bytes) -> int:
    """Returns about how many values a JSON text has, without parsing it."""
    return sum(map(data.count, (b",", b"[", b"{")))
