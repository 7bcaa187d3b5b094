"""Waitress's request parser, made stricter where two parsers could disagree about the same bytes, or where parsing is expensive.

A refused request does not reach the application, and its connection is closed, since what follows on it cannot be interpreted.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from tts_server.errors import TTSError
from tts_server.server.chunks import Chunks
from tts_server.server.syntax import BlankLines, find_wrong_beginning, find_wrong_fields, find_wrong_request_line
from tts_server.wsgi import Admitted

log = logging.getLogger("tts_server")

MAX_HEAD_BYTES = 64 * 1024
"""Enough for a text of 4,096 characters in an address, which `GET /tts-stream` accepts."""

MAX_LENGTH_DIGITS = 18
VERSIONS = ("1.0", "1.1")
METHODS_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "DELETE")
MAX_BYTES_WITHOUT_BODY = 64 * 1024
"""The body of a request whose method needs none is read, so that the connection can be reused, and ignored."""

ONLY_ONCE = (b"host", b"content-length", b"transfer-encoding")
BLANKS = re.compile(rb"[ \t\r\n]{256}")
"""Waitress's pattern for a header takes minutes for a value of 64 KB of blanks."""


class RequestTimeout(Error):
    code = 408
    reason = "Request Timeout"
    error_code = "request_timeout"


class ServerStopping(Error):
    code = 503
    reason = "Service Unavailable"
    error_code = "stopping"


class DiskFull(Error):
    code = 503
    reason = "Service Unavailable"
    error_code = "out_of_room"


class ServerBusy(Error):
    code = 503
    reason = "Service Unavailable"
    error_code = "busy"


class VersionNotSupported(Error):
    code = 505
    reason = "HTTP Version Not Supported"
    error_code = "version_not_supported"


class _RefusedHead(ParsingError):
    """Carries an error through Waitress, which turns every other ParsingError into a 400."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.body)
        self.error = error


class Request(HTTPRequestParser):
    """Reads one request.

    `error` is set if the server itself refuses it, `refusal` if the application has to turn an error into the reply, and `admitted` by the
    checks of the complete request. `check` is called with the head alone; it may set `refusal`, and then no body is read.
    """

    command = ""
    path = ""
    body_rcv: Any = None
    completed = False
    error: Error | None = None
    admitted: Admitted = Admitted()
    refusal: TTSError | None = None
    _refusal: Error | None = None

    def __init__(self, adjustments: Any, check: Callable[[Request], None] | None = None) -> None:
        super().__init__(adjustments)
        self._check = check
        self._blank_lines: BlankLines | None = BlankLines()

    def is_refused_by_head(self) -> bool:
        """Check the head of a request whose body has not arrived, once; return whether it was refused, which makes it complete."""
        check, self._check = self._check, None
        if check is None or self.completed:
            return False
        check(self)
        if self.refusal is None:
            return False
        self.close()
        self.body_rcv = None
        self.expect_continue = False
        self.completed = True
        self.headers["CONNECTION"] = "close"
        return True

    def received(self, data: bytes) -> int:
        skipped = self._skip_blank_lines(data)
        if self.completed or skipped == len(data):
            return len(data)
        try:
            consumed = skipped + int(super().received(data[skipped:]))
        except OSError as error:  # larger bodies go through a temporary file
            log.warning("cannot write the body of a request to the folder for temporary files: %s", error.strerror)
            consumed = len(data)
            self.error = DiskFull("The server's disk is full. Try again later")
            self.completed = True
        if self._refusal is not None:
            self.error = self._refusal
        if self.error is None and self.command in METHODS_WITHOUT_BODY:
            announced = self.content_length if self.headers_finished else 0
            if max(announced, self.body_bytes_received) > MAX_BYTES_WITHOUT_BODY:
                self.error = RequestEntityTooLarge(f"A {self.command} request needs no body, and this one is too large")
                self.completed = True
        if self.expect_continue and self.headers_finished and self.error is None:
            self.is_refused_by_head()
        if self.error is not None or self.completed:
            # Else Waitress would send `100 Continue` for a refused request, and repeatedly where the body is empty or has arrived.
            self.expect_continue = False
        return consumed

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closing retries the write that failed
            super().close()

    def _skip_blank_lines(self, data: bytes) -> int:
        """Return how many bytes precede the request line; set `error` if no request line can begin after them."""
        if self._blank_lines is None:
            return 0
        try:
            skipped = self._blank_lines.skip(data)
        except ValueError as error:
            skipped, self.error = 0, BadRequest(str(error))
        else:
            if skipped == len(data):
                return skipped
            self._blank_lines = None
            self.error = find_wrong_beginning(data[skipped : skipped + 1])
        self.completed = self.error is not None
        return skipped

    def parse_header(self, head: bytes) -> None:
        try:
            fields = _fields(head)
            super().parse_header(head)
            self._check_version(dict(fields))
            if self.chunked:
                self.body_rcv = Chunks(self.body_rcv.getbuf(), int(self.adj.max_request_body_size))
        except _RefusedHead as refused:
            self._refusal = refused.error
            raise

    def _check_version(self, fields: dict[bytes, bytes]) -> None:
        if not self.version:
            raise _RefusedHead(BadRequest("The request line must end with HTTP/1.1"))
        if self.version not in VERSIONS:
            raise _RefusedHead(VersionNotSupported("This server supports HTTP/1.0 and HTTP/1.1"))
        if self.version == "1.1" and b"host" not in fields:
            raise _RefusedHead(BadRequest("The header Host is missing"))
        if b"transfer-encoding" in fields and self.version == "1.0":
            raise _RefusedHead(BadRequest("HTTP/1.0 has no Transfer-Encoding"))


def refusal(error: Error, adjustments: Any) -> Request:
    """Return a request that carries an error as the reply to a request that did not arrive completely."""
    request = Request(adjustments)
    request.error = error
    request.version = "1.1"
    return request


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers, names in lower case; raises _RefusedHead where they leave the end of the request ambiguous."""
    if BLANKS.search(head):
        raise _RefusedHead(BadRequest("A header contains too many blanks"))
    first, *others = head.split(b"\r\n")
    lines = [line for line in others if line]
    if wrong := find_wrong_request_line(first) or find_wrong_fields(lines):
        raise _RefusedHead(wrong)
    fields = [(name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
    names = [name for name, _ in fields]
    for name in ONLY_ONCE:
        if names.count(name) > 1:
            raise _RefusedHead(BadRequest(f"The header {name.decode().title()} occurs more than once"))
    length, coding = dict(fields).get(b"content-length"), dict(fields).get(b"transfer-encoding")
    if length is not None and coding is not None:
        raise _RefusedHead(BadRequest("Content-Length and Transfer-Encoding cannot be used together"))
    if length is not None and length.isdigit() and len(length.lstrip(b"0")) > MAX_LENGTH_DIGITS:
        raise _RefusedHead(RequestEntityTooLarge("The Content-Length is too large"))
    if coding is not None and b"," in coding:
        raise _RefusedHead(BadRequest("The only supported Transfer-Encoding is chunked, applied once"))
    return fields
