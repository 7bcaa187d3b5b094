"""How a text will be read, as lines to print, without speaking it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tts_server.client.connection import Connection, Unreachable
from tts_server.client.texts import pieces
from tts_server.errors import NothingToSay

PREVIEW_FIELDS = ("voice", "model", "language", "text_normalization")
"""Options of `say` that decide how a text is read."""

SILENT = "[silent]"

MAX_SHOWN = 80
"""Characters of a changed form, and of what it becomes, that are shown."""


def read_pieces(connection: Connection, text: str, fields: Mapping[str, Any], max_characters: int) -> Iterator[dict[str, Any]]:
    """The server's answers for the text, which is cut as for speech; raises Refused, Unreachable or, for an empty text, NothingToSay."""
    if not text.strip():
        raise NothingToSay("The text leaves nothing to say. Write some words.", param="input")
    chosen = {name: fields[name] for name in PREVIEW_FIELDS if name in fields}
    for piece in pieces(text, max_characters):
        if not piece.text:
            continue
        answer = connection.post("/v1/text/normalize", {**chosen, "input": piece.text})
        if not isinstance(answer.get("text"), str) or not isinstance(answer.get("changes"), list):
            raise Unreachable(f"{connection.name} does not answer as a Parlance server that can show how a text is read.")
        yield answer


def preview_lines(answers: Iterable[Mapping[str, Any]], *, only_words: bool) -> Iterator[str]:
    """The words of each piece as soon as they are there, then a line for each change unless `only_words` are wanted."""
    changes: Counter[str] = Counter()
    language = ""
    for number, answer in enumerate(answers):
        if number:
            yield ""
        yield answer["text"] or SILENT
        language = language or str(answer.get("language") or "")
        changes.update(map(describe_change, answer["changes"]))
    if only_words:
        return
    yield ""
    yield f"Language: {language}. {'Changes:' if changes else 'Nothing is changed.'}"
    for line, count in changes.items():
        yield f"  {line}{f', {count} times' if count > 1 else ''}"


def describe_change(change: Mapping[str, Any]) -> str:
    """`$5 -> five dollars (money)`; what is not spoken becomes `[silent]`."""
    return f"{_shortened(change.get('from'))} -> {_shortened(change.get('to')) or SILENT} ({change.get('rule')})"


def _shortened(text: object) -> str:
    line = " ".join(str(text or "").split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
