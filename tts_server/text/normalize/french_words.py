"""French: the words of signs, units, currencies and abbreviations, and nouns whose gender matters."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_fractions, parse_noun, parse_nouns

_SI_PREFIXES = {
    "n": "nano",
    "µ": "micro",
    "m": "milli",
    "c": "centi",
    "d": "déci",
    "h": "hecto",
    "k": "kilo",
    "M": "méga",
    "G": "giga",
    "T": "téra",
    "P": "péta",
}
UNITS = {
    **compose_units(
        parse_nouns(
            """
            m: m mètre|mètres
            g: m gramme|grammes
            l: m litre|litres
            W: m watt|watts
            Wh: m wattheure|wattheures
            V: m volt|volts
            A: m ampère|ampères
            Ah: m ampèreheure|ampèreheures
            Hz: m hertz
            B, o: m octet|octets
            b, bit: m bit|bits
            Pa: m pascal|pascals
            J: m joule|joules
            cal: f calorie|calories
            s: f seconde|secondes
            Ω: m ohm|ohms
            N: m newton|newtons
            t: f tonne|tonnes
            bar: m bar|bars
            F: m farad|farads
            """
        ),
        _SI_PREFIXES,
        ("{} carré", "{} carrés"),
        ("{} cube", "{} cubes"),
    ),
    **parse_nouns(
        """
        %: m pour cent
        ‰: m pour mille
        h: f heure|heures
        min, mn: f minute|minutes
        sec, sec.: f seconde|secondes
        j: m jour|jours
        °C, ° C: m degré Celsius|degrés Celsius
        °F, ° F: m degré Fahrenheit|degrés Fahrenheit
        °: m degré|degrés
        K: m kelvin|kelvins
        ha: m hectare|hectares
        dB: m décibel|décibels
        ch: m cheval|chevaux
        px: m pixel|pixels
        Mbps: m mégabit par seconde|mégabits par seconde
        Gbps: m gigabit par seconde|gigabits par seconde
        Ko, ko: m kilo-octet|kilo-octets
        Mo: m mégaoctet|mégaoctets
        Go: m gigaoctet|gigaoctets
        To: m téraoctet|téraoctets
        kmh: m kilomètre par heure|kilomètres par heure
        """
    ),
}
del UNITS["o"]
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), (parse_noun("m euro|euros"), parse_noun("m centime|centimes"))),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("m dollar|dollars"), parse_noun("m cent|cents"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("f livre|livres"), parse_noun("m penny|pence"))),
    **dict.fromkeys(("CHF", "Fr."), (parse_noun("m franc suisse|francs suisses"), parse_noun("m centime|centimes"))),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("m yen|yens"), None)),
    "₽": (parse_noun("m rouble|roubles"), None),
    "₹": (parse_noun("f roupie|roupies"), None),
    "FCFA": (parse_noun("m franc CFA|francs CFA"), None),
    "₿": (parse_noun("m bitcoin|bitcoins"), None),
}
FEMININE_ENDINGS = (
    "tions",
    "sions",
    "xions",
    "tés",
    "ées",
    "ettes",
    "elles",
    "esses",
    "ences",
    "ances",
    "ures",
    "ades",
    "tudes",
    "ies",
    "euses",
    "trices",
    "ines",
    "ennes",
    "tion",
    "sion",
    "té",
    "ée",
    "ette",
    "elle",
    "esse",
    "ence",
    "ance",
    "ure",
    "ade",
    "tude",
    "ie",
    "euse",
    "trice",
    "ine",
    "enne",
    "onnes",
    "onne",
)
FEMININE = frozenset(
    """
    page femme fille heure fois minute seconde semaine maison ville langue route chaise table chambre porte fenêtre carte lettre rue tasse
    bouteille tonne livre-sterling place classe école entreprise équipe chose idée nuit mère sœur tante dame reine image photo plante
    fleur pomme poire part tranche cuillère goutte ligne colonne étape marche étoile île banque usine boîte chanson voix main tête jambe
    roue équipe ferme tour question réponse note feuille arme balle pièce œuvre robe chemise vache chèvre abeille mouche victime personne
    recette épreuve attaque
    """.split()
)
MASCULINE = frozenset(
    """
    côté côtés été étés comité comités lycée lycées musée musées pâtés génie génies incendie incendies parapluie trophée trophées
    """.split()
)
FRACTION_WORDS = parse_fractions(
    """
    2: m demi|demis
    3: m tiers
    4: m quart|quarts
    5: m cinquième|cinquièmes
    6: m sixième|sixièmes
    7: m septième|septièmes
    8: m huitième|huitièmes
    9: m neuvième|neuvièmes
    10: m dixième|dixièmes
    """
)
SIGNS = {"&": "et", "§": "paragraphe", "©": "copyright", "∞": "infini", "√": "racine de", "@": "arobase"}
OPERATORS = {
    "+": "plus",
    "−": "moins",
    "=": "égale",
    "×": "fois",
    "x": "fois",
    "*": "fois",
    "÷": "divisé par",
    ":": "à",
    "/": "sur",
    "<": "inférieur à",
    ">": "supérieur à",
    "≤": "inférieur ou égal à",
    "≥": "supérieur ou égal à",
    "≠": "différent de",
    "≈": "environ égal à",
    "±": "plus ou moins",
}
PREFIXES = {
    "~": "environ",
    "≈": "environ",
    "<": "moins de",
    ">": "plus de",
    "≤": "au plus",
    "≥": "au moins",
    "#": "numéro",
    "№": "numéro",
}
PER = {
    "semaine": "par semaine",
    "nuit": "par nuit",
    "pers.": "par personne",
    "100 km": "aux cent kilomètres",
    "100km": "aux cent kilomètres",
    "h": "par heure",
    "s": "par seconde",
    "min": "par minute",
    "j": "par jour",
    "jour": "par jour",
    "mois": "par mois",
    "an": "par an",
    "km": "par kilomètre",
    "km²": "par kilomètre carré",
    "m": "par mètre",
    "m²": "par mètre carré",
    "m³": "par mètre cube",
    "l": "par litre",
    "L": "par litre",
    "kg": "par kilogramme",
    "kWh": "par kilowattheure",
    "s²": "par seconde carrée",
    "personne": "par personne",
}
MAGNITUDES = parse_nouns(
    """
    M, million, millions: m million|millions
    Md, Mds, Mrd, milliard, milliards: m milliard|milliards
    k: - mille
    """
)
FUNCTION_WORDS = frozenset("de et ou à au aux en par pour sur dans est sont ne pas plus mais avec sans que qui où a ont ce".split())
MONTH_NAMES = {
    "janv.": 1,
    "jan.": 1,
    "févr.": 2,
    "fév.": 2,
    "fevrier": 2,
    "avr.": 4,
    "juil.": 7,
    "aout": 8,
    "sept.": 9,
    "oct.": 10,
    "nov.": 11,
    "déc.": 12,
    "decembre": 12,
    "sept": 9,
}
ABBREVIATIONS = {
    "c. à café": "cuillère à café",
    "c. à soupe": "cuillère à soupe",
    "p. ex.": "par exemple",
    "par ex.": "par exemple",
    "c.-à-d.": "c'est-à-dire",
    "c.à.d.": "c'est-à-dire",
    "càd": "c'est-à-dire",
    "cf.": "confer",
    "env.": "environ",
    "av. J.-C.": "avant Jésus-Christ",
    "apr. J.-C.": "après Jésus-Christ",
    "ap. J.-C.": "après Jésus-Christ",
    "J.-C.": "Jésus-Christ",
    "Mme": "Madame",
    "Mmes": "Mesdames",
    "Mlle": "Mademoiselle",
    "Mlles": "Mesdemoiselles",
    "tél.": "téléphone",
    "bd.": "boulevard",
    "boul.": "boulevard",
    "max.": "maximum",
    "min.": "minimum",
    "hab.": "habitants",
    "qqch.": "quelque chose",
    "qqn": "quelqu'un",
    "S.A.R.L.": "SARL",
    "s'il vs plaît": "s'il vous plaît",
    "svp": "s'il vous plaît",
    "s.v.p.": "s'il vous plaît",
    "c.c.": "copie conforme",
    "éd.": "édition",
    "dép.": "département",
    "ds": "dans",
    "§§": "paragraphes",
    "ibid.": "ibidem",
}
FINAL_ABBREVIATIONS = {
    "lun.": "lundi",
    "jeu.": "jeudi",
    "ven.": "vendredi",
    "sam.": "samedi",
    "dim.": "dimanche",
    "c. à s.": "cuillère à soupe",
    "c. à c.": "cuillère à café",
    "etc.": "et cetera",
    "et al.": "et autres",
}
TITLES = {
    "M.": "Monsieur",
    "MM.": "Messieurs",
    "Dr": "Docteur",
    "Dr.": "Docteur",
    "Drs": "Docteurs",
    "Pr": "Professeur",
    "Pr.": "Professeur",
    "Prof.": "Professeur",
    "Me": "Maître",
    "Mgr": "Monseigneur",
    "St": "Saint",
    "Ste": "Sainte",
    "St.": "Saint",
    "Ste.": "Sainte",
    "Sr": "Sœur",
    "Cie": "Compagnie",
    "av.": "avenue",
}
NUMBERED = {
    "n°": "numéro",
    "N°": "numéro",
    "nº": "numéro",
    "n os": "numéros",
    "no": "numéro",
    "No": "numéro",
    "no.": "numéro",
    "n.": "numéro",
    "p.": "page",
    "pp.": "pages",
    "chap.": "chapitre",
    "ch.": "chapitre",
    "art.": "article",
    "fig.": "figure",
    "vol.": "volume",
    "t.": "tome",
    "al.": "alinéa",
    "éd.": "édition",
    "réf.": "référence",
    "ann.": "annexe",
    "l.": "ligne",
}
ROMAN_NOUNS = frozenset(
    """
    an chapitre tome acte scène partie livre article volume titre annexe section niveau phase type catégorie paris
    """.split()
)
