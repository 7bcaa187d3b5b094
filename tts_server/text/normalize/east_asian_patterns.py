"""The patterns of numbers, dates, times and signs in Chinese, Japanese and Korean text. All repeats are bounded."""

from __future__ import annotations

import re

RANGE_SIGNS = "~～〜–—-"
LONGEST = 16  # digits of a number that is read as one

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}(?!,?\d)|\d{1,24})"
CANDIDATE = re.compile(
    r"\d|[-−+±×÷=≠<>≤≥≈√∞%‰°&@#№℃℉™®©~～〜–—→←↑↓⇒$€£¥₩₽₹₺฿₫₱₴½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒²³⁰¹⁴-⁹₀-₉]"
    r"|(?<![A-Za-z0-9.+_-])[A-Za-z](?=[A-Za-z0-9._+-]{0,63}@[A-Za-z0-9])"
    r"|(?<![A-Za-z])(?:https?://|www\.|No\.|(?:USD|EUR|GBP|JPY|CNY|RMB|KRW|HKD|TWD)(?=[ ]?\d)|(?:US|HK|NT|AU|CA|A|C)(?=\$[ ]?\d))"
    r"|[\u2500-\u25ff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\u266a-\u266f\u2022\u203b\U0001f000-\U0001faff]+"
    r"|[=_*~-]{3,}"
)
MAIL = re.compile(r"([A-Za-z0-9][A-Za-z0-9._+-]{0,63})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})")
LINK = re.compile(
    r"(?:https?://)?(?:www\.)?([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})(?::\d{1,5})?(?:[/?#][!-~]{0,2000})?", re.IGNORECASE
)
RULER = re.compile(r"[=_*~-]{3,}")
DECORATION = re.compile(r"[\u2500-\u25ff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\u2022\u203b\U0001f000-\U0001faff™®©→←↑↓⇒]+")
DATE = re.compile(r"([12]\d{3})([-/.])(0?[1-9]|1[0-2])\2(3[01]|[12]\d|0?[1-9])(?!\d)")
MONTH = re.compile(r"([12]\d{3})/(0?[1-9]|1[0-2])(?![\d/])")
DAY = re.compile(r"(1[0-2]|0?[1-9])/(3[01]|[12]\d|0?[1-9])(?![\d/])")
TIME = re.compile(r"(2[0-4]|[01]?\d):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
PHONE = re.compile(r"(?:\+\d{1,3}[- ]?)?(?:\(\d{2,5}\)[- ]?)?\d{2,8}(?:[- ]\d{2,8}){0,4}(?![\d-])")
CARD = re.compile(r"\d{4}([- ])\d{4}\1\d{4}\1\d{2,4}(?!\d)")
DOTTED = re.compile(r"\d{1,5}(?:\.\d{1,5}){2,5}(?!\d)")
CHAIN = re.compile(r"\d{1,4}-\d{1,4}((?:-\d{1,4}){1,4})?(?![\d-])")
FRACTION = re.compile(r"(\d{1,6})[/⁄](\d{1,6})(?![\d/])")
RATIO = re.compile(r"\d{1,4}(?::\d{1,4}){1,3}(?![\d:])")
HALF_OF_DAY = re.compile(r"[ ]?([ap])\.?m\.?(?![A-Za-z])", re.IGNORECASE)
DATE_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2([12]\d{3})(?!\d)")
RANGE_WORD = re.compile(rf"[ ]?(?:[{RANGE_SIGNS}]|至|到|或)[ ]?(?=\d)")
POINTS_BEFORE = re.compile(r"(?<![\d.,])(\d{1,3})[ ]?\Z")
FIGURE_BEFORE = re.compile(r"(?:[图圖図表题題例式第]|그림|예제)[ ]?\d{1,3}[ ]?\Z")
POINTS = re.compile(r"(\d{1,3})(?![\d.,-])(?=[ ]?([号號番丁호번동%年月日년월일时時시])?)")
MIDDLE_DOT = re.compile(r"(\d{1,2})·(\d{1,2})(?![\d·])")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789")
LETTER = re.compile(r"[A-Za-z]")
CLOSING = frozenset(")]）】」』")
NUMBER_SIGN = re.compile(r"No\.[ ]?(?=\d)")
RAISED_DIGITS = re.compile(r"[⁰¹²³⁴-⁹₀-₉]{1,20}")
SPACE = re.compile(r"[ ]?")
QUANTITY_FOLLOWS = re.compile(r"[ ]?(?=[\d$€£¥₩])")
EQUATION_ENDS = re.compile(r"[ ]?\d{1,12}[ ]?=")
DEGREES = re.compile(r"[ ]?(?:°|℃|℉|度|도(?!\w))")
COUNTED = re.compile(r"\d[ ]?(?:[%°‰]|[^\W\d_]{1,4}|°C)[ ]?\Z")
PERCENT = re.compile(r"[ ]?([%‰])")
YEAR_FOLLOWS = re.compile(r"[ ]?[~～〜–—-][ ]?[12]\d{3}(?!\d)")
YEAR_PRECEDES = re.compile(r"[12]\d{3}[ ]?[~～〜–—-][ ]?\Z")
YEAR_WORD = re.compile(r"[ ]?[年년](?!間|间|级|生)")
GROUPS = re.compile(r"[-+() ]+")
