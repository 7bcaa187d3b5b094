"""French."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import french_words, scanner
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule


class French(LanguageRules):
    """French as it is written in France, Belgium, Switzerland and Canada."""

    code = "fr"
    cardinal_rulesets = {"": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
    ordinal_rulesets = {
        "m": "spellout-ordinal-masculine",
        "f": "spellout-ordinal-feminine",
        "mp": "spellout-ordinal-masculine-plural",
        "fp": "spellout-ordinal-feminine-plural",
    }
    decimal_word = "virgule"
    point_word = "point"
    has_grouped_decimals = True
    ordinal_suffixes = {
        "er": "m",
        "ers": "mp",
        "re": "f",
        "ère": "f",
        "ere": "f",
        "res": "fp",
        "e": "m",
        "ème": "m",
        "eme": "m",
        "ième": "m",
        "es": "mp",
        "èmes": "mp",
        "èm": "m",
    }
    roman_suffixes = frozenset({"e", "er", "re", "ère", "ème", "ième", "eme", "ᵉ"})
    to_word = "à"
    score_word = "à"
    out_of_word = "sur"
    half_words = ("un demi", "et demi")
    half_adjectives = {"f": "une demi"}
    fraction_of = "de"
    fraction_words = french_words.FRACTION_WORDS
    and_fraction = " et "
    powers = {"²": "au carré", "³": "au cube", "n": "puissance"}

    minus_word = "moins"
    plus_word = "plus"
    signs = french_words.SIGNS
    operators = french_words.OPERATORS
    prefixes = french_words.PREFIXES

    units = french_words.UNITS
    per = french_words.PER
    currencies = french_words.CURRENCIES
    magnitudes = french_words.MAGNITUDES
    of_word = "de"
    function_words = french_words.FUNCTION_WORDS

    months = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre")
    month_names = french_words.MONTH_NAMES
    hour_letter = "[hH]"
    hour_gender = "f"
    minute_gender = "f"
    short_date_words = frozenset({"le", "du", "au", "depuis"})

    abbreviations = french_words.ABBREVIATIONS
    final_abbreviations = french_words.FINAL_ABBREVIATIONS
    titles = french_words.TITLES
    numbered = french_words.NUMBERED
    roman_nouns = french_words.ROMAN_NOUNS
    phone_words = r"tél|tel|fax|phone|portable|mobile|appel|sms|whatsapp|numéro|joindre"
    dot_word = "point"
    at_word = "arobase"
    slash_word = "barre oblique"
    dash_word = "tiret"
    underscore_word = "tiret bas"

    def __init__(self) -> None:
        self.special_rules = (
            product_rule(self, self.operators["×"]),
            (r"2nd(?P<end>e?)(?P<plural>s?)(?!\w)", "ordinal", lambda found, place: "second" + found["end"] + found["plural"]),
            (
                r"(?P<number>\d{1,3})[xX](?=[ ][^\W\d_]|[.,!?)]|\Z)",
                "cardinal",
                lambda found, place: self.cardinal(int(found["number"]), "f") + " fois",
            ),
            (
                r"1(?:er)?(?=[ ]?(?:au|-|–)[ ]?\d{1,2}[ ](?:janv|févr|mars|avril|mai|juin|juil|août|sept|oct|nov|déc))",
                "date",
                lambda found, place: "premier",
            ),
        )

    def plural_index(self, number: Number) -> int:
        """The singular goes up to 1,99."""
        return 0 if number.digits in ("0", "1") else 1

    def gender(self, number: Number, place: Place) -> str:
        """Only numbers in "un" have genders, and not after the noun they number: "page 21"."""
        if not number.digits.endswith("1") or number.digits.endswith("11") or number.decimals:
            return ""
        for word in place.words_after[:2] if place.word_after else []:
            noun = word.lower()
            singular = noun.rstrip("sx")
            if noun in french_words.MASCULINE:
                return "m"
            if noun in french_words.FEMININE or singular in french_words.FEMININE or noun.endswith(french_words.FEMININE_ENDINGS):
                return "f"
            if word not in ("nouvelles", "autres", "petites", "grandes", "belles", "bonnes", "jeunes", "premières", "dernières"):
                break
        return "m"

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """Only 1 has the endings "er" and "re"."""
        found = super().ordinal_at(number, place)
        suffix = place.text[number.end : found[0]].lower() if found else ""
        if suffix in ("er", "ers", "re", "ère", "ere", "res") and number.value != 1:
            return None
        return found

    def day(self, number: int, place: Place) -> str:
        """The first is an ordinal."""
        return "premier" if number == 1 else self.cardinal(number)

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """ "quatorze heures trente"."""
        said = [self.cardinal(hour, "f"), "heure" if hour < 2 else "heures"]
        if minute or second is not None:
            said.append(self.cardinal(minute, "f"))
        if second is not None:
            said += ["minutes et" if minute > 1 else "minute et", self.cardinal(second, "f"), "secondes" if second > 1 else "seconde"]
        return " ".join(said)

    def magnitude_of(self, amount: str, noun: Noun) -> str:
        """ "cinq millions d'euros"; nothing stands between "mille" and a noun."""
        return f"{amount} {noun.forms[-1]}" if amount.endswith("mille") else super().magnitude_of(amount, noun)

    def of(self, noun: str) -> str:
        """Shortened before vowels."""
        return "d'" if noun[0] in "aeiouyhéèêâîôœ" else "de"

    def mixed(self, number: Number, numerator: int, denominator: int) -> str:
        """ "deux et demi", "un et quart"."""
        if (numerator, denominator) in ((1, 4), (1, 3)):
            return f"{self.quantity(number)} et {'un quart' if denominator == 4 else 'un tiers'}"
        return super().mixed(number, numerator, denominator)

    def monarch(self, value: int, place: Place) -> str:
        """Only the first is an ordinal: "François premier", "Élisabeth première"."""
        if value != 1:
            return self.cardinal(value)
        return "première" if place.word_before.lower() in ("élisabeth", "elisabeth", "marie", "catherine", "anne") else "premier"

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """The Roman numeral of a century may lack its ending."""
        if not suffix and re.match(r"[ \u00a0]s(?:iècle|\.)", place.after):
            return self.ordinal(value, "m")
        return super().roman(value, suffix, place)


_RULES = French()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a French text in words; see `registry.find_edits`."""
    return scanner.find_edits(text, _RULES)
