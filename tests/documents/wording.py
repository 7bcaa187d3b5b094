"""Words that the project does not use in documents, docstrings, comments and messages, with what to write instead.

    python tests/documents/wording.py [FILE ...]

prints each place where such a word stands, in all files or in these. With `--prune` it removes from unchecked_wording.txt the source
files in which none stands any more.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
UNCHECKED = Path(__file__).with_name("unchecked_wording.txt")

WORDS = {
    # Metaphors for parts of the server.
    r"\b(?:wait|waits|waiting|stand|stands|place) in (?:the )?line\b|\bbounded line\b": "queue",
    r"\b(?:his|her|its|their|whose|have had their) turn\b|\btak(?:e|es|ing) turns\b": "slot, iteration, rotation",
    r"\b(?:no|make|makes|made|making|find|finds|finding|more|enough|out of|the one) room\b|\broom (?:for|in)\b": "memory, space; module",
    r"\b(?:the|a) door\b|\blet(?:s|ting)? (?:nobody|no one|somebody|others|them|it)? ?in\b": "access, accept, permit",
    r"\bbad company\b|(?<!flash )\bcrowds?\b|\bstrangers?\b": "misbehaving clients, many clients, unauthenticated clients",
    r"\bgreetings?\b": "short text, first message",
    r"\bknobs?\b": "control",
    r"\bgiv(?:e|es|ing|en) out\b|\bgave out\b": "return, hand to, dispatch",
    r"\blet(?:s|ting)? go\b": "close, release",
    r"\b(?:is|are|was|were|been) at work\b|\bat work (?:now|or)\b": "active, running",
    # Programs are no persons.
    r"\btold\b|\btells\b": "report, state, return; an estimate from",
    r"\bheard\b": "audible, played; the output of attention",
    r"\bsettled\b": "resolved, decided",
    r"\bkept\b": "stored, cached, retained",
    r"\bguilty\b": "failed",
    r"\bemploy(?:s|ed|ing)?\b": "start, use",
    r"\bknows\b|\bknew\b": "has, stores, supports",
    r"\bwants\b": "needs, requests, requested",
    r"\bthinks\b|\bthought of\b": "computes, assumes",
    r"\bobey(?:s|ed)?\b": "applied",
    r"\bbelieves?\b|\bbelieved\b": "trust, use",
    r"\b(?:is|are|was|were) content with\b": "accept",
    # English that has to be read twice.
    r"\b(?:answer|reason|problems|end|ends|refused|503|500|it|error|failure|told),? (?:at once )?in words\b": "as text, with a message",
    r"\banew\b": "again",
    r"\bas far as\b": "if, where, estimated from",
    r"\bwho (?:waits|leaves|stalls|comes|sends|asks)\b|\bwhoever\b(?! runs)": "a client that …",
    r"\bfor ever\b": "forever",
    r"\bspoilt\b": "corrupt",
    r"\bso many\b(?! that)": "this many",
    r"\bmidst\b": "during",
    r"\bit(?:self)? says so\b|\bsays so\b": "states it, reports it",
}
PATTERN = {re.compile(pattern, re.IGNORECASE): instead for pattern, instead in WORDS.items()}


class Finding(NamedTuple):
    """A word that is not used: its place, the word, and what to write instead."""

    file: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.word!r}: write {self.instead}"


WORD_LISTS = ("tts_server/text/language_words.py",)
"""Files whose strings are words of languages, not prose."""


def documents() -> list[Path]:
    folders = [PROJECT, PROJECT / "docs", PROJECT / "voices", PROJECT / "tests"]
    return sorted(path for folder in folders for path in folder.glob("*.md") if path.name != "CHANGELOG.md")


def page() -> list[Path]:
    """The English texts of the page."""
    return [PROJECT / "static" / "js" / "strings" / "en.js", *sorted((PROJECT / "templates").glob("*.html"))]


def sources() -> list[Path]:
    files = sorted((PROJECT / "tts_server").rglob("*.py"))
    return [path for path in files if path.relative_to(PROJECT).as_posix() not in WORD_LISTS]


def unchecked() -> list[str]:
    return UNCHECKED.read_text(encoding="utf-8").split()


def prose_of_document(text: str) -> str:
    """The text of a Markdown document without code; its lines stay where they are."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])  # noqa: E731
    text = re.sub(r"^ *```.*?^ *```$", blank, text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"``.*?``|`[^`]*`|\]\([^)]*\)|<!--.*?-->", blank, text, flags=re.DOTALL)


def prose_of_source(text: str) -> Iterator[tuple[int, str]]:
    """The first line and the text of each comment, docstring and message; code in backticks is left out."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], _without_code(token.string)
    for node in ast.walk(ast.parse(text)):
        # A message has several words; a single one is a name or a key.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) > 2:
            yield node.lineno, _without_code(node.value)


def _without_code(text: str) -> str:
    return re.sub(r"`[^`]*`", "", text)


def findings(path: Path) -> list[Finding]:
    """The places in a file where a word stands that is not used."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        parts = list(prose_of_source(text))
    elif path.suffix == ".md":
        parts = [(1, prose_of_document(text))]
    else:
        parts = [(1, re.sub(r"\{\w+\}", "", text))]
    return sorted(
        Finding(path.relative_to(PROJECT).as_posix(), first + part.count("\n", 0, match.start()), match[0], instead)
        for first, part in parts
        for pattern, instead in PATTERN.items()
        for match in pattern.finditer(part)
    )


def prune() -> None:
    """Remove from the list of unchecked files those that do not exist, and those without a finding."""
    names = [name for name in unchecked() if (PROJECT / name).is_file() and findings(PROJECT / name)]
    UNCHECKED.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--prune"]:
        prune()
    else:
        for path in [Path(name).resolve() for name in sys.argv[1:]] or [*documents(), *page(), *sources()]:
            for finding in findings(path):
                print(finding)  # noqa: T201 - a program
