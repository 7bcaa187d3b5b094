"""Italian."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import italian_words, scanner
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule


class Italian(LanguageRules):
    """Italian as it is written in Italy and Switzerland."""

    code = "it"
    ordinal_rulesets = {
        "m": "spellout-ordinal-masculine",
        "f": "spellout-ordinal-feminine",
        "mp": "spellout-ordinal-masculine-plural",
        "fp": "spellout-ordinal-feminine-plural",
    }
    decimal_word = "virgola"
    point_word = "punto"
    has_grouped_decimals = True
    ordinal_suffixes = {
        **dict.fromkeys(("º", "°", ".º", "o", "mo", "esimo"), "m"),
        **dict.fromkeys(("ª", ".ª", "a", "ma", "esima"), "f"),
        "i": "mp",
        "e": "fp",
    }
    to_word = "a"
    score_word = "a"
    out_of_word = "su"
    half_words = ("mezzo", "e mezzo")
    half_adjectives = {"f": "mezza"}
    fraction_of = "di"
    fraction_words = italian_words.FRACTION_WORDS
    and_fraction = " e "
    powers = {"²": "al quadrato", "³": "al cubo", "n": "alla"}

    minus_word = "meno"
    plus_word = "più"
    signs = italian_words.SIGNS
    operators = italian_words.OPERATORS
    prefixes = italian_words.PREFIXES

    units = italian_words.UNITS
    per = italian_words.PER
    currencies = italian_words.CURRENCIES
    money_format = "{whole} e {cents}"
    magnitudes = italian_words.MAGNITUDES
    of_word = "di"
    function_words = italian_words.NO_NOUN

    months = (
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    )
    month_names = italian_words.MONTH_NAMES
    time_format = "{hour} e {minute}"
    hour_format = "{hour}"
    second_format = "{time} e {second} secondi"
    time_suffixes = "(?!)"
    hour_mark = ":."
    hour_letter = "h"
    hour_gender = "f"
    time_words = frozenset({"ore", "alle", "dalle", "le", "all", "dall", "delle", "fino"})
    short_date_words = frozenset({"il", "del", "dal", "al", "entro"})

    abbreviations = italian_words.ABBREVIATIONS
    final_abbreviations = italian_words.FINAL_ABBREVIATIONS
    titles = italian_words.TITLES
    numbered = italian_words.NUMBERED
    roman_nouns = italian_words.ROMAN_NOUNS
    phone_words = r"tel|fax|cell|chiam|sms|whatsapp|numero|contatt|cap\b"
    dot_word = "punto"
    at_word = "chiocciola"
    slash_word = "barra"
    dash_word = "trattino"
    underscore_word = "trattino basso"

    def __init__(self) -> None:
        self.special_rules = (
            product_rule(self, self.operators["×"]),
            (
                r"(?P<number>\d{1,3})[xX](?=[ ][^\W\d_]|[.,!?)]|\Z)",
                "cardinal",
                lambda found, place: self.cardinal(int(found["number"]), "f") + " volte",
            ),
            (r"(?P<first>\d{1,3})-(?P<second>\d{1,3})(?P<end>mila|enne|enni)(?!\w)", "range", self._say_joined_range),
            (
                r"(?P<number>\d{1,3})(?P<end>mila|enne|enni)(?!\w)",
                "cardinal",
                lambda found, place: self.cardinal(int(found["number"])) + found["end"],
            ),
        )

    def _say_joined_range(self, found: re.Match[str], place: Place) -> str:
        end = found["end"]
        return f"{self.cardinal(int(found['first']))}{end} {self.to_word} {self.cardinal(int(found['second']))}{end}"

    def cardinal(self, number: int, gender: str = "") -> str:
        """Only one has genders."""
        if number == 1 and gender:
            return "una" if gender == "f" else "un"
        return super().cardinal(number)

    def gender(self, number: Number, place: Place) -> str:
        """The gender of the noun after a 1, by its ending."""
        noun = place.word_after.lower()
        if (
            number.digits != "1"
            or number.decimals
            or not noun
            or noun in italian_words.NO_NOUN
            or place.word_before.lower() in italian_words.NUMBERED_NOUNS
        ):
            return ""
        if noun in italian_words.MASCULINE_IN_A:
            return "m"
        return "f" if noun in italian_words.FEMININE or noun.endswith(italian_words.FEMININE_ENDINGS) else "m"

    def count(self, number: Number, noun: Noun, place: Place) -> str:
        """ "un'ora"."""
        said = super().count(number, noun, place)
        return "un'" + said[4:] if said.startswith("una ") and said[4] in "aeiou" else said

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """A degree sign makes an ordinal of small numbers before a noun; a letter must touch the digits."""
        found = super().ordinal_at(number, place)
        if not found:
            return None
        suffix = place.text[number.end : found[0]].lower()
        if "°" in suffix and not (number.value < 100 and re.match(r"[ ](?!C\b|F\b)[^\W\d_]{3}", place.text[found[0] : found[0] + 5])):
            return None
        return None if suffix == "a" and number.value > 99 else found

    def day(self, number: int, place: Place) -> str:
        """The first is an ordinal."""
        return "primo" if number == 1 else self.cardinal(number)

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """Centuries are ordinals: "XIX secolo", "secolo XIX"."""
        is_century = re.match(r"[ \u00a0]?(?:secolo|sec\.)", place.after) or place.word_before.lower() in ("secolo", "sec")
        if is_century and not suffix:
            return self.ordinal(value, "m")
        following = place.word_after
        if not suffix and following in ("edizione", "legislatura", "guerra", "dinastia", "commissione", "elementare", "media"):
            return self.ordinal(value, "f")
        if not suffix and following in (
            "congresso",
            "canto",
            "capitolo",
            "municipio",
            "premio",
            "concorso",
            "piano",
            "grado",
            "centenario",
            "Reich",
        ):
            return self.ordinal(value, "m")
        return super().roman(value, suffix, place)

    def monarch(self, value: int, place: Place) -> str:
        """ "Luigi quattordicesimo", "Elisabetta seconda"."""
        name = place.word_before.lower()
        return self.ordinal(value, "f" if name.endswith("a") and name not in ("andrea", "nicola", "luca") else "m")


_RULES = Italian()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write an Italian text in words; see `registry.find_edits`."""
    return scanner.find_edits(text, _RULES)
