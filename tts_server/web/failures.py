"""Every error as JSON in OpenAI's shape, with a request id, and never a stack trace."""

from __future__ import annotations

import errno
import logging
import uuid
from typing import Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from tts_server.errors import Cancelled, InvalidRequest, OutOfRoom, TTSError
from tts_server.log import request_id
from tts_server.web.head import choose_request_id, read_head

log = logging.getLogger("tts_server.web")

REQUEST_NAME = "tts_server.request_id"
"""In the environment: the id that the server has given the request."""

CLIENT_CLOSED_REQUEST = 499
EXHAUSTED = {
    **dict.fromkeys((errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG), "disk space"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "open files"),
    errno.ENOMEM: "memory",
}
"""What a machine may run out of while it answers, by the error that tells so."""


class InvalidFields(InvalidRequest):
    """One or more fields are wrong; `detail` lists them as `{loc, msg, type}`."""

    def __init__(self, detail: list[dict[str, Any]]) -> None:
        first = detail[0]
        param = ".".join(str(part) for part in first["loc"][1:])
        super().__init__(f"{param}: {first['msg']}" if param else str(first["msg"]), param=param or None)
        self.detail = detail


def error_body(message: str, type_: str, param: str | None, code: str | None, detail: Any = None) -> dict[str, Any]:
    """OpenAI's error object, with the `detail` beside it that clients of other servers read."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}, "detail": detail or message}


def error_event(error: TTSError) -> dict[str, Any]:
    """An error for the middle of an event stream, where the status is already sent."""
    return {"type": "error", **error_body(error.message, error.type, error.param, error.code)}


def failure_reply(error: TTSError, body: dict[str, Any], status: int | None = None) -> Response:
    """The reply to a failed request: `body` as JSON, with the headers that tell clients when to try again. 5xx are logged."""
    g.error_code = error.code
    status = status or error.status
    if status >= 500:
        log.error("failed: %s", error.message, exc_info=error.__cause__)
    response = jsonify(body)
    response.status_code = status
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
        response.headers["retry-after-ms"] = str(round(error.retry_after * 1000))
    if not error.is_passing:
        # OpenAI's SDKs obey this; without it they would wait twice for Retry-After before they show the message.
        response.headers["x-should-retry"] = "false"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def install_failures(app: Flask) -> None:
    """Register the handlers on `app`; every reply gets its `x-request-id`."""

    @app.before_request
    def name_request() -> None:
        g.request_id = request.environ.get(REQUEST_NAME) or choose_request_id(read_head(request.environ, None))
        request_id.set(g.request_id)

    @app.after_request
    def send_request_id(response: Response) -> Response:
        response.headers["x-request-id"] = g.get("request_id") or uuid.uuid4().hex
        return response

    @app.errorhandler(TTSError)
    def known(error: TTSError) -> Response:
        return failure_reply(error, error_body(error.message, error.type, error.param, error.code, getattr(error, "detail", None)))

    @app.errorhandler(Cancelled)
    def gone(_: Cancelled) -> Response:
        return Response(status=CLIENT_CLOSED_REQUEST)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        if isinstance(error, RequestEntityTooLarge):
            message, code = "The request is larger than this server accepts.", "too_large"
        elif status == 404:
            message, code = f"There is nothing at {request.path}. The API is described in docs/API.md.", "not_found"
        elif status == 405:
            message, code = f"{request.method} is not possible at {request.path}.", "method_not_allowed"
        else:
            message, code = error.description or error.name, "bad_request" if status < 500 else "server_error"
        g.error_code = code
        response = jsonify(error_body(message, "invalid_request_error" if status < 500 else "server_error", None, code))
        response.status_code = status
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                response.headers[name] = value
        return response

    @app.errorhandler(MemoryError)
    @app.errorhandler(OSError)
    def exhausted(error: MemoryError | OSError) -> Response:
        what = "memory" if isinstance(error, MemoryError) else EXHAUSTED.get(error.errno or 0)
        if what is None:
            return unknown(error)
        failure = OutOfRoom(what)
        failure.__cause__ = error
        return known(failure)

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Response:
        log.error("failed", exc_info=error)
        g.error_code = "server_error"
        message = f"Something went wrong in the server. Its log has more under request id {g.get('request_id')}."
        response = jsonify(error_body(message, "server_error", None, "server_error"))
        response.status_code = 500
        return response
