"""Prints the spoken form of a text, without synthesis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tts_server.client.connection import Connection, Unreachable
from tts_server.client.texts import pieces
from tts_server.errors import NothingToSay

PREVIEW_FIELDS = ("voice", "model", "language", "text_normalization")
"""Options of `say` that affect the spoken form of a text."""

SILENT = "[silent]"

MAX_SHOWN = 80
"""Maximum length of the original and the spoken form of a change."""


def read_pieces(connection: Connection, text: str, fields: Mapping[str, Any], max_characters: int) -> Iterator[dict[str, Any]]:
    """Yield the server's replies for the text, cut as for synthesis. Raises Refused, Unreachable, or NothingToSay for an empty text."""
    if not text.strip():
        raise NothingToSay("There is nothing to say: the text is empty.", param="input")
    chosen = {name: fields[name] for name in PREVIEW_FIELDS if name in fields}
    for piece in pieces(text, max_characters):
        if not piece.text:
            continue
        answer = connection.post("/v1/text/normalize", {**chosen, "input": piece.text})
        if not isinstance(answer.get("text"), str) or not isinstance(answer.get("changes"), list):
            raise Unreachable(f"{connection.name} is not a Parlance server, or too old for previews.")
        yield answer


def preview_lines(answers: Iterable[Mapping[str, Any]], *, only_words: bool) -> Iterator[str]:
    """Yield the spoken form of each piece as it arrives, then a line for each change unless `only_words`."""
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
    """Return a change as `$5 -> five dollars (money)`; text that is not spoken becomes `[silent]`."""
    return f"{_shorten(change.get('from'))} -> {_shorten(change.get('to')) or SILENT} ({change.get('rule')})"


def _shorten(text: object) -> str:
    line = " ".join(str(text or "").split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
