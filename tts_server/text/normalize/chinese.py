"""Chinese: written forms as words."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize.east_asian import EastAsianReader
from tts_server.text.normalize.east_asian_numbers import chinese_digits, chinese_number
from tts_server.text.normalize.east_asian_words import EastAsianWords

# A two before a measure word is 两; before these characters it is 二: days, floors, grades and other numbers in a series, and words that
# are no measure words.
_SERIES = re.compile(r"年级|次方|进制|单元|[月日号楼班级期季版环维路线车手胎战中进的是和与或到至比加减乘除等以了吧在也都就不有为及乙甲丙]")
_HAN = re.compile(r"[ ]?[\u4e00-\u9fff]")
_MONTHS = re.compile(r"[ ]?个")


def _number(value: int, before: str, after: str) -> str:
    following = after.lstrip(" ")
    counts = value == 2 and before[-1:] != "第" and bool(_HAN.match(after)) and not _SERIES.match(following)
    return chinese_number(value, counts=counts)


def _clock(hour: int, minute: int, second: int | None) -> str:
    said = ("零点" if hour == 0 else chinese_number(hour, counts=True) + "点") if hour != 2 else "两点"
    if minute or second is not None:
        said += ("零" if 0 < minute < 10 else "") + chinese_number(minute) + "分"
    return said if second is None else f"{said}{chinese_number(second)}秒"


_WORDS = EastAsianWords(
    number=_number,
    counter_gap=lambda after: "",
    clock=_clock,
    halves=("上午", "下午"),
    digits=chinese_digits,
    identifier=chinese_digits,
    year=chinese_digits,
    multipliers={"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 10**8, "萬": 10_000, "億": 10**8},
    no_multiplier=r"(?!)",
    point="点",
    percent="百分之{}",
    permille="千分之{}",
    fraction="{}分之{}",
    mixed="又",
    date="{}年{}{}",
    month="{}月",
    day="{}日",
    minus="负",
    below_zero="零下",
    to="到",
    ratio="比",
    chain="杠",
    address_context=re.compile(r"(?!)"),
    group_pause="，",
    dot="点",
    at="艾特",
    number_sign="第",
    signs={
        "+": "加",
        "-": "减",
        "×": "乘",
        "÷": "除以",
        "=": "等于",
        "≠": "不等于",
        "<": "小于",
        ">": "大于",
        "≤": "小于等于",
        "≥": "大于等于",
        "≈": "约",
        "±": "正负",
        "√": "根号",
        "∞": "无穷大",
        "%": "百分号",
        "‰": "千分号",
        "°": "度",
        "&": "和",
        "@": "艾特",
        "$": "美元",
        "€": "欧元",
        "£": "英镑",
        "¥": "元",
    },
    units={
        "km": "公里",
        "m": "米",
        "cm": "厘米",
        "mm": "毫米",
        "dm": "分米",
        "nm": "纳米",
        "µm": "微米",
        "μm": "微米",
        "km²": "平方公里",
        "km2": "平方公里",
        "m²": "平方米",
        "m2": "平方米",
        "㎡": "平方米",
        "cm²": "平方厘米",
        "mm²": "平方毫米",
        "m³": "立方米",
        "m3": "立方米",
        "cm³": "立方厘米",
        "kg": "公斤",
        "g": "克",
        "mg": "毫克",
        "µg": "微克",
        "μg": "微克",
        "t": "吨",
        "L": "升",
        "l": "升",
        "ml": "毫升",
        "mL": "毫升",
        "km/h": "公里每小时",
        "m/s": "米每秒",
        "°C": "摄氏度",
        "°F": "华氏度",
        "°": "度",
        "h": "小时",
        "min": "分钟",
        "s": "秒",
        "ms": "毫秒",
        "W": "瓦",
        "kW": "千瓦",
        "MW": "兆瓦",
        "kWh": "千瓦时",
        "V": "伏",
        "A": "安",
        "mA": "毫安",
        "mAh": "毫安时",
        "Hz": "赫兹",
        "kHz": "千赫",
        "MHz": "兆赫",
        "GHz": "吉赫",
        "KB": "千字节",
        "MB": "兆字节",
        "GB": "吉字节",
        "TB": "太字节",
        "Mbps": "兆比特每秒",
        "dB": "分贝",
        "Pa": "帕",
        "hPa": "百帕",
        "kPa": "千帕",
        "cal": "卡",
        "kcal": "千卡",
        "J": "焦耳",
        "kJ": "千焦",
        "ha": "公顷",
        "Ω": "欧姆",
        "rpm": "转每分钟",
    },
    reads_codes_by_digit=True,
    currencies={
        "¥": "元",
        "$": "美元",
        "US$": "美元",
        "HK$": "港元",
        "NT$": "新台币",
        "A$": "澳元",
        "AU$": "澳元",
        "C$": "加元",
        "CA$": "加元",
        "€": "欧元",
        "£": "英镑",
        "₩": "韩元",
        "₽": "卢布",
        "₹": "卢比",
        "₺": "里拉",
        "฿": "泰铢",
        "₫": "越南盾",
        "₱": "比索",
        "₴": "格里夫纳",
        "USD": "美元",
        "EUR": "欧元",
        "GBP": "英镑",
        "JPY": "日元",
        "CNY": "元",
        "RMB": "元",
        "KRW": "韩元",
        "HKD": "港元",
        "TWD": "新台币",
    },
    cents={},
    identifier_context=re.compile(
        r"(?:电话|手机号?|号码|热线|拨打|致电|密码|验证码|邮编|编号|卡号|账号|帐号|学号|工号|房间号?|房号|单号|QQ号?|代码|電話|密碼)码?"
        r"[ ]?[是为:：]?[ ]?\Z"
    ),
    short_phone=re.compile(r"(?!)"),
    digits_before=re.compile(r"\d{3,4}(?:室|房)|[5-9][05]后|[01]0后"),
    score_context=re.compile(r"(?:比分|以|战绩)[^，。]{0,6}\Z"),
    plus_name="加",
    score_follows=re.compile(r"[^，。\d]{0,5}(?:赢|胜|负|输|击败|战平|打平|逆转|领先|落后|绝杀|结束|淘汰)"),
    date_context=re.compile(r"(?:日期|截止|截至|于|在)[^\n]{0,3}\n|\n[ ]?[(（](?:周|星期)?[一二三四五六日天]"),
    power={"²": "平方", "³": "立方"},
)
_READER = EastAsianReader(_WORDS)


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write the numbers and signs of Chinese text as words; see `registry.find_edits`."""
    return _READER.find_edits(text)
