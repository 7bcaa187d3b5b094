"""Dutch: the words of signs, units, currencies and abbreviations, and nouns whose gender matters."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_fractions, parse_noun, parse_nouns

_SI_PREFIXES = {
    "n": "nano",
    "µ": "micro",
    "m": "milli",
    "c": "centi",
    "d": "deci",
    "h": "hecto",
    "k": "kilo",
    "M": "mega",
    "G": "giga",
    "T": "tera",
    "P": "peta",
}
UNITS = {
    **compose_units(
        parse_nouns(
            """
            m: - meter
            g: - gram
            l: - liter
            W: - watt
            Wh: - wattuur
            V: - volt
            A: - ampère
            Ah: - ampère-uur
            Hz: - hertz
            B: - byte
            b, bit: - bit
            Pa: - pascal
            J: - joule
            cal: - calorie|calorieën
            s: - seconde|seconden
            Ω: - ohm
            N: - newton
            t: - ton
            bar: - bar
            F: - farad
            """
        ),
        _SI_PREFIXES,
        ("vierkante {}",),
        ("kubieke {}",),
    ),
    **parse_nouns(
        """
        %: - procent
        ‰: - promille
        u, u.: - uur
        h: - uur
        uur: - uur
        min, min.: - minuut|minuten
        sec, sec.: - seconde|seconden
        °C, ° C: - graad Celsius|graden Celsius
        °F, ° F: - graad Fahrenheit|graden Fahrenheit
        °: - graad|graden
        K: - kelvin
        ha: - hectare
        dB: - decibel
        pk: - paardenkracht
        px: - pixel|pixels
        kg: - kilo
        Mbps: - megabit per seconde
        Gbps: - gigabit per seconde
        """
    ),
}
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), (parse_noun("- euro"), parse_noun("- cent"))),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("- dollar"), parse_noun("- cent"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("- pond"), parse_noun("- pence"))),
    "CHF": (parse_noun("- frank"), None),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("- yen"), None)),
    "₽": (parse_noun("- roebel"), None),
    "₹": (parse_noun("- roepie|roepies"), None),
    "₿": (parse_noun("- bitcoin|bitcoins"), None),
}
FRACTION_WORDS = parse_fractions(
    """
    2: - half
    3: - derde
    4: - kwart
    5: - vijfde
    6: - zesde
    7: - zevende
    8: - achtste
    9: - negende
    10: - tiende
    """
)
SIGNS = {"&": "en", "§": "paragraaf", "©": "copyright", "∞": "oneindig", "√": "wortel", "@": "apenstaartje"}
OPERATORS = {
    "+": "plus",
    "−": "min",
    "=": "is",
    "×": "keer",
    "x": "keer",
    "*": "keer",
    "÷": "gedeeld door",
    ":": "tegen",
    "/": "gedeeld door",
    "<": "kleiner dan",
    ">": "groter dan",
    "≤": "kleiner dan of gelijk aan",
    "≥": "groter dan of gelijk aan",
    "≠": "niet gelijk aan",
    "≈": "ongeveer gelijk aan",
    "±": "plus of min",
}
PREFIXES = {
    "~": "ongeveer",
    "≈": "ongeveer",
    "<": "minder dan",
    ">": "meer dan",
    "≤": "hoogstens",
    "≥": "minstens",
    "#": "nummer",
    "№": "nummer",
}
PER = {
    "week": "per week",
    "nacht": "per nacht",
    "100 km": "per honderd kilometer",
    "100km": "per honderd kilometer",
    "h": "per uur",
    "u": "per uur",
    "uur": "per uur",
    "s": "per seconde",
    "min": "per minuut",
    "dag": "per dag",
    "maand": "per maand",
    "jaar": "per jaar",
    "km": "per kilometer",
    "km²": "per vierkante kilometer",
    "m": "per meter",
    "m²": "per vierkante meter",
    "m³": "per kubieke meter",
    "l": "per liter",
    "L": "per liter",
    "kg": "per kilo",
    "kWh": "per kilowattuur",
    "s²": "per secondekwadraat",
    "persoon": "per persoon",
}
MAGNITUDES = parse_nouns(
    """
    mln., mln, miljoen: - miljoen
    mld., mld, miljard: - miljard
    duizend: - duizend
    """
)
MONTH_NAMES = {
    "jan.": 1,
    "feb.": 2,
    "febr.": 2,
    "mrt.": 3,
    "apr.": 4,
    "jun.": 6,
    "jul.": 7,
    "aug.": 8,
    "sep.": 9,
    "sept.": 9,
    "okt.": 10,
    "nov.": 11,
    "dec.": 12,
}
ABBREVIATIONS = {
    "bijv.": "bijvoorbeeld",
    "bv.": "bijvoorbeeld",
    "d. w. z.": "dat wil zeggen",
    "o. a.": "onder andere",
    "t/m": "tot en met",
    "m. b. t.": "met betrekking tot",
    "i. p. v.": "in plaats van",
    "n. a. v.": "naar aanleiding van",
    "t. a. v.": "ter attentie van",
    "t. o. v.": "ten opzichte van",
    "m. a. w.": "met andere woorden",
    "i. v. m.": "in verband met",
    "a. u. b.": "alstublieft",
    "aub": "alstublieft",
    "z. s. m.": "zo snel mogelijk",
    "v. Chr.": "voor Christus",
    "n. Chr.": "na Christus",
    "e. d.": "en dergelijke",
    "ca.": "circa",
    "evt.": "eventueel",
    "incl.": "inclusief",
    "excl.": "exclusief",
    "max.": "maximaal",
    "min.": "minimaal",
    "resp.": "respectievelijk",
    "tel.": "telefoon",
    "vgl.": "vergelijk",
    "zgn.": "zogenaamde",
    "zog.": "zogenaamde",
    "nl.": "namelijk",
    "st.": "stuks",
    "gem.": "gemiddeld",
    "afd.": "afdeling",
    "m. m. v.": "met medewerking van",
    "a. s.": "aanstaande",
    "j. l.": "jongstleden",
    "jl.": "jongstleden",
    "geb.": "geboren",
    "p. p.": "per persoon",
    "w. o.": "waaronder",
    "i. t. t.": "in tegenstelling tot",
    "o. l. v.": "onder leiding van",
    "t. g. v.": "ten gevolge van",
    "b. v.": "bijvoorbeeld",
}
FINAL_ABBREVIATIONS = {
    "ma.": "maandag",
    "wo.": "woensdag",
    "vr.": "vrijdag",
    "za.": "zaterdag",
    "p.m.": "per maand",
    "p.j.": "per jaar",
    "p.w.": "per week",
    "enz.": "enzovoort",
    "etc.": "et cetera",
    "enzv.": "enzovoort",
    "e. a.": "en anderen",
}
TITLES = {
    "dhr.": "de heer",
    "mevr.": "mevrouw",
    "mw.": "mevrouw",
    "mej.": "mejuffrouw",
    "dr.": "dokter",
    "drs.": "doctorandus",
    "prof.": "professor",
    "ir.": "ingenieur",
    "ing.": "ingenieur",
    "mr.": "meester",
    "ds.": "dominee",
    "St.": "Sint",
    "fam.": "familie",
    "gebr.": "gebroeders",
    "burg.": "burgemeester",
}
NUMBERED = {
    "nr.": "nummer",
    "nrs.": "nummers",
    "no.": "nummer",
    "n°": "nummer",
    "blz.": "bladzijde",
    "p.": "pagina",
    "pag.": "pagina",
    "hfst.": "hoofdstuk",
    "art.": "artikel",
    "afb.": "afbeelding",
    "fig.": "figuur",
    "vol.": "volume",
    "dl.": "deel",
    "tab.": "tabel",
    "par.": "paragraaf",
    "lid.": "lid",
}
ROMAN_NOUNS = frozenset("hoofdstuk deel boek akte scène artikel klasse fase type niveau band paragraaf wereldoorlog".split())
