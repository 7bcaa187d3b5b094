"""Where abbreviations may begin in a text."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.abbreviation_words import (
    GENERAL,
    NUMBERED,
    NUMBERED_WITHOUT_DOT,
    ONLY_WITH_DOT,
    STREETS,
    TITLES,
    TITLES_WITHOUT_DOT,
)
from tts_server.text.normalize.english.draft import Draft
from tts_server.text.normalize.english.patterns import one_of

KEYS = ("Ctrl", "CTRL", "Cmd", "Esc", "Del", "PgUp", "PgDn")
_BARE = re.compile(
    one_of(
        [
            *TITLES_WITHOUT_DOT,
            *STREETS,
            *NUMBERED_WITHOUT_DOT,
            *(word.capitalize() for word in NUMBERED_WITHOUT_DOT),
            *(key for key in GENERAL if key not in ONLY_WITH_DOT),
            *(key.capitalize() for key in GENERAL if key not in ONLY_WITH_DOT),
            *"St Sts Ste Jr Sr Inc Ltd Corp Bros v aka a/k/a etc wrt w/o w/i w/ b/c b/w c/o n/a N/A N/a thru Thru Xmas BSc MSc &c".split(),
            *KEYS,
        ]
    )
    + "(?![^\\W_])"
)
_BARE_WORDS = frozenset(
    form
    for key in [*TITLES_WITHOUT_DOT, *STREETS, *NUMBERED_WITHOUT_DOT, *(key for key in GENERAL if key not in ONLY_WITH_DOT)]
    for form in (key, key.capitalize())
).union("St Sts Ste Jr Sr Inc Ltd Corp Bros v aka etc wrt thru Thru Xmas BSc MSc".split(), KEYS)
_DOTTED_WORDS = frozenset(
    [
        *(word.lower().rpartition(" ")[2] for word in TITLES),
        *(word.lower() for word in STREETS),
        *NUMBERED,
        *GENERAL,
        *"st sts ste jr sr e i a s w p n q al etc viz ph b m ed psy op c &c lt maj brig sgt vice v".split(),
    ]
)


def find_places(draft: Draft) -> list[int]:
    """Where abbreviations may begin: letters before a full stop, if they are known, and forms that need none."""
    text = draft.text
    starts: set[int] = set()
    if draft.has_word(_BARE_WORDS) or "/" in text or "&c" in text:
        starts = {found.start() for found in _BARE.finditer(text) if not text[max(0, found.start() - 1) : found.start()].isalnum()}
    dot = text.find(".")
    while dot >= 0:
        start = dot
        while start > 0 and dot - start < 8 and text[start - 1].isalpha():
            start -= 1
        if text[start:dot].lower() in _DOTTED_WORDS:
            starts.add(start)
            if text[max(0, start - 3) : dot].lower() == "et al":
                starts.add(start - 3)
        dot = text.find(".", dot + 1)
    return sorted(starts)
