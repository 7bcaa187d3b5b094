"""Calculations, ranges, scores, fractions, powers and signed numbers: "5-3=2", "10–12", "won 3-1", "2½", "x²", "~5"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.amounts import (
    AMOUNT,
    DIGITS_OR_FRACTION,
    EURO_AMOUNT,
    MORE_OF_AMOUNT,
    VULGAR,
    fraction_parts,
    is_indian,
    read_amount,
    read_parts,
)
from tts_server.text.normalize.english.draft import Draft, followed_by, is_plural, is_sentence_start, word_after, word_before, words_before
from tts_server.text.normalize.english.numbers import cardinal, fraction, ordinal

RAISED = {"⁰": "0", "¹": "1", "²": "2", "³": "3", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9", "⁻": "-", "⁺": "+", "ⁿ": "n"}
LOWERED = {chr(0x2080 + digit): str(digit) for digit in range(10)}
_RAISED = "".join(RAISED)
_DASH = "[-–—‑−]"

_RAISED_SIGN = re.compile(f"[\\^{_RAISED}]")
_POWER = re.compile(
    rf"(?P<base>[0-9]{{1,15}}(?:\.[0-9]{{1,15}})?|(?<![^\W\d_])[A-Za-zα-ωπ](?=\^)|[A-Za-zα-ωπ](?!\^)|(?<=[\)\]]))(?:\^"
    rf"(?:\{{(?P<braced>[-−]?[0-9a-z]{{1,4}})\}}|(?P<plain>[-−]?[0-9]{{1,4}}|[a-z](?![a-z])))|"
    rf"(?P<raised>[{_RAISED}]{{1,5}}))"
)
_SCIENTIFIC = re.compile(
    r"(?<![\w.,])(?P<sign>[-−~≈])?(?P<mantissa>[0-9]{1,3}(?:\.[0-9]{1,12})?)(?:[eE](?P<e>[-−+]?[0-9]{1,3})| "
    r"?[×x*·⋅] ?10(?:\^\{?(?P<power>[-−+]?[0-9]{1,3})\}?|(?P<raised>[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹]{1,5})))(?![\w.])"
)
_SCIENTIFIC_SIGN = re.compile(r"[0-9](?:[eE][-−+]?[0-9]| ?[×x*·⋅] ?10)")
_OPERATORS = {
    "+": "plus", "−": "minus", "-": "minus", "–": "minus", "×": "times", "·": "times", "⋅": "times", "*": "times", "÷": "divided by",
    "/": "divided by", "=": "equals", "≠": "not equal to", "≥": "greater than or equal to", "≤": "less than or equal to",
    "≈": "approximately", "<": "less than", ">": "greater than", "±": "plus or minus", "==": "equals", "!=": "not equal to",
    ">=": "greater than or equal to", "<=": "less than or equal to", "=>": "implies", "≡": "identical to", "∝": "proportional to",
    "∈": "in", "∉": "not in", "⊂": "subset of", "⊆": "subset of", "∪": "union", "∩": "intersection", "≪": "much less than",
    "≫": "much greater than", "≅": "congruent to", "∓": "minus or plus", "∘": "of", "^": "to the power of", "x": "times",
    "∧": "and", "∨": "or", "⇒": "implies", "⇔": "if and only if", "∥": "parallel to", "⊥": "perpendicular to", "**": "to the power of",
}  # fmt: skip
_WORD_OPERATOR = re.compile(r"(?P<space>[ ]?)(?P<operator>==|!=|>=|<=|=>|\*\*|[+=≠≥≤≈<>×÷±≡∝∈∉⊂⊆∪∩≪≫≅∓∧∨⇒⇔∥⊥−·⋅])[ ]?")
_STAR = re.compile(r"(?<=[\w)] )(?P<star>[*])(?= (?:[A-Za-z(]|[0-9.]{1,9})(?![\w]))")
_OPERATOR_SIGN = re.compile("[+=≠≥≤≈<>×÷±≡∝∈∉⊂⊆∪∩≪≫≅∓∧∨⇒⇔∥⊥−·⋅]|[*]{2}")
_EQUATION = re.compile(rf"(?<![\w.,])[-−]?{AMOUNT}(?: ?(?:[-−–+×÷*/=·⋅]) ?[-−]?{AMOUNT}){{1,12}}")
_EQUATION_PART = re.compile(rf"( ?)([-−–+×÷*/=·⋅])( ?)([-−]?)({AMOUNT})")
_FIRST_AMOUNT = re.compile(AMOUNT)
_RANGE = re.compile(
    rf"(?<![\w.,/⁄:^])(?<!\w[-–−])(?P<first>{AMOUNT})(?P<space>[ ]?)(?P<dash>{_DASH}|\.\.\.?)[ ]?"
    rf"(?P<second>{AMOUNT})(?P<after>(?:[-–][0-9]{{1,9}}){{1,4}})?(?![\w/%]|[.,:][0-9])"
)
_ORDINAL_RANGE = re.compile(r"(?<![\w.,])(?P<first>[0-9]{1,4})(?:st|nd|rd|th)? ?[-–—] ?(?P<second>[0-9]{1,4})(?:st|nd|rd|th)(?![\w])")
_ORDINAL = re.compile(
    r"(?<![\w.])(?P<number>[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,12})(?P<suffix>st|nd|rd|th|ST|ND|RD|TH|ˢᵗ|ᵗʰ)(?P<plural>s)?(?![^\W_])"
)
_FRACTION = re.compile(
    rf"(?<![\w.,⁄/])(?P<amount>[0-9]{{1,4}} ?[{VULGAR}]|[{VULGAR}]|"
    rf"(?:[0-9]{{1,3}}[ -])?[0-9]{{1,4}}[/⁄][0-9]{{1,4}})(?![0-9⁄]|/[0-9]|[.,][0-9])(?P<hyphen>-(?=[A-Za-z]))?"
)
_FRACTION_SIGN = re.compile(f"[/⁄{VULGAR}]")
_RATING = re.compile(r"(?<![\w.,/])(?P<first>[0-9]{1,3}\.[0-9]{1,2}) ?/ ?(?P<second>[0-9]{1,3})(?![\w/%]|[.,][0-9])")
_SIGNED = re.compile(
    rf"(?:(?<![\w.,/{VULGAR})])|(?<=,)(?=[<>≤≥]))(?P<sign>[-−–+±~≈<>≤≥√∓]|\+/-|>=|<=|<~|±|~)(?P<space>[ ]?)(?P<amount>{EURO_AMOUNT})"
    rf"(?P<plus>\+)?(?![\w/%]|[.,:][0-9])"
)
_PLUS_AFTER = re.compile(rf"(?<![\w.,/⁄:])(?P<amount>{AMOUNT})\+(?![\w+=]| ?[0-9])")
_COMMA_LIST = re.compile(r"(?<![\w.,$€£])[0-9]{1,3}(?:,[0-9]{1,3}){1,30}(?![\w]|,[0-9])")
_SEPARATED = re.compile(
    r"(?<![\w.,/⁄:])[1-9][0-9]{0,2}(?:(?:[\u00a0\u202f\u2009'’_][0-9]{3}){1,8}|(?: [0-9]{3}){2,8}| 000|"
    r"(?:\.[0-9]{3}){2,8})(?:,[0-9]{1,2})?(?![\w%]|[.,:/-][0-9])"
)
_BEFORE_OPERATOR = followed_by(MORE_OF_AMOUNT + "−–+×÷*=·⋅", DIGITS_OR_FRACTION + "-−–+×÷*/=·⋅")
_BEFORE_DASH = followed_by(MORE_OF_AMOUNT + "–—‑−", DIGITS_OR_FRACTION + "-–—‑−.")
_BEFORE_POINT = followed_by(".")
_BEFORE_COMMA = followed_by(",")
_BEFORE_PLUS = followed_by(MORE_OF_AMOUNT + "+", DIGITS_OR_FRACTION)
_BEFORE_ORDINAL_DASH = followed_by("snrt-–—", "-–—")
_BEFORE_SUFFIX = followed_by("snrtSNRTˢᵗ,")
_BEFORE_GROUP = followed_by("'’_.", "0123456789")
_SPACES = "[ \u00a0\u202f\u2009]"
_SPACED_RANGE = re.compile(
    rf"(?<![\w.,/⁄:])([1-9][0-9]{{0,2}}(?:{_SPACES}[0-9]{{3}}){{1,4}}){_SPACES}?[-–—‑]{_SPACES}?"
    rf"([1-9][0-9]{{0,2}}(?:{_SPACES}[0-9]{{3}}){{1,4}})(?![\w%]|[.,:/-][0-9])"
)
_SIGN_WORDS = {
    "-": "minus", "−": "minus", "–": "minus", "+": "plus", "±": "plus or minus", "+/-": "plus or minus", "~": "about",
    "≈": "approximately",
    "<": "less than", ">": "greater than", "≤": "less than or equal to", "≥": "greater than or equal to",
    "<=": "less than or equal to", ">=": "greater than or equal to", "√": "the square root of",
    "∓": "minus or plus", "<~": "less than about",
}  # fmt: skip
_SCORE_WORDS = frozenset(
    """
    won win wins winning lost lose loses losing beat beats beating defeated score scored final tied tie draw drew led lead leads leading
    victory loss record trailed trail trails up down finished ended nil game match result 3-0 vs advanced
    """.split()
)
_RECIPES = frozenset((2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 32, 64, 100))
_PAGES = frozenset("page part step slide level lesson chapter stage question exercise day week round frame image photo item track".split())
_RATINGS = frozenset("rate rated rating score scored scores got gave give scoring grade graded completed passed failed won about".split())


def find_scientific(draft: Draft) -> None:
    """Find numbers times a power of ten: "6.02×10^23", "1e-5"."""
    if not draft.has_digits or _SCIENTIFIC_SIGN.search(draft.text) is None:
        return
    for found in draft.find_at_numbers(_SCIENTIFIC, "-−~≈"):
        exponent = found["e"] or found["power"] or "".join(RAISED[char] for char in found["raised"])
        sign = f"{_SIGN_WORDS[found['sign']]} " if found["sign"] else ""
        draft.add(found.start(), found.end(), f"{sign}{read_amount(found['mantissa'])} times ten to the {_exponent(exponent)}", "sign")


def find_powers(draft: Draft) -> None:
    """Find powers of numbers and letters: "x²", "2^8"."""
    text = draft.text
    if _RAISED_SIGN.search(text) is None:
        return
    for found in _POWER.finditer(text):
        raised = found["braced"] or found["plain"] or "".join(RAISED[char] for char in found["raised"])
        base = found["base"]
        said = read_amount(base) if base[:1].isdigit() else base
        if raised in ("2", "3"):
            power = "squared" if raised == "2" else "cubed"
        elif not any(map(str.isalnum, raised)):
            power = {"+": "plus", "-": "minus"}.get(raised[:1], "")
        elif not base and found["raised"]:
            continue
        else:
            power = f"to the {_exponent(raised)}"
        if base.isdigit() and found["raised"] and len(base) > 3 and int(base) > 1500 and raised == "1":
            continue
        draft.add(found.start(), found.end(), f"{said} {power}".strip(), "sign")


def _exponent(text: str) -> str:
    """What follows "to the": "sixth", "minus five", "n"."""
    sign = "minus " if text[0] in "-−" else ""
    number = text.lstrip("-−+")
    if not number.isdigit():
        return f"power of {sign}{' '.join(number)}" if sign or len(number) > 1 else number
    return f"{sign}{cardinal(int(number))}" if sign else ordinal(int(number))


def find_ordinals(draft: Draft) -> None:
    """Find ordinals and ranges of them."""
    text = draft.text
    for found in draft.find_at_numbers(_ORDINAL_RANGE, after=_BEFORE_ORDINAL_DASH):
        draft.add(found.start(), found.end(), f"{ordinal(int(found['first']))} to {ordinal(int(found['second']))}", "ordinal")
    for found in draft.find_at_numbers(_ORDINAL, after=_BEFORE_SUFFIX):
        words = ordinal(int(found["number"].replace(",", "")))
        following = word_after(text, found.end())
        if following[:1].isupper() and following in ("Ave", "Avenue", "St", "Street", "Amendment", "Century", "Fleet", "Army", "Symphony"):
            words = words.capitalize()
        draft.add(found.start(), found.end(), words + ("s" if found["plural"] else ""), "ordinal")


def find_grouped(draft: Draft) -> None:
    """Find integers whose thousands are separated by spaces, points, apostrophes or underscores."""
    for found in draft.find_at_numbers(_SPACED_RANGE, after=_BEFORE_GROUP):
        draft.add(found.start(), found.end(), f"{read_amount(found[1])} to {read_amount(found[2])}", "range")
    for found in draft.find_at_numbers(_SEPARATED, after=_BEFORE_GROUP):
        draft.add(found.start(), found.end(), read_amount(found[0]), "cardinal")


def find_arithmetic(draft: Draft) -> None:
    """Find calculations, fractions, ranges, scores and numbers with a sign."""
    for found in draft.find_at_numbers(_EQUATION, "-−", after=_BEFORE_OPERATOR):
        _add_equation(draft, found)
    for found in draft.find_at_numbers(_FRACTION) if _FRACTION_SIGN.search(draft.text) else ():
        _add_fraction(draft, found)
    for found in draft.find_at_numbers(_RATING, after=_BEFORE_POINT) if "/" in draft.text else ():
        words = f"{read_amount(found['first'])} out of {read_amount(found['second'])}"
        draft.add(found.start(), found.end(), words, "fraction")
    for found in draft.find_at_numbers(_RANGE, after=_BEFORE_DASH):
        _add_range(draft, found)
    for found in draft.find_at_numbers(_PLUS_AFTER, after=_BEFORE_PLUS) if "+" in draft.text else ():
        draft.add(found.start(), found.end(), f"{read_amount(found['amount'])} plus", "cardinal")
    for found in draft.find_at_numbers(_SIGNED, "-−–+±~≈<>≤≥√∓/= ", is_signed=True):
        _add_signed(draft, found)
    for found in draft.find_at_numbers(_COMMA_LIST, after=_BEFORE_COMMA):
        _add_comma_list(draft, found)


def find_operators(draft: Draft) -> None:
    """Find signs of operation and comparison between words, letters and numbers that are already read."""
    text = draft.text
    if _OPERATOR_SIGN.search(text) is None and "!=" not in text and " * " not in text:
        return
    if " * " in text:
        _find_stars(draft)
    for found in _WORD_OPERATOR.finditer(text):
        before, after = text[found.start() - 1 : found.start()] if found.start() else "", text[found.end() : found.end() + 1]
        operator = found["operator"]
        if (
            not before
            or not after
            or not (before.isalnum() or before in ")]°%²³" or before in VULGAR)
            or not (after.isalnum() or after in "([-−√∞.$" or after in VULGAR)
        ):
            continue
        if operator in ("<", ">", "+", "=>") and not _is_operator(text, found):
            continue
        end = found.end()
        draft.add(found.start(), end, f" {_OPERATORS[operator]} ", "sign")


def _find_stars(draft: Draft) -> None:
    """Find "*" as a sign of multiplication between letters and numbers that stand alone: "A * B"."""
    for found in _STAR.finditer(draft.text):
        before = draft.text[: found.start("star")][-12:].rstrip(" ").rpartition(" ")[2].lstrip("(")
        if before in ("a", "I"):
            continue
        if len(before) == 1 or before.replace(".", "").isdigit() or before.endswith(")"):
            draft.add(found.start("star"), found.end("star"), "times", "sign")


def _is_operator(text: str, found: re.Match[str]) -> bool:
    """Whether "<", ">" or "+" stands between two things and is no bracket and no part of a name."""
    spaced = found[0][0] == " " and found[0][-1] == " "
    if spaced:
        return True
    return text[found.start() - 1].isdigit() or text[found.end()].isdigit() or found["operator"] == "+"


def _add_equation(draft: Draft, found: re.Match[str]) -> None:
    """A chain of numbers and operators is a calculation where it has an equals sign, a plus or a sign that is only used there."""
    chain = found[0]
    body = chain.lstrip("-−")
    operators = [part[2] for part in _EQUATION_PART.finditer(body)]
    certain = any(operator in "+×÷=·⋅−" for operator in operators)
    starred = "*" in operators
    if not (certain or starred) or ("/" in operators and not certain):
        return
    if (
        set(operators) <= {"×"}
        and "=" not in chain
        and not re.match(r" ?=", draft.text[found.end() : found.end() + 2])
        and " × " not in chain
        and chain.count("×") < 1
    ):
        return
    first = body
    if part := _EQUATION_PART.search(body):
        first = body[: part.start()]
    if not _FIRST_AMOUNT.fullmatch(first):  # "30 6/2=3" begins with a mixed number
        head = _FIRST_AMOUNT.match(body)
        first = head[0] if head else body
    words = ["minus"] if chain[0] in "-−" else []
    words.append(read_amount(first))
    end = len(first)
    while part := _EQUATION_PART.match(body, end):
        words.append(_OPERATORS[part[2]])
        if part[4]:
            words.append("minus")
        words.append(read_amount(part[5]))
        end = part.end()
    if end < len(body):
        return
    draft.add(found.start(), found.end(), " ".join(words), "sign")


def _add_fraction(draft: Draft, found: re.Match[str]) -> None:
    text, amount = draft.text, found["amount"]
    end = found.end("amount")
    slash = "/" in amount or "⁄" in amount
    if not slash:
        whole, numerator, denominator = fraction_parts(amount)
        words = read_amount(amount)
    else:
        head, _, last = amount.replace("⁄", "/").partition("/")
        whole_text, _, top = head.replace("-", " ").rpartition(" ")
        numerator, denominator = int(top), int(last)
        words = _slashed(text, found, whole_text, numerator, denominator)
    if found["hyphen"]:
        end = found.end()
        words += " "
    draft.add(found.start(), end, words, "fraction")


def _slashed(text: str, found: re.Match[str], whole: str, numerator: int, denominator: int) -> str:
    before = word_before(text, found.start()).lower().strip(".")
    following = word_after(text, found.end()).lower()
    top, bottom = cardinal(numerator), cardinal(denominator)
    if found["amount"] in ("24/7", "9/11", "50/50", "20/20", "60/40", "80/20", "70/30", "40/60", "90/10"):
        return f"{top} {bottom}" if found["amount"] != "9/11" else "nine eleven"
    if whole:
        return (
            read_amount(found["amount"].replace("⁄", "/"))
            if denominator > 1 and numerator < denominator
            else f"{cardinal(int(whole))} {top} over {bottom}"
        )
    if before in _PAGES:
        return f"{top} of {bottom}"
    if denominator in (0, 1):
        return f"{top} over {bottom}"
    if (
        before in _RATINGS
        and denominator >= 5
        or (
            following
            and (
                is_plural(following)
                and following not in ("inches", "cups", "teaspoons", "tablespoons", "miles", "pounds", "ounces", "hours")
                and denominator >= 5
            )
        )
    ):
        return f"{top} out of {bottom}"
    if (
        numerator < denominator
        and denominator in _RECIPES
        and (denominator not in (10, 100) or numerator == 1 or following in ("of", "inch", "mile"))
    ):
        if denominator == 5 and not following and before in ("it", "is", "a"):
            return f"{top} out of {bottom}"
        return fraction(numerator, denominator)
    if numerator <= denominator and denominator in (5, 10, 12, 20, 25, 30, 40, 50, 60, 75, 80, 100, 1000):
        return f"{top} out of {bottom}"
    return f"{top} over {bottom}"


def _add_range(draft: Draft, found: re.Match[str]) -> None:
    text, first, second = draft.text, found["first"], found["second"]
    if found["after"]:
        return
    before = [word.lower().strip(".,:(") for word in words_before(text, found.start())[-4:]]
    hyphen = found["dash"] in ("-", "−")
    parts, others = read_parts(first), read_parts(second)
    is_score = bool(_SCORE_WORDS.intersection(before))
    if hyphen and found["space"] and not is_score and parts and others and _value(parts) > _value(others):
        draft.add(found.start(), found.end(), f"{read_amount(first)} minus {read_amount(second)}", "sign")
        return
    if parts and parts[0][:1] == "0" and len(parts[0]) > 1:
        return
    draft.add(found.start(), found.end(), f"{read_amount(first)} to {read_amount(second)}", "score" if is_score else "range")


def _value(parts: tuple[str, str]) -> float:
    return float(f"{parts[0] or '0'}.{parts[1] or '0'}")


def _add_signed(draft: Draft, found: re.Match[str]) -> None:
    text, sign = draft.text, found["sign"]
    start = found.start()
    line_start = not text[:start].rpartition("\n")[2].strip() if start < 200 else text[start - 1] == "\n"
    if sign in ("-", "–") and found["space"]:
        return  # a dash in a sentence, or the mark of a list item
    if sign in ("+", "<", ">") and found["space"] and line_start:
        return
    words = f"{_SIGN_WORDS[sign]} {read_amount(found['amount'])}"
    if sign == "√" and is_sentence_start(text, start):
        words = words[0].upper() + words[1:]
    if found["plus"]:
        words += " plus"
    if text[start - 1 : start] == "\ufffc":
        words = f" {words}"
    draft.add(start, found.end(), words, "sign")


def _add_comma_list(draft: Draft, found: re.Match[str]) -> None:
    """Numbers joined by commas: a decimal with a decimal comma, or a list. Groups of three digits are read elsewhere."""
    text = draft.text
    parts = found[0].split(",")
    if len(parts) == 2 and len(parts[1]) < 3:
        following, before = word_after(text, found.end()).lower(), word_before(text, found.start()).lower()
        if not (following in ("and", "or") or is_plural(before) or text[found.end() : found.end() + 2] in (" &",)):
            draft.add(found.start(), found.end(), read_amount(f"{parts[0]}.{parts[1]}"), "decimal")
            return
    if all(len(part) == 3 for part in parts[1:]) and not parts[0].startswith("0"):
        return
    if is_indian(found[0]):
        draft.add(found.start(), found.end(), read_amount(found[0]), "cardinal")
        return
    draft.add(found.start(), found.end(), ", ".join(read_amount(part) for part in parts), "cardinal")
