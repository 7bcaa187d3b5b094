"""Reads digits and signs that reach the embedded voice, in requests whose text is not normalized, by hibari, word by word.

hibari gets only the words that hold a digit or a sign, because it changes others: "no." into "number".
"""

from __future__ import annotations

import re
import unicodedata

from hibari.g2p.normalize import SYMBOLS, UNITS, normalize

COUNTED_DIGITS = 15
"""Longer numbers are read digit by digit: "quadrillions" are hard to follow, and hibari has no words beyond decillions."""

_SIGNS = {
    "−": " minus ", "≈": " approximately ", "≠": " not equal to ", "≤": " less than or equal to ", "≥": " greater than or equal to ",
    "∞": " infinity ", "√": " square root of ", "‰": " per mille ", "‐": "-", "‑": "-", "‒": "–", "―": "—", "⁄": "/", "∙": " ", "↔": " to ",
    "⇒": " to ",
}  # fmt: skip
_CURRENCIES = {
    "$": ("dollar", "dollars", "cents"), "£": ("pound", "pounds", "pence"), "€": ("euro", "euros", "cents"), "¥": ("yen", "yen", "sen"),
    "₹": ("rupee", "rupees", "paise"), "₩": ("won", "won", "jeon"), "₽": ("ruble", "rubles", "kopecks"), "₺": ("lira", "lira", "kurus"),
    "₪": ("shekel", "shekels", "agorot"), "₫": ("dong", "dong", "hao"), "₿": ("bitcoin", "bitcoins", "cents"),
    "฿": ("baht", "baht", "satang"),
    "₴": ("hryvnia", "hryvnias", "kopecks"), "₱": ("peso", "pesos", "centavos"), "₦": ("naira", "naira", "kobo"),
}  # fmt: skip
_PUNCTUATION = frozenset("“”‘’„‚«»–—…¿¡")
_AFTER_NUMBER = frozenset((*UNITS, "am", "pm", "AM", "PM", "a.m.", "p.m.", "A.M.", "P.M."))
_WRITTEN = re.compile(r"[0-9=<>~°¢§¶±×÷→½¼¾²³µ^#%+@&/\\|*_]")
_END = re.compile(r"[.,;:!?…)\]\"'”’—–]{1,8}\Z")
_MONEY_SIGNS = "".join(_CURRENCIES)
_AMOUNT = r"\d[\d,]*(?:\.\d+)?"
_SCALE = r"(?:[ ]?(?:hundred|thousand|million|billion|trillion|[bmt]n|[kKmMbB])\b)?"
_MONEY = re.compile(
    rf"(?P<sign>[{_MONEY_SIGNS}])[ ]?(?P<amount>{_AMOUNT})(?P<scale>{_SCALE})"
    rf"|(?<![\d,.])(?P<before>{_AMOUNT})[ ]?(?P<after>[{_MONEY_SIGNS}])(?![\d.])"
)
_SCALES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion", "mn": "million", "tn": "trillion"}
_LONE_CURRENCY = re.compile(rf"[{_MONEY_SIGNS}]")
_NUMBER = re.compile(r"(\d(?:[\d,]*\d)?)(?:\.(\d+))?")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_LEADING_ZERO = re.compile(r"(?<![\d.,:/\w-])0\d{1,14}(?![\d:/,]|[.-]\d|\w)")
_BARE_POINT = re.compile(r"(?<![\w.,])\.(?=\d)")
_RULER = re.compile(r"([^\w\s.,;:!?'\"“”‘’()\[\]{}-])\1{2,}")
_BRACKETS = str.maketrans({"[": " (", "]": ") ", "{": " (", "}": ") "})  # hibari would read the first letter after one alone
_DASHES = re.compile(r"-{2,}")
_MARKS = re.compile(r"[.,;:!?…—–]{4,}")


def plain_signs(run: str) -> str:
    """The characters between two words, with digits of other scripts as ASCII digits and without signs that hibari cannot read."""
    if run.isascii():
        return run
    crowded = sum(c.isdigit() or c.isnumeric() for c in run) > COUNTED_DIGITS
    return "".join(c if c.isascii() else _plain_sign(c, crowded) for c in run)


def _plain_sign(c: str, crowded: bool) -> str:
    if c.isdecimal():
        return str(unicodedata.decimal(c))
    if c.isdigit() and c not in SYMBOLS:  # raised or circled; joined to its neighbours it would be a number that hibari cannot read
        return f" {unicodedata.digit(c)} "
    if c in _SIGNS:
        return _SIGNS[c]
    if crowded and c.isnumeric():
        return f" {c} "
    if c in SYMBOLS or c in _CURRENCIES or c in _PUNCTUATION or c.isspace():
        return c
    if c.isnumeric():
        return f" {unicodedata.normalize('NFKC', c).replace('⁄', '/')} "
    return " "


def without_rulers(text: str) -> str:
    """The text without rows of the same sign, which divide or adorn; rows of marks are cut short, since each would be a pause."""
    text = _DASHES.sub(" — ", _RULER.sub(" ", text.translate(_BRACKETS)))
    return _MARKS.sub(lambda marks: marks[0][:3], text)


def read_written(text: str) -> str:
    """The text with hibari's words for what is written in digits and signs; other words stay as they are."""
    if _LONE_CURRENCY.search(text):
        text = _LONE_CURRENCY.sub(_lone_currency, _MONEY.sub(_money, text))
    if not _WRITTEN.search(text):
        return text
    text = _BARE_POINT.sub("0.", _LEADING_ZERO.sub(lambda number: " ".join(number[0]), text))
    text = _NUMBER.sub(_countable, text)
    words = text.split()
    read: list[str] = []
    index = 0
    while index < len(words):
        start = index
        while index < len(words) and (_WRITTEN.search(words[index]) or (index > start and _goes_on(words, index))):
            index += 1
        if index == start:
            read.append(words[index])
            index += 1
        else:
            written = " ".join(words[start:index])
            end = _END.search(written)
            said = normalize(written[: end.start()] if end else written)
            read.append(said.removesuffix(".") + end[0] if end else said)
    return " ".join(read)


def _goes_on(words: list[str], index: int) -> bool:
    """Whether a word without digits belongs to the number before: a unit, or the dash of a range."""
    word = words[index]
    if not words[index - 1][-1].isdigit():
        return False
    if word in ("-", "–"):
        return index + 1 < len(words) and words[index + 1][0].isdigit()
    return word in _AFTER_NUMBER or word.rstrip(".,;:!?)") in _AFTER_NUMBER


def _money(found: re.Match[str]) -> str:
    return _amount(found) + (" " if found.string[found.end() : found.end() + 1].isalnum() else "")


def _amount(found: re.Match[str]) -> str:
    one, many, hundredths = _CURRENCIES[found["sign"] or found["after"]]
    amount, scale = found["amount"] or found["before"], (found["scale"] or "").strip()
    if scale:
        return f"{amount} {_SCALES.get(scale.lower(), scale)} {many}"
    whole, point, parts = amount.partition(".")
    if not point and len(whole) > 3 and whole[-3] == ",":  # 12,50 €
        whole, parts = whole[:-3], whole[-2:]
    comma = "," if whole.endswith(",") else ""  # one that follows the amount
    whole = whole.rstrip(",")
    if len(parts) == 2:
        count, units = parts.lstrip("0"), f"{whole} {one if whole == '1' else many}"
        part = f"{count} {hundredths.rstrip('s') if count == '1' and hundredths.endswith('s') else hundredths}"
        if not count:
            return units
        return f"{units} and {part}" if whole.strip("0") else part
    return f"{whole}.{parts} {many}" if parts else f"{whole} {one if whole == '1' else many}{comma}"


def _lone_currency(found: re.Match[str]) -> str:
    """A sign without an amount has its name where it stands alone."""
    before, after = found.string[max(0, found.start() - 1) : found.start()], found.string[found.end() : found.end() + 1]
    return f" {_CURRENCIES[found[0]][1]} " if not before.isalnum() and not after.isalnum() else " "


def _countable(number: re.Match[str]) -> str:
    """The number as it is, or its digits one by one if they are too many; a list without spaces ("1,2,3") gets some."""
    whole, fraction = number[1], number[2] or ""
    if sum(map(str.isdigit, whole)) <= COUNTED_DIGITS and len(fraction) <= COUNTED_DIGITS:
        return number[0]
    groups = [whole.replace(",", "")] if _THOUSANDS.fullmatch(whole) else whole.split(",")
    spelled = ", ".join(" ".join(group) if len(group) > COUNTED_DIGITS else group for group in groups if group)
    return f"{spelled} point {' '.join(fraction)}" if fraction else spelled
