"""Signs that are said, and signs that are silent: "C++", "&", "§ 5", "and/or", emoji, rulers, footnote marks."""

from __future__ import annotations

import re
import unicodedata

from tts_server.text.normalize.english.amounts import FRACTIONS, read_amount
from tts_server.text.normalize.english.arithmetic import LOWERED, RAISED
from tts_server.text.normalize.english.draft import Draft, is_sentence_start
from tts_server.text.normalize.english.initialisms import spell
from tts_server.text.normalize.english.numbers import cardinal, digits, integer, plural_words

_LANGUAGES = re.compile(r"(?<![\w])(?P<name>[CFJ]#|[CDN]\+\+|Notepad\+\+|[Cc]\+\+)(?![\w+#])")
_FOOTNOTE = re.compile(
    r"(?<=[^\W_]|[.,;:!?)\"”'’])[ ]?(?:\[(?:[0-9]{1,3}(?:[,–-] ?[0-9]{1,3}){0,6}|[a-z]|note [0-9]{1,2}|citation "
    r"needed)\])+|(?:(?<=[^\W\d_]{3})|(?<=[.,;:!?)\"”]))[¹²³⁴⁵⁶⁷⁸⁹⁰]{1,3}(?=[\s.,;:]|$)"
)
_PLURAL = re.compile(r"(?<=[^\W\d_])\((s|es|ies)\)")
_PAIRS = re.compile(r"(?<![\w/])(?P<first>[^\W\d_]{1,30}['’]?[^\W\d_]{0,3})[ ]?/[ ]?(?P<second>[^\W\d_]{1,30})(?![\w])(?=(?P<more>/)?)")
_ALTERNATIVES = frozenset(
    """
        he she him her his hers himself herself yes no true false male female man woman men women on off pass fail mother father mom
        dad boy girl s/he left right win lose black white true up down day night either or sir madam is are was were
    """.split()
)
_AMPERSAND = re.compile(r"[ ]?&(?:amp;)?[ ]?")
_SECTION = re.compile(r"(?P<sign>§§?|¶¶?)[ ]?(?=(?P<number>[0-9IVX])?)")
_LOWERED = re.compile(r"(?<![^\W\d_])(?P<formula>(?:[A-Z][a-z]?[₀-₉]{0,3}){1,12})(?![^\W\d_])")
_ELEMENT = re.compile(r"([A-Z][a-z]?)([₀-₉]*)")
_COPYRIGHT = re.compile(r"©|\([cC]\)(?= ?(?:[12][0-9]{3}|[A-Z]))")
_EMOTICON = re.compile(
    r"(?<![\w])(?:[:;=][-'^]?[)(\]\[DPpOo/\\|*]{1,3}|[xX]D|<3(?=[!.]?\s{0,3}\Z|[!.]?\n)|\^_\^|>_<|¯\\_\(ツ\)_/¯|[:;]'\()(?![\w])"
)
_RULER = re.compile(
    r"(?<![^\s])[-–—=_*~#+.·•]{3,}(?![^\s])|[=_]{3,}|[-]{4,}|[~]{2,}|[*]{2,}|[#]{2,}|[<>]{2,}|[|]{2,}|[&]{2,}"
    r"|[@]{2,}|[%]{2,}|[$€£¥]{2,}|[°]{2,}|[+]{3,}|[→←↑↓⇒⇐➜➔►▶]{2,}"
)
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
_SNAKE = re.compile(r"(?<=[^\W_])_{1,2}(?=[^\W_])|(?<![^\W_])_+(?=\w)|(?<=[^\W_])_+")
_SLASH = re.compile(r"[ ]?[/\\|][ ]?")
_SILENT = re.compile(r"[#*~^_{}<>=+`|\\@&$%√¬]+")
_REST = re.compile("[^\x00-\x7f\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af]")
_KEPT = frozenset("“”‘’«»‹›„‚…—–‐‑¿¡、。，！？；：（）「」『』【】《》〈〉〔〕〖〗．・\u00a0\u202f\u2009\u200a\u3000\ufffc´ʼ‥‼⁇⁈⁉")
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
_DIGITS = re.compile(r"(?P<sign>(?<![\w)])[-−])?(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?P<fraction>\.\d+)?(?P<plural>['’]?s(?![\w]))?")
_POINT = re.compile(r"(?<![\w.])\.(\d+)")


def find_marks(draft: Draft) -> None:
    """Find footnote marks, emoticons, rulers, programming languages and "(s)": before the digits in them are read."""
    text = draft.text
    for found in _LANGUAGES.finditer(text):
        name = found["name"]
        draft.add(found.start(), found.end(), f"{name.rstrip('+#')} {'sharp' if name.endswith('#') else 'plus plus'}", "symbol")
    if "[" in text or not text.isascii():
        for found in _FOOTNOTE.finditer(text):
            draft.add(found.start(), found.end(), "", "decoration")
    for found in _EMOTICON.finditer(text):
        draft.add(found.start(), found.end(), "", "decoration")
    for found in _RULER.finditer(text):
        if set(found[0]) == {"."} or (found[0].startswith(("--", "—")) and _between_words(text, found)):
            continue
        draft.add(found.start(), found.end(), "", "decoration")
    for found in _PLURAL.finditer(text):
        draft.add(found.start(), found.end(), "s" if found[1] == "s" else "es" if found[1] == "es" else "ies", "plural")
    for found in _COPYRIGHT.finditer(text):
        word = "Copyright" if is_sentence_start(text, found.start()) else "copyright"
        draft.add(found.start(), found.end(), f"{word} " if text[found.end() : found.end() + 1].isalnum() else word, "symbol")
    for found in _KEYCAP.finditer(text):
        draft.add(found.start(), found.end(), digits(found[1]) if found[1].isdigit() else "", "decoration")
    for found in _SECTION.finditer(text):
        name = "section" if found["sign"][0] == "§" else "paragraph"
        if found["number"]:
            plural = "s" if len(found["sign"]) > 1 else ""
            draft.add(found.start(), found.end(), f"{name}{plural} ", "symbol")
        else:
            draft.add(found.start(), found.start() + len(found["sign"]), name if found["sign"][0] == "§" else "", "symbol")
    for found in _LOWERED.finditer(text):
        if any(char in LOWERED for char in found[0]):
            words = []
            for element in _ELEMENT.finditer(found[0]):
                words.append(spell(element[1].upper()) if len(element[1]) > 1 else element[1])
                if element[2]:
                    words.append(cardinal(int("".join(LOWERED[char] for char in element[2]))))
            draft.add(found.start(), found.end(), " ".join(words), "symbol")


def _between_words(text: str, found: re.Match[str]) -> bool:
    """Whether a dash of several characters stands between words of one line."""
    line_start = text.rfind("\n", max(0, found.start() - 40), found.start()) + 1
    before = text[max(line_start, found.start() - 40) : found.start()]
    return (
        any(map(str.isalpha, before))
        and any(map(str.isalpha, text[found.end() : found.end() + 12].partition("\n")[0]))
        and len(found[0]) < 4
    )


def find_numbers(draft: Draft) -> None:
    """Read every digit that no other pass has read."""
    text = draft.text
    for found in _POINT.finditer(text):
        draft.add(found.start(), found.end(), f"point {digits(found[1])}", "decimal")
    for found in _DIGITS.finditer(text):
        start, end = found.start(), found.end()
        whole, fraction = found["whole"], found["fraction"]
        if not draft.is_free(start, end):
            start = found.start("whole")
            end = found.end("whole")
            fraction = None
            if not draft.is_free(start, end):
                _fill(draft, found.start("whole"), found.end("fraction") if found["fraction"] else end)
                continue
        plain = whole.replace(",", "")
        ascii_digits = "".join(str(unicodedata.decimal(char)) for char in plain)
        if whole != plain and len(ascii_digits.rstrip("0")) <= 15 and len(ascii_digits) <= 36 and ascii_digits[0] != "0":
            words = cardinal(int(ascii_digits))
        else:
            words = integer(ascii_digits)
        rule = "cardinal"
        if fraction:
            words += f" point {digits(fraction)}"
            rule = "decimal"
        if found["plural"] and end == found.end():
            words = plural_words(words)
        if found["sign"] and start == found.start():
            words = f"minus {words}"
        elif len(ascii_digits) > 15 or (ascii_digits[0] == "0" and len(ascii_digits) > 1):
            rule = "digits"
        if is_sentence_start(text, start) and start < 3:
            words = words[0].upper() + words[1:]
        draft.add(start, end, words, rule)


def _fill(draft: Draft, start: int, end: int) -> None:
    """Read the digits in a stretch that another edit covers in part."""
    position = start
    while position < end:
        if not draft.is_free(position, position + 1):
            position += 1
            continue
        stop = position
        while stop < end and draft.is_free(stop, stop + 1):
            stop += 1
        if any(map(str.isdecimal, draft.text[position:stop])):
            draft.add(position, stop, digits(draft.text[position:stop]), "digits")
        position = stop


def find_symbols(draft: Draft) -> None:
    """Find signs that are said, and make silent those that mean nothing to a listener."""
    text = draft.text
    for found in _PAIRS.finditer(text):
        slash = text.index("/", found.end("first"))
        start = found.end("first")
        pair = (found["first"].lower(), found["second"].lower())
        word = " or " if not found["more"] and pair[0] in _ALTERNATIVES and pair[1] in _ALTERNATIVES else " "
        if pair == ("and", "or"):
            word = " "
        if draft.is_free(start, found.start("second")) and slash:
            draft.add(start, found.start("second"), word, "symbol")
    for found in _AMPERSAND.finditer(text):
        if found.start() == 0 and found.end() == len(text):
            draft.add(found.start(), found.end(), "and", "symbol")
            continue
        if draft.is_free(found.start(), found.end()):
            draft.add(found.start(), found.end(), " and " if found.start() else "and ", "symbol")
    for found in _ARROW.finditer(text):
        _add_arrow(draft, found)
    for found in _ALONE_SIGN.finditer(text):
        sign = found[0]
        line = text[max(0, found.start() - 40) : found.start()].rpartition("\n")[2]
        if sign in "+=%@" and line.strip():
            draft.add(found.start(), found.end(), {"+": "plus", "=": "equals", "%": "percent", "@": "at"}[sign], "symbol")
    for found in _SNAKE.finditer(text):
        before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
        draft.add(found.start(), found.end(), " " if before.isalnum() and after.isalnum() else "", "symbol")
    for found in _SLASH.finditer(text):
        draft.add(found.start(), found.end(), " " if found.start() and found.end() < len(text) else "", "symbol")
    for found in _SILENT.finditer(text):
        _add_silent(draft, found.start(), found.end())
    if not text.isascii():
        for found in _GREEK_LETTER.finditer(text):
            draft.add(found.start(), found.end(), _GREEK[found[0]], "symbol")
        for found in _REST.finditer(text):
            _add_rest(draft, found.start(), found[0])


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
