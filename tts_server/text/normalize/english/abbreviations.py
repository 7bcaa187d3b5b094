"""Abbreviations by context: titles, streets, "no. 7", "fig. 3", "etc.", "w/", states after a town."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import FUNCTION_WORDS, Draft, ends_sentence, is_sentence_start, word_after, word_before

TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Mx": "Mix", "Dr": "Doctor", "Drs": "Doctors", "Messrs": "Messers", "Prof": "Professor",
    "Profs": "Professors", "Rev": "Reverend", "Fr": "Father", "Gen": "General", "Lt": "Lieutenant", "Col": "Colonel", "Capt": "Captain",
    "Cpt": "Captain", "Cmdr": "Commander", "Maj": "Major", "Sgt": "Sergeant", "Cpl": "Corporal", "Pvt": "Private", "Adm": "Admiral",
    "Gov": "Governor", "Sen": "Senator", "Sens": "Senators", "Rep": "Representative", "Reps": "Representatives", "Pres": "President",
    "Hon": "Honorable", "Supt": "Superintendent", "Insp": "Inspector", "Det": "Detective", "Msgr": "Monsignor", "Sr": "Senior",
    "Mt": "Mount", "Mts": "Mountains", "Ft": "Fort", "Pt": "Point", "Atty": "Attorney", "Amb": "Ambassador", "Sec": "Secretary",
    "Mme": "Madame", "Mlle": "Mademoiselle", "Br": "Brother", "Bp": "Bishop", "Abp": "Archbishop", "Brig": "Brigadier",
    "Cdr": "Commander",
    "Ens": "Ensign", "Del": "Delegate", "Asst": "Assistant", "Vice Pres": "Vice President", "Lt. Col": "Lieutenant Colonel",
    "Lt. Gov": "Lieutenant Governor", "Lt. Gen": "Lieutenant General", "Maj. Gen": "Major General", "Brig. Gen": "Brigadier General",
    "Dir": "Director", "Chm": "Chairman", "Ald": "Alderman", "Sgt. Maj": "Sergeant Major",
}  # fmt: skip
_WITHOUT_DOT = frozenset(("Mr", "Mrs", "Ms", "Mx", "Dr", "Drs", "Messrs", "Prof", "Lt", "Sgt", "Capt", "Mt", "Cpl", "Cmdr", "Msgr", "Mme"))
_STREETS = {
    "St": "Street", "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane", "Ct": "Court",
    "Pl": "Place", "Sq": "Square", "Ter": "Terrace", "Terr": "Terrace", "Pkwy": "Parkway", "Hwy": "Highway", "Expy": "Expressway",
    "Cir": "Circle", "Trl": "Trail", "Aly": "Alley", "Tpke": "Turnpike", "Fwy": "Freeway", "Plz": "Plaza",
}  # fmt: skip
_NUMBERED = {
    "no": "number", "nos": "numbers", "fig": "figure", "figs": "figures", "vol": "volume", "vols": "volumes", "ch": "chapter",
    "chap": "chapter", "chaps": "chapters", "sec": "section", "secs": "sections", "sect": "section", "p": "page", "pp": "pages",
    "pg": "page", "pgs": "pages", "eq": "equation", "eqs": "equations", "art": "article", "arts": "articles", "para": "paragraph",
    "paras": "paragraphs", "ver": "version", "ext": "extension", "apt": "apartment", "ste": "suite", "rm": "room", "bldg": "building",
    "fl": "floor", "pt": "part", "pts": "parts", "ex": "exercise", "tab": "table", "app": "appendix", "op": "opus", "ep": "episode",
    "ser": "series", "rt": "route", "rte": "route", "hwy": "highway", "est": "established", "ca": "circa", "c": "circa", "b": "born",
    "d": "died", "l": "line", "ll": "lines", "v": "verse", "vv": "verses", "fn": "footnote", "ln": "line", "q": "question",
    "tel": "telephone",
    "lvl": "level", "num": "number", "iss": "issue", "par": "paragraph", "cl": "clause", "def": "definition", "thm": "theorem",
    "sched": "schedule", "div": "division", "ref": "reference", "refs": "references", "pl": "plate", "unit": "unit", "fr": "from",
}  # fmt: skip
_NUMBERED_WITHOUT_DOT = frozenset(("fig", "figs", "vol", "pp", "eq", "apt", "ste", "bldg", "rm", "pg", "vols", "nos", "rte", "hwy"))
_GENERAL = {
    "approx": "approximately", "dept": "department", "depts": "departments", "govt": "government", "assn": "association",
    "assoc": "association", "univ": "university", "intl": "international", "mgmt": "management", "mgr": "manager", "mfg": "manufacturing",
    "max": "maximum", "min": "minimum", "avg": "average", "misc": "miscellaneous", "temp": "temperature", "incl": "including",
    "excl": "excluding", "esp": "especially", "resp": "respectively", "viz": "namely", "cf": "compare", "etc": "et cetera",
    "vs": "versus", "inc": "incorporated", "ltd": "limited", "corp": "corporation", "co": "company", "cos": "companies",
    "bros": "brothers", "jr": "junior", "sr": "senior", "esq": "esquire", "ave": "avenue", "blvd": "boulevard", "rd": "road",
    "hwy": "highway", "pkwy": "parkway", "apt": "apartment", "bldg": "building", "tel": "telephone", "ext": "extension",
    "est": "estimated",
    "hr": "hour", "hrs": "hours", "mins": "minutes", "secs": "seconds", "yr": "year", "yrs": "years", "mo": "month", "mos": "months",
    "wk": "week", "wks": "weeks", "lb": "pound", "lbs": "pounds", "oz": "ounces", "ft": "feet", "tbsp": "tablespoons", "tsp": "teaspoons",
    "qt": "quart", "gal": "gallon", "doz": "dozen", "ed": "edition", "eds": "editors", "trans": "translated", "repr": "reprinted",
    "pub": "published", "orig": "original", "prev": "previous", "ibid": "ibidem", "abbr": "abbreviation", "abbrev": "abbreviation",
    "adj": "adjective", "adv": "adverb", "admin": "administration", "amt": "amount", "anon": "anonymous", "appt": "appointment",
    "attn": "attention", "bal": "balance", "biol": "biology", "cert": "certificate", "const": "constant", "cont": "continued",
    "coord": "coordinator", "dist": "district", "div": "division", "elec": "electric", "encl": "enclosure", "eng": "engineering",
    "env": "environment", "exec": "executive", "fed": "federal", "freq": "frequency", "gen": "general", "hosp": "hospital",
    "hon": "honorable", "info": "information", "inst": "institute", "lang": "language", "lib": "library", "med": "medical",
    "mil": "military", "nat": "national", "natl": "national", "neg": "negative", "obs": "obsolete", "org": "organization",
    "pkg": "package", "pop": "population", "poss": "possible", "prob": "probably", "qty": "quantity", "rec": "recommended",
    "recd": "received", "ref": "reference", "reg": "registered", "req": "required", "reqd": "required", "sched": "schedule",
    "sci": "science",
    "spec": "specification", "specs": "specifications", "std": "standard", "subj": "subject", "supp": "supplement", "tech": "technical",
    "treas": "treasurer", "vocab": "vocabulary", "yd": "yard", "yds": "yards", "asst": "assistant", "dir": "director", "lt": "lieutenant",
    "pres": "president", "sec": "secretary", "sgt": "sergeant", "sq": "square", "cu": "cubic", "tue": "Tuesday", "no": "number",
    "nos": "numbers",
    "vol": "volume", "fig": "figure",
}  # fmt: skip
_NOT_GENERAL = frozenset(
    """
    no nos co ed eng env mil nat gen hon inst info lib med pop obs org rec reg div dist const cont cert admin spec specs tech sec sgt
    sq lt
    pub neg bal lang freq exec fed ext est min max trans prob sci adj adv temp mo wk gal ref hosp tue dir doz asst pres vol fig inc misc
    appt subj supp amt tel apt orig cos app bldg
    """.split()
)
"""Words or names of their own at the end of a sentence: they are expanded only where the sentence clearly goes on."""

_NEEDS_DOT = frozenset(_GENERAL) - frozenset("approx dept vs govt mgmt qty lbs hrs yrs avg misc blvd etc intl natl assn".split())
_FIXED = (
    (r"e\.[ ]?g\.", "for example", "abbreviation"),
    (r"i\.[ ]?e\.", "that is", "abbreviation"),
    (r"a\.k\.a\.|(?<=[ (])aka(?= )|(?<=[ (])a/k/a", "also known as", "abbreviation"),
    (r"et al\.", "et al", "abbreviation"),
    (r"&c\.|(?<=[ ])etc(?=[,;) ])", "et cetera", "abbreviation"),
    (r"s\.[ ]?t\.", "such that", "abbreviation"),
    (r"w\.r\.t\.|wrt", "with respect to", "abbreviation"),
    (r"w/o", "without", "abbreviation"),
    (r"w/i", "within", "abbreviation"),
    (r"w/", "with", "abbreviation"),
    (r"b/c", "because", "abbreviation"),
    (r"b/w", "between", "abbreviation"),
    (r"c/o", "care of", "abbreviation"),
    (r"[nN]/[aA]|N\.A\.", "N A", "abbreviation"),
    (r"P\.?[ ]?S\.(?= )", "P S", "initialism"),
    (r"N\.[ ]?B\.", "nota bene", "abbreviation"),
    (r"op\. cit\.", "opus citatum", "abbreviation"),
    (r"q\.v\.", "which see", "abbreviation"),
    (r"viz\.", "namely", "abbreviation"),
    (r"Ph\.[ ]?D\.", "P H D", "initialism"),
    (r"B\.?Sc\.", "B S C", "initialism"),
    (r"M\.?Sc\.", "M S C", "initialism"),
    (r"Ed\.D\.", "E D D", "initialism"),
    (r"Psy\.D\.", "Psy D", "initialism"),
    (r"[aA]\.[mM]\.", "A M", "time"),
    (r"[pP]\.[mM]\.", "P M", "time"),
    (r"thru", "through", "abbreviation"),
    (r"Xmas", "Christmas", "abbreviation"),
)
_FIXED_RE = re.compile(
    r"(?<![\w./])(?:" + "|".join(f"(?P<f{index}>{pattern})" for index, (pattern, _, _) in enumerate(_FIXED)) + r")(?![\w])"
)
_TITLE = re.compile(
    r"(?<![\w.'’-])(?P<title>"
    + "|".join(sorted(map(re.escape, TITLES), key=len, reverse=True))
    + r")(?P<dot>\.)?(?=[ \u00a0](?:[A-Z][\w'’.-]|(?:and|&|or) (?:Mrs|Ms|Mr|Dr|Dres|Prof)))"
)
_TITLE_PAIR = re.compile(r"(?<![\w.'’-])(?P<title>Mr|Mrs|Ms|Dr)\.?(?= (?:and|&|or) (?:Mrs|Ms|Mr|Dr|Prof)\b)")
_SAINT = re.compile(r"(?<![\w.'’-])(?P<word>Sts?|Ste)(?P<dot>\.)?(?=[ \u00a0-][A-Z])")
_STREET = re.compile(r"(?<=[\w.] )(?P<word>" + "|".join(sorted(_STREETS, key=len, reverse=True)) + r")(?P<dot>\.)?(?![\w'’]|-[A-Z])")
_DIRECTION = re.compile(r"(?<=[\w.,] )(?P<point>N\.?[EW]\.?|S\.?[EW]\.?|[NSEW]\.?)(?![\w'’])")
_POINTS = {"N": "North", "S": "South", "E": "East", "W": "West", "NE": "Northeast", "NW": "Northwest", "SE": "Southeast", "SW": "Southwest"}
_BEFORE_NUMBER = re.compile(
    r"(?<![\w.'’/-])(?P<word>"
    + "|".join(sorted(_NUMBERED, key=len, reverse=True))
    + r")(?P<dot>\.)?[ \u00a0]?(?=#?[0-9]|[IVX]{1,5}\b(?!['’])|[A-Z]?[0-9])",
    re.IGNORECASE,
)
_FIGURE_LETTER = re.compile(r"(?<![\w.])(?P<word>[Ff]igs?|[Aa]pp|[Tt]ab|[Aa]pt|[Ss]te|[Bb]ldg|[Uu]nit|[Ss]ec|[Rr]m)\.[ ](?=[A-Z](?![\w']))")
_COMMON = re.compile(
    r"(?<![\w.'’/@-])(?P<word>" + "|".join(sorted(_GENERAL, key=len, reverse=True)) + r")(?P<dot>\.)?(?![\w'’]|[-/@][\w]|\.[\w])",
    re.IGNORECASE,
)
_LEGAL = re.compile(r"(?<=[\w.'’)] )v\.?(?= [A-Z])")
_JUNIOR = re.compile(r"(?<=[a-z.,] )(?P<word>Jr|Sr)(?P<dot>\.)?(?![\w'’])")
_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado", "CT": "Connecticut",
    "DE": "Delaware", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa",
    "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan",
    "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio",
    "OK": "Oklahoma",
    "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee",
    "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin",
    "WY": "Wyoming", "DC": "D C",
}  # fmt: skip
_STATE = re.compile(r"(?<=[a-z],[ ])(?P<state>" + "|".join(_STATES) + r")(?=[ ][0-9]{5}|[.,;:!?)\n]|[ ](?:[a-z]|\()|\Z)(?!['’])")


def find_abbreviations(draft: Draft) -> None:
    """Find abbreviations, and expand them where the context shows what they mean."""
    text = draft.text
    for found in _FIXED_RE.finditer(text):
        _add_fixed(draft, found)
    for found in _STATE.finditer(text):
        draft.add(found.start(), found.end(), _STATES[found["state"]], "abbreviation")
    for found in _SAINT.finditer(text):
        _add_saint(draft, found)
    for found in _STREET.finditer(text):
        _add_street(draft, found)
    for found in _TITLE_PAIR.finditer(text):
        draft.add(found.start(), found.end(), TITLES[found["title"]], "abbreviation")
    for found in _TITLE.finditer(text):
        _add_title(draft, found)
    for found in _JUNIOR.finditer(text):
        stop = "." if found["dot"] and ends_sentence(text, found.end()) else ""
        draft.add(found.start(), found.end(), ("Junior" if found["word"] == "Jr" else "Senior") + stop, "abbreviation")
    for found in _BEFORE_NUMBER.finditer(text):
        _add_numbered(draft, found)
    for found in _FIGURE_LETTER.finditer(text):
        word = _NUMBERED[found["word"].lower()]
        draft.add(found.start(), found.end() - 1, word.capitalize() if found["word"][0].isupper() else word, "abbreviation")
    for found in _LEGAL.finditer(text):
        if word_before(text, found.start())[:1].isupper():
            draft.add(found.start(), found.end(), "versus", "abbreviation")
    for found in _COMMON.finditer(text):
        _add_general(draft, found)


def _like(word: str, pattern: str) -> str:
    """`word` with a capital where the abbreviation has one."""
    return word[0].upper() + word[1:] if pattern[0].isupper() else word


def _add_fixed(draft: Draft, found: re.Match[str]) -> None:
    index = int((found.lastgroup or "f0")[1:])
    _, words, rule = _FIXED[index]
    text, end = draft.text, found.end()
    if found[0] in ("w/", "w/i", "w/o") and text[end : end + 1] == "/":
        return
    words = _like(words, found[0]) if found[0][0].isupper() and is_sentence_start(text, found.start()) and words.islower() else words
    if found[0].endswith("."):
        may_end = rule != "abbreviation" or words in ("et cetera", "et al", "Et cetera") or text[end:].strip() == ""
        if may_end and ends_sentence(text, end):
            words += "."
    elif found[0] == "w/" and text[end : end + 1].isalnum():
        words += " "
    draft.add(found.start(), end, words, rule)


_SAINTS = frozenset(
    """
    John Louis Paul Peter Petersburg Mary Patrick Francis George Thomas Lucia Andrews Andrew Helens Helena Augustine Joseph James Michael
    Nicholas Anthony Martin Mark Matthew Luke Stephen Elizabeth Catherine Clair Cloud Charles Vincent Kitts Croix Moritz Tropez Bernard
    Albans Ives Pancras Johns Laurent Jude Anne Ann Agnes Clare Teresa Theresa Christopher David Benedict Dominic Bart Barts Philip Jerome
    Ambrose Gregory Lawrence Simon Barbara Cecilia Joan Bonaventure Aquinas Ignatius Xavier Pierre Denis Gallen Olaf Basil Cyril Edward
    """.split()
)


def _add_saint(draft: Draft, found: re.Match[str]) -> None:
    text = draft.text
    word = found["word"]
    before, following = word_before(text, found.start()), word_after(text, found.end())
    follows_name = (
        before[:1].isupper() and (before[-1:].isalpha() or before.endswith(".")) and text[found.start() - 2 : found.start() - 1].isalnum()
    )
    if (
        word == "St"
        and (follows_name or before[:1].isdigit())
        and (following not in _SAINTS or _numbered_street(text, found.start()))
        and before.lower() not in _HEADS
    ):
        return
    if not found["dot"] and following not in _SAINTS:
        return
    draft.add(found.start(), found.end(), {"St": "Saint", "Sts": "Saints", "Ste": "Sainte"}[word], "abbreviation")


_HEADS = frozenset(
    """
        the in at to from of on near and for by with visit see mount lake port old new king pope our fort cathedral basilica church
        when where was is
    """.split()
)
_HOUSE_BEFORE = re.compile(r"[0-9][A-Za-z]{0,2} (?:[NSEW]\.? )?(?:[A-Z][\w'’.]* ){1,3}$|[0-9](?:st|nd|rd|th) $")


def _numbered_street(text: str, start: int) -> bool:
    """Whether a house number and one to three names, or an ordinal, stand before."""
    return bool(_HOUSE_BEFORE.search(text[max(0, start - 48) : start]))


def _add_street(draft: Draft, found: re.Match[str]) -> None:
    text, word = draft.text, found["word"]
    before = word_before(text, found.start())
    named = (
        (before[:1].isupper() and (before.isalpha() or before.rstrip(".") in ("Jr", "King")) and before.lower() not in FUNCTION_WORDS)
        or re.fullmatch(r"[0-9]{1,3}(?:st|nd|rd|th)", before)
        or (len(before) == 1 and before.isupper())
    )
    if not named or text[found.start() - 2 : found.start() - 1] in ",;:!?)":
        return
    end = found.end()
    following = word_after(text, end)
    if (
        word == "Dr"
        and following[:1].isupper()
        and not _numbered_street(text, found.start())
        and following not in ("North", "South", "East", "West")
        and not ends_sentence(text, end)
    ):
        return  # "Ask Dr. Smith"
    if (
        word in ("Pl", "Sq", "Ter", "Cir", "Ct", "Av", "St", "Dr", "Ave", "Ln", "Rd")
        and not found["dot"]
        and word in ("Pl", "Sq", "Ter", "Cir", "Ct", "Av")
        and not _numbered_street(text, found.start())
    ):
        return
    if word == "Ct" and not _numbered_street(text, found.start()) and before in ("Supreme", "Superior", "District"):
        pass
    stop = "." if found["dot"] and ends_sentence(text, end) else ""
    if draft.add(found.start(), end, _STREETS[word] + stop, "abbreviation"):
        direction = _DIRECTION.match(text, end + 1)
        if direction and text[end : end + 1] == " ":
            point = direction["point"].replace(".", "")
            stop = "." if direction["point"].endswith(".") and ends_sentence(text, direction.end()) else ""
            draft.add(direction.start(), direction.end(), _POINTS[point] + stop, "abbreviation")
        _add_direction_before(draft, found.start())


_DIRECTION_BEFORE = re.compile(r"(?<=[0-9A-Z] )([NSEW])\.? (?=(?:[A-Z0-9][\w'’]* ){1,3}$)")


def _add_direction_before(draft: Draft, start: int) -> None:
    """Find the "N." in "123 N. Main St."."""
    head = max(0, start - 48)
    if found := _DIRECTION_BEFORE.search(draft.text[head:start]):
        end = head + found.end() - 1
        draft.add(head + found.start(), end, _POINTS[found[1]], "abbreviation")


def _add_title(draft: Draft, found: re.Match[str]) -> None:
    text, title = draft.text, found["title"]
    if not found["dot"] and title not in _WITHOUT_DOT:
        return
    following = word_after(text, found.end())
    if len(following) == 1 and not re.match(r"[ \u00a0][A-Z]\.", text[found.end() : found.end() + 3]):
        return
    before = word_before(text, found.start())
    if title in ("Sr", "Dir", "Del", "Rep", "Reps", "Fr", "Pt", "Det", "Sec", "Ens") and (
        not found["dot"] or (title == "Sr" and before[:1].isupper())
    ):
        return
    if title in ("Ft", "Pt") and before[-1:].isdigit():
        return
    draft.add(found.start(), found.end(), TITLES[title], "abbreviation")


def _add_numbered(draft: Draft, found: re.Match[str]) -> None:
    text, word = draft.text, found["word"]
    key = word.lower()
    if (
        not found["dot"]
        and key not in _NUMBERED_WITHOUT_DOT
        and not (key in ("p", "pp", "no") and text[found.end("word") : found.end("word") + 1].isdigit())
    ):
        return
    if not found["dot"] and key == "no":
        return
    if word.isupper() and len(word) > 1 and key not in ("no", "nos"):
        return
    roman = not text[found.end() : found.end() + 2].lstrip("#")[:1].isdigit() and not text[found.end() : found.end() + 2][1:].isdigit()
    if roman and key in ("no", "c", "b", "d", "l", "v", "ex", "est", "ca", "ref", "art", "app", "def", "fr", "q"):
        return
    if key in ("c", "b", "d", "ca", "est") and not re.match(r"[0-9]{3,4}", text[found.end() : found.end() + 4]):
        return
    if key in ("l", "v", "fr", "q") and word.isupper():
        return
    if key in ("l", "q", "fr", "def", "unit", "tab", "ex", "art", "app", "ref", "ser", "d", "b", "fl") and not found["dot"]:
        return
    if key == "fl" and text[max(0, found.start() - 1) : found.start()].isdigit():
        return
    before = word_before(text, found.start())
    if key in ("pt", "pts", "sec", "secs", "min", "fl", "ft") and before[-1:].isdigit():
        return
    if (
        key == "no"
        and word == "no"
        and re.search(r"(?:said|says|say|answered|replied|answer (?:is|was)) [\"“'‘]?$", text[max(0, found.start() - 20) : found.start()])
    ):
        return
    words = _like(_NUMBERED[key], word)
    space = "" if text[found.end() - 1] not in " \u00a0" else text[found.end() - 1]
    draft.add(found.start(), found.end() - len(space), words if space else f"{words} ", "abbreviation")


def _add_general(draft: Draft, found: re.Match[str]) -> None:
    text, word = draft.text, found["word"]
    key = word.lower()
    end = found.end()
    if not found["dot"]:
        if (
            (
                key in ("inc", "ltd", "corp", "co", "bros", "jr", "sr")
                and word[0].isupper()
                and word_before(text, found.start())[:1].isupper()
                and key not in ("co",)
            )
            or key not in _NEEDS_DOT
            and not word.isupper()
        ):
            draft.add(found.start(), end, _like(_GENERAL[key], word), "abbreviation")
        return
    if word.isupper() and len(word) > 1:
        return
    ends = ends_sentence(text, end)
    following = text[end : end + 2]
    goes_on = following[:1] in (",", ";", ")", ":") or (following[:1] == " " and (following[1:].islower() or following[1:].isdigit()))
    before = word_before(text, found.start())
    if key in ("inc", "ltd", "corp", "co", "cos", "bros"):
        if not (word[0].isupper() and before[:1].isupper()) and not goes_on:
            return
        if word[0].islower() and key in ("co", "cos"):
            return
    elif (
        key in ("no", "nos", "vol", "fig")
        or key in _NOT_GENERAL
        and not goes_on
        or key in ("gen", "lt", "sgt", "pres", "hon", "sec", "dir", "sr", "jr")
        and word[0].islower()
        and key in ("gen", "sec", "dir")
        or following[:1] == " "
        and following[1:].isupper()
        and key in ("obs", "mo", "wk")
    ):
        return
    if (
        key
        in (
            "ed",
            "eds",
            "trans",
            "co",
            "pop",
            "med",
            "mil",
            "nat",
            "org",
            "rec",
            "spec",
            "tech",
            "info",
            "temp",
            "gal",
            "prob",
            "doz",
            "tue",
        )
        and not (following[:1] == " " and following[1:].islower())
        and key not in ("co",)
    ):
        return
    if key == "ed" and not re.search(
        r"(?:[0-9](?:st|nd|rd|th)|rev\.?|new|first|second|third) $", text[max(0, found.start() - 8) : found.start()]
    ):
        return
    if key in ("ave", "blvd", "rd", "hwy", "pkwy") and not before:
        return
    words = _like(_GENERAL[key], word)
    if key in ("lb", "oz", "hr", "yr", "mo", "wk", "gal", "qt", "yd") and before.lower() in ("per", "a", "an", "each", "one", "every"):
        words = {"oz": "ounce"}.get(key, words)
    draft.add(found.start(), end, words + ("." if ends else ""), "abbreviation")
