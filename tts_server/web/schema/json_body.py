"""Parses JSON bodies, with messages that say what is wrong and where."""

from __future__ import annotations

import json
import re
from typing import Any

from tts_server.errors import InvalidRequest
from tts_server.web.middleware.body_limits import check_json

EXAMPLE = '{"input": "Hello"}'
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
FORM = re.compile(rb"\s*[\w.\-\[\]%+]+=[^{]*")
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
CODE = "invalid_json"


def parse_json(data: bytes | str, encoding: str = "") -> Any:
    """Return the value of a JSON text. Raises InvalidRequest, which says what is wrong and where, or TooLarge for too many values.

    `encoding` is the Content-Encoding of the request. Bytes may be UTF-8, UTF-16 or UTF-32, with or without a byte order mark.
    """
    if isinstance(data, bytes):
        _check_uncompressed(data, encoding)
        check_json(data)
        data = _decoded(data)
    text = data.removeprefix("\ufeff")
    if not text.strip():
        raise _invalid(f"The body is empty. Send JSON such as {EXAMPLE}.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _invalid(f"The body is not JSON: line {error.lineno}, column {error.colno}: {_reason(text, error)}.") from error
    except RecursionError as error:
        raise _invalid("The body cannot be parsed as JSON: it is nested too deeply.") from error
    except ValueError as error:  # an integer of thousands of digits
        raise _invalid("The body cannot be parsed as JSON: a number in it has too many digits.") from error


def parse_json_object(data: bytes | str, encoding: str = "") -> dict[str, Any]:
    """Return the object of a JSON text, as `parse_json`; raises InvalidRequest for any other value."""
    value = parse_json(data, encoding)
    if not isinstance(value, dict):
        raise _invalid(f"The body must be a JSON object such as {EXAMPLE}, not {_kind(value)}.")
    return value


def _check_uncompressed(data: bytes, encoding: str) -> None:
    named = encoding.strip().lower()
    found = next((name for magic, name in COMPRESSED.items() if data.startswith(magic)), None)
    if found or named not in ("", "identity"):
        raise _invalid(f"The body is compressed ({found or named}). Send it without Content-Encoding.")


def _decoded(data: bytes) -> str:
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        byte = data[error.start]
        if data.startswith(WIDE_MARKS):
            raise _invalid("The body is not valid UTF-16. Encode it as UTF-8.") from error
        raise _invalid(f"The body is not UTF-8: byte {error.start} is 0x{byte:02X}. Encode it as UTF-8.") from error


def _reason(text: str, error: json.JSONDecodeError) -> str:
    """Return what is wrong at the position of the error, and what to write instead."""
    rest = text[error.pos :]
    before = text[: error.pos].rstrip()
    if error.lineno == 1 and error.pos == 0 and FORM.match(text[:200].encode("utf-8", "replace")):
        return "this looks like a form; send it with Content-Type: application/x-www-form-urlencoded, or as JSON"
    if "trailing comma" in error.msg or (before.endswith(",") and rest[:1] in ("}", "]")):
        return "there is a comma before the end; remove it"
    if "control character" in error.msg:
        name = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}.get(rest[:1], "a control character")
        escape = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(rest[:1], "\\u00XX")
        return f"there is {name} inside a string; write it as {escape}"
    if rest[:1] in ("'", "\u201c", "\u201d", "\u2018", "\u2019", "\u00ab", "`"):
        return 'strings and names need straight double quotes: "'
    if not rest.strip():
        return "the JSON ends too early"
    if "escape" in error.msg:
        return "there is a single backslash inside a string; write it as \\\\"
    if "Unterminated string" in error.msg:
        return "a string begins here and does not end"
    if rest.startswith(("True", "False", "None", "undefined")):
        return "write true, false or null"
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments"
    return _plain(error.msg)


def _plain(message: str) -> str:
    """Return the parser's message in plain words."""
    if "property name" in message:
        return "a name in double quotes is expected"
    if "':'" in message:
        return "a colon is expected"
    if "','" in message:
        return "a comma or the end is expected"
    return "there is something after the end" if "Extra data" in message else "a value is expected"


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, list):
        return "a list"
    return "a string" if isinstance(value, str) else "a number"


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, code=CODE)
