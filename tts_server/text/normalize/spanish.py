"""Spanish."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import scanner, spanish_words
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule


class Spanish(LanguageRules):
    """Spanish as it is written in Spain and America."""

    code = "es"
    cardinal_rulesets = {"": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
    ordinal_rulesets = {
        "m": "spellout-ordinal-masculine",
        "f": "spellout-ordinal-feminine",
        "short": "spellout-ordinal-masculine-adjective",
        "mp": "spellout-ordinal-masculine-plural",
        "fp": "spellout-ordinal-feminine-plural",
    }
    decimal_word = "coma"
    point_word = "punto"
    has_grouped_decimals = True
    ordinal_suffixes = {
        **dict.fromkeys(("º", ".º", "°", ".°", "o", ".o", "ro", "do", "to", "mo", "vo"), "m"),
        **dict.fromkeys(("ª", ".ª", "a", ".a", "ra", "da", "ta", "ma", "va"), "f"),
        **dict.fromkeys(("er", ".er", "ᵉʳ", ".ᵉʳ"), "short"),
        **dict.fromkeys(("os", ".os"), "mp"),
        **dict.fromkeys(("as", ".as"), "fp"),
    }
    to_word = "a"
    score_word = "a"
    out_of_word = "de"
    half_words = ("medio", "y medio")
    half_adjectives = {"f": "media"}
    fraction_of = "de"
    fraction_words = spanish_words.FRACTION_WORDS
    and_fraction = " y "
    powers = {"²": "al cuadrado", "³": "al cubo", "n": "elevado a"}

    minus_word = "menos"
    plus_word = "más"
    signs = spanish_words.SIGNS
    operators = spanish_words.OPERATORS
    prefixes = spanish_words.PREFIXES

    units = spanish_words.UNITS
    per = spanish_words.PER
    currencies = spanish_words.CURRENCIES
    money_format = "{whole} con {cents}"
    magnitudes = spanish_words.MAGNITUDES
    of_word = "de"
    function_words = spanish_words.NO_NOUN

    months = ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre")
    month_names = spanish_words.MONTH_NAMES
    date_format = "{day} de {month} de {year}"
    time_format = "{hour} {minute}"
    hour_format = "{hour}"
    second_format = "{time} y {second} segundos"
    time_suffixes = "horas|hrs|hs|h"
    hour_mark = ":."
    hour_letter = "h"
    hour_gender = "f"
    time_words = frozenset({"las", "la"})
    short_date_words = frozenset({"el", "día", "del", "al", "desde"})

    abbreviations = spanish_words.ABBREVIATIONS
    final_abbreviations = spanish_words.FINAL_ABBREVIATIONS
    titles = spanish_words.TITLES
    numbered = spanish_words.NUMBERED
    roman_nouns = spanish_words.ROMAN_NOUNS
    phone_words = r"tel|tfno|fax|móvil|llam|sms|whatsapp|número|contacto|celular"
    dot_word = "punto"
    at_word = "arroba"
    slash_word = "barra"
    dash_word = "guion"
    underscore_word = "guion bajo"

    def __init__(self) -> None:
        self.special_rules = (
            product_rule(self, self.operators["×"]),
            (
                r"(?P<number>\d{1,3})[xX](?=[ ][^\W\d_]|[.,!?)]|\Z)",
                "cardinal",
                lambda found, place: self.cardinal(int(found["number"]), "f") + " veces",
            ),
        )

    def gender(self, number: Number, place: Place) -> str:
        """The gender of the following noun, by its ending; none in "página 21"."""
        if number.decimals or place.word_before.lower() in spanish_words.NUMBERED_NOUNS:
            return ""
        return noun_gender(place.word_after)

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """A degree sign makes an ordinal only of small numbers before a noun; "a" and "o" need a full stop, or are "5 a"."""
        found = super().ordinal_at(number, place)
        if not found:
            return None
        suffix = place.text[number.end : found[0]].lower()
        if "°" in suffix and not (number.value < 100 and re.match(r"[ ](?!C\b|F\b)[^\W\d_]{2}", place.text[found[0] : found[0] + 4])):
            return None
        said = found[1]
        if suffix in ("º", ".º", "°", ".°") and number.value in (1, 3) and re.match(r"[ ][^\W\d_]", place.text[found[0] : found[0] + 2]):
            following = Place(place.text, place.start, found[0]).word_after.lower()
            said = self.ordinal(number.value, "m" if following in spanish_words.NO_NOUN else "short")
        return found[0], said

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """ "catorce treinta"; "horas" after full hours but before "de la mañana"."""
        said = super().time(hour, minute, second, place)
        is_half_day = re.match(r"[ ]?[apAP]\.?[ ]?[mM]\b|[ ]de la", place.after)
        return said if minute or second is not None or is_half_day else f"{said} {'hora' if hour == 1 else 'horas'}"

    def monarch(self, value: int, place: Place) -> str:
        """Ordinals up to ten: "Felipe segundo", "Isabel segunda", "Alfonso trece"."""
        if value > 10:
            return self.cardinal(value)
        name = place.word_before.lower()
        return self.ordinal(value, "f" if name in ("isabel", "maría", "juana", "cristina", "beatriz") or name.endswith("a") else "m")


def noun_gender(word: str) -> str:
    """The gender of a noun in lower case, by its ending; empty where the word is none."""
    noun = word.lower()
    if not noun or noun in spanish_words.NO_NOUN or word[0].isupper():
        return ""
    if noun in spanish_words.MASCULINE_IN_A or noun.endswith(("istas", "emas", "amas")):
        return "m"
    return "f" if noun in spanish_words.FEMININE or noun.endswith(spanish_words.FEMININE_ENDINGS) else "m"


_RULES = Spanish()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a Spanish text in words; see `registry.find_edits`."""
    return scanner.find_edits(text, _RULES)
