"""Polish: the words of signs, units, currencies and abbreviations, and which words ask for which case."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_noun, parse_nouns

MONTHS = (
    "stycznia",
    "lutego",
    "marca",
    "kwietnia",
    "maja",
    "czerwca",
    "lipca",
    "sierpnia",
    "września",
    "października",
    "listopada",
    "grudnia",
)
SIGNS = {"&": "i", "§": "paragraf", "©": "copyright", "∞": "nieskończoność", "√": "pierwiastek z", "@": "małpa"}
OPERATORS = {
    "+": "plus",
    "−": "minus",
    "=": "równa się",
    "×": "razy",
    "*": "razy",
    "÷": "podzielić przez",
    "/": "przez",
    "<": "jest mniejsze niż",
    ">": "jest większe niż",
    "≤": "jest mniejsze lub równe",
    "≥": "jest większe lub równe",
    "≠": "nie równa się",
    "≈": "w przybliżeniu równa się",
    "±": "plus minus",
}
PREFIXES = {
    "~": "około",
    "≈": "około",
    "<": "mniej niż",
    ">": "więcej niż",
    "≤": "najwyżej",
    "≥": "co najmniej",
    "#": "numer",
    "№": "numer",
}
# The forms: after one, after two to four, after others, after decimals.
UNITS = {
    **compose_units(
        parse_nouns(
            """
            m: m metr|metry|metrów|metra
            g: m gram|gramy|gramów|grama
            l: m litr|litry|litrów|litra
            W: m wat|waty|watów|wata
            Wh: f watogodzina|watogodziny|watogodzin|watogodziny
            V: m wolt|wolty|woltów|wolta
            A: m amper|ampery|amperów|ampera
            Ah: f amperogodzina|amperogodziny|amperogodzin|amperogodziny
            Hz: m herc|herce|herców|herca
            B: m bajt|bajty|bajtów|bajta
            b, bit: m bit|bity|bitów|bita
            Pa: m paskal|paskale|paskali|paskala
            J: m dżul|dżule|dżuli|dżula
            cal: f kaloria|kalorie|kalorii|kalorii
            s: f sekunda|sekundy|sekund|sekundy
            Ω: m om|omy|omów|oma
            N: m niuton|niutony|niutonów|niutona
            t: f tona|tony|ton|tony
            bar: m bar|bary|barów|bara
            F: m farad|farady|faradów|farada
            """
        ),
        {
            "n": "nano",
            "µ": "mikro",
            "m": "mili",
            "c": "centy",
            "d": "decy",
            "h": "hekto",
            "k": "kilo",
            "M": "mega",
            "G": "giga",
            "T": "tera",
            "P": "peta",
        },
        ("{} kwadratowy", "{} kwadratowe", "{} kwadratowych", "{} kwadratowego"),
        ("{} sześcienny", "{} sześcienne", "{} sześciennych", "{} sześciennego"),
    ),
    **parse_nouns(
        """
        %: m procent|procent|procent|procenta
        ‰: m promil|promile|promili|promila
        h, godz., godz: f godzina|godziny|godzin|godziny
        min, min.: f minuta|minuty|minut|minuty
        sek., sek: f sekunda|sekundy|sekund|sekundy
        °C, ° C: m stopień Celsjusza|stopnie Celsjusza|stopni Celsjusza|stopnia Celsjusza
        °F: m stopień Fahrenheita|stopnie Fahrenheita|stopni Fahrenheita|stopnia Fahrenheita
        °: m stopień|stopnie|stopni|stopnia
        ha: m hektar|hektary|hektarów|hektara
        dB: m decybel|decybele|decybeli|decybela
        dag: m dekagram|dekagramy|dekagramów|dekagrama
        szt., szt: f sztuka|sztuki|sztuk|sztuki
        os.: f osoba|osoby|osób|osoby
        kcal: f kilokaloria|kilokalorie|kilokalorii|kilokalorii
        KM: m koń mechaniczny|konie mechaniczne|koni mechanicznych|konia mechanicznego
        px: m piksel|piksele|pikseli|piksela
        pkt proc., p.p., pp.: m punkt procentowy|punkty procentowe|punktów procentowych|punktu procentowego
        mies.: m miesiąc|miesiące|miesięcy|miesiąca
        tyg.: m tydzień|tygodnie|tygodni|tygodnia
        """
    ),
}
PER = {
    "h": "na godzinę",
    "godz": "na godzinę",
    "godz.": "na godzinę",
    "s": "na sekundę",
    "min": "na minutę",
    "dzień": "na dzień",
    "mies.": "na miesiąc",
    "miesiąc": "na miesiąc",
    "rok": "na rok",
    "os.": "na osobę",
    "m²": "na metr kwadratowy",
    "m³": "na metr sześcienny",
    "kg": "na kilogram",
    "l": "na litr",
    "km": "na kilometr",
    "szt.": "za sztukę",
}
_CENT = parse_noun("m cent|centy|centów|centa")
CURRENCIES = {
    **dict.fromkeys(("zł", "PLN"), (parse_noun("m złoty|złote|złotych|złotego"), parse_noun("m grosz|grosze|groszy|grosza"))),
    "gr": (parse_noun("m grosz|grosze|groszy|grosza"), None),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("m dolar|dolary|dolarów|dolara"), _CENT)),
    **dict.fromkeys(("€", "EUR"), (parse_noun("n euro"), _CENT)),
    **dict.fromkeys(("£", "GBP"), (parse_noun("m funt|funty|funtów|funta"), parse_noun("m pens|pensy|pensów|pensa"))),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("m jen|jeny|jenów|jena"), None)),
    "CHF": (parse_noun("m frank|franki|franków|franka"), None),
    "CZK": (parse_noun("f korona|korony|koron|korony"), None),
    "CNY": (parse_noun("m juan|juany|juanów|juana"), None),
    "₽": (parse_noun("m rubel|ruble|rubli|rubla"), None),
    "₴": (parse_noun("f hrywna|hrywny|hrywien|hrywny"), None),
    "₹": (parse_noun("f rupia|rupie|rupii|rupii"), None),
    "₿": (parse_noun("m bitcoin|bitcoiny|bitcoinów|bitcoina"), None),
}
MAGNITUDES = parse_nouns(
    """
    tys., tys: m tysiąc|tysiące|tysięcy|tysiąca
    tysiąc, tysiące, tysięcy: m tysiąc|tysiące|tysięcy|tysiąca
    mln: m milion|miliony|milionów|miliona
    milion, miliony, milionów: m milion|miliony|milionów|miliona
    mld, mld.: m miliard|miliardy|miliardów|miliarda
    miliard, miliardy, miliardów: m miliard|miliardy|miliardów|miliarda
    bln: m bilion|biliony|bilionów|biliona
    """
)
ABBREVIATIONS = {
    "np.": "na przykład",
    "tzn.": "to znaczy",
    "tj.": "to jest",
    "tzw.": "tak zwany",
    "m.in.": "między innymi",
    "m. in.": "między innymi",
    "ok.": "około",
    "wg": "według",
    "ww.": "wyżej wymieniony",
    "ds.": "do spraw",
    "im.": "imienia",
    "św.": "święty",
    "dr": "doktor",
    "prof.": "profesor",
    "mgr": "magister",
    "inż.": "inżynier",
    "hab.": "habilitowany",
    "doc.": "docent",
    "gen.": "generał",
    "płk": "pułkownik",
    "kpt.": "kapitan",
    "ks.": "ksiądz",
    "bp": "biskup",
    "al.": "aleja",
    "pl.": "plac",
    "os.": "osiedle",
    "przy ul.": "przy ulicy",
    "na ul.": "na ulicy",
    "z ul.": "z ulicy",
    "do ul.": "do ulicy",
    "od ul.": "od ulicy",
    "ul.": "ulica",
    "w al.": "w alei",
    "na pl.": "na placu",
    "przy pl.": "przy placu",
    "woj.": "województwo",
    "tel.": "telefon",
    "zob.": "zobacz",
    "por.": "porównaj",
    "ew.": "ewentualnie",
    "ang.": "angielskie",
    "łac.": "łacińskie",
    "niem.": "niemieckie",
    "maks.": "maksymalnie",
    "red.": "redaktor",
    "wyd.": "wydanie",
    "pn.": "pod nazwą",
    "o godz.": "o godzinie",
    "po godz.": "po godzinie",
    "od godz.": "od godziny",
    "do godz.": "do godziny",
    "przed godz.": "przed godziną",
    "na godz.": "na godzinę",
    "S.A.": "spółka akcyjna",
    "z o.o.": "z ograniczoną odpowiedzialnością",
}
FINAL_ABBREVIATIONS = {
    "itd.": "i tak dalej",
    "itp.": "i tym podobne",
    "i in.": "i inni",
    "p.n.e.": "przed naszą erą",
    "n.e.": "naszej ery",
    "etc.": "et cetera",
}
NUMBERED = {
    "nr": "numer",
    "str.": "strona",
    "s.": "strona",
    "godz.": "godzina",
    "rozdz.": "rozdział",
    "art.": "artykuł",
    "ust.": "ustęp",
    "pkt": "punkt",
    "rys.": "rysunek",
    "tab.": "tabela",
    "t.": "tom",
    "vol.": "wolumin",
    "poz.": "pozycja",
    "par.": "paragraf",
    "m.": "mieszkania",
    "pok.": "pokój",
    "kl.": "klasa",
    "p.": "piętro",
}
TITLES = {"p.": "pan", "pp.": "państwo", "o.": "ojciec", "m.": "miasto"}
ROMAN_NOUNS = frozenset("rozdział część tom akt klasa grupa typ".split())

GENITIVE = frozenset(
    """
    od do bez około u dla powyżej poniżej oprócz spośród wśród podczas koło obok blisko niespełna z ze spod znad wobec mimo zamiast według
    """.split()
)
LOCATIVE = frozenset("w we na o po przy".split())
FEMININE = frozenset(
    """
    godziny minuty sekundy osoby strony książki kobiety dziewczyny córki siostry noce części rzeczy szklanki łyżki butelki tony kropki
    lekcje stacje wersje próby sztuki partie kawy herbaty gwiazdki gwiazdy drogi ulice klasy grupy rundy bramki płyty piosenki lampy
    szafy zupy pary osady wsie kule role skrzynie kolacje ryby kury krowy kozy owce świnie myszy muchy osy pszczoły ręce nogi głowy
    dłonie kości brody sukienki bluzki spódnice koszule torby walizki kartki gazety sceny kary zmiany strefy fazy opcje oceny serie
    kategorie teorie historie chwile doby epoki litery cyfry liczby sumy cechy sprawy firmy fabryki uczelnie szkoły bitwy wojny nagrody
    premie pensje raty kwoty ceny monety karty matki babcie ciotki żony wdowy panie cebule marchewki pomarańcze gruszki śliwki wiśnie
    cytryny truskawki kromki kostki tabletki pigułki dawki porcje warstwy wioski rzeki góry wyspy łodzie windy okazje sesje edycje
    odmiany formy metody zasady reguły kolumny rubryki dziury plamy krople łzy linie trasy mile uncje dziesiątki setki połowy ćwiartki
    piątki szóstki trójki dwójki jedynki
    """.split()
)
MASCULINE_IN_KI = frozenset(
    "zamki ułamki pączki kubki garnki wózki rynki sznurki domki rysunki obrazki budynki podatki wypadki dodatki przypadki wyniki "
    "kawałki przystanki odcinki członki składniki ząbki kwiatki ptaszki kotki pieski wtorki czwartki poniedziałki środki początki "
    "wyjątki zakątki pokoiki listki kroczki rowki dołki guziki wierzchołki warunki kierunki gatunki ładunki rachunki stosunki "
    "opatrunki posterunki kurki skutki trunki".split()
)
VIRILE = frozenset(
    """
    mieszkańców mężczyzn ludzi chłopców pasażerów żołnierzy kolegów panów braci synów członków kandydatów studentów posłów lekarzy
    zawodników pracowników uczestników widzów polaków niemców rosjan uczniów nauczycieli graczy policjantów przyjaciół właścicieli
    klientów użytkowników gości ojców mężów wujków dziadków autorów aktorów artystów ekspertów delegatów wyborców obywateli senatorów
    ministrów prezydentów królów papieży księży strażaków górników rolników robotników inżynierów informatyków programistów turystów
    kibiców piłkarzy sportowców biegaczy kolarzy kierowców rannych zabitych chorych zakażonych bezrobotnych
    """.split()
)
VIRILE_ENDINGS = ("istów", "cieli", "owców", "awców", "aczy", "erów", "yków")
NEUTER_ENDINGS = ("o", "e", "ę", "um")
FEMININE_ENDINGS = (
    "cje",
    "sje",
    "zje",
    "ości",
    "ówki",
    "anki",
    "enki",
    "inki",
    "onki",
    "iny",
    "yny",
    "izny",
    "czki",
    "szki",
    "żki",
    "tki",
    "dki",
    "pki",
    "bki",
    "ćki",
    "fie",
    "gie",
    "mie",
)
ORDINAL_FEMININE_LOCATIVE = frozenset(
    """
    klasie edycji części rundzie minucie stronie godzinie lidze kolejce połowie rocznicy dekadzie grupie turze serii wersji ulicy
    dzielnicy kategorii fazie strefie lekcji próbie kadencji dobie sekundzie dywizji armii kwarcie kolumnie linii pozycji randze
    generacji
    """.split()
)
COLLECTIVE_NOUNS = frozenset("dzieci drzwi skrzypiec rodzeństwa spodni nożyczek".split())
COLLECTIVES = dict(enumerate("dwoje troje czworo pięcioro sześcioro siedmioro ośmioro dziewięcioro dziesięcioro".split(), 2))
ANIMATE_ACCUSATIVE = frozenset(
    "kota psa brata syna konia ucznia pana człowieka chłopca studenta królika ptaka dolara funta żołnierza lekarza".split()
)
