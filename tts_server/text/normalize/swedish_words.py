"""Swedish: the words of signs, units, currencies and abbreviations, and the genders of nouns."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_noun, parse_nouns

MONTHS = ("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december")
MONTH_NAMES = {
    "jan.": 1,
    "feb.": 2,
    "apr.": 4,
    "aug.": 8,
    "sept.": 9,
    "sep.": 9,
    "okt.": 10,
    "nov.": 11,
    "dec.": 12,
    "jan": 1,
    "feb": 2,
    "apr": 4,
    "aug": 8,
    "sep": 9,
    "sept": 9,
    "okt": 10,
    "nov": 11,
    "dec": 12,
}
FRACTION_NAMES = {
    3: "tredjedel",
    4: "fjärdedel",
    5: "femtedel",
    6: "sjättedel",
    7: "sjundedel",
    8: "åttondel",
    9: "niondel",
    10: "tiondel",
    100: "hundradel",
}
SIGNS = {"&": "och", "§": "paragraf", "©": "copyright", "∞": "oändligheten", "√": "roten ur", "@": "snabel-a"}
OPERATORS = {
    "+": "plus",
    "−": "minus",
    "=": "är lika med",
    "×": "gånger",
    "*": "gånger",
    "÷": "delat med",
    "/": "delat med",
    "<": "mindre än",
    ">": "större än",
    "≤": "mindre än eller lika med",
    "≥": "större än eller lika med",
    "≠": "skilt från",
    "≈": "ungefär lika med",
    "±": "plus minus",
}
PREFIXES = {
    "~": "cirka",
    "≈": "ungefär",
    "<": "mindre än",
    ">": "mer än",
    "≤": "högst",
    "≥": "minst",
    "#": "nummer",
    "№": "nummer",
}
UNITS = {
    **compose_units(
        parse_nouns(
            """
            m: c meter
            g: n gram
            l: c liter
            W: c watt
            Wh: c wattimme|wattimmar
            V: c volt
            A: c ampere
            Ah: c amperetimme|amperetimmar
            Hz: c hertz
            B: c byte
            b, bit: c bit
            Pa: c pascal
            J: c joule
            cal: c kalori|kalorier
            s: c sekund|sekunder
            Ω: c ohm
            N: c newton
            t: n ton
            bar: c bar
            F: c farad
            """
        ),
        {
            "n": "nano",
            "µ": "mikro",
            "m": "milli",
            "c": "centi",
            "d": "deci",
            "h": "hekto",
            "k": "kilo",
            "M": "mega",
            "G": "giga",
            "T": "tera",
            "P": "peta",
        },
        ("kvadrat{}",),
        ("kubik{}",),
    ),
    **parse_nouns(
        """
        %: c procent
        ‰: c promille
        kvm: c kvadratmeter
        kbm: c kubikmeter
        tim, tim., h: c timme|timmar
        min, min.: c minut|minuter
        sek, sek.: c sekund|sekunder
        °C, ° C: c grad Celsius|grader Celsius
        °F, ° F: c grad Fahrenheit|grader Fahrenheit
        °: c grad|grader
        ha: n hektar
        dB: c decibel
        hk: c hästkraft|hästkrafter
        st, st., st: n stycken
        ggr: c gång|gånger
        kcal: c kilokalori|kilokalorier
        px: c pixel|pixlar
        msk: c matsked|matskedar
        tsk: c tesked|teskedar
        krm: n kryddmått
        mån, mån.: c månad|månader
        kWp: c kilowatt peak
        Mbps: c megabit per sekund
        Gbps: c gigabit per sekund
        """
    ),
}
PER = {
    "vecka": "per vecka",
    "natt": "per natt",
    "h": "i timmen",
    "tim": "i timmen",
    "s": "per sekund",
    "min": "per minut",
    "dag": "per dag",
    "månad": "per månad",
    "mån": "per månad",
    "år": "per år",
    "km": "per kilometer",
    "mil": "per mil",
    "m²": "per kvadratmeter",
    "kg": "per kilogram",
    "l": "per liter",
    "liter": "per liter",
    "kWh": "per kilowattimme",
    "st": "per styck",
    "person": "per person",
}
CURRENCIES = {
    **dict.fromkeys(("kr", "SEK", "kronor"), (parse_noun("c krona|kronor"), parse_noun("n öre"))),
    **dict.fromkeys(("NOK", "DKK"), (parse_noun("c krona|kronor"), parse_noun("n öre"))),
    **dict.fromkeys(("€", "EUR"), (parse_noun("c euro"), parse_noun("c cent"))),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("c dollar"), parse_noun("c cent"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("n pund"), parse_noun("c pence"))),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("c yen"), None)),
    "CHF": (parse_noun("c franc"), None),
    "₽": (parse_noun("c rubel"), None),
    "₹": (parse_noun("c rupie|rupier"), None),
    "₿": (parse_noun("c bitcoin"), None),
    "tkr": (parse_noun("n tusen kronor"), None),
    "mkr": (parse_noun("c miljon kronor|miljoner kronor"), None),
    "Mkr": (parse_noun("c miljon kronor|miljoner kronor"), None),
    "mdkr": (parse_noun("c miljard kronor|miljarder kronor"), None),
}
MAGNITUDES = parse_nouns(
    """
    mn, milj., milj, mio., miljon, miljoner: c miljon|miljoner
    md, mdr, mdr., miljard, miljarder: c miljard|miljarder
    biljon, biljoner: c biljon|biljoner
    tusen: n tusen
    """
)
ABBREVIATIONS = {
    "t.ex.": "till exempel",
    "t ex": "till exempel",
    "bl.a.": "bland annat",
    "bl a": "bland annat",
    "d.v.s.": "det vill säga",
    "dvs.": "det vill säga",
    "dvs": "det vill säga",
    "s.k.": "så kallad",
    "f.d.": "före detta",
    "p.g.a.": "på grund av",
    "pga.": "på grund av",
    "pga": "på grund av",
    "fr.o.m.": "från och med",
    "t.o.m.": "till och med",
    "m.a.o.": "med andra ord",
    "i st.f.": "i stället för",
    "å.s.": "å sida",
    "s.a.s.": "så att säga",
    "ev.": "eventuellt",
    "resp.": "respektive",
    "ca": "cirka",
    "ca.": "cirka",
    "c:a": "cirka",
    "inkl.": "inklusive",
    "exkl.": "exklusive",
    "jfr": "jämför",
    "ang.": "angående",
    "tel.": "telefon",
    "obs.": "observera",
    "obs!": "observera!",
    "max.": "maximalt",
    "mkt": "mycket",
    "sthlm": "Stockholm",
    "St.": "Sankt",
    "S:t": "Sankt",
    "S:ta": "Sankta",
    "vs.": "mot",
    "Dr.": "Doktor",
    "dr.": "doktor",
    "Prof.": "Professor",
    "prof.": "professor",
    "kl.": "klockan",
    "årg.": "årgång",
    "uppl.": "upplaga",
    "red.": "redaktör",
    "förf.": "författare",
    "e.v.t.": "eventuellt",
}
FINAL_ABBREVIATIONS = {
    "mån.": "måndag",
    "tis.": "tisdag",
    "ons.": "onsdag",
    "tors.": "torsdag",
    "fre.": "fredag",
    "lör.": "lördag",
    "sön.": "söndag",
    "osv.": "och så vidare",
    "o.s.v.": "och så vidare",
    "m.m.": "med mera",
    "m.fl.": "med flera",
    "o.d.": "och dylikt",
    "o.dyl.": "och dylikt",
    "etc.": "et cetera",
    "f.Kr.": "före Kristus",
    "e.Kr.": "efter Kristus",
    "f. Kr.": "före Kristus",
    "e. Kr.": "efter Kristus",
}
TITLES = {"dr": "doktor", "Dr": "Doktor", "prof": "professor"}
NUMBERED = {
    "nr": "nummer",
    "nr.": "nummer",
    "kl": "klockan",
    "s.": "sidan",
    "sid.": "sidan",
    "kap.": "kapitel",
    "fig.": "figur",
    "tab.": "tabell",
    "tr.": "trappor",
    "vol.": "volym",
    "par.": "paragraf",
    "v.": "vecka",
}
ROMAN_NOUNS = frozenset("kapitel del volym typ klass fas akt bok grupp".split())
NEUTER = frozenset(
    """
    år hus barn kilo ton problem glas rum kort brev namn land ord exemplar steg varv par dygn bord träd djur djup ägg äpple foto album
    paket pund öre öga öra huvud hjärta kök fönster golv tak tåg flygplan bi sätt sår ben blad bröd brott bråk bud bygge band bad bi
    blod brev centrum datum dokument drag drama element exempel experiment fall fel fjäll fält företag förslag försök förhållande gram
    gymnasium hav hjul hål håll hår hörn inlägg jobb kapitel kilogram klipp konto kontor krav kvarter köp lag lager läge lamm lejon liv
    ljud lopp lån lås läger löfte mail mejl meddelande minne museum möte mynt mål märke nummer nät område ögonblick papper pass piano
    program projekt prov pris recept regemente rekord resultat rike rop rån råd samtal samhälle schema segel ställe set skal skott skämt
    skåp slag slott slut spel språk spår stall stopp streck stycke svar sällskap sätt tal tecken tema test tillfälle ting torn tryck
    träd tält under undantag universitet uppdrag vapen val verk vin vittne väder värde ämne äventyr ben besök beslut bidrag hundratal
    tusental tiotal antal fat får föl hotell hem hopp lik lod medium mord mönster nej ja nöje offer original ögonkast poängtal porträtt
    problem protokoll pussel rep skepp skift sovrum sovrum streck sting system sekel segel sätt tack tåg test tillägg ur uttryck vatten
    vrak
    """.split()
)
NEUTER_ENDINGS = (
    "rum",
    "hus",
    "kort",
    "brev",
    "tal",
    "språk",
    "spel",
    "mål",
    "program",
    "projekt",
    "system",
    "ment",
    "ställe",
    "verk",
    "land",
    "område",
    "företag",
)
PLURAL_ENDINGS = ("er", "ar", "or", "arna", "erna", "orna")
NO_PLURALS = frozenset(
    "och är var blir blev kommer kom har hade får efter under eller när men om som i på till från med för att den det de han hon vi jag "
    """
    ni man börjar slutar går gör ger där här mer över innehåller heter sker finns startar väntar öppnar hoppar fyller fortsätter
    vinner
    """.split()
)
"""Words after a year that end like a plural."""
