"""Reads a file of rules. Its content determines whether it is PLS or a table."""

from __future__ import annotations

from tts_server.dictionaries.pls import read_pls
from tts_server.dictionaries.tables import read_table
from tts_server.text.pronunciation.rules import Rule

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"


def read_rules(data: bytes) -> list[Rule]:
    """The rules of a PLS document or a table. Raises InvalidRequest, naming the line, where it is neither."""
    if data.startswith(_UTF16):
        return read_pls(data) if data[2:4].strip(b"\0") == b"<" else read_table(data)
    plain = data.removeprefix(_UTF8_MARK).lstrip()
    return read_pls(plain) if plain.startswith(b"<") else read_table(data)
