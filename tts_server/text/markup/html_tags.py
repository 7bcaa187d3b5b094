"""HTML tags, entities and comments, and the tags of subtitles that look like them: what each becomes in plain text."""

from __future__ import annotations

import contextlib
import html
import re

from tts_server.text.markup.marks import BLOCK_END, CELL_END, literal, visible
from tts_server.text.markup.ssml import break_pause
from tts_server.text.phonemes import phoneme_span

_BOOLEAN = (
    "allowfullscreen|async|autofocus|autoplay|checked|controls|default|defer|disabled|download|hidden|ismap|itemscope|loop|multiple"
    "|muted|nomodule|novalidate|open|playsinline|readonly|required|reversed|selected"
)
_ATTRIBUTES = (
    r"(?:\s{1,9}[a-zA-Z_:@][\w:.@-]{0,99}\s{0,9}=\s{0,9}(?:\"[^\"<]*\"|'[^'<]*'|[^\s\"'<>=`]+)"
    rf"|\s{{1,9}}(?:{_BOOLEAN})(?=[\s/>]))*"
)
TAG = re.compile(
    rf"<(?P<slash>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]{{0,29}}(?:[-:][a-zA-Z0-9.-]{{1,60}})?)(?P<attributes>{_ATTRIBUTES})\s{{0,9}}/?>"
)
"""A start or end tag whose attributes have values, so that `a<b and c>d` holds none. No part matches `<`: a search is linear."""

SUBTITLE_TAG = re.compile(
    r"</?(?:[cvibu](?:\.[\w.-]{1,80})?(?: [^<>\n]{0,100})?|lang(?: [A-Za-z-]{2,20})?|[0-9]{2}:[0-9]{2}(?::[0-9]{2})?\.[0-9]{3})>"
)
"""`<v Name>`, `<c.yellow>`, `<00:00:01.000>` of WebVTT; `<b and c>` is none, see `is_subtitle_tag`."""

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});|&nbsp(?![A-Za-z0-9=])")
_ALT = re.compile(r"\salt\s{0,9}=\s{0,9}(?:\"([^\"<]*)\"|'([^'<]*)')", re.IGNORECASE)

DROPPED = frozenset(
    (
        "script",
        "style",
        "head",
        "template",
        "noscript",
        "svg",
        "math",
        "iframe",
        "object",
        "rt",
        "rp",
        "textarea",
        "select",
        "ref",
        "gallery",
    )
)
"""Elements whose content nobody reads aloud."""

_INLINE = frozenset(
    "a abbr acronym area audio b base basefont bdi bdo big canvas cite code col colgroup data datalist del dfn em embed font"
    " i img input ins kbd label link map mark meta meter nobr output param picture progress q rb rtc ruby s samp slot small source span"
    " strike strong sub sup time track tt u var video wbr nowiki includeonly noinclude onlyinclude references".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body button caption center details dialog dir div dd dl dt fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hgroup html legend li main menu nav ol optgroup option p pre search section summary table tbody tfoot"
    " thead title tr ul".split()
)
_PARAGRAPHS = frozenset("article blockquote dl h1 h2 h3 h4 h5 h6 ol p pre section table ul".split())
_SSML = frozenset("break emphasis lang lexicon metadata phoneme prosody sentence speak token voice w".split())
_ATTRIBUTE = re.compile(r"([a-zA-Z][\w:-]{0,60})\s{0,9}=\s{0,9}(?:\"([^\"<]*)\"|'([^'<]*)')")
_PHONEME_WORD = re.compile(r"([^<>\n]{1,120})</phoneme>", re.IGNORECASE)
_CELLS = frozenset(("td", "th"))
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_SMALL = re.compile(r"[+-]?[0-9]{1,3}(?=</)")


def replaced_tag(text: str, tag: re.Match[str], *, in_table_row: bool) -> tuple[int, str] | None:
    """Where what the tag stands for ends and the text instead, or None for a name that is none of HTML's, and none of SSML's."""
    name = tag["name"].lower()
    is_end = bool(tag["slash"])
    if name == "br":
        return (tag.end(), CELL_END) if in_table_row else (_after_spaces(text, tag.end()), "\n")
    if name == "hr":
        return tag.end(), f"{BLOCK_END}\n\n"
    if name in _CELLS:
        return _after_spaces(text, tag.end()), "" if is_end else CELL_END
    if name in _BLOCKS:
        end = _after_spaces(text, tag.end())
        if name in _PARAGRAPHS:
            return end, f"{BLOCK_END}\n\n"
        following = TAG.match(text, end) if is_end else None  # a tag that begins a line does so itself
        return end, BLOCK_END if following and following["name"].lower() in _BLOCKS else f"{BLOCK_END}\n"
    if name == "img":
        alt = _ALT.search(tag["attributes"])
        return tag.end(), f" {literal(visible(html.unescape(alt[1] or alt[2] or '')))} " if alt else ""
    if name == "q":
        return tag.end(), "”" if is_end else "“"
    if name == "sup" and not is_end and (number := _SMALL.match(text, tag.end())):
        return number.end(), number[0].translate(_RAISED)
    if name == "break" and not is_end:
        return tag.end(), break_pause({found[1].lower(): found[2] or found[3] or "" for found in _ATTRIBUTE.finditer(tag["attributes"])})
    if name == "phoneme" and not is_end and (word := _PHONEME_WORD.match(text, tag.end())):
        return word.end(), _phoneme(tag["attributes"], word[1])
    if name in _INLINE or name in DROPPED or name in _SSML or "-" in name:
        return tag.end(), ""
    return None


def _after_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _phoneme(attributes: str, word: str) -> str:
    values = {found[1].lower(): html.unescape(found[2] or found[3] or "") for found in _ATTRIBUTE.finditer(attributes)}
    if values.get("alphabet", "ipa").lower() == "ipa":
        with contextlib.suppress(ValueError):
            return literal(phoneme_span(visible(html.unescape(word)), visible(values.get("ph", ""))))
    return literal(word)


def is_subtitle_tag(tag: re.Match[str]) -> bool:
    """Whether a tag found by `SUBTITLE_TAG` is one: only `<v …>` and tags with a class may have words after their name."""
    name, _, words = tag[0].strip("</>").partition(" ")
    return not words or name == "lang" or name.partition(".")[0] == "v" or (name[0] == "c" and "." in name)


def decoded_entity(entity: str) -> str:
    """The characters that an entity stands for, as literals where they are punctuation; the entity where it is none."""
    decoded = html.unescape(entity)
    return entity if decoded == entity else literal(visible(decoded))
