"""Roman numerals, only where they are numerals: "Chapter IV", "Henry VIII", "World War I", "Part I:"."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import FUNCTION_WORDS, Draft, word_after, word_before
from tts_server.text.normalize.english.numbers import cardinal, ordinal, year

_NUMERAL = r"(?:M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))"
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_DIVISIONS = frozenset(
    """
    chapter part volume vol book act scene section article title phase type class level grade stage round appendix amendment canto psalm
    tier category figure table plate lesson unit episode season series schedule exhibit division group module track test experiment mark
    symphony sonata concerto opus war century cycle generation gen zone region step axis factor corps army no number page pages pp p
    """.split()
)
_LETTER_DIVISIONS = frozenset("chapter part volume vol book act scene article title phase war amendment canto stage".split())
"""Words after which even a single V or X is a numeral; after others it may be a letter."""

_RULERS = frozenset(
    """
    Henry Elizabeth Louis Charles George Edward Richard William James Mary Philip Benedict Pius Francis Leo Nicholas Peter Catherine
    Alexander Frederick Napoleon Ramesses Ramses Ptolemy Otto Ferdinand Christian Gustav Ivan Wilhelm Constantine Clement Innocent Gregory
    Urban Paul Robert Malcolm David Alfonso Carlos Felipe Haakon Harald Olav Margrethe Umberto Emmanuel Xerxes Darius Artaxerxes Thutmose
    Amenhotep Cleopatra Victor Leopold Albert Baudouin Rainier Stephen John Pedro Joao Sancho Sigismund Casimir Boniface Celestine Julius
    Sixtus Callixtus Eugene Nicholas Urban Adrian Alexios Basil Justinian Theodosius Mehmed Murad Selim Suleiman Abdul Rudolf Rudolph
    Maximilian Joseph Franz Karl Ludwig Friedrich Heinrich Gustavus Christina Magnus Eric Canute Kamehameha Rama Norodom Hussein Mohammed
    Abdullah Faisal Farouk Fuad Juan Isabella Isabel Berengar Lothair Conrad Manuel Michael Andronikos Leka Zog Taharqa Psamtik Seti Bela
    """.split()
)
_TITLES = frozenset("King Queen Pope Emperor Empress Tsar Czar Kaiser Sultan Prince Princess Saint Duke Lord Pharaoh Patriarch".split())
_AFTER_NAME = re.compile(r"(?<![\w.'’-])(?P<name>[A-Z][a-zé'’-]{1,20}) (?P<numeral>[IVX]{1,6})(?P<tail>['’]s)?(?![\w'’-]|\.[\w])")
_AFTER_DIVISION = re.compile(
    rf"(?<![\w.'’])(?P<word>[A-Za-z]{{1,12}})\.? (?P<numeral>(?=[IVXLCDM]){_NUMERAL}|"
    rf"(?=[ivxlcdm]{{2}})[ivxlc]{{2,8}})(?:[-–—](?P<to>[IVXLCDM]{{1,8}}))?(?![\w'’]|\.[\w])"
)
_LISTED = re.compile(
    r"(?:(?<=\n)|\A)[ ]{0,4}(?P<numeral>[IVX]{1,6})\.(?=[ ][A-Z])|\((?P<small>i{2,3}|iv|vi{1,3}|ix|xi{0,3}|I{2,3}|IV|VI{1,3}|IX)\)"
)
_CENTURY = re.compile(r"(?<![\w])(?P<numeral>[IVX]{1,6})(?:th)?(?=[ -](?:century|centuries|century's|Century)\b)")
_WORLD_WAR = re.compile(r"(?<![\w])WW(?P<numeral>II?)(?![\w])")
_ALSO = re.compile(r"(?:,? (?:and|or|&|to) |, )(?P<numeral>[IVX]{1,6})(?![\w'’])")
_ALONE = re.compile(
    r"(?<![\w.'’&/-])(?P<numeral>I{2,3}|VI{1,3}|IX|X[IVX]{1,4}|XXX?I{0,3}V?)(?:[-–—](?P<to>[IVX]{1,6}))?(?![\w&/'’]|\.[\w])"
)
_YEAR = re.compile(r"(?<![\w])(?P<numeral>M[CDMLXVI]{3,14})(?![\w])")
_BOWL = re.compile(
    r"(?<![\w])(?P<name>Super Bowl|WrestleMania|Olympiad|Rocky|Final Fantasy|Star Wars Episode|Apollo|Saw|Rambo"
    r"|Vatican) (?P<numeral>[IVXLCDM]{1,8})(?![\w'’])"
)
_VALID = re.compile(_NUMERAL)
_BREAK = re.compile(r"\Z|[.,;:!?)\]\"”’–—\n]|[ ](?:[-–—(&]|of\b|and\b|or\b|to\b|the\b(?! ))")
_VERBS = frozenset("was became ruled reigned died had is married succeeded ascended defeated invaded founded built of and in".split())
_NOT_NAMES = frozenset(
    """
        When While As If Because Since Before After Though Although But And So Then Yes No That What Where Who How Why Today Now Here
        Maybe Perhaps Sometimes Can Should Could Would Will May Do Did Am Or Nor Until Once Because Vitamin Plan Team Option Hepatitis
        Plus Mr Mrs Grade Malcolm Generation Model Xbox Mac Hi Hello Dear Oh Well Ok Okay
    """.split()
)


_DIVISION_WORDS = frozenset(form for word in _DIVISIONS for name in (word, f"{word}s") for form in (name, name.capitalize(), name.upper()))

_PREPOSITIONS = frozenset("in of from during by after before at under since through to until".split())
_AFTER_NUMERAL = frozenset(
    """
    we he she they you it there this these those the a an our their his her its my your all both each every no is are has were covers
    begins starts ends describes deals contains
    """.split()
)
"""Words that cannot follow the pronoun "I", and so tell that "in phase I" has a numeral."""

_INITIALISMS = frozenset("CD DC MD DM CM MC CC MM DI CV CI LI MI CL DL ML CCL MIX DX MV LC".split())


def roman_value(numeral: str) -> int:
    """The value of a Roman numeral in capitals; 0 where it is not well formed."""
    if not numeral or not _VALID.fullmatch(numeral):
        return 0
    total = 0
    for char, following in zip(numeral, numeral[1:] + " ", strict=True):
        value = _VALUES[char]
        total += -value if _VALUES.get(following, 0) > value else value
    return total


def _numeral(value: int) -> str:
    """A number below 4,000 in Roman numerals."""
    thousands, hundreds, tens, ones = (int(digit) for digit in f"{value:04}")
    return "M" * thousands + "".join(
        ("", one, one * 2, one * 3, one + five, five, five + one, five + one * 2, five + one * 3, one + ten)[digit]
        for digit, (one, five, ten) in ((hundreds, "CDM"), (tens, "XLC"), (ones, "IVX"))
    )


_NUMERALS = frozenset(_numeral(value) for value in range(1, 4000))
_SMALL_NUMERALS = frozenset(_numeral(value).lower() for value in range(2, 400)) - {"v", "x", "l", "c"}
_ALL_NUMERALS = _NUMERALS | _SMALL_NUMERALS | {"WWI", "WWII"}
_HEADS = frozenset(("Super", "WrestleMania", "Olympiad", "Rocky", "Final", "Star", "Apollo", "Saw", "Rambo", "Vatican"))


def find_romans(draft: Draft) -> None:
    """Find Roman numerals after words for divisions, after names of rulers, before "century", and years."""
    text = draft.text
    numerals = draft.words & _ALL_NUMERALS
    if "entur" in text:
        for found in _CENTURY.finditer(text):
            if value := roman_value(found["numeral"]):
                draft.add(found.start(), found.end(), ordinal(value), "roman")
    if not numerals:
        return
    if draft.has_word(_HEADS):
        for found in _BOWL.finditer(text):
            if value := roman_value(found["numeral"]):
                draft.add(found.start("numeral"), found.end(), cardinal(value), "roman")
    if draft.has_word(_DIVISION_WORDS):
        for found in _AFTER_DIVISION.finditer(text):
            _add_division(draft, found)
    has_longer = any(len(numeral) > 1 for numeral in numerals)
    if has_longer or draft.has_word(_RULERS) or draft.has_word(_TITLES):
        for found in _AFTER_NAME.finditer(text):
            _add_name(draft, found)
    if has_longer or "\n" in text:
        for found in _LISTED.finditer(text):
            numeral = found["numeral"] or found["small"].upper()
            if (value := roman_value(numeral)) and (len(numeral) > 1 or "\n" in text):
                group = "numeral" if found["numeral"] else "small"
                draft.add(found.start(group), found.end(group), cardinal(value), "roman")
    if has_longer:
        _find_clear_numerals(draft)


def _find_clear_numerals(draft: Draft) -> None:
    """Find numerals of several letters that need no word before them: "WWII", "MCMXCIX", "XIV"."""
    text = draft.text
    for found in _WORLD_WAR.finditer(text):
        draft.add(found.start(), found.end(), f"World War {'One' if found['numeral'] == 'I' else 'Two'}", "roman")
    for found in _YEAR.finditer(text):
        if 1000 <= (value := roman_value(found["numeral"])) < 2200:
            draft.add(found.start(), found.end(), year(value), "roman")
    for found in _ALONE.finditer(text):
        value = roman_value(found["numeral"])
        if not value or found["numeral"] in ("XX", "XXX", "XL"):
            continue
        words = cardinal(value)
        if found["to"]:
            words += f" to {cardinal(roman_value(found['to']))}"
        draft.add(found.start(), found.end(), words, "roman")


def _add_division(draft: Draft, found: re.Match[str]) -> None:
    text, word, numeral = draft.text, found["word"], found["numeral"]
    key = word.lower()
    if key not in _DIVISIONS and key.endswith("s"):
        key = key[:-1]
    if key not in _DIVISIONS:
        return
    value = roman_value(numeral.upper())
    if not value or (
        numeral.islower() and key not in ("page", "pages", "p", "pp", "chapter", "part", "section", "volume", "act", "scene", "book")
    ):
        return
    if not (_is_numeral_one(text, found, key) if numeral == "I" else _is_numeral(word, numeral, key)):
        return
    words = cardinal(value)
    if key == "war" and word[0].isupper() or word[0].isupper() and numeral == "I" and key in ("part", "book", "volume", "act"):
        words = words.capitalize()
    if found["to"] and (to := roman_value(found["to"])):
        words += f" to {cardinal(to)}"
    draft.add(found.start("numeral"), found.end(), words, "roman")
    end = found.end()
    while (also := _ALSO.match(text, end)) and (len(also["numeral"]) > 1 or key != word.lower()):
        if next_value := roman_value(also["numeral"]):
            draft.add(also.start("numeral"), also.end("numeral"), cardinal(next_value), "roman")
        end = also.end()


def _is_numeral(word: str, numeral: str, key: str) -> bool:
    """Whether letters other than "I" after a word for a division are a numeral: "Chapter V", but "Class C" and "Section CD"."""
    if len(numeral) == 1:
        return numeral in "VX" and key in _LETTER_DIVISIONS and word[0].isupper()
    return numeral not in _INITIALISMS or key in ("chapter", "psalm", "page")


def _is_numeral_one(text: str, found: re.Match[str], key: str) -> bool:
    """Whether "I" after "Part" and the like is a numeral: after "World War" always, otherwise only before a break."""
    word, end = found["word"], found.end("numeral")
    if found["to"] or (key != word.lower() and _ALSO.match(text, end)):
        return True
    following = word_after(text, end)
    if (
        key != "war"
        and word_before(text, found.start("word")).lower() in _PREPOSITIONS
        and (following.lower() in _AFTER_NUMERAL or text[end : end + 1] == ",")
    ):
        return True
    if not word[0].isupper() and key not in ("type", "phase", "stage", "grade", "class"):
        return False
    if key == "war":
        return word_before(text, found.start("word")) in ("World", "Gulf", "Punic", "Opium")
    if not following and _BREAK.match(text, end):
        return word_before(text, found.start("word")).lower() not in ("this", "that") or text[end : end + 1] in ".:"
    if word[0].isupper() and following in ("of", "and", "is", "was", "covers", "ends", "begins", "starts", "describes"):
        return word_before(text, found.start("word")).lower() not in ("the", "a", "this", "that", "every")
    return key in ("type", "phase", "stage", "grade") and following in (
        "diabetes",
        "trial",
        "trials",
        "error",
        "errors",
        "clinical",
        "cancer",
        "hypersensitivity",
        "collagen",
        "disorder",
        "cleaning",
    )


def _add_name(draft: Draft, found: re.Match[str]) -> None:
    text, name, numeral = draft.text, found["name"], found["numeral"]
    value = roman_value(numeral)
    if not value or name in _NOT_NAMES or name.lower() in FUNCTION_WORDS:
        return
    start, end = found.start("numeral"), found.end("numeral")
    first = word_before(text, found.start())
    titled = first in _TITLES
    ruler = name in _RULERS or titled
    following = word_after(text, end)
    if len(numeral) == 1:
        if not ruler or numeral not in "IVX":
            return
        known = titled or numeral != "I"
        at_break = not following and bool(_BREAK.match(text, end)) or bool(found["tail"])
        if not (
            at_break
            or following in ("of",)
            or (known and following in _VERBS)
            or (following in ("became", "ruled", "reigned") or (known and following[:1].isupper() and following in _TITLES))
        ):
            return
        if at_break and not titled and numeral == "I" and text[end : end + 1] == "," and name not in _RULERS:
            return
    family = ruler or (first[:1].isupper() and first in _GIVEN_NAMES)
    words = f"the {ordinal(value).capitalize()}" if family else cardinal(value)
    if numeral in ("XX", "XXX", "XL", "IV") and not family and name not in _KNOWN_SERIES and not first[:1].isupper():
        return
    draft.add(start, end, words, "roman")


_KNOWN_SERIES = frozenset(
    """
        Rocky Apollo Saw Fantasy Rambo Star Civilization Diablo Quest Warcraft Dragon Age Scream Halloween Godfather Photoshop Pentium
        Celeron Terminator Creed Jaws
    """.split()
)
_GIVEN_NAMES = frozenset(
    """
        John James William George Charles Henry Robert Thomas Edward Richard Joseph David Michael Daniel Paul Mark Davis Thurston
        Harry Frank Walter Arthur Fred Albert Samuel Benjamin Hank Ken Kenneth Bill Jim Tom Sammy Loudon Cornelius Adam Martin Peter
        Louis Alexander Andrew Anthony Jack Ted Theodore Ralph Howard Carl
    """.split()
)
