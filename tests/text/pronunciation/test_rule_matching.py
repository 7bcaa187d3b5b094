"""Which words a pronunciation rule matches, and what is put there."""

from __future__ import annotations

import pytest

from tts_server.text.edits import EditedText
from tts_server.text.phonemes import PHONEME_SPAN, span_ipa, span_word
from tts_server.text.pronunciation.matching import CompiledRules, find_edits
from tts_server.text.pronunciation.rules import MAX_ALIAS, MAX_STRING, Rule, check_rules, merged


def read(text: str, *dictionaries: list[Rule]) -> str:
    """The text after the rules; a word with a pronunciation is written `<word|ipa>`."""
    edits = find_edits(text, [CompiledRules(rules) for rules in dictionaries])
    return PHONEME_SPAN.sub(lambda span: f"<{span_word(span)}|{span_ipa(span)}>", EditedText(text, edits).text)


def alias(string: str, said: str, **conditions: bool) -> Rule:
    return Rule(string, alias=said, **conditions)


@pytest.mark.parametrize(
    ("string", "text", "expected"),
    [
        ("NPC", "The NPC left.", "The X left."),
        ("NPC", "NPC, (NPC) and NPC-like", "X, (X) and X-like"),
        ("NPC", "ANPC NPCx NPC1 1NPC", "ANPC NPCx NPC1 1NPC"),
        ("NPC", "NPCé npc", "NPCé npc"),
        ("C++", "I like C++.", "I like X."),
        ("10x", "a 10x gain, not 110x", "a X gain, not 110x"),
        ("New York", "New York, New  York and New\nYork", "X, X and X"),
        ("New York", "New\n\nYork", "New\n\nYork"),
        ("O'Brien", "O’Brien and O'Brien", "X and X"),
        ("e‑mail", "an e-mail", "an X"),
        ("Ｗｉ－Ｆｉ", "Wi-Fi", "X"),
        ("don", "don't, don", "don't, X"),
        ("東京", "東京大学は東京にある", "X大学はXにある"),
        ("NPC", "そのNPCは", "そのXは"),
        ("서울", "서울에서", "X에서"),
        ("नमस्ते", "नमस्ते नमस्तें", "X नमस्तें"),
        ("café", "cafés and café", "Xs and X"),
        (".NET", "ASP.NET or .NET", "ASP.NET or X"),
        ("U.S.", "U.S.A. and the U.S. too.", "U.S.A. and the X too."),
        ("St.", "St. John, (St.) and more", "X John, (X) and more"),
        ("St.", "Main St.", "Main X."),
        ("St.", '"Main St."\nMain St.)\n\nMain St.!', '"Main X."\nMain X.)\n\nMain X!'),
        ("10", "10 10, 10.5 1.10 10,000 10:30 10. (10)", "X X, 10.5 1.10 10,000 10:30 X. (X)"),
        ("3/4", "3/4, 13/4, 3/4/5", "X, 13/4, 3/4/5"),
        ("GitHub", "GitHub.com", "X.com"),
        ("++", "i++ and ++i", "i X and X i"),
    ],
)
def test_a_rule_matches_whole_words(string, text, expected):
    assert read(text, [alias(string, "X")]) == expected


def test_without_word_boundaries_a_rule_matches_inside_words():
    assert read("racism, isms", [alias("ism", "izm", word_boundaries=False)]) == "racizm, izms"
    assert read("a b a  b", [alias("a b", "c", word_boundaries=False)]) == "c c"


def test_capitals_count_unless_the_rule_says_otherwise():
    assert read("gif GIF Gifs", [alias("gif", "jif")]) == "jif GIF Gifs"
    assert read("gif GIF Gifs GIFS", [alias("gif", "jif", case_sensitive=False)]) == "jif jif jifs jifs"
    assert read("STRASSE", [alias("Straße", "street", case_sensitive=False)]) == "street"


@pytest.mark.parametrize(
    ("string", "said", "text", "expected"),
    [
        (
            "NPC",
            "non-player character",
            "NPCs, NPC's and NPCs'",
            "non-player characters, non-player character's and non-player characters'",
        ),
        ("POV", "point of view", "two POVs", "two points of view"),
        ("FAB", "fabrication box", "FABs", "fabrication boxes"),
        ("AP", "academy party", "APs", "academy parties"),
        ("CEO", "chief executive officer", "CEOs", "chief executive officers"),
        ("MSW", "marine stunt woman", "MSWs", "marine stunt women"),
        ("GPS", "satellite receiver", "GPSs and GPSes", "satellite receivers and satellite receivers"),
        ("fox", "kit", "foxes", "kits"),
        ("quiz", "whiz", "quizzes", "whizzes"),
        ("AI", "A.I.", "two AIs", "two A.I.s"),
        ("us", "United Society", "uses", "uses"),
        ("FPS", "frame per second", "FPSs", "frames per second"),
        ("city", "town", "cities", "towns"),
        ("boss", "chief", "bosses bosss", "chiefs bosss"),
        ("RFC", "request for comments", "RFCs", "requests for comments"),
        ("1990", "nineteen ninety", "the 1990s", "the nineteen nineties"),
        ("Mr", "Mister", "Mrs", "Mrs"),
        ("Mar", "March", "Mars", "Mars"),
        ("new", "novel", "news", "news"),
        ("a", "ay", "as", "as"),
    ],
)
def test_the_plural_of_a_word_gets_the_plural_of_the_alias(string, said, text, expected):
    assert read(text, [alias(string, said)]) == expected


@pytest.mark.parametrize(
    ("ipa", "text", "expected"),
    [
        ("ˈnaɪki", "Nike Nikes Nike's Nikes'", "<Nike|ˈnaɪki> <Nikes|ˈnaɪkiz> <Nike's|ˈnaɪkiz> <Nikes|ˈnaɪkiz>'"),
        ("bax", "Nike’s", "<Nike’s|baxs>"),
        ("dɒʃ", "Nikes", "<Nikes|dɒʃɪz>"),
        ("/kæt/", "Nikes", "<Nikes|kæts>"),
        ("ˈdɒtʃ", "Nike's", "<Nike's|ˈdɒtʃɪz>"),
    ],
)
def test_a_pronunciation_gets_the_ending_of_a_plural_or_a_possessive(ipa, text, expected):
    assert read(text, [Rule("Nike", phoneme=ipa)]) == expected


def test_a_pronunciation_stands_apart_from_the_words_beside_it():
    assert read("i++j", [Rule("++", phoneme="plʌs")]) == "i <++|plʌs> j"
    assert read("C++C++", [alias("C++", "see plus")]) == "see plus see plus"


@pytest.mark.parametrize(("alphabet", "phoneme"), [("ipa", "ˈsikwəl"), ("cmu-arpabet", "S IY1 K W AH0 L"), ("x-sampa", '"sikw@l')])
def test_a_pronunciation_may_be_written_in_several_alphabets(alphabet, phoneme):
    assert read("SQL", [Rule("SQL", phoneme=phoneme, alphabet=alphabet)]) == "<SQL|ˈsikwəl>"


def test_the_longest_match_wins_then_the_first_dictionary_then_the_first_rule():
    assert read("New York Times, New York", [alias("New York", "1"), alias("New York Times", "2")]) == "2, 1"
    assert read("New York Times", [alias("New York", "1")], [alias("New York Times", "2")]) == "2"
    assert read("word", [alias("word", "1")], [alias("word", "2")]) == "1"
    assert read("word", [alias("word", "1"), alias("word", "2", case_sensitive=False)]) == "1"
    assert read("bosses", [alias("boss", "1"), alias("bosses", "2")]) == "2"


def test_what_a_rule_says_is_not_matched_again():
    assert read("a b", [alias("a", "b"), alias("b", "a")]) == "b a"


def test_masked_places_are_left_alone_and_do_not_join_words():
    assert read("\ufffc\ufffcNPC\ufffc", [alias("NPC", "X")]) == "\ufffc\ufffcX\ufffc"


def test_edits_are_in_order_with_offsets_into_the_text():
    text = "An NPC and Nike's NPCs."
    edits = find_edits(text, [CompiledRules([alias("NPC", "X"), Rule("Nike", phoneme="naɪki")])])
    assert [(text[edit.start : edit.end], edit.rule) for edit in edits] == [("NPC", "alias"), ("Nike's", "phoneme"), ("NPCs", "alias")]


def test_a_word_that_is_longer_in_another_case_keeps_its_pronunciation():
    rule = Rule("ß" * 60, phoneme="s" * 54, case_sensitive=False)
    assert read("S" * 120, [rule]) == f"<{'ß' * 60}|{'s' * 54}>"


def test_text_without_a_match_has_no_edits():
    assert find_edits("Nothing to see here.", [CompiledRules([alias("NPC", "X")])]) == []
    assert find_edits("Nothing", []) == []


@pytest.mark.parametrize("size", [4096, 40_000])
@pytest.mark.parametrize("unit", ["1", "1,", "a.", "$", "(", "I", "-", "w1 a ", "w1 a b", "'s", "a\u0301", "\u0301", " ", "\n", "東", "s"])
def test_a_text_of_one_repeated_pattern_is_matched_to_its_end(unit, size):
    rules = CompiledRules([*(alias(f"w{number} a b c", "x") for number in range(2000)), alias("aaaa b", "y", word_boundaries=False)])
    text = (unit * size)[:size] + " w7 a b c"
    edits = find_edits(text, [rules])
    assert text[edits[-1].start : edits[-1].end] == "w7 a b c"


def test_ten_thousand_rules_are_all_found():
    rules = [alias(f"term{number}", f"said {number}") for number in range(10_000)]
    check_rules(rules)
    text = " ".join(rule.string_to_replace for rule in rules)
    assert [edit.text for edit in find_edits(text, [CompiledRules(rules)])] == [rule.alias for rule in rules]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"string_to_replace": "", "alias": "x"}, "no character"),
        ({"string_to_replace": " \u200b", "alias": "x"}, "no character"),
        ({"string_to_replace": "x" * (MAX_STRING + 1), "alias": "x"}, "at most"),
        ({"string_to_replace": "x", "alias": ""}, "alias has no character"),
        ({"string_to_replace": "x", "alias": "y" * (MAX_ALIAS + 1)}, "at most"),
        ({"string_to_replace": "x"}, "either"),
        ({"string_to_replace": "x", "alias": "y", "phoneme": "z"}, "either"),
        ({"string_to_replace": "x", "phoneme": "123"}, "not written in IPA"),
        ({"string_to_replace": "x", "phoneme": "//"}, "empty"),
        ({"string_to_replace": "x", "phoneme": "a" * 119}, "at most"),
        ({"string_to_replace": "x" * 100, "phoneme": "a" * 30}, "together"),
        ({"string_to_replace": "x", "phoneme": "QQ1", "alphabet": "cmu-arpabet"}, "QQ1"),
        ({"string_to_replace": "x", "phoneme": "ä", "alphabet": "x-sampa"}, "X-SAMPA"),
        ({"string_to_replace": "x", "phoneme": "a", "alphabet": "klingon"}, "klingon"),
    ],
)
def test_a_rule_that_cannot_be_used_says_why(fields, why):
    with pytest.raises(ValueError, match=why):
        Rule(**fields)


def test_the_longest_rule_with_a_pronunciation_can_be_put_into_a_text_with_its_ending():
    rule = Rule("x" * 57, phoneme="ʃ" * 57)
    assert read(f"{rule.string_to_replace}'s", [rule]) == f"<{'x' * 57}'s|{'ʃ' * 57}ɪz>"


def test_added_rules_take_the_place_of_those_for_the_same_string():
    before = [alias("a", "1"), alias("b", "2")]
    assert merged(before, [alias("a", "3"), alias("a", "4"), alias("c", "5")]) == [alias("b", "2"), alias("a", "3"), alias("c", "5")]


def test_too_many_rules_or_too_long_ones_are_refused():
    with pytest.raises(ValueError, match="10001 rules"):
        check_rules([alias(str(number), "x") for number in range(10_001)])
    with pytest.raises(ValueError, match="characters"):
        check_rules([alias(f"{number:0200d}", "x") for number in range(2001)])
