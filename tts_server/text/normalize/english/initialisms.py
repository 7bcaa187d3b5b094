"""Words in capitals: initialisms are spelled with spaces between their letters, acronyms and emphasised words are read as words."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import Draft, ends_sentence, word_after, word_before
from tts_server.text.normalize.english.patterns import one_of

_ACRONYMS = frozenset(
    """
    NASA NATO UNESCO UNICEF OPEC AIDS SWAT PIN SIM RAM ROM GIF JPEG ASCII LAN WAN NAFTA ASEAN FIFA UEFA OSHA FEMA NOAA POTUS SCOTUS FLOTUS
    YOLO FOMO COVID SARS MERS NIMBY GUI WYSIWYG SAAS CAPTCHA CRISPR DARPA HIPAA YAML JSON LIDAR NASCAR NASDAQ PETA RICO SWIFT TASER ZIP
    CAD
    PAC DOS BIOS CERN TED IMAX LEGO IKEA FIAT BAFTA GAAP LASER RADAR SONAR SCUBA ISIS MOMA SOHO SIDS STEM STEAM CAPS AWOL RAID DRAM SRAM
    OLED AMOLED NAND NOR XOR COBOL BASIC FORTRAN LISP RAND SIGINT HUMINT NORAD INTERPOL EUROPOL GESTAPO SPAM FAFSA SNAP WASP GMAT FICO
    CRUD REST SOAP MIDI MAC AMEX VISA NYSE BREXIT COP UNIX LINUX LATEX BASE DEFCON LORAN MIRV JAG JPEG MPEG PNG EBITDA GATT OPAC ELISA
    MOOC TIFF CHIP ROFL LMAO LOL SARA WIMP QANTAS SABENA HUAC ACORN CARE DREAM FAST MASH OCHA NICE
    """.split()
) - {"NYSE", "PNG", "COP", "MOMA"}
"""Read as words, though they look like initialisms or are no English words."""

_LETTERS = frozenset(
    """
    UCLA NYSE ASAP IATA ACLU USDA IEEE EULA AARP UAE EU UN US UK USA UAW AI IT ID TV PC UI UX OS IP IO AC DC LA AD PA MA HR PR QA VR AR PM
    AM CEO CFO CTO COO CIO CIA FBI IRS NSA API SUV VIP DIY FAQ FYI ETA DOB RIP IOU UFO DNA RNA ATM GPA SAT ACT LSAT MCAT GRE IQ EQ IPO
    IRA ICU ER UV OECD OED ESA EPA FDA FAA FCC SEC DOJ DOE DOD HHS IAEA IAEA ISO IOC ICC ILO IMF USB USPS UPS UAV ABC ADHD ALS AMA ANSI
    AOL AP APA APR AV BA BBA BIA BMI CAPTCHA CIO DEA DHS DIN DIMM DUI DWI EKG EMI EMT EOD ESL EST EEG ETF EV GDP GED GOP GPS HBO HIV HMO
    HOA HUD IDE IED IEP INS IPA IRL ISP IVF IUD JFK LCD LED LGBTQIA LLC LLM MBA MIA MIT MLB MRI MSNBC MVP NAACP NBA NCAA NEA NFL NHL NIH
    NPR NRA NYU OCD ODI OPM PBS PDA PDF PE PGA PhD PIA PSA PTA PTO RSVP SIDS SOS SQL SSI SUB TBA TGIF TSA UBI UEA UFC UIUC UNHCR UPI URI
    URL USC USMC USSR VAT VPN WHO WTO WWE WWI WWII YMCA AAA ADA AFK AKA AOE APO ARM ASL ATV BAE BOE CBO CEO CFA CMO CPA CPI CPO CPU CSI
    CUNY DOA DOI EDM EIA EOS EPS ERA FOIA FPS GAO GIS GMO GUID HMO IAM ICBM ICE IDF IOT IPA IRC ITV IVR KIA LAPD LAX LEO LIRR MEP MOU
    NAS NDA NGO NSC OEM OOP OST PAL POV POW PPO PVC QED RFI ROI RPI RUC SAS SCI SIG SME SOC SOP SPI SSA SSO TIA TOS UID UAT ULA UPC UTI
    UUID VAR VOD AOC RBG MLK JFK FDR LBJ AWS IAM EOF EKS ECS OAUTH
    """.split()
) - {"OAUTH", "PhD", "CAPTCHA", "SUB", "ARM", "SIDS", "SAS"}
"""Spelled, though they could be said as words."""

_SHORT_WORDS = frozenset(
    """
    a i no so do go to on in is it if of or as at an am be by he me we my us up oh hi ok ha yo ah ow
    and but the all any now you why how who one two ten six new big bad out off not yes yet too was has had his her him she its our for
    get got let say see saw can did may way day man men boy old own use try big top end far few far fun hot ice job key kid law lot low
    map
    mom dad son sun sky sea red run sat set sit six tax tea tie tip toy van war wet win won bed bag bar bit box bus buy bye car cat dog
    cup
    cut die dry due eat egg eye fat fit fix fly fox gas gun guy hat hit hug kit lay led leg lie lip mad mix mud net nor nut odd oil pay
    pen pet pie pig pin pop pot put raw rid row sad sex shy ski tap ten tow two wow yay hey huh ugh aha hmm shh nah yep nope boo duh
    are ask add age ago aid aim air arm art ban bet bid big cry dig ear era god hid ill ink joy jam jar jet lab lap mob mud nap pan pat
    pub
    rat ray rib rob rod rub rug sew sin sip spy tag tan tin ton tub via vow web wig wit yell zoo were them then that this what when
    """.split()
)
_VOWELS = frozenset("AEIOUY")
_ONSETS = frozenset(
    """
    B BL BR C CH CHR CL CR D DR DW F FL FR G GH GL GN GR H J K KL KN KR L M N P PH PHL PL PR PS Q QU R RH S SC SCH SCR SH SHR SK SL SM
    SN SP
    SPH SPL SPR SQ ST STR SW T TH THR TR TW V VL VR W WH WR X Y Z
    """.split()
)
_CODAS = frozenset(
    """
    B BB BS C CH CHED CHT CK CKS CS CT CTS D DD DS DTH F FF FFS FS FT FTS G GG GH GHT GHTS GN GS H HM K KS L LB LD LDS LF LK LKS LL LLS
    LM LMS LN LP
    LPS LS LSE LT LTH LTS M MB MBS MM MN MP MPS MPT MS N NC NCH ND NDS NG NGS NGTH NK NKS NN NS NT NTH NTS P PH PP PS PT PTS R RB RBS
    RC RCH
    RD RDS RF RG RGH RK RKS RL RLD RLS RM RMS RN RNS RP RR RRY RS RSH RST RT RTH RTS RTZ S SH SK SKS SM SMS SP SPS SS ST STS T TCH TH
    THM THS TS TT TZ V
    W WD WK WL WLS WN WNS WS WT X XT Y YS Z ZZ
    """.split()
)
_RUNS = re.compile(r"[AEIOUY]+|[^AEIOUY]+")
_TOKEN = re.compile(
    r"(?<![\w@#])(?P<letters>[A-Z]{2,})(?P<plural>['’]?s)?(?P<tail>['’](?:s|d|re|ve|ll|m|t|S|D|RE|VE|LL|M|T)\b)?(?![\w]|['’][\w])"
)
_JOINED = re.compile(r"(?<![\w&])([A-Z]{1,3})[ ]?&(?:amp;)?[ ]?([A-Z]{1,3})(?P<plural>['’]?s)?(?![\w])")
_DOTTED = re.compile(
    r"(?<![\w.])(?P<letters>(?:[A-Z]\.[ ]?){1,6}[A-Z]\.|(?:[A-Z]\.){1,6}[A-Z](?![\w])|(?:[a-z]\.){2,5})(?P<plural>['’]?s(?![\w]))?(?![\w])"
)
_INITIAL = re.compile(r"(?<![\w.'’])([A-Z])\.(?=[ \u00a0]?(?:[A-Z][a-z'’]|[A-Z]\.))")
_MIXED_CASE = {
    "PhD": "P H D",
    "PhDs": "P H D's",
    "MSc": "M S C",
    "BSc": "B S C",
    "MPhil": "M Phil",
    "LLMs": "L L M's",
    "IoT": "I O T",
    "QoS": "Q O S",
    "IaaS": "I A A S",
    "mRNA": "M R N A",
    "tRNA": "T R N A",
    "pH": "P H",
    "eBPF": "E B P F",
    "DoD": "D O D",
    "DoJ": "D O J",
}
_MIXED_TOKEN = re.compile(r"(?<![\w@#])(?:" + one_of(_MIXED_CASE) + r")(?![\w])")
_CAPITAL_RUN = re.compile(r"[A-Z][A-Z'’]*(?:[^\w\n.!?]{1,6}[A-Z][A-Z'’]*)*")
_LINE = re.compile(r"[^\n.!?]{1,400}")
_LETTER = re.compile(r"[^\W\d_]")


_TWO_CAPITALS = re.compile(r"[A-Z]['’]?[A-Z]")
_INNER_STOP = re.compile(r"\.[ ]?[A-Za-z](?:\.|(?![\w]))")
_MIXED_WORDS = frozenset(_MIXED_CASE)


def spell(letters: str) -> str:
    """Capital letters with spaces between them: the way an initialism is handed to every engine."""
    return " ".join(letters)


def spell_prefix(letters: str) -> str:
    """The letters before a number in a name: spelled, or a word."""
    if letters.isupper() and len(letters) > 1:
        return letters if is_word(letters) and letters.lower() not in _SHORT_WORDS else spell(letters)
    return letters


def is_word(letters: str) -> bool:
    """Whether letters in capitals are said as a word, such as "NASA" or "STOP"."""
    if letters in _ACRONYMS:
        return True
    if letters in _LETTERS:
        return False
    if len(letters) < 4:
        return letters.lower() in _SHORT_WORDS
    return is_pronounceable(letters)


def is_pronounceable(letters: str) -> bool:
    """Whether the groups of consonants in a word in capitals occur in English words, and there are vowels between them."""
    runs = _RUNS.findall(letters)
    for index, run in enumerate(runs):
        if run[0] in _VOWELS:
            if len(run) > 3 or run in ("II", "UU", "AAA", "AA", "IU", "UO", "YY"):
                return False
            continue
        first, last = index == 0, index == len(runs) - 1
        if first and (last or run not in _ONSETS):
            return False
        if last and not first and run not in _CODAS:
            return False
        if not first and not last and not _can_be_inside(run):
            return False
    return any(run[0] in _VOWELS for run in runs)


def _can_be_inside(run: str) -> bool:
    """Whether consonants can stand between two vowels: one group, or the end of a syllable and the head of the next."""
    return (
        len(run) == 1 or run in _ONSETS or run in _CODAS or any(run[:cut] in _CODAS and run[cut:] in _ONSETS for cut in range(1, len(run)))
    )


def find_initialisms(draft: Draft) -> None:
    """Find initialisms, with or without full stops, and words in capitals."""
    text = draft.text
    for found in _JOINED.finditer(text) if "&" in text else ():
        plural = "'s" if found["plural"] else ""
        draft.add(found.start(), found.end(), f"{spell(found[1])} and {spell(found[2])}{plural}", "initialism")
    for found in _MIXED_TOKEN.finditer(text) if draft.has_word(_MIXED_WORDS) else ():
        draft.add(found.start(), found.end(), _MIXED_CASE[found[0]], "initialism")
    for found in _DOTTED.finditer(text) if _INNER_STOP.search(text) else ():
        _add_dotted(draft, found)
    for found in _INITIAL.finditer(text) if "." in text else ():
        if not (found[1] == "I" and word_before(text, found.start())[:1].islower()):
            draft.add(found.start(), found.end(), found[1], "initialism")
    if _TWO_CAPITALS.search(text) is None:
        return
    shouted = _shouted_spans(text)
    index = 0
    for found in _TOKEN.finditer(text):
        while index < len(shouted) and shouted[index][1] <= found.start():
            index += 1
        in_shout = index < len(shouted) and shouted[index][0] <= found.start()
        if draft.is_free(found.start(), found.end()):
            _add_capitals(draft, found, in_shout)
    for start, end in shouted:
        _lower_single_letters(draft, start, end)


def _shouted_spans(text: str) -> list[tuple[int, int]]:
    """The sentences, and the runs of three and more words, that are written in capitals throughout."""
    spans: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
        piece = line[0]
        if _TWO_CAPITALS.search(piece) is None:
            continue
        if not any(map(str.islower, piece)):
            words = [word for word in re.findall(r"[A-Z'’]+", piece) if word]
            known = sum(word.lower() in _SHORT_WORDS or (len(word) > 3 and is_word(word)) for word in words)
            if len(words) > 1 and known * 2 >= len(words):
                spans.append((line.start(), line.end()))
            continue
        for run in _CAPITAL_RUN.finditer(piece):
            words = re.findall(r"[A-Z][A-Z'’]*", run[0])
            common = sum(
                word.lower() in _SHORT_WORDS and len(word) > 1 or (len(word) > 3 and is_word(word) and word not in _ACRONYMS)
                for word in words
            )
            if len(words) > 1 and common * 2 > len(words) and sum(map(len, words)) > 4:
                spans.append((line.start() + run.start(), line.start() + run.end()))
    return spans


_SURE_LETTERS = _LETTERS - frozenset("US IT WHO AM ACT SAT ICE ERA LED SEC ER ID LA MA PA AD OS AR AC LEO PAL HUD MIT NICE ALS IRA".split())
_LETTERS_BEFORE = frozenset(
    "the a an our my your their his her this that these those every each of in from for with us american former".split()
)


def _add_capitals(draft: Draft, found: re.Match[str], in_shout: bool) -> None:
    text, letters = draft.text, found["letters"]
    start, end = found.start(), found.end("letters")
    if in_shout:
        if found["tail"] and found["tail"][1:].isupper():
            words = letters.lower() + found["tail"].lower()
            end = found.end("tail")
        elif letters in _SURE_LETTERS and not found["plural"] or (letters == "US" and word_before(text, start) == "THE"):
            words = spell(letters)
        elif letters in _ACRONYMS:
            return
        elif len(letters) > 1 and not _VOWELS.intersection(letters) and letters not in ("HMM", "SHH", "PSST"):
            words = spell(letters)
        else:
            words = letters.lower()
            if not _LETTER.search(text, max(0, text.rfind("\n", 0, start) + 1), start) or re.search(
                r"[.!?]['\"”’)]? +$", text[max(0, start - 4) : start]
            ):
                words = words.capitalize()
        draft.add(start, end, words, "capitals")
        return
    if found["plural"]:
        if is_word(letters) and letters not in _LETTERS:
            if letters not in _ACRONYMS:
                draft.add(start, end, letters.lower(), "capitals")
            return
        end = found.end("plural")
        if text[end : end + 2] in ("' ", "’ "):  # "the NPCs' turn" sounds like "the NPC's turn"
            end += 1
        draft.add(start, end, f"{spell(letters)}'s", "initialism")
        return
    if found["tail"] and found["tail"][1:].isupper():
        draft.add(start, found.end("tail"), (letters + found["tail"]).lower(), "capitals")
        return
    if _is_spelled(text, start, end, letters):
        draft.add(start, end, spell(letters), "initialism")
    elif letters not in _ACRONYMS and letters not in ("OK",):
        words = letters.lower()
        before = text[max(0, start - 3) : start].rstrip(" \"'“‘(")
        if not before or before[-1] in ".!?\n":
            words = words.capitalize()
        draft.add(start, end, words, "capitals")


def _is_spelled(text: str, start: int, end: int, letters: str) -> bool:
    """Whether letters in capitals within a sentence of normal writing are spelled; "US", "IT" and "WHO" depend on what stands around."""
    before, following = word_before(text, start).lower(), word_after(text, end)
    if letters == "WHO":
        return before in ("the", "by", "from", "to") or following in ("said", "says", "has", "declared", "guidelines", "warned")
    if letters in ("ACT", "SAT", "ICE", "ERA", "LED", "SEC", "LEO", "PAL"):
        return before in _LETTERS_BEFORE or following[:1].islower() or (letters in ("ACT", "SAT") and before[-1:].isdigit())
    if letters == "IT":
        return (
            before in _LETTERS_BEFORE
            or bool(following)
            and following.lower()
            not in (
                "is",
                "was",
                "will",
                "has",
                "would",
                "can",
                "could",
                "does",
                "did",
                "to",
                "again",
                "now",
                "all",
                "up",
                "out",
                "and",
                "or",
            )
        )
    if letters == "AM":
        return before != "i"
    if letters == "OK":
        return False
    if letters in (
        "AN",
        "AS",
        "AT",
        "BE",
        "BY",
        "DO",
        "GO",
        "HE",
        "IF",
        "IN",
        "IS",
        "ME",
        "MY",
        "NO",
        "OF",
        "ON",
        "OR",
        "SO",
        "TO",
        "UP",
        "WE",
        "OH",
        "HI",
        "HA",
        "YO",
        "AH",
        "OW",
    ):
        return False
    return not is_word(letters)


def _lower_single_letters(draft: Draft, start: int, end: int) -> None:
    """Within words in capitals, "A" is the article; at the head of a sentence it stays as it is."""
    for found in re.finditer(r"(?<=[A-Z'’,;:] )A(?= [A-Z])", draft.text[start:end]):
        draft.add(start + found.start(), start + found.end(), "a", "capitals")


def _add_dotted(draft: Draft, found: re.Match[str]) -> None:
    text = draft.text
    letters = [char for char in found["letters"] if char.isalpha()]
    if letters[0].islower() and "".join(letters) not in (
        "aka",
        "asap",
        "fyi",
        "etc",
        "pm",
        "am",
        "rsvp",
        "tba",
        "diy",
        "ps",
        "wrt",
        "dob",
        "rip",
        "eta",
        "faq",
        "id",
        "tv",
        "btw",
        "imo",
        "usa",
        "uk",
        "us",
    ):
        return
    words = " ".join(letters).upper()
    end = found.end()
    if found["plural"]:
        draft.add(found.start(), end, f"{words}'s", "initialism")
        return
    if found["letters"].endswith("."):
        following = text[end : end + 2]
        if " " in found["letters"] and following[:1] == " " and following[1:].isupper():
            pass
        elif ends_sentence(text, end):
            words += "."
    draft.add(found.start(), end, words, "initialism")
