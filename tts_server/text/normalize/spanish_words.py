"""Spanish: the words of signs, units, currencies and abbreviations, and nouns whose gender matters."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_fractions, parse_noun, parse_nouns

_SI_PREFIXES = {
    "n": "nano",
    "µ": "micro",
    "m": "mili",
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
            m: m metro|metros
            g: m gramo|gramos
            l: m litro|litros
            W: m vatio|vatios
            Wh: m vatio hora|vatios hora
            V: m voltio|voltios
            A: m amperio|amperios
            Ah: m amperio hora|amperios hora
            Hz: m hercio|hercios
            B: m byte|bytes
            b, bit: m bit|bits
            Pa: m pascal|pascales
            J: m julio|julios
            cal: f caloría|calorías
            s: m segundo|segundos
            Ω: m ohmio|ohmios
            N: m newton|newtons
            t: f tonelada|toneladas
            bar: m bar|bares
            F: m faradio|faradios
            """
        ),
        _SI_PREFIXES,
        ("{} cuadrado", "{} cuadrados"),
        ("{} cúbico", "{} cúbicos"),
        spellings={"ometro": "ómetro", "imetro": "ímetro"},
    ),
    **parse_nouns(
        """
        %: m por ciento
        ‰: m por mil
        h, hs, hrs: f hora|horas
        min: m minuto|minutos
        seg: m segundo|segundos
        °C, ° C, ºC, º C: m grado Celsius|grados Celsius
        °F, ° F, ºF: m grado Fahrenheit|grados Fahrenheit
        °: m grado|grados
        K: m kelvin|kelvins
        ha: f hectárea|hectáreas
        dB: m decibelio|decibelios
        CV: m caballo|caballos
        px: m píxel|píxeles
        Mbps: m megabit por segundo|megabits por segundo
        Gbps: m gigabit por segundo|gigabits por segundo
        kg: m kilo|kilos
        """
    ),
}
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), (parse_noun("m euro|euros"), parse_noun("m céntimo|céntimos"))),
    **dict.fromkeys(("$", "US$", "USD", "U$S"), (parse_noun("m dólar|dólares"), parse_noun("m centavo|centavos"))),
    **dict.fromkeys(("MXN", "MX$"), (parse_noun("m peso|pesos"), parse_noun("m centavo|centavos"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("f libra|libras"), parse_noun("m penique|peniques"))),
    "CHF": (parse_noun("m franco suizo|francos suizos"), parse_noun("m céntimo|céntimos")),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("m yen|yenes"), None)),
    "₽": (parse_noun("m rublo|rublos"), None),
    "₹": (parse_noun("f rupia|rupias"), None),
    "R$": (parse_noun("m real|reales"), parse_noun("m centavo|centavos")),
    "₿": (parse_noun("m bitcoin|bitcoins"), None),
}
MASCULINE_IN_A = frozenset(
    """
    día días mapa mapas problema problemas programa programas sistema sistemas tema temas planeta planetas idioma idiomas clima climas
    poema poemas kilograma gramas síntoma síntomas diploma diplomas dilema dilemas drama dramas esquema esquemas teorema teoremas cometa
    cometas poeta poetas artistas turistas periodistas futbolistas ciclistas deportistas atletas pilotas policías guardias colegas
    astronautas terroristas gorilas
    """.split()
)
FEMININE = frozenset(
    """
    mujer mujeres vez veces noche noches calle calles mano manos clase clases parte partes foto fotos flor flores madre madres torre
    torres
    """.split()
)
FEMININE_ENDINGS = ("a", "as", "ción", "sión", "dad", "tad", "ciones", "siones", "dades", "tades", "tud", "tudes")
NO_NOUN = frozenset(
    """
    y e o u de del a al en con por para que es son era eran fue fueron está están se no más menos ni pero como cuando donde si hasta desde
    sin sobre entre según contra hacia tras durante ya también trata dice tiene han ha hay mil millón millones ante bajo
    """.split()
)
NUMBERED_NOUNS = frozenset(
    """
    página capítulo número artículo habitación aula línea autobús bus piso grupo nivel canal tomo volumen figura tabla versión ruta sala
    planta tema lección episodio temporada parte sección anexo mesa puerta andén calle kilómetro
    """.split()
)
FRACTION_WORDS = parse_fractions(
    """
    2: m medio|medios
    3: m tercio|tercios
    4: m cuarto|cuartos
    5: m quinto|quintos
    6: m sexto|sextos
    7: m séptimo|séptimos
    8: m octavo|octavos
    9: m noveno|novenos
    10: m décimo|décimos
    """
)
SIGNS = {"&": "y", "§": "sección", "©": "copyright", "∞": "infinito", "√": "raíz de", "@": "arroba"}
OPERATORS = {
    "+": "más",
    "−": "menos",
    "=": "igual a",
    "×": "por",
    "x": "por",
    "*": "por",
    "÷": "entre",
    ":": "a",
    "/": "entre",
    "<": "menor que",
    ">": "mayor que",
    "≤": "menor o igual que",
    "≥": "mayor o igual que",
    "≠": "distinto de",
    "≈": "aproximadamente igual a",
    "±": "más menos",
}
PREFIXES = {
    "~": "aproximadamente",
    "≈": "aproximadamente",
    "<": "menos de",
    ">": "más de",
    "≤": "como máximo",
    "≥": "como mínimo",
    "#": "número",
    "№": "número",
}
PER = {
    "semana": "por semana",
    "noche": "por noche",
    "100 km": "a los cien kilómetros",
    "100km": "a los cien kilómetros",
    "h": "por hora",
    "s": "por segundo",
    "min": "por minuto",
    "día": "por día",
    "mes": "por mes",
    "año": "por año",
    "km": "por kilómetro",
    "km²": "por kilómetro cuadrado",
    "m": "por metro",
    "m²": "por metro cuadrado",
    "m³": "por metro cúbico",
    "l": "por litro",
    "L": "por litro",
    "kg": "por kilo",
    "kWh": "por kilovatio hora",
    "s²": "por segundo al cuadrado",
    "persona": "por persona",
}
MAGNITUDES = parse_nouns(
    """
    M, mill., millón, millones: m millón|millones
    mil: m mil
    """
)
MONTH_NAMES = {
    "ene.": 1,
    "feb.": 2,
    "mar.": 3,
    "abr.": 4,
    "may.": 5,
    "jun.": 6,
    "jul.": 7,
    "ago.": 8,
    "sept.": 9,
    "sep.": 9,
    "oct.": 10,
    "nov.": 11,
    "dic.": 12,
    "setiembre": 9,
}
ABBREVIATIONS = {
    "p. ej.": "por ejemplo",
    "EE. UU.": "Estados Unidos",
    "EEUU": "Estados Unidos",
    "EE.UU.": "Estados Unidos",
    "a. C.": "antes de Cristo",
    "d. C.": "después de Cristo",
    "a. m.": "de la mañana",
    "p. m.": "de la tarde",
    "Uds.": "ustedes",
    "Ud.": "usted",
    "Vd.": "usted",
    "Vds.": "ustedes",
    "aprox.": "aproximadamente",
    "tel.": "teléfono",
    "teléf.": "teléfono",
    "máx.": "máximo",
    "mín.": "mínimo",
    "prof.": "profesor",
    "dpto.": "departamento",
    "depto.": "departamento",
    "adj.": "adjunto",
    "ej.": "ejemplo",
    "izq.": "izquierda",
    "dcha.": "derecha",
    "hab.": "habitantes",
    "q. e. p. d.": "que en paz descanse",
    "s/n": "sin número",
    "c/": "calle",
    "avda.": "avenida",
    "Avda.": "Avenida",
    "Av.": "Avenida",
    "Pza.": "Plaza",
    "FF. AA.": "Fuerzas Armadas",
    "JJ. OO.": "Juegos Olímpicos",
    "RR. HH.": "Recursos Humanos",
    "pág. web": "página web",
}
FINAL_ABBREVIATIONS = {
    "lun.": "lunes",
    "jue.": "jueves",
    "vie.": "viernes",
    "sáb.": "sábado",
    "dom.": "domingo",
    "cda.": "cucharada",
    "cdas.": "cucharadas",
    "cdta.": "cucharadita",
    "págs.": "páginas",
    "etc.": "etcétera",
    "S. A.": "sociedad anónima",
    "Cía.": "compañía",
}
TITLES = {
    "Sr.": "señor",
    "Sra.": "señora",
    "Srta.": "señorita",
    "Sres.": "señores",
    "Sras.": "señoras",
    "Dr.": "doctor",
    "Dra.": "doctora",
    "D.": "don",
    "Dña.": "doña",
    "Prof.": "profesor",
    "Profa.": "profesora",
    "Ing.": "ingeniero",
    "Lic.": "licenciado",
    "Gral.": "general",
    "Sto.": "santo",
    "Sta.": "santa",
    "S.": "san",
    "Fr.": "fray",
}
NUMBERED = {
    "s.": "siglo",
    "n.º": "número",
    "n.°": "número",
    "N.º": "número",
    "nº": "número",
    "Nº": "número",
    "n°": "número",
    "N°": "número",
    "núm.": "número",
    "No.": "número",
    "p.": "página",
    "pp.": "páginas",
    "pág.": "página",
    "págs.": "páginas",
    "cap.": "capítulo",
    "art.": "artículo",
    "fig.": "figura",
    "vol.": "volumen",
    "t.": "tomo",
    "ed.": "edición",
    "ref.": "referencia",
    "km.": "kilómetro",
}
ROMAN_NOUNS = frozenset(
    """
    siglo siglos capítulo tomo acto escena parte libro artículo volumen título anexo sección fase tipo nivel categoría clase legislatura
    """.split()
)
