"""The markup of wikis: `'''bold'''`, `{{template}}`, files and categories, magic words, and tables between `{|` and `|}`."""

from __future__ import annotations

import re
from collections import Counter

from tts_server.text.edits import Edit
from tts_server.text.markup.marks import BLOCK_END, CELL_END

_RULE = "wiki"
_PAIR = re.compile(r"\{\{|\}\}|\[\[|\]\]|\n\n")
_TEMPLATE_OPENING = re.compile(r"\{\{+[ ]?[^\W_][^{}]")
_MEDIA = re.compile(r"\[\[:?(?:File|Image|Media|Datei|Bild|Fichier|Archivo|Imagen|Immagine|Ficheiro|Bestand|Plik|Файл):", re.IGNORECASE)
_CATEGORY = re.compile(r"\[\[(?:Category|Kategorie|Catégorie|Categoría|Categoria|Categorie|Kategoria|Категория):", re.IGNORECASE)
_OPTION = re.compile(
    r"(?:thumb|thumbnail|mini|frame|frameless|border|left|right|center|none|upright|baseline|middle|top|bottom)?"
    r"(?:(?:alt|link|lang|upright|page|class)=.*|[0-9x]{1,9}px)?",
    re.IGNORECASE,
)
_LONGEST_TEMPLATE = 4000
_QUOTES = re.compile(f"'{{2,5}}|\n|{BLOCK_END}|{CELL_END}")
_MAGIC = re.compile(r"__(?:NO)?(?:TOC|FORCETOC|EDITSECTION|INDEX|GALLERY)__|\[\[_TOC_\]\]|^\[TOC\]$", re.MULTILINE)
_MACRO = re.compile(r"\{(color|code|noformat|quote|panel|expand|info|tip|note|warning)(?::[^{}\n]{0,200})?\}")
"""Jira's `{color:red}red{color}`."""

_IMAGE = re.compile(r"(?<![\w!])![\w./:-]{1,200}\.(?:png|jpe?g|gif|svg)(?:\|[^!\n]{0,80})?!(?!\w)")
_ATTRIBUTES = re.compile(r" ?(?:[a-z]{2,20} ?= ?(?:\"[^\"\n]{0,200}\"|[\w%]{1,20}) ?){1,8}\|(?!\|)")
_CELL = re.compile(r"\|\||!!")


def find_wiki_edits(text: str) -> list[Edit]:
    """The edits that remove the marks of wikis, except for links and headings. Time is linear."""
    edits: list[Edit] = []
    if "{|" in text:
        edits += _table_edits(text)
    if "{" in text:
        edits += _macro_edits(text)
    if "!" in text:
        edits += (Edit(image.start(), image.end(), "", _RULE) for image in _IMAGE.finditer(text))
    if "__" in text or "TOC]" in text:
        edits += (Edit(magic.start(), magic.end(), "", _RULE) for magic in _MAGIC.finditer(text))
    if "''" in text:
        edits += _quote_edits(text)
    if "{{" in text or "[[" in text or len(edits) > 1:
        edits = _without_overlaps(edits, _pair_edits(text))
    return edits


def _without_overlaps(edits: list[Edit], outer: list[Edit]) -> list[Edit]:
    """The outer edits, and those of the others that lie in none of them."""
    merged: list[Edit] = []
    rank = {id(edit): 0 for edit in outer}
    for edit in sorted([*edits, *outer], key=lambda edit: (edit.start, rank.get(id(edit), 1), edit.end)):
        if merged and edit.start < merged[-1].end:
            if id(edit) not in rank or id(merged[-1]) in rank:
                continue
            merged.pop()
        merged.append(edit)
    return merged


def _pair_edits(text: str) -> list[Edit]:
    """Templates and categories go, a file leaves its caption. Only the outermost pair counts."""
    edits: list[Edit] = []
    opened: list[tuple[str, int]] = []
    for mark in _PAIR.finditer(text):
        if mark[0] == "\n\n":
            if not any(kind == "{{" for kind, _ in opened[-8:]):
                opened.clear()
        elif mark[0] in ("{{", "[["):
            opened.append((mark[0], mark.start()))
        elif opened and opened[-1][0] == ("{{" if mark[0] == "}}" else "[["):
            kind, start = opened.pop()
            end = mark.end()
            found = _template(text, start, end) if kind == "{{" else _media(text, start, end)
            if found:
                while edits and edits[-1].start >= start:
                    edits.pop()  # what lies within
                edits += found
    return edits


def _macro_edits(text: str) -> list[Edit]:
    macros = list(_MACRO.finditer(text))
    ends = {macro[1] for macro in macros if ":" not in macro[0]}
    counts = Counter(macro[1] for macro in macros)
    return [Edit(macro.start(), macro.end(), "", _RULE) for macro in macros if counts[macro[1]] > 1 and macro[1] in ends]


def _template(text: str, start: int, end: int) -> list[Edit]:
    if end - start > _LONGEST_TEMPLATE or not _TEMPLATE_OPENING.match(text, start):
        return []
    if text[start - 1 : start] == " " and text[end : end + 1] in tuple(",.!?;:{"):
        start -= 1
    return [Edit(start, end, "", _RULE)]


def _media(text: str, start: int, end: int) -> list[Edit]:
    if text[max(start - 1, 0) : start] == "!" and "." in text[start:end]:  # Obsidian's embedded file
        return [Edit(start - 1, end, "", _RULE)]
    if _CATEGORY.match(text, start):
        return [Edit(start, end, "", _RULE)]
    if end - start > _LONGEST_TEMPLATE or not _MEDIA.match(text, start):
        return []
    inner = text[start + 2 : end - 2]
    depth, bar = 0, -1
    for found in re.finditer(r"\[\[|\]\]|\|", inner):
        if found[0] == "|":
            bar = found.start() if depth == 0 else bar
        else:
            depth += 1 if found[0] == "[[" else -1
    if bar < 0 or _OPTION.fullmatch(inner[bar + 1 :].strip()):
        return [Edit(start, end, "", _RULE)]
    caption = re.sub(r"\[\[(?:[^\[\]|\n]{1,200}\|)?([^\[\]|\n]{1,200})\]\]", r"\1", inner[bar + 1 :])
    return [Edit(start, end, f"{caption}{BLOCK_END}\n", _RULE)]


def _quote_edits(text: str) -> list[Edit]:
    """Runs of two to five apostrophes in pairs on a line; `''` alone, as for inches or an empty string, stays."""
    edits: list[Edit] = []
    pending: list[Edit] = []
    open_length = 0
    for run in _QUOTES.finditer(text):
        length = len(run[0]) if run[0][0] == "'" else 0
        if not length:
            pending, open_length = [], 0
            continue
        before, after = text[max(run.start() - 1, 0) : run.start()], text[run.end() : run.end() + 1]
        can_open = bool(after) and not after.isspace() and after not in ",.;:!?)=" and not (before.isdigit() or before == "'")
        can_close = bool(before) and not before.isspace() and before not in "([{=" and bool(open_length)
        if can_close and not (can_open and (before in '"“' and length > open_length)):
            open_length -= length
        elif can_open and (not before.isalnum() or open_length):
            open_length += length
        else:
            continue
        pending.append(Edit(run.start(), run.end(), "", _RULE))
        if open_length <= 0:
            edits += pending
            pending, open_length = [], 0
    return edits


def _table_edits(text: str) -> list[Edit]:
    """The rows of tables become lines of cells."""
    edits: list[Edit] = []
    is_table = is_row = False
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if line.startswith("{|"):
            is_table, is_row = True, False
            edits.append(Edit(start, end, "", _RULE))
        elif is_table and line.startswith(("|}", "|-")):
            edits.append(Edit(start - 1, end, BLOCK_END if is_row else "", _RULE))
            is_table, is_row = line.startswith("|-"), False
        elif is_table and line.startswith("|+"):
            edits += Edit(start, start + 2, "", _RULE), Edit(end, end, BLOCK_END, _RULE)
        elif is_table and line.startswith(("|", "!")):
            attributes = _ATTRIBUTES.match(text, start + 1, end)
            content = attributes.end() if attributes else start + 1
            edits.append(Edit(start - 1 if is_row else start, content, CELL_END if is_row else "", _RULE))
            for cell in _CELL.finditer(text, content, end):
                attributes = _ATTRIBUTES.match(text, cell.end(), end)
                edits.append(Edit(cell.start(), attributes.end() if attributes else cell.end(), CELL_END, _RULE))
            is_row = True
        start = end + 1
    return edits
