"""Dutch."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import dutch_words, scanner
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule


class Dutch(LanguageRules):
    """Dutch as it is written in the Netherlands and Belgium."""

    code = "nl"
    ordinal_rulesets = {"": "spellout-ordinal"}
    year_ruleset = "spellout-numbering-year"
    bare_years = range(1100, 2000)
    decimal_word = "komma"
    point_word = "punt"
    has_grouped_decimals = True
    ordinal_suffixes = {"e": "", "de": "", "ste": "", "ᵉ": ""}
    roman_suffixes = frozenset({"e"})
    to_word = "tot"
    score_word = "tegen"
    out_of_word = "van de"
    half_words = ("een half", "en een half")
    half_adjectives = {"": "een halve", "m": "een halve", "f": "een halve", "c": "een halve", "n": "een half"}
    fraction_of = ""
    fraction_words = dutch_words.FRACTION_WORDS
    and_fraction = " "
    powers = {"²": "kwadraat", "³": "tot de derde", "n": "tot de macht"}

    minus_word = "min"
    plus_word = "plus"
    signs = dutch_words.SIGNS
    operators = dutch_words.OPERATORS
    prefixes = dutch_words.PREFIXES

    units = dutch_words.UNITS
    per = dutch_words.PER
    currencies = dutch_words.CURRENCIES
    magnitudes = dutch_words.MAGNITUDES

    months = ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december")
    month_names = dutch_words.MONTH_NAMES
    time_format = "{hour} uur {minute}"
    hour_format = "{hour} uur"
    second_format = "{time} en {second} seconden"
    time_suffixes = "uur|u|h"
    hour_mark = ":."
    hour_letter = "[uh]"
    time_words = frozenset({"om", "rond", "omstreeks", "van", "tot", "vanaf"})
    short_date_words = frozenset({"op", "vanaf", "sinds"})

    abbreviations = dutch_words.ABBREVIATIONS
    final_abbreviations = dutch_words.FINAL_ABBREVIATIONS
    titles = dutch_words.TITLES
    numbered = dutch_words.NUMBERED
    roman_nouns = dutch_words.ROMAN_NOUNS
    phone_words = r"tel|fax|mobiel|bel|sms|whatsapp|nummer|gsm"
    dot_word = "punt"
    at_word = "apenstaartje"
    slash_word = "slash"
    dash_word = "streepje"
    underscore_word = "laag streepje"

    def __init__(self) -> None:
        self.special_rules = (
            product_rule(self, self.operators["×"]),
            (
                r"(?P<number>\d{1,3})(?:x(?=[ ][^\W\d_]|[.,!?)]|\Z)|[ ]?maal(?!\w))",
                "cardinal",
                lambda found, place: self.cardinal(int(found["number"])) + " keer",
            ),
            (r"(?P<number>\d{2,4})(?:-|['’])?er(?=[ ]jaren|s?(?!\w))", "decade", self._say_decade),
            (
                r"(?P<number>\d{1,3})-(?=jarige|daagse|maandse|koppige|weekse)",
                "cardinal",
                lambda found, place: self.cardinal(int(found["number"])),
            ),
        )

    def _say_decade(self, found: re.Match[str], place: Place) -> str:
        number = int(found["number"])
        return (self.year(number) if number in self.bare_years else self.cardinal(number)) + "er"

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """Not where an "e" begins something else."""
        return super().ordinal_at(number, place) if number.value > 0 else None

    def year(self, number: int) -> str:
        """ "negentienhonderdvierentachtig" in full: "negentienvierentachtig" is only used in conversation."""
        century, rest = divmod(number, 100)
        if number not in self.bare_years or century % 10 == 0:
            return self.cardinal(number)
        return f"{self.cardinal(century)}honderd{self.cardinal(rest) if rest else ''}"

    def mixed(self, number: Number, numerator: int, denominator: int) -> str:
        """ "tweeënhalf", "anderhalf"."""
        if (numerator, denominator) == (1, 2):
            if number.digits == "1":
                return "anderhalf"
            whole = self.quantity(number)
            return f"{whole}{'ën' if whole.endswith('e') else 'en'}half"
        return super().mixed(number, numerator, denominator)

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """ "Tweede Wereldoorlog" and "WO II"."""
        if not suffix and place.word_before == "WO":
            return self.cardinal(value)
        return super().roman(value, suffix, place)

    def monarch(self, value: int, place: Place) -> str:
        """ "Willem de tweede"."""
        return f"de {self.ordinal(value)}"


_RULES = Dutch()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a Dutch text in words; see `registry.find_edits`."""
    return scanner.find_edits(text, _RULES)
