"""SSML: what each element becomes, what is refused, and in which words."""

from __future__ import annotations

import pytest

from tts_server.errors import InvalidRequest
from tts_server.text.clean import clean
from tts_server.text.edits import EditedText
from tts_server.text.inline_tags import language_tag, rate_tag
from tts_server.text.markup.reader import read_markup
from tts_server.text.markup.say_as import say_as_text
from tts_server.text.phonemes import phoneme_span


def plain(text: str, language: str | None = "en") -> str:
    return EditedText(text, read_markup(text, language).edits).text


def speak(content: str) -> str:
    return plain(f"<speak>{content}</speak>")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Hello.", "Hello."),
        ("Wait<break time='500ms'/>here", "Wait [pause:0.5s] here"),
        ("Wait <break time='1.5s'/> here", "Wait [pause:1.5s] here"),
        ("Wait <break time='99s'/> here", "Wait [pause:10s] here"),
        ("Wait<break strength='none'/>here", "Wait here"),
        ("Wait<break strength='x-strong'/>here", "Wait [pause:1.25s] here"),
        ("Wait<break/>here", "Wait [pause:0.75s] here"),
        ("Wait<break time='soon'/>here", "Wait [pause:0.75s] here"),
        ("<p>One</p><p>Two</p>", "One.\n\nTwo."),
        ("<s>one</s><s>two?</s> <s>three</s>", "one. two? three."),
        ("<paragraph><sentence>one</sentence></paragraph>", "one."),
        ("<sub alias='World Wide Web &amp; more'>WWW</sub> is big", "World Wide Web & more is big"),
        ("<sub alias='x'><emphasis>q</emphasis><break/></sub>.", "x."),
        ("<emphasis level='strong'>really</emphasis> good", "really good"),
        ("<audio src='a.wav'>no sound<desc>a bell</desc></audio>", "no sound"),
        ("a<mark name='m'/>b", "ab"),
        ("<amazon:effect name='whispered'>psst</amazon:effect> <mstts:express-as style='sad'>oh</mstts:express-as>", "psst oh"),
        ("<unknown a='b'>text</unknown>", "text"),
        ("a &amp; b &lt; c &#65; &nbsp; &eacute;", "a & b < c A é"),
        ("<![CDATA[x < y & z]]><!-- hidden --><?pi hidden?>", "x < y & z"),
        ("**not** _Markdown_ # here", "**not** _Markdown_ # here"),
        ("[laugh] [pause:1s]", "[laugh] [pause:1s]"),
        ("&#xE000;x&#xE001;y&#xE002;", "xy"),
    ],
)
def test_an_element_becomes_plain_text(content: str, expected: str) -> None:
    assert speak(content) == expected


@pytest.mark.parametrize(
    ("attributes", "text", "expected"),
    [
        ("interpret-as='cardinal'", "1984", "1,984"),
        ("interpret-as='number'", "-12", "minus 12"),
        ("interpret-as='ordinal'", "3", "3rd"),
        ("interpret-as='ordinal'", "112", "112th"),
        ("interpret-as='digits'", "0420", "zero four two zero"),
        ("interpret-as='characters'", "can-1", "C A N dash one"),
        ("interpret-as='spell-out'", "a b", "A B"),
        ("interpret-as='date' format='mdy'", "3/4/2026", "2026-03-04"),
        ("interpret-as='date' format='dmy'", "3.4.26", "2026-04-03"),
        ("interpret-as='date' format='yyyymmdd'", "20260304", "2026-03-04"),
        ("interpret-as='date'", "2026/3/4", "2026-03-04"),
        ("interpret-as='date' format='dm'", "3.4.", "April 3rd"),
        ("interpret-as='date' format='my'", "Sept 1999", "September 1999"),
        ("interpret-as='date' format='mdy'", "13/45/2026", "13/45/2026"),
        ("interpret-as='time'", "2:30pm", "2:30 pm"),
        ("interpret-as='time' format='hms24'", "14:05", "14:05"),
        ("interpret-as='time'", "1'21\"", "1 minute 21 seconds"),
        ("interpret-as='telephone'", "+1 (555) 123-4567", "plus one, five five five, one two three, four five six seven"),
        ("interpret-as='telephone'", "555-0199 ext. 9", "five five five, zero one nine nine, extension nine"),
        ("interpret-as='digits'", "1.50", "one point five zero"),
        ("interpret-as='date'", "????0922", "September 22nd"),
        ("interpret-as='unknown'", "1984", "1984"),
        ("interpret-as='digits'", "none", "none"),
    ],
)
def test_say_as_says_a_text_in_its_way(attributes: str, text: str, expected: str) -> None:
    assert speak(f"<say-as {attributes}>{text}</say-as>") == expected


@pytest.mark.parametrize(
    ("kind", "text", "language", "expected"),
    [
        ("ordinal", "3", "de", "3."),
        ("ordinal", "3", "fr", "3e"),
        ("ordinal", "3", "ja", "第3"),
        ("digits", "42", "de", "4 2"),
        ("characters", "ab1", "es", "A B 1"),
        ("characters", "ß", "de", "ß"),
        ("cardinal", "1984", "de", "1984"),
        ("telephone", "+49 30 12", "de", "+ 4 9, 3 0, 1 2"),
    ],
)
def test_say_as_leaves_other_languages_what_their_rules_read(kind: str, text: str, language: str, expected: str) -> None:
    assert say_as_text(text, kind, language=language) == expected


def test_a_word_with_ipa_becomes_a_token() -> None:
    assert speak("<phoneme alphabet='ipa' ph='təˈmeɪtoʊ'>tomato</phoneme> soup") == f"{phoneme_span('tomato', 'təˈmeɪtoʊ')} soup"


def test_other_alphabets_and_empty_pronunciations_leave_the_word() -> None:
    assert speak("<phoneme alphabet='x-sampa' ph='t'>to</phoneme> <phoneme ph=''>go</phoneme>") == "to go"


def test_rates_multiply_and_end_with_their_element() -> None:
    text = speak("a <prosody rate='slow'>b <prosody rate='50%'>c</prosody> d</prosody> e")
    assert text == f"a {rate_tag(0.75)}b {rate_tag(0.375)}c{rate_tag(0.75)} d{rate_tag(1)} e"


@pytest.mark.parametrize(
    ("rate", "factor"),
    [("x-slow", 0.5), ("medium", 1), ("x-fast", 1.5), ("80%", 0.8), ("+20%", 1.2), ("-10%", 0.9), ("2", 2), ("9", 4), ("-99%", 0.25)],
)
def test_a_rate_is_a_name_a_percentage_or_a_number(rate: str, factor: float) -> None:
    expected = f"{rate_tag(factor)}a{rate_tag(1)}" if factor != 1 else f"{rate_tag(1)}a"
    assert speak(f"<prosody rate='{rate}' pitch='high'>a</prosody>") == expected


@pytest.mark.parametrize("rate", ["quick", "", "-1", "0", "%"])
def test_a_rate_that_is_none_is_ignored(rate: str) -> None:
    assert speak(f"<prosody rate='{rate}'>a</prosody>") == "a"


def test_the_stop_of_a_sentence_comes_before_the_end_of_its_rate() -> None:
    assert speak("<p><prosody rate='slow'>Hi there</prosody></p>") == f"{rate_tag(0.75)}Hi there.{rate_tag(1)}"


def test_parts_in_another_language_are_tagged() -> None:
    text = speak("Hi <lang xml:lang='fr-CA'>Salut <lang xml:lang='de'>Hallo</lang></lang> bye")
    assert text == f"Hi {language_tag('fr')}Salut {language_tag('de')}Hallo{language_tag('fr')}{language_tag('')} bye"


def test_a_replaced_text_has_the_tags_of_its_language() -> None:
    text = speak("Hi <sub alias='Monsieur' xml:lang='fr'>M.</sub> X")
    assert text == f"Hi {language_tag('fr')}Monsieur{language_tag('')} X"


def test_say_as_follows_the_language_around() -> None:
    text = plain("<speak xml:lang='de'><say-as interpret-as='digits'>42</say-as></speak>", None)
    assert text == "4 2"


def test_the_language_of_the_whole_is_reported() -> None:
    assert read_markup("<speak xml:lang='de-DE'>Hallo</speak>").language == "de"
    assert read_markup("<speak>Hallo</speak>").language is None


def test_voices_are_removed_and_reported() -> None:
    markup = read_markup(
        "<speak><voice name='anna'>Hi</voice><voice gender='male'>x</voice> <voice name=' Bob '>there</voice></speak>", "en"
    )
    assert markup.removed_voices == ("anna", "Bob")
    assert markup.is_ssml


@pytest.mark.parametrize(
    "text",
    [
        "<?xml version='1.0' encoding='UTF-16'?>\n<speak>Grüße</speak>",
        "<!-- note -->\n<speak version='1.1' xmlns='http://www.w3.org/2001/10/synthesis'>Grüße</speak>",
        " <speak\n>Grüße\n</speak>",
    ],
)
def test_ssml_may_have_a_declaration_and_comments_before(text: str) -> None:
    assert read_markup(text).is_ssml
    assert plain(text) == "Grüße"


@pytest.mark.parametrize("text", ["<speaker>x</speaker>", "Say <speak>x</speak>", "speak"])
def test_other_texts_are_no_ssml(text: str) -> None:
    assert not read_markup(text).is_ssml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<speak>AT&T</speak>", "not well formed.*line 1.*Write"),
        ("<speak>a < b</speak>", "not well formed.*line 1.*Write"),
        ("<speak>a", "not well formed"),
        ("<speak>\n<p>a</s></speak>", r"mismatched tag \(line 2"),
        ("<speak>a</speak> b", "not well formed"),
        ("<speak>&nosuchname;</speak>", 'unknown entity "&nosuchname;"'),
        ("<!DOCTYPE speak><speak>a</speak>", "document type"),
        ("<!DOCTYPE speak [<!ENTITY a 'b'>]><speak>&a;</speak>", "document type"),
        ("<!DOCTYPE speak SYSTEM 'http://x.example/a.dtd'><speak>a</speak>", "document type"),
        ("<speak>" + "<p>" * 50 + "</p>" * 50 + "</speak>", "deeper than 50"),
    ],
)
def test_ssml_that_cannot_be_read_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as error:
        read_markup(text)
    assert error.value.param == "input"


@pytest.mark.parametrize(
    "content", ["<s>a</s>", "a\n", "&lt;", "&nbsp;", "<break/>", "<sub alias='x'>a</sub>", "<!-- -->", "<x:y z='a'>b</x:y>", "é"]
)
def test_long_ssml_is_read(content: str) -> None:
    text = f"<speak>{content * (40_000 // len(content))}</speak>"
    assert "\ue010" not in plain(clean(text))
