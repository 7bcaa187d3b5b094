"""Portuguese."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import portuguese_words, scanner
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule


class Portuguese(LanguageRules):
    """Portuguese as it is written in Brazil and Portugal."""

    code = "pt"
    cardinal_rulesets = {"": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
    ordinal_rulesets = {"m": "spellout-ordinal-masculine", "f": "spellout-ordinal-feminine"}
    decimal_word = "vírgula"
    point_word = "ponto"
    has_grouped_decimals = True
    ordinal_suffixes = {**dict.fromkeys(("º", ".º", "°", "o", ".o"), "m"), **dict.fromkeys(("ª", ".ª", "a", ".a"), "f")}
    to_word = "a"
    score_word = "a"
    out_of_word = "de"
    half_words = ("meio", "e meio")
    half_adjectives = {"f": "meia"}
    fraction_of = "de"
    fraction_words = portuguese_words.FRACTION_WORDS
    and_fraction = " e "
    powers = {"²": "ao quadrado", "³": "ao cubo", "n": "elevado a"}

    minus_word = "menos"
    plus_word = "mais"
    signs = portuguese_words.SIGNS
    operators = portuguese_words.OPERATORS
    prefixes = portuguese_words.PREFIXES

    units = portuguese_words.UNITS
    per = portuguese_words.PER
    currencies = portuguese_words.CURRENCIES
    money_format = "{whole} e {cents}"
    names_cents = True
    magnitudes = portuguese_words.MAGNITUDES
    of_word = "de"
    function_words = portuguese_words.NO_NOUN

    months = ("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro")
    month_names = portuguese_words.MONTH_NAMES
    date_format = "{day} de {month} de {year}"
    time_format = "{hour} e {minute}"
    hour_format = "{hour}"
    second_format = "{time} e {second} segundos"
    time_suffixes = "horas|hs|h"
    hour_letter = "h"
    hour_gender = "f"
    short_date_words = frozenset({"em", "dia", "até"})

    abbreviations = portuguese_words.ABBREVIATIONS
    final_abbreviations = portuguese_words.FINAL_ABBREVIATIONS
    titles = portuguese_words.TITLES
    numbered = portuguese_words.NUMBERED
    roman_nouns = portuguese_words.ROMAN_NOUNS
    phone_words = r"tel|fax|cel|telem|lig|sms|whatsapp|número|contato|contacto|zap"
    dot_word = "ponto"
    at_word = "arroba"
    slash_word = "barra"
    dash_word = "hífen"
    underscore_word = "sublinhado"

    def __init__(self) -> None:
        self.special_rules = (
            product_rule(self, self.operators["×"]),
            (
                r"(?P<number>\d{1,3})[xX](?=[ ][^\W\d_]|[.,!?)]|\Z)",
                "cardinal",
                lambda found, place: self.cardinal(int(found["number"]), "f") + " vezes",
            ),
        )

    def gender(self, number: Number, place: Place) -> str:
        """The gender of the following noun, by its ending; none in "página 2"."""
        noun = place.word_after.lower()
        is_numbered = place.word_before.lower() in portuguese_words.NUMBERED_NOUNS
        if number.decimals or is_numbered or noun in portuguese_words.NO_NOUN or not noun or place.word_after[0].isupper():
            return ""
        if noun in portuguese_words.MASCULINE_IN_A or noun.endswith(("istas", "emas")):
            return "m"
        return "f" if noun in portuguese_words.FEMININE or noun.endswith(portuguese_words.FEMININE_ENDINGS) else "m"

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """A degree sign makes an ordinal of small numbers before a noun."""
        found = super().ordinal_at(number, place)
        suffix = place.text[number.end : found[0]].lower() if found else ""
        if (
            found
            and "°" in suffix
            and not (number.value < 100 and re.match(r"[ ](?!C\b|F\b)[^\W\d_]{2}", place.text[found[0] : found[0] + 4]))
        ):
            return None
        return found

    def day(self, number: int, place: Place) -> str:
        """The first is an ordinal."""
        return "primeiro" if number == 1 else self.cardinal(number)

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """ "catorze e trinta"; "horas" after full hours."""
        said = super().time(hour, minute, second, place)
        return said if minute or second is not None else f"{said} {'hora' if hour == 1 else 'horas'}"

    def plural_index(self, number: Number) -> int:
        """The singular goes up to 1,99."""
        return 0 if number.digits == "1" else 1

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """Ordinals for centuries up to ten: "século quinto", "século dezenove"."""
        is_century = self.noun_before(place) in ("século", "séc") and not suffix
        return self.ordinal(value, "m") if is_century and value <= 10 else super().roman(value, suffix, place)

    def monarch(self, value: int, place: Place) -> str:
        """Ordinals up to ten: "Pedro segundo", "Bento dezesseis"."""
        if value > 10:
            return self.cardinal(value)
        name = place.word_before.lower()
        return self.ordinal(value, "f" if name.endswith("a") or name == "isabel" else "m")


_RULES = Portuguese()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a Portuguese text in words; see `registry.find_edits`."""
    return scanner.find_edits(text, _RULES)
