"""Names with numbers in them: versions, models, rooms, flights, roads, houses, serial numbers."""

from __future__ import annotations

import re
import string

from tts_server.text.normalize.english.draft import (
    FUNCTION_WORDS,
    Draft,
    followed_by,
    is_plural,
    is_sentence_start,
    word_after,
    word_before,
    words_before,
)
from tts_server.text.normalize.english.initialisms import spell, spell_prefix
from tts_server.text.normalize.english.numbers import cardinal, digits, integer, pairs, version
from tts_server.text.normalize.english.patterns import one_of

_VERSION = re.compile(
    r"(?<![\w.,/$€£])(?P<v>[vV]\.? ?)?(?P<number>[0-9]{1,6}(?:\.[0-9]{1,6}){1,4})(?P<tail>(?:-?(?:alpha|beta|rc"
    r"|a|b|dev|post))\.?[0-9]{0,3})?(?P<x>\.x)?(?![\w%°]|\.[0-9]|,[0-9])"
)
_ANY_PATCH = re.compile(r"(?<![\w.,/$€£])([0-9]{1,4})\.x(?![\w])")
_V_NUMBER = re.compile(r"(?<![\w.])[vV](?P<number>[0-9]{1,3})(?![\w.]|\.[0-9])")
_VERSIONED = frozenset(
    """
    version versions release build update upgrade patch firmware driver ver v python java node ruby php go golang rust django flask
    rails ubuntu
    debian fedora linux kernel windows ios ipados macos watchos android chrome firefox safari edge cuda pytorch tensorflow numpy pandas
    react
    angular vue swift kotlin typescript postgres postgresql mysql sqlite redis docker kubernetes git gcc clang unity blender openssl
    bluetooth usb hdmi web http tls ssl wifi section sections chapter figure fig table equation eq article step exercise appendix lesson
    paragraph clause rule perl scala julia haskell elixir erlang lua dart flutter laravel spring spark hadoop kafka nginx apache opengl
    vulkan directx excel office word photoshop minecraft godot gimp inkscape libreoffice chromium opera electron webpack npm pip conda
    maven gradle ansible terraform jenkins gpt gemini claude llama qwen mistral gemma sonnet opus haiku
    """.split()
)
_ROOMS = frozenset(
    """
    room rm suite ste apartment apt unit flight flights gate route routes rte highway hwy interstate bus channel line freeway expressway
    train locker office cell county exit boeing airbus extension ext box building bldg formula studio warehouse error http form
    """.split()
)
_ROOM_NUMBER = re.compile(r"(?<![\w.,/$:-])(?P<number>[0-9]{2,4})(?P<letter>[A-Za-z])?(?![\w%°]|[.,:/-][0-9])")
_STREETS = frozenset(
    """
    Street St Avenue Ave Road Rd Boulevard Blvd Drive Dr Lane Ln Way Court Ct Place Pl Square Sq Terrace Ter Parkway Pkwy Highway Hwy
    Circle Cir Trail Broadway Row Alley Plaza
""".split()
)
_HOUSE = re.compile(
    r"(?<![\w.,/$:-])(?P<number>[0-9]{1,5})(?P<letter>[A-Z])?(?=[ ](?:[NSEW]\.? |North |South |East |West |NE "
    r"|NW |SE |SW )?(?:[A-Z][\w'’]{1,20} |[0-9]{1,3}(?:st|nd|rd|th) |St\. |Dr\. |Mt\. ){0,3}(?:"
    + "|".join(sorted(_STREETS))
    + r")(?![\w]))"
)
_MODEL = re.compile(
    r"(?<![\w@/.])(?P<letters>[A-Z]{1,6}|[A-Z][a-z]{1,14}|[a-z]{1,2}[A-Z][a-z]{0,12})(?P<dash>-)?"
    r"(?P<number>[0-9]{1,5})(?P<point>\.[0-9]{1,2}(?:\.[0-9]{1,3})?)?(?P<after>[A-Za-z]{0,3})(?P<plural>['’]?s)?"
    r"(?![\w]|\.[0-9]|-[0-9])"
)
_MODELS = frozenset(
    """
    RTX GTX RX GT Core Ryzen Mark Model Falcon Series Area Studio ISO RFC IEEE Class Form Concorde Porsche Ferrari Peugeot Nokia Galaxy
    PlayStation Xbox Atari Commodore Intel Pentium Radeon GeForce Boeing Airbus Sony Canon Nikon Formula Blade
    """.split()
)
_SPACED_MODEL = re.compile(
    rf"(?<![\w-])(?P<letters>{one_of(_MODELS)})[ -](?P<number>[0-9]{{3,4}})"
    r"(?:-(?P<series>[0-9]{2,4}))?(?P<letters2>[A-Za-z]{1,3})?(?![\w%]|[.,:/-][0-9])"
)
_MIXED = re.compile(
    r"(?<![\w@/.,$€£])(?=[A-Za-z]{0,12}[0-9])(?=[0-9]{0,12}[A-Za-z])[A-Za-z0-9]{2,40}(?:-[A-Za-z0-9]{1,12}){0,4}(?![\w]|[.,][0-9])"
)
_SERIAL = re.compile(r"(?<![\w@/.-])[A-Z]{1,6}-[0-9]{1,8}(?:-[A-Z0-9]{1,8}){1,4}(?![\w]|[.,][0-9]|-)")
_LETTER_AND_DIGIT = re.compile("[0-9](?:-?[A-Za-z]|(?<=[A-Za-z].)|(?<=[A-Za-z]-.))")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|[0-9]+")
_HEX_COLOR = re.compile(r"(?<![\w&#])#(?P<hex>[0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})(?![\w])")
_HEX = re.compile(r"(?<![\w])0[xX]([0-9A-Fa-f]{1,32})(?![\w])")
_NUMBER_SIGN = re.compile(
    r"(?<![\w&#])(?P<sign>#|№|Nº|N°)[ ]?(?P<number>[0-9]{1,30}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?P<range>[-–][0-9]{1,6})?(?![\w]|,[0-9]{3})"
)


_BEFORE_STREET = followed_by(string.ascii_uppercase, string.ascii_uppercase + string.digits)
_BEFORE_POINT = followed_by(".")
_NUMBER_SIGNS = re.compile("[#№º°]")


def find_names(draft: Draft) -> None:
    """Find names with numbers in them."""
    text = draft.text
    if "#" in text:
        _find_colors(draft)
    if not draft.has_digits:
        return
    if "0x" in text or "0X" in text:
        for found in _HEX.finditer(text):
            draft.add(found.start(), found.end(), f"zero X {_characters(found[1])}", "digits")
    if _NUMBER_SIGNS.search(text):
        _find_number_signs(draft)
    for found in draft.find_at_numbers(_HOUSE, after=_BEFORE_STREET) if draft.has_word(_STREETS) else ():
        letter = f" {found['letter']}" if found["letter"] else ""
        if word_before(text, found.start()).lower() not in ("no", "no.", "number"):
            draft.add(found.start(), found.end(), pairs(found["number"]) + letter, "digits")
    _find_versions(draft)
    for found in _SPACED_MODEL.finditer(text) if draft.has_word(_MODELS) else ():
        tail = f" {spell(found['letters2'].upper())}" if found["letters2"] else ""
        series = f" {pairs(found['series'])}" if found["series"] else ""
        draft.add(found.start("number"), found.end(), pairs(found["number"]) + series + tail, "digits")
    _find_rooms(draft)
    if _LETTER_AND_DIGIT.search(text):
        for found in _SERIAL.finditer(text):
            words = (spell_prefix(part) if part.isalpha() else _said_part(part) for part in found[0].split("-"))
            draft.add(found.start(), found.end(), " ".join(words), "digits")
        for found in _MODEL.finditer(text):
            _add_model(draft, found)
        for found in _MIXED.finditer(text):
            _add_mixed(draft, found[0], found.start(), found.end())


def _find_colors(draft: Draft) -> None:
    """Find colors: "#FF8800"."""
    for found in _HEX_COLOR.finditer(draft.text):
        if (
            any(map(str.isalpha, found["hex"]))
            and any(map(str.isdigit, found["hex"]))
            or len(found["hex"]) == 6
            and found["hex"].startswith("0")
        ):
            draft.add(found.start(), found.end(), f"hash {_characters(found['hex'])}", "digits")


def _find_number_signs(draft: Draft) -> None:
    """Find "#7" and "№ 7"."""
    for found in _NUMBER_SIGN.finditer(draft.text):
        number = found["number"].replace(",", "")
        words = (
            digits(number)
            if len(number) > 4 or (number[0] == "0" and len(number) > 1)
            else pairs(number)
            if len(number) == 4
            else cardinal(int(number))
        )
        if found["range"] and (found["range"][1] == "0" or len(number) > 4):
            words = f"{digits(number)}, {digits(found['range'])}"
        elif found["range"]:
            words += f" to {integer(found['range'][1:])}"
        draft.add(found.start(), found.end(), f"number {words}", "symbol")


def _said_part(part: str) -> str:
    """One of the parts of a serial number: digits in pairs, or one by one after a zero."""
    if not part.isdigit():
        return _characters(part)
    return pairs(part) if len(part) < 5 and part[0] != "0" else digits(part)


def _characters(text: str) -> str:
    return " ".join(digits(char) if char.isdigit() else char.upper() for char in text)


def _find_versions(draft: Draft) -> None:
    text = draft.text
    for found in draft.find_at_numbers(_VERSION, "vV. ", after=_BEFORE_POINT):
        start, end, number = found.start(), found.end(), found["number"]
        if found["v"] is not None:
            said = f"version {version(number)}"
        elif number.count(".") > 1 or _is_versioned(text, start, end, number) or found["tail"] or found["x"]:
            said = version(number)
        else:
            continue
        if found["tail"]:
            letters = "".join(char for char in found["tail"] if char.isalpha())
            tail_digits = "".join(char for char in found["tail"] if char.isdigit())
            said += f" {letters if len(letters) > 2 else spell(letters.upper())}" + (f" {integer(tail_digits)}" if tail_digits else "")
        if found["x"]:
            said += " point X"
        draft.add(start, end, said, "version")
    for found in draft.find_at_numbers(_ANY_PATCH) if ".x" in text else ():
        draft.add(found.start(), found.end(), f"{cardinal(int(found[1]))} point X", "version")
    for found in draft.find_at_numbers(_V_NUMBER, "vV", is_signed=True):
        draft.add(
            found.start(),
            found.end(),
            f"V {cardinal(int(found['number']))}" if found[0][0] == "V" else f"version {cardinal(int(found['number']))}",
            "version",
        )


_SCALE_WORDS = frozenset("thousand million billion trillion hundred percent".split())


def _is_versioned(text: str, start: int, end: int, number: str) -> bool:
    """Whether the word before a number with a point is what has versions or numbered parts."""
    if text[start - 1 : start] != " ":
        return False
    before = word_before(text, start)
    following = word_after(text, end).lower()
    if following in _SCALE_WORDS or (following and is_plural(following) and before.lower() not in _VERSIONED):
        return False
    if before.lower().rstrip(".") in _VERSIONED:
        return (
            before.lower()
            not in ("go", "word", "office", "spring", "spark", "edge", "unity", "rule", "swift", "rust", "build", "opera", "excel")
            or before[0].isupper()
            or before == "build"
        )
    if not before[:1].isupper() or not before.isalpha() or before.lower() in FUNCTION_WORDS or before.isupper():
        return False
    head = start - 1 - len(before)
    if is_sentence_start(text, head):
        return len(number.partition(".")[2]) == 2 and following in (
            "is",
            "was",
            "adds",
            "has",
            "brings",
            "introduces",
            "came",
            "will",
            "and",
            "or",
            "or",
            "supports",
        )
    return True


def _find_rooms(draft: Draft) -> None:
    text = draft.text
    for found in draft.find_at_numbers(_ROOM_NUMBER):
        before = word_before(text, found.start()).strip(".").lower()
        if len(before) in (2, 3) and before not in _ROOMS and len(words := words_before(text, found.start())) > 1 and words[-1].isupper():
            before = words[-2].lower()
        following = word_after(text, found.end())
        if before not in _ROOMS and not (following == "error" and before in ("a", "an", "the", "this", "that")):
            continue
        if before in ("error", "form", "http") and (len(found["number"]) < 3 or is_plural(following) or following in ("times", "people")):
            continue
        if before == "form" and words_before(text, found.start())[-2:-1] in (["to"], ["will"], ["they"], ["can"], ["we"], ["could"]):
            continue
        if (
            before in ("line", "unit", "cell", "office", "train", "box", "county", "exit", "building")
            and not word_before(text, found.start())[:1].isupper()
        ):
            continue
        letter = f" {found['letter'].upper()}" if found["letter"] else ""
        draft.add(found.start(), found.end(), pairs(found["number"]) + letter, "digits")


def _add_model(draft: Draft, found: re.Match[str]) -> None:
    """Letters and a number: "MP3", "F-16", "COVID-19", "GPT-3.5", "B12"."""
    text, letters, number, after = draft.text, found["letters"], found["number"], found["after"]
    if found["point"]:
        said = version(number + found["point"])
    elif len(number) > 4 or (number[0] == "0" and len(number) > 1):
        said = digits(number)
    elif len(number) == 4 and 1900 <= int(number) <= 2099 or len(number) > 2:
        said = pairs(number)
    else:
        said = cardinal(int(number))
    if after:
        if len(after) > 1 and after.islower() and after not in ("th", "st"):
            return
        said += f" {spell(after.upper())}"
    if found["plural"]:
        said += "s" if not said.endswith("x") else "es"
        if said.endswith("ys"):
            said = f"{said[:-2]}ies"
    name = spell_prefix(letters)
    if letters == "H" and number == "2" and text[found.end("number") : found.end("number") + 1] == "O":
        name = "H"
    draft.add(found.start(), found.end(), f"{name} {said}", "initialism")


def _add_mixed(draft: Draft, token: str, start: int, end: int) -> None:
    """Letters and digits in several turns, such as a serial number, a plate or "B2B"."""
    parts = _PART.findall(token)
    if len(parts) < 2 or not any(map(str.isdigit, token)):
        return
    if token[0].isdigit() and len(parts) == 2 and "-" not in token and parts[1].lower() in ("st", "nd", "rd", "th", "s", "x"):
        return
    if "-" in token and not any(part.isupper() or (part.isdigit() and len(part) > 2) for part in parts):
        return
    pieces = token.split("-")
    if "-" in token and any(piece.isalpha() and not piece.isupper() for piece in pieces):
        return
    serial = len(token.replace("-", "")) > 5 and len(parts) > 2
    words = []
    for part in parts:
        if part.isdigit():
            words.append(digits(part) if serial and len(part) > 1 or len(part) > 4 or (part[0] == "0" and len(part) > 1) else pairs(part))
        elif len(part) <= 2 or part.isupper():
            words.append(spell(part.upper()) if len(part) < 4 or part.isupper() else part)
        else:
            words.append(part)
    draft.add(start, end, " ".join(words), "digits" if serial else "initialism")
