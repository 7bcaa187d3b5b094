"""German: the short names of weekdays, which are words too ("so", "do it"): read only in lists, ranges and before times."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tts_server.text.edits import Edit
from tts_server.text.normalize.stops import ends_sentence

_NAMES = {
    "Mo": "Montag",
    "Di": "Dienstag",
    "Mi": "Mittwoch",
    "Do": "Donnerstag",
    "Fr": "Freitag",
    "Sa": "Samstag",
    "So": "Sonntag",
}
_DAY = "|".join(_NAMES)
_WEEKDAY = re.compile(rf"(?<![\w@.])(?P<day>{_DAY})(?P<stop>\.?)(?!\w)")
_TO_ANOTHER = re.compile(rf"[ ]?(?:(?P<dash>[-–])|[/+&,])[ ]?(?={_DAY})(?:{_DAY})(?!\w)|[ ](?:und|u\.|bis|oder)[ ](?:{_DAY})(?!\w)")
_FROM_ANOTHER = re.compile(rf"(?<!\w)(?:{_DAY})\.?(?:[ ]?[-–/+&,][ ]?|[ ](?:und|u\.|bis|oder)[ ])\Z")
_TIME_FOLLOWS = re.compile(
    r"[:,]?[ ](?:(?:von|ab|um|bis)[ ])?(?:\d{1,2}(?:[:.]\d{2})?[ ]?(?:[-–]|Uhr|h(?!\w))|\d{1,2}\.[ ]?(?:(?:0?[1-9]|1[0-2])\.|[A-Z]))"
)
_HOURS_FOLLOW = re.compile(r"[^\n.;]{0,16}Uhr")
_ASKS_FOR_DAY = re.compile(r"(?<!\w)(?:am|jeden|ab|bis|vom|zum|nächsten|letzten)[ ]\Z", re.IGNORECASE)
_LOOK = 12


def find_weekdays(text: str, starts: frozenset[str]) -> Iterator[Edit]:
    """The edits of the short names; a dash to another one becomes "bis". `starts` are words that begin sentences."""
    for found in _WEEKDAY.finditer(text):
        before = text[max(0, found.start() - _LOOK) : found.start()]
        end = found.end()
        another = _TO_ANOTHER.match(text, end)
        if not another and not _FROM_ANOTHER.search(before) and not _stands_alone(found, before):
            continue
        said = _NAMES[found["day"]]
        if another and another["dash"]:
            end = another.end("dash")
            end += text[end] == " "
            said += " bis "
        elif found["stop"] and ends_sentence(text, end, starts):
            said += "."
        yield Edit(found.start(), end, said, "abbreviation")


def _stands_alone(found: re.Match[str], before: str) -> bool:
    text, end = found.string, found.end()
    if found["stop"] and (text[end : end + 1] in (",", ")", ":") or _ASKS_FOR_DAY.search(before)):
        return True
    has_time = bool(_TIME_FOLLOWS.match(text, end))
    return has_time and (bool(found["stop"]) or bool(_HOURS_FOLLOW.match(text, end)))
