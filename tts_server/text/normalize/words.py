"""Abbreviations, Roman numerals and signs."""

from __future__ import annotations

import functools
import re

from tts_server.text.edits import Edit
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import SUPERSCRIPTS, roman_value
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.regnal_names import REGNAL_NAMES

_SPACE = "[ \u00a0\u202f]"
_BEFORE_NUMBER = re.compile(rf"{_SPACE}{{0,2}}(?:\d|[IVXLC]{{1,6}}\b)")
_BEFORE_NAME = re.compile(rf"(?:{_SPACE}{{1,2}}|-)(?:[^\W\d_]{{1,4}}\.{_SPACE}?)?[^\W\d_]")
_SENTENCE_GOES_ON = re.compile(rf"{_SPACE}{{0,2}}[^\W\d_A-ZÀ-ÖØ-ÞА-ЯĀĂĄĆČĎĐĒĘĚĞĢĪİŁŃŅŇŌŐŒŘŚŞŠŤŪŮŰŹŻŽ\s]|{_SPACE}{{0,2}}[\d,;:)\]»”“%/–—-]")
_ROMAN = re.compile(r"(?P<numeral>[IVXLCDM]{1,12})(?P<suffix>[a-zº°ª.èée]{0,5})(?!\w)")
_SMALL_ROMAN_WORDS = frozenset(
    {"MIX", "DIM", "MIL", "CIVIL", "MD", "CD", "DI", "LI", "VI", "MI", "DC", "CC", "MM", "CM", "DM", "CV", "DVD", "ML", "CI"}
)
"""Spellings that are more often words, units or initialisms; read as numerals only where something asks for one."""


def word_triggers(rules: LanguageRules) -> str:
    """A pattern of everything that `read_word` may know, without a boundary before."""
    written = {*rules.abbreviations, *rules.final_abbreviations, *rules.titles, *rules.numbered}
    return "|".join(_spaced(word) for word in sorted(written, key=len, reverse=True))


def _spaced(word: str) -> str:
    pattern = re.escape(word).replace(r"\ ", f"{_SPACE}?")
    first = word[0]
    return f"[{first}{first.upper()}]{pattern[1:]}" if first.islower() and first.upper() != first and len(first.upper()) == 1 else pattern


@functools.cache
def _keys(rules: LanguageRules) -> dict[str, tuple[str, str]]:
    keys: dict[str, tuple[str, str]] = {}
    for kind, table in (
        ("always", rules.abbreviations),
        ("final", rules.final_abbreviations),
        ("title", rules.titles),
        ("number", rules.numbered),
    ):
        for written, said in table.items():
            # One spelling may be a title before a name and something else before a number.
            keys[kind + _key(written)] = (kind, said)
    return keys


def _key(written: str) -> str:
    return "".join(written.split())


def read_word(text: str, start: int, end: int, rules: LanguageRules) -> Edit | None:
    """The abbreviation from `start` to `end` in words, None where it is none here."""
    written = _key(text[start:end])
    for kind in ("number", "title", "always", "final"):
        found = _keys(rules).get(kind + written) or _keys(rules).get(kind + written[:1].lower() + written[1:])
        if not found:
            continue
        said = found[1]
        if written[:1].isupper() and said[:1].islower() and _keys(rules).get(kind + written) is None:
            said = said[:1].upper() + said[1:]
        if kind == "number" and not _BEFORE_NUMBER.match(text, end):
            continue
        is_before_name = _BEFORE_NAME.match(text, end) and _next_letter(text, end).isupper()
        if kind == "title" and not is_before_name and not _before_title(rules).match(text, end):
            continue
        stop = "." if kind == "final" and written.endswith(".") and not _SENTENCE_GOES_ON.match(text, end) else ""
        space = " " if rules.is_spaced and text[end : end + 1].isalnum() else ""
        return Edit(start, end, said + stop + space, "abbreviation")
    return None


@functools.cache
def _before_title(rules: LanguageRules) -> re.Pattern[str]:
    """A conjunction and another title: "M. et Mme"."""
    titles = "|".join(re.escape(title) for title in sorted({*rules.titles, "Mme", "Mmes"}, key=len, reverse=True))
    return re.compile(rf"{_SPACE}(?:[^\W\d_]{{1,3}}|&){_SPACE}(?:l[aeo]s?{_SPACE})?(?:{titles})(?!\w)", re.IGNORECASE)


def _next_letter(text: str, start: int) -> str:
    return next((char for char in text[start : start + 12] if char.isalpha()), "")


def read_roman(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """The Roman numeral that begins at `start`, None where the letters are none."""
    found = _ROMAN.match(text, start)
    if not found or (value := roman_value(found["numeral"])) is None:
        return None
    numeral, suffix = found["numeral"], found["suffix"]
    end = found.end()
    before = Place(text, start, start).word_before
    is_name = before[:1].isupper() and before.lower() in REGNAL_NAMES and value < 40
    if suffix == "." and not is_name and (said := rules.roman(value, ".", Place(text, start, end))):
        return Edit(start, end, said, "roman")
    if suffix.rstrip(".") in {*rules.roman_suffixes, ""}:
        end = found.end("suffix") - (1 if suffix.endswith(".") else 0)
        suffix = suffix.rstrip(".")
        if is_name:
            is_end = rules.is_period_after_monarchs and text[end : end + 1] == "." and _SENTENCE_GOES_ON.match(text, end + 1)
            return Edit(start, end + (1 if is_end else 0), rules.monarch(value, Place(text, start, end)), "roman")
        place = Place(text, start, end)
        is_plain = (len(numeral) > 1 and numeral not in _SMALL_ROMAN_WORDS) or suffix or rules.noun_before(place) in rules.roman_nouns
        if is_plain and (said := rules.roman(value, suffix, place)):
            return Edit(start, end, said, "roman")
    return None


def read_power(text: str, start: int, end: int, rules: LanguageRules) -> Edit | None:
    """A unit such as km² without a number, or the exponent after a letter."""
    written = text[start:end]
    if unit := rules.units.get(written):
        is_one = Place(text, start, end).word_before.lower() in ("pro", "je", "par", "por", "per", "al", "à")
        return Edit(start, end, unit.forms[0 if is_one else -1], "unit")
    if not rules.powers or written[0].isalpha():
        return None
    said = rules.powers.get(written) or rules.joined(rules.powers["n"], rules.digits_or_cardinal(written.translate(SUPERSCRIPTS)))
    space = " " if rules.is_spaced and text[end : end + 1].isalnum() else ""
    return Edit(start, end, f" {said}{space}", "sign")


def read_sign(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """The sign at `start` in words, with spaces where words stand beside it."""
    sign = text[start]
    before, after = text[max(0, start - 2) : start], text[start + 1 : start + 3]
    said = rules.signs.get(sign, "")
    if not said and sign in rules.operators and _is_between(sign, before, after):
        said = rules.operators[sign]
    if not said and sign in rules.prefixes and after.lstrip()[:1].isdecimal():
        said = rules.prefixes[sign]
    if not said:
        return None
    if rules.is_spaced:
        said = f"{'' if not before or before[-1].isspace() or before[-1] in '([' else ' '}{said}"
        said = f"{said}{' ' if after and (after[0].isalnum() or after[0] in '-−') else ''}"
    return Edit(start, start + 1, said, "symbol" if sign in rules.signs else "sign")


def _is_between(sign: str, before: str, after: str) -> bool:
    """Whether an operator has its operands: digits for signs that are mostly something else, numbers or letters for the others."""
    left, right = before.rstrip()[-1:], after.lstrip()[:1]
    if sign == ":":
        return before[-1:].isdecimal() and after[:1].isdecimal()
    if sign == "x":
        return right.isdecimal() and (left.isdecimal() or (before[-1:] == after[:1] == " " and left in tuple("m²")))
    if sign in ("*", "/", "÷"):
        return left.isdecimal() and right.isdecimal()
    return _is_operand(left) and _is_operand(right)


def _is_operand(char: str) -> bool:
    return char.isalnum() or char in tuple(")(²³°%€$√-−")
