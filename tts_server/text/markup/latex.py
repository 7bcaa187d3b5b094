"""Formulas in LaTeX, read aloud: in words for English, with plain signs for other languages, whose rules read the signs."""

from __future__ import annotations

import re

MAX_FORMULA = 2000
"""Characters of the longest formula that is read as one."""

_MAX_DEPTH = 20
_BARE_SCRIPT = re.compile(r"([_^])\{?([-+]?[0-9]{1,3}|[-+])\}?")
_TEXT = r"\\(?:text(?:bf|it|rm|tt)?|mbox|math(?:rm|bf|it|sf|bb|cal)|operatorname|ce)\*?\s?\{[^{}]{0,200}\}"
_PART = re.compile(rf"{_TEXT}|\\[a-zA-Z]{{1,30}}\*?|\\.|[0-9]+(?:[.,][0-9]+)*|[^\W\d_]|'{{1,4}}|\S", re.DOTALL)
_ATTACHED = re.compile(r" (?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ°′])|(?<=√) ")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_STRUCTURE = re.compile(r"\\[a-zA-Z,;:!%{}]|[\^_=<>]")
_OPERATOR = re.compile(r"[-+*/|!≤≥≠±×÷√∞]")
_AMOUNT = re.compile(r"[-+]?[0-9][0-9.,\s%–-]*(?:[kKmMbB]|bn|mn)?[-–]?")

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "vartheta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_OPERATORS = {
    "times": ("times", "×"), "cdot": ("times", "×"), "ast": ("times", "×"), "div": ("divided by", "÷"), "pm": ("plus or minus", "±"),
    "mp": ("minus or plus", "∓"), "leq": ("is less than or equal to", "≤"), "le": ("is less than or equal to", "≤"),
    "leqslant": ("is less than or equal to", "≤"), "geq": ("is greater than or equal to", "≥"), "ge": ("is greater than or equal to", "≥"),
    "geqslant": ("is greater than or equal to", "≥"), "lt": ("is less than", "<"), "gt": ("is greater than", ">"),
    "ll": ("is much less than", "≪"), "gg": ("is much greater than", "≫"), "neq": ("is not equal to", "≠"), "ne": ("is not equal to", "≠"),
    "approx": ("is approximately", "≈"), "sim": ("is similar to", "~"), "simeq": ("is approximately", "≈"),
    "equiv": ("is equivalent to", "≡"),
    "cong": ("is congruent to", "≅"), "propto": ("is proportional to", "∝"), "to": ("to", "→"), "rightarrow": ("to", "→"),
    "longrightarrow": ("to", "→"), "mapsto": ("maps to", "↦"), "leftarrow": ("from", "←"), "Rightarrow": ("implies", "⇒"),
    "implies": ("implies", "⇒"), "Leftrightarrow": ("if and only if", "⇔"), "iff": ("if and only if", "⇔"), "infty": ("infinity", "∞"),
    "in": ("in", "∈"), "notin": ("not in", "∉"), "subset": ("is a subset of", "⊂"), "subseteq": ("is a subset of", "⊆"),
    "cup": ("union", "∪"), "cap": ("intersection", "∩"), "emptyset": ("the empty set", "∅"), "forall": ("for all", "∀"),
    "exists": ("there exists", "∃"), "neg": ("not", "¬"), "land": ("and", "∧"), "wedge": ("and", "∧"), "lor": ("or", "∨"),
    "vee": ("or", "∨"), "partial": ("partial", "∂"), "nabla": ("nabla", "∇"), "circ": ("composed with", "∘"), "degree": ("degrees", "°"),
    "prime": ("prime", "′"), "mid": ("given", "|"), "parallel": ("is parallel to", "∥"), "perp": ("is perpendicular to", "⊥"),
    "angle": ("angle", "∠"), "ldots": ("dot dot dot", "…"), "dots": ("dot dot dot", "…"), "cdots": ("dot dot dot", "…"),
    "hbar": ("h bar", "ħ"), "ell": ("l", "l"), "%": ("percent", "%"), "$": ("dollars", "$"), "#": ("number", "#"), "&": ("and", "&"),
    "euro": ("euros", "€"), "pounds": ("pounds", "£"), "setminus": ("minus", "∖"), "oplus": ("plus", "⊕"), "otimes": ("times", "⊗"),
    "sin": ("sine", "sin"), "cos": ("cosine", "cos"), "tan": ("tangent", "tan"), "log": ("log", "log"), "ln": ("natural log", "ln"),
    "exp": ("exponential", "exp"), "max": ("maximum", "max"), "min": ("minimum", "min"), "det": ("determinant", "det"),
    "gcd": ("greatest common divisor", "gcd"), "arcsin": ("arc sine", "arcsin"), "arccos": ("arc cosine", "arccos"),
    "arctan": ("arc tangent", "arctan"), "sinh": ("hyperbolic sine", "sinh"), "cosh": ("hyperbolic cosine", "cosh"),
}  # fmt: skip
_SIGNS = {
    "=": "equals", "+": "plus", "-": "minus", "−": "minus", "*": "times", "/": "over", "<": "is less than", ">": "is greater than",
    "!": "factorial", "%": "percent", "≤": "is less than or equal to", "≥": "is greater than or equal to", "≠": "is not equal to",
    "±": "plus or minus", "×": "times", "÷": "divided by", "∞": "infinity", "≈": "is approximately",
}  # fmt: skip
_BIG = {"sum": ("sum", "∑"), "prod": ("product", "∏"), "int": ("integral", "∫"), "oint": ("contour integral", "∮"),
        "iint": ("double integral", "∬"), "lim": ("limit", "lim")}  # fmt: skip
_ACCENTS = {
    "bar": "bar",
    "overline": "bar",
    "hat": "hat",
    "widehat": "hat",
    "tilde": "tilde",
    "widetilde": "tilde",
    "dot": "dot",
    "ddot": "double dot",
}
_POWERS = {"2": "squared", "3": "cubed"}
_RAISED = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
_FUNCTION_LETTERS = frozenset("fghFGHOPpuvy")


def is_formula(source: str, *, is_certain: bool = False) -> bool:
    """Whether the text between two dollar signs is a formula rather than a price. `is_certain`: its delimiters are `\\(…\\)`."""
    source = source.strip()
    if not source or len(source) > MAX_FORMULA or "\n\n" in source:
        return False
    if not is_certain and _AMOUNT.fullmatch(source.replace("{,}", ",")):
        return False
    if _STRUCTURE.search(source):
        words = _WORD.findall(re.sub(r"\\[a-zA-Z]{1,30}\s?(?:\{[^{}]{0,200}\})?", "", source))
        return is_certain or len(words) < 3
    if _WORD.search(source):
        return False
    return bool(_OPERATOR.search(source)) or len(source) <= 12 and any(char.isalpha() for char in source)


def attached_sign(source: str, before: str, after: str) -> str | None:
    """The plain sign of a formula that is part of a word or a unit, as in `H$_2$O`, `m$^2$`, `5 $\\mu$m`, `20$^\\circ$C`, else None."""
    source = source.replace(" ", "")
    if script := _BARE_SCRIPT.fullmatch(source):
        return script[2] if script[1] == "_" else script[2].translate(_RAISED)
    if source in ("^\\circ", "^{\\circ}", "\\degree"):
        return "°"
    if source in ("\\mu", "\\Omega") and (after if source == "\\mu" else before).isalnum():
        return "μ" if source == "\\mu" else "Ω"
    return None


def read_formula(source: str, *, in_english: bool = True) -> str:
    """The words of a formula in English, or its plain signs for another language. Commands that are not known are left out."""
    reader = _Formula(_PART.findall(source.replace("{,}", ",")), in_english)
    words = " ".join(" ".join(reader.read_until(None, 0)).split())
    if not in_english:
        words = _ATTACHED.sub("", words)
    return words.replace(" ,", ",").replace(" :", ":").strip(" ,")


class _Formula:
    """Goes through the parts of a formula once."""

    def __init__(self, parts: list[str], in_english: bool) -> None:
        self._parts = parts
        self._at = 0
        self._in_english = in_english
        self._is_in_bars = False

    def read_until(self, end: str | None, depth: int) -> list[str]:
        """The words up to the part `end`, which is consumed, or up to the end of the formula."""
        words: list[str] = []
        while self._at < len(self._parts):
            part = self._parts[self._at]
            self._at += 1
            if part == end:
                break
            words += self._word(part, depth, words)
        return words

    def _word(self, part: str, depth: int, before: list[str]) -> list[str]:
        if part == "{":
            return self.read_until("}", depth + 1) if depth < _MAX_DEPTH else []
        if part in ("^", "_"):
            return self._script(part, depth, before)
        if part.endswith("}") and len(part) > 2:
            return [part[part.index("{") + 1 : -1]]
        if part[0] == "\\" and len(part) > 1:
            return self._command(part[1:].rstrip("*"), depth)
        if part[0] == "'":
            return ["prime" if self._in_english else "′"] * len(part)
        if part == "(" and self._in_english:
            return self._parenthesis(before)
        if part in _SIGNS:
            return [_SIGNS[part] if self._in_english else part]
        if part == "|":
            return self._bar(before)
        if part == ")" and self._in_english:
            # (x + 1)^2 is "x plus 1 all squared", (x)^2 is "x squared".
            is_power = self._parts[self._at : self._at + 1] == ["^"] and self._at > 2 and self._parts[self._at - 3] not in ("(", "\\left")
            return ["all"] if is_power else []
        if part in ",:":
            return [part]
        return [part] if part.isalnum() or part[0].isdigit() or (not self._in_english and part in "()") else []

    def _bar(self, before: list[str]) -> list[str]:
        if not self._in_english:
            return ["|"]
        if self._is_in_bars:
            self._is_in_bars = False
        elif "|" in self._parts[self._at : self._at + 40]:
            self._is_in_bars = True
            return ["absolute value of"]
        elif "P" in before:
            return ["given"]
        return []

    def _parenthesis(self, before: list[str]) -> list[str]:
        """How an opening parenthesis is said: f(x) is a function's value, n(n + 1) a product."""
        if not before or not before[-1].isalnum() or before[-1] in _NO_FACTORS:
            return []
        is_single = self._parts[self._at + 1 : self._at + 2] == [")"] and self._parts[self._at].isalpha()
        if before[-1] in _FUNCTION_WORDS or before[-1] in _FUNCTION_LETTERS or (is_single and len(before[-1]) == 1):
            return ["of"]
        return ["times"]

    def _argument(self, depth: int) -> list[str]:
        if self._at >= len(self._parts) or depth >= _MAX_DEPTH:
            return []
        part = self._parts[self._at]
        if part.isdigit() and len(part) > 1:  # an argument without braces is one digit, as in \frac12
            self._parts[self._at] = part[1:]
            return [part[0]]
        self._at += 1
        return self._word(part, depth + 1, [])

    def _optional(self, depth: int) -> list[str]:
        if self._at < len(self._parts) and self._parts[self._at] == "[" and depth < _MAX_DEPTH:
            self._at += 1
            return self.read_until("]", depth + 1)
        return []

    def _script(self, mark: str, depth: int, before: list[str]) -> list[str]:
        argument = self._argument(depth)
        joined = " ".join(argument)
        if not argument:
            return []
        if joined in ("composed with", "∘", "degrees"):
            return ["degrees" if self._in_english else "°"]
        if joined in ("prime", "′", "*", "times"):
            return ["star" if joined == "times" else joined] if self._in_english else [joined]
        if mark == "_":
            if before and before[-1].isalpha() and before[-1][0].isupper() and len(before[-1]) > 1 and joined.isdigit():
                before[-1] += joined  # CO₂
                return []
            if not self._in_english:
                return argument
            return ["base", *argument, "of"] if before[-1:] == ["log"] else ["sub", *argument]
        if not self._in_english:
            raised = joined.replace(" ", "").translate(_RAISED)
            return [raised if not any(char.isascii() for char in raised) else f"^ {joined}"]
        return [_POWERS[joined]] if joined in _POWERS else ["to the power of", *argument]

    def _command(self, name: str, depth: int) -> list[str]:
        if name in GREEK:
            return [name.removeprefix("var").lower() if self._in_english else GREEK[name]]
        if name in _OPERATORS:
            return [_OPERATORS[name][0 if self._in_english else 1]]
        if name in _BIG:
            return self._big(name, depth)
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            above, below = self._argument(depth), self._argument(depth)
            return [*above, "over" if self._in_english else "/", *below]
        if name in ("binom", "dbinom", "tbinom"):
            above, below = self._argument(depth), self._argument(depth)
            return [*above, "choose" if self._in_english else "/", *below]
        if name == "sqrt":
            return self._root(depth)
        if name in _ACCENTS:
            return [*self._argument(depth), *([_ACCENTS[name]] if self._in_english else [])]
        if name == "vec":
            return [*(["vector"] if self._in_english else []), *self._argument(depth)]
        if name in ("begin", "end", "label", "tag", "color", "ref"):
            self._argument(depth)
        return [","] if name == "\\" else []

    def _root(self, depth: int) -> list[str]:
        degree = " ".join(self._optional(depth))
        argument = self._argument(depth)
        if not self._in_english:
            return [f"{'' if degree in ('', '2') else degree.translate(_RAISED)}√", *argument]
        name = {"": "square", "2": "square", "3": "cube"}.get(degree, f"{degree}th")
        return [f"{name} root of", *argument]

    def _big(self, name: str, depth: int) -> list[str]:
        low: list[str] = []
        high: list[str] = []
        while self._at < len(self._parts) and self._parts[self._at] in ("_", "^", "\\limits", "\\nolimits"):
            mark = self._parts[self._at]
            self._at += 1
            if mark in "_^":
                argument = self._argument(depth)
                low, high = (argument, high) if mark == "_" else (low, argument)
        word, sign = _BIG[name]
        if not self._in_english:
            return [sign, *low, *(["→"] if low and high else []), *high]
        if name == "lim":
            return [word, "as", *("approaches" if term == "to" else term for term in low), "of"] if low else [word, "of"]
        bounds = ["from", *low, "to", *high] if low and high else ["over", *low] if low else []
        return [word, *bounds, "of"]


_NO_FACTORS = frozenset((*_SIGNS.values(), *(word for word, _ in _OPERATORS.values()), "over", "of"))
_FUNCTION_WORDS = frozenset(
    word for word, _ in (_OPERATORS[name] for name in ("sin", "cos", "tan", "log", "ln", "exp", "max", "min", "det"))
)
