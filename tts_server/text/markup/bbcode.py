"""BBCode, the tags in brackets of forums: `[b]bold[/b]`, `[url=address]text[/url]`, `[*]` for the item of a list."""

from __future__ import annotations

import re
from bisect import bisect_left

from tts_server.text.edits import Edit
from tts_server.text.markup.marks import BLOCK_END, literal_edits

_RULE = "bbcode"
_INLINE = "abbr|acronym|b|big|color|colour|email|font|glow|highlight|i|mark|mention|s|shadow|size|small|strike|sub|sup|tt|u|url|user"
_BLOCK = "align|center|code|h[1-6]|indent|justify|left|list|noparse|ol|pre|quote|right|spoiler|table|td|th|tr|ul|li"
_DROPPED = "attach|attachment|audio|gif|img|media|video|youtube"
_TAG = re.compile(rf"\[(/?)(?:({_INLINE})|({_BLOCK})|({_DROPPED}))(?:[= ][^\[\]\n]{{1,400}})?\]|\[\*\]|\[hr\]", re.IGNORECASE)
_END_TAG = re.compile(rf"\[/({_INLINE}|{_BLOCK}|{_DROPPED})\]", re.IGNORECASE)
_PARTS_OF_LINES = frozenset(("spoiler", "td", "th"))
_CODE = frozenset(("code", "noparse", "pre"))


class BBCode:
    """The tags of one text. A tag that begins something is one only where its end tag follows, so that prose keeps its `[b]`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: dict[str, list[int]] = {}
        for tag in _END_TAG.finditer(text):
            self._ends.setdefault(tag[1].lower(), []).append(tag.start())

    def read(self, at: int) -> tuple[list[Edit], int] | None:
        """The edits of the tag at an offset, and where the text continues; None for no tag. The edit of a block begins with its end."""
        tag = _TAG.match(self._text, at)
        if tag is None:
            return None
        name = (tag[2] or tag[3] or tag[4] or "").lower()
        if not name:
            is_item = tag[0] == "[hr]" or "list" in self._ends or at == 0 or self._text[at - 1] == "\n"
            return ([Edit(at, tag.end(), f"{BLOCK_END}\n", _RULE)], tag.end()) if is_item else None
        ends = self._ends.get(name, [])
        instead = ""
        if tag[3]:
            is_line_end = self._text.startswith("\n", tag.end())
            instead = " " if name in _PARTS_OF_LINES else BLOCK_END if is_line_end else f"{BLOCK_END}\n"
        if tag[1]:
            return [Edit(at, tag.end(), instead, _RULE)], tag.end()
        following = bisect_left(ends, tag.end())
        if following == len(ends):
            is_forgotten = bool(tag[2] and self._ends) and self._text[tag.end() : tag.end() + 1].isalpha()
            return ([Edit(at, tag.end(), "", _RULE)], tag.end()) if is_forgotten else None
        end = ends[following]
        if tag[4]:
            after = self._text.index("]", end) + 1
            return [Edit(at, after, "", _RULE)], after
        edits = [Edit(at, tag.end(), instead, _RULE)]
        if name in _CODE:
            return edits + literal_edits(self._text, tag.end(), end, _RULE), end
        return edits, tag.end()
