"""German: the words of signs, units, currencies and abbreviations."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_fractions, parse_noun, parse_nouns

FRACTION_WORDS = parse_fractions(
    """
    3: n Drittel
    4: n Viertel
    5: n Fünftel
    6: n Sechstel
    7: n Siebtel
    8: n Achtel
    9: n Neuntel
    10: n Zehntel
    """
)
SIGNS = {"&": "und", "§": "Paragraf", "©": "Copyright", "∞": "unendlich", "√": "Wurzel aus", "@": "at"}
OPERATORS = {
    "+": "plus",
    "−": "minus",
    "=": "gleich",
    "×": "mal",
    "x": "mal",
    "*": "mal",
    "÷": "geteilt durch",
    ":": "zu",
    "/": "durch",
    "<": "kleiner als",
    ">": "größer als",
    "≤": "kleiner gleich",
    "≥": "größer gleich",
    "≠": "ungleich",
    "≈": "ungefähr gleich",
    "±": "plus minus",
}
PREFIXES = {
    "~": "etwa",
    "≈": "ungefähr",
    "<": "weniger als",
    ">": "mehr als",
    "≤": "höchstens",
    "≥": "mindestens",
    "#": "Nummer",
    "№": "Nummer",
}

UNITS = {
    **compose_units(
        parse_nouns(
            """
            m: m Meter
            g: n Gramm
            l: m Liter
            W: n Watt
            Wh: f Wattstunde|Wattstunden
            V: n Volt
            A: n Ampere
            Ah: f Amperestunde|Amperestunden
            Hz: n Hertz
            B: n Byte
            b, bit: n Bit
            Pa: n Pascal
            J: n Joule
            cal: f Kalorie|Kalorien
            s: f Sekunde|Sekunden
            Ω: n Ohm
            N: n Newton
            t: f Tonne|Tonnen
            bar: n Bar
            F: n Farad
            """
        ),
        {
            "n": "Nano",
            "µ": "Mikro",
            "m": "Milli",
            "c": "Zenti",
            "d": "Dezi",
            "h": "Hekto",
            "k": "Kilo",
            "M": "Mega",
            "G": "Giga",
            "T": "Tera",
            "P": "Peta",
        },
        ("Quadrat{}",),
        ("Kubik{}",),
        is_capitalized=True,
    ),
    **parse_nouns(
        """
        %: n Prozent
        ‰: n Promille
        h, Std., Std: f Stunde|Stunden
        min, Min., Min: f Minute|Minuten
        Sek., sek, Sek: f Sekunde|Sekunden
        °C, ° C: n Grad Celsius
        °F, ° F: n Grad Fahrenheit
        °: n Grad
        K: n Kelvin
        Uhr: n Uhr
        ha: m Hektar
        dB: n Dezibel
        PS: f PS
        px: n Pixel
        kn: m Knoten
        kWp: n Kilowatt Peak
        Mbps: n Megabit pro Sekunde
        Gbps: n Gigabit pro Sekunde
        kbps: n Kilobit pro Sekunde
        mph: f Meile pro Stunde|Meilen pro Stunde
        kmh: m Kilometer pro Stunde
        mAh: f Milliamperestunde|Milliamperestunden
        Jh., Jhd., Jhdt.: n Jahrhundert
        Mon.: m Monat|Monate
        """
    ),
}
UNITS["kcal"] = parse_noun("f Kilokalorie|Kilokalorien")
del UNITS["J"]  # "18 J." are years
PER = {
    "Woche": "pro Woche",
    "Stück": "pro Stück",
    "Stk.": "pro Stück",
    "Nacht": "pro Nacht",
    "Std.": "pro Stunde",
    "Mon.": "pro Monat",
    "J.": "pro Jahr",
    "100 km": "pro einhundert Kilometer",
    "100km": "pro einhundert Kilometer",
    "h": "pro Stunde",
    "s": "pro Sekunde",
    "sek": "pro Sekunde",
    "min": "pro Minute",
    "Min.": "pro Minute",
    "s²": "pro Quadratsekunde",
    "d": "pro Tag",
    "Tag": "pro Tag",
    "Monat": "pro Monat",
    "Jahr": "pro Jahr",
    "km": "pro Kilometer",
    "m": "pro Meter",
    "m²": "pro Quadratmeter",
    "m³": "pro Kubikmeter",
    "km²": "pro Quadratkilometer",
    "l": "pro Liter",
    "L": "pro Liter",
    "kg": "pro Kilogramm",
    "kWh": "pro Kilowattstunde",
    "ml": "pro Milliliter",
    "dl": "pro Deziliter",
    "Person": "pro Person",
}
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), (parse_noun("m Euro"), parse_noun("m Cent"))),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("m Dollar"), parse_noun("m Cent"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("n Pfund"), parse_noun("m Pence"))),
    **dict.fromkeys(("CHF", "Fr.", "SFr."), (parse_noun("m Franken"), parse_noun("m Rappen"))),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("m Yen"), None)),
    "CNY": (parse_noun("m Yuan"), None),
    "₽": (parse_noun("m Rubel"), parse_noun("f Kopeke|Kopeken")),
    "₹": (parse_noun("f Rupie|Rupien"), None),
    "₺": (parse_noun("f Lira"), None),
    "PLN": (parse_noun("m Zloty"), None),
    "SEK": (parse_noun("f Krone|Kronen"), None),
    "₿": (parse_noun("m Bitcoin"), None),
}
MAGNITUDES = parse_nouns(
    """
    Mio., Mio, Million, Millionen: f Million|Millionen
    Mrd., Mrd, Milliarde, Milliarden: f Milliarde|Milliarden
    Bio., Billion, Billionen: f Billion|Billionen
    Tsd., Tausend, tausend: - tausend
    """
)

MONTH_NAMES = {
    **{
        name: number
        for number, names in enumerate(
            (
                "jan.|jän.|jänner",
                "feb.|febr.|feber",
                "mär.|mrz.",
                "apr.",
                "",
                "jun.",
                "jul.",
                "aug.",
                "sep.|sept.",
                "okt.",
                "nov.",
                "dez.",
            ),
            1,
        )
        for name in names.split("|")
        if name
    }
}
ABBREVIATIONS = {
    "Bj.": "Baujahr",
    "tägl.": "täglich",
    "wöchentl.": "wöchentlich",
    "monatl.": "monatlich",
    "jährl.": "jährlich",
    "z. B.": "zum Beispiel",
    "d. h.": "das heißt",
    "u. a.": "unter anderem",
    "u. U.": "unter Umständen",
    "i. d. R.": "in der Regel",
    "i. A.": "im Auftrag",
    "i. V.": "in Vertretung",
    "o. ä.": "oder ähnlich",
    "o. Ä.": "oder Ähnliches",
    "s. o.": "siehe oben",
    "s. u.": "siehe unten",
    "v. a.": "vor allem",
    "z. T.": "zum Teil",
    "z. Z.": "zurzeit",
    "z. Zt.": "zurzeit",
    "v. Chr.": "vor Christus",
    "n. Chr.": "nach Christus",
    "m. E.": "meines Erachtens",
    "a. D.": "außer Dienst",
    "e. V.": "e V",
    "bzw.": "beziehungsweise",
    "bspw.": "beispielsweise",
    "ca.": "circa",
    "evtl.": "eventuell",
    "ggf.": "gegebenenfalls",
    "inkl.": "inklusive",
    "exkl.": "exklusive",
    "zzgl.": "zuzüglich",
    "abzgl.": "abzüglich",
    "vgl.": "vergleiche",
    "sog.": "sogenannte",
    "max.": "maximal",
    "min.": "minimal",
    "mind.": "mindestens",
    "entspr.": "entsprechend",
    "insb.": "insbesondere",
    "gem.": "gemäß",
    "geb.": "geboren",
    "gest.": "gestorben",
    "verh.": "verheiratet",
    "Tel.": "Telefon",
    "Hbf.": "Hauptbahnhof",
    "Hbf": "Hauptbahnhof",
    "usf.": "und so fort",
    "allg.": "allgemein",
    "ausschl.": "ausschließlich",
    "einschl.": "einschließlich",
    "Mwst.": "Mehrwertsteuer",
    "MwSt.": "Mehrwertsteuer",
    "MwSt": "Mehrwertsteuer",
    "§§": "Paragrafen",
    "nr.": "Nummer",
    "od.": "oder",
    "u.": "und",
    "Verf.": "Verfasser",
    "Anm.": "Anmerkung",
    "betr.": "betreffend",
    "bzgl.": "bezüglich",
}
FINAL_ABBREVIATIONS = {
    "Pkt.": "Punkte",
    "Wfl.": "Wohnfläche",
    "Jh.": "Jahrhundert",
    "Jhd.": "Jahrhundert",
    "usw.": "und so weiter",
    "etc.": "et cetera",
    "u. v. m.": "und vieles mehr",
    "uvm.": "und vieles mehr",
    "u. Ä.": "und Ähnliches",
    "u. ä.": "und ähnlich",
    "Str.": "Straße",
    "str.": "straße",
}
TITLES = {
    "Dr.": "Doktor",
    "Dres.": "Doktores",
    "Prof.": "Professor",
    "Hr.": "Herr",
    "Hrn.": "Herrn",
    "Fr.": "Frau",
    "Frl.": "Fräulein",
    "Dipl.-Ing.": "Diplomingenieur",
    "Ing.": "Ingenieur",
    "St.": "Sankt",
    "Fam.": "Familie",
    "Hl.": "Heilige",
    "hl.": "heilige",
}
NUMBERED = {
    "Nr.": "Nummer",
    "Nrn.": "Nummern",
    "S.": "Seite",
    "Abs.": "Absatz",
    "Abb.": "Abbildung",
    "Art.": "Artikel",
    "Bd.": "Band",
    "Kap.": "Kapitel",
    "Tab.": "Tabelle",
    "Aufl.": "Auflage",
    "Ziff.": "Ziffer",
    "Anh.": "Anhang",
    "Z.": "Zeile",
    "Kl.": "Klasse",
    "Pos.": "Position",
    "Bl.": "Blatt",
    "Stk.": "Stück",
}
ROMAN_NOUNS = frozenset(
    """
    kapitel teil band akt szene buch abschnitt artikel klasse phase stufe typ grad liga bundesliga weltkrieg version level runde tafel
    """.split()
)

MASCULINE = frozenset(
    """
    mann tag monat euro dollar meter liter freund bruder sohn vater onkel hund baum tisch stuhl apfel löffel punkt platz teil schritt weg
    preis film abend morgen mittag zug ball kaffee tee koffer brief computer lehrer schüler spieler wagen bus grad franken kilometer
    zentimeter millimeter weltkrieg stock rang jahrestag geburtstag spieltag akt satz versuch sieger name buchstabe kunde kollege junge
    käse gedanke bezirk advent band
    """.split()
)
FEMININE = frozenset(
    """
    frau stadt woche stunde minute sekunde mutter tochter schwester nacht hand wand bank karte flasche tasse seite katze person sprache
    schule firma straße kirche idee reise runde stelle million milliarde tonne meile sache frage blume tür maus kuh wurst zeit zahl art
    note gruppe etage reihe liga bundesliga halbzeit staffel auflage klasse armee legion republik stufe folge
    """.split()
)
NEUTER = frozenset(
    """
    kind haus buch jahr auto mal tor bier glas stück zimmer bett bild brot ei fahrrad foto mädchen spiel land dorf pferd schiff tier
    problem wort kilo kilogramm gramm pfund prozent viertel drittel jahrhundert jahrtausend kapitel semester quartal lebensjahr
    obergeschoss stockwerk reich ende auge gebäude gemüse
    """.split()
)
FEMININE_ENDINGS = ("ung", "heit", "keit", "schaft", "ion", "tät", "ei", "enz", "anz", "ik", "e")
RANKED = frozenset(
    """
    og ug dg fc sv
    weltkrieg platz klasse stock etage jahrhundert jahrtausend auflage tag mal liga bundesliga runde kapitel preis jahrestag geburtstag
    semester rang halbzeit staffel folge teil akt satz spieltag armee legion internationale stockwerk quartal lebensjahr bezirk advent
    stufe obergeschoss minute sekunde stunde woche reich republik person
    """.split()
)
"""Nouns before which ordinals stand even without an article."""

SENTENCE_STARTS = frozenset(
    """
    aber alle alles als also am an auch auf aus bei beim bis da dabei dafür damit danach dann daher darum das dass davon dazu dem den denn
    der des deshalb die dies diese dieser dieses doch dort du durch ein eine einem einen einer eines einige er es etwa euer für ganz gegen
    gestern heute hier hinter ich ihr ihre im immer in insgesamt ist jede jeder jedes jedoch jetzt kein keine laut man manche mehr mein
    meine mit morgen nach nachdem natürlich nicht noch nun nur ob obwohl oder ohne schon sehr seit seitdem sein seine sie so sogar somit
    später statt trotz trotzdem über um und uns unser unsere unter viele vielleicht vom von vor wann warum was weil weitere welche wenn
    wer wie wieder wir wo während zu zudem zuerst zum zur zwar zwischen
    """.split()
)
