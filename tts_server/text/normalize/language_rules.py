"""What a language says for what is written: the base class of all languages but English.

A language is a subclass of `LanguageRules` in a module of its own, named in `registry.py`. The class holds
  * tables: words of signs, months, currencies, units, abbreviations, and separators (class attributes);
  * hooks, overridden where the tables are not enough: `cardinal`, `ordinal`, `year`, `decimal`, `count`, `plural_index`,
    `gender`, `money`, `day`, `date`, `time`, `ordinal_at`, `roman`, `monarch`;
  * `special_rules`: patterns of the language's own, tried at each number before the shared ones.
`scanner.find_edits(text, rules)` finds the places and asks the rules for the words. A hook with a `Place` may look at the words around.

Genders are `m`, `f`, `n` or empty; `cardinal_rulesets` and `ordinal_rulesets` map what the language distinguishes, which may be more than
genders (`m-gen`), to CLDR rulesets. The empty key is for counting: "eins, zwei".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.spelling import spell

SpecialRule = tuple[str, str, Callable[["re.Match[str]", Place], "str | None"]]
"""A pattern that begins with a digit, the name of its rule for `Edit.rule`, and what is said: None where the rule does not apply."""

_LONGEST_CARDINAL = 15


class LanguageRules:
    """The base of all languages: plain numbers by CLDR, and nothing else. See the module for how a language extends it."""

    code = ""
    """The two-letter code, also the name of the CLDR rules."""
    is_spaced = True
    """False where words follow each other without spaces."""

    # Numbers
    decimal_mark = ","
    """`,` or `.`; the other one separates thousands."""
    cardinal_rulesets: Mapping[str, str] = {"": "spellout-numbering"}
    ordinal_rulesets: Mapping[str, str] = {}
    year_ruleset = "spellout-numbering"
    bare_years = range(0)
    """Values of four digits without a separator that are read as years wherever no unit follows."""
    decimal_word = ""
    point_word = ""
    """What is said for a decimal mark, and for a full stop between digits (versions, foreign decimals)."""
    has_grouped_decimals = False
    """Whether decimals are read as a number ("virgule quatorze") or digit by digit."""
    ordinal_suffixes: Mapping[str, str] = {}
    """What is written after the digits of an ordinal, and its key in `ordinal_rulesets`: `{"er": "m"}`."""
    to_word = ""
    """Between the ends of a range."""
    out_of_word = ""
    """Between n and m of n/m that is no common fraction."""
    score_word = ""
    """Between the numbers of a score, 3-1 or 3:1."""
    half_words: tuple[str, str] = ("", "")
    """What ½ is alone, and what follows a whole number ("et demi")."""
    half_adjectives: Mapping[str, str] = {}
    """What ½ is before a unit, by gender, where it is not as alone."""
    fraction_words: Mapping[int, Noun] = {}
    """Denominators: singular and plural."""
    fraction_of: str | None = None
    """Between a fraction other than a half and its unit; None where fractions are read without their units."""
    and_fraction = " "
    """Between a whole number and a fraction other than a half."""
    powers: Mapping[str, str] = {}
    """What ² and ³ after a number are; the key `n` is put before any other exponent."""
    digit_separator = " "

    # Signs
    minus_word = plus_word = ""
    signs: Mapping[str, str] = {}
    """Signs that are read wherever they stand: `{"&": "und"}`."""
    operators: Mapping[str, str] = {}
    """Signs that are read only between numbers: `{"×": "mal"}`."""
    prefixes: Mapping[str, str] = {}
    """Signs that are read only before a number: `{"~": "etwa"}`."""

    # Quantities
    units: Mapping[str, Noun] = {}
    """Also `%` and `‰`."""
    per: Mapping[str, str] = {}
    """What `/h` after a unit is: `{"h": "pro Stunde"}`."""
    currencies: Mapping[str, tuple[Noun, Noun | None]] = {}
    """By sign or code: the currency and its hundredth, None where it has none."""
    money_format = "{whole} {cents}"
    """`{whole}` and `{cents}` are quantities; `{cents}` is followed by the name of the hundredth where `names_cents`."""
    names_cents = False
    magnitudes: Mapping[str, Noun] = {}
    """What may stand between a number and a currency or noun, short (`Mio.`) or in words (`millions`)."""
    of_word = ""
    """Between millions and what they count ("millones de euros")."""
    function_words: frozenset[str] = frozenset()
    """Words after a number that are no nouns, where `of_word` is not empty."""

    # Dates and times
    months: tuple[str, ...] = ()
    """In the form after a day."""
    month_names: Mapping[str, int] = {}
    """More spellings of months that are read as dates when a day is before it, in lower case: `{"okt.": 10}`."""
    date_format = "{day} {month} {year}"
    short_date_words: frozenset[str] = frozenset()
    """Words before 3/9 that make it a day and a month."""
    time_format = "{hour} {minute}"
    hour_format = "{hour}"
    """For a full hour."""
    second_format = "{time} {second}"
    time_suffixes = ""
    """A pattern of words that belong to a time, such as `Uhr|h`; they are replaced."""
    hour_mark = ":"
    """The characters between hours and minutes. A full stop makes a time only before a suffix or after one of the `time_words`."""
    hour_letter = ""
    """The letter between hours and minutes, as in 14h30."""
    time_words: frozenset[str] = frozenset()
    hour_gender = minute_gender = ""

    # Words
    abbreviations: Mapping[str, str] = {}
    """Always. May hold spaces, which are then optional and of any kind."""
    final_abbreviations: Mapping[str, str] = {}
    """The same, but the full stop may also end the sentence."""
    final_parts: Mapping[str, str] = {}
    """Ends of compounds: `{"str.": "straße"}`. The full stop may also end the sentence."""
    sentence_starts: frozenset[str] | None = None
    """Words with a capital that begin a sentence, in lower case, where nouns have capitals too; None where every capital does."""
    titles: Mapping[str, str] = {}
    """Only before a word with a capital."""
    numbered: Mapping[str, str] = {}
    """Only before a number."""
    roman_suffixes: frozenset[str] = frozenset({"º", "ª", "°"})
    """Those of the `ordinal_suffixes` that stand after Roman numerals; letters that make words ("Vi") must not be among them."""
    roman_nouns: frozenset[str] = frozenset()
    """Nouns, in lower case, before Roman numerals."""
    monarch_gender = "m"
    is_period_after_monarchs = False
    """Whether a full stop belongs to the numeral of a ruler's name: "Ludwig XIV. regierte"."""
    phone_words = r"tel|fax|phone|sms|mobil|whatsapp"
    """A pattern of beginnings of words, in lower case, before phone numbers."""
    dot_word = at_word = slash_word = dash_word = underscore_word = ""
    """What is said in addresses."""
    special_rules: tuple[SpecialRule, ...] = ()

    # Hooks
    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; of more digits than have a name, digit by digit."""
        ruleset = self.cardinal_rulesets.get(gender) or self.cardinal_rulesets[""]
        digits = str(number)
        words = spell(self.code, ruleset, number) if len(digits) <= _LONGEST_CARDINAL else None
        return words or self.spell_digits(digits)

    def ordinal(self, number: int, gender: str = "") -> str:
        """An ordinal in words; the cardinal where the language has no rules for it."""
        ruleset = self.ordinal_rulesets.get(gender) or self.ordinal_rulesets.get("", "")
        words = spell(self.code, ruleset, number) if ruleset and number < 10**_LONGEST_CARDINAL else None
        return words or self.cardinal(number)

    def year(self, number: int) -> str:
        """A year in words."""
        return spell(self.code, self.year_ruleset, number) or self.cardinal(number)

    def spell_digits(self, digits: str) -> str:
        """Digits one by one."""
        return self.digit_separator.join(self.cardinal(int(digit)) for digit in digits)

    def decimal(self, whole: str, number: Number) -> str:
        """A number with decimals, whose part before the mark is `whole` in words."""
        word = self.decimal_word if number.mark == self.decimal_mark else self.point_word
        decimals = number.decimals
        if self.has_grouped_decimals and len(decimals) <= 3:
            stripped = decimals.lstrip("0")
            parts = [self.cardinal(0)] * (len(decimals) - len(stripped)) + ([self.cardinal(int(stripped))] if stripped else [])
            return self.joined(whole, word, *parts)
        return self.joined(whole, word, self.spell_digits(decimals))

    def quantity(self, number: Number, gender: str = "") -> str:
        """A number in words, with its decimals or leading zeros."""
        if number.decimals:
            return self.decimal(self.digits_or_cardinal(number.digits), number)
        if number.has_leading_zero:
            return self.spell_digits(number.digits)
        return self.digits_or_cardinal(number.digits, gender)

    def digits_or_cardinal(self, digits: str, gender: str = "") -> str:
        """Up to fifteen digits as a number, more of them one by one."""
        return self.cardinal(int(digits), gender) if len(digits) <= _LONGEST_CARDINAL else self.spell_digits(digits)

    def plural_index(self, number: Number) -> int:
        """Which form of a noun follows a number: an index into `Noun.forms`, the last one where there are fewer."""
        return 0 if number.digits == "1" and not number.decimals else 1

    def form(self, number: Number, noun: Noun) -> str:
        """The form of a noun after a number."""
        return noun.forms[min(self.plural_index(number), len(noun.forms) - 1)]

    def count(self, number: Number, noun: Noun, place: Place) -> str:
        """A number and the noun it counts."""
        if self._is_millions(number):
            return self.magnitude_of(self.quantity(number), noun)
        return self.joined(self.quantity(number, noun.gender), self.form(number, noun))

    def gender(self, number: Number, place: Place) -> str:
        """The gender of the noun that a bare number counts, by the words after it; a key of `cardinal_rulesets`."""
        return ""

    def bare(self, number: Number, place: Place) -> str:
        """A number that nothing explains."""
        is_plain = number.digits[0] != "0" and not number.decimals and not number.is_grouped and len(number.digits) == 4
        if is_plain and number.value in self.bare_years:
            return self.year(number.value)
        said = self.quantity(number, self.gender(number, place))
        noun = place.word_after
        is_noun = len(noun) > 1 and noun.islower() and noun not in self.function_words and noun not in self.magnitudes
        return self.joined(said, self.of(noun)) if is_noun and self._is_millions(number) else said

    def _is_millions(self, number: Number) -> bool:
        is_long = 7 <= len(number.digits) <= _LONGEST_CARDINAL and not number.decimals
        return bool(self.of_word) and is_long and number.value % 1_000_000 == 0

    def money(self, number: Number, noun: Noun, cent: Noun | None, place: Place) -> str:
        """An amount of money."""
        if cent is None or len(number.decimals) != 2:
            return self.count(number, noun, place)
        whole = Number(number.start, number.end, number.digits)
        cents = Number(number.start, number.end, str(int(number.decimals)))
        if cents.digits == "0":
            return self.count(whole, noun, place)
        if whole.digits.strip("0") == "":
            return self.count(cents, cent, place)
        said = self.count(cents, cent, place) if self.names_cents else self.quantity(cents)
        return self.money_format.format(whole=self.count(whole, noun, place), cents=said)

    def magnitude_of(self, amount: str, noun: Noun) -> str:
        """A currency after a magnitude: "cinco millones" and "de euros"."""
        name = noun.forms[-1]
        return self.joined(amount, self.of(name)) + (name if self.of(name).endswith("'") else " " * self.is_spaced + name)

    def of(self, noun: str) -> str:
        """What stands between millions and this noun."""
        return self.of_word

    def fraction(self, numerator: int, denominator: int) -> str | None:
        """A common fraction, None where it has no name."""
        if (numerator, denominator) == (1, 2) and self.half_words[0]:
            return self.half_words[0]
        noun = self.fraction_words.get(denominator)
        if noun is None:
            return None
        number = Number(0, 0, str(numerator))
        return self.joined(self.cardinal(numerator, noun.gender), self.form(number, noun))

    def half_of(self, noun: Noun) -> str:
        """Half a unit."""
        return self.joined(self.half_adjectives.get(noun.gender) or self.half_words[0], noun.forms[0])

    def mixed(self, number: Number, numerator: int, denominator: int) -> str:
        """A whole number and a fraction: 2½."""
        whole = self.quantity(number)
        if (numerator, denominator) == (1, 2) and self.half_words[1]:
            return self.joined(whole, self.half_words[1])
        return whole + self.and_fraction + (self.fraction(numerator, denominator) or f"{numerator}/{denominator}")

    def day(self, number: int, place: Place) -> str:
        """A day of the month; the place is its digits."""
        if self.ordinal_suffixes and self._ordinal_suffix.match(place.text, place.end):
            return self.ordinal(number, "m")
        return self.cardinal(number)

    def date(self, day: int, month: int, year: int | None, place: Place) -> str:
        """A date that was written in digits, or whose day stands before the name of its month."""
        text = self.date_format if year is not None else self.date_format.partition("{month}")[0] + "{month}"
        said = self.year(year) if year is not None else ""
        return text.format(day=self.day(day, place), month=self.months[month - 1], year=said)

    def time(self, hour: int, minute: int, second: int | None, place: Place) -> str:
        """A time of day."""
        said_hour, said_minute = self.cardinal(hour, self.hour_gender), self.cardinal(minute, self.minute_gender)
        said = (self.time_format if minute or second is not None else self.hour_format).format(hour=said_hour, minute=said_minute)
        return said if second is None else self.second_format.format(time=said, second=self.cardinal(second, self.minute_gender))

    def ordinal_at(self, number: Number, place: Place) -> tuple[int, str] | None:
        """Where an ordinal that begins with `number` ends, and what it is; None where the number is no ordinal. The place is the digits."""
        if not self.ordinal_suffixes or number.decimals:
            return None
        found = self._ordinal_suffix.match(place.text, number.end)
        if not found:
            return None
        return found.end(), self.ordinal(number.value, self.ordinal_suffixes[found[1].lower()])

    def roman(self, value: int, suffix: str, place: Place) -> str | None:
        """A Roman numeral with what is written after it (`e`, `º`, `.`), None where it is none. The place includes the suffix."""
        if suffix in self.roman_suffixes and suffix in self.ordinal_suffixes:
            return self.ordinal(value, self.ordinal_suffixes[suffix.lower()])
        return self.cardinal(value) if not suffix and self.noun_before(place) in self.roman_nouns else None

    def noun_before(self, place: Place) -> str:
        """The word before, in lower case; for an abbreviation the word that it stands for."""
        written = place.abbreviation_before
        return (self.numbered.get(written) or self.abbreviations.get(written) or place.word_before).lower()

    def monarch(self, value: int, place: Place) -> str:
        """The numeral of a ruler's name."""
        return self.ordinal(value, self.monarch_gender)

    def joined(self, *parts: str) -> str:
        """Words with spaces between, or without where the language has none."""
        return (" " if self.is_spaced else "").join(filter(None, parts))

    @functools.cached_property
    def _ordinal_suffix(self) -> re.Pattern[str]:
        suffixes = "|".join(re.escape(suffix) for suffix in sorted(self.ordinal_suffixes, key=len, reverse=True))
        return re.compile(rf"({suffixes})(?!\w)", re.IGNORECASE)
