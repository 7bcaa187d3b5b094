"""Abbreviations by context: titles, streets, "no. 7", "fig. 3", "etc.", "w/", states after a town."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from tts_server.text.normalize.english.abbreviation_places import KEYS, find_places
from tts_server.text.normalize.english.abbreviation_words import (
    AMBIGUOUS,
    FIXED,
    GENERAL,
    NUMBERED,
    NUMBERED_WITHOUT_DOT,
    ONLY_WITH_DOT,
    SAINTS,
    STATES,
    STREETS,
    TITLES,
    TITLES_WITHOUT_DOT,
)
from tts_server.text.normalize.english.draft import FUNCTION_WORDS, Draft, ends_sentence, is_sentence_start, word_after, word_before
from tts_server.text.normalize.english.patterns import one_of

_FIXED_RE = re.compile(
    r"(?<![\w./])(?:" + "|".join(f"(?P<f{index}>{pattern})" for index, (pattern, _, _) in enumerate(FIXED)) + r")(?![\w])"
)
_TITLE = re.compile(
    r"(?<![\w.'’-])(?P<title>" + one_of(TITLES) + r")(?P<dot>\.)?(?=[ \u00a0](?:[A-Z]|(?:and|&|or) (?:Mrs|Ms|Mr|Dr|Dres|Prof)))"
)
_TITLE_PAIR = re.compile(r"(?<![\w.'’-])(?P<title>Mr|Mrs|Ms|Dr)\.?(?= (?:and|&|or) (?:Mrs|Ms|Mr|Dr|Prof)\b)")
_SAINT = re.compile(r"(?<![\w.'’-])(?P<word>Sts?|Ste)(?P<dot>\.)?(?=[ \u00a0-][A-Z])")
_STREET = re.compile(r"(?<=[\w.] )(?P<word>" + one_of(STREETS) + r")(?P<dot>\.)?(?![\w'’]|-[A-Z])")
_DIRECTION = re.compile(r"(?<=[\w.,] )(?P<point>N\.?[EW]\.?|S\.?[EW]\.?|[NSEW]\.?)(?![\w'’])")
_POINTS = {"N": "North", "S": "South", "E": "East", "W": "West", "NE": "Northeast", "NW": "Northwest", "SE": "Southeast", "SW": "Southwest"}
_BEFORE_NUMBER = re.compile(
    r"(?<![\w.'’/-])(?P<word>" + one_of(NUMBERED) + r")(?P<dot>\.)?[ \u00a0]?(?=[#(]?[0-9]|[IVX]{1,5}\b(?!['’])|[A-Z]?[0-9])",
    re.IGNORECASE,
)
_FIGURE_LETTER = re.compile(
    r"(?<![\w.])(?P<word>[Ff]igs?|[Aa]pp|[Tt]ab|[Aa]pt|[Ss]te|[Bb]ldg|[Uu]nit|[Ss]ec|[Rr]m|[Vv]it)\.[ ](?=[A-Z](?![\w']))"
)
_COMMON = re.compile(
    r"(?<![\w.'’/@-])(?P<word>" + one_of(GENERAL) + r")(?P<dot>\.)?(?![\w'’]|[-/@][\w]|\.[\w])",
    re.IGNORECASE,
)
_LEGAL = re.compile(r"(?<=[\w.'’)] )v\.?(?= [A-Z])")
_JUNIOR = re.compile(r"(?<=[a-z.,] )(?P<word>Jr|Sr)(?P<dot>\.)?(?![\w'’])")
_STATE = re.compile(r"(?P<state>" + one_of(STATES) + r")(?<=[a-z],[ ][A-Z]{2})(?=[ ][0-9]{5}|[.,;:!?)\n]|[ ](?:[a-z]|\()|\Z)(?!['’])")

_BIRTHDAY = re.compile(r"[0-9]{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.? ([0-9]{4})")
_SENTENCE_HEADS = frozenset("He She It They We You The A An This That These Those There".split())
_WORD = re.compile(r"[^\W\d_]*")
_STATE_WORDS = frozenset(STATES)
_BEFORE_ANSWER = frozenset("is was be say says said answer answered answers reply replied".split())
_COUNTED = re.compile(r"[0-9,.]{1,12} [a-z]{2,20}s(?<!ss) [a-z]")
_BEFORE_WORD = frozenset("ed eds trans co pop med mil nat org rec spec tech info temp gal prob doz tue".split())
"""Expanded only where a word in lower case follows."""


def find_abbreviations(draft: Draft) -> None:
    """Find abbreviations, and expand them where the context shows what they mean."""
    text = draft.text
    for found in _STATE.finditer(text) if draft.has_word(_STATE_WORDS) else ():
        draft.add(found.start(), found.end(), STATES[found["state"]], "abbreviation")
    position = 0
    for start in find_places(draft):
        if start < position or not draft.is_free(start, start + 1):
            continue
        word = _WORD.match(text, start)
        for pattern, add in _FORMS_BY_WORD.get(word[0].lower() if word else "", _FORMS):
            match = pattern.match(text, start)
            if match is not None:
                add(draft, match)
                if not draft.is_free(start, start + 1):
                    position = match.end()
                    break


def _like(word: str, pattern: str) -> str:
    """`word` with a capital where the abbreviation has one."""
    return word[0].upper() + word[1:] if pattern[0].isupper() else word


def _add_fixed(draft: Draft, found: re.Match[str]) -> None:
    index = int((found.lastgroup or "f0")[1:])
    _, words, rule = FIXED[index]
    text, end = draft.text, found.end()
    if found[0] in ("w/", "w/i", "w/o") and text[end : end + 1] == "/":
        return
    words = _like(words, found[0]) if found[0][0].isupper() and is_sentence_start(text, found.start()) and words.islower() else words
    if found[0].endswith("."):
        may_end = rule != "abbreviation" or words in ("et cetera", "et al", "Et cetera") or text[end:].strip() == ""
        if may_end and ends_sentence(text, end):
            words += "."
    elif found[0] == "w/" and text[end : end + 1].isalnum():
        words += " "
    draft.add(found.start(), end, words, rule)


def _add_saint(draft: Draft, found: re.Match[str]) -> None:
    text = draft.text
    word = found["word"]
    before, following = word_before(text, found.start()), word_after(text, found.end())
    follows_name = (
        before[:1].isupper() and (before[-1:].isalpha() or before.endswith(".")) and text[found.start() - 2 : found.start() - 1].isalnum()
    )
    if (
        word == "St"
        and (follows_name or before[:1].isdigit())
        and (following not in SAINTS or _numbered_street(text, found.start()))
        and before.lower() not in _HEADS
    ):
        return
    if not found["dot"] and following not in SAINTS:
        return
    draft.add(found.start(), found.end(), {"St": "Saint", "Sts": "Saints", "Ste": "Sainte"}[word], "abbreviation")


_HEADS = frozenset(
    """
        the in at to from of on near and for by with visit see mount lake port old new king pope our fort cathedral basilica church
        when where was is
    """.split()
)
_HOUSE_BEFORE = re.compile(r"[0-9][A-Za-z]{0,2} (?:[NSEW]\.? )?(?:[A-Z][\w'’.]* ){1,3}$|[0-9](?:st|nd|rd|th) $")


def _numbered_street(text: str, start: int) -> bool:
    """Whether a house number and one to three names, or an ordinal, stand before."""
    return bool(_HOUSE_BEFORE.search(text[max(0, start - 48) : start]))


def _add_street(draft: Draft, found: re.Match[str]) -> None:
    text, word = draft.text, found["word"]
    before = word_before(text, found.start())
    named = (
        (before[:1].isupper() and (before.isalpha() or before.rstrip(".") in ("Jr", "King")) and before.lower() not in FUNCTION_WORDS)
        or re.fullmatch(r"[0-9]{1,3}(?:st|nd|rd|th)", before)
        or (len(before) == 1 and before.isupper())
    )
    if not named or text[found.start() - 2 : found.start() - 1] in ",;:!?)":
        return
    end = found.end()
    following = word_after(text, end)
    if (
        word == "Dr"
        and following[:1].isupper()
        and not _numbered_street(text, found.start())
        and following not in ("North", "South", "East", "West")
        and not ends_sentence(text, end)
    ):
        return  # "Ask Dr. Smith"
    if (
        word in ("Pl", "Sq", "Ter", "Cir", "Ct", "Av", "St", "Dr", "Ave", "Ln", "Rd")
        and not found["dot"]
        and word in ("Pl", "Sq", "Ter", "Cir", "Ct", "Av")
        and not _numbered_street(text, found.start())
    ):
        return
    if word == "Ct" and not _numbered_street(text, found.start()) and before in ("Supreme", "Superior", "District"):
        pass
    stop = "." if found["dot"] and ends_sentence(text, end) else ""
    if draft.add(found.start(), end, STREETS[word] + stop, "abbreviation"):
        direction = _DIRECTION.match(text, end + 1)
        if direction and text[end : end + 1] == " ":
            point = direction["point"].replace(".", "")
            stop = "." if direction["point"].endswith(".") and ends_sentence(text, direction.end()) else ""
            draft.add(direction.start(), direction.end(), _POINTS[point] + stop, "abbreviation")
        _add_direction_before(draft, found.start())


_DIRECTION_BEFORE = re.compile(r"(?:(?<=[0-9A-Z] )([NSEW]) |(?<![\w.])([NSEW])\. )(?=(?:[A-Z0-9][\w'’]* ){1,3}$)")


def _add_direction_before(draft: Draft, start: int) -> None:
    """Find the "N." in "123 N. Main St."."""
    head = max(0, start - 48)
    if found := _DIRECTION_BEFORE.search(draft.text[head:start]):
        end = head + found.end() - 1
        draft.add(head + found.start(), end, _POINTS[found[1] or found[2]], "abbreviation")


def _add_title(draft: Draft, found: re.Match[str]) -> None:
    text, title = draft.text, found["title"]
    if not found["dot"] and title not in TITLES_WITHOUT_DOT:
        return
    following = word_after(text, found.end())
    if (
        len(following) == 1
        and title not in ("Mr", "Mrs", "Ms", "Dr", "Prof")
        and not re.match(r"[ \u00a0][A-Z]\.", text[found.end() : found.end() + 3])
    ):
        return
    if title not in TITLES_WITHOUT_DOT and following in _SENTENCE_HEADS:
        return  # "Ask for Del. He paid."
    before = word_before(text, found.start())
    if title in ("Sr", "Dir", "Del", "Rep", "Reps", "Fr", "Pt", "Det", "Sec", "Ens") and (
        not found["dot"] or (title == "Sr" and before[:1].isupper())
    ):
        return
    if title in ("Ft", "Pt") and before[-1:].isdigit():
        return
    draft.add(found.start(), found.end(), TITLES[title], "abbreviation")


def _add_numbered(draft: Draft, found: re.Match[str]) -> None:
    text, word = draft.text, found["word"]
    key = word.lower()
    if (
        not found["dot"]
        and key not in NUMBERED_WITHOUT_DOT
        and not (key in ("p", "pp", "no") and text[found.end("word") : found.end("word") + 1].isdigit())
    ):
        return
    if not found["dot"] and key == "no":
        return
    if word.isupper() and len(word) > 1 and key not in ("no", "nos"):
        return
    roman = not text[found.end() : found.end() + 2].lstrip("#(")[:1].isdigit() and not text[found.end() : found.end() + 2][1:].isdigit()
    if roman and key in ("no", "c", "b", "d", "l", "v", "ex", "est", "ca", "ref", "art", "app", "def", "fr", "q"):
        return
    if key in ("cat", "lat", "long") and (roman or not word[0].isupper()):
        return
    if key == "acct" and not found["dot"]:
        return
    if key in ("b", "d") and (born := _BIRTHDAY.match(text, found.end())):
        if text[found.start() - 1 : found.start()].strip() or int(born[1]) < 1950:
            draft.add(found.start(), found.end("dot"), _like(NUMBERED[key], word), "abbreviation")
        return
    if key in ("c", "b", "d", "ca", "est") and not re.match(r"[0-9]{3,4}", text[found.end() : found.end() + 4]):
        return
    if key in ("l", "v", "fr", "q") and word.isupper():
        return
    if key in ("l", "q", "fr", "def", "unit", "tab", "ex", "art", "app", "ref", "ser", "d", "b", "fl") and not found["dot"]:
        return
    if key == "fl" and text[max(0, found.start() - 1) : found.start()].isdigit():
        return
    before = word_before(text, found.start())
    if key in ("pt", "pts", "sec", "secs", "min", "fl", "ft") and text[max(0, found.start() - 3) : found.start()].rstrip()[-1:].isdigit():
        return
    if word == "no" and found["dot"] and before.lower() in _BEFORE_ANSWER and _COUNTED.match(text, found.end()):
        return  # "The vote was no. 6 members abstained."
    if (
        key == "no"
        and word == "no"
        and re.search(r"(?:said|says|say|answered|replied|answer (?:is|was)) [\"“'‘]?$", text[max(0, found.start() - 20) : found.start()])
    ):
        return
    words = _like(NUMBERED[key], word)
    space = "" if text[found.end() - 1] not in " \u00a0" else text[found.end() - 1]
    draft.add(found.start(), found.end() - len(space), words if space else f"{words} ", "abbreviation")


def _add_general(draft: Draft, found: re.Match[str]) -> None:
    text, word = draft.text, found["word"]
    key = word.lower()
    end = found.end()
    if not found["dot"]:
        if (
            (
                key in ("inc", "ltd", "corp", "co", "bros", "jr", "sr")
                and word[0].isupper()
                and word_before(text, found.start())[:1].isupper()
                and key not in ("co",)
            )
            or key not in ONLY_WITH_DOT
            and not word.isupper()
            and (word[1:].islower() or not word.isalpha())
        ):
            draft.add(found.start(), end, _like(GENERAL[key], word), "abbreviation")
        return
    if len(word) > 1 and word.isalpha() and not word[1:].islower():
        return
    ends = ends_sentence(text, end)
    following = text[end : end + 2]
    goes_on = following[:1] in (",", ";", ")", ":") or (following[:1] == " " and (following[1:].islower() or following[1:].isdigit()))
    before = word_before(text, found.start())
    if key in ("inc", "ltd", "corp", "co", "cos", "bros"):
        if not (word[0].isupper() and before[:1].isupper()) and not goes_on:
            return
        if word[0].islower() and key in ("co", "cos") and before.lower() not in ("the", "a", "our", "your", "their", "this"):
            return
    elif (
        key in ("no", "nos", "vol", "fig")
        or key in AMBIGUOUS
        and not goes_on
        or key in ("gen", "lt", "sgt", "pres", "hon", "sec", "dir", "sr", "jr")
        and word[0].islower()
        and key in ("sec", "dir")
        or following[:1] == " "
        and following[1:].isupper()
        and key in ("obs", "mo", "wk")
    ):
        return
    if key in _BEFORE_WORD and not (following[:1] == " " and following[1:].islower()) and key not in ("co",):
        return
    if key == "ed" and not re.search(
        r"(?:[0-9](?:st|nd|rd|th)|rev\.?|new|first|second|third) $", text[max(0, found.start() - 8) : found.start()]
    ):
        return
    if key in ("ave", "blvd", "rd", "hwy", "pkwy") and not before:
        return
    name = "distance" if key == "dist" and following[1:].isdigit() else GENERAL[key]
    if key == "med" and word_after(text, end) in ("heat", "high", "low", "size", "sized", "speed"):
        name = "medium"
    words = _like(name, word)
    if key in ("lb", "oz", "hr", "yr", "mo", "wk", "gal", "qt", "yd") and before.lower() in ("per", "a", "an", "each", "one", "every"):
        words = {"oz": "ounce"}.get(key, words)
    draft.add(found.start(), end, words + ("." if ends else ""), "abbreviation")


def _add_title_pair(draft: Draft, found: re.Match[str]) -> None:
    draft.add(found.start(), found.end(), TITLES[found["title"]], "abbreviation")


def _add_junior(draft: Draft, found: re.Match[str]) -> None:
    stop = "." if found["dot"] and ends_sentence(draft.text, found.end()) else ""
    draft.add(found.start(), found.end(), ("Junior" if found["word"] == "Jr" else "Senior") + stop, "abbreviation")


def _add_figure_letter(draft: Draft, found: re.Match[str]) -> None:
    draft.add(found.start(), found.end() - 1, _like(NUMBERED[found["word"].lower()], found["word"]), "abbreviation")


def _add_legal(draft: Draft, found: re.Match[str]) -> None:
    if word_before(draft.text, found.start())[:1].isupper():
        draft.add(found.start(), found.end(), "versus", "abbreviation")


_FORMS: tuple[tuple[re.Pattern[str], Callable[[Draft, re.Match[str]], None]], ...] = (
    (_FIXED_RE, _add_fixed),
    (_SAINT, _add_saint),
    (_STREET, _add_street),
    (_TITLE_PAIR, _add_title_pair),
    (_TITLE, _add_title),
    (_JUNIOR, _add_junior),
    (_BEFORE_NUMBER, _add_numbered),
    (_FIGURE_LETTER, _add_figure_letter),
    (_LEGAL, _add_legal),
    (_COMMON, _add_general),
)


def _first_words(names: Iterable[str]) -> frozenset[str]:
    """The letters with which names begin, in lower case."""
    return frozenset(word[0].lower() for name in names if (word := _WORD.match(name)))


_FIRST_WORDS = (
    _first_words("e i a aka et c etc s w b n p q op viz ph m ed psy thru xmas fl est ca no d".split())
    | _first_words(KEYS)
    | {"", "wrt", "bsc", "msc", "ps", "nb"},
    _first_words(("St", "Sts", "Ste")),
    _first_words(STREETS),
    _first_words(("Mr", "Mrs", "Ms", "Dr")),
    _first_words(TITLES),
    _first_words(("Jr", "Sr")),
    _first_words(NUMBERED),
    _first_words("fig figs app tab apt ste bldg unit sec rm vit".split()),
    _first_words(("v",)),
    _first_words(GENERAL),
)
_FORMS_BY_WORD = {
    word: tuple(form for form, words in zip(_FORMS, _FIRST_WORDS, strict=True) if word in words)
    for word in frozenset().union(*_FIRST_WORDS)
}
"""The forms that can begin with a word in lower case, so that the others are not tried."""
