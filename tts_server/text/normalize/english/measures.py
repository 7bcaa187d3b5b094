"""Numbers with a unit or a percent sign, ranges and dimensions of them: "5 km", "10-20%", "5'10\"", "20 x 30 cm"."""

from __future__ import annotations

import re
import string

from tts_server.text.normalize.english.amounts import (
    DIGITS_OR_FRACTION,
    EURO_AMOUNT,
    METRIC_AMOUNT,
    MORE_OF_AMOUNT,
    VULGAR,
    is_one,
    read_amount,
)
from tts_server.text.normalize.english.attributive import is_attributive
from tts_server.text.normalize.english.draft import (
    FUNCTION_WORDS,
    Draft,
    ends_sentence,
    followed_by,
    word_after,
    word_before,
    words_before,
)
from tts_server.text.normalize.english.money import PERIODS
from tts_server.text.normalize.english.numbers import cardinal, pairs
from tts_server.text.normalize.english.patterns import one_of
from tts_server.text.normalize.english.units import ALONE, DIVISORS, NEVER_ATTACHED, ONLY_ATTACHED, UNITS

_UNIT = one_of(UNITS)
_DIVISOR = one_of(DIVISORS)
_DASH = "[-–—‑−]"
_SIGN = r"(?P<sign>[-−–+±~≈<>≤≥](?=\S)|± |~ |≈ )?"
_SIGNS = {
    "-": "minus ", "−": "minus ", "–": "minus ", "+": "plus ", "±": "plus or minus ", "~": "about ", "≈": "approximately ",
    "<": "less than ", ">": "more than ", "≤": "less than or equal to ", "≥": "greater than or equal to ",
}  # fmt: skip
_MEASURE = re.compile(
    rf"(?<![\w.,/⁄:$€£¥])(?<!\w[-–−]){_SIGN}"
    rf"(?:(?P<first>{EURO_AMOUNT})(?P<unit1>(?:[ \u00a0]?(?:%|°[CF]?|[a-zA-Zµμ]{{1,3}}))?)(?P<between>[ \u00a0]?"
    rf"(?:{_DASH}|[x×]|±)[ \u00a0]?(?P<second_sign>[-−](?=[0-9]))?))?"
    rf"(?:(?P<middle>{EURO_AMOUNT})(?P<between2>[ ]?[x×][ ]?))?"
    rf"(?P<amount>{METRIC_AMOUNT})(?P<gap>[ \u00a0\u202f\u2009]|-)?(?P<scale>(?:thousand|million|billion|trillion"
    rf"|hundred)[ -])?(?P<unit>{_UNIT})"
    rf"(?:[ ]?/[ ]?(?P<per>{_DIVISOR})(?![\w²³]))?(?P<dot>\.(?![A-Za-z]))?(?![^\W_]|[²³]|\.[A-Za-z])"
)
_FEET = re.compile(
    rf"(?<![\w.,/])(?P<feet>[0-9]{{1,3}}) ?(?:['’′]|ft\.?|feet|foot) ?-?(?P<inches>[0-9]{{1,2}}(?:\.[0-9]"
    rf"|[ -]?[{VULGAR}]|[ -][0-9]/[0-9])?)(?: ?(?:\"|”|″|''|’’|in\.|in\b|inch(?:es)?\b)|(?![\w'’]))"
)
_INCHES = re.compile(rf"(?<![\w.,/])(?P<amount>{EURO_AMOUNT})(?P<mark>\"|″|”|''|′)(?![\w])")
_INCH_MARK = re.compile(f"[0-9{VULGAR}](?:[\"″”′]|'')")
_BY = re.compile(r" ?[x×](?= ?[0-9])")
_PRIME = re.compile(
    r"(?<![\w.,/])(?P<amount>[0-9]{1,3})['’′](?=(?<=[x×] [0-9]['’′])|(?<=[x×] [0-9]{2}['’′])|"
    r"(?: [a-z]| ?[x×] ?[0-9]))"
)
_DIMENSION = re.compile(
    r"(?<![\w.,/$€£])(?P<parts>[0-9]{1,5}(?:\.[0-9]{1,3})?(?: ?[x×] ?[0-9]{1,5}(?:\.[0-9]{1,3})?){1,3})(?![\w%]|[.,/^][0-9])"
)
_PRESSURE = re.compile(
    r"(?<![\w.,/$])(?P<top>[0-9]{2,3})/(?P<bottom>[0-9]{2,3})(?P<unit>[ \u00a0]?mm[ ]?Hg(?![\w]))?(?![\w/%]|[.,:-][0-9])"
)
_DEGREES = re.compile(r"(?<![\w.,/$-])([0-9]{1,3})[-–]([0-9]{1,3}) ?([CF])(?![\w'’-])")
_TIMES = re.compile(
    r"(?<![\w.,/$€£])(?P<amount>[0-9]{1,6}(?:\.[0-9]{1,3})?)(?:(?P<dash>[-–])(?P<to>[0-9]{1,6}"
    r"(?:\.[0-9]{1,3})?))?[x×](?![\w])(?:/(?P<per>day|week|wk|month|mo|year|yr|hour|hr)\b|(?! ?[0-9=+*/^−]| - ))"
)
_ANGLE = re.compile(
    r"(?<![\w.,/])(?P<degrees>[0-9]{1,3}(?:\.[0-9]{1,8})?)°(?: ?(?P<minutes>[0-9]{1,2}(?:\.[0-9]{1,5})?)['’′]"
    r"(?: ?(?P<seconds>[0-9]{1,2}(?:\.[0-9]{1,5})?)(?:\"|″|”|''))?)?(?: ?(?P<point>[NSEW])(?![\w]))?"
)
_LONE_UNIT = re.compile(one_of(ALONE) + r"(?![\w/²³-]|\.[\w])|[%％‰](?!\w)|[°℃℉](?:[CF]\b)?")
_UNIT_SIGN = re.compile("[%％‰°℃℉]")
_LONE_COMPOUND = re.compile(
    r"(?P<unit>(?:k?m|c?m|ft|mi|mg|µg|kg|g|mL|L|[KMG]B|[kMG]?W|N|J|kcal|mol|gal)/(?:s²|s|h|hr|min|m²|m³|dL|L|kg|day|mL|mol|g))(?![\w²³/])"
)
_POINTS = {"N": "north", "S": "south", "E": "east", "W": "west"}
_INCH_AFTER = frozenset("wide long tall high deep thick diameter screen pipe monitor display nail board by x".split())

_SCALES = frozenset(("C", "F"))
_SEATS = frozenset("seat seats row rows room rooms gate gates unit units apt size sizes item items stand stands".split())
_FOOT_AFTER = frozenset("tall wide long high deep x".split())
_ARTICLES = frozenset("a an the this his her my our your their".split())
_TIME_UNITS = frozenset("min mins hr hrs sec secs wk wks mo mos yr yrs".split())

_UNIT_STARTS = "".join(sorted({unit[0] for unit in UNITS}.union(string.ascii_letters)))
_BEFORE_UNIT = followed_by(MORE_OF_AMOUNT + "–—‑−×±" + _UNIT_STARTS, DIGITS_OR_FRACTION + "-–—‑−×±" + _UNIT_STARTS)
_BEFORE_DEGREES = followed_by(".°")
_BEFORE_FEET = followed_by("'’′f", "'’′f")
_BEFORE_RANGE = followed_by("-–")
_BEFORE_SLASH = followed_by("/")
_BEFORE_BY = followed_by(".x×", "x×")
_BEFORE_TIMES = followed_by(".x×-–")
_BEFORE_PRIME = followed_by("'’′")
_DRINKS = frozenset("of milk cream water beer ale stock broth blood juice cider buttermilk yogurt".split())
_AFTER_CHANGE = frozenset("up down by of another rose fell widened narrowed tightened gained lost cut hiked raised".split())
_UNIT_WORDS = frozenset(re.findall(r"[^\W\d_]+", " ".join(ALONE)))

_PLURAL_CUES = frozenset(
    "two three four five six seven eight nine ten pair several all both these those many few some the of no your".split()
)


def find_measures(draft: Draft) -> None:
    """Find lengths in feet and inches, angles, numbers with units or a percent sign, dimensions and factors."""
    text = draft.text
    for found in draft.find_at_numbers(_DEGREES, after=_BEFORE_RANGE) if draft.has_word(_SCALES) else ():
        if int(found[1]) < int(found[2]) and word_before(text, found.start()).lower() not in _SEATS:
            name = "Celsius" if found[3] == "C" else "Fahrenheit"
            draft.add(found.start(), found.end(), f"{cardinal(int(found[1]))} to {cardinal(int(found[2]))} degrees {name}", "unit")
    for found in draft.find_at_numbers(_PRESSURE, after=_BEFORE_SLASH) if "/" in text else ():
        _add_pressure(draft, found)
    if "°" in text:
        for found in draft.find_at_numbers(_ANGLE, after=_BEFORE_DEGREES):
            _add_angle(draft, found)
    for found in draft.find_at_numbers(_FEET, after=_BEFORE_FEET):
        _add_feet(draft, found)
    _find_inches(draft)
    for found in draft.find_at_numbers(_MEASURE, "-−–+±~≈<>≤≥ ", after=_BEFORE_UNIT):
        _add_measure(draft, found)
    for found in draft.find_at_numbers(_DIMENSION, after=_BEFORE_BY):
        _add_dimension(draft, found)
    for found in draft.find_at_numbers(_TIMES, after=_BEFORE_TIMES):
        first = f"{read_amount(found['amount'])} to {read_amount(found['to'])}" if found["to"] else read_amount(found["amount"])
        per = f" per {PERIODS[found['per']]}" if found["per"] else ""
        draft.add(found.start(), found.end(), f"{first} times{per}", "unit")


def find_lone_units(draft: Draft) -> None:
    """Find units without a number: "a few km", "%", "°C"."""
    text = draft.text
    if "/" in text:
        _find_lone_compounds(draft)
    if not (draft.has_word(_UNIT_WORDS) or _UNIT_SIGN.search(text)):
        return
    for found in _LONE_UNIT.finditer(text):
        symbol, start = found[0], found.start()
        before = text[start - 1 : start] if start else ""
        if symbol == "sq" or (symbol[0].isalpha() and (before.isalnum() or before in "_/.-" and before)):
            continue
        if symbol in "%％‰" and not (
            before.isalnum() or before in (")", " ") and start > 1 and (before == ")" or text[start - 2].isalnum())
        ):
            continue
        one, many = UNITS.get(symbol) or _divided(symbol)
        is_single = word_before(text, start).lower() in ("per", "a", "an", "each", "every", "one")
        draft.add(start, found.end(), one if is_single else many, "unit")


def _find_lone_compounds(draft: Draft) -> None:
    """Find quotients of units without a number before them: "m/s"."""
    text = draft.text
    for found in _LONE_COMPOUND.finditer(text):
        if not text[max(0, found.start() - 1) : found.start()].strip(" \n(["):
            draft.add(found.start(), found.end(), _divided(found["unit"])[1], "unit")


def _divided(symbol: str) -> tuple[str, str]:
    unit, _, per = symbol.partition("/")
    one, many = UNITS[unit]
    return f"{one} per {DIVISORS[per]}", f"{many} per {DIVISORS[per]}"


def _add_angle(draft: Draft, found: re.Match[str]) -> None:
    if not found["minutes"] and not found["point"]:
        return
    words = _counted(found["degrees"], "degree")
    if found["minutes"]:
        words += f", {_counted(found['minutes'], 'minute')}"
    if found["seconds"]:
        words += f", {_counted(found['seconds'], 'second')}"
    if found["point"]:
        words += f" {_POINTS[found['point']]}"
    draft.add(found.start(), found.end(), words, "unit")


def _add_pressure(draft: Draft, found: re.Match[str]) -> None:
    """Add blood pressure, where the unit or a word before indicates it: "BP 120/80"."""
    top, bottom = int(found["top"]), int(found["bottom"])
    before = {word.lower().strip(".,:;()") for word in words_before(draft.text, found.start())[-5:]}
    if 50 <= top <= 300 and 20 <= bottom < top and (found["unit"] or before & {"bp", "pressure", "systolic", "hypertension"}):
        unit = " millimeters of mercury" if found["unit"] else ""
        draft.add(found.start(), found.end(), f"{cardinal(top)} over {cardinal(bottom)}{unit}", "unit")


def _counted(amount: str, noun: str) -> str:
    return f"{read_amount(amount)} {noun}{'' if amount == '1' else 's'}"


def _add_feet(draft: Draft, found: re.Match[str]) -> None:
    marked = found[0].rstrip()[-1:] in "\"”″'’" or "in" in found[0][found.end("inches") - found.start() :]
    inches = found["inches"]
    if not marked and ("'" not in found[0] and "′" not in found[0] and "’" not in found[0]):
        return
    if inches.isdigit() and int(inches) > 12:
        return
    feet = f"{cardinal(int(found['feet']))} {'foot' if found['feet'] == '1' else 'feet'}"
    draft.add(found.start(), found.end(), f"{feet} {read_amount(inches)} {'inch' if inches == '1' else 'inches'}", "unit")


def _find_inches(draft: Draft) -> None:
    """Find inches, and feet before a word for a length. A straight quote that closes a quotation is none."""
    text = draft.text
    quotes, counted = 0, 0
    for found in draft.find_at_numbers(_INCHES) if _INCH_MARK.search(text) else ():
        mark = found.start("mark")
        if found["mark"] in ('"', "”"):
            opening = '"' if found["mark"] == '"' else "“"
            line = text.rfind("\n", counted, mark)
            if line >= 0:
                quotes, counted = 0, line
            quotes += text.count(opening, counted, mark) - (text.count("”", counted, mark) if opening == "“" else 0)
            counted = mark
            if (quotes % 2 == 1) if opening == '"' else quotes > 0:
                continue
            if draft.is_free(found.start(), found.end()):
                counted = mark + 1
        amount = found["amount"]
        feet = found["mark"] == "′"
        following = word_after(text, found.end())
        single = (is_one(amount) or is_attributive(text, found.start(), found.end())) or (
            following.islower()
            and following not in FUNCTION_WORDS
            and following not in ("wide", "long", "tall", "high", "deep", "thick", "x")
        )
        name = ("foot" if single else "feet") if feet else ("inch" if single else "inches")
        by = _BY.match(text, found.end())
        draft.add(found.start(), by.end() if by else found.end(), f"{read_amount(amount)} {name}{' by' if by else ''}", "unit")
    for found in draft.find_at_numbers(_PRIME, after=_BEFORE_PRIME):
        by = _BY.match(text, found.end())
        following = word_after(text, found.end())
        has_article = following not in ("", "x") and word_before(text, found.start()).lower() in _ARTICLES
        is_noun = has_article and is_attributive(text, *found.span())
        is_second = "x" in text[max(0, found.start() - 2) : found.start()].replace("×", "x")
        if following and not (by or is_second or following in _FOOT_AFTER or is_noun):
            continue
        words = f"{cardinal(int(found['amount']))} {'foot' if found['amount'] == '1' or is_noun else 'feet'}{' by' if by else ''}"
        draft.add(found.start(), by.end() if by else found.end(), words, "unit")


def _add_measure(draft: Draft, found: re.Match[str]) -> None:
    text = draft.text
    unit, amount, gap = found["unit"], found["amount"], found["gap"] or ""
    start, end = found.start(), found.end()
    if found["dot"] and (not unit.isalpha() or _ends_sentence(text, end, unit)):
        end -= 1
    if not _is_unit(text, found):
        return
    sign = (found["sign"] or "").strip()
    if sign == "+" and amount == "1" and unit == "s" and not gap:
        draft.add(start, end, "plus ones", "cardinal")
        return
    first, between, middle = found["first"], (found["between"] or "").strip(), found["middle"]
    unit1 = found["unit1"].strip() if found["unit1"] else ""
    if unit1 and unit1 not in (unit, *("°" for _ in (1,) if unit.startswith("°"))) and not (between in "x×" and unit1 in UNITS):
        first, start, sign, between = None, found.start("middle") if middle else found.start("amount"), "", ""
        if found["second_sign"]:
            start -= 1
            sign = found["second_sign"]
    one, many = UNITS[unit]
    if unit == "pts" and word_after(text, end) not in _DRINKS:
        one, many = "point", "points"
    elif unit == "bps" and word_before(text, start).lower() in _AFTER_CHANGE:
        one, many = "basis point", "basis points"
    if (
        (
            gap == "-"
            or is_attributive(text, start, end)
            or (amount == "1" and not first and not found["scale"])
            or (is_one(amount) and not first and "/" not in amount)
        )
        or is_one(amount)
        and not first
    ):
        name = one
    else:
        name = many
    if unit in ("in",) and word_after(text, end) in _INCH_AFTER and gap == "-":
        name = one
    words = f"{read_amount(amount)} {found['scale'].strip(' -') + ' ' if found['scale'] else ''}{name}"
    if found["per"]:
        words += f" per {DIVISORS[found['per']]}"
    if middle:
        words = f"{read_amount(middle)} by {words}"
    if first:
        joined = {"x": "by", "×": "by", "±": "plus or minus"}.get(between.rstrip("-−") or between, "to")
        if found["second_sign"]:
            joined += " minus"
        named = f" {UNITS[unit1][1]}" if unit1 and (joined == "by" or unit1 != unit or unit1 == "%") else ""
        words = f"{read_amount(first)}{named} {joined} {words}"
    if sign == "–" and text[start - 1 : start].isalnum():
        sign = ""
    draft.add(start, end, _SIGNS.get(sign, "") + words, "unit")


_EQUALS = re.compile(" ?[=≈]")
_EQUALS_BEFORE = re.compile("[=≈] ?$")
_CAPITAL_WORD = re.compile(r" (?P<word>[A-Z][a-z]+)(?P<colon>:| [a-z]+:)?")
_INSTRUCTIONS = frozenset(
    """
    Add Bake Beat Blend Boil Bring Brush Chill Chop Combine Cook Cool Cover Cut Dice Drain Drizzle Fold Fry Garnish Grate Grill Heat
    Knead Let Marinate Melt Mix Place Pour Preheat Reduce Remove Rest Rinse Roast Roll Season Serve Set Simmer Slice Spread Sprinkle
    Stir Strain Take Toast Toss Transfer Turn Use Whisk Repeat Return Top Makes Serves
    """.split()
)


def _ends_sentence(text: str, position: int, unit: str) -> bool:
    """Whether the full stop of a unit ends the sentence: a heading, an instruction or, after a time, any capital follows."""
    if ends_sentence(text, position):
        return True
    found = _CAPITAL_WORD.match(text, position)
    return found is not None and (bool(found["colon"]) or unit in _TIME_UNITS or found["word"] in _INSTRUCTIONS)


def _is_unit(text: str, found: re.Match[str]) -> bool:
    """Whether the letters after the number are a unit there."""
    unit, gap, amount = found["unit"], found["gap"] or "", found["amount"]
    end = found.end("unit")
    if gap == "-" and unit in ("%", "°"):
        return False
    if gap == "-" and (len(unit) == 1 and unit.isalpha() and unit not in "mgVW" or unit in ("in", "st", "pt", "au", "d")):
        return unit == "in" and (word_after(text, end) in _INCH_AFTER or bool(found["dot"]) and word_after(text, end + 1)[:1].islower())
    if not unit.isalpha():
        return True
    if not gap and unit in NEVER_ATTACHED:
        return False
    if unit == "l" and gap:
        return "." in amount or "," in amount or word_after(text, end) == "of"
    if unit == "pts" or (unit == "K" and gap == " " and "." in amount):
        return True
    if unit == "st" and gap == " " and word_before(text, found.start()).startswith("weigh"):
        return True
    if gap and unit in ONLY_ATTACHED and not found["per"]:
        return unit in ("pt", "ct", "MP", "B") and bool(found["dot"])
    if unit == "in" and (_EQUALS.match(text, end) or _EQUALS_BEFORE.search(text, max(0, found.start() - 3), found.start())):
        return True
    if unit == "in":
        following = word_after(text, end + (1 if found["dot"] else 0))
        if not gap or found["middle"] or (found["between"] or "").strip() in ("x", "×"):
            return True
        return (bool(found["dot"]) and not following[:1].isupper() and bool(following)) or following in _INCH_AFTER
    if unit in ("N", "W", "S", "E") and found["dot"] and text[end + 1 : end + 3].strip().isupper():
        return False  # "100 N. Main St."
    if unit in ("N", "W", "S", "E") and found["dot"] and text[end + 2 : end + 3].isdigit():
        return False  # "350 W. 42nd St."
    if unit == "A" and not gap and "." not in amount:
        return word_after(text, end) in ("fuse", "current", "circuit", "breaker", "charger", "at")
    if unit == "A" and gap:
        return _is_break_after(text, end) or word_after(text, end) in ("of", "fuse", "current", "circuit", "breaker", "charger")
    if unit == "s" and not gap:
        before = word_before(text, found.start()).lower()
        if amount.replace(",", "").strip("0") == "1" and amount != "1" and word_after(text, end) == "of":
            return False
        return not (before in _PLURAL_CUES or (len(amount) == 4 and amount.endswith("0") and amount.isdigit()) or amount == "0")
    if unit in ("h", "s", "m", "g", "t", "W", "V", "J", "N", "F", "L", "K") and gap and text[end : end + 1] in ("'", "’"):
        return False
    if unit == "F" and (not gap or amount.isdigit()) and not found["dot"]:
        return bool(gap) and False
    if unit == "min" and word_after(text, end) == "":
        return True
    return not (unit in ("T", "H", "M", "Q") and bool(gap))


def _is_break_after(text: str, end: int) -> bool:
    """Whether punctuation or the end of the text follows."""
    return text[end : end + 1] in ("", ".", ",", ";", ")", "\n", "/")


def _add_dimension(draft: Draft, found: re.Match[str]) -> None:
    text = draft.text
    parts = re.split(r" ?[x×] ?", found["parts"])
    is_product = _EQUALS.match(text, found.end()) or (
        "×" in found["parts"] and (" × " in found["parts"] or re.search(r"[=+÷] ?$", text[max(0, found.start() - 3) : found.start()]))
    )
    joined = " times " if is_product else " by "
    said = [
        pairs(part)
        if len(part) in (3, 4) and part.isdigit() and len(parts) == 2 and len(parts[0]) >= 3 and part[0] != "0"
        else read_amount(part)
        for part in parts
    ]
    draft.add(found.start(), found.end(), joined.join(said), "unit")
