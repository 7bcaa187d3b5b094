"""Segments of Chinese, Japanese and Korean are as long as a model can speak."""

from __future__ import annotations

import itertools
import random

import pytest

from tts_server.engines.chatterbox.families import MULTILINGUAL_V3, capabilities
from tts_server.text.clean import clean
from tts_server.text.pace import usual_seconds
from tts_server.text.segment import segments, segments_for

MAX_SECONDS = 20.0
MAX_FIRST_SECONDS = 7.5
MAX_FIRST_SENTENCE_SECONDS = 10.5
LIMITS = capabilities(MULTILINGUAL_V3)

CHINESE = """
渡轮在黎明时分离开了港口 码头上没有一个人挥手 他把信放在桌上 然后慢慢地走下楼梯 外面下着大雨 街上的灯一盏一盏地亮了起来
她想起小时候住过的那座老房子 院子里有一棵很高的梨树 每到春天就开满白花 邻居们常常坐在树下聊天 直到天完全黑下来
"""
JAPANESE = """
フェリーは夜明けに港を出ました 桟橋では誰も手を振りませんでした 彼は手紙を机の上に置いて ゆっくりと階段を下りていきました
外は雨が降っていて 通りの明かりが一つずつ灯り始めました 彼女は子供のころに住んでいた古い家を思い出しました
庭には背の高い梨の木があり 春になると白い花でいっぱいになりました
"""
KOREAN = """
배는 새벽에 항구를 떠났습니다|부두에서는 아무도 손을 흔들지 않았습니다|그는 편지를 책상 위에 놓고|천천히 계단을 내려갔습니다
밖에는 비가 많이 내리고 있었고|거리의 불빛이 하나씩 켜지기 시작했습니다|그녀는 어릴 때 살던 오래된 집을 떠올렸습니다
마당에는 키가 큰 배나무가 있었고|봄이 되면 하얀 꽃으로 가득했습니다
"""
PHRASES = {"zh": CHINESE.split(), "ja": JAPANESE.split(), "ko": KOREAN.strip().replace("\n", "|").split("|")}
SEPARATORS = {"zh": ["，", "。", "", "；"], "ja": ["、", "。", "", "！"], "ko": [", ", ". ", " ", "? "]}


def paragraph(language: str, number: int) -> str:
    """Phrases in a random order; some paragraphs have many marks, some few, some none."""
    draw = random.Random(number)
    weights = [(3, 3, 1, 1), (1, 1, 5, 0), (0, 0, 1, 0), (1, 5, 0, 1)][number % 4]
    marks = draw.choices(SEPARATORS[language], weights, k=40)
    return "".join(itertools.chain(*zip(draw.choices(PHRASES[language], k=40), marks, strict=True))).strip() + "."


@pytest.mark.parametrize("language", PHRASES)
def test_no_segment_takes_longer_than_the_model_can_speak(language: str) -> None:
    for number in range(100):
        text = clean(paragraph(language, number))
        found = list(segments_for(LIMITS, text))
        seconds = [usual_seconds(segment.text) for segment in found]
        assert max(seconds) <= MAX_SECONDS
        assert seconds[0] <= (MAX_FIRST_SECONDS if found[0].ends_inside else MAX_FIRST_SENTENCE_SECONDS)
        assert "".join("".join(segment.text for segment in found).split()) == "".join(text.split())
        assert len(found) <= 2 + sum(seconds) / (MAX_SECONDS / 3), "the segments are scraps"


@pytest.mark.parametrize(
    "text",
    [
        "会议在2026年3月15日上午9点30分举行，" * 20,
        "The total was $1,234,567.89 and then $9,876,543.21 again. " * 12,
        "Call 555-012-3456 or 555-987-6543, " * 20,
        "NASA FBI CIA NATO " * 30,
        "غادرت العبارة الميناء عند الفجر ولم يلوح أحد على الرصيف، " * 12,
        "המעבורת עזבה את הנמל עם שחר ואיש לא נופף על הרציף, " * 12,
        "١٢٣٤٥٦٧٨٩٠ " * 40,
    ],
)
def test_what_is_read_out_at_length_is_cut_in_time(text: str) -> None:
    found = list(segments_for(LIMITS, clean(text.strip())))
    assert max(usual_seconds(segment.text) for segment in found) <= 1.1 * MAX_SECONDS
    assert "".join("".join(segment.text for segment in found).split()) == "".join(text.split())


def test_a_text_of_two_scripts_counts_each_in_its_own_measure() -> None:
    text = clean(("北京 is the capital of 中华人民共和国, and many people live there. " * 30).strip())
    seconds = [usual_seconds(segment.text) for segment in segments_for(LIMITS, text)]
    assert max(seconds) <= MAX_SECONDS
    assert max(seconds) > MAX_SECONDS / 2


@pytest.mark.parametrize("syllable_chars", [1, 2, 3])
@pytest.mark.parametrize("text", ["漢" * 50, "a" * 50, "漢a" * 25, "aa漢" * 17, "a漢字 b。" * 9])
def test_no_segment_counts_as_more_than_its_limit(text: str, syllable_chars: int) -> None:
    for first_chars, max_chars in ((1, 3), (5, 7), (4, 30)):
        found = list(segments(text, first_chars=first_chars, max_chars=max_chars, syllable_chars=syllable_chars))
        counts = [sum(syllable_chars if "\u4e00" <= sign <= "\u9fff" else 1 for sign in segment.text) for segment in found]
        assert max(counts) <= max_chars
        assert "".join(segment.text for segment in found).replace(" ", "") == text.replace(" ", "")


def test_a_measure_above_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="syllable_chars"):
        list(segments("漢", first_chars=2, max_chars=2, syllable_chars=3))


def test_more_text_never_takes_less_time() -> None:
    text = "Dr. Smith paid $1,200 for H2SO4 at https://example.com/x on 12/25/2026, AAA! [laugh] 北京 "
    durations = [usual_seconds(text[:end]) for end in (0, 10, 24, 32, 60, 74, 79, len(text))]
    assert durations == sorted(durations)
