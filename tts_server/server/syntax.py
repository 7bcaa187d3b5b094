"""The grammar of HTTP/1.1 that this server accepts. Malformed input is refused, not repaired: two parsers could repair it differently."""

from __future__ import annotations

import re

from waitress.utilities import BadRequest, Error, RequestHeaderFieldsTooLarge

MAX_HEADERS = 100
MAX_BLANK_LINES = 4
"""Some clients send an extra line break after a body."""

TLS_HANDSHAKE = 0x16
"""The first byte of a client that begins with TLS."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
FIRST_BYTE = re.compile(_TOKEN)
REQUEST_LINE = re.compile(_TOKEN + rb"+ [\x21-\x7e\x80-\xff]+ HTTP/[0-9]\.[0-9]")
WITHOUT_VERSION = re.compile(_TOKEN + rb"+ [\x21-\x7e\x80-\xff]+")
FIELD_LINE = re.compile(_TOKEN + rb"+:[\t\x20-\x7e\x80-\xff]*")
_QUOTED = rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;" + _TOKEN + rb"+(?:=(?:" + _TOKEN + rb"+|" + _QUOTED + rb"))?)*")
LINE_BREAK = re.compile(rb"[\r\n]")


class BlankLines:
    """Skips the few empty lines that may precede a request."""

    def __init__(self) -> None:
        self._count = 0
        self._has_cr = False

    def skip(self, data: bytes) -> int:
        """Return how many bytes of `data` are empty lines. Raises ValueError for too many of them, or for a bare CR or LF."""
        at = 0
        while at < len(data):
            if self._has_cr:
                if data[at : at + 1] != b"\n":
                    raise ValueError("Bare CR or LF before the request line")
                self._has_cr = False
                self._count += 1
            elif data[at : at + 1] == b"\r":
                if self._count == MAX_BLANK_LINES:
                    raise ValueError(f"More than {MAX_BLANK_LINES} empty lines before the request line")
                self._has_cr = True
            else:
                break
            at += 1
        return at


def find_wrong_beginning(data: bytes) -> Error | None:
    """Return the error if no request can begin with these bytes."""
    if data[0] == TLS_HANDSHAKE:
        return BadRequest("This port serves http, not https. Use an address that begins with http://")
    if not FIRST_BYTE.match(data):
        return BadRequest("The request line must begin with a method, such as GET")
    return None


def find_wrong_request_line(line: bytes) -> Error | None:
    """Return the error of a request line, given without its line break; None if it is valid."""
    if REQUEST_LINE.fullmatch(line):
        return None
    if WITHOUT_VERSION.fullmatch(line):
        return BadRequest("The request line must end with HTTP/1.1")
    return BadRequest("The request line must be a method, an address without blanks or control characters, and HTTP/1.1")


def find_wrong_fields(lines: list[bytes], what: str = "header") -> Error | None:
    """Return the error of the lines of a head, or of a trailer (`what`), given without line breaks; None if they are valid."""
    if len(lines) > MAX_HEADERS:
        return RequestHeaderFieldsTooLarge(f"A request may have at most {MAX_HEADERS} {what}s")
    for line in lines:
        if line.startswith((b" ", b"\t")):
            return BadRequest(f"A {what} continues on a second line")
        if LINE_BREAK.search(line):
            return BadRequest(f"A {what} contains a bare CR or LF")
        if not FIELD_LINE.fullmatch(line):
            return BadRequest(f"A {what} must be a name, a colon and a value without control characters")
    return None
