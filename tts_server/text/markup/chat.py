"""The marks of chats, as Slack, Discord and WhatsApp write them: mentions, labelled links, codes of emoji, spoilers, strikethrough."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.markup.marks import literal_edits

_RULE = "chat"
_REFERENCE = re.compile(
    r"<(?:@[!&]?[A-Z0-9]{2,30}|#[A-Z0-9]{2,30}|!(?:subteam|date)\^[^<>|\n]{1,200}|(?:https?|mailto|tel):[^\s<>|]{1,2000})\|([^<>|\n]{1,300})>"
)
"""Group 1: the label that is read."""

_BROADCAST = re.compile(r"<!(here|channel|everyone)(?:\|[^<>\n]{1,40})?>|</([\w -]{1,60}):[0-9]{10,20}>")
_SILENT = re.compile(
    r"<(?:@[!&]?[A-Z0-9]{2,30}|#[A-Z0-9]{2,30}|!subteam\^[A-Z0-9]{2,30}|a?:\w{1,40}:[0-9]{3,20}|t:[0-9]{1,12}(?::[a-zA-Z])?)>"
)
_EMOJI = re.compile(r"(?<![\w:/@`.-])(?::(?:[+-]1|[0-9]{0,8}[a-z][a-z0-9_+-]{0,40}|100):){1,10}(?![\w`/:])")
_FIELDS = frozenset(":param: :return: :returns: :rtype: :raises: :type: :author: :date: :version: :status: :copyright:".split())
_SPOILER = re.compile(r"(?<![\w|])\|\|(?=[^\s|])([^|\n]{1,1000})(?<=\S)\|\|(?![\w|])")
_REDDIT_SPOILER = re.compile(r"(?<![\w>])>!(?=\S)([^!\n]{1,1000})!<(?![\w<])")
_STRIKE = re.compile(r"(?<![\w~/])~(?=[^\W\d_]|[\"'*_(])([^~\n]{1,1000})(?<=[^\s~])~(?![\w~])")


def read_angle(text: str, at: int) -> tuple[list[Edit], int] | None:
    """The edits of a Slack or Discord reference in angle brackets and the offset of its end; None where there is no such reference."""
    reference = _REFERENCE.match(text, at)
    if found := reference or _BROADCAST.match(text, at):
        group = found.lastindex or 1
        start, end = found.span(group)
        return [Edit(at, start, "", _RULE), *literal_edits(text, start, end, _RULE), Edit(end, found.end(), "", _RULE)], found.end()
    silent = _SILENT.match(text, at)
    return ([Edit(_before_space(text, at, silent.end()), silent.end(), "", _RULE)], silent.end()) if silent else None


def find_chat_edits(text: str) -> list[Edit]:
    """The edits that remove codes of emoji, and the marks of spoilers and of strikethrough with one tilde. Time is linear."""
    edits = []
    if ":" in text:
        for emoji in _EMOJI.finditer(text):
            if emoji[0] not in _FIELDS:
                edits.append(Edit(_before_space(text, emoji.start(), emoji.end()), emoji.end(), "", _RULE))
    for pattern, mark in ((_SPOILER, "||"), (_REDDIT_SPOILER, ">!"), (_STRIKE, "~")):
        if mark in text:
            for found in pattern.finditer(text):
                edits += Edit(found.start(), found.start(1), "", _RULE), Edit(found.end(1), found.end(), "", _RULE)
    return edits


def _before_space(text: str, at: int, end: int) -> int:
    """Where a removal begins: at the space before it if a punctuation mark follows, so that no space is left before the mark."""
    return at - 1 if at and text[at - 1] == " " and text[end : end + 1] in tuple(",.!?;:)") else at
