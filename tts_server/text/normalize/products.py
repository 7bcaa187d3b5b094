"""Sizes such as 10x15 cm, as a rule of a language."""

from __future__ import annotations

import re

from tts_server.text.normalize.language_rules import LanguageRules, SpecialRule
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place

_FACTOR = r"\d{1,6}(?:[.,]\d{1,3})?"
_SIGN = re.compile(r"[ ]?[xхX×][ ]?")


def product_rule(rules: LanguageRules, word: str) -> SpecialRule:
    """The rule for numbers with an x between, which is said as `word`; a unit belongs to the last of them."""
    measures = "|".join(re.escape(name) for name in sorted(rules.units, key=len, reverse=True))

    def say(found: re.Match[str], place: Place) -> str:
        numbers = [_number(written) for written in _SIGN.split(found["factors"])]
        said = [rules.quantity(number) for number in numbers]
        if found["measure"]:
            said[-1] = rules.count(numbers[-1], rules.units[found["measure"]], Place(place.text, place.end, place.end))
        return f" {word} ".join(said)

    pattern = rf"(?P<factors>{_FACTOR}(?:[ ]?[xхX×][ ]?{_FACTOR}){{1,3}})(?![ ]?=)(?:[ ]?(?P<measure>{measures}))?(?![^\W_])"
    return pattern, "sign", say


def _number(written: str) -> Number:
    whole, mark, decimals = re.split(r"([.,])", written + "," if written.isdecimal() else written)
    return Number(0, len(written), whole, decimals, mark if decimals else "")
