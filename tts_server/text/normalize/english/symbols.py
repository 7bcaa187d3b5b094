"""Signs that are said, and signs that are silent: "C++", "&", "§ 5", "and/or", emoji, rulers, footnote marks."""

from __future__ import annotations

import re
import unicodedata

from tts_server.text.normalize.english.amounts import FRACTIONS, read_amount
from tts_server.text.normalize.english.arithmetic import LOWERED, RAISED
from tts_server.text.normalize.english.draft import Draft, word_before
from tts_server.text.normalize.english.numbers import cardinal, digits

_PAIRS = re.compile(r"(?<![\w/])(?P<first>[^\W\d_]{1,30}['’]?[^\W\d_]{0,3})[ ]?/[ ]?(?P<second>[^\W\d_]{1,30})(?![\w])(?=(?P<more>/)?)")
_ALTERNATIVES = frozenset(
    """
        he she him her his hers himself herself yes no true false male female man woman men women on off pass fail mother father mom
        dad boy girl s/he left right win lose black white true up down day night either or sir madam is are was were
    """.split()
)
_PRONOUNS = frozenset((("and", "or"), ("either", "or"), ("he", "him"), ("she", "her"), ("they", "them"), ("him", "his"), ("her", "hers")))
_AMPERSAND = re.compile(r"[ ]?&(?:amp;|&)?[ ]?")
_ARROW = re.compile(r"[ ]?(?P<arrow>→|⟶|➜|➔|➝|➞|⇒|↦|←|⟵|⇐|↔|⟷|⇔|->|=>|<-|<->|-->)[ ]?")
_SPOKEN = {
    "&": "and", "%": "percent", "‰": "per mille", "°": "degrees", "€": "euros", "£": "pounds", "$": "dollars", "¥": "yen", "¢": "cents",
    "√": "the square root of", "∞": "infinity", "∑": "the sum of", "∫": "the integral of", "∂": "partial", "∆": "delta", "∇": "nabla",
    "∅": "the empty set",
    "∀": "for all", "∃": "there exists", "∴": "therefore", "∵": "because", "¬": "not", "№": "number", "℗": "", "℠": "",
    "±": "plus or minus", "×": "times", "÷": "divided by", "≈": "approximately", "≠": "not equal to", "≤": "less than or equal to",
    "≥": "greater than or equal to", "∈": "in", "∉": "not in", "∪": "union", "∩": "intersection", "⊂": "subset of", "⊆": "subset of",
    "≡": "identical to",
    "∝": "proportional to", "−": "minus", "+": "plus", "=": "equals", "℅": "care of", "µ": "mu", "Ω": "ohm", "K": "kelvin",
    "Å": "angstroms", "ℓ": "liters",
    "∏": "the product of", "⊕": "plus", "⊗": "times", "∧": "and", "∨": "or", "℮": "", "∠": "angle", "∟": "angle", "ℏ": "h bar",
}  # fmt: skip
_LONE = {
    "™": "trademark", "®": "registered", "©": "copyright", "#": "hash", "@": "at", "*": "asterisk", "+": "plus", "=": "equals",
    "<": "less than", ">": "greater than", "~": "tilde", "^": "caret", "|": "bar", "_": "underscore", "/": "slash", "\\": "backslash",
    "→": "right arrow", "←": "left arrow", "§": "section", "¶": "paragraph", "₿": "bitcoin", "₹": "rupees", "₩": "won", "₽": "rubles",
}  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        """
            alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi chi
            psi omega
        """.split(),
        strict=True,
    )
)
_GREEK |= {letter.upper(): name for letter, name in _GREEK.items() if letter != "ς"} | {"ϕ": "phi", "ϵ": "epsilon", "ϑ": "theta"}
_GREEK_LETTER = re.compile("(?<![\u0370-\u03ff\u1f00-\u1fff])[" + "".join(_GREEK) + "](?![\u0370-\u03ff\u1f00-\u1fff])")
_ALONE_SIGN = re.compile(r"(?<![^\s(\"“'‘])[+=%&@#*](?![^\s)\"”'’.,;:!?])")
_NUMBERED = frozenset("my your his her our their phone order tracking account serial invoice ticket cell".split())
_ANY_SIGN = re.compile(r"[#*~^_{}<>=+`|/\\@&$%√¬]")
_SNAKE = re.compile(r"(?<=[^\W_])_{1,2}(?=[^\W_])|(?<![^\W_])_+(?=\w)|(?<=[^\W_])_+")
_SLASH = re.compile(r"[ ]?[/\\|][ ]?")
_SILENT = re.compile(r"[#*~^_{}<>=+`|\\@&$%]+")
_REST = re.compile("[^\x00-\x7f\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af]")
_KEPT = frozenset("“”‘’«»‹›„‚…—–‐‑¿¡、。，！？；：（）「」『』【】《》〈〉〔〕〖〗．・\u00a0\u202f\u2009\u200a\u3000\ufffc´ʼ‥‼⁇⁈⁉")


def say_lone_sign(text: str) -> str:
    """The name of a sign that is the whole text; "" for other texts."""
    sign = text.strip()
    return _LONE.get(sign) or _SPOKEN.get(sign, "") if len(sign) == 1 else ""


def find_symbols(draft: Draft) -> None:
    """Find signs that are said, and make silent those that mean nothing to a listener."""
    text = draft.text
    if "/" in text:
        for found in _PAIRS.finditer(text):
            _add_pair(draft, found)
    for found in _AMPERSAND.finditer(text) if "&" in text else ():
        if draft.is_free(found.start(), found.end()):
            after = " " if found.end() < len(text) else ""
            draft.add(found.start(), found.end(), f" and{after}" if found.start() else f"and{after}", "symbol")
    if not text.isascii() or ">" in text or "<" in text:
        for found in _ARROW.finditer(text):
            _add_arrow(draft, found)
    if _ANY_SIGN.search(text) is not None:
        _find_ascii_signs(draft)
    if not text.isascii():
        for found in _GREEK_LETTER.finditer(text):
            draft.add(found.start(), found.end(), _GREEK[found[0]], "symbol")
        for found in _REST.finditer(text):
            _add_rest(draft, found.start(), found[0])


def _find_ascii_signs(draft: Draft) -> None:
    text = draft.text
    for found in _ALONE_SIGN.finditer(text):
        sign = found[0]
        line = text[max(0, found.start() - 40) : found.start()].rpartition("\n")[2]
        if (sign in "+=%@" and line.strip()) or (sign == "@" and text[found.end() + 1 : found.end() + 2].isalnum()):
            draft.add(found.start(), found.end(), {"+": "plus", "=": "equals", "%": "percent", "@": "at"}[sign], "symbol")
        elif sign == "#" and word_before(text, found.start()).lower() in _NUMBERED:
            draft.add(found.start(), found.end(), "number", "symbol")
    for found in _SNAKE.finditer(text) if "_" in text else ():
        before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
        draft.add(found.start(), found.end(), " " if before.isalnum() and after.isalnum() else "", "symbol")
    for found in _SLASH.finditer(text):
        draft.add(found.start(), found.end(), " " if found.start() and found.end() < len(text) else "", "symbol")
    for found in _SILENT.finditer(text):
        _add_silent(draft, found.start(), found.end())


def _add_pair(draft: Draft, found: re.Match[str]) -> None:
    """Two words with a slash between: "or" between opposites, otherwise a space."""
    start = found.end("first")
    first, second = found["first"].lower(), found["second"].lower()
    word = " or " if not found["more"] and first in _ALTERNATIVES and second in _ALTERNATIVES and (first, second) not in _PRONOUNS else " "
    if draft.is_free(start, found.start("second")):
        draft.add(start, found.start("second"), word, "symbol")


def _add_arrow(draft: Draft, found: re.Match[str]) -> None:
    text, arrow = draft.text, found["arrow"]
    before, after = text[found.start() - 1 : found.start()] if found.start() else "", text[found.end() : found.end() + 1]
    between = bool(before) and not before.isspace() and bool(after) and not after.isspace()
    if not between or before in ".!?:;,":
        draft.add(found.start("arrow"), found.end("arrow"), "", "decoration")
    elif arrow in ("←", "⟵", "⇐", "<-"):
        draft.add(found.start(), found.end(), " from ", "sign")
    elif arrow in ("↔", "⟷", "⇔", "<->"):
        draft.add(found.start(), found.end(), " and ", "sign")
    else:
        draft.add(found.start(), found.end(), " to ", "sign")


def _add_silent(draft: Draft, start: int, end: int) -> None:
    """A run of ASCII signs is silent; "%" after a word is said elsewhere."""
    for position in range(start, end):
        if draft.is_free(position, position + 1):
            draft.add(position, position + 1, "", "decoration")


def _add_rest(draft: Draft, position: int, char: str) -> None:
    """A single character beyond ASCII and Latin letters: said by name if it has a short one, silent if it is a sign."""
    if char in _KEPT or not draft.is_free(position, position + 1):
        return
    if char in FRACTIONS:
        numerator, denominator = FRACTIONS[char]
        draft.add(position, position + 1, read_amount(char) if denominator else cardinal(numerator), "fraction")
        return
    if char in RAISED or char in LOWERED:
        value = RAISED.get(char) or LOWERED[char]
        words = digits(value) if value.isdigit() else {"-": "minus", "+": "plus", "n": "n"}.get(value, "")
        draft.add(position, position + 1, words, "symbol")
        return
    if char in _SPOKEN:
        repeated = position and draft.text[position - 1] == char
        draft.add(position, position + 1, "" if repeated else _SPOKEN[char], "symbol")
        return
    category = unicodedata.category(char)
    if category in ("Nl", "No", "Nd"):
        value_of = unicodedata.numeric(char, -1)
        words = cardinal(int(value_of)) if value_of >= 0 and value_of == int(value_of) and value_of < 10**15 else ""
        draft.add(position, position + 1, words, "cardinal")
    elif category[0] in "SCP" or category in ("Mn", "Me") and "\ufe00" <= char <= "\ufe0f" or category == "Me":
        if category in ("Pd", "Pi", "Pf", "Ps", "Pe"):
            return
        if category == "Po" and not _is_decorative(char):
            return
        if category == "Co":
            return
        draft.add(position, position + 1, "", "decoration")


def _is_decorative(char: str) -> bool:
    """Whether a character that Unicode calls punctuation is a bullet, a dagger or the like."""
    return char in "†‡•‣⁃∙·※‖⁂⁎⁑⁕⁜′″‴⁇‾‿⁀⸙❡⁊§¶〽" or "\u2055" <= char <= "\u205e"
