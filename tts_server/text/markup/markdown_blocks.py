"""The blocks of Markdown, line by line: headings, lists, quotes, tables, rulers, definitions of links, front matter.

Lines come without indentation, so that a list inside a list is like any other list. Each heading, item and row gets a `BLOCK_END`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tts_server.text.abbreviations import GERMAN_MONTHS
from tts_server.text.edits import Edit
from tts_server.text.markup.marks import BLOCK_END, CELL_END

_RULE = "markdown"
_QUOTE = re.compile(r"(?:>[ ]?(?![=:;_<)(^]))+(?=[^\s>])")
_CALLOUT = re.compile(r"\[!([A-Za-z]{1,20})\][+-]?")
_HEADING = re.compile(r"(?:#{1,6} |#{2,6}(?=[^\W\d_])|h[1-6]\. )[ ]?(?=\S)")
_HEADING_END = re.compile(r" #{1,6}\Z| ?\{#[^{}\n]{1,80}\}\Z")
_UNDERLINE = re.compile(r"={2,}|-{2,}|\^{3,}|\"{3,}|~{3,}|'{4,}")
_BANNER = re.compile(r"-{3,} ?([^\W_][^\n]{0,80}?[^\W_]) ?-{3,}|={3,} ?([^\W_][^\n]{0,80}?[^\W_]) ?={3,}")
_SMALL_PRINT = re.compile(r"-# (?=\S)")
"""Discord's mark of small print."""

_RULER = re.compile(r"(?:[-*_=─━—~] ?){3,}|(?:[•·◦∗+#] ?){3,}")
_BULLET = re.compile(r"([-*+•‣◦▪▫●○■□➤►▶✓✔⁃]) (?=\S)")
_TASK = re.compile(r"\[[ xX]?\](?: |\Z)")
_WIKI_HEADING = re.compile(r"(={2,6}) ?([^=\n]{1,200}?) ?\1")
_NUMBER = re.compile(r"([0-9]{1,9}|[A-Za-z](?=[.)] ))([.)])(?: (?=\S)|(?=[^\W\d_]))")
_NEXT_WORD = re.compile(r"[^\W\d_]{0,20}")
_SEPARATOR = re.compile(r"\|? ?:?-+:? ?(?:\| ?:?-+:? ?)*\|?")
_DEFINITION = re.compile(r"\[(?!\^)([^\[\]\n]{1,200})\]: ?(<[^<>\n]{1,2000}>|[^\s]{1,2000})(?: (?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?")
_LIKE_ADDRESS = re.compile(r"<|[a-zA-Z][a-zA-Z0-9+.-]{1,20}:|[./#]|[\w-]{1,60}\.[\w-]")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,60}\]: ?")
_FRONT_MATTER_KEY = re.compile(r"[A-Za-z_][\w -]{0,60}:(?: |\Z)")
_QUANTITY = re.compile(r"[-+−]?[€$£¥]?[0-9]")
_BOLD_LINE = re.compile(r"(?:\*\*[^*\n]{1,100}\*\*|__[^_\n]{1,100}__):?")
_WRAPPED_LINE = 50


@dataclass(frozen=True)
class Blocks:
    """The edits of the blocks, and the names of the links that the text defines, in lower case."""

    edits: list[Edit]
    labels: frozenset[str]


@dataclass
class _Line:
    start: int
    end: int
    text: str
    is_quote: bool = False
    kind: str = ""
    content: int = 0  # where the text begins after the marks
    edits: list[Edit] = field(default_factory=list)


def find_blocks(text: str) -> Blocks:
    """Find the blocks of a text whose code and escapes are literals already. Time is linear."""
    lines = _lines(text)
    labels: set[str] = set()
    first = _skip_front_matter(lines)
    _mark_quotes(lines)
    numbers = _list_numbers(lines)
    _mark_tables(lines)
    for index in range(first, len(lines)):
        line = lines[index]
        if line.kind or line.content >= line.end:
            continue
        _mark_line(lines, index, numbers, labels)
    edits: list[Edit] = []
    for index, line in enumerate(lines):
        edits += line.edits
        if line.kind in ("heading", "row") or (line.kind in ("item", "goes on") and not _goes_on(lines, index)):
            edits.append(Edit(line.end, line.end, BLOCK_END, _RULE))
    return Blocks([edit for edit in edits if edit.text or edit.start < edit.end], frozenset(labels))


def _lines(text: str) -> list[_Line]:
    lines = []
    start = 0
    for content in text.split("\n"):
        lines.append(_Line(start, start + len(content), content, content=start))
        start += len(content) + 1
    return lines


def _remove(line: _Line, kind: str) -> None:
    line.edits = [Edit(line.start, line.end, "", _RULE)]
    line.kind, line.content = kind, line.end


def _skip_front_matter(lines: list[_Line]) -> int:
    """Remove `key: value` lines between two rulers at the very beginning. Returns the index of the first line after them."""
    if lines[0].text != "---" or len(lines) < 3 or not _FRONT_MATTER_KEY.match(lines[1].text):
        return 0
    for index in range(1, len(lines)):
        if lines[index].text in ("---", "..."):
            for line in lines[: index + 1]:
                _remove(line, "gone")
            return index + 1
    return 0


def _mark_quotes(lines: list[_Line]) -> None:
    for index, line in enumerate(lines):
        quote = _QUOTE.match(line.text) if not line.kind and line.text.startswith(">") else None
        if quote is None:
            if line.text and not line.text.strip("> ") and not line.kind and _has_quote_around(lines, index):
                _remove(line, "blank")
            continue
        if _QUANTITY.match(line.text, quote.end()) and not _has_quote_around(lines, index):
            continue  # "> 5 %"
        line.is_quote = True
        line.content = line.start + quote.end()
        line.edits.append(Edit(line.start, line.content, "", _RULE))
        line.text = line.text[quote.end() :]
        if callout := _CALLOUT.match(line.text):
            line.edits.append(Edit(line.content, line.content + callout.end(), callout[1].capitalize() + BLOCK_END, _RULE))
            line.content += callout.end()
            line.text = line.text[callout.end() :]


def _has_quote_around(lines: list[_Line], index: int) -> bool:
    return any(line.is_quote or line.text.startswith(">") for line in (*lines[max(0, index - 1) : index], *lines[index + 1 : index + 2]))


def _list_numbers(lines: list[_Line]) -> set[int]:
    """The indices of the lines that belong to a numbered list: two or more, counted on from 0, 1 or a. "3. Oktober" is no such line."""
    found: set[int] = set()
    previous: dict[str, tuple[int, int]] = {}
    for index, line in enumerate(lines):
        number = None if line.kind else _NUMBER.match(line.text)
        if number is None or ((word := _NEXT_WORD.match(line.text, number.end())) and word[0].lower() in GERMAN_MONTHS):
            continue
        is_letter = not number[1].isdigit()
        value, style = ord(number[1].lower()) - ord("a") if is_letter else int(number[1]), f"{is_letter}{number[2]}"
        last = previous.get(style)
        if last and value in (last[0], last[0] + 1) and (last[0] <= 1 or last[1] in found):
            found |= {last[1], index}
        previous[style] = (value, index)
    return found


def _mark_tables(lines: list[_Line]) -> None:
    """Rows below and above a separator row, and rows between two bars."""
    index = 0
    while index < len(lines):
        line = lines[index]
        if not line.kind and "|" in line.text and "-" in line.text and _SEPARATOR.fullmatch(line.text.rstrip()):
            _remove(line, "separator")
            line.edits = [Edit(max(line.start - 1, 0), line.end, "", _RULE)]
            if index and "|" in lines[index - 1].text:
                _mark_row(lines[index - 1])
            while index + 1 < len(lines) and "|" in lines[index + 1].text:
                index += 1
                _mark_row(lines[index])
        elif not line.kind and line.text.startswith("|") and line.text.endswith("|") and line.text.count("|") > 2:
            _mark_row(line)
        index += 1


def _mark_row(line: _Line) -> None:
    if line.kind:
        return
    line.kind = "row"
    offset = line.end - len(line.text)
    for bar in re.finditer(r" ?\| ?", line.text):
        is_outside = bar.start() == 0 or bar.end() == len(line.text)
        line.edits.append(Edit(offset + bar.start(), offset + bar.end(), "" if is_outside else CELL_END, _RULE))


def _mark_line(lines: list[_Line], index: int, numbers: set[int], labels: set[str]) -> None:
    line = lines[index]
    text, offset = line.text, line.content
    above = lines[index - 1] if index else None
    if _UNDERLINE.fullmatch(text) and above and above.text and above.kind in ("", "heading") and above.content < above.end:
        above.kind = "heading"
        _remove(line, "gone")
    elif _RULER.fullmatch(text):
        _remove(line, "gone")
        line.edits = [Edit(line.start, line.end, f"{BLOCK_END}\n" if above is None else "\n", _RULE)]
        if above and above.text and above.kind == "":
            above.kind = "heading"
    elif wiki := _WIKI_HEADING.fullmatch(text):
        line.kind = "heading"
        line.edits += Edit(offset, offset + wiki.start(2), "", _RULE), Edit(offset + wiki.end(2), line.end, "", _RULE)
    elif banner := _BANNER.fullmatch(text):
        line.kind = "heading"
        group = banner.lastindex or 1
        line.edits += Edit(offset, offset + banner.start(group), "", _RULE), Edit(offset + banner.end(group), line.end, "", _RULE)
    elif small := _SMALL_PRINT.match(text):
        line.edits.append(Edit(offset, offset + small.end(), "", _RULE))
    elif heading := _HEADING.match(text):
        line.kind = "heading"
        line.edits.append(Edit(offset, offset + heading.end(), "", _RULE))
        if closing := _HEADING_END.search(text, max(heading.end(), len(text) - 84)):
            line.edits.append(Edit(offset + closing.start(), line.end, "", _RULE))
    elif (definition := _DEFINITION.fullmatch(text)) and _LIKE_ADDRESS.match(definition[2]):
        labels.add(" ".join(definition[1].lower().split()))
        _remove(line, "gone")
    elif footnote := _FOOTNOTE.match(text):
        line.kind = "item"
        line.edits.append(Edit(offset, offset + footnote.end(), "", _RULE))
    elif (bullet := _BULLET.match(text)) and _is_item(lines, index, bullet):
        line.kind = "item"
        end = bullet.end()
        while again := _BULLET.match(text, end):
            end = again.end()
        if task := _TASK.match(text, end):
            end = task.end()
        line.edits.append(Edit(offset, offset + end, "", _RULE))
    elif (number := _NUMBER.match(text)) and (index in numbers or (number[1] == "1" and above and above.kind == "item")):
        line.kind = "item"
        mark = offset + number.start(2)
        if number[1].isdigit():
            line.edits.append(Edit(mark, mark + 1, "," if number[0].endswith(" ") else ", ", _RULE))
    elif _BOLD_LINE.fullmatch(text):
        line.kind = "heading"
    elif above and above.kind in ("item", "goes on") and above.end - above.content >= _WRAPPED_LINE and text[0].islower():
        line.kind = "goes on"


def _is_item(lines: list[_Line], index: int, bullet: re.Match[str]) -> bool:
    """Whether a bullet is one: "- 5 °C" alone has a sign, "- he said -" is set off by dashes."""
    if bullet[1] not in "-+*":
        return True
    text = lines[index].text
    around = (*lines[max(0, index - 2) : index], *lines[index + 1 : index + 3])
    if any(other.text.startswith(bullet[0]) for other in around):
        return True
    is_quantity = bullet[1] != "*" and text[bullet.end()].isdigit()
    is_set_off = text.endswith((" -", " *")) or (bullet[1] == "+" and not text[bullet.end()].isalpha())
    return not is_quantity and not is_set_off


def _goes_on(lines: list[_Line], index: int) -> bool:
    return index + 1 < len(lines) and lines[index + 1].kind == "goes on"
