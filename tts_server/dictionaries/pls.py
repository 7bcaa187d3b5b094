"""Pronunciation Lexicon Specification 1.0 (W3C 2008): reading and writing rules as PLS.

The parser accepts no document type and no entities, so nothing is fetched or expanded, and limits the depth of elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from tts_server.errors import InvalidRequest
from tts_server.text.pronunciation.alphabets import alphabet_name
from tts_server.text.pronunciation.rules import MAX_RULES, Rule

NAMESPACE = "http://www.w3.org/2005/01/pronunciation-lexicon"
OWN_NAMESPACE = "urn:parlance:pronunciation"
"""The namespace of the attributes `case-sensitive` and `word-boundaries` of a lexeme, which PLS does not have."""

MAX_DEPTH = 16
_XML = "http://www.w3.org/XML/1998/namespace"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXTS = frozenset({"grapheme", "alias", "phoneme"})


@dataclass
class _Lexeme:
    line: int
    case_sensitive: bool
    word_boundaries: bool
    graphemes: list[str] = field(default_factory=list)
    said: list[tuple[str, str, str]] = field(default_factory=list)  # element, text, alphabet
    preferred: int | None = None


def read_pls(data: bytes) -> list[Rule]:
    """The rules of a PLS document: one for each grapheme, with the preferred or first pronunciation of its lexeme.

    Raises InvalidRequest, naming the line, for what is not PLS, has a document type, or has a rule that cannot be used.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)  # noqa: FBT003 - a positional argument of expat
    except expat.ExpatError as error:
        raise invalid_file(f"this is not well-formed XML: {expat.ErrorString(error.code)}", error.lineno) from error
    except (LookupError, UnicodeError, ValueError) as error:
        raise invalid_file(f"its encoding cannot be read: {error}") from error
    return reader.rules


def write_pls(rules: Iterable[Rule]) -> bytes:
    """A PLS document in UTF-8, with pronunciations in IPA."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<lexicon version="1.0" xmlns="{NAMESPACE}" xmlns:p="{OWN_NAMESPACE}" alphabet="ipa" xml:lang="en-US">',
    ]
    for rule in rules:
        conditions = "" if rule.case_sensitive else ' p:case-sensitive="false"'
        conditions += "" if rule.word_boundaries else ' p:word-boundaries="false"'
        said = f"<alias>{_written(rule.alias)}</alias>" if rule.alias is not None else f"<phoneme>{_written(rule.ipa or '')}</phoneme>"
        lines.append(f"  <lexeme{conditions}>")
        lines += f"    <grapheme>{_written(rule.string_to_replace)}</grapheme>", f"    {said}", "  </lexeme>"
    return "\n".join([*lines, "</lexicon>", ""]).encode()


def invalid_file(why: str, line: int | None = None) -> InvalidRequest:
    place = "" if line is None else f"line {line}: "
    return InvalidRequest(f"file: {place}{why}.", param="file", code="invalid_pronunciation_file")


class _Reader:
    """Collects the rules while expat parses; elements that the specification does not have are ignored with their content."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.EntityDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._open: list[str] = []
        self._alphabet = "ipa"
        self._lexeme: _Lexeme | None = None
        self._own_alphabet = ""
        self._pieces: list[str] = []

    @property
    def _line(self) -> int:
        return self.parser.CurrentLineNumber

    def _refuse_doctype(self, *_: object) -> None:
        raise invalid_file("a document type is not accepted", self._line)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if len(self._open) >= MAX_DEPTH:
            raise invalid_file(f"elements are nested more than {MAX_DEPTH} deep", self._line)
        if not self._open and local != "lexicon":
            raise invalid_file(f"a pronunciation lexicon begins with <lexicon>, not <{local[:40]}>", self._line)
        self._open.append(local if namespace in ("", NAMESPACE) else "")
        if local == "lexicon" and len(self._open) == 1:
            self._alphabet = self._checked_alphabet(attributes.get("alphabet", "ipa"))
        elif self._path("lexeme"):
            self._lexeme = _Lexeme(
                self._line,
                attributes.get(f"{OWN_NAMESPACE} case-sensitive", "true").lower() != "false",
                attributes.get(f"{OWN_NAMESPACE} word-boundaries", "true").lower() != "false",
            )
        elif self._lexeme is not None and len(self._open) == 3 and local in _TEXTS:
            self._pieces = []
            self._own_alphabet = attributes.get("alphabet", self._alphabet)
            if attributes.get("prefer") == "true" and self._lexeme.preferred is None and local != "grapheme":
                self._lexeme.preferred = len(self._lexeme.said)

    def _text(self, text: str) -> None:
        self._pieces.append(text)

    def _end(self, name: str) -> None:
        local = self._open[-1]
        if self._lexeme is not None and len(self._open) == 3 and local in _TEXTS:
            text = " ".join("".join(self._pieces).split())
            if local == "grapheme":
                self._lexeme.graphemes.append(text)
            else:
                self._lexeme.said.append((local, text, self._own_alphabet))
        elif self._lexeme is not None and self._path("lexeme"):
            self._finish(self._lexeme)
            self._lexeme = None
        self._open.pop()

    def _path(self, local: str) -> bool:
        return len(self._open) == 2 and self._open[-1] == local

    def _finish(self, lexeme: _Lexeme) -> None:
        if not lexeme.graphemes:
            raise invalid_file("this lexeme has no grapheme", lexeme.line)
        if not lexeme.said:
            raise invalid_file("this lexeme has neither an alias nor a phoneme", lexeme.line)
        kind, text, alphabet = lexeme.said[lexeme.preferred or 0]
        for grapheme in lexeme.graphemes:
            if len(self.rules) >= MAX_RULES:
                raise invalid_file(f"there are more than {MAX_RULES} rules", lexeme.line)
            try:
                rule = Rule(
                    grapheme,
                    alias=text if kind == "alias" else None,
                    phoneme=text if kind == "phoneme" else None,
                    alphabet=alphabet_name(alphabet) if kind == "phoneme" else "ipa",
                    case_sensitive=lexeme.case_sensitive,
                    word_boundaries=lexeme.word_boundaries,
                )
            except ValueError as error:
                raise invalid_file(str(error), lexeme.line) from error
            self.rules.append(rule)

    def _checked_alphabet(self, name: str) -> str:
        try:
            return alphabet_name(name)
        except ValueError as error:
            raise invalid_file(str(error), self._line) from error


def _written(text: str) -> str:
    """Text for an XML element, without the characters that XML cannot hold."""
    return escape(_NOT_XML.sub("", text))
