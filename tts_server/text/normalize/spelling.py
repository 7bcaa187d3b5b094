"""Numbers in words, by the rules of the Unicode CLDR (`unicode-rbnf`)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

SOFT_HYPHEN = "\u00ad"


@functools.cache
def _engine(code: str) -> RbnfEngine:
    # Imported when the first number is read: the import takes 60 ms, and the rules of a language another 2 to 45 ms.
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language(code)


@functools.lru_cache(maxsize=16384)
def spell(code: str, ruleset: str, number: int) -> str | None:
    """A number from 0 on in words: `spell("de", "spellout-ordinal", 3)` is "dritte". None where the rules have no words for it.

    The rulesets of a language are those of its CLDR file, such as `spellout-numbering` and `spellout-cardinal-feminine`.
    """
    from unicode_rbnf.engine import RbnfError

    try:
        words = _engine(code).format_number(number, ruleset_names=[ruleset]).text.replace(SOFT_HYPHEN, "")
    except RbnfError:
        return None
    return None if not words or any(map(str.isdecimal, words)) else words
