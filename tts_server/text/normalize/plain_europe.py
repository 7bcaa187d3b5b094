"""Danish, Norwegian, Finnish and Greek: numbers."""

from __future__ import annotations

import functools

from tts_server.text.edits import Edit
from tts_server.text.normalize.numerals import Number
from tts_server.text.normalize.places import Place
from tts_server.text.normalize.plain import PlainLanguage, find_plain_edits


class _Nordic(PlainLanguage):
    has_ordinal_stops = day_ordinals = True
    bare_years = range(1100, 2000)

    def gender(self, number: Number, place: Place) -> str:
        """One is of common gender before a noun, as most nouns are."""
        return "c" if number.digits == "1" and place.word_after[:1].islower() else ""


class Danish(_Nordic):
    """Danish."""

    code = "da"
    cardinal_rulesets = {"": "spellout-numbering", "c": "spellout-cardinal-common"}
    ordinal_rulesets = {"": "spellout-ordinal-common"}
    decimal_word, point_word, to_word, out_of_word, half = "komma", "punktum", "til", "ud af", "en halv"
    has_grouped_decimals = True
    operator_words = "plus|minus|er lig med|gange|divideret med|mindre end|større end|plus minus|cirka"
    signs = {"&": "og", "@": "snabel-a"}
    months = ("januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december")
    money_format = "{whole} og {cents}"
    unit_table = """
        %: c procent
        km: c kilometer
        m: c meter
        cm: c centimeter
        mm: c millimeter
        kg: n kilogram
        g: n gram
        l: c liter
        °C: c grad|grader
        °: c grad|grader
        km/t, km/h: c kilometer i timen
        m²: c kvadratmeter
    """
    currency_table = """
        kr, DKK: c krone|kroner; c øre
        €, EUR: c euro; c cent
        $, USD: c dollar; c cent
        £, GBP: n pund; c pence
    """
    abbreviations = {"f.eks.": "for eksempel", "bl.a.": "blandt andet", "dvs.": "det vil sige", "ca.": "cirka", "kl.": "klokken"}
    final_abbreviations = {"osv.": "og så videre", "m.m.": "med mere", "mv.": "med videre"}
    numbered = {"nr.": "nummer", "kr.": "kroner", "s.": "side"}
    dot_word, at_word = "punktum", "snabel-a"

    def year(self, number: int) -> str:
        """Years before 2000 are counted in hundreds."""
        hundreds, rest = divmod(number, 100)
        if not 11 <= hundreds <= 19:
            return self.cardinal(number)
        return f"{self.cardinal(hundreds)} hundrede" + (f" og {self.cardinal(rest)}" if rest else "")


class Norwegian(_Nordic):
    """Norwegian Bokmål."""

    code = "no"
    cardinal_rulesets = {"": "spellout-numbering", "c": "spellout-cardinal-reale"}
    ordinal_rulesets = {"": "spellout-ordinal-masculine"}
    decimal_word, point_word, to_word, out_of_word, half = "komma", "punktum", "til", "av", "en halv"
    has_grouped_decimals = True
    operator_words = "pluss|minus|er lik|ganger|delt på|mindre enn|større enn|pluss minus|cirka"
    signs = {"&": "og", "@": "krøllalfa"}
    months = ("januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember")
    money_format = "{whole} og {cents}"
    unit_table = """
        %: c prosent
        km: c kilometer
        m: c meter
        cm: c centimeter
        mm: c millimeter
        kg: n kilogram
        g: n gram
        l: c liter
        °C: c grad|grader
        °: c grad|grader
        km/t, km/h: c kilometer i timen
        m²: c kvadratmeter
    """
    currency_table = """
        kr, NOK: c krone|kroner; c øre
        €, EUR: c euro; c cent
        $, USD: c dollar; c cent
        £, GBP: n pund; c pence
    """
    abbreviations = {"f.eks.": "for eksempel", "bl.a.": "blant annet", "dvs.": "det vil si", "ca.": "cirka", "kl.": "klokka"}
    final_abbreviations = {"osv.": "og så videre", "m.m.": "med mer", "mv.": "med videre"}
    numbered = {"nr.": "nummer", "kr.": "kroner", "s.": "side"}
    dot_word, at_word = "punktum", "krøllalfa"

    def year(self, number: int) -> str:
        """Years before 2000 are two numbers of two digits."""
        hundreds, rest = divmod(number, 100)
        if not 11 <= hundreds <= 19:
            return self.cardinal(number)
        if rest < 10:
            return f"{self.cardinal(hundreds)} " + (f"null {self.cardinal(rest)}" if rest else "hundre")
        return f"{self.cardinal(hundreds)} {self.cardinal(rest)}"


class Finnish(PlainLanguage):
    """Finnish; numbers are in the nominative."""

    code = "fi"
    has_ordinal_stops = day_ordinals = True
    ordinal_rulesets = {"": "spellout-ordinal"}
    decimal_word, point_word, to_word, out_of_word, half = "pilkku", "piste", "viiva", "kautta", "puoli"
    operator_words = "plus|miinus|on yhtä kuin|kertaa|jaettuna|pienempi kuin|suurempi kuin|plus miinus|noin"
    signs = {"&": "ja", "@": "ät"}
    months = tuple(f"{name}kuuta" for name in "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu".split())
    unit_table = """
        %: - prosentti|prosenttia
        km: - kilometri|kilometriä
        m: - metri|metriä
        cm: - senttimetri|senttimetriä
        mm: - millimetri|millimetriä
        kg: - kilogramma|kilogrammaa
        g: - gramma|grammaa
        l: - litra|litraa
        °C: - aste|astetta
        °: - aste|astetta
        km/h: - kilometri tunnissa|kilometriä tunnissa
        m²: - neliömetri|neliömetriä
    """
    currency_table = """
        €, EUR, e: - euro|euroa; - sentti|senttiä
        $, USD: - dollari|dollaria; - sentti|senttiä
        £, GBP: - punta|puntaa; - penny|pennyä
        kr: - kruunu|kruunua
    """
    abbreviations = {"esim.": "esimerkiksi", "mm.": "muun muassa", "eli.": "eli", "ks.": "katso", "klo": "kello", "n.": "noin"}
    final_abbreviations = {"jne.": "ja niin edelleen", "yms.": "ynnä muuta sellaista", "ym.": "ynnä muuta"}
    numbered = {"nro": "numero", "s.": "sivu"}
    dot_word, at_word = "piste", "ät"


class Greek(PlainLanguage):
    """Greek; numbers are neuter, those of days feminine."""

    code = "el"
    cardinal_rulesets = {"": "spellout-cardinal-neuter", "f": "spellout-cardinal-feminine", "m": "spellout-cardinal-masculine"}
    decimal_word, point_word, to_word, out_of_word, half = "κόμμα", "τελεία", "έως", "προς", "μισό"
    has_grouped_decimals = True
    operator_words = "συν|μείον|ίσον|επί|διά|μικρότερο από|μεγαλύτερο από|συν πλην|περίπου"
    signs = {"&": "και", "@": "παπάκι"}
    months = (
        "Ιανουαρίου",
        "Φεβρουαρίου",
        "Μαρτίου",
        "Απριλίου",
        "Μαΐου",
        "Ιουνίου",
        "Ιουλίου",
        "Αυγούστου",
        "Σεπτεμβρίου",
        "Οκτωβρίου",
        "Νοεμβρίου",
        "Δεκεμβρίου",
    )
    money_format = "{whole} και {cents}"
    unit_table = """
        %: n τοις εκατό
        km, χλμ, χλμ.: n χιλιόμετρο|χιλιόμετρα
        m, μ.: n μέτρο|μέτρα
        cm, εκ.: n εκατοστό|εκατοστά
        kg, κιλά: n κιλό|κιλά
        g, γρ.: n γραμμάριο|γραμμάρια
        l: n λίτρο|λίτρα
        °C: m βαθμός Κελσίου|βαθμοί Κελσίου
        °: m βαθμός|βαθμοί
        m², τ.μ.: n τετραγωνικό μέτρο|τετραγωνικά μέτρα
    """
    currency_table = """
        €, EUR: n ευρώ; n λεπτό|λεπτά
        $, USD: n δολάριο|δολάρια; n σεντ
        £, GBP: f λίρα|λίρες; f πένα|πένες
    """
    abbreviations = {"π.χ.": "για παράδειγμα", "δηλ.": "δηλαδή", "βλ.": "βλέπε", "κ.": "κύριος", "κα.": "κυρία"}
    final_abbreviations = {
        "κ.λπ.": "και λοιπά",
        "κλπ.": "και λοιπά",
        "κ.ά.": "και άλλα",
        "μ.μ.": "μετά μεσημβρίας",
        "π.μ.": "προ μεσημβρίας",
    }
    dot_word, at_word = "τελεία", "παπάκι"

    def cardinal(self, number: int, gender: str = "") -> str:
        """A number in words; CLDR's spellings of ninety and of thousands are corrected."""
        said = super().cardinal(number, gender).replace("εννενήντα", "ενενήντα").replace("χίλιάδες", "χιλιάδες")
        thousands, word, rest = said.partition(" χιλιάδες")
        return thousands.replace("όσια", "όσιες") + word + rest if word else said

    def day(self, number: int, place: Place) -> str:
        """The first is an ordinal, the others are feminine numbers."""
        return "πρώτη" if number == 1 else self.cardinal(number, "f")


@functools.cache
def _rules(language: str) -> PlainLanguage:
    return {"da": Danish, "no": Norwegian, "nb": Norwegian, "nn": Norwegian, "fi": Finnish, "el": Greek}[language]()


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write a text in words; see `registry.find_edits`."""
    return find_plain_edits(text, _rules(language))
