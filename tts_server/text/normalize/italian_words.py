"""Italian: the words of signs, units, currencies and abbreviations, and nouns whose gender matters."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_fractions, parse_noun, parse_nouns

_SI_PREFIXES = {
    "n": "nano",
    "µ": "micro",
    "m": "milli",
    "c": "centi",
    "d": "deci",
    "h": "etto",
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
            m: m metro|metri
            g: m grammo|grammi
            l: m litro|litri
            W: m watt
            Wh: m wattora
            V: m volt
            A: m ampere
            Ah: m amperora
            Hz: m hertz
            B: m byte
            b, bit: m bit
            Pa: m pascal
            J: m joule
            cal: f caloria|calorie
            s: m secondo|secondi
            Ω: m ohm
            N: m newton
            t: f tonnellata|tonnellate
            bar: m bar
            F: m farad
            """
        ),
        _SI_PREFIXES,
        ("{} quadrato", "{} quadrati"),
        ("{} cubo", "{} cubi"),
        spellings={
            "kilom": "chilom",
            "kilog": "chilog",
            "kilow": "chilow",
            "kilot": "chilot",
            "kiloc": "chiloc",
            "kilov": "chilov",
        },
    ),
    **parse_nouns(
        """
        %: m per cento
        ‰: m per mille
        h: f ora|ore
        min, min.: m minuto|minuti
        sec, sec.: m secondo|secondi
        °C, ° C: m grado Celsius|gradi Celsius
        °F, ° F: m grado Fahrenheit|gradi Fahrenheit
        °: m grado|gradi
        K: m kelvin
        ha: m ettaro|ettari
        dB: m decibel
        CV, cv: m cavallo|cavalli
        px: m pixel
        Mbps: m megabit al secondo
        Gbps: m gigabit al secondo
        mq: m metro quadrato|metri quadrati
        mc: m metro cubo|metri cubi
        kmq: m chilometro quadrato|chilometri quadrati
        """
    ),
}
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), (parse_noun("m euro"), parse_noun("m centesimo|centesimi"))),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("m dollaro|dollari"), parse_noun("m centesimo|centesimi"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("f sterlina|sterline"), parse_noun("m penny|pence"))),
    **dict.fromkeys(("CHF", "Fr."), (parse_noun("m franco svizzero|franchi svizzeri"), parse_noun("m centesimo|centesimi"))),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("m yen"), None)),
    "₽": (parse_noun("m rublo|rubli"), None),
    "₹": (parse_noun("f rupia|rupie"), None),
    "₿": (parse_noun("m bitcoin"), None),
}
FEMININE_ENDINGS = ("a", "zione", "sione", "tà", "tù", "ione", "trice", "udine")
MASCULINE_IN_A = frozenset(
    """
    problema programma sistema tema pianeta clima poema sintomo diploma dilemma dramma schema poeta artista turista giornalista atleta
    pilota collega
    """.split()
)
FEMININE = frozenset(
    """
    mano notte parte madre chiave classe gente foto auto moto radio torre nave voce legge fine luce croce rete arte mente morte
    """.split()
)
NO_NOUN = frozenset(
    """
    e ed o di del dello della dei degli delle a al alla ai in nel nella con per che è sono era erano su sul tra fra da dal dalla si non
    più meno ma anche come quando dove se fino senza secondo contro ha hanno parla inizia ore
    """.split()
)
NUMBERED_NOUNS = frozenset(
    """
    pagina capitolo numero articolo camera aula linea autobus gruppo livello canale volume figura tabella versione sala binario tema
    """.split()
)
FRACTION_WORDS = parse_fractions(
    """
    2: m mezzo|mezzi
    3: m terzo|terzi
    4: m quarto|quarti
    5: m quinto|quinti
    6: m sesto|sesti
    7: m settimo|settimi
    8: m ottavo|ottavi
    9: m nono|noni
    10: m decimo|decimi
    """
)
SIGNS = {"&": "e", "§": "paragrafo", "©": "copyright", "∞": "infinito", "√": "radice di", "@": "chiocciola"}
OPERATORS = {
    "+": "più",
    "−": "meno",
    "=": "uguale",
    "×": "per",
    "x": "per",
    "*": "per",
    "÷": "diviso",
    ":": "a",
    "/": "diviso",
    "<": "minore di",
    ">": "maggiore di",
    "≤": "minore o uguale a",
    "≥": "maggiore o uguale a",
    "≠": "diverso da",
    "≈": "circa uguale a",
    "±": "più o meno",
}
PREFIXES = {"~": "circa", "≈": "circa", "<": "meno di", ">": "più di", "≤": "al massimo", "≥": "almeno", "#": "numero", "№": "numero"}
PER = {
    "settimana": "a settimana",
    "notte": "a notte",
    "100 km": "per cento chilometri",
    "100km": "per cento chilometri",
    "h": "all'ora",
    "s": "al secondo",
    "min": "al minuto",
    "giorno": "al giorno",
    "mese": "al mese",
    "anno": "all'anno",
    "km": "al chilometro",
    "km²": "al chilometro quadrato",
    "kmq": "al chilometro quadrato",
    "m": "al metro",
    "m²": "al metro quadrato",
    "mq": "al metro quadrato",
    "m³": "al metro cubo",
    "l": "al litro",
    "L": "al litro",
    "kg": "al chilo",
    "kWh": "al chilowattora",
    "s²": "al secondo quadrato",
    "persona": "a persona",
}
MAGNITUDES = parse_nouns(
    """
    mln, mln., Mln, milione, milioni: m milione|milioni
    mld, mld., Mld, mrd, miliardo, miliardi: m miliardo|miliardi
    mila: - mila
    """
)
MONTH_NAMES = {
    "gen.": 1,
    "genn.": 1,
    "feb.": 2,
    "febbr.": 2,
    "mar.": 3,
    "apr.": 4,
    "mag.": 5,
    "magg.": 5,
    "giu.": 6,
    "lug.": 7,
    "ago.": 8,
    "set.": 9,
    "sett.": 9,
    "ott.": 10,
    "nov.": 11,
    "dic.": 12,
}
ABBREVIATIONS = {
    "sec.": "secolo",
    "p. es.": "per esempio",
    "ad es.": "ad esempio",
    "per es.": "per esempio",
    "a. C.": "avanti Cristo",
    "d. C.": "dopo Cristo",
    "c. m.": "corrente mese",
    "ca.": "circa",
    "cfr.": "confronta",
    "tel.": "telefono",
    "cell.": "cellulare",
    "max.": "massimo",
    "min.": "minimo",
    "prov.": "provincia",
    "v. le": "viale",
    "c.so": "corso",
    "p.za": "piazza",
    "p.zza": "piazza",
    "V.le": "Viale",
    "C.so": "Corso",
    "P.za": "Piazza",
    "P.zza": "Piazza",
    "all.": "allegato",
    "S.p.A.": "Esse Pi A",
    "S.r.l.": "Esse Erre Elle",
    "n. d. r.": "nota della redazione",
    "c.a.": "corrente anno",
    "c/o": "presso",
    "ab.": "abitanti",
    "incl.": "incluso",
    "escl.": "escluso",
    "gg": "giorni",
    "sgg.": "seguenti",
    "spett.le": "spettabile",
    "Spett.le": "Spettabile",
    "gent.mo": "gentilissimo",
    "gent.ma": "gentilissima",
    "Gent.mo": "Gentilissimo",
    "Gent.ma": "Gentilissima",
    "egr.": "egregio",
    "Egr.": "Egregio",
}
FINAL_ABBREVIATIONS = {
    "lun.": "lunedì",
    "merc.": "mercoledì",
    "giov.": "giovedì",
    "ven.": "venerdì",
    "sab.": "sabato",
    "dom.": "domenica",
    "ecc.": "eccetera",
    "etc.": "eccetera",
    "et al.": "e altri",
}
TITLES = {
    "sig.": "signor",
    "sig.ra": "signora",
    "sig.na": "signorina",
    "sigg.": "signori",
    "dott.": "dottor",
    "dott.ssa": "dottoressa",
    "dr.": "dottor",
    "dr.ssa": "dottoressa",
    "prof.": "professor",
    "prof.ssa": "professoressa",
    "ing.": "ingegner",
    "avv.": "avvocato",
    "arch.": "architetto",
    "geom.": "geometra",
    "rag.": "ragionier",
    "on.": "onorevole",
    "sen.": "senatore",
    "gen.": "generale",
    "don.": "don",
    "S.": "San",
    "SS.": "Santissima",
}
NUMBERED = {
    "n.": "numero",
    "nr.": "numero",
    "n°": "numero",
    "nº": "numero",
    "N.": "numero",
    "N°": "numero",
    "num.": "numero",
    "p.": "pagina",
    "pp.": "pagine",
    "pag.": "pagina",
    "pagg.": "pagine",
    "cap.": "capitolo",
    "art.": "articolo",
    "artt.": "articoli",
    "fig.": "figura",
    "vol.": "volume",
    "t.": "tomo",
    "ed.": "edizione",
    "rif.": "riferimento",
    "tab.": "tabella",
    "v.": "versetto",
    "int.": "interno",
}
ROMAN_NOUNS = frozenset(
    """
    capitolo tomo atto scena parte libro articolo volume titolo allegato sezione fase tipo livello categoria canto
    """.split()
)
