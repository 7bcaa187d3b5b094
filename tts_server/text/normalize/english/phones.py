"""Telephone numbers and other numbers that are read digit by digit: cards, PINs, ZIP codes, serial numbers."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import Draft, followed_by, word_before, words_before
from tts_server.text.normalize.english.numbers import cardinal, digit_groups, digits

_EXT = r"(?:,?[ ]?(?P<ext>ext\.?|extension|x|Ext\.?|EXT\.?)[ ]?(?P<extension>[0-9]{1,6})(?![\w]))?"
_US = re.compile(
    r"(?<![\w.,/+-])(?:(?P<plus>\+)?(?P<one>1)[-. ·]{1,2})?(?:\((?P<area1>[0-9]{3})\)[-. \u00a0]?|"
    r"(?P<area2>[0-9]{3})(?P<gap>[-. ‑–·\u00a0]))"
    r"(?P<office>[0-9]{3})[-. ‑–·\u00a0](?P<line>[0-9]{4})(?![\w-]|[.,][0-9])" + _EXT
)
_US_COMPACT = re.compile(r"(?<![\w.,/])\+1(?P<area2>[0-9]{3})(?P<office>[0-9]{3})(?P<line>[0-9]{4})(?![\w-])" + _EXT)
_LOCAL = re.compile(r"(?<![\w.,/+$€£-])(?P<office>[0-9]{3})[-‑–·](?P<line>[0-9]{4})(?![\w-]|[.,][0-9])" + _EXT)
_INTERNATIONAL = re.compile(r"(?<![\w.,/+])\+(?P<country>[0-9]{1,3})(?P<rest>(?:[ \u00a0.·/-]{0,2}\(?[0-9]{1,5}\)?){2,7})(?![\w])" + _EXT)
_NATIONAL = re.compile(r"(?<![\w.,/+:-])(?<![0-9] )(?:\(0[0-9]{1,5}\)|0[0-9]{1,5})(?:[ \u00a0/-][0-9]{2,9}){1,4}(?![\w-]|[.,][0-9])")
_VANITY = re.compile(r"(?<![\w.,/+-])(?:(1)-)?(8[0-9]{2}|[2-9][0-9]{2})-([A-Z]{4,10}|[A-Z]{3}-[A-Z]{4}|[0-9]{1,3}-?[A-Z]{3,7})(?![\w-])")
_GROUPS = re.compile(
    r"(?<![\w.,/+:-])[0-9]{4}(?:([ -])[0-9]{4}){2,5}(?![\w-]|[.,][0-9])|(?<![\w.,/+:-])[0-9]{1,9}(?:-[0-9Xx]{1,9}){2,6}(?![\w-])"
)
_RUN = re.compile(r"(?<![\w.,/$€£+])[0-9]{4,19}(?![\w%°$€£]|[.,:/][0-9]|[-–][0-9]| ?(?:[ap]\.?m\b|°))")
_SHORT_NUMBERS = re.compile(r"(?<![\w.,/$€£-])(911|988|[2-8]11|999|112)(?![\w%°]|[.,:/-][0-9])")
_ANY_SHORT_NUMBER = re.compile("[2-9]11|988|999|112")
_ZIP_PLUS = re.compile(r"(?<![\w.,/$-])([0-9]{5})-([0-9]{4})(?![\w-])")

_PAIR = re.compile(r"(?<![\w.,/+:$€£-])(?P<first>[0-9]{2,9})-(?P<second>[0-9]{2,9})(?![\w%-]|[.,:/][0-9])")

_PHONE_WORDS = frozenset("call phone tel telephone fax mobile cell dial ring text whatsapp sms calling hotline reach".split())
_CODE_WORDS = frozenset(
    """
    pin pins code codes zip zipcode postcode account acct passcode password passwords serial tracking id ids confirmation verification
    otp sku isbn issn ein ssn vin imei barcode upc iban routing ticket licence license badge reference ref booking reservation key ending
    combination extension ext
    """.split()
)
_LINKS = frozenset("is was number numbers no # num nr are of your the my us at me on him her them to or and ends ending in with".split())
_STATES = frozenset(
    """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA PR RI SC SD TN
    TX UT VT
    VA WA WV WI WY
    """.split()
)


_BEFORE_GAP = followed_by("-.‑–·)", "(0123456789")
_BEFORE_LINE = followed_by("-‑–·")
_BEFORE_GROUP = followed_by("-)/", "0123456789")
_BEFORE_HYPHEN = followed_by("-")
_BEFORE_DIGITS = followed_by("-", "0123456789")


def find_phones(draft: Draft) -> None:
    """Find telephone numbers; groups are separated by commas, which are short pauses."""
    text = draft.text
    for found in draft.find_at_numbers(_US, "+(", after=_BEFORE_GAP):
        area = found["area1"] or found["area2"]
        if found["gap"] in (" ", "\u00a0") and found["office"] == "000":
            continue
        first = [*(["plus one" if found["plus"] else "one"] if found["one"] else []), _area(area)]
        _add(draft, found, [*first, digits(found["office"]), digits(found["line"])])
    for found in draft.find_at_numbers(_US_COMPACT, "+", is_signed=True):
        _add(draft, found, ["plus one", _area(found["area2"]), digits(found["office"]), digits(found["line"])])
    for found in draft.find_at_numbers(_INTERNATIONAL, "+", is_signed=True):
        if sum(map(str.isdigit, found["rest"])) >= 6:
            rest = found["rest"]
            groups = digit_groups(rest) if any(not char.isdigit() for char in rest) else _cut(rest)
            _add(draft, found, [f"plus {digits(found['country'])}", groups])
    for found in draft.find_at_numbers(_NATIONAL, "(", after=_BEFORE_GROUP):
        draft.add(found.start(), found.end(), digit_groups(found[0]), "phone")
    for found in draft.find_at_numbers(_VANITY, after=_BEFORE_HYPHEN):
        words = " ".join(part.lower() if part.isalpha() else digits(part) for part in found[3].split("-"))
        draft.add(found.start(), found.end(), ", ".join([*(["one"] if found[1] else []), _area(found[2]), words]), "phone")
    for found in draft.find_at_numbers(_LOCAL, after=_BEFORE_LINE):
        _add(draft, found, [digits(found["office"]), digits(found["line"])])
    for found in draft.find_at_numbers(_SHORT_NUMBERS) if _ANY_SHORT_NUMBER.search(text) else ():
        before = [word.lower().strip(".,:\"'") for word in words_before(text, found.start())[-2:]]
        if (found[1] == "911" and (not before or before[-1] not in ("porsche", "the"))) or _PHONE_WORDS.intersection(before):
            draft.add(found.start(), found.end(), digits(found[1]), "phone")


def find_digits(draft: Draft) -> None:
    """Find numbers that are read digit by digit, by their form or by the word before: "PIN 1234", ZIP codes, card numbers."""
    text = draft.text
    for found in draft.find_at_numbers(_GROUPS, after=_BEFORE_DIGITS):
        is_short = found[0].count("-") == 2 and sum(map(str.isdigit, found[0])) < 7
        if is_short and not _is_code(words_before(text, found.start()), found[0]):
            continue
        words = digit_groups(found[0].rstrip("Xx")) + (" X" if found[0][-1] in "xX" else "")
        draft.add(found.start(), found.end(), words, "digits")
    for found in draft.find_at_numbers(_PAIR, after=_BEFORE_HYPHEN):
        first, second = found["first"], found["second"]
        if word_before(text, found.start()).lower() in ("codes", "ids", "pins", "passwords"):
            continue  # a range of them
        if abs(len(first) - len(second)) > 1 and _is_code(words_before(text, found.start()), first + second + "-"):
            draft.add(found.start(), found.end(), f"{digits(first)}, {digits(second)}", "digits")
    for found in draft.find_at_numbers(_ZIP_PLUS, after=_BEFORE_HYPHEN):
        draft.add(found.start(), found.end(), f"{digits(found[1])}, {digits(found[2])}", "digits")
    for found in draft.find_at_numbers(_RUN):
        number = found[0]
        before = words_before(text, found.start())
        if (
            number[0] == "0"
            and not text[found.end() : found.end() + 6].startswith(" hours")
            or is_zip(before, number)
            or _is_code(before, number)
        ):
            draft.add(found.start(), found.end(), digits(number), "digits")


def is_zip(before: list[str], number: str) -> bool:
    """Whether a number of five digits follows the short form of a state: "CA 90210"."""
    return len(number) == 5 and bool(before) and before[-1].strip(".,") in _STATES


def _is_code(before: list[str], number: str) -> bool:
    """Whether one of the last words says that the number is one to be typed: "the code is 482913"."""
    for word in reversed(before[-5:]):
        key = word.lower().strip(".,:;#()\"'")
        if key in _CODE_WORDS:
            return True
        if key in _PHONE_WORDS:
            return len(number) >= 5
        if (key == "number" or word.lower() in ("no.", "nr.")) and len(number) >= 7:
            return True
        if len(key) > 1 and key.isupper() or word.isupper() and word.isalpha() and len(word) > 1:
            continue  # "Text STOP to 55555"
        if key not in _LINKS or (word.endswith((".", ";")) and key not in ("no", "nr", "num")):
            return False
    return False


def _area(area: str) -> str:
    """An area code digit by digit, except for 800 and 900."""
    return f"{cardinal(int(area[0]))} hundred" if area in ("800", "900") else digits(area)


def _cut(number: str) -> str:
    """A long number without separators in groups of three, the last of three or four digits."""
    groups = []
    while len(number) > 4:
        groups.append(digits(number[:3]))
        number = number[3:]
    return ", ".join([*groups, digits(number)])


def _add(draft: Draft, found: re.Match[str], groups: list[str]) -> None:
    words = ", ".join(group for group in groups if group)
    if found["extension"]:
        words += f" extension {digits(found['extension'])}"
    draft.add(found.start(), found.end(), words, "phone")
