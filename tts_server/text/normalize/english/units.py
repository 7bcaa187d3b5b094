"""The names of units: SI with prefixes, imperial, data, speed, temperature."""

from __future__ import annotations

_PREFIXES = {
    "Q": "quetta", "R": "ronna", "Y": "yotta", "Z": "zetta", "E": "exa", "P": "peta", "T": "tera", "G": "giga", "M": "mega", "k": "kilo",
    "h": "hecto", "da": "deca", "d": "deci", "c": "centi", "m": "milli", "µ": "micro", "μ": "micro", "n": "nano", "p": "pico",
    "f": "femto",
}  # fmt: skip


def _with_prefixes(symbol: str, one: str, many: str, prefixes: str) -> dict[str, tuple[str, str]]:
    return {f"{prefix}{symbol}": (f"{_PREFIXES[prefix]}{one}", f"{_PREFIXES[prefix]}{many}") for prefix in prefixes.split()}


def _plain(table: str) -> dict[str, tuple[str, str]]:
    """Rows "symbol symbol: singular, plural"; an absent plural takes an s."""
    units: dict[str, tuple[str, str]] = {}
    for row in table.strip().splitlines():
        symbols, _, names = row.strip().partition(": ")
        one, _, many = names.partition(", ")
        for symbol in symbols.split("|"):
            units[symbol] = (one, many or f"{one}s")
    return units


UNITS: dict[str, tuple[str, str]] = (
    _with_prefixes("m", "meter", "meters", "k d c m µ μ n p f")
    | _with_prefixes("g", "gram", "grams", "k m µ μ n p")
    | _with_prefixes("L", "liter", "liters", "h d c m µ μ n")
    | _with_prefixes("l", "liter", "liters", "h d c m µ μ")
    | _with_prefixes("s", "second", "seconds", "m µ μ n p")
    | _with_prefixes("Hz", "hertz", "hertz", "k M G T")
    | _with_prefixes("W", "watt", "watts", "k M G T m µ μ n")
    | _with_prefixes("Wh", "watt hour", "watt hours", "k M G T m")
    | _with_prefixes("V", "volt", "volts", "k M m µ μ")
    | _with_prefixes("A", "amp", "amps", "k m µ μ n")
    | _with_prefixes("Ah", "amp hour", "amp hours", "m")
    | _with_prefixes("F", "farad", "farads", "m µ μ n p")
    | _with_prefixes("H", "henry", "henries", "m µ μ n")
    | _with_prefixes("J", "joule", "joules", "k M G T m")
    | _with_prefixes("N", "newton", "newtons", "k M m")
    | _with_prefixes("Pa", "pascal", "pascals", "h k M G")
    | _with_prefixes("bar", "bar", "bar", "m")
    | _with_prefixes("cal", "calorie", "calories", "k")
    | _with_prefixes("eV", "electron volt", "electron volts", "k M G T")
    | _with_prefixes("mol", "mole", "moles", "k m µ μ n")
    | _with_prefixes("M", "molar", "molar", "m µ μ n")
    | _with_prefixes("Sv", "sievert", "sieverts", "m µ μ")
    | _with_prefixes("Gy", "gray", "grays", "m")
    | _with_prefixes("Bq", "becquerel", "becquerels", "k M G")
    | _with_prefixes("T", "tesla", "tesla", "m µ μ")
    | _with_prefixes("B", "byte", "bytes", "k M G T P E")
    | _with_prefixes("bps", "bit per second", "bits per second", "k M G T")
    | _with_prefixes("bit", "bit", "bits", "k M G T")
    | _with_prefixes("b", "bit", "bits", "k M G")
    | _with_prefixes("VA", "volt amp", "volt amps", "k M")
    | _with_prefixes("pc", "parsec", "parsecs", "k M G")
    | _with_prefixes("t", "ton", "tons", "k M G")
    | _plain(
        """
        m: meter
        g: gram
        L|l|ℓ: liter
        s|sec|secs: second
        min|mins: minute
        h|hr|hrs: hour
        d: day
        wk|wks: week
        mo|mos: month
        yr|yrs: year
        Hz: hertz, hertz
        W: watt
        Wh: watt hour
        V: volt
        A: amp
        Ah: amp hour
        F: farad
        J: joule
        N: newton
        Nm|N·m|N⋅m: newton meter
        ft-lb|ft·lb|lb-ft|lb·ft: foot pound
        Pa: pascal
        bar: bar, bar
        psi: pound per square inch, pounds per square inch
        atm: atmosphere
        mmHg: millimeter of mercury, millimeters of mercury
        cal: calorie
        Cal: calorie
        BTU: B T U, B T U's
        hp|HP: horsepower, horsepower
        bhp: brake horsepower, brake horsepower
        eV: electron volt
        mol: mole
        lm: lumen
        lx: lux, lux
        cd: candela
        Bq: becquerel
        K: kelvin, kelvin
        Ω|Ω|ohm: ohm
        kΩ|kΩ: kilohm
        MΩ|MΩ: megohm
        GΩ: gigohm
        mΩ|mΩ: milliohm
        dB: decibel
        dBA|dB(A): A-weighted decibel
        dBm: decibel milliwatt
        B: byte
        KB: kilobyte
        Kb: kilobit
        Kbps: kilobit per second, kilobits per second
        KiB: kibibyte
        MiB: mebibyte
        GiB: gibibyte
        TiB: tebibyte
        PiB: pebibyte
        bps: bit per second, bits per second
        Bps: byte per second, bytes per second
        KBps|kBps: kilobyte per second, kilobytes per second
        MBps: megabyte per second, megabytes per second
        GBps: gigabyte per second, gigabytes per second
        baud|Bd: baud, baud
        px: pixel
        Mpx|MP: megapixel
        fps|FPS: frame per second, frames per second
        dpi|DPI: dot per inch, dots per inch
        ppi|PPI: pixel per inch, pixels per inch
        ppm: part per million, parts per million
        ppb: part per billion, parts per billion
        rpm|RPM: revolution per minute, revolutions per minute
        bpm|BPM: beat per minute, beats per minute
        wpm|WPM: word per minute, words per minute
        mph|MPH: mile per hour, miles per hour
        kph|kmh|kmph|KPH|km/hr: kilometer per hour, kilometers per hour
        mpg|MPG: mile per gallon, miles per gallon
        kn|kt|kts: knot
        nmi|NM: nautical mile
        in: inch, inches
        ft: foot, feet
        yd|yds: yard
        mi: mile
        ly: light year
        au|AU: astronomical unit
        Å: angstrom
        oz: ounce
        lb|lbs: pound
        st: stone, stone
        gr: grain
        ct: carat
        mcg: microgram
        cc: cubic centimeter
        t: ton
        tsp: teaspoon
        tbsp|Tbsp|tbs: tablespoon
        fl oz|fl. oz: fluid ounce
        pt|pts: pint
        qt|qts: quart
        gal|gals: gallon
        bbl|bbls: barrel
        doz: dozen, dozen
        ac: acre
        ha: hectare
        sq ft|sq. ft|sqft|sf|ft2|ft²|SF: square foot, square feet
        sq in|sq. in|in²|in2: square inch, square inches
        sq mi|sq. mi|mi²|mi2: square mile
        sq yd|sq. yd|yd²: square yard
        sq m|sq. m|sqm|m2|m²|m^2: square meter
        sq km|sq. km|sqkm|km2|km²|km^2: square kilometer
        cm2|cm²|sq cm|cm^2: square centimeter
        mm2|mm²|sq mm|mm^2: square millimeter
        cu ft|cu. ft|ft3|ft³: cubic foot, cubic feet
        cu in|cu. in|in³: cubic inch, cubic inches
        cu yd|yd³: cubic yard
        cu m|m3|m³|m^3: cubic meter
        cm3|cm³|cm^3: cubic centimeter
        mm3|mm³|mm^3: cubic millimeter
        dm³: cubic decimeter
        km³: cubic kilometer
        IU|iu: international unit
        mEq: milliequivalent
        °C|° C|degC: degree Celsius, degrees Celsius
        ℃: degree Celsius, degrees Celsius
        °F|° F|degF: degree Fahrenheit, degrees Fahrenheit
        ℉: degree Fahrenheit, degrees Fahrenheit
        °K: degree kelvin, degrees kelvin
        °: degree
        deg: degree
        %: percent, percent
        ％: percent, percent
        pct: percent, percent
        ‰: per mille, per mille
        ‱: basis point
        bps: basis point
        pp: percentage point
        """
    )
    | {"bps": ("bit per second", "bits per second")}
)
"""Symbols, as they are written, with the singular and the plural of the name."""

DIVISORS = {symbol: names[0] for symbol, names in UNITS.items() if symbol not in ("%", "pp", "deg")} | {
    "s²": "second squared",
    "s2": "second squared",
    "s^2": "second squared",
    "person": "person",
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
    "capita": "capita",
    "serving": "serving",
    "night": "night",
    "user": "user",
    "dL": "deciliter",
    "100g": "hundred grams",
}
"""What may follow a slash in a unit: "km/h", "mg/dL"."""

ALONE = frozenset(
    "km cm mm kg mg mph km/h kph kWh GHz MHz kHz Mbps Gbps Kbps lbs tbsp tsp °C °F ℃ ℉ m² km² cm² m³ cm³ ft² mAh kW MW GW sq sqft".split()
)
"""Units that are read by name without a number before them: "a few km"."""

ONLY_ATTACHED = frozenset(
    {"d", "wk", "mo", "st", "pt", "pts", "gr", "ct", "au", "doz", "ac", "sf", "pp", "ly", "B", "M", "K", "NM", "MP", "l"}
)
"""Units that are ambiguous after a space."""

NEVER_ATTACHED = frozenset({"ac", "K", "M", "B", "G", "st", "T", "Q"})
"""Letters that, joined to a number, mean a thousand and so on, or are letters: "10K"."""
