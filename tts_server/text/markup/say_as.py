"""Converts the text of SSML's `say-as`: to words for English, else to a form that every language's own rules read correctly."""

from __future__ import annotations

import re

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SIGNS = {
    "-": "dash", ".": "dot", "/": "slash", "@": "at", "_": "underscore", "#": "hash", "+": "plus", "*": "star", "&": "and", ":": "colon",
    "=": "equals", "%": "percent", "\\": "backslash", "?": "question mark", "!": "exclamation mark", ",": "comma", "$": "dollar",
}  # fmt: skip
_ORDINALS = {
    "de": "{}.", "da": "{}.", "no": "{}.", "fi": "{}.", "pl": "{}.", "tr": "{}.", "cs": "{}.", "fr": "{}e", "nl": "{}e", "sv": "{}:e",
    "es": "{}.º", "it": "{}º", "pt": "{}.º", "ru": "{}-й", "zh": "第{}", "ja": "第{}", "ko": "{}번째", "el": "{}ος", "sw": "{}",
}  # fmt: skip
_INTEGER = re.compile(r"([-+−]?)([0-9][0-9,. '\u00a0\u202f]*)")
_DATE_PARTS = re.compile(r"[0-9]+|[A-Za-z]+")
_TIME = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?:[:.]([0-9]{2}))?\s?([aApP])?\.?(?:[mM]\.?)?")
_DURATION = re.compile(r"(?:([0-9]{1,3})')?\s?(?:([0-9]{1,3})(?:\"|''))?")
_YEAR_DIGITS = 3
_MAX_LETTERS = 400


def say_as_text(text: str, kind: str, form: str = "", language: str = "en") -> str:
    """The spoken form of `say-as interpret-as="kind" format="form"` in a language (its two-letter code).

    Kinds: cardinal, number, ordinal, digits, characters, spell-out, verbatim, date, time, telephone. A text that is nothing of its kind,
    and one of an unknown kind, stays as it is.
    """
    text, kind, form = " ".join(text.split()), kind.strip().lower(), form.strip().lower()
    if kind == "number":
        kind = form if form in ("ordinal", "digits", "telephone") else "cardinal"
    if kind in ("characters", "character", "spell-out", "spell", "verbatim", "letters"):
        return _characters(text, language)
    if kind in ("digits", "digit"):
        return _digits(text, language)
    if kind in ("telephone", "phone"):
        return _telephone(text, language)
    if kind == "cardinal":
        return _cardinal(text, language)
    if kind == "ordinal":
        return _ordinal(text, language)
    if kind == "date":
        return _date(text, form, language)
    return _time(text, language) if kind == "time" else text


def _characters(text: str, language: str) -> str:
    spoken = []
    for char in text[:_MAX_LETTERS]:
        if char.isspace():
            continue
        if language == "en":
            spoken.append(_DIGITS[int(char)] if char in "0123456789" else _SIGNS.get(char, char.upper()))
        else:
            spoken.append(char if len(char.upper()) > 1 else char.upper())
    return " ".join(spoken) + text[_MAX_LETTERS:]


def _digits(text: str, language: str) -> str:
    groups = re.findall(r"[0-9]+", text)
    if not groups:
        return text
    joint = " point " if language == "en" and re.fullmatch(r"[0-9]{1,40}\.[0-9]{1,40}", text) else ", "
    return joint.join(" ".join(_DIGITS[int(digit)] if language == "en" else digit for digit in group) for group in groups)


def _telephone(text: str, language: str) -> str:
    number, _, extension = re.sub(r"(?i)\b(?:ext\.?|extension|x)\s?(?=[0-9])", "|", text).partition("|")
    if not re.search("[0-9]", number):
        return text
    said = _digits(number, language)
    if number.lstrip(" (").startswith("+"):
        said = f"{'plus ' if language == 'en' else '+ '}{said}"
    return f"{said}, {'extension ' if language == 'en' else ''}{_digits(extension, language)}" if extension else said


def _cardinal(text: str, language: str) -> str:
    number = _INTEGER.fullmatch(text)
    if number is None:
        return text
    digits = number[2]
    if language != "en" or not digits.isdigit():
        return text
    sign = {"": "", "+": "plus "}.get(number[1], "minus ")
    return f"{sign}{int(digits):,}" if len(digits) <= 300 else text  # with commas no rule takes it for a year


def _ordinal(text: str, language: str) -> str:
    digits = re.sub(r"[,. '\u00a0\u202f]", "", text)
    if not digits.isdigit() or not digits.isascii() or len(digits) > 18:
        return text
    number = int(digits)
    if language == "en":
        last = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        return f"{number:,}{last}"
    return _ORDINALS.get(language, "{}.").format(number)


def _date(text: str, form: str, language: str) -> str:
    parts = _DATE_PARTS.findall(text)
    if re.fullmatch(r"\?{4}[0-9]{4}", text):
        parts, form = [text[4:6], text[6:]], "md"
    order = re.sub(r"(.)\1+", r"\1", re.sub("[^ymd]", "", form))
    if re.fullmatch(r"[0-9]{8}", text):
        parts = [text[:4], text[4:6], text[6:]] if order in ("", "ymd") else [text[:2], text[2:4], text[4:]]
        order = order or "ymd"
    if not order:
        order = "ymd" if len(parts) == 3 and len(parts[0]) > 2 else ""
    if len(order) != len(parts) or len(set(order)) != len(order) or not order:
        return text
    values = dict(zip(order, parts, strict=True))
    day, month, year = (values.get(key) for key in "dmy")
    month_number = _month(month) if month else 0
    if (month and not month_number) or (day and not (day.isdigit() and 1 <= int(day) <= 31)) or (year and not year.isdigit()):
        return text
    if year and len(year) < _YEAR_DIGITS:
        year = f"{2000 + int(year)}" if int(year) < 70 else f"{1900 + int(year)}"
    if day and month_number and year:
        return f"{int(year):04}-{month_number:02}-{int(day):02}"
    if language != "en":
        return text
    if month_number:
        return " ".join(filter(None, (_MONTHS[month_number - 1], f"{_ordinal(day, 'en')}" if day else "", year or "")))
    return _ordinal(day, "en") if day and not year else year or text


def _month(text: str) -> int:
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else 0
    return next((index for index, name in enumerate(_MONTHS, 1) if len(text) > 2 and name.lower().startswith(text.lower()[:4])), 0)


def _time(text: str, language: str) -> str:
    if (duration := _DURATION.fullmatch(text)) and (duration[1] or duration[2]):
        minutes, seconds = duration[1], duration[2]
        units = ("minute", "second") if language == "en" else ("min", "s")
        plural = "s" if language == "en" else ""
        said = [f"{int(n)} {unit}{plural if int(n) != 1 else ''}" for n, unit in ((minutes, units[0]), (seconds, units[1])) if n]
        return " ".join(said)
    time = _TIME.fullmatch(text)
    if time is None or int(time[1]) > 24 or int(time[2] or 0) > 59:
        return text
    half = f" {time[4].lower()}m" if time[4] else ""
    if not time[2] and half and language == "en":
        return f"{int(time[1])}{half}"
    return f"{int(time[1])}:{time[2] or '00'}{f':{time[3]}' if time[3] else ''}{half}"
