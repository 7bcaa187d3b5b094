"""Portuguese: the words of signs, units, currencies and abbreviations, and nouns whose gender matters."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_fractions, parse_noun, parse_nouns

_SI_PREFIXES = {
    "n": "nano",
    "µ": "micro",
    "m": "mili",
    "c": "centi",
    "d": "deci",
    "h": "hecto",
    "k": "quilo",
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
            g: m grama|gramas
            l: m litro|litros
            W: m watt|watts
            Wh: m watt-hora|watts-hora
            V: m volt|volts
            A: m ampere|amperes
            Ah: m ampere-hora|amperes-hora
            Hz: m hertz
            B: m byte|bytes
            b, bit: m bit|bits
            Pa: m pascal|pascais
            J: m joule|joules
            cal: f caloria|calorias
            s: m segundo|segundos
            Ω: m ohm|ohms
            N: m newton|newtons
            t: f tonelada|toneladas
            bar: m bar|bars
            F: m farad|farads
            """
        ),
        _SI_PREFIXES,
        ("{} quadrado", "{} quadrados"),
        ("{} cúbico", "{} cúbicos"),
        spellings={"ometro": "ômetro", "imetro": "ímetro", "quilobyte": "kilobyte", "quilobit": "kilobit"},
    ),
    **parse_nouns(
        """
        %: m por cento
        ‰: m por mil
        h, hs: f hora|horas
        min: m minuto|minutos
        seg: m segundo|segundos
        °C, ° C, ºC, º C: m grau Celsius|graus Celsius
        °F, ° F, ºF: m grau Fahrenheit|graus Fahrenheit
        °: m grau|graus
        K: m kelvin|kelvins
        ha: m hectare|hectares
        dB: m decibel|decibéis
        cv: m cavalo|cavalos
        px: m pixel|pixels
        Mbps: m megabit por segundo|megabits por segundo
        Gbps: m gigabit por segundo|gigabits por segundo
        kg: m quilo|quilos
        """
    ),
}
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), (parse_noun("m euro|euros"), parse_noun("m cêntimo|cêntimos"))),
    **dict.fromkeys(("R$", "BRL"), (parse_noun("m real|reais"), parse_noun("m centavo|centavos"))),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("m dólar|dólares"), parse_noun("m centavo|centavos"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("f libra|libras"), parse_noun("m péni|pence"))),
    "CHF": (parse_noun("m franco suíço|francos suíços"), parse_noun("m cêntimo|cêntimos")),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("m iene|ienes"), None)),
    "₽": (parse_noun("m rublo|rublos"), None),
    "₹": (parse_noun("f rupia|rupias"), None),
    "₿": (parse_noun("m bitcoin|bitcoins"), None),
}
MASCULINE_IN_A = frozenset(
    """
    dia dias mapa mapas problema problemas programa programas sistema sistemas tema temas planeta planetas idioma idiomas clima climas
    poema poemas grama gramas quilograma quilogramas sintoma sintomas diploma diplomas dilema dilemas drama dramas esquema esquemas cometa
    cometas poeta poetas telefonema telefonemas atleta atletas piloto turistas artistas jornalistas colegas guardas cinema cinemas
    """.split()
)
FEMININE = frozenset(
    """
    mulher mulheres vez vezes noite noites mão mãos classe classes parte partes foto fotos flor flores mãe mães torre torres cor cores
    irmã irmãs maçã maçãs manhã manhãs lei leis nuvem nuvens rede redes
    """.split()
)
FEMININE_ENDINGS = ("a", "as", "ção", "ções", "são", "sões", "dade", "dades", "gem", "gens", "tude", "tudes", "ã", "ãs")
NO_NOUN = frozenset(
    """
    e ou de do da dos das a ao aos à às em no na nos nas com por para que é são era eram foi foram está estão se não mais menos mas como
    quando onde até desde sem sobre entre segundo contra durante após já também tem têm há mil milhão milhões trata diz pela pelo
    """.split()
)
NUMBERED_NOUNS = frozenset(
    """
    página capítulo número artigo quarto sala linha autocarro ônibus grupo nível canal volume figura tabela versão rota sala tema lição
    episódio temporada seção secção anexo mesa porta rua quilômetro quilómetro andar piso
    """.split()
)
FRACTION_WORDS = parse_fractions(
    """
    2: m meio|meios
    3: m terço|terços
    4: m quarto|quartos
    5: m quinto|quintos
    6: m sexto|sextos
    7: m sétimo|sétimos
    8: m oitavo|oitavos
    9: m nono|nonos
    10: m décimo|décimos
    """
)
SIGNS = {"&": "e", "§": "parágrafo", "©": "copyright", "∞": "infinito", "√": "raiz de", "@": "arroba"}
OPERATORS = {
    "+": "mais",
    "−": "menos",
    "=": "igual a",
    "×": "vezes",
    "x": "vezes",
    "*": "vezes",
    "÷": "dividido por",
    ":": "a",
    "/": "dividido por",
    "<": "menor que",
    ">": "maior que",
    "≤": "menor ou igual a",
    "≥": "maior ou igual a",
    "≠": "diferente de",
    "≈": "aproximadamente igual a",
    "±": "mais ou menos",
}
PREFIXES = {
    "~": "cerca de",
    "≈": "cerca de",
    "<": "menos de",
    ">": "mais de",
    "≤": "no máximo",
    "≥": "no mínimo",
    "#": "número",
    "№": "número",
}
PER = {
    "semana": "por semana",
    "noite": "por noite",
    "100 km": "por cem quilômetros",
    "100km": "por cem quilômetros",
    "h": "por hora",
    "s": "por segundo",
    "min": "por minuto",
    "dia": "por dia",
    "mês": "por mês",
    "ano": "por ano",
    "km": "por quilômetro",
    "km²": "por quilômetro quadrado",
    "m": "por metro",
    "m²": "por metro quadrado",
    "m³": "por metro cúbico",
    "l": "por litro",
    "L": "por litro",
    "kg": "por quilo",
    "kWh": "por quilowatt-hora",
    "s²": "por segundo ao quadrado",
    "pessoa": "por pessoa",
}
MAGNITUDES = parse_nouns(
    """
    mi, mi., milhão, milhões: m milhão|milhões
    bi, bi., bilhão, bilhões: m bilhão|bilhões
    tri, trilhão, trilhões: m trilhão|trilhões
    mil: - mil
    """
)
MONTH_NAMES = {
    "jan.": 1,
    "fev.": 2,
    "mar.": 3,
    "abr.": 4,
    "mai.": 5,
    "jun.": 6,
    "jul.": 7,
    "ago.": 8,
    "set.": 9,
    "out.": 10,
    "nov.": 11,
    "dez.": 12,
}
ABBREVIATIONS = {
    "p. ex.": "por exemplo",
    "por ex.": "por exemplo",
    "a. C.": "antes de Cristo",
    "d. C.": "depois de Cristo",
    "EUA": "Estados Unidos",
    "E. U. A.": "Estados Unidos",
    "aprox.": "aproximadamente",
    "tel.": "telefone",
    "telef.": "telefone",
    "cel.": "celular",
    "máx.": "máximo",
    "mín.": "mínimo",
    "depto.": "departamento",
    "dpto.": "departamento",
    "hab.": "habitantes",
    "obs.": "observação",
    "c/": "com",
    "s/n": "sem número",
    "Av.": "Avenida",
    "av.": "avenida",
    "R.": "Rua",
    "Pça.": "Praça",
    "vs.": "versus",
    "ed.": "edição",
    "Ltda.": "limitada",
    "Lda.": "limitada",
    "Cia.": "companhia",
    "Exmo.": "Excelentíssimo",
    "Exma.": "Excelentíssima",
    "Ilmo.": "Ilustríssimo",
    "séc.": "século",
    "qtd.": "quantidade",
    "pág. web": "página web",
    "i. e.": "isto é",
}
FINAL_ABBREVIATIONS = {
    "seg.": "segunda",
    "ter.": "terça",
    "qua.": "quarta",
    "qui.": "quinta",
    "sex.": "sexta",
    "sáb.": "sábado",
    "esq.": "esquerdo",
    "dto.": "direito",
    "etc.": "et cetera",
    "S. A.": "sociedade anônima",
    "et al.": "e outros",
}
TITLES = {
    "Sr.": "senhor",
    "Sra.": "senhora",
    "Sr.ª": "senhora",
    "Srta.": "senhorita",
    "Srs.": "senhores",
    "Sras.": "senhoras",
    "Dr.": "doutor",
    "Dra.": "doutora",
    "Dr.ª": "doutora",
    "D.": "dom",
    "Prof.": "professor",
    "Profa.": "professora",
    "Prof.ª": "professora",
    "Eng.": "engenheiro",
    "Gen.": "general",
    "Sto.": "santo",
    "Sta.": "santa",
    "S.": "são",
    "Pe.": "padre",
}
NUMBERED = {
    "n.º": "número",
    "N.º": "número",
    "nº": "número",
    "Nº": "número",
    "n°": "número",
    "N°": "número",
    "n.": "número",
    "núm.": "número",
    "p.": "página",
    "pp.": "páginas",
    "pág.": "página",
    "págs.": "páginas",
    "pag.": "página",
    "cap.": "capítulo",
    "art.": "artigo",
    "fig.": "figura",
    "vol.": "volume",
    "t.": "tomo",
    "ref.": "referência",
    "km.": "quilômetro",
    "apto.": "apartamento",
    "ap.": "apartamento",
}
ROMAN_NOUNS = frozenset(
    """
    século séculos capítulo tomo ato cena parte livro artigo volume título anexo seção fase tipo nível categoria classe
    """.split()
)
