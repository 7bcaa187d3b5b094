"""Polish: numbers in the gender and case that the words around ask for, ordinal years, days and hours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tts_server.text.edits import Edit
from tts_server.text.normalize import polish_forms, polish_words, scanner
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import Number, roman_value
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.polish_numbers import joined_number, polish_ordinal
from tts_server.text.normalize.products import product_rule
from tts_server.text.normalize.stops import absorb_words, ends_sentence, is_last, merge_edits, with_kept_stops

_MONTH = "|".join(polish_words.MONTHS)
_YEAR = r"(?:[ ]?(?P<word>roku|rokiem|rokowi|rok|r\.))"
_MEASURE = "|".join(re.escape(name) for name in sorted({*polish_words.UNITS, *polish_words.CURRENCIES}, key=len, reverse=True))
_CENTURY = re.compile(
    r"(?<![\w.])(?P<first>[IVX]{1,6})(?:[ ]?[–—-][ ]?(?P<second>[IVX]{1,6}))?[ ]"
    r"(?P<word>wiek(?:u|iem|owi|i|ów|ach)?(?!\w)|w\.(?![ ]?[a-z]{0,3}\.))"
)
_DECADES_BEFORE = re.compile(r"(?<!\w)(lata|lat|latach|latami)[ ](?:\d0\.,?[ ](?:(?:i|oraz|lub)[ ])?){0,3}\Z")
_ADDRESS_BEFORE = re.compile(r"(?<!\w)(?:ul|al|os|pl)\.[ ][^,;.]{1,30}[ ]\Z")
_RANGE_FOLLOWS = re.compile(r"[ ]?[–—-][ ]?\d")
_TIMES = r"(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)[ ]?[–-][ ]?(?P<last_hour>\d{1,2})\.(?P<last_minute>[0-5]\d)(?![\d]|[.,]\d)"
_YEAR_WORD = re.compile(r"[ ]?(?:r\.|roku(?!\w))")
_HOUR_FORMS = {"o": "f-gen", "od": "f-gen", "do": "f-gen", "po": "f-gen", "około": "f-gen", "godzinie": "f-gen", "godziny": "f-gen"}
_MASCULINE = "spellout-cardinal-masculine"


class Polish(LanguageRules):
    """Polish."""

    code = "pl"
    cardinal_rulesets = {
        "": _MASCULINE,
        "m": _MASCULINE,
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
        "vir": f"{_MASCULINE}-personal",
        "gen": f"{_MASCULINE}-genitive",
        "dat": f"{_MASCULINE}-dative",
        "ins": f"{_MASCULINE}-instrumental",
        "loc": f"{_MASCULINE}-locative",
        "f-gen": "spellout-cardinal-feminine-genitive",
        "f-ins": "spellout-cardinal-feminine-instrumental",
        "f-acc": "spellout-cardinal-feminine-accusative",
    }
    decimal_word = "przecinek"
    point_word = "kropka"
    has_grouped_decimals = True
    to_word = "do"
    out_of_word = "z"
    powers = {"²": "do kwadratu", "³": "do sześcianu", "n": "do potęgi"}
    minus_word = "minus"
    plus_word = "plus"
    signs = polish_words.SIGNS
    operators = polish_words.OPERATORS
    prefixes = polish_words.PREFIXES
    units = polish_words.UNITS
    per = polish_words.PER
    currencies = polish_words.CURRENCIES
    names_cents = True
    magnitudes = polish_words.MAGNITUDES
    months = polish_words.MONTHS
    abbreviations = polish_words.ABBREVIATIONS
    final_abbreviations = polish_words.FINAL_ABBREVIATIONS
    titles = polish_words.TITLES
    numbered = polish_words.NUMBERED
    roman_nouns = polish_words.ROMAN_NOUNS
    phone_words = r"tel|faks|fax|kom|dzwoń|zadzwoń|whatsapp|sms|infolini"
    dot_word = "kropka"
    at_word = "małpa"
    slash_word = "ukośnik"
    dash_word = "myślnik"
    underscore_word = "podkreślenie"

    def __init__(self) -> None:
        self.special_rules = (
            (
                rf"(?P<first>\d{{1,2}})(?:[ ]?[–—-][ ]?(?P<day>\d{{1,2}}))?[ ](?P<month>{_MONTH})(?!\w)(?:[ ](?P<year>\d{{4}}){_YEAR}?)?",
                "date",
                self._say_date,
            ),
            (
                rf"(?P<day>\d{{1,2}})(?=[ ]do[ ]\d{{1,2}}[ ](?:{_MONTH})(?!\w))",
                "date",
                lambda found, _: polish_ordinal(int(found["day"]), "gen"),
            ),
            (r"(?P<first>\d{1,4})(?:/|[ ]m\.[ ]?)(?P<second>\d{1,4})(?![\d/])", "cardinal", self._say_house),
            (r"(?P<first>\d{4})[ ]?[–—-][ ]?(?P<second>\d{4})(?![\d-])", "year", self._say_years),
            (rf"(?P<year>\d{{1,4}}){_YEAR}(?!\w)", "year", self._say_year),
            (r"(?P<number>[1-9]0)\.(?=[ ]?(?:[^\w]|\Z|[a-z]{2}))", "decade", self._say_decade),
            (r"(?P<number>\d{1,4})-(?P<word>[a-ząćęłńóśźż]{3,40})(?!\w)", "cardinal", self._say_compound),
            (r"(?P<number>\d{1,4})-(?P<ending>go|ego|mu|emu|ej|ga|gi|ty|ta|te|szy|sza|ci|cia|ym|tym)(?!\w)", "ordinal", self._say_ending),
            (r"(?P<first>\d{1,4}):(?P<second>\d)(?![\d:])", "score", self._say_score),
            (_TIMES, "time", self._say_times),
            (r"(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)(?![\d]|[.,:]\d)", "time", self._say_time),
            product_rule(self, "na"),
            (
                rf"(?P<first>\d{{1,9}})[ ]?[–—-][ ]?(?P<second>\d{{1,9}})(?:[ ]?(?P<measure>{_MEASURE}))?(?![:,.-]?\d|\w)",
                "range",
                self._say_range,
            ),
        )

    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; the key is one of `cardinal_rulesets`."""
        said = super().cardinal(number, gender)
        if gender == "vir":
            # With a noun in the genitive: "dwóch panów", not "dwaj panowie".
            for nominative, genitive in (("dwaj", "dwóch"), ("trzej", "trzech"), ("czterej", "czterech")):
                if said.endswith(nominative):
                    return said.removesuffix(nominative) + genitive
        return said

    def ordinal(self, number: int, gender: str = "") -> str:
        """An ordinal in words, by a form of `polish_ordinal`."""
        return polish_ordinal(number, gender or "m") if number < 10**6 else self.cardinal(number)

    def year(self, number: int) -> str:
        """A year in the genitive, as it stands after a month."""
        return polish_ordinal(number, "gen")

    def plural_index(self, number: Number) -> int:
        """One, two to four, more, and decimals."""
        value = int(number.digits[-15:])
        if number.decimals:
            return 3
        if value == 1:
            return 0
        return 1 if value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14) else 2

    def gender(self, number: Number, place: Place) -> str:
        """The gender and case of a bare number, by the words around."""
        return polish_forms.number_key(int(number.digits[-15:]), place)

    def bare(self, number: Number, place: Place) -> str:
        """A number that nothing explains: a year, or the number of the following noun."""
        if not number.decimals and not number.is_grouped and number.digits[0] != "0":
            if len(number.digits) == 4 and number.value <= 2100 and (form := polish_forms.year_form(place)):
                return polish_ordinal(number.value, form)
            if len(number.digits) <= 2 and number.value in polish_words.COLLECTIVES and polish_forms.is_collective(place):
                return polish_words.COLLECTIVES[number.value]
        return super().bare(number, place)

    def count(self, number: Number, noun: Noun, place: Place) -> str:
        """A number and what it counts, in the genitive after a preposition that asks for it."""
        if polish_forms.is_genitive(place) and not number.decimals:
            return self._genitive(number, noun)
        return super().count(number, noun, place)

    def magnitude_of(self, amount: str, noun: Noun) -> str:
        """A currency after a magnitude is in the genitive plural: "trzy miliony złotych"."""
        return self.joined(amount, noun.forms[min(2, len(noun.forms) - 1)])

    def fraction(self, numerator: int, denominator: int) -> str | None:
        """Fractions are feminine ordinals: "trzy czwarte", "pięć ósmych"."""
        if (numerator, denominator) == (1, 2):
            return "pół"
        if not 1 < denominator <= 1000:
            return None
        few = numerator % 10 in (2, 3, 4) and numerator % 100 not in (12, 13, 14)
        form = "f" if numerator == 1 else "n" if few else "pl-gen"
        return self.joined(self.cardinal(numerator, "f"), polish_ordinal(denominator, form))

    def mixed(self, number: Number, numerator: int, denominator: int) -> str:
        """ "dwa i pół", "dwa i trzy czwarte"."""
        return f"{self.quantity(number)} i {self.fraction(numerator, denominator) or ''}"

    def date(self, day: int, month: int, year: int | None, place: Place) -> str:
        """A date that was written in digits."""
        before = place.before.rstrip()
        is_alone = not place.word_before and not place.word_after
        is_named = is_alone or before.endswith(":") or place.word_before.lower() == "data"
        said = f"{polish_ordinal(day, 'm' if is_named else self._day_form(place))} {self.months[month - 1]}"
        return said if year is None else f"{said} {self.year(year)}"

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """The hour is a feminine ordinal, the minutes a number: "czternasta trzydzieści"."""
        before = place.word_before.lower()
        words = [word.lower() for word in place.words_before[-1:]]
        form = _HOUR_FORMS.get(before) or ("f-acc" if before in ("na", "przed", "godzinę") else "f")
        if place.before.rstrip(" ").endswith("godz.") or words == ["godz"]:
            form = "f-gen" if place.before.rstrip(" ").removesuffix("godz.").rstrip().endswith((" o", "O", " od", " do", " po")) else "f"
        if place.before.rstrip(" ").endswith(("-", "–", "—")):
            form = "f-gen"  # the end of a range
        is_first = bool(_RANGE_FOLLOWS.match(place.after))
        if is_first:
            form = "f-gen"
        said = ["od" if is_first and before not in ("od", "między", "godzinach") else "", polish_ordinal(hour, form) if hour else "zero"]
        if minute or second is not None:
            said.append(self.spell_digits(f"{minute:02}") if minute < 10 else self.cardinal(minute))
        return self.joined(*said, *([] if second is None else [self.cardinal(second)]))

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """A number with a full stop is an ordinal where a word in small letters follows."""
        text, end = place.text, number.end
        if number.decimals or number.is_grouped or len(number.digits) > 3 or text[end : end + 1] != ".":
            return None
        after = Place(text, place.start, end + 1)
        if not after.after.startswith(" ") or not after.word_after[:1].islower():
            return None
        return end + 1, polish_ordinal(number.value, polish_forms.ordinal_form(after))

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """ "II wojna światowa" is the second, "rozdział IV" is four."""
        if place.word_before.lower() in self.roman_nouns:
            return self.cardinal(value)
        if suffix in ("", ".") and place.after.startswith(" ") and place.word_after[:1].islower() and value < 100:
            return polish_ordinal(value, polish_forms.ordinal_form(place))
        return None

    def monarch(self, value: int, place: Place) -> str:
        """ "Jan Drugi", in the case of the name."""
        name = place.word_before.lower()
        form = "gen" if name.endswith("a") and name not in ("anna", "maria", "elżbieta", "katarzyna", "izabela", "wiktoria") else "m"
        if name.endswith("a") and form == "m":
            form = "f"
        elif name.endswith(("ety", "yny", "rii", "nny", "ecie", "ynie")):
            form = "f-gen"
        elif name.endswith(("em", "ie")):
            form = "loc"
        elif name.endswith("owi"):
            form = "dat"
        return polish_ordinal(value, form).title()

    def _genitive(self, number: Number, noun: Noun) -> str:
        one = self.plural_index(number) == 0
        key = "f-gen" if noun.gender == "f" and one else "gen"
        forms = noun.forms
        return self.joined(self.quantity(number, key), forms[min(3 if one else 2, len(forms) - 1)])

    def _day_form(self, place: Place) -> str:
        before = place.word_before.lower()
        return "m" if before in ("na", "po") else "loc" if before == "przed" else "gen"

    def _say_date(self, found: re.Match[str], place: Place) -> str | None:
        days = [int(day) for day in (found["first"], found["day"]) if day]
        if not all(1 <= day <= 31 for day in days):
            return None
        said = f"{' do '.join(polish_ordinal(day, self._day_form(place)) for day in days)} {found['month']}"
        if found["year"]:
            said = f"{said} {self.year(int(found['year']))}" + (" roku" if found["word"] else "")
        return said + ("." if found[0].endswith(".") and is_last(place) else "")

    def _say_year(self, found: re.Match[str], place: Place) -> str | None:
        number, word = int(found["year"]), found["word"]
        if number < 100 or (number < 1000 and word == "rok"):
            return None
        before = place.word_before.lower()
        if word == "r.":
            word = "roku"
        form = (
            "m"
            if word == "rok"
            else "dat"
            if word == "rokowi"
            else "loc"
            if word == "rokiem" or before in ("w", "we", "po", "o")
            else "gen"
        )
        return f"{polish_ordinal(number, form)} {word}" + ("." if found[0].endswith(".") and is_last(place) else "")

    def _say_years(self, found: re.Match[str], place: Place) -> str | None:
        first, second = int(found["first"]), int(found["second"])
        if not 1000 <= first < second <= 2100:
            return None
        return f"{self.cardinal(first)} do {self.cardinal(second)}"

    def _say_decade(self, found: re.Match[str], place: Place) -> str | None:
        """ "lata 90.", "w latach 90."."""
        years = _DECADES_BEFORE.search(place.before.lower())
        if years is None:
            return None
        form = {"lata": "n", "latami": "pl-ins"}.get(years[1], "pl-gen")
        return polish_ordinal(int(found["number"]), form) + ("." if ends_sentence(place.text, place.end) else "")

    def _say_compound(self, found: re.Match[str], place: Place) -> str | None:
        word = found["word"]
        if word in ("ego", "emu", "tym"):
            return None
        return joined_number(int(found["number"])) + word

    def _say_ending(self, found: re.Match[str], place: Place) -> str:
        ending = found["ending"]
        endings = {"go": "gen", "ego": "gen", "mu": "dat", "emu": "dat", "ej": "f-gen", "ym": "loc", "tym": "loc", "te": "n"}
        form = endings.get(ending) or ("f" if ending[-1] == "a" else "m")
        return polish_ordinal(int(found["number"]), form)

    def _say_house(self, found: re.Match[str], place: Place) -> str | None:
        """The numbers of a house and a flat."""
        if not _ADDRESS_BEFORE.search(place.before):
            return None
        between = "łamane przez" if "/" in found[0] else "mieszkania"
        return f"{self.cardinal(int(found['first']))} {between} {self.cardinal(int(found['second']))}"

    def _say_score(self, found: re.Match[str], place: Place) -> str:
        return self.joined(self.cardinal(int(found["first"])), "do", self.cardinal(int(found["second"]), "gen"))

    def _say_time(self, found: re.Match[str], place: Place) -> str | None:
        """ "o 14.30", "godz. 9.15"."""
        is_time = place.before.rstrip(" ").endswith("godz.") or place.word_before.lower() in ("godzinie", "godziny", "godzinę", "o")
        is_clear = found["hour"][0] == "0" and len(found["hour"]) == 2
        if not (is_time or is_clear) or int(found["hour"]) > 24:
            return None
        return self.time(int(found["hour"]), int(found["minute"]), None, place)

    def _say_times(self, found: re.Match[str], place: Place) -> str | None:
        """Opening hours: "8.00–16.00"."""
        hours = int(found["hour"]), int(found["last_hour"])
        if max(hours) > 24:
            return None
        first = self.time(hours[0], int(found["minute"]), None, Place(place.text, place.start, found.end("minute")))
        return self.joined(first, "do", self.time(hours[1], int(found["last_minute"]), None, Place(f"– {found[0]}", 2, 2)))

    def _say_range(self, found: re.Match[str], place: Place) -> str | None:
        """A range: the first number in the case that the words before ask for, the second in the genitive."""
        first, second = (Number(0, 0, found[name]) for name in ("first", "second"))
        if first.has_leading_zero or second.has_leading_zero or first.value >= second.value:
            return None
        key = "gen" if polish_forms.is_genitive(place) else "m"
        said = self.cardinal(first.value, key)
        if not found["measure"]:
            return f"{said} do {self.cardinal(second.value, 'gen')}"
        written = found["measure"]
        noun = self.units[written] if written in self.units else self.currencies[written][0]
        return f"{said} do {self._genitive(second, noun)}"


_RULES = Polish()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a Polish text in words; see `registry.find_edits`."""
    edits = merge_edits(text, list(_find_centuries(text)), lambda rest: scanner.find_edits(rest, _RULES))
    return with_kept_stops(text, absorb_words(text, edits, _YEAR_WORD, "roku"))


def _find_centuries(text: str) -> Iterator[Edit]:
    """ "w XX wieku", "XVIII–XIX w."."""
    for found in _CENTURY.finditer(text):
        values = [roman_value(numeral) for numeral in (found["first"], found["second"]) if numeral]
        before = Place(text, found.start(), found.end()).word_before.lower()
        form, word = polish_forms.century_form(found["word"], before)
        if all(values):
            said = " i ".join(polish_ordinal(value, form) for value in values if value)
            stop = "." if found["word"].endswith(".") and ends_sentence(text, found.end()) else ""
            yield Edit(found.start(), found.end(), f"{said} {word}{stop}", "roman")
