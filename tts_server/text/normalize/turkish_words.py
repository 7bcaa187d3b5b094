"""Turkish: the words of signs, units, currencies and abbreviations."""

from __future__ import annotations

from tts_server.text.normalize.nouns import compose_units, parse_noun, parse_nouns

MONTHS = ("Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık")
SIGNS = {"&": "ve", "§": "madde", "©": "telif hakkı", "∞": "sonsuz", "√": "karekök", "@": "et"}
OPERATORS = {
    "+": "artı",
    "−": "eksi",
    "=": "eşittir",
    "×": "çarpı",
    "*": "çarpı",
    "÷": "bölü",
    "/": "bölü",
    "<": "küçüktür",
    ">": "büyüktür",
    "≤": "küçük eşittir",
    "≥": "büyük eşittir",
    "≠": "eşit değildir",
    "≈": "yaklaşık eşittir",
    "±": "artı eksi",
}
PREFIXES = {
    "%": "yüzde",
    "‰": "binde",
    "~": "yaklaşık",
    "≈": "yaklaşık",
    "<": "en çok",
    ">": "en az",
    "≤": "en çok",
    "≥": "en az",
    "#": "numara",
    "№": "numara",
}
UNITS = {
    **compose_units(
        parse_nouns(
            """
            m: - metre
            g: - gram
            l: - litre
            W: - vat
            Wh: - vat saat
            V: - volt
            A: - amper
            Ah: - amper saat
            Hz: - hertz
            B: - bayt
            b, bit: - bit
            Pa: - paskal
            J: - jul
            cal: - kalori
            s: - saniye
            Ω: - om
            N: - nevton
            t: - ton
            bar: - bar
            F: - farad
            """
        ),
        {
            "n": "nano",
            "µ": "mikro",
            "m": "mili",
            "c": "santi",
            "d": "desi",
            "h": "hekto",
            "k": "kilo",
            "M": "mega",
            "G": "giga",
            "T": "tera",
            "P": "peta",
        },
        ("{}kare",),
        ("{}küp",),
    ),
    **parse_nouns(
        """
        °C: - derece
        °F: - fahrenhayt
        °: - derece
        sa, sa., saat: - saat
        dk, dk., dak.: - dakika
        sn, sn.: - saniye
        gr, gr.: - gram
        lt, lt.: - litre
        ha: - hektar
        dB: - desibel
        px: - piksel
        kcal: - kilokalori
        Mbps: - megabit
        """
    ),
}
PER = {"h": "saatte", "sa": "saatte", "s": "saniyede", "sn": "saniyede", "dk": "dakikada", "m²": "metrekareye", "kg": "kilograma"}
CURRENCIES = {
    **dict.fromkeys(("₺", "TL", "TRY"), (parse_noun("- lira"), parse_noun("- kuruş"))),
    **dict.fromkeys(("$", "US$", "USD"), (parse_noun("- dolar"), parse_noun("- sent"))),
    **dict.fromkeys(("€", "EUR", "Euro"), (parse_noun("- avro"), parse_noun("- sent"))),
    **dict.fromkeys(("£", "GBP"), (parse_noun("- sterlin"), parse_noun("- peni"))),
    **dict.fromkeys(("¥", "JPY"), (parse_noun("- yen"), None)),
    **dict.fromkeys(("₽", "RUB"), (parse_noun("- ruble"), None)),
    **dict.fromkeys(("CHF",), (parse_noun("- frank"), None)),
    "CNY": (parse_noun("- yuan"), None),
    "₹": (parse_noun("- rupi"), None),
    "₿": (parse_noun("- bitcoin"), None),
}
MAGNITUDES = parse_nouns(
    """
    bin: - bin
    milyon, mn, mn.: - milyon
    milyar, mr, mlr, mlr.: - milyar
    trilyon, trn: - trilyon
    """
)
ABBREVIATIONS = {
    "Dr.": "Doktor",
    "Prof.": "Profesör",
    "Doç.": "Doçent",
    "Yrd.": "Yardımcı",
    "Av.": "Avukat",
    "Uzm.": "Uzman",
    "Öğr. Gör.": "Öğretim Görevlisi",
    "Sn.": "Sayın",
    "Gen.": "General",
    "Alb.": "Albay",
    "Yzb.": "Yüzbaşı",
    "Org.": "Orgeneral",
    "Hz.": "Hazreti",
    "Mah.": "Mahallesi",
    "Cad.": "Caddesi",
    "Cd.": "Caddesi",
    "Sok.": "Sokağı",
    "Sk.": "Sokağı",
    "Blv.": "Bulvarı",
    "Apt.": "Apartmanı",
    "vb. gibi": "ve benzeri gibi",
    "örn.": "örneğin",
    "Örn.": "Örneğin",
    "bkz.": "bakınız",
    "Bkz.": "Bakınız",
    "yy.": "yüzyıl",
    "yak.": "yaklaşık",
    "çev.": "çeviren",
    "haz.": "hazırlayan",
    "alm.": "Almanca",
    "Tel.": "Telefon",
    "tel.": "telefon",
    "a.g.e.": "adı geçen eser",
    "İst.": "İstanbul",
    "Ank.": "Ankara",
    "Ltd.": "Limited",
}
FINAL_ABBREVIATIONS = {
    "vb.": "ve benzeri",
    "vs.": "vesaire",
    "vd.": "ve diğerleri",
    "v.b.": "ve benzeri",
    "v.s.": "vesaire",
    "Şti.": "Şirketi",
    "A.Ş.": "Anonim Şirketi",
    "T.C.": "Türkiye Cumhuriyeti",
    "M.Ö.": "milattan önce",
    "M.S.": "milattan sonra",
    "MÖ": "milattan önce",
    "MS": "milattan sonra",
}
NUMBERED = {
    "No:": "Numara:",
    "No.": "Numara",
    "no:": "numara:",
    "no.": "numara",
    "Nr.": "Numara",
    "s.": "sayfa",
    "syf.": "sayfa",
    "sf.": "sayfa",
    "md.": "madde",
    "Md.": "Madde",
    "mad.": "madde",
    "c.": "cilt",
    "Kat:": "Kat",
    "d.": "doğumu",
    "ö.": "ölümü",
}
ROMAN_NOUNS = frozenset("bölüm kısım cilt sahne perde faz tip sınıf ünite".split())
RANKED = frozenset(
    """
    dünya cadde sokak bölge lig kat ordu kolordu yıl yüzyıl dönem bölüm kısım madde kongre kurultay uluslararası ulusal geleneksel sınıf
    hafta gün tur maç haçlı balkan meşrutiyet cumhuriyet abdülhamid abdülhamit mehmet mehmed murat murad mahmut mahmud selim süleyman
    osman mustafa ahmet ahmed bayezid bayezit ibrahim wilhelm nikolay katerina elizabeth louis henry charles george napolyon friedrich
    ramses iznik viyana kosova körfez noter asliye ağır icra sulh köprü levent etap istanbul ankara izmir antalya altın
    """.split()
)
"""Words, in lower case, that are written with a capital after an ordinal: `2. Dünya Savaşı`."""
