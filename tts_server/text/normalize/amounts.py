"""Numbers with what belongs to them: signs, currencies, units, magnitudes, fractions, ordinals and ranges."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from tts_server.text.edits import Edit
from tts_server.text.normalize.language_rules import LanguageRules
from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import FRACTIONS, SUPERSCRIPTS, Number, parse_number
from tts_server.text.normalize.places import Place

_SPACE = "[ \u00a0\u202f\u2009]"
_TO = re.compile(rf"{_SPACE}?[–—]{_SPACE}?(?=\d)|-(?=\d)|{_SPACE}-{_SPACE}(?=\d)")
_SLASH = re.compile(r"[/⁄](\d{1,4})(?![\d/.,]\d|\d|/)")
_SCORE = re.compile(r":(\d{1,3})(?![\d:]|[.,]\d)")
_VULGAR = re.compile(rf"{_SPACE}?([{''.join(FRACTIONS)}])")
_EXPONENT = re.compile("[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}")
_EQUALS = re.compile(rf"{_SPACE}?=")
_EMPTY_CENTS = re.compile(r"[,.][-–—]{1,2}(?![\d\w])")
_SEASON = re.compile(r"\d{4}/(?:\d{2}|\d{4})(?![\d/])")
_MINUS = "-−–"


@dataclass(frozen=True)
class Suffix:
    """What follows a number up to `end`: a unit, a magnitude, a currency, or a magnitude and a currency."""

    end: int
    unit: Noun | None = None
    per: str = ""
    magnitude: Noun | None = None
    magnitude_text: str = ""
    currency: str = ""


def _alternatives(symbols: object) -> str:
    return "|".join(re.escape(str(symbol)) for symbol in sorted(symbols, key=len, reverse=True))  # type: ignore[call-overload]


@functools.cache
def _suffix(rules: LanguageRules) -> re.Pattern[str]:
    end = r"(?![^\W\d_]|[²³])" if rules.is_spaced else r"(?![A-Za-z²³])"
    nothing = "(?!)"
    magnitudes = rf"{_SPACE}?(?P<magnitude>{_alternatives(rules.magnitudes) or nothing}){end}"
    names = _alternatives(rules.currencies) or nothing
    currencies = rf"{_SPACE}?(?P<currency>{names})(?:/(?P<money_per>{_alternatives(rules.per) or nothing}))?{end}"
    big_currencies = rf"{_SPACE}?(?P<big_currency>{names}){end}"
    units = rf"{_SPACE}?(?P<unit>{_alternatives(rules.units) or nothing})(?:/(?P<per>{_alternatives(rules.per) or nothing}))?{end}"
    joint = rf"(?:{re.escape(rules.of_word)} |d['’])?" if rules.of_word else ""
    return re.compile(rf"(?:{magnitudes})(?:{_SPACE}?{joint}{big_currencies})?|{currencies}|{units}")


@functools.cache
def _per(rules: LanguageRules) -> re.Pattern[str]:
    return re.compile(rf"/({_alternatives(rules.per) or '(?!)'})(?![^\W\d_]|[²³])")


@functools.cache
def _prefix(rules: LanguageRules) -> re.Pattern[str]:
    nothing = "(?!)"
    return re.compile(
        rf"(?P<sign>[+\-−–±]{_SPACE}?)?(?:(?P<currency>{_alternatives(rules.currencies) or nothing})\.?{_SPACE}?)?"
        rf"(?P<inner_sign>[-−])?(?=\d|[{''.join(FRACTIONS)}])"
    )


@functools.cache
def _currency_names(rules: LanguageRules) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of the names of currencies, and the sign of each: "12,50 Euro" is an amount of money too."""
    names = {form: sign for sign, (noun, _) in reversed([*rules.currencies.items()]) for form in noun.forms}
    return re.compile(rf"{_SPACE}({_alternatives(names) or '(?!)'})(?!\w)"), names


def read_suffix(text: str, start: int, rules: LanguageRules) -> Suffix | None:
    """What belongs to the number that ends at `start`."""
    found = _suffix(rules).match(text, start)
    if not found:
        return None
    if found["magnitude"]:
        noun = rules.magnitudes[found["magnitude"]]
        return Suffix(found.end(), magnitude=noun, magnitude_text=found["magnitude"], currency=found["big_currency"] or "")
    if found["currency"]:
        return Suffix(found.end(), currency=found["currency"], per=found["money_per"] or "")
    return Suffix(found.end(), unit=rules.units[found["unit"]], per=found["per"] or "")


def read_amount(text: str, start: int, rules: LanguageRules) -> Edit | None:
    """The amount that begins at `start` with a sign, a currency, a digit or a vulgar fraction."""
    prefix = _prefix(rules).match(text, start)
    if not prefix:
        return None
    if text[prefix.end()] in FRACTIONS:
        return _read_vulgar(text, prefix, rules)
    number = parse_number(text, prefix.end(), rules.decimal_mark)
    if number is None:
        return None
    sign = (prefix["sign"] or prefix["inner_sign"] or "").strip()
    currency = prefix["currency"] or ""
    if not currency and not sign and (special := _read_special(text, number, rules)):
        return special
    return _read_quantity(text, start, sign, currency, number, rules)


def _read_special(text: str, number: Number, rules: LanguageRules) -> Edit | None:
    """Ordinals, parts of identifiers, fractions and powers."""
    start = number.start
    if rules.is_spaced and start and text[start - 1].isalpha():
        return _read_identifier(text, number, rules)
    if len(number.digits) <= 15 and (ordinal := rules.ordinal_at(number, Place(text, start, number.end))):
        return Edit(start, ordinal[0], ordinal[1], "ordinal")
    if number.decimals or len(number.digits) > 15:
        return None
    if len(number.digits) == 2 and text[start - 1 : start] in ("'", "’") and (start == 1 or text[start - 2 : start - 1].isspace()):
        return Edit(start - 1, number.end, rules.quantity(number), "decade")
    if season := _SEASON.match(text, start):
        first, second = season[0].split("/")
        return Edit(start, season.end(), rules.joined(rules.year(int(first)), rules.cardinal(int(second))), "year")
    if rules.score_word and (found := _SCORE.match(text, number.end)):
        said = rules.joined(rules.quantity(number), rules.score_word, rules.cardinal(int(found[1])))
        return Edit(start, found.end(), said + _unit_after(text, found.end(), rules), "score")
    if found := _SLASH.match(text, number.end):
        return _read_slash(text, number, found, rules)
    if found := _VULGAR.match(text, number.end):
        said = rules.mixed(number, *FRACTIONS[found[1]])
        return Edit(start, found.end(), said + _unit_after(text, found.end(), rules), "fraction")
    if rules.powers and (found := _EXPONENT.match(text, number.end)):
        return Edit(start, found.end(), rules.joined(rules.quantity(number), _power(found[0], rules)), "sign")
    return None


def _power(exponent: str, rules: LanguageRules) -> str:
    if exponent in rules.powers:
        return rules.powers[exponent]
    digits = exponent.translate(SUPERSCRIPTS)
    said = rules.cardinal(int(digits.lstrip("-")))
    return rules.joined(rules.powers["n"], rules.minus_word if digits[0] == "-" else "", said)


def _read_identifier(text: str, number: Number, rules: LanguageRules) -> Edit:
    """Digits directly after a letter: MP3, B2B. With a full stop between, as a version."""
    if number.is_grouped:
        end = number.start
        while text[end : end + 1].isdecimal():
            end += 1
        number = Number(number.start, end, text[number.start : end])
    said = rules.quantity(number) if number.mark != rules.decimal_mark else rules.quantity(Number(number.start, number.end, number.digits))
    end = number.end
    if number.mark == rules.decimal_mark:
        end = number.start + len(number.digits)
    after = " " if text[end : end + 1].isalpha() else ""
    return Edit(number.start, end, f" {said}{after}", "version" if number.decimals else "cardinal")


def _read_slash(text: str, number: Number, found: re.Match[str], rules: LanguageRules) -> Edit:
    numerator, denominator = number.value, int(found[1])
    said = rules.fraction(numerator, denominator) if numerator < denominator else None
    if said is not None and (measured := _measured(text, found.end(), (numerator, denominator), said, rules)):
        return Edit(number.start, *measured, "fraction")
    if said is None:
        word = "" if (numerator, denominator) == (24, 7) else rules.out_of_word
        said = rules.joined(rules.quantity(number), word, rules.digits_or_cardinal(found[1]))
    return Edit(number.start, found.end(), said, "fraction")


def _read_vulgar(text: str, prefix: re.Match[str], rules: LanguageRules) -> Edit | None:
    at = prefix.end()
    if said := rules.fraction(*FRACTIONS[text[at]]):
        sign = rules.minus_word if prefix["sign"] and prefix["sign"].strip() in _MINUS else ""
        space = " " if rules.is_spaced and at and text[at - 1].isalnum() else ""
        if not sign and not space and (measured := _measured(text, at + 1, FRACTIONS[text[at]], said, rules)):
            return Edit(prefix.start(), *measured, "fraction")
        return Edit(prefix.start(), at + 1, space + rules.joined(sign, said) + _unit_after(text, at + 1, rules), "fraction")
    return None


def _measured(text: str, end: int, fraction: tuple[int, int], said: str, rules: LanguageRules) -> tuple[int, str] | None:
    """Where the unit after a fraction ends, and both in words: "medio litro", "un cuarto de litro"."""
    suffix = read_suffix(text, end, rules) if rules.fraction_of is not None else None
    if suffix is None or suffix.unit is None:
        return None
    if fraction == (1, 2):
        return suffix.end, rules.joined(rules.half_of(suffix.unit), rules.per.get(suffix.per, ""))
    return suffix.end, rules.joined(said, rules.fraction_of or "", suffix.unit.forms[0], rules.per.get(suffix.per, ""))


def _unit_after(text: str, end: int, rules: LanguageRules) -> str:
    return " " if rules.is_spaced and text[end : end + 1].isalnum() else ""


def _read_quantity(text: str, start: int, sign: str, currency: str, number: Number, rules: LanguageRules) -> Edit:
    end = number.end
    if dash := _EMPTY_CENTS.match(text, end):
        end = dash.end()
    suffix = read_suffix(text, end, rules)
    if not suffix and len(number.decimals) == 2 and (named := _currency_names(rules)[0].match(text, end)):
        suffix = Suffix(named.end(), currency=_currency_names(rules)[1][named[1]])
    if currency == "$" and suffix and suffix.currency.isalpha():
        currency, end, suffix = suffix.currency, suffix.end, None  # $5 MXN
    if currency and suffix and not (suffix.magnitude and not suffix.currency):
        suffix = None
    if currency and not suffix and (per := _per(rules).match(text, end)):
        suffix = Suffix(per.end(), currency=currency, per=per[1])
    end = suffix.end if suffix else end
    said_sign = (
        rules.joined({"+": rules.plus_word, "±": f"{rules.plus_word} {rules.minus_word}"}.get(sign, rules.minus_word)) if sign else ""
    )
    if (second := _second_of_range(text, end, number, rules, has_suffix=bool(suffix))) and sign not in ("+", "±"):
        return _read_range(text, start, said_sign, currency, number, suffix, second, rules)
    place = Place(text, start, end)
    said = rules.joined(said_sign, _say(number, currency, suffix, place, rules))
    if said.endswith("'") and text[end : end + 1].isspace():
        end += 1  # "deux millions d'habitants"
    space = " " if rules.is_spaced and text[end : end + 1].isalpha() and said[-1:] != "'" else ""
    return Edit(start, end, said + space, _rule(number, currency, suffix, rules))


def _say(number: Number, currency: str, suffix: Suffix | None, place: Place, rules: LanguageRules) -> str:
    if suffix and suffix.magnitude:
        noun = suffix.magnitude
        is_word = suffix.magnitude_text in noun.forms
        said = rules.joined(rules.quantity(number, noun.gender), suffix.magnitude_text if is_word else rules.form(number, noun))
        name = currency or suffix.currency
        return rules.magnitude_of(said, rules.currencies[name][0]) if name else said
    if currency or (suffix and suffix.currency):
        noun, cent = rules.currencies[currency or (suffix.currency if suffix else "")]
        return rules.joined(rules.money(number, noun, cent, place), rules.per.get(suffix.per, "") if suffix else "")
    if suffix and suffix.unit:
        return rules.joined(rules.count(number, suffix.unit, place), rules.per.get(suffix.per, ""))
    if len(number.digits) > 9 and not number.is_grouped and not number.decimals and not number.digits.endswith("000"):
        return rules.spell_digits(number.digits)
    return rules.bare(number, place)


def _rule(number: Number, currency: str, suffix: Suffix | None, rules: LanguageRules) -> str:
    if currency or (suffix and suffix.currency):
        return "money"
    if suffix and suffix.unit:
        return "unit"
    if number.decimals:
        return "decimal"
    if number.has_leading_zero or (len(number.digits) > 9 and not number.is_grouped):
        return "digits"
    is_year = len(number.digits) == 4 and not number.is_grouped and number.value in rules.bare_years
    return "year" if is_year and not suffix else "cardinal"


@dataclass(frozen=True)
class _Second:
    number: Number
    is_minus: bool
    separator: str


def _second_of_range(text: str, end: int, first: Number, rules: LanguageRules, *, has_suffix: bool) -> _Second | None:
    found = _TO.match(text, end)
    if not found or not rules.to_word or first.has_leading_zero:
        return None
    number = parse_number(text, found.end(), rules.decimal_mark)
    if number is None or (text[number.end : number.end + 1] in ("-", "/", ":") and text[number.end + 1 : number.end + 2].isdecimal()):
        return None
    is_minus = bool(_EQUALS.match(text, number.end))
    if not is_minus and found[0].strip() == "-" and len(found[0]) > 1:
        # A dash with spaces separates phrases; "10 - 12 Uhr" is a range.
        is_rising = len(first.digits) <= 15 and len(number.digits) <= 15 and first.value < number.value
        if has_suffix or not is_rising or not read_suffix(text, number.end, rules):
            return None
    return _Second(number, is_minus, found[0])


def _read_range(
    text: str, start: int, sign: str, currency: str, first: Number, suffix: Suffix | None, second: _Second, rules: LanguageRules
) -> Edit:
    end = second.number.end
    following = None if currency else read_suffix(text, end, rules)
    end = following.end if following else end
    place = Place(text, start, end)
    is_score = not suffix and not following and not currency and _is_score(first, second.number)
    is_model = len(first.digits) - len(second.number.digits) > 1  # Boeing 747-8
    is_identifier = is_score and (is_model or place.before.rstrip().endswith(tuple(rules.numbered)))
    word = "" if is_identifier else rules.minus_word if second.is_minus else rules.score_word if is_score else rules.to_word
    if currency or suffix or second.is_minus or is_score:
        said_first = _say(first, "" if currency else "", suffix, place, rules) if suffix else rules.quantity(first)
    elif following:
        noun = following.unit or following.magnitude or (rules.currencies[following.currency][0] if following.currency else None)
        said_first = rules.quantity(first, noun.gender if noun and first.digits != "1" else "")
    else:
        said_first = rules.bare(first, place)
    said_second = rules.quantity(second.number) if second.is_minus or is_score else _say(second.number, currency, following, place, rules)
    rule = "score" if is_score else "sign" if second.is_minus else "range"
    space = " " if rules.is_spaced and text[end : end + 1].isalpha() else ""
    return Edit(start, end, rules.joined(sign, said_first, word, said_second) + space, rule)


def _is_score(first: Number, second: Number) -> bool:
    """Whether the second of two numbers is not above the first, as in 3-1; 1999-05 is a range still."""
    if first.decimals or second.decimals or len(first.digits) > 3 or len(second.digits) > 3:
        return False
    return int(first.digits) >= int(second.digits)
