"""Dates, months, days of the week, years and decades: "2026-09-03", "Oct. 12", "9/3/2026", "Mon-Fri", "the '80s"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import FUNCTION_WORDS, Draft, ends_sentence, is_plural, word_after, word_before
from tts_server.text.normalize.english.numbers import cardinal, decade, digits, ordinal, year
from tts_server.text.normalize.english.patterns import one_of
from tts_server.text.normalize.english.times import clock_words

MONTHS = "January February March April May June July August September October November December".split()
_SHORT_MONTHS = {name[:3]: name for name in MONTHS} | {"Sept": "September"}
_CAPITAL_MONTHS = {short.upper(): name for short, name in _SHORT_MONTHS.items()} | {name.upper(): name for name in MONTHS}
_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Weds": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_FULL_DAYS = frozenset(_DAYS.values())

_MONTH = one_of([*MONTHS, *_SHORT_MONTHS, *_CAPITAL_MONTHS])
_DASH = "[-–—‑]"
_YEAR = r"(?:[12][0-9]{3})(?![\w%]|[.,:/-][0-9])"
_ERA = r"(?:[ ]?(?P<era>B\.?C\.?E\.?|C\.E\.|CE|B\.C\.|BC|A\.D\.|AD)(?![\w]))?"

_ISO = re.compile(
    r"(?<![\w./-])([12][0-9]{3})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|\.([0-9]{2})\.)([0-9]{1,2})(?:T"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?P<zone>Z"
    r"|[+-][0-9]{2}:?[0-9]{2})?)?(?![0-9/]|[-.][0-9])"
)
_NUMERIC = re.compile(r"(?<![\w./-])([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![\w/-]|\.[0-9])")
_MONTH_DAY = re.compile(
    rf"(?<![\w-])(?P<month>{_MONTH})(?P<dot>\.)?[ \u00a0](?:the )?(?P<day>[0-9]{{1,2}})(?P<suffix>st|nd|rd|th)?"
    rf"(?:[ ]?(?P<dash>{_DASH}|to|through|and|&)[ ]?(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?(?![\w:/%]|[.,][0-9]))?"
    rf"(?![\w:/%]|[.][0-9]|,[0-9]{{3}}(?![0-9]))"
    rf"(?P<comma>,?[ ]?(?P<year>{_YEAR}))?"
)
_DAY_MONTH = re.compile(
    rf"(?<![\w.,/:$-])(?P<day>[0-9]{{1,2}})(?P<suffix>st|nd|rd|th)?(?:[ ]?{_DASH}[ ]?(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?)?"
    rf"(?:[ \u00a0]of)?[ \u00a0-](?P<month>{_MONTH})(?P<dot>\.(?=[ ]?[0-9a-z,]))?(?![\w])(?P<gap>,?[ -]?(?P<year>{_YEAR}))?"
)
_MONTH_YEAR = re.compile(rf"(?<![\w-])(?P<month>{_MONTH})(?P<dot>\.)?(?P<gap>,? ?)['’]?(?P<year>{_YEAR})")
_LONE_MONTH = re.compile(r"(?<![\w-])(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)(\.)?(?![\w'’])")
_LONE_DAY = re.compile(r"(?<![\w'’-])(Mon|Tues|Tue|Weds|Wed|Thurs|Thur|Thu|Fri|Sat|Sun)(\.)?(?![\w'’])")
_DAY_RANGE = re.compile(
    r"(?<![\w'’-])(Mon|Tues?|Weds?|Thu(?:rs?)?|Fri|Sat|Sun)\.? ?[-–—/] ?(Mon|Tues?|Weds?|Thu(?:rs?)?|Fri|Sat|Sun)(\.)?(?![\w'’])"
)
_SHORT = re.compile(r"(?<![\w./:-])(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])(?![\w/%]|[.,:-][0-9])")
_DECADE = re.compile(r"(?<![\w.,/$€£])(?P<quote>['’‘])?(?P<number>[0-9]{2}|[12][0-9]{3})(?:(?P<apostrophe>['’])?s)(?![\w'’])")
_DECADE_BEFORE = re.compile(r"0['’]?s (?:and|or|to) $")
_DECADE_AFTER = re.compile(r" (?:and|or|to) ['’]?[1-9]0['’]?s(?!\w)")
_SHORT_YEAR = re.compile(r"(?<![\w'’])['’‘]([0-9]{2})(?![\w'’\"”]|[.,:][0-9])")
_BARE_YEAR = re.compile(
    rf"(?<![\w.,/:$€£#+°])(?<!\W-)(?<![0-9]-)(?P<year>[1-9][0-9]{{0,3}})(?:[ ]?(?P<dash>{_DASH})[ ]?(?P<to>[0-9]{{4}}"
    rf"|[0-9]{{2}}))?{_ERA}(?![\w%°$€£]|[.,:/][0-9]|[-–][0-9])"
)
_SEASON = re.compile(r"(?<![\w.,/-])((?:19|20)[0-9]{2})/([0-9]{2})(?![\w/%]|[.,][0-9])")
_AFTER_ERA = re.compile(r"(?<![\w])(A\.D\.|AD|B\.C\.|BC) ([1-9][0-9]{0,3})(?![\w%]|[.,:/-][0-9])")
_BETWEEN = re.compile(r"[ ]?['’]s(?![\w])")

_DATE_CUES = frozenset(
    """
        on by until till since before after from due starting ending expires through dated date of to and monday tuesday wednesday
        thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
    """.split()
)
_YEAR_CUES = frozenset(
    """
    in since by from until till before after during of circa ca c year years around late early mid between and to through for class
    summer winter spring fall autumn season january february march april may june july august september october november december
    easter christmas copyright © (c) born died founded established est vintage fiscal fy election
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


def find_dates(draft: Draft) -> None:
    """Find dates with a day, months with a year, and short names of months and days of the week."""
    text = draft.text
    if any(map(str.isdigit, text)):
        _find_numeric_dates(draft)
        for found in _MONTH_DAY.finditer(text):
            _add_month_day(draft, found)
        for found in draft.find_at_numbers(_DAY_MONTH):
            _add_day_month(draft, found)
        for found in _MONTH_YEAR.finditer(text):
            name = _month(found["month"])
            start = found.start()
            if found["month"] == name:
                draft.add(found.start("year"), found.end(), year(int(found["year"])), "year")
            else:
                draft.add(start, found.end(), f"{name} {year(int(found['year']))}", "date")
    _find_names(draft)


def find_decades(draft: Draft) -> None:
    """Find decades: "the 1990s", "the '80s"."""
    for found in draft.find_at_numbers(_DECADE, "'’‘"):
        _add_decade(draft, found)


def find_years(draft: Draft) -> None:
    """Find short years ("'24") and numbers that are years by their context."""
    text = draft.text
    for found in _SHORT_YEAR.finditer(text):
        if text.count(found[0][0], max(0, found.start() - 80), found.start()) % 2 == 0 or found[0][0] == "’":
            number = int(found[1])
            words = f"oh {cardinal(number)}" if 0 < number < 10 else "two thousand" if number == 0 else cardinal(number)
            draft.add(found.start(), found.end(), words, "year")
    for found in _AFTER_ERA.finditer(text):
        draft.add(found.start(), found.end(), f"{' '.join(found[1].replace('.', ''))} {year(int(found[2]))}", "year")
    for found in draft.find_at_numbers(_SEASON):
        last = int(found[2])
        if last == (int(found[1]) + 1) % 100:
            draft.add(
                found.start(), found.end(), f"{year(int(found[1]))} to {cardinal(last) if last > 9 else f'oh {cardinal(last)}'}", "year"
            )
    for found in draft.find_at_numbers(_BARE_YEAR):
        _add_year(draft, found)


def _month(name: str) -> str:
    return _SHORT_MONTHS.get(name) or _CAPITAL_MONTHS.get(name) or name


def _find_numeric_dates(draft: Draft) -> None:
    text = draft.text
    for found in draft.find_at_numbers(_ISO):
        month, day = int(found[2] or found[3] or found[4]), int(found[5])
        if 1 <= month <= 12 and 1 <= day <= 31:
            words = f"{MONTHS[month - 1]} {ordinal(day)}, {year(int(found[1]))}"
            if found["hour"]:
                words += f", {clock_words(found['hour'], found['minute'], None, oclock=True)}"
                words += " U T C" if found["zone"] == "Z" else ""
            draft.add(found.start(), found.end(), words, "date")
    for found in draft.find_at_numbers(_NUMERIC):
        first, second, last = int(found[1]), int(found[3]), found[4]
        if found[2] == "." and len(last) == 2 and second > 12:
            continue
        month, day = (second, first) if first > 12 or found[2] == "." else (first, second)
        if found[2] == "." and month > 12:
            month, day = day, month
        if not (1 <= month <= 12 and 1 <= day <= 31) or (found[2] != "/" and len(last) == 2 and found[2] == "."):
            continue
        said = year(int(last)) if len(last) == 4 else year(2000 + int(last)) if int(last) < 40 else year(1900 + int(last))
        draft.add(found.start(), found.end(), f"{MONTHS[month - 1]} {ordinal(day)}, {said}", "date")
    for found in draft.find_at_numbers(_SHORT):
        if found[0] in ("9/11", "24/7", "50/50") or not _is_short_date(text, found):
            continue
        draft.add(found.start(), found.end(), f"{MONTHS[int(found[1]) - 1]} {ordinal(int(found[2]))}", "date")


def _is_short_date(text: str, found: re.Match[str]) -> bool:
    """Whether "10/12" is a date: a word before says so, and no noun after makes it a share."""
    before = word_before(text, found.start()).lower().strip(".")
    following = word_after(text, found.end()).lower()
    if before in ("page", "step", "part", "score", "rated", "slide", "level", "lesson", "chapter", "stage", "about", "only"):
        return False
    is_counted = is_plural(following) or following == "of"
    if before in ("on", "dated", "date", "due", "until", "since", "expires") or before in {day.lower() for day in (*_FULL_DAYS, *_DAYS)}:
        return not (following == "of" and before != "on")
    if found[0] in ("1/2", "1/3", "2/3", "1/4", "3/4", "1/5", "1/8", "3/8", "5/8", "7/8") and before not in ("by",):
        return False
    if before in _DATE_CUES:
        return not is_counted
    day = int(found[2])
    if before in ("rated", "got", "scored", "gave", "giving", "a", "an", "the", "rate") or is_counted:
        return False
    return following in ("at", "from") or (day > 12 and (following in ("is", "was") or day not in (16, 20, 24, 25, 30)))


def _add_month_day(draft: Draft, found: re.Match[str]) -> None:
    day = int(found["day"])
    end = (
        found.end("comma")
        if found["comma"]
        else found.end("day2")
        if found["day2"]
        else found.end("suffix")
        if found["suffix"]
        else found.end("day")
    )
    text = draft.text
    if not 1 <= day <= 31:
        if not found["suffix"] and not found["day2"] and 32 <= day <= 99 and found["dot"]:
            draft.add(found.start(), found.end("dot"), _month(found["month"]), "date")
        return
    if found["day2"] and not 1 <= int(found["day2"]) <= 31:
        return
    if (
        found["month"] in ("May", "March")
        and not found["suffix"]
        and not found["year"]
        and word_after(text, end) in ("of", "people", "times")
    ):
        return
    if text[end : end + 2] in ("st", "nd", "rd", "th"):
        end += 2
    words = f"{_month(found['month'])} {ordinal(day)}"
    if found["day2"]:
        joined = {"and": "and", "&": "and", "through": "through"}.get(found["dash"], "to")
        words += f" {joined} {ordinal(int(found['day2']))}"
    if found["year"]:
        words += f", {year(int(found['year']))}"
    draft.add(found.start(), end, words, "date")


def _add_day_month(draft: Draft, found: re.Match[str]) -> None:
    text, start = draft.text, found.start()
    day = int(found["day"])
    if not 1 <= day <= 31 or (found["day2"] and not 1 <= int(found["day2"]) <= 31):
        return
    if found["month"] in ("May", "Mar", "MAY", "MARCH", "March") and word_after(text, found.end()) in ("be", "not", "have", "need", "want"):
        return
    said = ordinal(day) + (f" to {ordinal(int(found['day2']))}" if found["day2"] else "")
    the = "" if word_before(text, start).lower() in ("the", "every", "each", "this", "last", "next") or found["suffix"] else "the "
    month = _month(found["month"])
    end = found.end("year") if found["year"] else found.end("dot") if found["dot"] else found.end("month")
    words = f"{the}{said} of {month}"
    if found["year"]:
        words += f"{',' if ',' in found['gap'] else ''} {year(int(found['year']))}"
    draft.add(start, end, words, "date")


def _find_names(draft: Draft) -> None:
    text = draft.text
    for found in _DAY_RANGE.finditer(text):
        joined = "or" if "/" in found[0] else "to"
        stop = "." if found[3] and ends_sentence(text, found.end()) else ""
        end = found.end()
        draft.add(found.start(), end, f"{_DAYS[found[1]]} {joined} {_DAYS[found[2]]}{stop}", "date")
    for found in _NAME_DASH.finditer(text):
        draft.add(found.start("dash"), found.end(), " to ", "range")
    for found in _LONE_DAY.finditer(text):
        if _is_day_name(text, found):
            stop = "." if found[2] and ends_sentence(text, found.end()) else ""
            draft.add(found.start(), found.end(), _DAYS[found[1]] + stop, "date")
    for found in _LONE_MONTH.finditer(text):
        if _is_month_name(text, found):
            stop = "." if found[2] and ends_sentence(text, found.end()) else ""
            draft.add(found.start(), found.end(), _SHORT_MONTHS[found[1]] + stop, "date")


_TIME_AFTER = re.compile(
    r",? ?(?:at |from |@ ?)?(?:[0-9]{1,2}(?::[0-9]{2}| ?[ap]\.?m)|the [0-9]|[0-9]{1,2}(?:st|nd|rd|th)?\b|(?:"
    + one_of([*MONTHS, *_SHORT_MONTHS])
    + r")\b)|,? ?(?:and|or|to|through|thru|&|-|–|—) ?(?:"
    + one_of([*_FULL_DAYS, *_DAYS])
    + r")\b|,? (?:morning|afternoon|evening|night|noon|nights|mornings)\b"
)
_DAY_BEFORE = re.compile(r"(?:\b(?:" + one_of([*_FULL_DAYS, *_DAYS]) + r")\.?s?,? ?(?:and|or|to|through|thru|&|-|–|—|,|/) ?)$")
_ON = frozenset("on next last this every until till by since before after from each".split())


def _is_day_name(text: str, found: re.Match[str]) -> bool:
    if _TIME_AFTER.match(text, found.end()) or _DAY_BEFORE.search(text[max(0, found.start() - 24) : found.start()]):
        return True
    before = word_before(text, found.start()).lower()
    if before in ("the", "a", "my", "our"):
        return False
    if found[1] in ("Tue", "Tues", "Thu", "Thur", "Thurs", "Weds"):
        return bool(found[2]) or before in _ON
    if found[1] in ("Sun", "Sat", "Mon", "Wed", "Fri"):
        if before in _ON:
            return word_after(text, found.end()) not in ("Microsystems",)
        return bool(found[2]) and text[found.end() : found.end() + 1] == "," and found[1] != "Sun"
    return False


def _is_month_name(text: str, found: re.Match[str]) -> bool:
    name, dot = found[1], found[2]
    before = word_before(text, found.start()).lower()
    if name in ("Jan", "Mar", "Jun"):
        return (
            before in ("in", "since", "until", "by", "last", "next", "early", "late", "mid", "of", "this", "from", "through")
            and (bool(dot) or before == "in")
            or _month_range(text, found)
        )
    if dot:
        return True
    return before in ("in", "since", "until", "last", "next", "early", "late", "mid", "by") or _month_range(text, found)


_NAME = one_of([*MONTHS, *_SHORT_MONTHS, *_DAYS, *_FULL_DAYS])
_NAME_DASH = re.compile(rf"(?:{_NAME})(?P<dash> ?[-–—] ?)(?=(?:{_NAME})(?![\w]))")
_MONTH_AFTER = re.compile(r"\.? ?(?:-|–|—|to|through) ?(?:" + _MONTH + r")\b")
_MONTH_BEFORE = re.compile(r"\b(?:" + _MONTH + r")\.? ?(?:-|–|—|to|through) ?$")


def _month_range(text: str, found: re.Match[str]) -> bool:
    return bool(_MONTH_AFTER.match(text, found.end(1)) or _MONTH_BEFORE.search(text[max(0, found.start() - 24) : found.start()]))


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
    if before in _STRONG_CUES or in_parentheses:
        return 1000 <= number <= 2199
    if number > 2099 or number < 1000 or _BETWEEN.match(text, end):
        return 1000 <= number <= 2099
    if is_counted(text, start, end):
        return False
    if before in _YEAR_CUES:
        return number >= 1000
    if number >= 1900:
        return not is_counted(text, start, end)
    return number >= 1400 and text[start - 2 : start] == ", "
