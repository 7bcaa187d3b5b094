"""Finds what is to be read otherwise than it is written, and asks the rules of the language for the words."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from tts_server.text.edits import Edit
from tts_server.text.normalize.addresses import find_address_edits
from tts_server.text.normalize.amounts import read_amount
from tts_server.text.normalize.dates import read_date, read_time
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import FRACTIONS
from tts_server.text.normalize.phones import read_phone, read_version
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.stops import ends_sentence, with_kept_stops
from tts_server.text.normalize.words import read_power, read_roman, read_sign, read_word, word_triggers

_PICTURES = (
    "\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u2680-\u269f\U0001f000-\U0001faff\U0001fb00-\U0001fbff"
    "\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f♪♫★☆™®"
)
_DECORATION = rf"[{_PICTURES}]+(?:[ ]?[{_PICTURES}]+)*|(?<![\w$])(?:[-_=*~#+]{{3,}})(?!\w)"
_GROUP_NAME = re.compile(r"\(\?P<\w+>")
_READERS: tuple[Callable[[str, int, LanguageRules], Edit | None], ...] = (read_date, read_time, read_phone, read_version, read_amount)


def find_edits(text: str, rules: LanguageRules) -> list[Edit]:
    """The edits that write a text in words, in order and not overlapping; their offsets are into `text`. Time is linear in the length."""
    edits: list[Edit] = []
    position = 0
    for address in find_address_edits(text, rules):
        _scan(text, position, address.start, rules, edits)
        edits.append(address)
        position = address.end
    _scan(text, position, len(text), rules, edits)
    return with_kept_stops(text, edits, rules.sentence_starts)


@functools.cache
def _trigger(rules: LanguageRules) -> re.Pattern[str]:
    signs = "".join(re.escape(sign) for sign in {*rules.signs, *rules.operators, *rules.prefixes} if len(sign) == 1)
    codes = "|".join(re.escape(code) for code in sorted(rules.currencies, key=len, reverse=True) if code[0].isalpha() and len(code) > 1)
    symbols = "".join(re.escape(code) for code in rules.currencies if not code[0].isalnum())
    words = word_triggers(rules)
    endings = "|".join(map(re.escape, rules.final_parts))
    alternatives = [
        r"(?P<digit>\d)",
        rf"(?P<fraction>[{''.join(FRACTIONS)}])",
        r"(?P<plus>[+(](?=[\d(]))",
        r"(?P<minus>(?<![\w\ufffc)\]%°–-])[-–](?=[\d$€£¥½¼¾])|[−±+](?=[ ]?[\d$€£¥½¼¾]))",
        rf"(?P<currency>[{symbols}])" if symbols else "",
        rf"(?P<code>(?<![\w])(?:{codes})(?=[  ]?[-−]?\d))" if codes else "",
        rf"(?P<decoration>{_DECORATION})",
        r"(?P<pluses>(?<=[^\W_])\+{1,2}(?![\w+(]|[ ]?[\d=]))",
        rf"(?P<sign>[{signs}])" if signs else "",
        rf"(?P<word>(?<![\w\ufffc])(?:{words})(?![^\W\d_]|(?<=[^\W\d_])[\w'’]))" if words else "",
        r"(?P<roman>(?<![\w\ufffc.'’])(?=[IVXLCDM])[IVX]|(?<![\w\ufffc.'’])[LCDM](?=[IVXLCDM]))" if rules.roman_nouns else "",
        r"(?P<power>(?<!\w)[kcmd]?m[²³](?!\w)|(?<=[^\W\d_])[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4})",
        rf"(?P<ending>(?<=[^\W\d_])(?:{endings})(?!\w))" if endings else "",
        r"(?P<plural>(?<=[^\W\d_])\((?:s|es|e|n|en|nen|in|innen|x)\))",
    ]
    return re.compile("|".join(filter(None, alternatives)))


@functools.cache
def _special(rules: LanguageRules) -> tuple[tuple[re.Pattern[str], str, Callable[[re.Match[str], Place], str | None]], ...]:
    return tuple((re.compile(pattern), rule, say) for pattern, rule, say in rules.special_rules)


@functools.cache
def _any_special(rules: LanguageRules) -> re.Pattern[str]:
    """A pattern that matches where one of the special rules' does: most numbers need to be looked at only once."""
    return re.compile("|".join(f"(?:{_GROUP_NAME.sub('(?:', pattern)})" for pattern, _, _ in rules.special_rules) or "(?!)")


def _scan(text: str, start: int, end: int, rules: LanguageRules, edits: list[Edit]) -> None:
    """Append the edits between `start` and `end`."""
    trigger = _trigger(rules)
    position = start
    while found := trigger.search(text, position, end):
        edit = _read(text, found, rules)
        if edit is None or edit.end > end:
            position = _past(text, found)
        else:
            if edit.text != text[edit.start : edit.end]:
                edits.append(edit)
            position = edit.end


def _past(text: str, found: re.Match[str]) -> int:
    """Where to continue after something that is no edit: past all digits, so that no number is read from its middle."""
    position = found.end()
    if found.lastgroup == "digit":
        while position < len(text) and text[position].isdecimal():
            position += 1
    return max(position, found.start() + 1)


def _read(text: str, found: re.Match[str], rules: LanguageRules) -> Edit | None:
    start, kind = found.start(), found.lastgroup
    if kind == "digit":
        return _read_number(text, start, rules)
    if kind == "plus":
        return read_phone(text, start, rules) or (_read_signed(text, start, rules) if text[start] == "+" else None)
    if kind in ("fraction", "minus", "code"):
        return read_amount(text, start, rules) or read_sign(text, start, rules)
    if kind == "currency":
        return read_amount(text, start, rules) or _read_currency_sign(text, start, rules)
    if kind == "decoration":
        return Edit(start, found.end(), "" if _stands_free(text, start, found.end()) else " ", "decoration")
    if kind == "sign":
        return read_sign(text, start, rules)
    if kind == "word":
        return read_word(text, start, found.end(), rules)
    if kind == "power":
        return read_power(text, start, found.end(), rules)
    if kind == "roman":
        return read_roman(text, start, rules)
    if kind == "pluses":
        return Edit(start, found.end(), f" {_plus_after(text[start - 1], rules)}" * len(found[0]), "sign")
    if kind == "ending":
        return Edit(start, found.end(), rules.final_parts[found[0]] + "." * ends_sentence(text, found.end()), "abbreviation")
    said = text[start + 1 : found.end() - 1]
    return Edit(start, found.end(), said if rules.is_spaced else "", "plural")


def _read_number(text: str, start: int, rules: LanguageRules) -> Edit | None:
    if _any_special(rules).match(text, start):
        for pattern, rule, say in _special(rules):
            if special := pattern.match(text, start):
                said = say(special, Place(text, start, special.end()))
                if said is not None:
                    return Edit(start, special.end(), said, rule)
    for read in _READERS:
        if edit := read(text, start, rules):
            return edit
    return None


def _read_signed(text: str, start: int, rules: LanguageRules) -> Edit | None:
    before = text[start - 1 : start]
    return read_sign(text, start, rules) if before.isalnum() or before in tuple(")]²³") else read_amount(text, start, rules)


def _read_currency_sign(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """A currency sign without a number: its name in the plural."""
    noun = rules.currencies[text[start]][0]
    before, after = text[start - 1 : start], text[start + 1 : start + 2]
    said = noun.forms[-1]
    return Edit(start, start + 1, f"{' ' * before.isalnum()}{said}{' ' * after.isalnum()}" if rules.is_spaced else said, "symbol")


def _plus_after(char: str, rules: LanguageRules) -> str:
    """What a plus sign is after a number, and after the name of a product, C++ or Disney+, which keeps its name in all languages."""
    is_latin = rules.plus_word[:1].isascii() and char.isalpha()
    return "plus" if is_latin else rules.plus_word


def _stands_free(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not before.isalnum() or not after.isalnum()
