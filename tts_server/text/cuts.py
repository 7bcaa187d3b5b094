"""Where a sentence too long for one segment may be cut: at a clause, else a space, else between letters that may part."""

from __future__ import annotations

import itertools
import re
import unicodedata

from tts_server.text.sentences import CLOSERS, SPACELESS

SHORT = 24
"""A piece of fewer characters, a word or two, is joined to a neighbour where the limits allow."""

CLAUSE_PAUSE = 0.05
"""Seconds of silence where a cut follows a comma or its like; elsewhere a cut has none."""

_CLAUSE = re.compile(
    rf"(?:[,;:!?…،؛፣፤፥፦၊՝]|--|(?<=[^\W\d_A-Z]{{4}})\.)[{CLOSERS}]*(?=\s)"  # followed by a space: 1,000 and 12:30 stay whole
    rf"|[，、；：。！？…]+[{CLOSERS}]*|(?<=\w)[—―]+(?=\w)|(?<=\s)[–—―-]{{1,3}}(?=\s)|[)\]）】](?=\s)"
)
_SPACELESS_CHAR = re.compile(f"[{SPACELESS}\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff，。！？、；：」』）】]")
_STAYS_WITH_THE_LETTER_BEFORE = re.compile(
    "[\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U0001f3fb-\U0001f3ff\u1160-\u11ff\u0e2f-\u0e33\u0e45\u0e46\u0eaf-\u0eb3\u0ec6"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーゝゞヽヾ々，。！？、；：」』）】〉》…"
    "]"
)
_STAYS_WITH_THE_LETTER_AFTER = re.compile("[\u200d\u1100-\u115f\u0e40-\u0e44\u0ec0-\u0ec4「『（【〈《“‘]")
_VIRAMA = 9
_WORD_BEFORE = re.compile(r"[^\W\d_']+$")
_LEADING_WORDS = frozenset(
    # English, German, French, Spanish, Italian, Portuguese, Dutch: articles, possessives, prepositions, conjunctions.
    """
    a an the my your his her its our their this that these those and or but nor of to in on at by for from with into onto over under
    about after before between through than as if because while when which who whose is was are were not no very
    der die das dem den des ein eine einen einem einer eines mein dein sein ihr unser euer und oder aber von zu im am um auf aus bei mit
    nach vor seit für durch gegen ohne über unter zwischen dass weil wenn als ob
    le la les un une des du de ce cette ces mon ma mes ton ta tes son sa ses notre votre leur et ou mais dans sur sous avec pour par sans
    chez vers que qui dont si
    el los las una unos unas del al mi tu su nuestro y o pero en con por para sin sobre entre hasta desde como
    il lo gli uno di da nel nella sul sulla con per tra fra e ed ma che chi se
    os as um uma do da dos das no na nos nas ao em com por para sem mas ou e
    het een mijn jouw zijn haar ons en of maar van naar op aan bij uit met door voor over onder dat die als
    """.split()
)
"""Words that belong to the one after them, in the languages whose words part at spaces and that are most often spoken."""

MAX_WORDS_BACK = 4
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")


def cut(text: str, start: int, limit: int, longest: int, sentence_end: int | None) -> tuple[int, float]:
    """Where to cut a sentence that begins at `start` and is longer than `limit` characters, and the silence there in seconds.

    Where the end of the sentence is known, at least SHORT characters are left for the next segment if possible.
    A word is cut only where it alone is longer than `longest`; up to that, a word that begins the sentence may exceed the limit.
    """
    earliest = start + max(limit // 3, 1)
    latest = start + limit
    before_short_rest = latest if sentence_end is None else min(latest, max(sentence_end - SHORT, start + limit // 2))
    for end in dict.fromkeys((before_short_rest, latest)):
        if (position := clause(text, start, end)) is not None and position >= earliest:
            return position, CLAUSE_PAUSE
        if (position := _space(text, earliest, end)) is not None:
            return position, 0.0
        for position in range(end, earliest, -1):
            if _SPACELESS_CHAR.match(text, position - 1) and _SPACELESS_CHAR.match(text, position) and can_part(text, start, position):
                return position, 0.0
    if (position := _space(text, start + 1, latest)) is not None:
        return position, 0.0
    within = min(start + longest + 1, len(text) if sentence_end is None else sentence_end)
    word_end = next((i for i in range(latest, within) if text[i].isspace()), sentence_end)
    if word_end is not None and word_end - start <= longest:
        return word_end, 0.0
    return next((i for i in range(latest, start, -1) if can_part(text, start, i)), latest), 0.0


def clause(text: str, start: int, end: int) -> int | None:
    """The last end of a clause after `start` and not beyond `end`, if any."""
    position = None
    for match in _CLAUSE.finditer(text, start, min(end + 1, len(text))):
        if match.end() <= end:
            position = match.end()
    return position


def can_part(text: str, start: int, position: int) -> bool:
    """Whether a piece from `start` may be cut at `position`: that splits no accent, emoji, vowel or flag."""
    before, after = text[position - 1], text[position]
    if unicodedata.category(after)[0] == "M" or _STAYS_WITH_THE_LETTER_BEFORE.match(after):
        return False
    if _STAYS_WITH_THE_LETTER_AFTER.match(before) or unicodedata.combining(before) == _VIRAMA:
        return False
    if not _FLAG_LETTER.match(after):
        return True
    flag_letters = itertools.takewhile(_FLAG_LETTER.match, (text[i] for i in range(position - 1, start - 1, -1)))
    return sum(1 for _ in flag_letters) % 2 == 0  # two letters make a flag


def _space(text: str, first: int, last: int) -> int | None:
    """The last space in the range, or one a few words before it if that comes after an article, a preposition or their like."""
    spaces = list(itertools.islice((i for i in range(last, first - 1, -1) if text[i].isspace()), MAX_WORDS_BACK))
    return next((i for i in spaces if not _is_leading_word(text, i)), spaces[0] if spaces else None)


def _is_leading_word(text: str, end: int) -> bool:
    word = _WORD_BEFORE.search(text, max(0, end - 12), end)
    return word is not None and word[0].lower() in _LEADING_WORDS
