"""A request as it comes in: Waitress's parser, stricter where two readers of the same bytes could disagree, or where reading takes long.

What is refused never reaches the application, and ends the connection: whatever follows on it could be anything.
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
from tts_server.http.chunks import Chunks
from tts_server.http.syntax import BlankLines, find_wrong_beginning, find_wrong_fields, find_wrong_request_line
from tts_server.wsgi import Admitted

log = logging.getLogger("tts_server")

MAX_HEAD_BYTES = 64 * 1024
"""Enough for a text of 4,096 characters in an address, which `GET /tts-stream` takes."""

MAX_LENGTH_DIGITS = 18
VERSIONS = ("1.0", "1.1")
METHODS_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS", "DELETE")
MAX_BYTES_WITHOUT_BODY = 64 * 1024
"""The body of a request whose method needs none is read to keep the connection usable, and ignored."""

ONLY_ONCE = (b"host", b"content-length", b"transfer-encoding")
BLANKS = re.compile(rb"[ \t\r\n]{256}")
"""Waitress's own pattern for a header takes minutes for one that is nothing but blanks."""


class RequestTimeout(Error):
    code = 408
    reason = "Request Timeout"
    error_code = "request_timeout"


class Stopping(Error):
    code = 503
    reason = "Service Unavailable"
    error_code = "stopping"


class OutOfRoom(Error):
    code = 503
    reason = "Service Unavailable"
    error_code = "out_of_room"


class Crowded(Error):
    code = 503
    reason = "Service Unavailable"
    error_code = "busy"


class VersionNotSupported(Error):
    code = 505
    reason = "HTTP Version Not Supported"
    error_code = "version_not_supported"


class _Refused(ParsingError):
    """Carries an error through Waitress, which makes a 400 of every ParsingError."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.body)
        self.error = error


class Request(HTTPRequestParser):
    """Reads one request. `error` is set where the server itself refuses it.

    `admitted` is what the checks decided once it was complete; `refusal` an error that the application turns into a reply. `check` may set
    `refusal` by the head, so that no body is waited for.
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
        """Check the head of a request whose body is still to come, once; whether it is complete now because it is refused."""
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
        except OSError as error:  # a body that is not short goes through a temporary file
            log.warning("The body of a request finds no room in the folder for temporary files: %s", error.strerror)
            consumed = len(data)
            self.error = OutOfRoom("The server's disk is full. Try again later")
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
            # Else Waitress asks for the body of what it has refused, or, for ever, of what has none or has come with it.
            self.expect_continue = False
        return consumed

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what found no room is tried once more
            super().close()

    def _skip_blank_lines(self, data: bytes) -> int:
        """Returns how many bytes come before the request line; sets `error` where no request begins behind them."""
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
        except _Refused as refused:
            self._refusal = refused.error
            raise

    def _check_version(self, fields: dict[bytes, bytes]) -> None:
        if not self.version:
            raise _Refused(BadRequest("The request line must end with HTTP/1.1"))
        if self.version not in VERSIONS:
            raise _Refused(VersionNotSupported("This server speaks HTTP/1.0 and HTTP/1.1"))
        if self.version == "1.1" and b"host" not in fields:
            raise _Refused(BadRequest("The header Host is missing"))
        if b"transfer-encoding" in fields and self.version == "1.0":
            raise _Refused(BadRequest("HTTP/1.0 has no Transfer-Encoding"))


def refusal(error: Error, adjustments: Any) -> Request:
    """A request that stands for one which did not come whole, so that its client is told of the error."""
    request = Request(adjustments)
    request.error = error
    request.version = "1.1"
    return request


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The headers, names in lower case; raises _Refused where what they say of the request's end could be read in two ways."""
    if BLANKS.search(head):
        raise _Refused(BadRequest("A header holds too many blanks"))
    first, *others = head.split(b"\r\n")
    lines = [line for line in others if line]
    if wrong := find_wrong_request_line(first) or find_wrong_fields(lines):
        raise _Refused(wrong)
    fields = [(name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
    names = [name for name, _ in fields]
    for name in ONLY_ONCE:
        if names.count(name) > 1:
            raise _Refused(BadRequest(f"The header {name.decode().title()} is there more than once"))
    length, coding = dict(fields).get(b"content-length"), dict(fields).get(b"transfer-encoding")
    if length is not None and coding is not None:
        raise _Refused(BadRequest("Content-Length and Transfer-Encoding exclude each other"))
    if length is not None and length.isdigit() and len(length.lstrip(b"0")) > MAX_LENGTH_DIGITS:
        raise _Refused(RequestEntityTooLarge("The Content-Length is too large"))
    if coding is not None and b"," in coding:
        raise _Refused(BadRequest("The only Transfer-Encoding is chunked, once"))
    return fields
