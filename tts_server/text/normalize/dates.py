"""Dates and times of day, in digits or with the name of the month."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from tts_server.text.edits import Edit
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import roman_value
from tts_server.text.normalize.places import Place

_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<mark>[-./])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d|[-./]\d)(?:T(?=\d{2}:\d{2}))?")
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})(?P<mark>[-/]|\.[ \u00a0]?)(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?!\d|[-./,]\d)")
_DAY_ROMAN_MONTH = re.compile(r"(?P<day>\d{1,2})(?P<mark>[-/.])(?P<month>[IVX]{1,4})(?P=mark)(?P<year>\d{4})(?!\d)")
_DAY_AND_MONTH = re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})(?![\d/])")
_OF = re.compile(r"[ \u00a0](?:d[eaio]s?|du|del|dell[aeo]|dei|degli|van|der)\b")  # a part of something
_CENTURY_TURN = 70  # two digits from here on are years of the 20th century


@functools.cache
def _named_date(rules: LanguageRules) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(_months(rules), key=len, reverse=True))
    suffixes = "|".join(re.escape(suffix) for suffix in sorted(rules.ordinal_suffixes, key=len, reverse=True))
    suffixes = rf"(?:\.|{suffixes})?" if suffixes else r"\.?"
    return re.compile(
        rf"(?P<day>\d{{1,2}}){suffixes}(?P<gap>[ \u00a0-](?:de |d['’]|do )?)(?P<month>{names})(?!\w)"
        rf"(?:(?P<second_gap>,?[ \u00a0](?:de |del |do )?)(?P<year>\d{{4}})(?![\d.,]\d|\d))?",
        re.IGNORECASE,
    )


@functools.cache
def _months(rules: LanguageRules) -> dict[str, int]:
    return {**rules.month_names, **{name.lower(): number for number, name in enumerate(rules.months, 1)}}


@functools.cache
def _time(rules: LanguageRules) -> re.Pattern[str]:
    suffix = rf"(?P<suffix>[ \u00a0\u202f]?(?:{rules.time_suffixes})(?!\w))" if rules.time_suffixes else r"(?P<suffix>(?!))"
    letter = rf"[ \u00a0\u202f]?{rules.hour_letter}[ \u00a0\u202f]?" if rules.hour_letter else "(?!)"
    return re.compile(
        rf"(?P<hour>\d{{1,2}})(?:(?P<mark>[{rules.hour_mark}])|{letter})(?P<minute>\d{{2}})"
        rf"(?::(?P<second>\d{{2}}))?(?![\d:]|[.,]\d)(?:{suffix})?"
    )


_TO = re.compile(r"[ \u00a0\u202f]?[-–—][ \u00a0\u202f]?(?=\d)")


def read_date(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """The date whose digits begin at `start`."""
    if rules.months and (named := _named_date(rules).match(text, start)):
        return _read_named_date(text, named, rules)
    if len(rules.months) < 12:
        return None
    for pattern in (_YEAR_FIRST, _DAY_FIRST, _DAY_ROMAN_MONTH):
        if found := pattern.match(text, start):
            return _read_digits(text, found, rules)
    found = _DAY_AND_MONTH.match(text, start)
    if found and Place(text, start, start).word_before.lower() in rules.short_date_words and not _OF.match(text, found.end()):
        return _read_digits(text, found, rules)
    return None


def _read_digits(text: str, found: re.Match[str], rules: LanguageRules) -> Edit | None:
    day, month = int(found["day"]), roman_value(found["month"]) or int(found["month"])
    year = found.groupdict().get("year")
    if month > 12 >= day and found["mark"] == "/":
        day, month = month, day  # an American date
    if not (1 <= day <= 31 and 1 <= month <= 12) or (year and len(year) == 2 and found["mark"] == "-"):
        return None
    whole_year = None if year is None else int(year)
    if whole_year is not None and year is not None and len(year) == 2:
        whole_year += 2000 if whole_year < _CENTURY_TURN else 1900
    said = rules.date(day, month, whole_year, Place(text, found.start(), found.end()))
    return Edit(found.start(), found.end(), f"{said} " if found[0].endswith("T") else said, "date")


def _read_named_date(text: str, found: re.Match[str], rules: LanguageRules) -> Edit | None:
    day = int(found["day"])
    if not 1 <= day <= 31:
        return None
    name = found["month"].lower()
    month = found["month"] if name in map(str.lower, rules.months) else rules.months[_months(rules)[name] - 1]
    if not name.endswith(".") and len(name) <= 4 and month != found["month"] and not found["year"]:
        return None  # "3 mar" may be anything
    said = rules.day(day, Place(text, found.start(), found.end("day"))) + found["gap"].replace("-", " ") + month
    if found["year"]:
        said += found["second_gap"] + rules.year(int(found["year"]))
    return Edit(found.start(), found.end(), said, "date")


def read_time(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """The time of day whose digits begin at `start`, or the range of times."""
    pieces: list[str] = []
    end = start
    for found, said in _times(text, start, rules):
        if pieces:
            pieces.append(rules.to_word)
        pieces.append(said)
        end = found.end()
    return Edit(start, end, " ".join(pieces) if rules.is_spaced else "".join(pieces), "time") if pieces else None


def _times(text: str, start: int, rules: LanguageRules) -> Iterator[tuple[re.Match[str], str]]:
    for _ in range(2):
        found = _time(rules).match(text, start)
        if not found or int(found["hour"]) > 24 or int(found["minute"]) > 59 or int(found["second"] or 0) > 59:
            return
        suffix = found["suffix"]
        is_sure = suffix or _range_has_suffix(text, found.end(), rules) or Place(text, start, start).word_before.lower() in rules.time_words
        if found["mark"] == "." and not is_sure:
            return
        second = int(found["second"]) if found["second"] else None
        said = rules.time(int(found["hour"]), int(found["minute"]), second, Place(text, found.start(), found.end()))
        yield found, said
        following = _TO.match(text, found.end())
        if not following or not rules.to_word:
            return
        start = following.end()


def _range_has_suffix(text: str, end: int, rules: LanguageRules) -> bool:
    following = _TO.match(text, end)
    second = _time(rules).match(text, following.end()) if following else None
    return bool(second and second["suffix"])
