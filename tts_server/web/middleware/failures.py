"""Error handlers: every error becomes JSON in OpenAI's format, with a request id and without a stack trace."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from tts_server.errors import Cancelled, InvalidRequest, TTSError, resource_exhausted
from tts_server.log import request_id
from tts_server.web.head import REQUEST_ID, choose_request_id, read_head
from tts_server.web.suggestions import API_ROOT, suggest_path
from tts_server.wsgi import CLIENT_CLOSED_REQUEST, error_body

log = logging.getLogger("tts_server.web")


class InvalidFields(InvalidRequest):
    """One or more fields are invalid; `detail` lists them as `{loc, msg, type}`."""

    def __init__(self, detail: list[dict[str, Any]]) -> None:
        first = detail[0]
        param = ".".join(str(part) for part in first["loc"][1:])
        super().__init__(f"{param}: {first['msg']}" if param else str(first["msg"]), param=param or None)
        self.detail = detail


def error_event(error: TTSError) -> dict[str, Any]:
    """Return an error as an event of a stream, whose status has been sent already."""
    return {"type": "error", **error_body(error.message, error.type, error.param, error.code)}


def failure_reply(error: TTSError, body: dict[str, Any], status: int | None = None) -> Response:
    """Return the reply to a failed request: `body` as JSON, with the headers for retries. Logs errors with a status of 5xx."""
    g.error_code = error.code
    status = status or error.status
    if status >= 500:
        log.error("failed: %s", error.message, exc_info=error.__cause__)
    response = jsonify(body)
    response.status_code = status
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
        response.headers["retry-after-ms"] = str(round(error.retry_after * 1000))
    if not error.is_retryable:
        # OpenAI's SDKs honour this header. Without it they would retry twice before they show the message.
        response.headers["x-should-retry"] = "false"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _advice(app: Flask) -> str:
    """Return advice for a path that matches no route."""
    suggested = suggest_path(request.path, app.url_map)
    if suggested is None:
        return "See docs/API.md."
    return f"The nearest route is {suggested}. Set the base URL of the client to {request.scheme}://{request.host}{API_ROOT}."


def install_failures(app: Flask) -> None:
    """Register the error handlers on `app`, and add `x-request-id` to every reply."""

    @app.before_request
    def set_request_id() -> None:
        g.request_id = request.environ.get(REQUEST_ID) or choose_request_id(read_head(request.environ))
        request_id.set(g.request_id)

    @app.after_request
    def send_request_id(response: Response) -> Response:
        response.headers["x-request-id"] = g.get("request_id") or uuid.uuid4().hex
        return response

    @app.errorhandler(TTSError)
    def reply_to_error(error: TTSError) -> Response:
        return failure_reply(error, error_body(error.message, error.type, error.param, error.code, getattr(error, "detail", None)))

    @app.errorhandler(Cancelled)
    def reply_to_cancelled(_: Cancelled) -> Response:
        return Response(status=CLIENT_CLOSED_REQUEST)

    @app.errorhandler(HTTPException)
    def reply_to_http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if isinstance(error, RequestEntityTooLarge):
            message, code = "The request exceeds the size limit of this server.", "too_large"
        elif status == 404:
            message, code = f"There is no route {request.path}. {_advice(app)}", "not_found"
        elif status == 405:
            message, code = f"The method {request.method} is not allowed for {request.path}.", "method_not_allowed"
        else:
            message, code = error.description or error.name, "bad_request" if status < 500 else "server_error"
        g.error_code = code
        response = jsonify(error_body(message, "invalid_request_error" if status < 500 else "server_error", None, code))
        response.status_code = status
        for name, value in error.get_headers():
            if name in ("Allow", "Content-Range", "Retry-After"):
                response.headers[name] = value
        return response

    @app.errorhandler(MemoryError)
    @app.errorhandler(OSError)
    def reply_to_system_error(error: MemoryError | OSError) -> Response:
        failure = resource_exhausted(error)
        if failure is None:
            return reply_to_unexpected(error)
        failure.__cause__ = error
        return reply_to_error(failure)

    @app.errorhandler(Exception)
    def reply_to_unexpected(error: Exception) -> Response:
        log.error("failed", exc_info=error)
        g.error_code = "server_error"
        message = f"Internal server error. See the server's log for the request id {g.get('request_id')}."
        response = jsonify(error_body(message, "server_error", None, "server_error"))
        response.status_code = 500
        return response
