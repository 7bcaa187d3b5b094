"""Years and decades: "in 1905", "1914-1918", "44 BC", "'24", "the '80s", "the 1990s"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import FUNCTION_WORDS, Draft, ends_sentence, followed_by, is_plural, word_after, word_before
from tts_server.text.normalize.english.numbers import cardinal, decade, digits, year

_DASH = "[-–—‑]"
_ERA = r"(?:[ ]?(?P<era>B\.?C\.?E\.?|C\.E\.|CE|B\.C\.|BC|A\.D\.|AD)(?![\w]))?"
_DECADE = re.compile(r"(?<![\w.,/$€£])(?P<quote>['’‘])?(?P<number>[0-9]{2}|[12][0-9]{3})(?:(?P<apostrophe>['’])?s)(?![\w'’])")
_DECADE_BEFORE = re.compile(r"0['’]?s (?:and|or|to) $")
_DECADE_AFTER = re.compile(r" (?:and|or|to) ['’]?[1-9]0['’]?s(?!\w)")
_SHORT_YEAR = re.compile(r"(?<![\w'’])['’‘]([0-9]{2})(?![\w'’\"”]|[.,:][0-9])")
_BARE_YEAR = re.compile(
    rf"(?<![\w.,/:$€£#+°])(?<!\W-)(?<![0-9]-)(?P<year>[1-9][0-9]{{0,3}})(?:[ ]?(?P<dash>{_DASH})[ ]?(?P<to>[0-9]{{4}}"
    rf"|[0-9]{{2}}))?{_ERA}(?![\w%°$€£]|[.,:/][0-9]|[-–][0-9])"
)
_SEASON = re.compile(r"(?<![\w.,/-])((?:19|20)[0-9]{2})/([0-9]{2})(?![\w/%]|[.,][0-9])")
_AFTER_ERA = re.compile(r"(?<![\w])(A\.D\.|AD|B\.C\.|BC) ([1-9][0-9]{0,3})(?: ?[-–—] ?([1-9][0-9]{0,3}))?(?![\w%]|[.,:/-][0-9])")
_PART_OF_YEAR = re.compile("[hq][1-4]|fy")
_ERAS = frozenset(("AD", "BC", "A", "B"))
_BETWEEN = re.compile(r"[ ]?['’]s(?![\w])")
_YEAR_CUES = frozenset(
    """
    in since by from until till before after during of circa ca c year years around late early mid between and to through for class
    summer winter spring fall autumn season january february march april may june july august september october november december
    easter christmas copyright © (c) b d born died founded established est vintage fiscal fy election
    """.split()
)
_STRONG_CUES = frozenset(
    """
        in since until till during circa ca year january february march april may june july august september october november december
        copyright © est
    """.split()
)
_COUNT_CUES = frozenset(
    "about over nearly almost than least most exactly roughly approximately some only just up another additional total".split()
)
_COUNTED = frozenset(
    """
        people times words pages dollars euros years miles men women children units days hours minutes seconds feet items copies
        characters tokens points votes jobs users pounds calories percent
    """.split()
)
_SINGULAR_CUES = frozenset("roaring swinging the his her their my our your early mid late".split())


_BEFORE_S = followed_by("s'’")
_BEFORE_SLASH = followed_by("/")


def find_decades(draft: Draft) -> None:
    """Find decades: "the 1990s", "the '80s"."""
    for found in draft.find_at_numbers(_DECADE, "'’‘", after=_BEFORE_S):
        _add_decade(draft, found)


def find_years(draft: Draft) -> None:
    """Find short years ("'24") and numbers that are years by their context."""
    if not draft.has_digits:
        return
    text = draft.text
    for found in _SHORT_YEAR.finditer(text):
        if text.count(found[0][0], max(0, found.start() - 80), found.start()) % 2 == 0 or found[0][0] == "’":
            number = int(found[1])
            words = f"oh {cardinal(number)}" if 0 < number < 10 else "two thousand" if number == 0 else cardinal(number)
            draft.add(found.start(), found.end(), words, "year")
    for found in _AFTER_ERA.finditer(text) if draft.has_word(_ERAS) else ():
        span = f" to {year(int(found[3]))}" if found[3] else ""
        draft.add(found.start(), found.end(), f"{' '.join(found[1].replace('.', ''))} {year(int(found[2]))}{span}", "year")
    for found in draft.find_at_numbers(_SEASON, after=_BEFORE_SLASH):
        last = int(found[2])
        if last == (int(found[1]) + 1) % 100:
            draft.add(
                found.start(), found.end(), f"{year(int(found[1]))} to {cardinal(last) if last > 9 else f'oh {cardinal(last)}'}", "year"
            )
    for found in draft.find_at_numbers(_BARE_YEAR):
        _add_year(draft, found)


def _add_decade(draft: Draft, found: re.Match[str]) -> None:
    text, number = draft.text, int(found["number"])
    if found["apostrophe"] and len(found["number"]) == 2 and number % 10:
        return
    start, end = found.start(), found.end()
    before = word_before(text, start).lower().rstrip("-")
    if before in ("and", "or", "to") and _DECADE_BEFORE.search(text[max(0, start - 16) : start]):
        before = "the"
    if _DECADE_AFTER.match(text, end):
        before = "the"
    if len(found["number"]) == 2:
        if number % 10 or number == 0:
            if found["quote"] or found["number"] == "00":
                return
            if number < 10 or not before or (before not in _SINGULAR_CUES and number >= 10):
                return
        elif (
            not found["quote"]
            and before not in _SINGULAR_CUES
            and before[:4] not in ("mid-", "earl", "late")
            and not before.startswith("mid")
        ):
            following = word_after(text, end + (text[end : end + 1] == "-")).lower()
            if number < 50 or not following or following in FUNCTION_WORDS:
                return
    words = decade(number)
    if number % 10 and len(found["number"]) == 4:
        return
    draft.add(start, end, words, "decade")


def _add_year(draft: Draft, found: re.Match[str]) -> None:
    text, start, end = draft.text, found.start(), found.end()
    era = found["era"]
    if era:
        letters = " ".join(era.replace(".", ""))
        stop = "." if era.endswith(".") and ends_sentence(text, end) else ""
        span = f" to {year(int(found['to']))}" if found["to"] else ""
        draft.add(start, end, f"{year(int(found['year']))}{span} {letters}{stop}", "year")
        return
    number = int(found["year"])
    if text[start - 1 : start] == "-":
        if word_before(text, start).lower() in ("post-", "pre-", "mid-", "late-", "early-") and len(found["year"]) == 4:
            draft.add(start, found.end("year"), year(number), "year")
        return
    if found["to"]:
        to = found["to"]
        if (
            not 1000 <= number <= 2100
            or (len(to) == 4 and not number < int(to) <= 2100)
            or (len(to) == 2 and (number < 1400 or int(to) <= number % 100 and int(to) > 50))
        ):
            return
        if is_counted(text, start, end) and word_before(text, start).lower() not in _STRONG_CUES:
            return
        said = (
            year(int(to))
            if len(to) == 4
            else (f"oh {cardinal(int(to))}" if 0 < int(to) < 10 else cardinal(int(to)) if int(to) else digits(to))
        )
        draft.add(start, end, f"{year(number)} to {said}", "year")
        return
    if len(found["year"]) == 4 and _is_year(text, start, end, number):
        draft.add(start, end, year(number), "year")


def is_counted(text: str, start: int, end: int) -> bool:
    """Whether the next word, or the one after it, is what a number counts."""
    following = word_after(text, end)
    if not following or not following.islower():
        return False
    if is_plural(following):
        return True
    if following in FUNCTION_WORDS:
        return False
    return is_plural(word_after(text, end + 1 + len(following)))


def _is_year(text: str, start: int, end: int, number: int) -> bool:
    before = word_before(text, start).lower().strip(".")
    following = word_after(text, end).lower()
    in_parentheses = text[start - 1 : start] == "(" and text[end : end + 1] in (")", ",")
    if before in _COUNT_CUES or following in _COUNTED:
        return False
    if before in _STRONG_CUES or in_parentheses or _PART_OF_YEAR.fullmatch(before):
        return 1000 <= number <= (9999 if before == "year" else 2199)
    if number > 2099 or number < 1000 or _BETWEEN.match(text, end):
        return 1000 <= number <= 2099
    if is_counted(text, start, end):
        return False
    if before in _YEAR_CUES:
        return number >= 1000
    if number >= 1900:
        return not is_counted(text, start, end)
    return number >= 1400 and text[start - 2 : start] == ", "
