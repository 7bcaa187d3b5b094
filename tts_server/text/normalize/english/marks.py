"""Signs that are judged before the digits around them are read: footnote marks, emoticons, rulers, "C++", "§ 5", "(s)"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.arithmetic import LOWERED
from tts_server.text.normalize.english.draft import Draft, is_sentence_start
from tts_server.text.normalize.english.initialisms import spell
from tts_server.text.normalize.english.numbers import cardinal, digits, pairs

_SIGN = re.compile(r"[-#+=_*~|&@%$°<>^\[\]()\\:;]")
_LANGUAGES = re.compile(r"(?<![\w])(?P<name>[CFJ]#|[CDN]\+\+|Notepad\+\+|[Cc]\+\+)(?![A-Za-z_+#])")
_FOOTNOTE = re.compile(
    r"\[(?:[0-9]{1,3}(?:[,–-] ?[0-9]{1,3}){0,6}|[a-z]|note [0-9]{1,2}|citation needed)\](?:\[(?:[0-9]{1,3}|[a-z])\]){0,9}"
)
_RAISED_NOTE = re.compile(r"[¹²³⁴⁵⁶⁷⁸⁹⁰][¹²³⁴⁵⁶⁷⁸⁹⁰]{0,2}(?=[\s.,;:]|$)")
_PLURAL = re.compile(r"\((?<=[^\W\d_]\()(s|es|ies)\)")
_SECTION = re.compile(r"(?P<sign>§§?|¶¶?)[ ]?(?=(?P<number>[0-9IVX])?)")
_LOWERED = re.compile(r"(?<![^\W\d_])(?P<formula>(?:[A-Z][a-z]?[₀-₉]{0,3}){1,12})(?![^\W\d_])")
_LOWERED_DIGIT = re.compile("[₀-₉]")
_ELEMENT = re.compile(r"([A-Z][a-z]?)([₀-₉]*)")
_COPYRIGHT = re.compile(r"©|\([cC]\)(?= ?(?:[12][0-9]{3}|[A-Z]))")
_EMOTICON = re.compile(
    r"(?<![\w])(?:[:;=][-'^]?[)(\]\[DPpOo/\\|*]{1,3}|[xX]D|<3(?=[!.]?\s{0,3}\Z|[!.]?\n| [:;=][-']?[)DPp])|"
    r"(?<=you )<3(?! ?[0-9])|(?<=love )<3|\^_\^|>_<|¯\\_\(ツ\)_/¯|[:;]'\()(?![\w])"
)
_TLDR = re.compile(r"(?<![\w])(?:TL;DR|tl;dr)(?![\w])")
_SUBSECTION = re.compile(r"(?<![\w.,/$-])(?P<number>[1-9][0-9]{2})(?P<letters>(?:\([a-z0-9]\)){1,3})(?P<plural>s)?(?![\w(])")
_RULER = re.compile(r"[-–—=_*~#+.·•<>|&@%$€£¥°→←↑↓⇒⇐➜➔►▶][-–—=_*~#+.·•<>|&@%$€£¥°→←↑↓⇒⇐➜➔►▶]+")
_DASHES = "-–—.·•"
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")


def find_marks(draft: Draft) -> None:
    """Find footnote marks, emoticons, rulers, programming languages and "(s)": before the digits in them are read."""
    text = draft.text
    if _SIGN.search(text) is None and text.isascii():
        return
    for found in _LANGUAGES.finditer(text) if "#" in text or "++" in text else ():
        name = found["name"]
        draft.add(found.start(), found.end(), f"{name.rstrip('+#')} {'sharp' if name.endswith('#') else 'plus plus'}", "symbol")
    for found in _FOOTNOTE.finditer(text) if "[" in text else ():
        start = found.start() - (text[found.start() - 1 : found.start()] == " ")
        before = text[start - 1 : start] if start else ""
        if before and (before.isalnum() or before in ".,;:!?)\"”'’"):
            draft.add(start, found.end(), "", "decoration")
    for found in _RAISED_NOTE.finditer(text) if not text.isascii() else ():
        before = text[max(0, found.start() - 3) : found.start()]
        if before[-1:] in '.,;:!?)"”' and before or (len(before) == 3 and before.isalpha()):
            draft.add(found.start(), found.end(), "", "decoration")
    for found in _TLDR.finditer(text) if ";" in text else ():
        draft.add(found.start(), found.end(), "T L D R", "initialism")
    for found in _EMOTICON.finditer(text):
        draft.add(found.start(), found.end(), "", "decoration")
    for found in _SUBSECTION.finditer(text) if "(" in text else ():
        letters = " ".join(char.upper() if char.isalpha() else cardinal(int(char)) for char in found["letters"] if char.isalnum())
        draft.add(found.start(), found.end(), f"{pairs(found['number'])} {letters}{found['plural'] or ''}", "initialism")
    for found in _RULER.finditer(text):
        if _is_ruler(text, found):
            draft.add(found.start(), found.end(), "", "decoration")
    if "(" in text:
        for found in _PLURAL.finditer(text):
            draft.add(found.start(), found.end(), found[1], "plural")
    for found in _COPYRIGHT.finditer(text):
        word = "Copyright" if is_sentence_start(text, found.start()) else "copyright"
        draft.add(found.start(), found.end(), f"{word} " if text[found.end() : found.end() + 1].isalnum() else word, "symbol")
    if not text.isascii():
        _find_special_characters(draft)


def _find_special_characters(draft: Draft) -> None:
    """Find keycap emoji, section signs and chemical formulas."""
    text = draft.text
    for found in _KEYCAP.finditer(text):
        draft.add(found.start(), found.end(), digits(found[1]) if found[1].isdigit() else "", "decoration")
    for found in _SECTION.finditer(text):
        name = "section" if found["sign"][0] == "§" else "paragraph"
        if found["number"]:
            plural = "s" if len(found["sign"]) > 1 else ""
            draft.add(found.start(), found.end(), f"{name}{plural} ", "symbol")
        else:
            draft.add(found.start(), found.start() + len(found["sign"]), name if found["sign"][0] == "§" else "", "symbol")
    for found in _LOWERED.finditer(text) if _LOWERED_DIGIT.search(text) else ():
        if any(char in LOWERED for char in found[0]):
            words = []
            for element in _ELEMENT.finditer(found[0]):
                words.append(spell(element[1].upper()) if len(element[1]) > 1 else element[1])
                if element[2]:
                    words.append(cardinal(int("".join(LOWERED[char] for char in element[2]))))
            draft.add(found.start(), found.end(), " ".join(words), "symbol")


def _is_ruler(text: str, found: re.Match[str]) -> bool:
    """Whether a run of signs only decorates: the same sign again and again, or any signs with spaces around."""
    run = found[0]
    if run == "**" and (text[found.start() - 1 : found.start()].isdigit() and text[found.end() : found.end() + 1].isalnum()):
        return False  # a power
    if run == "&&" or set(run) <= {"."} or (run[0] in "-–—" and len(set(run)) == 1 and _between_words(text, found)):
        return False
    if len(set(run)) == 1 and run[0] not in _DASHES and (run[0] != "+" or len(run) > 2):
        return True
    if len(set(run)) == 1 and run[0] == "-" and len(run) > 3:
        return True
    alone = not text[max(0, found.start() - 1) : found.start()].strip() and not text[found.end() : found.end() + 1].strip()
    return len(run) > 2 and alone and not set(run) & set("<>|&@%$€£¥°→←↑↓⇒⇐➜➔►▶")


def _between_words(text: str, found: re.Match[str]) -> bool:
    """Whether a dash of several characters stands between words of one line."""
    line_start = text.rfind("\n", max(0, found.start() - 40), found.start()) + 1
    before = text[max(line_start, found.start() - 40) : found.start()]
    return (
        any(map(str.isalpha, before))
        and any(map(str.isalpha, text[found.end() : found.end() + 12].partition("\n")[0]))
        and len(found[0]) < 4
    )
