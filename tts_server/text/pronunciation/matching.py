"""Finds the words that pronunciation dictionaries have rules for.

The leftmost match wins, of several there the longest, of several as long that of the first dictionary. What a rule says is not matched
again. With word boundaries, rules are looked up word by word in a tree, so the time for a text does not grow with the number of rules.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tts_server.text.clean import clean
from tts_server.text.edits import Edit
from tts_server.text.phonemes import MAX_PHONEME_SPAN, phoneme_span
from tts_server.text.pronunciation.inflection import plural, plural_ipa, singulars
from tts_server.text.pronunciation.rules import Rule

ALIAS, PHONEME = "alias", "phoneme"

_EQUAL = str.maketrans(dict.fromkeys("’‘ʼ′＇", "'") | dict.fromkeys("‐‑", "-"))


def _marks() -> str:
    """The combining marks of the basic plane, as ranges of a regex class."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x10000):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u1100-\u11ff\u3005-\u3007\u3041-\u30ff\u3105-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
"""Letters of scripts that write words without spaces between them, or with endings: each is a word of its own here."""

_JOINED = _marks() + "\u200c\u200d"
_TOKEN = re.compile(f"(?P<word>(?:[^\\W_{_UNSPACED}][{_JOINED}]*)+)|[{_UNSPACED}][{_JOINED}]*|\\s+|.", re.DOTALL)
_WORD = re.compile(f"[^\\W_{_UNSPACED}]")

_LINE_END = re.compile(r"[\"'”’)\]»]{0,4}[ \t]{0,8}(?:\n|\Z)")
_IN_NUMBERS = frozenset(".,:/")

_Tree = dict[Any, Any]
"""By the next token; under None the rule that ends here, with its number."""


class _Token(NamedTuple):
    start: int
    end: int
    key: str
    folded: str
    is_word: bool


@dataclass(frozen=True)
class _Match:
    """A rule that fits; `order` is less for one that goes before others of the same length."""

    start: int
    end: int
    rule: Rule
    order: tuple[int, bool, bool, int]
    is_plural: bool = False
    is_possessive: bool = False

    @property
    def rank(self) -> tuple[int, tuple[int, bool, bool, int]]:
        return -self.end, self.order


class CompiledRules:
    """The rules of one version of a dictionary, ready to be matched. It never changes, so threads may share it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._words: tuple[_Tree, _Tree] = {}, {}  # by tokens; case-sensitive or not
        self._parts: tuple[_Tree, _Tree] = {}, {}  # by characters, for rules without word boundaries
        for number, rule in enumerate(rules):
            pattern = rule.pattern.translate(_EQUAL)
            if rule.word_boundaries:
                tree = self._words[not rule.case_sensitive]
                pieces = [token.key if rule.case_sensitive else token.folded for token in _tokens(pattern)]
            else:
                tree = self._parts[not rule.case_sensitive]
                pieces = [char if rule.case_sensitive else char.casefold() for char in pattern]
            for piece in pieces:
                tree = tree.setdefault(piece, {})
            tree.setdefault(None, (rule, number))

    @property
    def has_parts(self) -> bool:
        return any(self._parts)

    def may_begin(self, token: _Token) -> bool:
        """Whether a rule with word boundaries may begin at a token; quicker than to look."""
        exact, folded = self._words
        return token.key in exact or token.folded in folded or (token.folded[-1] == "s" and bool(exact or folded))

    def words_at(self, tokens: Sequence[_Token], first: int, priority: int) -> Iterator[_Match]:
        """The matches of rules with word boundaries that begin at a token."""
        if not _begins_word(tokens, first):
            return
        for is_folded, tree in enumerate(self._words):
            node: _Tree | None = tree
            index = first
            while node and index < len(tokens):
                token = tokens[index]
                key = token.folded if is_folded else token.key
                for stem in singulars(key) if key[-1] == "s" and token.is_word and _ends_word(tokens, index) else ():
                    if (found := node.get(stem, {}).get(None)) is not None:
                        order = priority, True, bool(is_folded), found[1]
                        yield _Match(tokens[first].start, token.end, found[0], order, is_plural=True)
                node = node.get(key)
                if node and None in node and _ends_word(tokens, index):
                    rule, number = node[None]
                    is_possessive = rule.phoneme is not None and _is_possessive(tokens, index)
                    end = tokens[index + 2].end if is_possessive else token.end
                    yield _Match(tokens[first].start, end, rule, (priority, False, bool(is_folded), number), is_possessive=is_possessive)
                index += 1

    def parts_at(self, text: str, start: int, priority: int) -> Iterator[_Match]:
        """The matches of rules without word boundaries that begin at a character."""
        for is_folded, tree in enumerate(self._parts):
            node: _Tree | None = tree
            position = start
            while node and position < len(text):
                char = text[position]
                position += 1
                if char.isspace():
                    while position < len(text) and text[position].isspace():
                        position += 1
                    char = " " if text.count("\n", start, position) < 2 else "\n\n"
                node = node.get(char.casefold() if is_folded else char)
                if node and None in node:
                    rule, number = node[None]
                    yield _Match(start, position, rule, (priority, False, bool(is_folded), number))


def find_edits(text: str, dictionaries: Sequence[CompiledRules]) -> list[Edit]:
    """The edits of a text by the rules of `dictionaries`, of which the first goes first; their rule is `alias` or `phoneme`.

    The edit of a phoneme rule puts in a `phoneme_span`. Time is linear in the length of the text.
    """
    if not dictionaries:
        return []
    plain = text.translate(_EQUAL)
    tokens = _tokens(plain)
    with_parts = [(priority, rules) for priority, rules in enumerate(dictionaries) if rules.has_parts]
    edits: list[Edit] = []
    position = 0
    for index, token in enumerate(tokens):
        if token.end <= position or token.key[0] in " \n":
            continue
        candidates = [(priority, rules) for priority, rules in enumerate(dictionaries) if rules.may_begin(token)]
        if not with_parts and not candidates:
            continue
        starts = range(max(token.start, position), token.end) if with_parts else (token.start,)
        for start in starts:
            if start < position:
                continue
            found = [match for priority, rules in with_parts for match in rules.parts_at(plain, start, priority)]
            if start == token.start:
                found += (match for priority, rules in candidates for match in rules.words_at(tokens, index, priority))
            if found:
                match = min(found, key=lambda one: one.rank)
                edits.append(_edit(text, match, edits[-1] if edits else None))
                position = match.end
    return edits


def _tokens(text: str) -> list[_Token]:
    """Words, signs one by one, and runs of spaces as `" "`, or as `"\\n\\n"` where a paragraph ends."""
    tokens = []
    for found in _TOKEN.finditer(text):
        key = found[0]
        is_word = found.lastgroup is not None
        if not is_word and key.isspace():
            key = " " if key.count("\n") < 2 else "\n\n"
        tokens.append(_Token(found.start(), found.end(), key, key.casefold() if is_word else key, is_word))
    return tokens


def _is_possessive(tokens: Sequence[_Token], index: int) -> bool:
    return [token.folded for token in tokens[index + 1 : index + 3]] == ["'", "s"]


def _begins_word(tokens: Sequence[_Token], index: int) -> bool:
    """Whether a word may begin at a token: not after the point of a number, nor with a dot after a word, as in "ASP.NET"."""
    if tokens[index].key == ".":
        return index == 0 or not tokens[index - 1].is_word
    if index < 2 or not tokens[index].key[0].isdigit():
        return True
    return tokens[index - 1].key not in _IN_NUMBERS or not tokens[index - 2].key[-1].isdigit()


def _ends_word(tokens: Sequence[_Token], index: int) -> bool:
    """Whether a word may end with a token: not before the point of a number, within "don't", or at a dot within "U.S.A."."""
    key, following = tokens[index].key, [token.key for token in tokens[index + 1 : index + 3]]
    if not following:
        return True
    if key == ".":
        return not tokens[index + 1].is_word
    if key[-1].isdigit() and following[0] in _IN_NUMBERS:
        return len(following) < 2 or not following[1][0].isdigit()
    return not (tokens[index].is_word and following in (["'", "t"], ["'", "T"]))


def _edit(text: str, match: _Match, before: Edit | None) -> Edit:
    rule = match.rule
    if rule.ipa is not None:
        ipa = plural_ipa(rule.ipa) if match.is_plural or match.is_possessive else rule.ipa
        word = text[match.start : match.end]
        # In another case a word may have more letters, such as "ss" for "ß".
        replacement = phoneme_span(word if len(word) + len(ipa) <= MAX_PHONEME_SPAN else rule.pattern, ipa)
    else:
        alias = clean(rule.alias or "")
        replacement = plural(alias) if match.is_plural else alias
    if rule.pattern.endswith(".") and replacement[-1] not in ".!?…" and _LINE_END.match(text, match.end):
        replacement += "."  # that of an abbreviation also ended its sentence
    if rule.word_boundaries or rule.ipa is not None:
        # A rule for signs, such as "++", may touch a word, which is divided from what is said instead.
        if before is not None and before.end == match.start:
            is_touching = before.rule == PHONEME or _WORD.match(before.text[-1:])
        else:
            is_touching = _WORD.match(text[match.start - 1 : match.start])
        starts_with_word = rule.ipa is not None or _WORD.match(replacement)
        ends_with_word = rule.ipa is not None or _WORD.match(replacement[-1:])
        replacement = (" " if starts_with_word and is_touching else "") + replacement
        replacement += " " if ends_with_word and _WORD.match(text[match.end : match.end + 1]) else ""
    return Edit(match.start, match.end, replacement, PHONEME if rule.ipa is not None else ALIAS)
