"""Lines that are marks of reStructuredText or of e-mail: directives, fields, who wrote what is quoted, the line above a signature."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.markup.marks import BLOCK_END

_DIRECTIVE = re.compile(r"\.\. (?:\|[^|\n]{1,80}\| )?([a-z][\w:-]{0,40})::(?: |\Z)")
_TARGET = re.compile(r"\.\. _[^\n]{1,2000}")
_NOTE = re.compile(r"\.\. \[[^\[\]\n]{1,60}\] ")
_OPTION = re.compile(r":[a-z][a-z-]{0,40}:(?: |\Z)")
_FIELD = re.compile(r":(?:[A-Z][\w -]{0,40}|[a-z]{2,20} [\w.* -]{1,60}|(?:returns?|rtype|raises)):(?: |\Z)")
_CONTAINER = re.compile(r":{3,} ?(?:\{[^{}\n]{0,100}\}|([A-Za-z][\w-]{0,30})(?: ([^\n]{1,200}))?)?")
_BANG_NOTE = re.compile(r"(?:!!!|\?\?\?\+?) ([a-z]{1,30})(?: \"([^\"\n]{0,200})\")?")
_INDENTED = re.compile(r"(?:: |bq\. )(?=\S)")
_ANY = re.compile(r"^(?:\.\. |:|!!! |\?\?\?|bq\. )|::$", re.MULTILINE)
_ADMONITIONS = frozenset("attention caution danger error hint important note tip warning seealso todo".split())
_TITLED = {
    "versionadded": "New in version ", "versionchanged": "Changed in version ", "deprecated": "Deprecated since version ",
    "topic": "", "admonition": "", "rubric": "", "contents": "", "epigraph": "", "sidebar": "", "centered": "", "list-table": "",
    "csv-table": "", "table": "", "replace": None,
}  # fmt: skip
_ADDRESS = re.compile(r",? ?<(?:mailto:)?[^<>\s@]{1,80}@[^<>\s]{1,120}>(?=[ \n]?[^\n<>]{0,30}:$)", re.MULTILINE)
_WROTE = re.compile(r"\b(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|napisał\(?a?\)?|пиш[её]т|skrev|yazdı)\b")


def find_line_edits(text: str) -> list[Edit]:
    """The edits of lines that a renderer does not show, or shows in other words. Time is linear."""
    edits: list[Edit] = []
    if "@" in text:
        edits += (
            Edit(found.start(), found.end(), "", "mail")
            for found in _ADDRESS.finditer(text)
            if _WROTE.search(text, found.start() - 200 if found.start() > 200 else 0, found.end() + 32)
        )
    if _ANY.search(text):
        edits += _restructured_edits(text)
    if "\n--\n" in text:
        edits += (Edit(found.start() + 1, found.end(), "", "mail") for found in re.finditer(r"\n--(?=\n)", text))
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)  # an address may stand in a line that goes as a whole
    return kept


def _restructured_edits(text: str) -> list[Edit]:
    edits: list[Edit] = []
    start = 0
    has_options = False
    for line in text.split("\n"):
        end = start + len(line)
        edit: Edit | None = None
        if directive := _DIRECTIVE.match(line):
            edit, has_options = _directive(directive, start, end), True
        elif has_options and _OPTION.match(line):
            edit = Edit(start, end, "", "rst")
        else:
            has_options = False
            if _TARGET.fullmatch(line):
                edit = Edit(start, end, "", "rst")
            elif note := _NOTE.match(line):
                edit = Edit(start, start + note.end(), "", "rst")
            elif _FIELD.match(line):
                edit = Edit(start, start + 1, "", "rst")
            elif line.endswith("::") and len(line) > 2 and line[-3].isalnum():
                edit = Edit(end - 1, end, "", "rst")
            elif (container := _CONTAINER.fullmatch(line)) or (container := _BANG_NOTE.fullmatch(line)):
                title = container[2] or (container[1] or "").capitalize()
                edit = Edit(start, end, f"{title}{BLOCK_END}" if title else "", "rst")
            elif indented := _INDENTED.match(line):
                edit = Edit(start, start + indented.end(), "", "rst")
            elif line == "::":
                edit = Edit(start, end, "", "rst")
        if edit:
            edits.append(edit)
        start = end + 1
    return edits


def _directive(directive: re.Match[str], start: int, end: int) -> Edit:
    name = directive[1]
    content = start + directive.end()
    if name in _ADMONITIONS:
        title = "See also" if name == "seealso" else name.capitalize()
        return Edit(start, content, f"{title}: " if content < end else f"{title}{BLOCK_END}", "rst")
    title_before = _TITLED.get(name)
    return Edit(start, content if title_before is not None else end, title_before or "", "rst")
