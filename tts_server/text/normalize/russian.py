"""Russian: numbers in the gender and case that the words around ask for, ordinal years, days and endings after a hyphen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tts_server.text.edits import Edit
from tts_server.text.normalize import russian_forms, russian_words, scanner
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import Number, roman_value
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.products import product_rule
from tts_server.text.normalize.regnal_names import REGNAL_NAMES
from tts_server.text.normalize.russian_numbers import (
    MAX_DIGITS,
    joined_number,
    plural_form,
    russian_digits,
    russian_number,
    russian_ordinal,
)
from tts_server.text.normalize.stops import absorb_words, ends_sentence, is_last, merge_edits, with_kept_stops

_MONTH = "|".join([*russian_words.MONTHS, *map(re.escape, russian_words.SHORT_MONTHS)])
_YEAR = r"(?:[ ]?(?P<word>года|году|годом|год|г\.|г(?!\w)))"
_MEASURE = "|".join(re.escape(name) for name in sorted({*russian_words.UNITS, *russian_words.CURRENCIES}, key=len, reverse=True))
_CENTURY = re.compile(
    r"(?<![\w.])(?P<first>[IVX]{1,6})(?:[ ]?[–—-][ ]?(?P<second>[IVX]{1,6}))?[ ](?P<word>век(?:а|е|ом|у|ов|ах|ами|и)?(?!\w)|вв?\.)"
)
_MONARCH = re.compile(r"(?<!\w)(?P<name>[А-ЯЁ][а-яё]{2,20})[ ](?P<numeral>[IVX]{1,5})(?![\w-])(?![ ]?[–—-]|[ ]век)")
_ADDRESS_BEFORE = re.compile(r"(?:ул\.|улиц\w|пр\.|просп\w*\.?|пер\.|наб\.|ш\.)[ ][^;.]{1,30}[ ]\Z|(?:д\.|дом\w?)[ ]?\Z", re.IGNORECASE)
_YEAR_WORD = re.compile(r"[ ]?(?:г\.|года(?!\w))")
_DECIMAL_PLACES = {1: ("десятая", "десятых"), 2: ("сотая", "сотых"), 3: ("тысячная", "тысячных")}


class Russian(LanguageRules):
    """Russian."""

    code = "ru"
    decimal_word = "запятая"
    point_word = "точка"
    to_word = "—"
    out_of_word = "из"
    powers = {"²": "в квадрате", "³": "в кубе", "n": "в степени"}
    minus_word = "минус"
    plus_word = "плюс"
    signs = russian_words.SIGNS
    operators = russian_words.OPERATORS
    prefixes = russian_words.PREFIXES
    units = russian_words.UNITS
    per = russian_words.PER
    currencies = russian_words.CURRENCIES
    names_cents = True
    magnitudes = russian_words.MAGNITUDES
    months = russian_words.MONTHS
    abbreviations = russian_words.ABBREVIATIONS
    final_abbreviations = russian_words.FINAL_ABBREVIATIONS
    titles = russian_words.TITLES
    numbered = russian_words.NUMBERED
    roman_nouns = russian_words.ROMAN_NOUNS
    phone_words = r"тел|факс|моб|звон|позвон|whatsapp|смс|номер"
    dot_word = "точка"
    at_word = "собака"
    slash_word = "слэш"
    dash_word = "дефис"
    underscore_word = "подчёркивание"

    def __init__(self) -> None:
        self.special_rules = (
            (
                rf"(?P<day>\d{{1,2}})(?=[ ]по[ ]\d{{1,2}}[ ](?:{_MONTH})(?!\w))",
                "date",
                lambda found, _: russian_ordinal(int(found["day"]), "gen"),
            ),
            (r"(?P<first>\d{1,4})/(?P<second>\d{1,4})(?![\d/])", "cardinal", self._say_house),
            (
                rf"(?P<first>\d{{1,2}})(?:[ ]?[–—-][ ]?(?P<day>\d{{1,2}}))?[ ](?P<month>{_MONTH})(?!\w)(?:[ ](?P<year>\d{{4}}){_YEAR}?)?",
                "date",
                self._say_date,
            ),
            (r"(?P<first>\d{4})[ ]?[–—-][ ]?(?P<second>\d{4})(?:[ ]?(?P<word>гг?\.|год\w{0,3}))?(?![\d-])", "year", self._say_years),
            (rf"(?P<year>\d{{1,4}}){_YEAR}(?!\w)", "year", self._say_year),
            (r"(?P<number>\d{1,9})-(?P<ending>[а-яё]{1,3})(?![\w-])", "ordinal", self._say_ending),
            (
                r"(?P<number>\d{1,4})-(?P<word>[а-яё]{4,40})(?!\w)",
                "cardinal",
                lambda found, _: joined_number(int(found["number"])) + found["word"],
            ),
            (r"(?P<first>\d{1,4}):(?P<second>\d)(?![\d:])", "score", self._say_score),
            product_rule(self, "на"),
            (
                rf"(?P<first>\d{{1,9}})[ ]?[–—-][ ]?(?P<second>\d{{1,9}})(?:[ ]?(?P<measure>{_MEASURE}))?(?![:,.-]?\d|\w)",
                "range",
                self._say_range,
            ),
        )

    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; the key is a gender, with a case after a hyphen: `f-gen`."""
        name, _, case = (gender or "m").partition("-")
        return russian_number(number, name, case or "nom") if number < 10**MAX_DIGITS else russian_digits(str(number))

    def ordinal(self, number: int, gender: str = "") -> str:
        """An ordinal in words, by a key of `ORDINAL_ENDINGS`."""
        return russian_ordinal(number, gender or "m") if number < 10**9 else self.cardinal(number)

    def year(self, number: int) -> str:
        """A year in the genitive, as it stands after a month."""
        return russian_ordinal(number, "gen")

    def spell_digits(self, digits: str) -> str:
        """Digits one by one."""
        return russian_digits(digits)

    def plural_index(self, number: Number) -> int:
        """One, two to four, and more; after decimals the genitive singular."""
        return 1 if number.decimals else plural_form(int(number.digits[-15:]))

    def decimal(self, whole: str, number: Number) -> str:
        """ "две целых пять десятых"."""
        decimals = number.decimals
        if number.mark != "," or len(decimals) > 3:
            return self.joined(whole, self.decimal_word if number.mark == "," else self.point_word, self._grouped(decimals))
        places = _DECIMAL_PLACES[len(decimals)]
        parts = int(number.digits), int(decimals)
        said = self.cardinal(parts[0], "f"), "целая" if plural_form(parts[0]) == 0 else "целых"
        return self.joined(*said, self.cardinal(parts[1], "f"), places[0 if plural_form(parts[1]) == 0 else 1])

    def gender(self, number: Number, place: Place) -> str:
        """The gender and case of a bare number, by the words around."""
        return russian_forms.number_key(int(number.digits[-15:]), place)

    def bare(self, number: Number, place: Place) -> str:
        """A number that nothing explains: a year, an ordinal, or the number of the following noun."""
        if not number.decimals and not number.is_grouped and number.digits[0] != "0" and len(number.digits) <= 4:
            if 1000 <= number.value <= 2100 and (form := russian_forms.year_form(place)):
                return russian_ordinal(number.value, form)
            if number.value < 1000 and (form := russian_forms.ranked_form(number.value, place)):
                return russian_ordinal(number.value, form)
            if number.value in russian_words.COLLECTIVES and russian_forms.is_collective(place) and not russian_forms.case_before(place):
                return russian_words.COLLECTIVES[number.value]
        return super().bare(number, place)

    def count(self, number: Number, noun: Noun, place: Place) -> str:
        """A number and what it counts, in the genitive after a preposition that asks for it."""
        case = russian_forms.case_before(place)
        gender = noun.gender or "m"
        if case == "gen" and not number.decimals and len(noun.forms) == 3:
            said = self.joined(self.quantity(number, f"{gender}-gen"), noun.forms[1 if self.plural_index(number) == 0 else 2])
        else:
            acc = "-acc" if place.word_before.lower() in ("на", "за", "в", "через", "про") else ""
            said = super().count(number, noun, place)
            if acc and gender == "f" and self.plural_index(number) == 0 and not number.decimals:
                form = noun.forms[0]
                said = self.joined(self.quantity(number, "f-acc"), form[:-1] + {"а": "у", "я": "ю"}.get(form[-1], form[-1]))
        return said

    def fraction(self, numerator: int, denominator: int) -> str | None:
        """Fractions are feminine ordinals: "три четверти", "две пятых"."""
        if not 1 < denominator <= 1000:
            return None
        one, few, many = {3: ("треть", "трети", "третей"), 4: ("четверть", "четверти", "четвертей")}.get(
            denominator, (russian_ordinal(denominator, "f"), *[russian_ordinal(denominator, "pl-gen")] * 2)
        )
        return self.joined(self.cardinal(numerator, "f"), (one, few, many)[plural_form(numerator)])

    def mixed(self, number: Number, numerator: int, denominator: int) -> str:
        """ "две целых одна вторая"."""
        whole = self.cardinal(number.value, "f")
        fraction = self.fraction(numerator, denominator) or ""
        return self.joined(whole, "целая" if plural_form(number.value) == 0 else "целых", fraction)

    def date(self, day: int, month: int, year: int | None, place: Place) -> str:
        """A date that was written in digits."""
        before = place.before.rstrip()
        word = place.word_before.lower()
        form = "n" if (not word and not place.word_after) or before.endswith(":") or word == "дата" else self._day_form(place)
        said = f"{russian_ordinal(day, form)} {self.months[month - 1]}"
        if year is None:
            return said
        is_followed = place.word_after in ("года", "г")
        return f"{said} {self.year(year)}" + ("" if is_followed else " года")

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """Hours and minutes; full hours with "ноль ноль"."""
        case = russian_forms.case_before(place) or "nom"
        parts = [russian_number(hour, "m", case), self.spell_digits(f"{minute:02}") if minute < 10 else russian_number(minute, "m", case)]
        return self.joined(*parts, *([] if second is None else [self.cardinal(second)]))

    def _grouped(self, decimals: str) -> str:
        stripped = decimals.lstrip("0")
        if len(decimals) > 3:
            return self.spell_digits(decimals)
        return self.joined(*["ноль"] * (len(decimals) - len(stripped)), self.cardinal(int(stripped)) if stripped else "")

    def _day_form(self, place: Place) -> str:
        before = place.word_before.lower()
        return "dat" if before in ("к", "ко") else "n" if before in ("на", "по", "за") else "ins" if before == "перед" else "gen"

    def _say_date(self, found: re.Match[str], place: Place) -> str | None:
        days = [int(day) for day in (found["first"], found["day"]) if day]
        if not all(1 <= day <= 31 for day in days):
            return None
        form = self._day_form(place)
        month = found["month"]
        if month in russian_words.SHORT_MONTHS:
            month = self.months[russian_words.SHORT_MONTHS[month]]
        said = f"{' — '.join(russian_ordinal(day, form) for day in days)} {month}"
        if found["year"]:
            said = f"{said} {self.year(int(found['year']))}" + (" года" if found["word"] else "")
        return said + ("." if found[0].endswith(".") and is_last(place) else "")

    def _say_year(self, found: re.Match[str], place: Place) -> str | None:
        number, word = int(found["year"]), found["word"]
        before = place.word_before.lower()
        is_year = number >= 1000 or (word in ("году", "годом") and number > 30)
        if not is_year or (word == "г" and not 1500 <= number <= 2100):
            return None
        if word in ("г.", "г"):
            word = "году" if before in ("в", "во", "к") else "года" if before else "год"
        form = {"год": "m", "года": "gen", "годом": "ins", "году": "dat" if before in ("к", "ко", "по") else "loc"}[word]
        return f"{russian_ordinal(number, form)} {word}" + ("." if found[0].endswith(".") and is_last(place) else "")

    def _say_years(self, found: re.Match[str], place: Place) -> str | None:
        first, second = int(found["first"]), int(found["second"])
        if not (1000 <= first < second <= 2100):
            return None
        word = found["word"] or ""
        is_locative = word == "годах" or (word.startswith("гг") and place.word_before.lower() in ("в", "во"))
        form = "loc" if is_locative else "gen" if word == "годов" else "m"
        if word.startswith("г") and not word.startswith("год"):
            word = "годах" if is_locative else "годы"
        stop = "." if found[0].endswith(".") and is_last(place) else ""
        return self.joined(f"{russian_ordinal(first, form)} — {russian_ordinal(second, form)}", word) + stop

    def _say_ending(self, found: re.Match[str], place: Place) -> str | None:
        key = russian_forms.ending_form(int(found["number"]), found["ending"], place)
        if key is None:
            return None
        number = int(found["number"])
        return russian_number(number, "m", key.removeprefix("cardinal-")) if key.startswith("cardinal-") else russian_ordinal(number, key)

    def _say_house(self, found: re.Match[str], place: Place) -> str | None:
        """The numbers of a corner house or of a building."""
        if not _ADDRESS_BEFORE.search(place.before):
            return None
        return f"{self.cardinal(int(found['first']))} дробь {self.cardinal(int(found['second']))}"

    def _say_score(self, found: re.Match[str], place: Place) -> str:
        return self.joined(self.cardinal(int(found["first"])), self.cardinal(int(found["second"])))

    def _say_range(self, found: re.Match[str], place: Place) -> str | None:
        """A range after a preposition: both of its numbers have the case that it asks for."""
        if not russian_forms.case_before(place):
            return None
        first, second = (Number(0, 0, found[name]) for name in ("first", "second"))
        if first.has_leading_zero or second.has_leading_zero:
            return None
        if not found["measure"]:
            said = self.cardinal(second.value, russian_forms.number_key(second.value, place))
            return f"{self.cardinal(first.value, russian_forms.number_key(first.value, place))} — {said}"
        written = found["measure"]
        noun = self.units[written] if written in self.units else self.currencies[written][0]
        case = russian_forms.case_before(place)
        return f"{self.cardinal(first.value, f'm-{case}')} — {self.count(second, noun, place)}"


_RULES = Russian()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a Russian text in words; see `registry.find_edits`."""
    edits = merge_edits(
        text,
        sorted([*_find_centuries(text), *_find_monarchs(text)], key=lambda edit: edit.start),
        lambda rest: scanner.find_edits(rest, _RULES),
    )
    return with_kept_stops(text, absorb_words(text, edits, _YEAR_WORD, "года"))


def _find_centuries(text: str) -> Iterator[Edit]:
    """ "в XX веке", "XVIII–XIX вв."."""
    for found in _CENTURY.finditer(text):
        values = [roman_value(numeral) for numeral in (found["first"], found["second"]) if numeral]
        place = Place(text, found.start(), found.end())
        form, word = russian_forms.century_form(found["word"], place.word_before.lower(), is_range=len(values) == 2)
        if all(values):
            said = " — ".join(russian_ordinal(value, form) for value in values if value)
            stop = "." if found["word"].endswith(".") and ends_sentence(text, found.end()) else ""
            yield Edit(found.start(), found.end(), f"{said} {word}{stop}", "roman")


def _find_monarchs(text: str) -> Iterator[Edit]:
    """ "Николая II", in any case."""
    for found in _MONARCH.finditer(text):
        name = found["name"].lower()
        value = roman_value(found["numeral"])
        if value and not REGNAL_NAMES.isdisjoint(russian_forms.nominatives(name)):
            said = russian_ordinal(value, russian_forms.monarch_form(name)).title()
            yield Edit(found.start("numeral"), found.end("numeral"), said, "roman")
