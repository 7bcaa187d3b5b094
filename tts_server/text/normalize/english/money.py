"""Prices and sums of money: "$3.2 bn", "12,50 €", "US$20", "(-$1,200.50)", "$5-10", "50 USD"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tts_server.text.normalize.english.amounts import EURO_AMOUNT, METRIC_AMOUNT, VULGAR, is_one, read_amount, read_parts
from tts_server.text.normalize.english.attributive import is_attributive
from tts_server.text.normalize.english.draft import Draft, ends_sentence, followed_by, is_plural, word_after, word_before
from tts_server.text.normalize.english.numbers import cardinal
from tts_server.text.normalize.english.patterns import one_of


@dataclass(frozen=True)
class Currency:
    """The names of a currency and of its hundredth part; both plurals are given, because some have none."""

    one: str
    many: str
    cent: str = ""
    cents: str = ""


_DOLLAR = Currency("dollar", "dollars", "cent", "cents")
_EURO = Currency("euro", "euros", "cent", "cents")
_POUND = Currency("pound", "pounds", "penny", "pence")
_YEN = Currency("yen", "yen")


def _dollar_of(country: str) -> Currency:
    return Currency(f"{country} dollar", f"{country} dollars", "cent", "cents")


SYMBOLS = {
    "$": _DOLLAR,
    "€": _EURO,
    "£": _POUND,
    "¥": _YEN,
    "￥": _YEN,
    "₹": Currency("rupee", "rupees", "paisa", "paise"),
    "₨": Currency("rupee", "rupees", "paisa", "paise"),
    "₩": Currency("won", "won"),
    "₽": Currency("ruble", "rubles", "kopeck", "kopecks"),
    "₺": Currency("lira", "lira", "kurus", "kurus"),
    "₫": Currency("dong", "dong"),
    "₪": Currency("shekel", "shekels", "agora", "agorot"),
    "₱": Currency("peso", "pesos", "centavo", "centavos"),
    "₿": Currency("bitcoin", "bitcoins"),
    "₴": Currency("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
    "₦": Currency("naira", "naira", "kobo", "kobo"),
    "฿": Currency("baht", "baht", "satang", "satang"),
    "₡": Currency("colon", "colones"),
    "₲": Currency("guarani", "guaranies"),
    "₵": Currency("cedi", "cedis"),
    "₸": Currency("tenge", "tenge"),
    "₮": Currency("tugrik", "tugriks"),
    "₭": Currency("kip", "kip"),
    "₼": Currency("manat", "manat"),
    "₾": Currency("lari", "lari"),
    "¢": Currency("cent", "cents"),
    "¤": Currency("currency unit", "currency units"),
}
PREFIXED = {
    "US": _dollar_of("U S"),
    "CA": _dollar_of("Canadian"),
    "C": _dollar_of("Canadian"),
    "AU": _dollar_of("Australian"),
    "A": _dollar_of("Australian"),
    "NZ": _dollar_of("New Zealand"),
    "HK": _dollar_of("Hong Kong"),
    "S": _dollar_of("Singapore"),
    "SG": _dollar_of("Singapore"),
    "NT": _dollar_of("New Taiwan"),
    "MX": Currency("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "R": Currency("real", "reais", "centavo", "centavos"),
}
"""What stands before a dollar sign: "US$", "HK$"."""

CODES = {
    "USD": _dollar_of("U S"),
    "EUR": _EURO,
    "GBP": _POUND,
    "JPY": _YEN,
    "CHF": Currency("Swiss franc", "Swiss francs", "centime", "centimes"),
    "CAD": _dollar_of("Canadian"),
    "AUD": _dollar_of("Australian"),
    "NZD": _dollar_of("New Zealand"),
    "HKD": _dollar_of("Hong Kong"),
    "SGD": _dollar_of("Singapore"),
    "TWD": _dollar_of("New Taiwan"),
    "CNY": Currency("yuan", "yuan"),
    "RMB": Currency("yuan", "yuan"),
    "INR": Currency("Indian rupee", "Indian rupees", "paisa", "paise"),
    "KRW": Currency("Korean won", "Korean won"),
    "RUB": SYMBOLS["₽"],
    "BRL": Currency("Brazilian real", "Brazilian reais", "centavo", "centavos"),
    "MXN": PREFIXED["MX"],
    "SEK": Currency("Swedish krona", "Swedish kronor", "ore", "ore"),
    "NOK": Currency("Norwegian krone", "Norwegian kroner", "ore", "ore"),
    "DKK": Currency("Danish krone", "Danish kroner", "ore", "ore"),
    "PLN": Currency("zloty", "zlotys", "grosz", "groszy"),
    "CZK": Currency("Czech koruna", "Czech korunas"),
    "HUF": Currency("Hungarian forint", "Hungarian forints"),
    "TRY": Currency("Turkish lira", "Turkish lira", "kurus", "kurus"),
    "ILS": SYMBOLS["₪"],
    "ZAR": Currency("South African rand", "South African rand", "cent", "cents"),
    "AED": Currency("dirham", "dirhams", "fils", "fils"),
    "SAR": Currency("Saudi riyal", "Saudi riyals"),
    "THB": SYMBOLS["฿"],
    "IDR": Currency("Indonesian rupiah", "Indonesian rupiah"),
    "PHP": Currency("Philippine peso", "Philippine pesos", "centavo", "centavos"),
    "VND": SYMBOLS["₫"],
    "UAH": SYMBOLS["₴"],
    "BTC": SYMBOLS["₿"],
    "ETH": Currency("ether", "ether"),
    "zł": Currency("zloty", "zlotys", "grosz", "groszy"),
    "kr": Currency("krona", "kronor", "ore", "ore"),
    "Kč": Currency("koruna", "korunas"),
    "Fr.": Currency("franc", "francs", "centime", "centimes"),
    "Rs.": SYMBOLS["₹"],
    "Rs": SYMBOLS["₹"],
    "R$": PREFIXED["R"],
}

SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mln": "million", "mio": "million", "mil": "million", "mm": "million",
    "b": "billion", "bn": "billion", "bln": "billion", "bio": "billion", "t": "trillion", "tn": "trillion", "trn": "trillion",
    "tril": "trillion", "bil": "billion",
    "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion", "hundred": "hundred",
}  # fmt: skip
"""Short forms of large numbers after a sum; the keys are in lower case."""

PERIODS = {
    "mo": "month", "mth": "month", "month": "month", "yr": "year", "y": "year", "year": "year", "wk": "week", "week": "week", "w": "week",
    "d": "day", "day": "day", "h": "hour", "hr": "hour", "hour": "hour", "min": "minute", "minute": "minute", "s": "second",
    "sec": "second", "sqft": "square foot", "ft": "foot", "m": "meter", "m²": "square meter", "km": "kilometer", "mi": "mile",
    "kg": "kilogram", "g": "gram", "lb": "pound", "oz": "ounce", "gal": "gallon", "l": "liter", "kwh": "kilowatt hour",
    "mwh": "megawatt hour",
    "gb": "gigabyte", "tb": "terabyte", "mb": "megabyte", "t": "ton", "ton": "ton", "bbl": "barrel", "ea": "each",
}  # fmt: skip
"""What a price is for, after a slash; the keys are in lower case."""

_SIGN = "".join(map(re.escape, SYMBOLS))
_PREFIX = one_of(PREFIXED)
_SCALE = one_of(SCALES)
_DASH = "[-–—−‑]"

_CODE_LAST = one_of(code for code in CODES if code != "Rs")
_CODE_FIRST = one_of(code for code in CODES if code not in ("TRY", "PHP"))
_AMOUNT = rf"(?P<amount>{EURO_AMOUNT})(?:-?[ \u00a0]?(?P<scale>(?i:{_SCALE}))(?![^\W_])(?!['’]))?"
_METRIC = _AMOUNT.replace(EURO_AMOUNT, METRIC_AMOUNT)
_SECOND = (
    rf"(?:[ ]?(?P<dash>{_DASH})[ ]?(?P<sign2>[{_SIGN}])?(?P<amount2>{EURO_AMOUNT})(?:-?[ \u00a0]?(?P<scale2>"
    rf"(?i:{_SCALE}))(?![^\W_]))?(?![.,]?[0-9]))?"
)
_BEFORE = re.compile(
    rf"(?<![\w.])(?P<minus>[-−–+±~≈<>](?=\S))?(?:(?P<prefix>{_PREFIX})(?=\$))?(?P<sign>[{_SIGN}])"
    rf"(?P<minus2>[-−])?[ \u00a0]?{_AMOUNT}{_SECOND}"
)
_CODE_BEFORE = re.compile(
    rf"(?<![\w.])(?P<minus>[-−–+~](?=\S))?(?P<code>{_CODE_FIRST})(?P<minus2>[-−])?[ \u00a0]?(?=[0-9.]){_AMOUNT}{_SECOND}"
)
_AFTER = re.compile(
    rf"(?<![\w.,/⁄:])(?<!\w[-–−])(?P<minus>[-−+~])?(?:(?P<first>{EURO_AMOUNT})[ ]?[{_SIGN}]?[ ]?{_DASH}[ ]?)?{_METRIC}"
    rf"(?:\.(?=[ \u00a0]?[^\w\s]))?[ \u00a0]?"
    rf"(?:(?P<sign>[{_SIGN}])|(?P<code>{_CODE_LAST})(?![^\W_]))(?![0-9])"
)
_SIGN_END = re.compile(rf"[{_SIGN}](?![0-9])")
_PER = re.compile(r"[ ]?/[ ]?([A-Za-z]{1,12}²?)(?![\w/])")
_MINUS = {
    "-": "minus ",
    "−": "minus ",
    "–": "minus ",
    "+": "plus ",
    "±": "plus or minus ",
    "~": "about ",
    "≈": "about ",
    "<": "less than ",
    ">": "more than ",
}
_ANY_SIGN = re.compile(f"[{_SIGN}]")
_LONE_SIGN = re.compile(rf"(?<![^\s(\"'“‘])([{_SIGN}])(?![^\s.,;:!?)\"'”’])")
_COUNTED = (
    "people|users|views|viewers|followers|subscribers|downloads|customers|copies|jobs|homes|residents|voters|workers|members|visitors"
    "|readers|students|tourists|inhabitants|listeners|players|units|shares|barrels|doses"
)
_MILLIONS = re.compile(rf"(?<![\w.,$€£¥-])(?P<amount>[0-9]{{1,3}}(?:\.[0-9]{{1,3}})?)(?P<scale>[mMBkK])(?= (?:{_COUNTED})\b)")
_SHORT_SCALE = re.compile(r"(?<![\w.,$€£¥])([0-9]{1,3}(?:,[0-9]{3}){0,4}(?:\.[0-9]{1,3})?) ?(mn|bn|tn|mln|bln|trn)(\.)?(?![\w])")
_THOUSANDS = re.compile(r"(?<![\w.,$€£¥-])([0-9]{1,3})k(?= [a-z])")
_BEFORE_THOUSAND = followed_by("k")
_BEFORE_MILLION = followed_by(".mMBkK")
_BEFORE_SCALE = followed_by(",.mbt", "mbt")
_CODE_WORDS = frozenset(re.findall(r"[^\W\d_]+", " ".join(CODES)))
_DECIMAL_SCALE = re.compile(r"(?<![\w.,$€£¥])([0-9]{1,3}\.[0-9]{1,2})([kKMB])(?![\w]|[-'’]\w| (?:run|race|walk|jog)\b)")
_BEFORE_DECIMAL = followed_by(".")
_CENT = Currency("cent", "cents")


def find_money(draft: Draft) -> None:
    """Find prices and sums with a currency sign or code, and numbers with "mn" or "bn"."""
    text = draft.text
    has_code = draft.has_word(_CODE_WORDS)
    if not has_code and _ANY_SIGN.search(text) is None:
        _find_scales(draft)
        return
    for found in _BEFORE.finditer(text):
        currency = PREFIXED[found["prefix"]] if found["prefix"] else SYMBOLS[found["sign"]]
        _add(draft, found, currency)
    for found in _CODE_BEFORE.finditer(text) if has_code else ():
        _add(draft, found, CODES[found["code"]])
    for found in draft.find_at_numbers(_AFTER, "-−+~") if has_code or _SIGN_END.search(text) else ():
        if found["sign"]:
            currency = _CENT if found["sign"] == "¢" else SYMBOLS[found["sign"]]
        else:
            currency = CODES[found["code"]]
        _add(draft, found, currency)
    _find_scales(draft)
    for found in _LONE_SIGN.finditer(text) if _SIGN_END.search(text) else ():
        if text[found.start() - 1 : found.start()] != found[1]:
            draft.add(found.start(), found.end(), "cents" if found[1] == "¢" else SYMBOLS[found[1]].many, "money")


_RACES = frozenset("runs races walks jogs times splits pushes resolutions screens videos displays monitors cameras resistors".split())


def _find_scales(draft: Draft) -> None:
    """Find numbers with a short form of a large number: "2.5mn", "2m people"."""
    text = draft.text
    for found in draft.find_at_numbers(_MILLIONS, after=_BEFORE_MILLION):
        draft.add(found.start(), found.end(), f"{read_amount(found['amount'])} {SCALES[found['scale'].lower()]}", "cardinal")
    for found in draft.find_at_numbers(_THOUSANDS, after=_BEFORE_THOUSAND):
        if is_plural(following := word_after(text, found.end())) and following not in _RACES:
            draft.add(found.start(), found.end(), f"{read_amount(found[1])} thousand", "cardinal")
    for found in draft.find_at_numbers(_DECIMAL_SCALE, after=_BEFORE_DECIMAL):
        draft.add(found.start(), found.end(), f"{read_amount(found[1])} {SCALES[found[2].lower()]}", "cardinal")
    for found in draft.find_at_numbers(_SHORT_SCALE, after=_BEFORE_SCALE):
        stop = "." if found[3] and ends_sentence(text, found.end()) else ""
        draft.add(found.start(), found.end(), f"{read_amount(found[1])} {SCALES[found[2]]}{stop}", "cardinal")


def _add(draft: Draft, found: re.Match[str], currency: Currency) -> None:
    text, start, end = draft.text, found.start(), found.end()
    groups = found.groupdict()
    scale = groups["scale"]
    amount, second = groups["amount"], groups.get("amount2")
    if amount.startswith("0") and len(amount) > 1 and amount[1].isdigit() and groups.get("code"):
        return
    if scale and _is_letter_alone(text, found, scale):
        if second:
            return
        end, scale = found.end("amount"), None
    sign = groups["minus"] or groups.get("minus2") or ""
    if sign == "–" or (sign in ("-", "−") and word_before(text, start)[-1:].isdigit() and text[start - 1 : start] != " "):
        start, sign = found.start("minus") + 1, ""
    if second and not _is_range(amount, second):
        end, second = found.end("scale") if scale else found.end("amount"), None
    words = _MINUS.get(sign, "")
    singular = is_attributive(text, start, end)
    if groups.get("first"):
        words += f"{read_amount(groups['first'])} to "
        words += _sum(amount, scale, currency, singular)
    elif second:
        scale2 = groups["scale2"]
        if groups["sign2"]:
            first = _sum(amount, scale, currency, False)
        else:
            first = read_amount(amount) + (f" {SCALES[scale.lower()]}" if scale and scale2 and scale.lower() != scale2.lower() else "")
        words += f"{first} to {_sum(second, scale2 or scale, currency, singular)}"
    else:
        if text[end : end + 1] == "+" and not text[end + 1 : end + 2].isalnum():
            end += 1
            words += f"{_sum(amount, scale, currency, singular)} plus"
        else:
            words += _sum(amount, scale, currency, singular)
    if (per := _PER.match(text, end)) and per[1].lower() in PERIODS | {"person": "person", "user": "user", "night": "night"}:
        words += f" per {PERIODS.get(per[1].lower(), per[1].lower())}".replace("per each", "each")
        end = per.end()
        if text[end : end + 1] == "." and len(per[1]) < 4 and not ends_sentence(text, end + 1):
            end += 1
    draft.add(start, end, words, "money")


def _is_letter_alone(text: str, found: re.Match[str], scale: str) -> bool:
    """Whether a single letter after a space is a word or a unit of its own rather than a scale: "$5 a", "5 m €"."""
    at = found.start("scale")
    return len(scale) == 1 and text[at - 1] in " \u00a0" and (scale not in "kKMBm" or bool(found.groupdict().get("code")))


def _is_range(first: str, second: str) -> bool:
    parts, others = read_parts(first), read_parts(second)
    return parts is None or others is None or len(parts[0]) <= len(others[0]) + 3


def _sum(amount: str, scale: str | None, currency: Currency, singular: bool) -> str:
    """A sum in words, with cents where exactly two decimals are written."""
    many = currency.one if singular else currency.many
    if scale:
        return f"{read_amount(amount)} {SCALES[scale.lower()]} {many}"
    parts = read_parts(amount)
    if parts is None:
        if any(char in VULGAR for char in amount) or "/" in amount or "⁄" in amount:
            words = read_amount(amount)
            return f"{words} of a {currency.one}" if is_one(amount) else f"{words} {many}"
        return f"{read_amount(amount)} {many}"
    whole, fraction = parts
    if len(fraction) == 3 and "." in amount and currency in (_EURO,) and len(whole) <= 3 and whole not in ("", "0"):
        whole, fraction = whole + fraction, ""  # "10.000 €"
    if len(fraction) == 2 and currency.cents and len(whole) <= 15:
        cents = int(fraction)
        part = f"{cardinal(cents)} {currency.cent if cents == 1 else currency.cents}"
        if not whole.strip("0"):
            return part if cents else f"zero {many}"
        main = f"{_whole(whole, amount)} {currency.one if whole == '1' else currency.many}"
        return f"{main} and {part}" if cents else f"{_whole(whole, amount)} {currency.one if whole == '1' or singular else many}"
    if fraction:
        return f"{read_amount(amount)} {many}"
    return f"{_whole(whole, amount)} {currency.one if amount == '1' or singular else many}"


def _whole(whole: str, amount: str) -> str:
    if len(whole) <= 15:
        return cardinal(int(whole or "0"))
    return read_amount(amount)
