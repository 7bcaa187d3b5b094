"""The first segment ends with its sentence where that is short enough, in any language; else it is cut early."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_server.engines.chatterbox.families import MULTILINGUAL_V3, capabilities
from tts_server.text.clean import clean
from tts_server.text.cuts import SHORT
from tts_server.text.segment import FIRST_SENTENCE_GROWTH, segments, segments_for

CAPABILITIES = capabilities(MULTILINGUAL_V3)
LIMIT = CAPABILITIES.first_segment_chars
SENTENCE_LIMIT = FIRST_SENTENCE_GROWTH * LIMIT

WORDS = {
    "en": "ferry harbour dawn nobody waved letter table slowly stairs outside rain street lamps evening keeper tower",
    "de": "Fähre Hafen Morgen niemand winkte Brief Tisch langsam Treppe draußen Regen Straße Laternen Leuchtturmwärter",
    "fr": "bateau port aube personne lettre table lentement escalier dehors pluie rue lampes soir gardien phare été",
    "es": "barco puerto alba nadie carta mesa despacio escalera afuera lluvia calle lámparas tarde guardián faro",
    "pl": "prom port świt nikt nie machał list stół powoli schody deszcz ulica latarnie wieczór strażnik wieża",
    "tr": "vapur liman şafak kimse mektup masa yavaşça merdiven yağmur sokak lambalar akşam bekçi kule",
    "ru": "паром порт рассвет никто махал письмо стол медленно лестница дождь улица фонари вечер смотритель башня",
    "el": "πλοίο λιμάνι αυγή κανείς γράμμα τραπέζι αργά σκάλα βροχή δρόμος φώτα βράδυ φύλακας πύργος",
    "ar": "العبارة الميناء الفجر أحد الرصيف الرسالة الطاولة ببطء الدرج المطر الشارع المصابيح المساء",
    "he": "המעבורת הנמל שחר איש רציף מכתב שולחן לאט מדרגות גשם רחוב פנסים ערב שומר",
    "hi": "नाव बंदरगाह सुबह कोई चिट्ठी मेज़ धीरे सीढ़ियाँ बारिश सड़क बत्तियाँ शाम",
    "ko": "배는 새벽에 항구를 떠났습니다 부두에서는 아무도 편지를 책상 위에 천천히 계단을 비가 거리의 불빛이",
    "ja": "フェリーは 夜明けに 港を出て 桟橋では 誰も 手紙を 机の上に 階段を 雨が 通りの 明かりが 梨の木が",
    "zh": "渡轮 黎明 港口 码头 没有人 挥手 信 桌上 慢慢地 楼梯 大雨 街上 灯 梨树 院子 夏天",
}
COMMAS = {"ar": "، ", "ja": "、", "zh": "，"}
STOPS = {"hi": "।", "ja": "。", "zh": "。"}
SPACELESS = ("ja", "zh")


def size_of(text: str) -> int:
    """The length of a text in letters of an alphabet that take as long: a syllable takes three, a letter without its vowels two."""
    syllables = len(re.findall("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", text))
    consonants = len(re.findall("[\u05d0-\u05ea\u0620-\u064a]", text))
    return len(text) + 2 * syllables + consonants


@st.composite
def sentences(draw: st.DrawFn, language: str, max_words: int) -> str:
    words = draw(st.lists(st.sampled_from(WORDS[language].split()), min_size=1, max_size=max_words))
    space = "" if language in SPACELESS else " "
    comma = COMMAS.get(language, ", ")
    parts = [words[0][0].upper() + words[0][1:]]
    for word in words[1:]:
        parts += [comma if draw(st.integers(0, 7)) == 0 else space, word]
    return "".join(parts) + STOPS.get(language, ".")


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text, and its sentences."""
    language = draw(st.sampled_from(sorted(WORDS)))
    found = [draw(sentences(language, 60)), *(draw(sentences(language, 20)) for _ in range(draw(st.integers(0, 4))))]
    return ("" if language in SPACELESS else " ").join(found), found


@settings(deadline=None, max_examples=500)
@given(texts())
def test_the_first_segment_is_cut_only_inside_of_a_sentence_that_does_not_fit(given_text: tuple[str, list[str]]) -> None:
    text, parts = given_text
    first, *others = segments_for(CAPABILITIES, clean(text))
    assert "".join("".join(segment.text for segment in (first, *others)).split()) == "".join(text.split())
    assert size_of(first.text) <= (LIMIT if first.ends_inside else SENTENCE_LIMIT)
    if size_of(parts[0]) <= SENTENCE_LIMIT:
        assert first.text.startswith(parts[0])
    else:
        assert first.ends_inside and parts[0].startswith(first.text)
    if first.text == parts[0] and size_of(parts[0]) + 1 < SHORT and len(parts) == 2:
        assert size_of(f"{parts[0]} {parts[1]}") > SENTENCE_LIMIT


@pytest.mark.parametrize("length", range(90, 160, 3))
def test_a_sentence_is_left_whole_up_to_the_limit_and_cut_at_a_clause_beyond_it(length: int) -> None:
    clauses = "When the evening came at last over the harbour, all of them went down,"
    sentence = clauses + " and".ljust(length - len(clauses) - 1, "x") + "."
    first = next(segments(f"{sentence} They were glad.", first_chars=100, max_chars=280))
    assert first.text == (sentence if length <= 140 else clauses)


def test_the_first_segment_never_grows_beyond_the_longest_one() -> None:
    sentence = "It was a fine day in the long summer of that year."
    found = [segment.text for segment in segments(sentence, first_chars=44, max_chars=46)]
    assert len(found) == 2 and max(map(len, found)) <= 46


def test_a_short_sentence_takes_the_next_one_along_up_to_the_same_limit() -> None:
    following = "The keeper of the old lighthouse had climbed up all the stairs of the tower every evening for forty long years by then."
    found = next(segments(f"Hello. {following} He was tired.", first_chars=100, max_chars=280))
    assert found.text == f"Hello. {following}" and len(found.text) > 100
