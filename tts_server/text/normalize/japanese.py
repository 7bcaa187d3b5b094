"""Japanese: written forms as words, numbers in Han characters."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize.east_asian import EastAsianReader
from tts_server.text.normalize.east_asian_numbers import japanese_digits, japanese_number
from tts_server.text.normalize.east_asian_words import EastAsianWords

_AFTER_ZERO = re.compile(r"[ ]?[時点度歳分年]")


def _number(value: int, before: str, after: str) -> str:
    if value == 0 and not _AFTER_ZERO.match(after):
        return "ゼロ"
    return japanese_number(value)


def _clock(hour: int, minute: int, second: int | None) -> str:
    said = japanese_number(hour) + "時"
    if minute or second is not None:
        said += japanese_number(minute) + "分"
    return said if second is None else f"{said}{japanese_number(second)}秒"


_WORDS = EastAsianWords(
    number=_number,
    counter_gap=lambda after: "",
    clock=_clock,
    halves=("午前", "午後"),
    digits=japanese_digits,
    identifier=japanese_digits,
    year=lambda digits: japanese_number(int(digits)),
    multipliers={"十": 10, "百": 100, "千": 1000, "万": 10_000, "億": 10**8, "兆": 10**12},
    no_multiplier=r"(?!)",
    point="点",
    percent="{}パーセント",
    permille="{}パーミル",
    fraction="{}分の{}",
    mixed="と",
    date="{}年{}{}",
    month="{}月",
    day="{}日",
    minus="マイナス",
    below_zero="マイナス",
    to="から",
    ratio="対",
    chain="の",
    address_context=re.compile(r"(?:[区市町村県]|丁目|番地)[ ]?\Z"),
    group_pause="、",
    dot="ドット",
    at="アットマーク",
    number_sign="ナンバー",
    signs={
        "+": "プラス",
        "-": "マイナス",
        "×": "かける",
        "÷": "割る",
        "=": "イコール",
        "≠": "ノットイコール",
        "<": "小なり",
        ">": "大なり",
        "≤": "以下",
        "≥": "以上",
        "≈": "約",
        "±": "プラスマイナス",
        "√": "ルート",
        "∞": "無限大",
        "%": "パーセント",
        "‰": "パーミル",
        "°": "度",
        "&": "アンド",
        "@": "アットマーク",
        "$": "ドル",
        "€": "ユーロ",
        "£": "ポンド",
        "¥": "円",
    },
    units={
        "km": "キロメートル",
        "m": "メートル",
        "cm": "センチメートル",
        "mm": "ミリメートル",
        "dm": "デシメートル",
        "nm": "ナノメートル",
        "µm": "マイクロメートル",
        "μm": "マイクロメートル",
        "km²": "平方キロメートル",
        "km2": "平方キロメートル",
        "m²": "平方メートル",
        "m2": "平方メートル",
        "cm²": "平方センチメートル",
        "mm²": "平方ミリメートル",
        "m³": "立方メートル",
        "m3": "立方メートル",
        "cm³": "立方センチメートル",
        "kg": "キログラム",
        "g": "グラム",
        "mg": "ミリグラム",
        "µg": "マイクログラム",
        "μg": "マイクログラム",
        "t": "トン",
        "L": "リットル",
        "l": "リットル",
        "ml": "ミリリットル",
        "mL": "ミリリットル",
        "dL": "デシリットル",
        "km/h": "キロメートル",
        "m/s": "メートル毎秒",
        "°C": "度",
        "°F": "華氏度",
        "°": "度",
        "h": "時間",
        "min": "分",
        "s": "秒",
        "ms": "ミリ秒",
        "W": "ワット",
        "kW": "キロワット",
        "MW": "メガワット",
        "kWh": "キロワット時",
        "V": "ボルト",
        "A": "アンペア",
        "mA": "ミリアンペア",
        "mAh": "ミリアンペアアワー",
        "Hz": "ヘルツ",
        "kHz": "キロヘルツ",
        "MHz": "メガヘルツ",
        "GHz": "ギガヘルツ",
        "KB": "キロバイト",
        "MB": "メガバイト",
        "GB": "ギガバイト",
        "TB": "テラバイト",
        "Mbps": "メガビーピーエス",
        "dB": "デシベル",
        "Pa": "パスカル",
        "hPa": "ヘクトパスカル",
        "kPa": "キロパスカル",
        "cal": "カロリー",
        "kcal": "キロカロリー",
        "J": "ジュール",
        "kJ": "キロジュール",
        "ha": "ヘクタール",
        "Ω": "オーム",
        "rpm": "回転毎分",
    },
    reads_codes_by_digit=False,
    currencies={
        "¥": "円",
        "$": "ドル",
        "US$": "米ドル",
        "HK$": "香港ドル",
        "NT$": "台湾ドル",
        "A$": "豪ドル",
        "AU$": "豪ドル",
        "C$": "カナダドル",
        "CA$": "カナダドル",
        "€": "ユーロ",
        "£": "ポンド",
        "₩": "ウォン",
        "₽": "ルーブル",
        "₹": "ルピー",
        "₺": "リラ",
        "฿": "バーツ",
        "₫": "ドン",
        "₱": "ペソ",
        "₴": "フリヴニャ",
        "USD": "米ドル",
        "EUR": "ユーロ",
        "GBP": "ポンド",
        "JPY": "円",
        "CNY": "人民元",
        "RMB": "人民元",
        "KRW": "ウォン",
        "HKD": "香港ドル",
        "TWD": "台湾ドル",
    },
    cents={"ドル": "セント", "米ドル": "セント", "ユーロ": "セント", "ポンド": "ペンス"},
    identifier_context=re.compile(
        r"(?:電話|番号|携帯|TEL|Tel|FAX|暗証|郵便|〒|コード|パスワード|ID|品番|型番)(?:番号|コード)?[ ]?[は:：]?[ ]?\Z"
    ),
    short_phone=re.compile(r"(?!)"),
    digits_before=re.compile(r"(?!)"),
    score_context=re.compile(r"(?:スコア|結果)[^、。]{0,6}\Z"),
    plus_name="プラス",
    score_follows=re.compile(r"[^、。\d]{0,6}(?:勝|敗|負|引き?分|終了|終わ|下し|破|制し|逆転|リード|ドロー|スコア)"),
    date_context=re.compile(r"日付[^\n]{0,3}\n|\n[ ]?(?:[(（](?:月|火|水|木|金|土|日|祝)|まで|に|から|は|開|締)"),
    power={"²": "の二乗", "³": "の三乗"},
)
_READER = EastAsianReader(_WORDS)


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write the numbers and signs of Japanese text as words; see `registry.find_edits`."""
    return _READER.find_edits(text)
