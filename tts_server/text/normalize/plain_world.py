"""Arabic, Hebrew, Hindi, Malay and Swahili: numbers."""

from __future__ import annotations

import functools

from tts_server.text.edits import Edit
from tts_server.text.normalize.arabic_numbers import MAX_DIGITS, arabic_number
from tts_server.text.normalize.nouns import Noun
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.plain import PlainLanguage, find_plain_edits


class Arabic(PlainLanguage):
    """Arabic; numbers are in the form for counting."""

    code = "ar"
    decimal_mark = "."
    decimal_word, point_word, to_word, out_of_word, half = "فاصلة", "فاصلة", "إلى", "من", "نصف"
    has_grouped_decimals = True
    operator_words = "زائد|ناقص|يساوي|ضرب|قسمة|أصغر من|أكبر من|زائد أو ناقص|تقريبا"
    signs = {"&": "و", "@": "آت"}
    months = ("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر")
    money_format = "{whole} و{cents}"
    unit_table = """
        %: - بالمئة
        km, كم: - كيلومتر|كيلومتر|كيلومترات
        m, م: - متر|متر|أمتار
        cm, سم: - سنتيمتر|سنتيمتر|سنتيمترات
        kg, كغ, كجم: - كيلوغرام|كيلوغرام|كيلوغرامات
        g: - غرام|غرام|غرامات
        l: - لتر|لتر|لترات
        °C, °: - درجة|درجة|درجات
        m², م²: - متر مربع|متر مربع|أمتار مربعة
    """
    currency_table = """
        €, EUR: - يورو; - سنت|سنت|سنتات
        $, USD: - دولار|دولار|دولارات; - سنت|سنت|سنتات
        £, GBP: - جنيه|جنيه|جنيهات; - بنس
        ر.س, SAR: - ريال|ريال|ريالات
        د.إ, AED: - درهم|درهم|دراهم
    """
    dot_word, at_word = "نقطة", "آت"

    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; of more digits than have a name, digit by digit."""
        return arabic_number(number) if number < 10**MAX_DIGITS else self.spell_digits(str(number))

    def plural_index(self, number: Number) -> int:
        """Three to ten count a plural, other numbers a singular."""
        return 2 if 3 <= int(number.digits[-2:]) <= 10 and not number.decimals else 1


class Hebrew(PlainLanguage):
    """Hebrew; numbers are feminine, as in counting, and masculine with units and currencies."""

    code = "he"
    cardinal_rulesets = {"": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
    decimal_mark = "."
    decimal_word, point_word, to_word, out_of_word, half = "נקודה", "נקודה", "עד", "מתוך", "חצי"
    has_grouped_decimals = True
    operator_words = "פלוס|מינוס|שווה|כפול|חלקי|קטן מ|גדול מ|פלוס מינוס|בערך"
    signs = {"&": "ו", "@": "שטרודל"}
    months = tuple(f"ב{name}" for name in "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר".split())
    money_format = "{whole} ו{cents}"
    unit_table = """
        %: m אחוז|אחוזים
        km, ק"מ, ק״מ: m קילומטר
        m, מ': m מטר|מטרים
        cm, ס"מ, ס״מ: m סנטימטר
        kg, ק"ג, ק״ג: m קילוגרם
        g: m גרם
        l: m ליטר
        °C, °: f מעלה|מעלות
        m², מ"ר, מ״ר: m מטר רבוע|מטרים רבועים
    """
    currency_table = """
        ₪, ILS, ש"ח, ש״ח: m שקל|שקלים; f אגורה|אגורות
        €, EUR: m אירו; m סנט
        $, USD: m דולר|דולרים; m סנט
        £, GBP: f לירה|לירות
    """
    dot_word, at_word = "נקודה", "שטרודל"


class Hindi(PlainLanguage):
    """Hindi; also numbers in groups of two digits."""

    code = "hi"
    decimal_mark = "."
    decimal_word, point_word, to_word, out_of_word, half = "दशमलव", "दशमलव", "से", "बटा", "आधा"
    operator_words = "प्लस|माइनस|बराबर|गुणा|भाग|से कम|से अधिक|प्लस माइनस|लगभग"
    signs = {"&": "और", "@": "ऐट"}
    months = tuple("जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर".split())
    unit_table = """
        %: - प्रतिशत
        km, किमी: - किलोमीटर
        m: - मीटर
        cm, सेमी: - सेंटीमीटर
        kg, किग्रा: - किलोग्राम
        g: - ग्राम
        l: - लीटर
        °C, °: - डिग्री
        m²: - वर्ग मीटर
        km/h: - किलोमीटर प्रति घंटा
    """
    currency_table = """
        ₹, INR, रु., Rs., Rs: - रुपया|रुपये; - पैसा|पैसे
        €, EUR: - यूरो; - सेंट
        $, USD: - डॉलर; - सेंट
        £, GBP: - पाउंड; - पेंस
    """
    abbreviations = {"डॉ.": "डॉक्टर", "रु.": "रुपये"}
    dot_word, at_word = "डॉट", "ऐट"


class Malay(PlainLanguage):
    """Malay."""

    code = "ms"
    decimal_mark = "."
    decimal_word, point_word, to_word, out_of_word, half = "perpuluhan", "perpuluhan", "hingga", "per", "setengah"
    operator_words = "tambah|tolak|sama dengan|darab|bahagi|kurang daripada|lebih daripada|tambah tolak|kira-kira"
    signs = {"&": "dan", "@": "alias"}
    months = tuple("Januari Februari Mac April Mei Jun Julai Ogos September Oktober November Disember".split())
    unit_table = """
        %: - peratus
        km: - kilometer
        m: - meter
        cm: - sentimeter
        mm: - milimeter
        kg: - kilogram
        g: - gram
        l: - liter
        °C: - darjah Celsius
        °: - darjah
        km/j, km/h: - kilometer sejam
        m²: - meter persegi
    """
    currency_table = """
        RM, MYR: - ringgit; - sen
        Rp, IDR: - rupiah
        €, EUR: - euro; - sen
        $, USD: - dolar; - sen
        £, GBP: - paun; - pence
    """
    abbreviations = {"dll.": "dan lain-lain", "dsb.": "dan sebagainya", "Dr.": "Doktor"}
    dot_word, at_word = "dot", "alias"


class Swahili(PlainLanguage):
    """Swahili; the unit stands before the number."""

    code = "sw"
    decimal_mark = "."
    decimal_word, point_word, to_word, out_of_word, half = "nukta", "nukta", "hadi", "kwa", "nusu"
    operator_words = "jumlisha|kasoro|sawa na|mara|gawanya kwa|chini ya|zaidi ya|jumlisha au kasoro|takriban"
    signs = {"&": "na", "@": "at"}
    months = tuple("Januari Februari Machi Aprili Mei Juni Julai Agosti Septemba Oktoba Novemba Desemba".split())
    unit_table = """
        %: - asilimia
        km: - kilomita
        m: - mita
        cm: - sentimita
        kg: - kilo
        g: - gramu
        l: - lita
        °C, °: - nyuzi
    """
    currency_table = """
        TSh, KSh, Sh, TZS, KES: - shilingi; - senti
        €, EUR: - yuro; - senti
        $, USD: - dola; - senti
        £, GBP: - pauni; - peni
    """
    dot_word, at_word = "nukta", "at"

    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; CLDR puts a comma between thousands and hundreds."""
        return super().cardinal(number, gender).replace(", mia", " mia").replace(", ", " na ")

    def count(self, number: Number, noun: Noun, place: Place) -> str:
        """The noun, then the number: "shilingi mia tano"."""
        return self.joined(self.form(number, noun), self.quantity(number, noun.gender))


@functools.cache
def _rules(language: str) -> PlainLanguage:
    return {"ar": Arabic, "he": Hebrew, "hi": Hindi, "ms": Malay, "sw": Swahili}[language]()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a text in words; see `registry.find_edits`."""
    return find_plain_edits(text, _rules(language))
