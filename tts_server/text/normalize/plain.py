"""Languages of which mainly numbers are read: cardinals, decimals, percentages, amounts, simple dates. Also other scripts' digits."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import scanner
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.nouns import Noun, parse_noun, parse_nouns
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place

# Arabic, Persian and Devanagari digits and the Arabic separators, each one character for one.
_ASCII = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९٫٬٪", "0123456789" * 3 + ".,%")
_OPERATORS = "+ − = × ÷ < > ± ≈".split()


def parse_currencies(table: str) -> dict[str, tuple[Noun, Noun | None]]:
    """A table with one currency a line, `sign[, sign…]: gender form|form; gender cent|cents`, the part after the semicolon optional."""
    currencies: dict[str, tuple[Noun, Noun | None]] = {}
    for line in filter(None, map(str.strip, table.splitlines())):
        signs, _, names = line.partition(": ")
        whole, _, cent = names.partition("; ")
        for sign in signs.split(", "):
            currencies[sign] = parse_noun(whole), parse_noun(cent) if cent else None
    return currencies


class PlainLanguage(LanguageRules):
    """A language whose grammar of numbers is one counting form, and which is described by a few tables."""

    has_grouped_decimals = False
    names_cents = True
    operator_words = ""
    """The words of + − = × ÷ < > ± ≈ in this order, separated by bars."""
    unit_table = ""
    currency_table = ""
    half = ""
    has_ordinal_stops = False
    """Whether a full stop after a number makes it an ordinal when a word in small letters follows."""
    day_ordinals = False

    def __init__(self) -> None:
        self.operators = dict(zip(_OPERATORS, self.operator_words.split("|"), strict=True))
        self.plus_word, self.minus_word = self.operators["+"], self.operators["−"]
        self.units = parse_nouns(self.unit_table)
        self.currencies = parse_currencies(self.currency_table)
        self.half_words = (self.half, "")
        self.special_rules = (
            (r"(?P<whole>\d{1,2}(?:,\d{2}){1,6},\d{3})(?P<decimals>\.\d{1,6})?(?![\d,]*\d)", "cardinal", self._say_indian),
            (r"(?P<first>\d{1,4}):(?P<second>\d)(?![\d:])", "score", self._say_score),
        )

    def day(self, number: int, place: Place) -> str:
        """A day of the month, an ordinal where the language has it so."""
        return self.ordinal(number) if self.day_ordinals else self.cardinal(number)

    def fraction(self, numerator: int, denominator: int) -> str | None:
        """One half has a name; other fractions are read as n out of m."""
        if (numerator, denominator) == (1, 2):
            return self.half
        return self.joined(self.cardinal(numerator), self.out_of_word, self.cardinal(denominator))

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """A number with a full stop before a word in small letters, in the languages that write ordinals so."""
        text, end = place.text, number.end
        is_short = not number.decimals and not number.is_grouped and len(number.digits) <= 3 and number.digits[0] != "0"
        if not (self.has_ordinal_stops and is_short and text[end : end + 2] == ". " and text[end + 2 : end + 3].islower()):
            return None
        return end + 1, self.ordinal(number.value)

    def _say_indian(self, found: re.Match[str], place: Place) -> str | None:
        """Digits in groups of two, as in 1,25,000."""
        digits = found["whole"].replace(",", "")
        return self.quantity(Number(found.start(), found.end(), digits, (found["decimals"] or "")[1:], "." * bool(found["decimals"])))

    def _say_score(self, found: re.Match[str], place: Place) -> str:
        return self.joined(self.cardinal(int(found["first"])), self.cardinal(int(found["second"])))


def find_plain_edits(text: str, rules: PlainLanguage) -> list[Edit]:
    """The edits that write a text in words, whichever digits it is written in."""
    return scanner.find_edits(text.translate(_ASCII), rules)
