"""Bodies that cannot be read: the error says what is wrong, and where."""

from __future__ import annotations

import gzip

import pytest
import requests
from support.server import RunningServer

JSON = {"Content-Type": "application/json"}


def post(server: RunningServer, body: bytes, path: str = "/v1/audio/speech", **headers: str) -> requests.Response:
    return requests.post(server.url + path, data=body, headers=JSON | {k.replace("_", "-"): v for k, v in headers.items()}, timeout=60)


BROKEN = {
    "trailing comma": (b'{"input": "Yes.",}', "line 1, column 18", "comma"),
    "trailing comma in a list": (b'{"input": "Yes.", "x": [1,]}', "column 27", "comma"),
    "raw line break": (b'{"input": "One\ntwo"}', "line 1, column 15", "\\n"),
    "raw tab": (b'{"input": "One\ttwo"}', "line 1, column 15", "\\t"),
    "single quotes": (b"{'input': 'Yes.'}", "line 1, column 2", "double quotes"),
    "typographic quotes": ('{“input”: "Yes."}'.encode(), "column 2", "double quotes"),
    "second line": (b'{\n  "input" "Yes."\n}', "line 2, column 11", "colon"),
    "missing comma": (b'{"input": "Yes." "voice": "alloy"}', "column 18", "comma"),
    "cut": (b'{"input": "Yes."', "column 17", "too early"),
    "cut within a text": (b'{"input": "Yes.', "column 11", "does not end"),
    "backslash": (b'{"input": "C:\\path"}', "column 14", "backslash"),
    "Python's words": (b'{"input": "Yes.", "stream": True}', "column 29", "true, false or null"),
    "comment": (b'{"input": "Yes." // words\n}', "column 18", "comments"),
    "two values": (b'{"input": "Yes."}{"input": "No."}', "column 18", "after the end"),
    "a form": (b"input=Hello&voice=alloy", "line 1, column 1", "x-www-form-urlencoded"),
    "plain text": (b"Hello there", "line 1, column 1", "value is expected"),
    "empty": (b"", "empty", "input"),
    "blank": (b"  \n ", "empty", "input"),
    "Latin-1": ('{"input": "café"}'.encode("latin-1"), "byte 14", "0xE9"),
    "gzip": (gzip.compress(b'{"input": "Yes."}'), "compressed", "gzip"),
    "a list": (b'["Yes."]', "object", "a list"),
    "a text": (b'"Yes."', "object", "a string"),
    "a number": (b"5", "object", "a number"),
    "null": (b"null", "object", "null"),
    "nested": (b"[" * 100_000, "nested", "deeply"),
    "digits": (b'{"input": "Yes.", "seed": ' + b"9" * 5000 + b"}", "digits", "too many"),
}


@pytest.mark.parametrize(("body", "place", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_no_json_says_where_and_why(server: RunningServer, body: bytes, place: str, reason: str) -> None:
    reply = post(server, body)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (400, "invalid_json"), error
    assert place in error["message"], error["message"]
    assert reason in error["message"], error["message"]


def test_the_other_dialects_say_it_too(server: RunningServer) -> None:
    for path in ("/tts", "/generate"):
        reply = post(server, b"{'text': 'Yes.'}", path)
        assert reply.status_code == 422
        assert "line 1, column 2" in reply.text, path
    for path in ("/v1/responses", "/v1/text/normalize", "/v1/pronunciation-dictionaries/add-from-rules"):
        reply = post(server, b'{"input": "a",}', path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_json"), path


def test_a_named_encoding_is_refused_in_words(server: RunningServer) -> None:
    for name in ("gzip", "br", "deflate", "zstd"):
        reply = post(server, b'{"input": "Yes."}', Content_Encoding=name)
        assert reply.status_code == 400
        assert f"compressed ({name})" in reply.json()["error"]["message"]
    assert post(server, b'{"input": "Yes."}', Content_Encoding="identity").status_code == 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_json_in_any_unicode_encoding_is_read(server: RunningServer, encoding: str) -> None:
    assert post(server, '{"input": "Où est-ce ?"}'.encode(encoding)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/v1/audio/speech", "/v1/voices", "/page/clip", "/v2/audio/speech_with_prompt", "/v1/audio/voice-conversion"]
)
def test_a_form_without_a_boundary_says_so(server: RunningServer, path: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="input"\r\n\r\nYes.\r\n--x--\r\n'
    reply = post(server, body, path, Content_Type="multipart/form-data")
    assert reply.status_code == 400
    assert "boundary" in reply.json()["error"]["message"]
    assert "by hand" in reply.json()["error"]["message"]


def test_json_with_the_content_type_of_a_form_is_read(server: RunningServer) -> None:
    for kind in ("multipart/form-data", "application/x-www-form-urlencoded", "text/plain", ""):
        assert post(server, b'{"input": "Yes."}', Content_Type=kind).status_code == 200, kind
