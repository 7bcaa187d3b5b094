"""Abbreviations and the words that they stand for, by the place where they are understood."""

from __future__ import annotations

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
TITLES_WITHOUT_DOT = frozenset(
    ("Mr", "Mrs", "Ms", "Mx", "Dr", "Drs", "Messrs", "Prof", "Lt", "Sgt", "Capt", "Mt", "Cpl", "Cmdr", "Msgr", "Mme")
)
STREETS = {
    "St": "Street", "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane", "Ct": "Court",
    "Pl": "Place", "Sq": "Square", "Ter": "Terrace", "Terr": "Terrace", "Pkwy": "Parkway", "Hwy": "Highway", "Expy": "Expressway",
    "Cir": "Circle", "Trl": "Trail", "Aly": "Alley", "Tpke": "Turnpike", "Fwy": "Freeway", "Plz": "Plaza",
}  # fmt: skip
NUMBERED = {
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
    "rev": "revision", "vit": "vitamin", "cat": "category", "lat": "latitude", "long": "longitude", "acct": "account",
}  # fmt: skip
NUMBERED_WITHOUT_DOT = frozenset(("fig", "figs", "vol", "pp", "eq", "apt", "ste", "bldg", "rm", "pg", "vols", "nos", "rte", "hwy"))
GENERAL = {
    "approx": "approximately", "mr": "Mister", "mrs": "Missus", "dept": "department", "depts": "departments", "govt": "government",
    "assn": "association",
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
    "vol": "volume", "fig": "figure", "acct": "account", "accts": "accounts",
}  # fmt: skip
AMBIGUOUS = frozenset(
    """
    no nos co ed eng env mil nat gen hon inst info lib med pop obs org rec reg div dist const cont cert admin spec specs tech sec sgt
    sq lt
    pub neg bal lang freq exec fed ext est min max trans prob sci adj adv temp mo wk gal ref hosp tue dir doz asst pres vol fig inc misc
    appt subj supp amt tel apt orig cos app bldg
    """.split()
)
"""Words or names of their own at the end of a sentence: they are expanded only where the sentence clearly continues."""

ONLY_WITH_DOT = frozenset(GENERAL) - frozenset(
    "approx dept vs govt mgmt qty lbs hrs yrs avg misc blvd etc intl natl assn acct accts".split()
)
FIXED = (
    (r"[eE]\.[ ]?g\.", "for example", "abbreviation"),
    (r"[iI]\.[ ]?e\.", "that is", "abbreviation"),
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
    (r"(?<=[0-9](?:st|nd|rd|th) )[fF]l\.", "floor", "abbreviation"),
    (r"(?<=[0-9](?:st|nd|rd|th) )c\.(?! [0-9])", "century", "abbreviation"),
    (r"(?<=[0-9]{4} )est\.(?=\))", "estimate", "abbreviation"),
    (r"[cC]a?\.(?= A\.?D\.? [0-9])", "circa", "abbreviation"),
    (r"[nN]o\.(?= of [a-z])", "number", "abbreviation"),
    (r"(?<=\()b\.(?= [A-Z][a-z])", "born", "abbreviation"),
    (r"(?<=\()d\.(?= [A-Z][a-z])", "died", "abbreviation"),
    (r"Ctrl|CTRL", "Control", "abbreviation"),
    (r"Cmd(?=[+-])", "Command", "abbreviation"),
    (r"(?:(?<=[Pp]ress )|(?<=[Hh]it ))Esc|Esc(?!\.)", "Escape", "abbreviation"),
    (r"PgUp", "Page Up", "abbreviation"),
    (r"PgDn", "Page Down", "abbreviation"),
    (r"(?:(?<=[+-])|(?<=[Pp]ress )|(?<=[Hh]it )|(?<=Esc or )|(?<=Esc and ))Del(?![\w]| [A-Z])|Del(?= key)", "Delete", "abbreviation"),
)

STATES = {
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

SAINTS = frozenset(
    """
    John Louis Paul Peter Petersburg Mary Patrick Francis George Thomas Lucia Andrews Andrew Helens Helena Augustine Joseph James Michael
    Nicholas Anthony Martin Mark Matthew Luke Stephen Elizabeth Catherine Clair Cloud Charles Vincent Kitts Croix Moritz Tropez Bernard
    Albans Ives Pancras Johns Laurent Jude Anne Ann Agnes Clare Teresa Theresa Christopher David Benedict Dominic Bart Barts Philip Jerome
    Ambrose Gregory Lawrence Simon Barbara Cecilia Joan Bonaventure Aquinas Ignatius Xavier Pierre Denis Gallen Olaf Basil Cyril Edward
    """.split()
)
