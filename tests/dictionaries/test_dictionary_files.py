"""Files of rules: PLS and tables, read and written."""

from __future__ import annotations

import pytest

from tts_server.dictionaries.formats import read_rules
from tts_server.dictionaries.pls import write_pls
from tts_server.dictionaries.tables import write_table
from tts_server.errors import InvalidRequest
from tts_server.text.pronunciation.rules import Rule

NAMESPACE = 'xmlns="http://www.w3.org/2005/01/pronunciation-lexicon"'


def lexicon(body: str, attributes: str = 'alphabet="ipa"') -> str:
    return f'<?xml version="1.0"?>\n<lexicon version="1.0" {NAMESPACE} {attributes} xml:lang="en-US">\n{body}\n</lexicon>'


def lexeme(*elements: str) -> str:
    return f"<lexeme>{''.join(elements)}</lexeme>"


RULES = [
    Rule("W3C", alias="World Wide Web & <Consortium>"),
    Rule("Nike", phoneme="ˈnaɪki", case_sensitive=False),
    Rule("10% off", alias='"ten", they; said', word_boundaries=False),
    Rule("東京", alias="とうきょう"),
]


@pytest.mark.parametrize("write", [write_pls, write_table])
def test_what_is_written_is_read_again(write):
    assert read_rules(write(RULES)) == RULES


def test_a_table_keeps_other_alphabets_and_pls_has_ipa():
    rule = Rule("SQL", phoneme="S IY1 K W AH0 L", alphabet="cmu-arpabet")
    assert read_rules(write_table([rule])) == [rule]
    assert read_rules(write_pls([rule])) == [Rule("SQL", phoneme="ˈsikwəl")]


def test_each_grapheme_of_a_lexeme_is_a_rule_with_its_preferred_or_first_pronunciation():
    body = lexeme(
        "<grapheme>color</grapheme>", "<grapheme>colour\n </grapheme>", "<phoneme>kʌ</phoneme>", '<phoneme prefer="true">kɑ</phoneme>'
    ) + lexeme("<grapheme>x</grapheme>", "<alias> one\n two </alias>", "<phoneme>ɛks</phoneme>", "<example>none</example>")
    assert read_rules(lexicon(body).encode()) == [Rule("color", phoneme="kɑ"), Rule("colour", phoneme="kɑ"), Rule("x", alias="one two")]


def test_the_alphabet_of_a_pronunciation_goes_before_that_of_the_lexicon():
    body = lexeme("<grapheme>a</grapheme>", "<phoneme>EY1</phoneme>") + lexeme(
        "<grapheme>b</grapheme>", '<phoneme alphabet="x-sampa">bi:</phoneme>'
    )
    first, second = read_rules(lexicon(body, 'alphabet="cmu-arpabet"').encode())
    assert (first.ipa, second.ipa) == ("ˈeɪ", "biː")


def test_elements_of_other_namespaces_and_metadata_are_passed_over():
    body = '<metadata><x:lexeme xmlns:x="urn:x"><x:grapheme>no</x:grapheme></x:lexeme></metadata><meta name="a" content="b"/>' + lexeme(
        "<grapheme>a</grapheme>", "<alias>b</alias>"
    )
    assert read_rules(lexicon(body).encode()) == [Rule("a", alias="b")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_encoding_of_the_declaration_counts(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><lexicon>{lexeme("<grapheme>café</grapheme>", "<alias>é</alias>")}</lexicon>'
    assert read_rules(text.encode(encoding)) == [Rule("café", alias="é")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('<!DOCTYPE lexicon [<!ENTITY a "b">]><lexicon>&a;</lexicon>', "document type"),
        ('<!DOCTYPE lexicon SYSTEM "http://127.0.0.1/x.dtd"><lexicon/>', "document type"),
        ("<lexicon>&nbsp;</lexicon>", "line 1"),
        ("<lexicon>" + "<a>" * 40 + "</a>" * 40 + "</lexicon>", "nested"),
        ("<html/>", "<lexicon>"),
        ("<lexicon>", "line 1"),
        ('<?xml version="1.0" encoding="klingon"?><lexicon/>', "encoding"),
        ("<lexicon>\n\n<lexeme><alias>b</alias></lexeme></lexicon>", "line 3.*no grapheme"),
        ("<lexicon>\n<lexeme><grapheme>b</grapheme></lexeme></lexicon>", "line 2.*neither"),
        ("<lexicon>\n<lexeme><grapheme>b</grapheme><phoneme>12</phoneme></lexeme></lexicon>", "line 2.*IPA"),
        ('<lexicon alphabet="klingon"/>', "klingon"),
        ("<lexicon>" + lexeme("<grapheme>a</grapheme>" * 10_001, "<alias>b</alias>") + "</lexicon>", "more than 10000"),
    ],
)
def test_a_lexicon_that_cannot_be_used_says_why(text, why):
    with pytest.raises(InvalidRequest, match=f"(?s){why}") as error:
        read_rules(text.encode())
    assert (error.value.param, error.value.code) == ("file", "invalid_pronunciation_file")


NPC, NIKE = Rule("NPC", alias="non-player character"), Rule("Nike", phoneme="ˈnaɪki")


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("NPC,non-player character\n", [NPC]),
        ("NPC;non-player character\r\n\r\nNike;phoneme;ˈnaɪki;ipa", [NPC, NIKE]),
        ("NPC\talias\tnon-player character\nNike\tphoneme\tˈnaɪki", [NPC, NIKE]),
        ("Nike,ˈnaɪki,ipa", [NIKE]),
        ("string_to_replace,type,alias/phoneme,alphabet\nNPC,alias,non-player character,\nNike,phoneme,ˈnaɪki,ipa\n", [NPC, NIKE]),
        ("word,alias,phoneme\nNPC,non-player character,\nNike,,ˈnaɪki\n", [NPC, NIKE]),
        ("Alias,Word\nnon-player character,NPC", [NPC]),
        (
            "string_to_replace,alias,case_sensitive,word_boundaries\nNPC,non-player character,no,False",
            [Rule("NPC", alias="non-player character", case_sensitive=False, word_boundaries=False)],
        ),
        ('"say ""hi""","hello, you"', [Rule('say "hi"', alias="hello, you")]),
        ("", []),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_with_and_without_names_of_its_columns(text, rules, encoding):
    assert read_rules(text.encode(encoding)) == rules


def test_a_table_of_an_older_windows_program_is_read():
    assert read_rules("café;Kaffee – schön".encode("cp1252")) == [Rule("café", alias="Kaffee – schön")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a,b\nc", "line 2.*neither"),
        (b"a,b\n\n,c", "line 3.*no string"),
        (b"a,noun,b,ipa", "line 1.*alphabet"),
        (b"a,alias,b,,maybe", "line 1.*maybe"),
        (b"a,phoneme,b,klingon", "line 1.*klingon"),
        (b'a,"b\n', "line"),
        (b"\x00\x01\x02", "neither"),
        (b"\xff\xfe\x00", "neither"),
        (b"\n".join(b"%d,x" % number for number in range(10_001)), "line 10001.*more than"),
        (b"a," + b"x" * 200_000, "line 1"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(data, why):
    with pytest.raises(InvalidRequest, match=f"(?s){why}"):
        read_rules(data)
