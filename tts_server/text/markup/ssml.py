"""A subset of SSML 1.1 as plain text with pauses, pronunciations, rate and language tags.

expat reads it, which keeps the place of every tag. It never loads anything: a DTD, which could declare entities, is refused.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from tts_server.errors import InvalidRequest
from tts_server.text.edits import SPACE, Edit
from tts_server.text.inline_tags import MAX_RATE, MIN_RATE, language_tag, rate_tag
from tts_server.text.markup.marks import BLOCK_END, visible
from tts_server.text.markup.say_as import say_as_text
from tts_server.text.markup.tags import MAX_PAUSE
from tts_server.text.phonemes import phoneme_span

MAX_DEPTH = 50
"""How deep elements may lie inside of each other."""

RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.5}
PAUSES = {"none": 0.0, "x-weak": 0.25, "weak": 0.5, "medium": 0.75, "strong": 1.0, "x-strong": 1.25}
"""Seconds of `break strength`."""

_BEGIN = re.compile(
    r"\s{0,9}(?:<\?xml[^<>]{0,200}\?>\s{0,9})?(?:<!--[^<>]{0,2000}-->\s{0,9}){0,3}(?:<speak(?=[\s/>])|<!DOCTYPE\s{1,9}(?:speak\b|[^<>]{1,200}>\s{0,9}<speak[\s/>]))"
)
_TIME = re.compile(r"\+?([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ms|s)", re.IGNORECASE)
_RATE = re.compile(r"([+-]?)([0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})(%?)")
_LANGUAGE = re.compile(r"([a-zA-Z]{2,3})(?:[-_].{0,40})?")
_SILENT = frozenset(("desc", "metadata", "meta", "lexicon"))
_SENTENCES = frozenset(("p", "paragraph", "s", "sentence"))
_REPLACED = frozenset(("sub", "say-as", "phoneme"))


def is_ssml(text: str) -> bool:
    """Whether the text begins with `<speak`, after an XML declaration or comments."""
    return _BEGIN.match(text) is not None


@dataclass(frozen=True)
class SSML:
    """The edits that make SSML plain text, the names of its voices, and the language of the whole where `speak` names one."""

    edits: list[Edit]
    voices: list[str]
    language: str | None


def read_ssml(text: str, language: str | None, fallback: str = "en") -> SSML:
    """Read SSML in the `language` of the request; without one, in that which `speak` names, then in the `fallback`.

    Raises InvalidRequest where it is not well formed, is nested too deep or has a DTD.
    """
    reader = _Reader(text, language, fallback)
    edits = reader.read()
    return SSML(edits, reader.voices, reader.language)


@dataclass
class _Element:
    name: str
    attributes: dict[str, str]
    start: int  # offset of its start tag
    rate: float
    language: str
    opening: str  # what its start tag becomes
    text: list[str] = field(default_factory=list)
    first_edit: int = 0


class _Reader:
    """Collects the edits while expat reports tags and text, in the order of the document."""

    def __init__(self, text: str, language: str | None, fallback: str) -> None:
        self.voices: list[str] = []
        self.language: str | None = None
        self._text = text
        self._data = text.encode("utf-8", "replace")
        self._is_given = language is not None
        self._language = language or fallback
        self._edits: list[Edit] = []
        self._open: list[_Element] = []
        self._bytes = self._chars = 0
        self._pending: tuple[int, str | None, str] | None = None  # start, text if it is data, replacement
        self._replaced = self._silent = 0  # how many elements around have another text, or none
        parser = self._parser = expat.ParserCreate("utf-8")
        parser.buffer_text = False
        parser.UseForeignDTD(True)  # so that names of HTML, such as &nbsp;, are reported and no error
        parser.ExternalEntityRefHandler = lambda *_: 1
        parser.SkippedEntityHandler = self._entity
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data_found
        parser.CommentHandler = lambda _: self._other()
        parser.ProcessingInstructionHandler = lambda *_: self._other()
        parser.StartCdataSectionHandler = self._other
        parser.EndCdataSectionHandler = self._other
        parser.XmlDeclHandler = lambda *_: self._other()

    def read(self) -> list[Edit]:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            hint = ' Write "&amp;" for "&" and "&lt;" for "<".' if error.code in _MARKS_WITHOUT_MEANING else ""
            self._refuse(f"is not well formed: {reason}", error.lineno, error.offset + 1, hint)
        self._flush(len(self._text))
        return [edit for edit in self._edits if edit.text or edit.start < edit.end]

    def _refuse(self, what: str, line: int, column: int, hint: str = "") -> NoReturn:
        raise InvalidRequest(f"input: the SSML {what} (line {line}, column {column}).{hint}", param="input") from None

    def _refuse_here(self, what: str) -> NoReturn:
        self._refuse(what, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _refuse_doctype(self, *_: object) -> None:
        self._refuse_here("must not have a document type declaration or declare entities")

    def _offset(self) -> int:
        """The character offset of what expat reports now. Reports come in order, so that each byte is decoded once."""
        at = self._parser.CurrentByteIndex
        if at > self._bytes:
            self._chars += len(self._data[self._bytes : at].decode("utf-8", "ignore"))
            self._bytes = at
        return self._chars

    def _flush(self, end: int) -> None:
        """Write the edit of what was reported before, which ends where the next report begins."""
        if self._pending is None:
            return
        start, data, instead = self._pending
        self._pending = None
        if data is not None:
            instead = "" if self._replaced or self._silent else visible(data)
        if self._text[start:end] != instead:
            self._edits.append(Edit(start, end, instead, SPACE if data is not None and data.isspace() else "ssml"))

    def _report(self, data: str | None, instead: str = "") -> int:
        offset = self._offset()
        self._flush(offset)
        self._pending = (offset, data, instead)
        return offset

    def _other(self) -> None:
        self._report(None)

    def _data_found(self, data: str) -> None:
        if self._replaced:
            self._outer(self._open[-1]).text.append(data)
        self._report(data)

    def _outer(self, element: _Element) -> _Element:
        """The outermost element around whose text is replaced as a whole."""
        return next((other for other in self._open if other.name in _REPLACED), element)

    def _entity(self, name: str, is_parameter: bool) -> None:
        if is_parameter:
            return
        decoded = html.unescape(f"&{name};")
        if decoded == f"&{name};":
            self._refuse_here(f'has an unknown entity "&{name};"')
        decoded = visible(decoded)
        if self._replaced:
            self._outer(self._open[-1]).text.append(decoded)
        self._report(None, "" if self._replaced or self._silent else decoded)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._refuse_here(f"is nested deeper than {MAX_DEPTH} elements")
        name = tag.lower()
        around = self._open[-1] if self._open else None
        rate, language = (around.rate, around.language) if around else (1.0, self._language)
        attributes = {key: visible(value) for key, value in attributes.items()}
        given = _language_code(attributes.get("xml:lang", ""))
        if around is None and given:
            self.language = given
            language = self._language = language if self._is_given else given
            given = ""
        instead = ""
        if name in _SENTENCES:
            instead = BLOCK_END + ("\n\n" if name[0] == "p" else " ")
        if given and given != language:
            instead += language_tag(given)
            language = given
        if name == "break":
            instead = break_pause(attributes)
        elif name == "prosody" and (factor := _rate(attributes.get("rate", ""))) is not None:
            rate = min(max(rate * factor, MIN_RATE), MAX_RATE)
            instead += rate_tag(rate)
        elif name == "voice" and attributes.get("name", "").strip():
            self.voices.append(attributes["name"].strip())
        offset = self._report(None, "" if self._replaced or self._silent else instead)
        self._open.append(_Element(name, attributes, offset, rate, language, instead, first_edit=len(self._edits)))
        self._replaced += name in _REPLACED
        self._silent += name in _SILENT

    def _end(self, tag: str) -> None:
        element = self._open[-1]
        around = self._open[-2] if len(self._open) > 1 else None
        instead = ""
        outer_language = around.language if around else self._language
        if element.language != outer_language:
            instead += language_tag("" if outer_language == self._language else outer_language)
        if element.rate != (around.rate if around else 1.0):
            instead += rate_tag(around.rate if around else 1.0)
        if element.name in _SENTENCES:
            instead = instead and f"{BLOCK_END}{instead}"
            instead = (instead or BLOCK_END) + ("\n\n" if element.name[0] == "p" else " ")
        self._report(None, "" if self._replaced or self._silent else instead)
        self._open.pop()
        self._replaced -= element.name in _REPLACED
        self._silent -= element.name in _SILENT
        if element.name in _REPLACED and not self._replaced and not self._silent:
            # What it contains is one edit with its tags: the edits since its start tag are those of its content.
            del self._edits[element.first_edit :]
            self._pending = (element.start, None, element.opening + _replacement(element) + instead)


def _language_code(name: str) -> str:
    code = _LANGUAGE.fullmatch(name.strip())
    return code[1].lower() if code else ""


def break_pause(attributes: dict[str, str]) -> str:
    """The tag of a `break`; a space where it asks for no pause. An invalid time is ignored, as SSML requires."""
    seconds = PAUSES.get(attributes.get("strength", "").strip().lower(), PAUSES["medium"])
    if time := _TIME.fullmatch(attributes.get("time", "").strip()):
        seconds = float(time[1]) / (1000 if time[2].lower() == "ms" else 1)
    seconds = round(min(seconds, MAX_PAUSE), 3)
    return f" [pause:{seconds:g}s] " if seconds else " "


def _rate(value: str) -> float | None:
    """The factor of a `prosody rate`, None where it is no rate."""
    value = value.strip().lower()
    if value in RATES:
        return RATES[value]
    rate = _RATE.fullmatch(value)
    if rate is None:
        return None
    number = float(rate[2])
    if not rate[3]:
        return None if rate[1] == "-" or not number else number if not rate[1] else 1 + number
    sign = {"": 0, "+": 1, "-": -1}[rate[1]]
    return 1 + sign * number / 100 if sign else number / 100


def _replacement(element: _Element) -> str:
    """The text of an element that has another than what it contains."""
    attributes, text = element.attributes, visible(" ".join("".join(element.text).split()))
    if element.name == "sub":
        return " ".join(attributes.get("alias", text).split())
    if element.name == "say-as":
        kind, form = attributes.get("interpret-as", ""), attributes.get("format", attributes.get("detail", ""))
        return say_as_text(text, kind, form, element.language)
    if attributes.get("alphabet", "ipa").strip().lower() != "ipa":
        return text
    try:
        return phoneme_span(text, attributes.get("ph", ""))
    except ValueError:
        return text


_MARKS_WITHOUT_MEANING = frozenset((expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN],))
