"""German: "ein" and "eins", and the endings of ordinals."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import german_words, scanner
from tts_server.text.normalize.german_weekdays import find_weekdays
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule
from tts_server.text.normalize.stops import merge_edits

_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember")
_OBLIQUE = frozenset(
    """
    am im vom zum zur beim dem den des ab seit bis nach vor diesem diesen dieses jedem jeden jedes einem einen eines einer unserem unseren
    unseres ihrem ihren ihres seinem seinen seines meinem meinen meines meiner seiner ihrer unserer deinem deinen deiner beiden ersten
    letzten
    """.split()
)
"""Words before an ordinal in -n."""
_NOMINATIVE = frozenset("der die das diese dieser jede jeder welche welcher eine seine ihre meine unsere keine deine".split())
"""Words before an ordinal in -e."""
_UNINFLECTED = frozenset("ein sein ihr mein unser kein dein".split())
"""Words before an ordinal in -er or -es."""
_PREPOSITIONS = frozenset("in an auf mit nach von aus bei seit zu vor unter während ab bis hinter wegen trotz gegenüber".split())
_ACCUSATIVE_PREPOSITIONS = frozenset("für durch gegen ohne um".split())


class German(LanguageRules):
    """German as it is written in Germany, Austria and Switzerland."""

    code = "de"
    cardinal_rulesets = {
        "": "spellout-numbering",
        "m": "spellout-cardinal-masculine",
        "n": "spellout-cardinal-neuter",
        "f": "spellout-cardinal-feminine",
    }
    ordinal_rulesets = {
        "": "spellout-ordinal",
        "n": "spellout-ordinal-n",
        "r": "spellout-ordinal-r",
        "s": "spellout-ordinal-s",
        "m": "spellout-ordinal-m",
    }
    year_ruleset = "spellout-numbering-year"
    bare_years = range(1100, 2000)
    decimal_word = "Komma"
    point_word = "Punkt"
    to_word = "bis"
    score_word = "zu"
    out_of_word = "von"
    half_words = ("einhalb", "einhalb")
    half_adjectives = {"m": "ein halber", "f": "eine halbe", "n": "ein halbes"}
    fraction_of = ""
    fraction_words = german_words.FRACTION_WORDS
    powers = {"²": "hoch zwei", "³": "hoch drei", "n": "hoch"}

    minus_word = "minus"
    plus_word = "plus"
    signs = german_words.SIGNS
    operators = german_words.OPERATORS
    prefixes = german_words.PREFIXES
    units = german_words.UNITS
    per = german_words.PER
    currencies = german_words.CURRENCIES
    magnitudes = german_words.MAGNITUDES
    months = _MONTHS
    month_names = german_words.MONTH_NAMES
    time_format = "{hour} Uhr {minute}"
    hour_format = "{hour} Uhr"
    second_format = "{time} und {second} Sekunden"
    time_suffixes = "Uhr|h"
    hour_mark = ":."
    hour_gender = "n"

    abbreviations = german_words.ABBREVIATIONS
    final_abbreviations = german_words.FINAL_ABBREVIATIONS
    titles = german_words.TITLES
    final_parts = {"str.": "straße", "Str.": "Straße"}
    sentence_starts = german_words.SENTENCE_STARTS
    numbered = german_words.NUMBERED
    roman_nouns = german_words.ROMAN_NOUNS
    is_period_after_monarchs = True
    phone_words = r"tel|fax|phone|handy|mobil|ruf|sms|whatsapp|hotline|durchwahl|kontonummer|plz"
    dot_word = "Punkt"
    at_word = "at"
    slash_word = "Schrägstrich"
    dash_word = "Minus"
    underscore_word = "Unterstrich"

    def __init__(self) -> None:
        self.special_rules = (
            product_rule(self, self.operators["×"]),
            (r"(?P<number>\d{2,4})er(?P<ending>n?)(?:(?P<gap>[ -])(?=Jahre))?(?!\w)", "decade", self._say_decade),
            (r"(?P<number>\d{1,3})(?:-?mal|x(?=[ ][^\W\d_]))(?!\w)", "cardinal", self._say_times),
            (r"(?P<first>\d{1,2})\.[ ]?(?P<mark>[-–/])[ ]?(?P<second>\d{1,2})\.(?=[ ][^\W\d_])", "range", self._say_ordinals),
            (r"(?P<day>\d{1,2})\.[ ]?(?P<month>\d{1,2})\.(?!\d)", "date", self._say_short_date),
            (r"(?P<hour>\d{1,2})[ \u00a0\u202f]?h(?!\w)", "time", self._say_hour),
            (r"(?P<number>\d{1,3})-(?=[^\W\d_]{3})", "cardinal", lambda found, place: self.cardinal(int(found["number"]), "n") + "-"),
            (r"(?P<number>\d{1,4})(?:,(?P<decimals>\d{1,2}))?[ ]?%ige?(?P<ending>[nrsm]?)(?!\w)", "unit", self._say_percentage),
        )

    def _say_decade(self, found: re.Match[str], place: Place) -> str:
        number = int(found["number"])
        said = self.year(number) if number in self.bare_years else self.cardinal(number)
        return said + "er" + found["ending"] + " " * bool(found["gap"])

    def _say_times(self, found: re.Match[str], place: Place) -> str:
        return self.cardinal(int(found["number"]), "n") + "mal"

    def _say_hour(self, found: re.Match[str], place: Place) -> str | None:
        """ "um 20 h" is a time of day, "nach 20 h" may last that long."""
        hour = int(found["hour"])
        return f"{self.cardinal(hour, 'n')} Uhr" if hour <= 24 and place.word_before.lower() in ("um", "ab", "gegen", "bis") else None

    def _say_percentage(self, found: re.Match[str], place: Place) -> str:
        ending = found[0].rpartition("%")[2]
        number = Number(found.start(), found.end(), found["number"], found["decimals"] or "", ",")
        return self.quantity(number, "n") + ("prozent" if not number.decimals else " Prozent") + ending

    def _say_ordinals(self, found: re.Match[str], place: Place) -> str:
        ending = self._ordinal_ending(place, place.word_after)
        word = "und" if found["mark"] == "/" else self.to_word
        return f"{self.ordinal(int(found['first']), ending)} {word} {self.ordinal(int(found['second']), ending)}"

    def _say_short_date(self, found: re.Match[str], place: Place) -> str | None:
        day, month = int(found["day"]), int(found["month"])
        before = place.word_before
        is_date = 1 <= day <= 31 and 1 <= month <= 12 and (before.lower() in _OBLIQUE | _NOMINATIVE or not before[:1].isupper())
        if not is_date or place.text[place.start - 1 : place.start].isalpha():
            return None
        ending = self._ordinal_ending(place, "Tag")
        ends = not place.after.strip() or (place.after[:1] == " " and place.after.lstrip()[:1].isupper() and before.lower() not in _OBLIQUE)
        return f"{self.ordinal(day, ending)} {self.ordinal(month, ending)}" + "." * ends

    def gender(self, number: Number, place: Place) -> str:
        """Only numbers in -eins have genders: "ein Hund" and "eine Katze", "eins" elsewhere."""
        if number.decimals or not number.digits.endswith("1") or number.digits[-2:-1] not in ("", "0"):
            return ""
        before = place.before.rstrip()
        if before.endswith(tuple(self.numbered)) or (place.word_before[:1].isupper() and before != place.word_before):
            return ""  # a noun that the number belongs to: "Nummer 1"
        noun = next((word.lower() for word in place.words_after[:3] if word[:1].isupper()), "")
        if not noun or not place.word_after or len(number.digits) > 1:
            return ""
        return "f" if _gender_of(noun) == "f" else "m"

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """An ordinal where a full stop and a word follow that it can belong to."""
        text, end = place.text, number.end
        is_ordinal = not number.decimals and text[end : end + 1] == "." and len(number.digits) <= 4 and number.digits[0] != "0"
        if not is_ordinal or number.is_grouped:
            return None
        following = Place(text, place.start, end + 1)
        noun = following.word_after if following.after[:1] in (" ", "\u00a0", "-") else ""
        before = place.word_before.lower()
        has_article = before in _OBLIQUE | _NOMINATIVE | _UNINFLECTED
        if not noun:
            # "Sie wurde die 2." ends the sentence with the ordinal.
            return (end, self.ordinal(number.value, self._ordinal_ending(place, ""))) if has_article and number.value <= 100 else None
        if not place.before.strip() and not _is_month(noun) and noun.lower() not in german_words.RANKED:
            return None  # the mark of a list item
        is_first_of_two = before in ("und", "bis", "oder", "sowie")
        if len(number.digits) > 2 and not has_article:
            return None
        if has_article or is_first_of_two or noun[0].islower() or _is_month(noun) or noun.lower() in german_words.RANKED:
            return end + 1, self.ordinal(number.value, self._ordinal_ending(place, noun))
        return None

    def day(self, number: int, place: Place) -> str:
        """Days are ordinals."""
        return self.ordinal(number, self._ordinal_ending(place, "Tag"))

    def mixed(self, number: Number, numerator: int, denominator: int) -> str:
        """ "zweieinhalb", "zwei drei Viertel"."""
        if (numerator, denominator) == (1, 2):
            return ("ein" if number.digits == "1" else self.quantity(number)) + "einhalb"
        return super().mixed(number, numerator, denominator)

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """ "II. Weltkrieg" is the second, "Kapitel IV" is four."""
        if suffix != ".":
            return super().roman(value, suffix, place)
        noun = place.word_after if place.after[:1] == " " else ""
        if noun and value < 40 and (noun[0].islower() or noun.lower() in german_words.RANKED):
            return self.ordinal(value, self._ordinal_ending(place, noun))
        return None

    def monarch(self, value: int, place: Place) -> str:
        """ "der Vierzehnte", in the case that the words before ask for."""
        words = {word.lower() for word in place.words_before[-3:-1]}
        if "des" in words:
            return f"des {self.ordinal(value, 'n').capitalize()}"
        if words & (_ACCUSATIVE_PREPOSITIONS | {"den"}):
            return f"den {self.ordinal(value, 'n').capitalize()}"
        if words & (_PREPOSITIONS | {"dem", "vom", "zum"}):
            return f"dem {self.ordinal(value, 'n').capitalize()}"
        return f"der {self.ordinal(value).capitalize()}"

    def _ordinal_ending(self, place: Place, noun: str) -> str:
        """The key of `ordinal_rulesets` for an ordinal before `noun`."""
        words = [word.lower() for word in place.words_before[-2:]]
        before = place.word_before.lower()
        gender = _gender_of(noun.lower())
        if before in _OBLIQUE:
            return "n"
        if before == "der" and len(words) == 2 and words[0] in _PREPOSITIONS:
            return "n"
        if before in _NOMINATIVE:
            return ""
        if before in ("und", "bis", "oder", "sowie"):
            earlier = [word.lower() for word in place.words_before[-5:]]
            return "n" if any(word in _OBLIQUE for word in earlier) else ""
        if place.before.rstrip().endswith(",") and any(word.lower() in ("am", "vom", "zum", "im") for word in place.words_before[-3:]):
            return "n"  # "am Montag, 5. Mai"
        if before in _PREPOSITIONS:
            return "r" if gender == "f" else "m"
        if before in _ACCUSATIVE_PREPOSITIONS:
            return "n" if gender == "m" else "s" if gender == "n" else ""
        return "s" if gender == "n" else "" if gender == "f" else "r" if noun else ""


def _gender_of(noun: str) -> str:
    if noun in german_words.MASCULINE or _is_month(noun):
        return "m"
    if noun in german_words.NEUTER:
        return "n"
    if noun in german_words.FEMININE or noun.endswith(german_words.FEMININE_ENDINGS):
        return "f"
    return "n" if noun.endswith(("chen", "lein", "um", "ment")) else "m"


def _is_month(word: str) -> bool:
    return word.lower() in _MONTH_WORDS


_MONTH_WORDS = frozenset({*(month.lower() for month in _MONTHS), *(name.rstrip(".") for name in german_words.MONTH_NAMES)})
_RULES = German()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a German text in words; see `registry.find_edits`."""
    weekdays = list(find_weekdays(text, german_words.SENTENCE_STARTS))
    return merge_edits(text, weekdays, lambda rest: scanner.find_edits(rest, _RULES))
