"""Turkish: suffixes after an apostrophe join the number's word, a full stop makes an ordinal."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize import scanner, turkish_words
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule
from tts_server.text.normalize.turkish_numbers import MAX_DIGITS, turkish_digits, turkish_number, turkish_ordinal, with_suffix

_LETTER = "[a-zçğıöşüâîû]"
_WORD_FOLLOWS = re.compile(rf"[ ]?({_LETTER}{{2,}})|[ ]([A-ZÇĞİÖŞÜ]\w+)")
_SUFFIX = re.compile(rf"['’]({_LETTER}{{1,16}})(?!\w)")
_HOURS_BEFORE = re.compile(r"(?:[Ss]aat(?:ler|leri)?|[Ss]aat[ ]\d{1,2}[.:]\d{2}[ ]?[-–])[ ]?\Z")

_TIMES = r"(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)[ ]?[–-][ ]?(?P<last_hour>\d{1,2})\.(?P<last_minute>[0-5]\d)(?![\d]|[.,]\d)"


class Turkish(LanguageRules):
    """Turkish."""

    code = "tr"
    decimal_word = "virgül"
    point_word = "nokta"
    has_grouped_decimals = True
    to_word = "ila"
    out_of_word = "bölü"
    half_words = ("yarım", "buçuk")
    powers = {"²": "kare", "³": "küp", "n": "üzeri"}
    minus_word = "eksi"
    plus_word = "artı"
    signs = turkish_words.SIGNS
    operators = turkish_words.OPERATORS
    prefixes = turkish_words.PREFIXES
    units = turkish_words.UNITS
    per = turkish_words.PER
    currencies = turkish_words.CURRENCIES
    names_cents = True
    magnitudes = turkish_words.MAGNITUDES
    months = turkish_words.MONTHS
    hour_mark = ":"
    abbreviations = turkish_words.ABBREVIATIONS
    final_abbreviations = turkish_words.FINAL_ABBREVIATIONS
    numbered = turkish_words.NUMBERED
    roman_nouns = turkish_words.ROMAN_NOUNS
    phone_words = r"tel|faks|fax|cep|gsm|whatsapp|ara|sms"
    dot_word = "nokta"
    at_word = "et"
    slash_word = "bölü"
    dash_word = "tire"
    underscore_word = "alt çizgi"

    def __init__(self) -> None:
        self.special_rules = (
            (_TIMES, "time", self._say_times),
            (r"(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)(?![\d.,]?\d)", "time", self._say_time),
            (r"(?P<number>\d{1,9}(?:,\d{1,3})?)[ ]?(?P<unit>km|m)/(?P<per>sa|h|s|sn|saat|saniye)(?!\w)", "unit", self._say_speed),
            (r"(?P<number>\d{1,9}(?:[.,]\d{1,3})?)[ ]?(?P<sign>[%‰])", "unit", self._say_percent),
            (r"(?P<first>\d{1,4}):(?P<second>\d)(?![\d:])", "score", self._say_score),
            product_rule(self, "çarpı"),
        )

    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; of more digits than have a name, digit by digit."""
        return turkish_number(number) if number < 10**MAX_DIGITS else turkish_digits(str(number))

    def ordinal(self, number: int, gender: str = "") -> str:
        """An ordinal in words."""
        return turkish_ordinal(self.cardinal(number))

    def year(self, number: int) -> str:
        """Years are read as numbers."""
        return self.cardinal(number)

    def fraction(self, numerator: int, denominator: int) -> str | None:
        """ "dörtte üç": in the fourth, three."""
        if (numerator, denominator) == (1, 2):
            return self.half_words[0]
        if not 1 < denominator <= 1000:
            return None
        return self.joined(with_suffix(self.cardinal(denominator), "de"), self.cardinal(numerator))

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """Hours and minutes; minutes below ten with a zero."""
        said = self.cardinal(hour)
        if minute or second is not None:
            said = self.joined(said, self.spell_digits(f"{minute:02}") if minute < 10 else self.cardinal(minute))
        return said if second is None else self.joined(said, self.cardinal(second))

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """A number with a full stop is an ordinal where the sentence continues."""
        text, end = place.text, number.end
        if number.decimals or number.is_grouped or len(number.digits) > 3 or text[end : end + 1] != ".":
            return None
        following = _WORD_FOLLOWS.match(text, end + 1)
        if following is None or (following[2] and _lower(following[2]) not in turkish_words.RANKED):
            return None
        space = "" if text[end + 1 : end + 2] == " " else " "
        return end + 1, self.ordinal(number.value) + space

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """ "XX. yüzyıl" is the twentieth, "Bölüm IV" is four."""
        if suffix != ".":
            return super().roman(value, suffix, place)
        following = _WORD_FOLLOWS.match(place.text, place.end)
        if following is None or value >= 50 or (following[2] and _lower(following[2]) not in turkish_words.RANKED):
            return None
        return self.ordinal(value)

    def monarch(self, value: int, place: Place) -> str:
        """A numeral after a name is a cardinal."""
        return self.cardinal(value)

    def _say_time(self, found: re.Match[str], place: Place) -> str | None:
        hour, minute = int(found["hour"]), int(found["minute"])
        is_suffixed = place.text[place.end : place.end + 1] in ("'", "’")
        is_clear = found["hour"][0] == "0" and len(found["hour"]) == 2
        if hour > 24 or not (is_clear or is_suffixed or _HOURS_BEFORE.search(place.before)):
            return None
        return self.time(hour, minute, None, place)

    def _say_speed(self, found: re.Match[str], place: Place) -> str:
        unit = self.units[found["unit"]].forms[0]
        per = "saatte" if found["per"] in ("sa", "h", "saat") else "saniyede"
        return self.joined(per, self._number(found["number"]), unit)

    def _say_percent(self, found: re.Match[str], place: Place) -> str:
        return self.joined(self.prefixes[found["sign"]], self._number(found["number"]))

    def _say_times(self, found: re.Match[str], place: Place) -> str | None:
        """Opening hours with a full stop between hours and minutes."""
        hours = int(found["hour"]), int(found["last_hour"])
        if max(hours) > 24:
            return None
        minutes = int(found["minute"]), int(found["last_minute"])
        return f" {self.to_word} ".join(self.time(hour, minute, None, place) for hour, minute in zip(hours, minutes, strict=True))

    def _say_score(self, found: re.Match[str], place: Place) -> str:
        return self.joined(self.cardinal(int(found["first"])), self.cardinal(int(found["second"])))

    def _number(self, written: str) -> str:
        digits, mark, decimals = re.match(r"(\d+)([.,]?)(\d*)", written).groups()  # type: ignore[union-attr]
        return self.quantity(Number(0, len(written), digits, decimals, mark))


def _lower(word: str) -> str:
    return word.replace("İ", "i").replace("I", "ı").lower()


_RULES = Turkish()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a Turkish text in words; see `registry.find_edits`."""
    return [_with_suffix(text, edit) for edit in scanner.find_edits(text, _RULES)]


def _with_suffix(text: str, edit: Edit) -> Edit:
    """An edit with the suffix that follows it after an apostrophe."""
    found = _SUFFIX.match(text, edit.end)
    if found is None or edit.rule in ("email", "url"):
        return edit
    suffix = found[1]
    if edit.rule == "fraction" and len(suffix) == 1:
        suffix = "s" + suffix if edit.text[-1] in "aıoueiöü" else suffix  # "üçte ikisi", a possessive
    return Edit(edit.start, found.end(), with_suffix(edit.text, suffix), edit.rule)
