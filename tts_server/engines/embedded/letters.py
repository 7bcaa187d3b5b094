"""Capitals in a text on its way to the embedded voice: names of letters ("F B I", "vitamin A") and words ("HE SAID")."""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_JOINED_LETTERS = 6
"""Longer rows of letters, such as the numbers of licences, are read letter by letter, each with its own stress."""

LETTERS = re.compile(rf"(?<![\w'’.&-])(?<!\b[A-Z] )[A-Z](?: [A-Z]){{1,{MAX_JOINED_LETTERS - 1}}}(?! [A-Z]\b)(?![\w&]|['’](?!s\b)|\.\w)")
"""An initialism whose letters are divided by spaces."""

LETTER_A = re.compile(r"(?<![\w.&-])(?<!\w['’])A(?![\w&-]|['’.]\w)")
"""An "A" alone: the article, or the name of the letter."""

ACRONYMS = {
    "ikea": "ˌIkˈiə", "json": "ʤˈAsən", "yaml": "jˈæməl", "qantas": "kwˈɑntəs", "europol": "jˈʊɹəpˌɑl", "amoled": "ˈæmOlˌɛd",
    "saas": "sˈæs", "gaap": "ɡˈæp", "noaa": "nˈOə", "ebitda": "ˈibɪtdˌɑ", "fico": "fˈIkO", "xor": "ˈɛksˌɔɹ", "fafsa": "fˈæfsə",
    "opac": "ˈOpˌæk",
    "ocha": "ˈOʧə", "sabena": "səbˈinə",
}  # fmt: skip
"""Words that hibari spells, or guesses wrongly in small letters, and their phonemes."""

ACRONYM = re.compile(rf"(?<![\w'’.&-])(?i:{'|'.join(ACRONYMS)})(?![\w&]|\.\w)")

_INITIALISMS_WITH_A = frozenset(
    """
        AAA AAP AARP ABC ABM ABS ABV ACE ACL ACLU ACP ACT ADC ADD ADHD AFAIK AFC AFK AFL AFP AGI AGM AIM AKA ALS ALU AMA AMC AMD AMG ANC
        ANSI AOC AOK AOL APA API APR APS AQI ARM ARPA ASAP ASCII ASL ASU ATC ATF ATM ATP ATT ATV AUX AVG AVI AWD AWOL AWS
    """.split()
)
_DETERMINERS = frozenset("a an the this that another every each any no my your his her its our their one straight grade".split())
_DIVISIONS = frozenset(
    """
        appendix block building category chapter class column exhibit figure flu form gate grade group hepatitis influenza item level list
        model option page part phase plan point row schedule section series side size table team terminal tier type unit vitamin zone
    """.split()
)
_NEVER_AFTER_ARTICLE = frozenset("is was are were has and or to equals plus minus times versus vs than of for".split())
_AMBIGUOUS = frozenset("us it who am me in or as may".split())
_FUNCTION_WORDS = frozenset(
    """
        he she they we you him her them his hers its our their your my mine this that these those there here what when where which why how
        and but nor so yet if than then because at by for from into of off on onto out over to up down with without not yes no go goes
        going gone was were is are be been being has had have having do does did done can could will would shall should must might get got
        all any some each every both few many much more most other such only own same too very now just again never ever
    """.split()
)
_CAPITALS = re.compile(r"(?<![\w'’.&-])[A-Z]{2,30}(?![\w&-]|['’]?[a-z]|\.[A-Za-z])")
_WORD_BEFORE = re.compile(r"([^\W\d_]{1,20})[ ]\Z")
_WORD_AFTER = re.compile(r"[ ]([^\W\d_]{1,20})")
_CONTEXT = 24


def is_article(text: str, match: re.Match[str]) -> bool:
    """Whether the "A" of `LETTER_A`, or with which `LETTERS` begins, is the indefinite article."""
    before, after = text[max(0, match.start() - _CONTEXT) : match.start()], text[match.end() : match.end() + _CONTEXT]
    letters = match[0].replace(" ", "")
    if letters[0] != "A":
        return False
    word_before = _WORD_BEFORE.search(before)
    is_start = word_before is None and not before.endswith((", ", ",", "; "))
    if len(letters) > 1:
        return is_start and len(letters) > 2 and letters not in _INITIALISMS_WITH_A
    word = _WORD_AFTER.match(after)
    if word is None or (len(word[1]) == 1 and word[1].isupper() and word[1] != "I"):
        return False
    if is_start:
        return word[1].lower() not in _NEVER_AFTER_ARTICLE
    # "A" inside of a sentence is the article only in titles: "Once Upon A Time".
    return word[1][0].isupper() and word_before is not None and word_before[1].lower() not in _DETERMINERS | _DIVISIONS


def with_words_in_small_letters(text: str, is_word: Callable[[str], bool]) -> str:
    """The text with words in capitals that are no initialisms in small letters, so that they are not spelled.

    These are function words, and where most words of the text are in capitals all words for which `is_word` is true.
    """
    capitals = _CAPITALS.findall(text)
    if not capitals:
        return text
    is_shouted = len(capitals) > 2 and 2 * len(capitals) > sum(len(word) > 1 for word in text.split())

    def small(match: re.Match[str]) -> str:
        word = match[0].lower()
        is_meant = is_word(word) or word in _AMBIGUOUS if is_shouted else word in _FUNCTION_WORDS and word not in _AMBIGUOUS
        return word if is_meant else match[0]

    return _CAPITALS.sub(small, text)
