"""Reads the text of a command: from the command line, a file or standard input."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tts_server.client.errors import UsageError
from tts_server.speech import Segment
from tts_server.text.clean import clean, has_speech
from tts_server.text.markup.ssml import is_ssml
from tts_server.text.segment import segments

STANDARD_INPUT = "-"
PIECE_CHARACTERS = 4000
"""Length of the text of one request; the default limit of servers is 4096 characters."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class TextSource:
    """The options that select the text."""

    words: Sequence[str]
    file: str | None = None
    encoding: str | None = None

    def read(self) -> str:
        """Return the text; raises UsageError or OSError."""
        if self.words and self.file:
            raise UsageError("Give either a text or --file, not both.")
        if self.file and self.file != STANDARD_INPUT:
            return decode(Path(self.file).read_bytes(), self.encoding, self.file)
        if self.file or list(self.words) == [STANDARD_INPUT]:
            return decode(sys.stdin.buffer.read(), self.encoding, "The standard input")
        if not self.words:
            raise UsageError('There is no text. Write it after the command ("Hello"), or use --file NAME, or - for the standard input.')
        return " ".join(self.words)


def decode(data: bytes, encoding: str | None, name: str) -> str:
    """Decode bytes by `encoding`, else by their byte order mark, else as UTF-8; raises UsageError if they are invalid."""
    marked = next((coding for mark, coding in _MARKS if data.startswith(mark)), None)
    coding = encoding or marked or "utf-8"
    try:
        return data.decode(coding)
    except LookupError as error:
        raise UsageError(f"--encoding {coding}: unknown encoding. Common ones are utf-8, cp1252, gb18030.") from error
    except UnicodeError as error:
        raise UsageError(f"{name} is not {coding} text. Save it as UTF-8, or name its encoding, such as --encoding cp1252.") from error


def pieces(text: str, max_characters: int = PIECE_CHARACTERS) -> Iterator[Segment]:
    """Yield the text as one piece if one request accepts it, else cut at sentences and paragraphs, with the pauses between them.

    SSML is not cut, since a part of it would not be well formed.
    """
    if len(text) <= max_characters or is_ssml(text):
        yield Segment(text)
        return
    text = clean(text)
    for piece in segments(text, first_chars=max_characters, max_chars=max_characters):
        # The original text, since markup depends on line ends.
        yield Segment(text[piece.start : piece.end] if has_speech(piece.text) else "", piece.pause_after)
