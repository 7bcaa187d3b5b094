"""Times of day, durations, ratios and verses: "9:05", "7-9pm", "10:30 a.m.", "1:23:45", "3:1", "John 3:16"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import Draft, ends_sentence, followed_by, word_after, word_before, words_before
from tts_server.text.normalize.english.numbers import cardinal, digits, ordinal
from tts_server.text.normalize.english.patterns import one_of

_DASH = r"[ \u00a0]?(?P<dash>[-–—‑]|to|until|till)[ \u00a0]?"
_HALF = r"(?:[ \u00a0]?(?P<{0}>[aApP])(?:\.[ ]?[mM](?P<{0}dot>\.)?|[mM])(?![\w]))"
_CLOCK = re.compile(
    r"(?<![\w:.,/$€£-])(?P<hour>[0-9]{1,2})(?:[:.](?P<minute>[0-5][0-9]))?" + _HALF.format("half") + "?"
    rf"(?:{_DASH}(?P<hour2>[0-9]{{1,2}})(?:[:.](?P<minute2>[0-5][0-9]))?)"
    + _HALF.format("half2")
    + r"?(?![\w%]|[:,/][0-9]|\.[0-9]|[-–][0-9])"
)
_TIME = re.compile(
    r"(?<![\w:.,/$€£])(?<![0-9][-–])(?P<hour>[0-9]{1,2})(?:(?P<mark>[:.h])(?P<minute>[0-5][0-9]))?(?::"
    r"(?P<second>[0-5][0-9])(?:\.[0-9]{1,3})?)?" + _HALF.format("half") + r"?(?P<oclock>[ ]o['’]clock)?(?![\w%]|[:,/][0-9]|\.[0-9])"
)
_LONG = re.compile(
    r"(?<![\w:.,/-])(?P<hours>[0-9]{1,3}):(?P<minutes>[0-5][0-9]):(?P<seconds>[0-5][0-9])(?:[.,](?P<part>[0-9]{1,3}))?(?![\w:])"
)
_RATIO = re.compile(
    r"(?<![\w:.,/-])(?P<first>[0-9]{1,5}(?:\.[0-9]{1,3})?)(?::| : )(?P<second>[0-9]{1,5}(?:\.[0-9]{1,3})?)"
    r"(?P<third>:[0-9]{1,4})?(?![\w:%]|[.,/-][0-9])"
)
_MILITARY = re.compile(
    r"(?<![\w.,/:$-])([01][0-9]|2[0-4])([0-5][0-9])(?= (?:hours|hrs|UTC|GMT|Zulu)\b)|(?<![\w.,/:$-])([01][0-9]"
    r"|2[0-4])([0-5][0-9])(h)(?![\w])"
)
_DURATION = re.compile(
    r"(?<![\w:.,/$€£-])(?:(?P<days>[0-9]{1,3}) ?d ?)?(?:(?:(?P<hours>[0-9]{1,3}) ?h ?)(?P<minutes>[0-9]{1,2}) ?m|"
    r"(?P<only>[0-9]{1,3}) ?m(?= ?[0-9]{1,2} ?s))"
    r"(?: ?(?P<seconds>[0-9]{1,2}) ?s)?(?![\w²³/]|['’][\w]|\.[0-9])"
)
_ZONE = re.compile(r"(?<![\w])(UTC|GMT)([+−-])([0-9]{1,2})(?::([0-9]{2}))?(?![\w])")
_BOOKS = (
    "Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings Chronicles Ezra Nehemiah "
    "Esther Job Psalm Psalms Proverbs "
    "Ecclesiastes Isaiah Jeremiah Lamentations Ezekiel Daniel Hosea Joel Amos Obadiah Jonah Micah Nahum "
    "Habakkuk Zephaniah Haggai Zechariah "
    "Malachi Matthew Mark Luke John Acts Romans Corinthians Galatians Ephesians Philippians Colossians "
    "Thessalonians Timothy Titus Philemon "
    "Hebrews James Peter Jude Revelation Quran Surah Sirach Tobit Judith Wisdom Baruch Maccabees"
).split()
_BOOK = one_of(_BOOKS)
_VERSE = re.compile(
    rf"(?<![\w])(?:(?P<number>[1-4]) (?=(?:Samuel|Kings|Chronicles|Corinthians|Thessalonians|Timothy|Peter|John"
    rf"|Maccabees)\b))?(?P<book>{_BOOK})[ ]"
    r"(?P<chapter>[0-9]{1,3}):(?P<verse>[0-9]{1,3})(?:[-–](?P<to>[0-9]{1,3}))?(?![\w:])"
)


_BOOK_NAMES = frozenset(_BOOKS)
_BEFORE_HOURS = followed_by("h", "hUGZ")
_BEFORE_DURATION = followed_by("dhm", "dhm")
_BEFORE_COLON = followed_by(":")
_BEFORE_RANGE = followed_by(":.aApP-–—‑tu", "aApP-–—‑tu")
_BEFORE_HALF = followed_by(":.haApP", "aApPo")
_BEFORE_RATIO = followed_by(":.", ":")


def find_times(draft: Draft) -> None:
    """Find times, durations, ratios with a colon and verses of the Bible."""
    text = draft.text
    for found in _VERSE.finditer(text) if ":" in text and draft.has_word(_BOOK_NAMES) else ():
        _add_verse(draft, found)
    for found in draft.find_at_numbers(_MILITARY, after=_BEFORE_HOURS):
        hours, minutes = (found[1], found[2]) if found[1] else (found[3], found[4])
        words = _hour_digits(hours) + (" hundred" if minutes == "00" else f" {_minutes(minutes)}")
        draft.add(found.start(), found.end(), words + (" hours" if found[5] else ""), "time")
    for found in _ZONE.finditer(text) if draft.has_digits and ("UTC" in text or "GMT" in text) else ():
        part = f" {_minutes(found[4])}" if found[4] and found[4] != "00" else ""
        sign = "plus" if found[2] == "+" else "minus"
        draft.add(found.start(), found.end(), f"{' '.join(found[1])} {sign} {cardinal(int(found[3]))}{part}", "time")
    for found in draft.find_at_numbers(_DURATION, after=_BEFORE_DURATION):
        _add_duration(draft, found)
    for found in draft.find_at_numbers(_LONG, after=_BEFORE_COLON):
        _add_long(draft, found)
    for found in draft.find_at_numbers(_CLOCK, after=_BEFORE_RANGE):
        _add_range(draft, found)
    for found in draft.find_at_numbers(_TIME, after=_BEFORE_HALF):
        _add_time(draft, found)
    for found in draft.find_at_numbers(_RATIO, after=_BEFORE_RATIO) if ":" in text else ():
        _add_ratio(draft, found)


def _half(letter: str | None) -> str:
    return f" {letter.upper()} M" if letter else ""


def _minutes(text: str) -> str:
    return f"oh {cardinal(int(text))}" if text[0] == "0" else cardinal(int(text))


def _hour_digits(text: str) -> str:
    return f"zero {digits(text[1])}" if text[0] == "0" else cardinal(int(text))


def clock_words(hour: str, minute: str | None, half: str | None, *, oclock: bool) -> str:
    """The words of a time: "nine oh five", "seventeen thirty", "nine o'clock", "twelve P M"."""
    number = int(hour)
    if minute is None or minute == "00":
        if half or not oclock:
            return cardinal(number) + _half(half)
        if number > 12:
            return f"{cardinal(number)} hundred"
        return f"{cardinal(number)} o'clock" if number else "midnight"
    return f"{cardinal(number)} {_minutes(minute)}{_half(half)}"


def _stop(draft: Draft, found: re.Match[str], dot: str) -> str:
    return "." if found[dot] and ends_sentence(draft.text, found.end(dot)) else ""


def _add_time(draft: Draft, found: re.Match[str]) -> None:
    half, minute, second = found["half"], found["minute"], found["second"]
    if found["mark"] in (".", "h") and not (half and found["mark"] == "."):
        if found["mark"] == "h" and not half and minute:
            draft.add(
                found.start(),
                found.end(),
                f"{cardinal(int(found['hour']))} {_minutes(minute)}" if minute != "00" else f"{cardinal(int(found['hour']))} hundred hours",
                "time",
            )
        return
    hour = int(found["hour"])
    if not half and not minute:
        if found["oclock"]:
            draft.add(found.start(), found.end("hour"), cardinal(hour), "time")
        return
    text = draft.text
    if hour > 24 or (half and hour > 12 and minute is None and hour > 24):
        return
    following = word_after(text, found.end()).lower()
    if not half and not second and (_is_ratio_context(text, found.start()) or following in ("scale", "ratio", "odds", "mix", "mixture")):
        return
    if second and not half:
        return
    end = found.end()
    oclock = following not in ("noon", "midnight", "sharp") and not found["oclock"]
    if found["oclock"]:
        oclock = True
        if minute and minute != "00":
            end = found.start("oclock")
    words = clock_words(found["hour"], minute, half, oclock=oclock)
    if second and half:
        words = f"{clock_words(found['hour'], minute, None, oclock=False)} and {cardinal(int(second))} seconds{_half(half)}"
    draft.add(found.start(), end, words + _stop(draft, found, "halfdot"), "time")


def _is_ratio_context(text: str, start: int) -> bool:
    before = [word.lower().strip(".,") for word in words_before(text, start)[-3:]]
    return bool({"ratio", "ratios", "scale", "odds", "proportion", "aspect"}.intersection(before))


def _add_range(draft: Draft, found: re.Match[str]) -> None:
    half, half2 = found["half"], found["half2"]
    minute, minute2 = found["minute"], found["minute2"]
    text = draft.text
    dotted = "." in text[found.start("hour") : found.end("hour") + 1] or (found["minute2"] and text[found.end("hour2")] == ".")
    if not (half or half2 or (minute and minute2)) or (dotted and not (half or half2)):
        return
    if int(found["hour"]) > 24 or int(found["hour2"]) > 24:
        return
    if _is_ratio_context(text, found.start()):
        return
    both_full = (minute == "00") and (minute2 == "00")
    first = clock_words(found["hour"], minute, half, oclock=both_full and not half2 and not half)
    second = clock_words(found["hour2"], minute2, half2, oclock=not half2 and minute2 == "00" and not half)
    joined = found["dash"] if found["dash"].startswith(("un", "til")) else "to"
    draft.add(found.start(), found.end(), f"{first} {joined} {second}{_stop(draft, found, 'half2dot')}", "time")


def _add_long(draft: Draft, found: re.Match[str]) -> None:
    """Hours, minutes and seconds: a time of day after "at" and in log lines, otherwise a duration."""
    text = draft.text
    hours, minutes, seconds = int(found["hours"]), int(found["minutes"]), int(found["seconds"])
    half = re.compile(r" ?[ap]\.?m", re.IGNORECASE).match(text, found.end())
    if half:
        return
    before = word_before(text, found.start()).lower()
    if (len(found["hours"]) == 2 and hours < 24) or before in ("at", "by", "until", "since", "before", "after"):
        clock = clock_words(found["hours"], found["minutes"] if minutes else None, None, oclock=False)
        words = f"{clock} and {_count(seconds, 'second')}" if seconds else clock_words(found["hours"], found["minutes"], None, oclock=True)
    else:
        parts = [_count(hours, "hour"), _count(minutes, "minute"), _count(seconds, "second")]
        kept = [part for part, number in zip(parts, (hours, minutes, seconds), strict=True) if number] or [parts[2]]
        words = kept[0] if len(kept) == 1 else f"{', '.join(kept[:-1])} and {kept[-1]}"
    draft.add(found.start(), found.end(), words, "time")


def _add_duration(draft: Draft, found: re.Match[str]) -> None:
    """Days, hours, minutes and seconds by their letters: "m" is minutes after hours and before seconds."""
    parts = ((found["days"], "day"), (found["hours"], "hour"), (found["minutes"] or found["only"], "minute"), (found["seconds"], "second"))
    draft.add(found.start(), found.end(), " ".join(_count(int(number), noun) for number, noun in parts if number), "time")


def _count(number: int, noun: str) -> str:
    return f"{cardinal(number)} {noun}{'' if number == 1 else 's'}"


def _add_ratio(draft: Draft, found: re.Match[str]) -> None:
    first, second = found["first"], found["second"]
    words = [_ratio_part(first), _ratio_part(second)]
    if found["third"]:
        words.append(_ratio_part(found["third"][1:]))
    draft.add(found.start(), found.end(), " to ".join(words), "score")


def _ratio_part(text: str) -> str:
    whole, _, fraction = text.partition(".")
    if len(whole) > 1 and whole[0] == "0":
        return digits(whole)
    return cardinal(int(whole)) + (f" point {digits(fraction)}" if fraction else "")


def _add_verse(draft: Draft, found: re.Match[str]) -> None:
    if found["book"] in ("Mark", "John", "Job", "Peter", "James", "Luke", "Daniel", "Ruth", "Joel", "Amos", "Esther") and word_before(
        draft.text, found.start()
    ).lower() in ("call", "met", "meet"):
        return
    number = f"{ordinal(int(found['number'])).capitalize()} " if found["number"] else ""
    words = f"{number}{found['book']} {cardinal(int(found['chapter']))} {cardinal(int(found['verse']))}"
    if found["to"]:
        words += f" to {cardinal(int(found['to']))}"
    draft.add(found.start(), found.end(), words, "score")
