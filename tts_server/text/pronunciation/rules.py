"""Rules of a pronunciation dictionary: what stands in a text, and what is said instead."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from tts_server.text.clean import clean
from tts_server.text.edits import EditedText
from tts_server.text.fold import find_fold_edits
from tts_server.text.phonemes import MAX_PHONEME_SPAN
from tts_server.text.pronunciation.alphabets import to_ipa

MAX_STRING = 200
"""Characters of what a rule replaces, at most."""

MAX_ALIAS = 500
"""Characters of what is said instead, at most."""

MAX_RULES = 10_000
MAX_STRINGS = 400_000
"""Characters of what the rules of a dictionary replace, all together, at most."""

_PLURAL_CHARACTERS = 6
"""Characters that a plural or a possessive adds to a word and its pronunciation."""


@dataclass(frozen=True)
class Rule:
    """Where a text has `string_to_replace`, say `alias`, a text, or `phoneme`, a pronunciation written in `alphabet`.

    Exactly one of `alias` and `phoneme` is given. Unless it is `case_sensitive`, letters match in either case; with `word_boundaries` the
    rule does not match inside a word. Raises ValueError, saying what is wrong, for a rule that cannot be used.
    """

    string_to_replace: str
    alias: str | None = None
    phoneme: str | None = None
    alphabet: str = "ipa"
    case_sensitive: bool = True
    word_boundaries: bool = True
    ipa: str | None = field(default=None, init=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.string_to_replace) > MAX_STRING:
            raise ValueError(f"string_to_replace has {len(self.string_to_replace)} characters; at most {MAX_STRING} are possible")
        string = self.pattern
        if not string:
            raise ValueError("string_to_replace has no character that can be read")
        if (self.alias is None) == (self.phoneme is None):
            raise ValueError("a rule has either an alias or a phoneme")
        if self.alias is not None:
            if len(self.alias) > MAX_ALIAS:
                raise ValueError(f"alias has {len(self.alias)} characters; at most {MAX_ALIAS} are possible")
            if not clean(self.alias):
                raise ValueError("alias has no character that can be read")
        if self.phoneme is not None:
            most = MAX_PHONEME_SPAN - _PLURAL_CHARACTERS
            if len(self.phoneme) > most:
                raise ValueError(f"phoneme has {len(self.phoneme)} characters; at most {most} are possible")
            ipa = unicodedata.normalize("NFC", to_ipa(self.phoneme, self.alphabet))
            if len(string) + len(ipa) > most:
                raise ValueError(
                    f"string_to_replace and phoneme have {len(string) + len(ipa)} characters; together at most {most} are possible"
                )
            object.__setattr__(self, "ipa", ipa)

    @property
    def pattern(self) -> str:
        """`string_to_replace` as a text has it once its characters are cleaned and folded, with single spaces."""
        text = clean(self.string_to_replace)
        return " ".join(EditedText(text, find_fold_edits(text)).text.split())


def check_rules(rules: list[Rule]) -> None:
    """Raise ValueError where these are too many for one dictionary."""
    if len(rules) > MAX_RULES:
        raise ValueError(f"there are {len(rules)} rules; a dictionary has at most {MAX_RULES}")
    if (length := sum(len(rule.string_to_replace) for rule in rules)) > MAX_STRINGS:
        raise ValueError(f"the strings to replace have {length} characters; together at most {MAX_STRINGS} are possible")


def merged(rules: list[Rule], added: list[Rule]) -> list[Rule]:
    """`rules` with `added` at the end; those that replace the same string as an added one give way to it. The first of two added wins."""
    new: dict[str, Rule] = {}
    for rule in added:
        new.setdefault(rule.string_to_replace, rule)
    return [*(rule for rule in rules if rule.string_to_replace not in new), *new.values()]
