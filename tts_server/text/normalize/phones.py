"""What is read digit by digit: telephone numbers, identifiers with leading zeros, version numbers and IP addresses."""

from __future__ import annotations

import functools
import re

from tts_server.text.edits import Edit
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.places import Place

_INTERNATIONAL = re.compile(r"(?P<plus>\+)?[ ]?(?P<number>\(?\d{1,5}\)?(?:[ \u00a0./-]{0,2}\(?\d{1,11}\)?){1,8})(?![\d])")
_NATIONAL = re.compile(r"\(?0\d{1,5}\)?(?:[ \u00a0/-]{1,3}\d{2,11}){1,6}(?![\d:]|,\d)")
_BRACKETED = re.compile(r"\(\d{2,5}\)[ \u00a0]?\d{2,5}(?:[ \u00a0-]?\d{2,5}){1,4}(?!\d)")
_CARD = re.compile(r"\d{2,4}(?:[ ]\d{4}){2,6}(?:[ ]\d{1,3})?(?!\d|[.,]\d)")
_PREFIXED = re.compile(r"\d{3}[ -]\d{6,8}(?!\d|[.,]\d)")
_DOTTED = re.compile(r"0\d(?:\.\d{2}){3,5}(?!\d|,\d)")
_GROUPS = re.compile(r"\d{1,11}(?:(?:[ \u00a0/-]|(?<=\d)\.(?=\d))\d{1,11}){1,8}(?!\d|,\d)")
_IDENTIFIER = re.compile(r"\d{2,8}(?:-\d{2,8}){2,6}(?![\d-])")
_CANDIDATE = re.compile("|".join(pattern.pattern for pattern in (_BRACKETED, _NATIONAL, _CARD, _PREFIXED, _DOTTED, _IDENTIFIER)))
_VERSION = re.compile(r"\d{1,5}(?:\.\d{1,5}){2,6}(?!\d|,\d|\.\d)")
_DIGITS = re.compile(r"\d+")
_LONGEST_PHONE = 32
_SHORTEST_PHONE = 6


@functools.cache
def _phone_words(rules: LanguageRules) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W\d_])(?:{rules.phone_words})[^\W\d_]{{0,12}}\.?[^\n.;!?]{{0,30}}\Z")


def read_phone(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """The telephone number that begins at `start`, with a plus sign, a bracket or a digit."""
    found = None
    if text[start] == "+":
        found = _INTERNATIONAL.match(text, start)
        found = found if found and _count_digits(found[0]) >= 8 else None
    if not found and _CANDIDATE.match(text, start):
        found = (
            _bracketed(text, start)
            or _NATIONAL.match(text, start)
            or _CARD.match(text, start)
            or _PREFIXED.match(text, start)
            or _DOTTED.match(text, start)
            or _IDENTIFIER.match(text, start)
        )
    if not found and (groups := _GROUPS.match(text, start)) and _count_digits(groups[0]) >= _SHORTEST_PHONE:
        found = groups if _phone_words(rules).search(Place(text, start, start).before.lower()) else None
    if not found or _count_digits(found[0]) > _LONGEST_PHONE:
        return None
    digits = ", ".join(rules.spell_digits(digits) for digits in _DIGITS.findall(found[0]))
    said = rules.joined(rules.plus_word, digits) if found[0][0] == "+" else digits
    return Edit(start, found.end(), f" {said}" if rules.is_spaced and text[start - 1 : start].isalpha() else said, "phone")


def read_version(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """The version number or IP address of three or more parts that begins at `start`."""
    found = _VERSION.match(text, start)
    if not found or _is_grouped(found[0], rules):
        return None
    parts = [rules.spell_digits(part) if part[0] == "0" else rules.cardinal(int(part)) for part in found[0].split(".")]
    return Edit(start, found.end(), f" {rules.point_word} ".join(parts) if rules.is_spaced else rules.point_word.join(parts), "version")


def _bracketed(text: str, start: int) -> re.Match[str] | None:
    found = _BRACKETED.match(text, start)
    return found if found and _count_digits(found[0]) >= 8 else None


def _is_grouped(text: str, rules: LanguageRules) -> bool:
    """Whether the full stops separate thousands; in 192.168.100.200 they do not."""
    first, *others = text.split(".")
    is_address = len(others) == 3 and all(int(part) < 256 for part in (first, *others))
    return rules.decimal_mark == "," and first[0] != "0" and len(first) < 4 and all(len(part) == 3 for part in others) and not is_address


def _count_digits(text: str) -> int:
    return sum(map(str.isdecimal, text))
