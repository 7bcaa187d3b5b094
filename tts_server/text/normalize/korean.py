"""Korean: written forms as words. Before some counters numbers are native Korean words, elsewhere Sino-Korean ones."""

from __future__ import annotations

import re

from tts_server.text.edits import Edit
from tts_server.text.normalize.east_asian import EastAsianReader
from tts_server.text.normalize.east_asian_numbers import korean_count, korean_digits, korean_number
from tts_server.text.normalize.east_asian_words import EastAsianWords

_NATIVE_COUNTERS = (
    r"시간|개(?![월국년소사교]|비)|명|분(?=[이께의]?[ ]?(?:손님|계|오셨|께서))|마리|살|번째|대(?![ ]?\d)|권|장|잔|알(?![고아])|병|그루"
    r"|송이|켤레|벌|채|척|자루|통|곳|가지|사람|달(?!러)|쌍|그릇|조각|줄|군데|차례|끼|판|팀|숟가락|스푼|컵|봉지|상자|박스"
    r"|캔|모금|방울|걸음|바퀴|발|종류|편|곡|건|묶음|다발|포기|학급"
)
_SINO_COUNTERS = (
    r"시|분|초|대(?=[ ]?\d)|세(?!트)|번|배|학년|층|호|회|인|주|차|위|등|도|부|급|단계|반|원|달러|유로|엔|위안|파운드|퍼센트"
    r"|프로|점|쪽|페이지|킬로|미터|센티|그램|리터|년|개|강|절|항|조|평|석|표|동|골|승|패|무|톤"
)
_NUMBERED_THINGS = (
    "출구|버스|문제|국도|홀|타자|선수|채널|방|창구|게이트|트랙|타석|지|길|국|역|승강장|좌석|자리|줄|곡|마|교향곡|도로|이다|입니다"
)
_NATIVE = re.compile(rf"[ ]?(?:{_NATIVE_COUNTERS})")
_TIMES = re.compile(r"[ ]?배(?!터|경|달|송|우)")
_HOUR = re.compile(r"[ ]?시(?![리즈장도민군청작])")
_TURN = re.compile(rf"[ ]?번(?!째)(?![ ]?(?:{_NUMBERED_THINGS}))")
_NUMBERED_BEFORE = re.compile(r"(?:버스|번호|문제|출구|채널|선수|국도|정답|답|보기|반|게이트|창구)[은는이가]?[ ]?\Z")
_DECADE = re.compile(r"대(?!의 )")
_MONTH = re.compile(r"월(?!드)")
_JOINED = re.compile(r"[년월일]")
_COUNTER = re.compile(f"{_NATIVE_COUNTERS}|{_SINO_COUNTERS}")
_ORDINAL_NUMBER = re.compile(r"제[ ]?\Z")


def _number(value: int, before: str, after: str) -> str:
    if _ORDINAL_NUMBER.search(before):
        return korean_number(value)
    if value in (6, 10) and _MONTH.match(after):
        return "유" if value == 6 else "시"
    if value in range(10, 100, 10) and _DECADE.match(after):
        return korean_number(value)  # an age or a decade: 20대
    is_hour = 0 < value <= 12 and _HOUR.match(after)
    is_turn = 0 < value < 100 and _TURN.match(after) and not _NUMBERED_BEFORE.search(before)
    is_times = 0 < value < 20 and _TIMES.match(after)
    if value and (is_hour or is_turn or is_times or (value < 100 and _NATIVE.match(after))):
        return "첫" if value == 1 and after.lstrip(" ").startswith("번째") else korean_count(value)
    return korean_number(value)


def _counter_gap(after: str) -> str:
    return " " if _COUNTER.match(after) and not _JOINED.match(after) else ""


def _clock(hour: int, minute: int, second: int | None) -> str:
    said = (korean_count(hour) if 0 < hour <= 12 else korean_number(hour)) + " 시"
    if minute or second is not None:
        said += f" {korean_number(minute)} 분"
    return said if second is None else f"{said} {korean_number(second)} 초"


_WORDS = EastAsianWords(
    number=_number,
    counter_gap=_counter_gap,
    clock=_clock,
    halves=("오전", "오후"),
    digits=korean_digits,
    identifier=lambda digits: korean_digits(digits, "공"),
    year=lambda digits: korean_number(int(digits)),
    multipliers={"십": 10, "백": 100, "천": 1000, "만": 10_000, "억": 10**8, "조": 10**12},
    no_multiplier=r"[각금건작립직]",
    point=" 점 ",
    percent="{} 퍼센트",
    permille="{} 퍼밀",
    fraction="{}분의 {}",
    mixed="과 ",
    date="{}년 {} {}",
    month="{}월",
    day="{}일",
    minus="마이너스 ",
    below_zero="영하 ",
    to="에서 ",
    ratio=" 대 ",
    chain=" 다시 ",
    address_context=re.compile(r"(?:[동리가로길읍면])[ ]?\Z"),
    group_pause=", ",
    dot=" 점 ",
    at=" 골뱅이 ",
    number_sign="넘버 ",
    signs={
        "+": "더하기",
        "-": "빼기",
        "×": "곱하기",
        "÷": "나누기",
        "=": "는",
        "≠": "같지 않다",
        "<": "보다 작다",
        ">": "보다 크다",
        "≤": "이하",
        "≥": "이상",
        "≈": "약",
        "±": "플러스 마이너스",
        "√": "루트",
        "∞": "무한대",
        "%": "퍼센트",
        "‰": "퍼밀",
        "°": "도",
        "&": "앤드",
        "@": "골뱅이",
        "$": "달러",
        "€": "유로",
        "£": "파운드",
        "¥": "엔",
        "₩": "원",
    },
    units={
        "km": "킬로미터",
        "m": "미터",
        "cm": "센티미터",
        "mm": "밀리미터",
        "nm": "나노미터",
        "µm": "마이크로미터",
        "μm": "마이크로미터",
        "km²": "제곱킬로미터",
        "km2": "제곱킬로미터",
        "m²": "제곱미터",
        "m2": "제곱미터",
        "cm²": "제곱센티미터",
        "mm²": "제곱밀리미터",
        "m³": "세제곱미터",
        "m3": "세제곱미터",
        "cm³": "세제곱센티미터",
        "kg": "킬로그램",
        "g": "그램",
        "mg": "밀리그램",
        "µg": "마이크로그램",
        "μg": "마이크로그램",
        "t": "톤",
        "L": "리터",
        "l": "리터",
        "ml": "밀리리터",
        "mL": "밀리리터",
        "km/h": "킬로미터",
        "m/s": "미터 매 초",
        "°C": "도",
        "°F": "화씨 도",
        "°": "도",
        "h": "시간",
        "min": "분",
        "s": "초",
        "ms": "밀리초",
        "W": "와트",
        "kW": "킬로와트",
        "MW": "메가와트",
        "kWh": "킬로와트시",
        "V": "볼트",
        "A": "암페어",
        "mA": "밀리암페어",
        "mAh": "밀리암페어시",
        "Hz": "헤르츠",
        "kHz": "킬로헤르츠",
        "MHz": "메가헤르츠",
        "GHz": "기가헤르츠",
        "KB": "킬로바이트",
        "MB": "메가바이트",
        "GB": "기가바이트",
        "TB": "테라바이트",
        "Mbps": "메가비피에스",
        "dB": "데시벨",
        "Pa": "파스칼",
        "hPa": "헥토파스칼",
        "kPa": "킬로파스칼",
        "cal": "칼로리",
        "kcal": "킬로칼로리",
        "J": "줄",
        "kJ": "킬로줄",
        "ha": "헥타르",
        "Ω": "옴",
        "rpm": "알피엠",
    },
    reads_codes_by_digit=False,
    currencies={
        "₩": "원",
        "¥": "엔",
        "$": "달러",
        "US$": "미국 달러",
        "HK$": "홍콩 달러",
        "NT$": "대만 달러",
        "A$": "호주 달러",
        "AU$": "호주 달러",
        "C$": "캐나다 달러",
        "CA$": "캐나다 달러",
        "€": "유로",
        "£": "파운드",
        "₽": "루블",
        "₹": "루피",
        "₺": "리라",
        "฿": "밧",
        "₫": "동",
        "₱": "페소",
        "₴": "흐리우냐",
        "USD": "달러",
        "EUR": "유로",
        "GBP": "파운드",
        "JPY": "엔",
        "CNY": "위안",
        "RMB": "위안",
        "KRW": "원",
        "HKD": "홍콩 달러",
        "TWD": "대만 달러",
    },
    cents={"달러": "센트", "미국 달러": "센트", "유로": "센트", "파운드": "펜스"},
    identifier_context=re.compile(
        r"(?:전화|번호|연락처|핸드폰|휴대폰|코드|우편|계좌|카드|인증|비번|암호)(?:번호)?[은는가]?[ ]?[:：]?[ ]?\Z"
    ),
    short_phone=re.compile(r"1[568]\d\d-\d{4}\Z"),
    digits_before=re.compile(r"(?!)"),
    score_context=re.compile(r"(?:스코어|결과)[^,.]{0,6}\Z"),
    plus_name="플러스",
    score_follows=re.compile(r"(?:으?로)?[ ]?[^,.\d]{0,6}(?:이기|이겼|이긴|승|패|졌|지고|비겼|비기|꺾|끝났|앞서|앞섰|뒤져|눌렀|제압)"),
    date_context=re.compile(r"날짜[^\n]{0,3}\n|\n[ ]?(?:[(（][월화수목금토일]|까지|부터)"),
    power={"²": "의 제곱", "³": "의 세제곱"},
    gap=" ",
)
_READER = EastAsianReader(_WORDS)


def find_edits(text: str, language: str) -> list[Edit]:
    """The edits that write the numbers and signs of Korean text as words; see `registry.find_edits`."""
    return _READER.find_edits(text)
