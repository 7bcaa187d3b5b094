"""Dates, months, days of the week, years and decades: "2026-09-03", "Oct. 12", "9/3/2026", "Mon-Fri", "the '80s"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import Draft, ends_sentence, followed_by, is_plural, word_after, word_before
from tts_server.text.normalize.english.numbers import ordinal, year
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

_ISO = re.compile(
    r"(?<![\w./-])([12][0-9]{3})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|\.([0-9]{2})\.)([0-9]{1,2})(?:T"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?P<zone>Z"
    r"|[+-][0-9]{2}:?[0-9]{2})?)?(?![0-9/]|[-.][0-9])"
)
_NUMERIC = re.compile(r"(?<![\w./-])([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![\w/-]|\.[0-9])")
_MONTH_DAY = re.compile(
    rf"(?<![\w-])(?P<month>{_MONTH})(?P<dot>\.)?[ \u00a0](?:the )?(?P<day>[0-9]{{1,2}})(?P<suffix>st|nd|rd|th)?"
    rf"(?:[ ]?(?P<dash>{_DASH}|to|through|and|&)[ ]?(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?(?![\w:/%]|[.,][0-9]))?"
    rf"(?![\w/%]|[.:][0-9]|,[0-9]{{3}}(?![0-9]))"
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

_YEAR_AND_MONTH = re.compile(r"(?<![\w./-])(?P<year>20[0-9]{2})-(?P<month>0[1-9]|1[0-2])(?![\w/-]|[.,:][0-9])")
_DAY_SPAN = re.compile(
    r"(?<![\w./:-])(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])(?: ?[-–—] ?| (?:to|through|thru) )"
    r"(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])(?![\w/%]|[.,:-][0-9])"
)
_MEASURED_PARTS = frozenset((2, 3, 4, 5, 6, 8, 16, 32))

_BEFORE_PART = followed_by("-/.")
_BEFORE_SLASH = followed_by("/")
_BEFORE_YEAR_DASH = followed_by("-")
_BEFORE_MONTH = followed_by("snrt-–—‑", "o-–—‑JFMASOND")
_MONTH_NAMES = frozenset([*MONTHS, *_SHORT_MONTHS, *_CAPITAL_MONTHS])
_DAY_NAMES = _FULL_DAYS.union(_DAYS)

_DATE_CUES = frozenset(
    """
        on by until till since before after from due starting ending expires through dated date of to and monday tuesday wednesday
        thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
    """.split()
)


def find_dates(draft: Draft) -> None:
    """Find dates with a day, months with a year, and short names of months and days of the week."""
    text = draft.text
    has_month = draft.has_word(_MONTH_NAMES)
    if draft.has_digits:
        _find_numeric_dates(draft)
    if draft.has_digits and has_month:
        for found in _MONTH_DAY.finditer(text):
            _add_month_day(draft, found)
        for found in draft.find_at_numbers(_DAY_MONTH, after=_BEFORE_MONTH):
            _add_day_month(draft, found)
        for found in _MONTH_YEAR.finditer(text):
            name = _month(found["month"])
            start = found.start()
            if found["month"] == name:
                draft.add(found.start("year"), found.end(), year(int(found["year"])), "year")
            else:
                draft.add(start, found.end(), f"{name} {year(int(found['year']))}", "date")
    if has_month or draft.has_word(_DAY_NAMES):
        _find_names(draft)


def _month(name: str) -> str:
    return _SHORT_MONTHS.get(name) or _CAPITAL_MONTHS.get(name) or name


def _find_numeric_dates(draft: Draft) -> None:
    text = draft.text
    for found in draft.find_at_numbers(_ISO, after=_BEFORE_PART):
        month, day = int(found[2] or found[3] or found[4]), int(found[5])
        if 1 <= month <= 12 and 1 <= day <= 31:
            words = f"{MONTHS[month - 1]} {ordinal(day)}, {year(int(found[1]))}"
            if found["hour"]:
                words += f", {clock_words(found['hour'], found['minute'], None, oclock=True)}"
                words += " U T C" if found["zone"] == "Z" else ""
            draft.add(found.start(), found.end(), words, "date")
    for found in draft.find_at_numbers(_NUMERIC, after=_BEFORE_PART):
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
    for found in draft.find_at_numbers(_YEAR_AND_MONTH, after=_BEFORE_YEAR_DASH):
        month, short_year = int(found["month"]), int(found["year"][2:])
        if month <= short_year:  # "2003-05" can be years
            draft.add(found.start(), found.end(), f"{MONTHS[month - 1]} {year(int(found['year']))}", "date")
    for found in draft.find_at_numbers(_DAY_SPAN, after=_BEFORE_SLASH):
        if _is_day_span(text, found):
            days = [f"{MONTHS[int(found[part]) - 1]} {ordinal(int(found[part + 1]))}" for part in (1, 3)]
            draft.add(found.start(), found.end(), " to ".join(days), "date")
    for found in draft.find_at_numbers(_SHORT, after=_BEFORE_SLASH):
        if found[0] in ("9/11", "24/7", "50/50") or not _is_short_date(text, found):
            continue
        draft.add(found.start(), found.end(), f"{MONTHS[int(found[1]) - 1]} {ordinal(int(found[2]))}", "date")


def _is_day_span(text: str, found: re.Match[str]) -> bool:
    """Whether "9/9-9/13" are two days and not two fractions, as in "1/4-1/2 cup"."""
    before = word_before(text, found.start()).lower().strip(".,:")
    parts = [(int(found[part]), int(found[part + 1])) for part in (1, 3)]
    if all(first < second and second in _MEASURED_PARTS for first, second in parts):
        return before in _DATE_CUES and before not in ("to", "and", "by", "from") and not word_after(text, found.end())
    return parts[0] <= parts[1] or before in _DATE_CUES


def _is_short_date(text: str, found: re.Match[str]) -> bool:
    """Whether "10/12" is a date: a word before indicates it, and no noun after makes it a fraction."""
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
        stop = "." if found[3] and _ends_sentence(text, found.end()) else ""
        end = found.end()
        draft.add(found.start(), end, f"{_DAYS[found[1]]} {joined} {_DAYS[found[2]]}{stop}", "date")
    for found in _NAME_DASH.finditer(text):
        draft.add(found.start("dash"), found.end(), " to ", "range")
    for found in _LONE_DAY.finditer(text):
        if _is_day_name(text, found):
            stop = "." if found[2] and _ends_sentence(text, found.end()) else ""
            draft.add(found.start(), found.end(), _DAYS[found[1]] + stop, "date")
    for found in _LONE_MONTH.finditer(text):
        if _is_month_name(text, found):
            stop = "." if found[2] and ends_sentence(text, found.end()) else ""
            draft.add(found.start(), found.end(), _SHORT_MONTHS[found[1]] + stop, "date")


def _ends_sentence(text: str, position: int) -> bool:
    """Whether the full stop of a day's name ends the sentence: a capital follows that is no month, day or part of a day."""
    if ends_sentence(text, position):
        return True
    following = word_after(text, position)
    return following[:1].isupper() and following[1:].islower() and following not in _AFTER_DAY


_AFTER_DAY = _MONTH_NAMES | _DAY_NAMES | frozenset("Morning Afternoon Evening Night Noon".split())
_TIME_AFTER = re.compile(
    r",? ?(?:at |from |@ ?)?(?:[0-9]{1,2}(?::[0-9]{2}| ?[ap]\.?m)|the [0-9]|[0-9]{1,2}(?:st|nd|rd|th)?\b|(?:"
    + one_of([*MONTHS, *_SHORT_MONTHS])
    + r")\b)|,? ?(?:and|or|to|through|thru|&|-|–|—) ?(?:"
    + one_of([*_FULL_DAYS, *_DAYS])
    + r")\b|, (?:"
    + one_of([*_FULL_DAYS, *_DAYS])
    + r")(?!['’\w])|,? (?:morning|afternoon|evening|night|noon|nights|mornings)\b"
)
_DAY_BEFORE = re.compile(r"(?:\b(?:" + one_of([*_FULL_DAYS, *_DAYS]) + r")\.?s?,? ?(?:and|or|to|through|thru|&|-|–|—|,|/) ?)$")
_ON = frozenset("eod cob eob on next last this every until till by since before after from each".split())


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
        return bool(found[2]) and (
            text[found.end() : found.end() + 1] == ":" or text[found.end() : found.end() + 1] == "," and found[1] != "Sun"
        )
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
