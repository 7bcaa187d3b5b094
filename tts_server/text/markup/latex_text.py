"""Commands of LaTeX outside of formulas: `\\textbf{bold}` leaves its text, `\\cite{key}` nothing, `\\"o` the letter with its accent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from tts_server.text.edits import Edit
from tts_server.text.markup.latex import GREEK, read_formula
from tts_server.text.markup.marks import BLOCK_END, literal

_RULE = "latex"
_COMMAND = re.compile(r"\\([a-zA-Z]{1,30})\*?")
_OPTION = re.compile(r"\[[^\[\]\n]{0,200}\]")
_LONGEST_ARGUMENT = 200
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_PATH = re.compile(r"\W{0,2}(?:[A-Za-z]:|\\\\)")
_ACCENT = re.compile(r"\\(['`^\"~])(?:\{([A-Za-z])\}|([A-Za-z]))|\\([cvuHk])\{([A-Za-z])\}")
_ACCENTS = {"'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "c": "\u0327", "v": "\u030c", "u": "\u0306"}
_ACCENTS |= {"H": "\u030b", "k": "\u0328"}
_FONT = re.compile(
    r"\{\\(?:bf|it|em|sc|tt|sf|sl|rm|bfseries|itshape|scshape|ttfamily|sffamily|rmfamily|slshape|tiny|small|footnotesize|normalsize"
    r"|large|Large|LARGE|huge|Huge)(?: |(?=\\))"
)
_TIE = re.compile(r"(?:(?<=[a-z][a-z.)])|(?<=[A-Z]\.))~(?=[\w(])")
_EN_DASH = re.compile(r"(?<=[0-9])--(?=[0-9])")
_EM_DASH = re.compile(r"(?<=\w)---(?=\w)")

_TEXT = frozenset(
    "textbf textit emph texttt textsc textsf textrm textup textsl textmd textnormal text underline uline mathrm mathbf mathit mathsf"
    " mbox hbox fbox makebox framebox enquote textquote title author date url nolinkurl path textsuperscript textsubscript sout hl"
    " centerline alert mathcal mathbb operatorname acrshort acrlong gls Gls ac".split()
)
_HEADINGS = frozenset("part chapter section subsection subsubsection paragraph subparagraph caption frametitle".split())
_NOTES = frozenset("footnote footnotetext thanks marginpar sidenote".split())
_SECOND = frozenset("textcolor colorbox href hyperref foreignlanguage parbox raisebox scalebox resizebox".split())
_DROPPED = frozenset(
    "cite citep citet citealp citealt citeauthor citeyear parencite autocite textcite footcite nocite ref eqref pageref autoref nameref"
    " cref Cref vref label index vspace hspace includegraphics documentclass usepackage bibliography bibliographystyle input include"
    " newcommand renewcommand setlength addtolength setcounter addtocounter pagestyle thispagestyle pagenumbering graphicspath color"
    " addbibresource phantom vphantom hphantom footnotemark selectlanguage newpage clearpage geometry hypersetup newtheorem".split()
)
_SILENT = frozenset(
    "maketitle tableofcontents listoffigures listoftables pagebreak noindent indent par centering raggedright raggedleft hline toprule"
    " midrule bottomrule cline newline linebreak smallskip medskip bigskip hfill vfill quad qquad appendix printbibliography bfseries"
    " itshape scshape ttfamily normalfont footnotesize normalsize scriptsize protect displaystyle limits nonumber left right".split()
)
_SIGNS = {
    "LaTeX": "LaTeX", "TeX": "TeX", "BibTeX": "BibTeX", "ldots": "…", "dots": "…", "textellipsis": "…", "ss": "ß", "ae": "æ", "AE": "Æ",
    "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "copyright": "©", "texttrademark": "™", "textregistered": "®", "pounds": "£",
    "textsterling": "£", "euro": "€", "EUR": "€", "texteuro": "€", "textdegree": "°", "degree": "°", "textendash": "–",
    "textemdash": "—", "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“", "textquotedblright": "”",
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_", "times": "×", "approx": "≈",
    "leq": "≤", "geq": "≥", "neq": "≠", "infty": "∞", "pm": "±", "cdot": "×", "rightarrow": "→", "Rightarrow": "⇒", "textmu": "μ",
}  # fmt: skip
_AFTER_WORDS = frozenset("ldots dots textellipsis texttrademark textregistered textdegree degree copyright ss quad qquad".split())
_FORMULAS = {"frac": 2, "dfrac": 2, "tfrac": 2, "sqrt": 1, "binom": 2}


@dataclass(frozen=True)
class TextCommand:
    """The edits of a command, where the text after it continues, and what the braces that end its arguments become."""

    edits: list[Edit]
    end: int
    braces: dict[int, str] = field(default_factory=dict)


def matching_braces(text: str) -> dict[int, int]:
    """Where the brace is that closes each opening brace. Time is linear."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            pairs[opened.pop()] = brace.start()
    return pairs


def read_font(text: str, at: int, pairs: Mapping[int, int]) -> TextCommand | None:
    """`{\\bf bold}`."""
    font = _FONT.match(text, at)
    return TextCommand([Edit(at, font.end(), "", _RULE)], font.end(), {pairs[at]: ""}) if font and at in pairs else None


def read_command(text: str, at: int, pairs: Mapping[int, int], *, in_english: bool) -> TextCommand | None:
    """What a backslash outside of formulas begins, or None where it is no command that is known, as in a path of Windows."""
    word = re.split(r"[\s{}]", text[max(0, at - 200) : at])[-1]
    if _PATH.match(word):
        return None
    if accented := _accented(text, at):
        return accented
    command = _COMMAND.match(text, at)
    if command is None:
        return None
    name, end = command[1], command.end()
    if name in ("begin", "end"):
        return _environment(text, at, end, pairs)
    if name in _DROPPED:
        after = _after_arguments(text, end, pairs, 3)
        return TextCommand([Edit(_before_gap(text, at, after), after, "", _RULE)], after) if after > end or name.endswith("page") else None
    if name in _FORMULAS:
        return _bare_formula(text, at, end, pairs, in_english=in_english)
    option = _OPTION.match(text, end)
    inner = option.end() if option else end
    if name in _SECOND and inner in pairs:
        inner = pairs[inner] + 1
        name = "text"
    if inner in pairs and (name in _TEXT or name in _HEADINGS or name in _NOTES):
        if name in _NOTES:
            return TextCommand([Edit(at, inner + 1, " (", _RULE)], inner + 1, {pairs[inner]: ")"})
        before, after_text = ("\n", f"{BLOCK_END}\n") if name in _HEADINGS else ("", "")
        return TextCommand([Edit(at, inner + 1, before, _RULE)], inner + 1, {pairs[inner]: after_text})
    is_in_word = text[max(at - 1, 0) : at].isalnum() and name not in _AFTER_WORDS
    if "\\" in word or is_in_word:
        return None
    if name == "item":
        return TextCommand([Edit(at, end, f"{BLOCK_END}\n", _RULE)], end)
    if name in _SILENT:
        return TextCommand([Edit(at, end, "", _RULE)], end)
    sign = _SIGNS.get(name) or GREEK.get(name)
    if sign is None:
        return None
    after = end + 2 if text.startswith("{}", end) else end + 1 if text.startswith("\\ ", end) else end
    return TextCommand([Edit(at, after, literal(sign), _RULE)], after)


def find_text_sign_edits(text: str) -> list[Edit]:
    """The ties and dashes of LaTeX between words: `Dr.~Smith`, `10--20`, `so---no`."""
    edits = [Edit(tie.start(), tie.end(), " ", _RULE) for tie in _TIE.finditer(text)] if "~" in text else []
    if "--" in text:
        edits += (Edit(dash.start(), dash.end(), "–", _RULE) for dash in _EN_DASH.finditer(text))
        edits += (Edit(dash.start(), dash.end(), "—", _RULE) for dash in _EM_DASH.finditer(text))
    return edits


def _after_arguments(text: str, at: int, pairs: Mapping[int, int], most: int) -> int:
    """The offset after the options and arguments that follow, none of them long."""
    for _ in range(most):
        if option := _OPTION.match(text, at):
            at = option.end()
        elif at in pairs and pairs[at] - at <= _LONGEST_ARGUMENT:
            at = pairs[at] + 1
        else:
            break
    return at


def _before_gap(text: str, at: int, end: int) -> int:
    """The offset before the tie or the space that precedes a command without text, where no word follows."""
    before = text[max(at - 1, 0) : at]
    return at - 1 if before == "~" or (before == " " and not text[end : end + 1].isalnum()) else at


def _environment(text: str, at: int, end: int, pairs: Mapping[int, int]) -> TextCommand | None:
    if end not in pairs or pairs[end] - end > 40:
        return None
    after = _after_arguments(text, pairs[end] + 1, pairs, 2) if text.startswith("\\b", at) else pairs[end] + 1
    return TextCommand([Edit(at, after, f"{BLOCK_END}\n", _RULE)], after)


def _bare_formula(text: str, at: int, end: int, pairs: Mapping[int, int], *, in_english: bool) -> TextCommand | None:
    after = _after_arguments(text, end, pairs, _FORMULAS[text[at + 1 : end]] + 1) if text[at + 1 : end] in _FORMULAS else end
    if after == end:
        return None
    words = literal(read_formula(text[at:after], in_english=in_english))
    before, following = text[max(at - 1, 0) : at].isalnum(), text[after : after + 1].isalnum()
    return TextCommand([Edit(at, after, f"{' ' * before}{words}{' ' * following}", _RULE)], after)


def _accented(text: str, at: int) -> TextCommand | None:
    accent = _ACCENT.match(text, at)
    if accent is None:
        return None
    mark, letter = accent[1] or accent[4], accent[2] or accent[3] or accent[5]
    if accent[3]:  # without braces it may be an escaped quote, as in "don\'t"
        before = text[max(at - 2, 0) : at]
        is_in_word = before[-1:].isalpha() and (mark != "'" or (before.isalpha() and before.lower() != "qu" and len(before) == 2))
        if mark == "`" or not is_in_word or letter.lower() not in ("aeiouy" if mark != "~" else "nao"):
            return None
    composed = unicodedata.normalize("NFC", letter + _ACCENTS[mark])
    return TextCommand([Edit(at, accent.end(), composed, _RULE)], accent.end()) if len(composed) == 1 else None
