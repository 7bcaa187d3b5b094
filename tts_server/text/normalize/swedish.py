"""Swedish: "en" and "ett", years in hundreds, ordinal days and compounds with numbers."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import scanner, swedish_words
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule
from tts_server.text.normalize.swedish_numbers import MAX_DIGITS, swedish_digits, swedish_number, swedish_ordinal, swedish_year

_CLOCK_BEFORE = re.compile(
    r"(?:[Kk]l\.?|[Kk]lockan|(?<!\w)(?:avgår|går|börjar|slutar|öppnar|stänger|startar|ankommer|anländer)"
    r"|[Kk]l\.?[ ]?\d{1,2}[.:]\d{2}[ ]?(?:[-–]|till|och))[ ]?\Z"
)
_MONTH = "|".join(swedish_words.MONTHS)
_YEAR_BEFORE = frozenset("år sedan sommaren våren hösten vintern från till mellan och före efter under omkring runt valet os vm em".split())

_TIMES = r"(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)[ ]?[–-][ ]?(?P<last_hour>\d{1,2})\.(?P<last_minute>[0-5]\d)(?![\d]|[.,]\d)"


class Swedish(LanguageRules):
    """Swedish."""

    code = "sv"
    bare_years = range(1100, 2100)
    decimal_word = "komma"
    point_word = "punkt"
    has_grouped_decimals = True
    ordinal_suffixes = {":a": "", ":e": "", ":dje": "", ":de": "", ":te": "", ":nde": ""}
    to_word = "till"
    out_of_word = "av"
    half_words = ("en halv", "och en halv")
    half_adjectives = {"n": "ett halvt"}
    fraction_of = ""
    fraction_words = {value: Noun((name, f"{name}ar"), "c") for value, name in swedish_words.FRACTION_NAMES.items()}
    and_fraction = " och "
    powers = {"²": "i kvadrat", "³": "i kubik", "n": "upphöjt till"}
    minus_word = "minus"
    plus_word = "plus"
    signs = swedish_words.SIGNS
    operators = swedish_words.OPERATORS
    prefixes = swedish_words.PREFIXES
    units = swedish_words.UNITS
    per = swedish_words.PER
    currencies = swedish_words.CURRENCIES
    money_format = "{whole} och {cents}"
    names_cents = True
    magnitudes = swedish_words.MAGNITUDES
    months = swedish_words.MONTHS
    month_names = swedish_words.MONTH_NAMES
    short_date_words = frozenset({"den"})
    time_suffixes = "h|tiden"
    abbreviations = swedish_words.ABBREVIATIONS
    final_abbreviations = swedish_words.FINAL_ABBREVIATIONS
    titles = swedish_words.TITLES
    numbered = swedish_words.NUMBERED
    roman_nouns = swedish_words.ROMAN_NOUNS
    phone_words = r"tel|fax|mobil|ring|sms|whatsapp|telefon|personnummer|pin"
    dot_word = "punkt"
    at_word = "snabel-a"
    slash_word = "snedstreck"
    dash_word = "bindestreck"
    underscore_word = "understreck"

    def __init__(self) -> None:
        self.special_rules = (
            (
                rf"(?P<day>\d{{1,2}})[ ]?(?:[–-]|till)[ ]?(?=\d{{1,2}}[ ](?:{_MONTH})(?!\w))",
                "date",
                lambda found, _: f"{self.ordinal(int(found['day']))} till ",
            ),
            (_TIMES, "time", self._say_times),
            (r"(?P<hour>\d{1,2})[.](?P<minute>[0-5]\d)(?![\d]|[.,:]\d)", "time", self._say_time),
            (r"(?P<number>\d{1,4})-(?P<word>[a-zåäö]{2,40})(?!\w)", "cardinal", self._say_compound),
            (r"(?P<whole>\d{1,3}(?:[ ]\d{3}){1,2}|\d{1,6})(?::(?P<cents>\d{2})[ ]?kr(?:onor)?\b|:-(?!\d))", "money", self._say_price),
            (r"(?P<whole>\d{1,6}):(?P<word>an|or|ans|orna)(?!\w)", "cardinal", self._say_note),
            (r"(?P<first>\d{1,4}):(?P<second>\d)(?![\d:])", "score", self._say_score),
            product_rule(self, "gånger"),
        )

    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; `c` is the common gender."""
        return swedish_number(number, is_common=gender == "c") if number < 10**MAX_DIGITS else swedish_digits(str(number))

    def ordinal(self, number: int, gender: str = "") -> str:
        """An ordinal in words."""
        return swedish_ordinal(number) if number < 10**6 else self.cardinal(number)

    def year(self, number: int) -> str:
        """A year in words."""
        return swedish_year(number)

    def gender(self, number: Number, place: Place) -> str:
        """Numbers that end in one: `en` before nouns of common gender."""
        if number.decimals or not number.digits.endswith("1") or number.digits.endswith("11"):
            return ""
        word = place.word_after
        if not word or not word[0].islower() or word in swedish_words.NO_PLURALS:
            return ""
        noun = next((word for word in place.words_after[:2] if not word.endswith(("ig", "t", "sk"))), word).lower()
        is_neuter = noun in swedish_words.NEUTER or noun.endswith(swedish_words.NEUTER_ENDINGS)
        return "c" if not is_neuter and len(number.digits) == 1 else ""

    def bare(self, number: Number, place: Place) -> str:
        """Four digits are a year, but from 2000 on not where they count something."""
        if len(number.digits) == 4 and number.value >= 2000 and not number.decimals:
            word = place.word_after
            counts = word.endswith(swedish_words.PLURAL_ENDINGS) and word[0].islower() and word not in swedish_words.NO_PLURALS
            if counts and place.word_before.lower() not in _YEAR_BEFORE:
                return self.cardinal(number.value)
        return super().bare(number, place)

    def day(self, number: int, place: Place) -> str:
        """Days are ordinals."""
        return self.ordinal(number)

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """Hours and minutes, minutes below ten with a zero; a full hour that is written 18:00 is "arton noll noll"."""
        parts = [self.cardinal(hour), self.spell_digits(f"{minute:02}") if minute < 10 else self.cardinal(minute)]
        return self.joined(*parts, *([] if second is None else [self.cardinal(second)]))

    def monarch(self, value: int, place: Place) -> str:
        """ "Gustav den tredje"."""
        said = self.ordinal(value)
        if not place.word_before.endswith("a"):
            said = said.replace("första", "förste").replace("andra", "andre")
        return f"den {said}"

    def _say_time(self, found: re.Match[str], place: Place) -> str | None:
        is_clear = len(found["hour"]) == 2 and found["hour"][0] == "0"
        if int(found["hour"]) > 24 or not (is_clear or _CLOCK_BEFORE.search(place.before)):
            return None
        return self.time(int(found["hour"]), int(found["minute"]), None, place)

    def _say_compound(self, found: re.Match[str], place: Place) -> str | None:
        if place.text[place.start - 1 : place.start] == "-":
            return None
        number = int(found["number"])
        said = self.year(number) if len(found["number"]) == 4 else self.cardinal(number)
        return said.replace(" ", "") + found["word"]

    def _say_price(self, found: re.Match[str], place: Place) -> str:
        noun, cent = self.currencies["kr"]
        number = Number(found.start(), found.end(), found["whole"].replace(" ", ""), found["cents"] or "", "," if found["cents"] else "")
        return self.money(number, noun, cent, place)

    def _say_times(self, found: re.Match[str], place: Place) -> str | None:
        """Opening hours with a full stop between hours and minutes."""
        hours = int(found["hour"]), int(found["last_hour"])
        if max(hours) > 24:
            return None
        minutes = int(found["minute"]), int(found["last_minute"])
        return f" {self.to_word} ".join(self.time(hour, minute, None, place) for hour, minute in zip(hours, minutes, strict=True))

    def _say_score(self, found: re.Match[str], place: Place) -> str:
        return self.joined(self.cardinal(int(found["first"])), self.cardinal(int(found["second"])))

    def _say_note(self, found: re.Match[str], place: Place) -> str:
        return self.cardinal(int(found["whole"])) + found["word"]


_RULES = Swedish()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a Swedish text in words; see `registry.find_edits`."""
    return scanner.find_edits(text, _RULES)
