"""Markup is read as a person would read it aloud, and plain prose stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.markup import cases, cases_others
from tts_server.text.clean import clean
from tts_server.text.edits import EditedText
from tts_server.text.markup.reader import read_markup
from tts_server.text.markup.tags import SOUNDS
from tts_server.text.phonemes import PHONEME_SPAN, phoneme_span, without_phonemes
from tts_server.text.reading import ReadingOptions, read_text

ALL = [*cases.ALL, *cases_others.ALL, *((text, text) for text in cases_others.UNCHANGED)]
UNCHANGED = [*cases.UNCHANGED, *cases_others.UNCHANGED]


def plain(text: str, language: str | None = "en") -> str:
    return EditedText(text, read_markup(text, language).edits).text


@pytest.mark.parametrize(("text", "expected"), ALL)
def test_markup_is_read_as_a_person_reads_it(text: str, expected: str) -> None:
    assert clean(text) == text
    assert plain(text) == expected


@pytest.mark.parametrize("text", UNCHANGED)
def test_prose_has_no_edits(text: str) -> None:
    assert read_markup(text).edits == ()


@pytest.mark.parametrize("text", [text for text, _ in ALL])
def test_no_private_character_is_left(text: str) -> None:
    assert not [char for char in plain(text) if "\ue000" <= char <= "\uf8ff"]


@pytest.mark.parametrize(("text", "expected"), cases_others.UNPAIRED)
def test_marks_without_a_partner_are_silent(text: str, expected: str) -> None:
    assert read_text(text, ReadingOptions(language="en")).words == expected


def test_formulas_keep_their_signs_in_other_languages() -> None:
    assert plain(r"Es gilt $x^2 \leq \frac{a}{b}$ und $\sqrt{2} \cdot \pi$.", "de") == "Es gilt x² ≤ a / b und √2 × π."


def test_a_word_with_a_pronunciation_becomes_a_token() -> None:
    assert plain("[Kokoro](/kˈOkəɹO/) likes [tea](/tiː/).") == f"{phoneme_span('Kokoro', 'kˈOkəɹO')} likes {phoneme_span('tea', 'tiː')}."


def test_the_marks_around_a_word_with_a_pronunciation_go() -> None:
    text = plain("- **[tea](/tiː/)** is hot")
    assert without_phonemes(text) == "tea is hot."
    assert PHONEME_SPAN.search(text)


def test_a_pronunciation_that_is_too_long_is_left_as_text() -> None:
    text = "[" + "a" * 59 + "](/" + "t" * 90 + "/)"
    assert not PHONEME_SPAN.search(plain(text))


def test_voice_tags_are_removed_and_reported() -> None:
    markup = read_markup("[voice:Anna]Hello.[/voice] [voice: Bob ]Bye.")
    assert EditedText("[voice:Anna]Hello.[/voice] [voice: Bob ]Bye.", markup.edits).text == "Hello. Bye."
    assert markup.removed_voices == ("Anna", "Bob")
    assert not markup.is_ssml


@pytest.mark.parametrize("sound", sorted(SOUNDS))
def test_sounds_and_pauses_are_never_links(sound: str) -> None:
    text = f"Well {sound} [pause:1s](so) {sound}(x)"
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "word", "source"),
    [
        ("# A *very* long title", "very", "very"),
        ("see [the docs](https://example.com) now", "docs", "docs"),
        ("see [the docs](https://example.com) now", "now", "now"),
        ("| a | **b** |\n|---|---|\n| c | d |", "b", "b"),
        ("<p>Tom &amp; <b>Jerry</b></p>", "Jerry", "Jerry"),
        ("<p>Tom &amp; Jerry</p>", "&", "&amp;"),
        (r"so $\frac{a}{b}$ it is", "over", r"$\frac{a}{b}$"),
        ("1\n00:00:01,000 --> 00:00:03,000\nHello\nthere", "there", "there"),
        ("<speak>Hello <emphasis>there</emphasis>, <sub alias='mister'>Mr</sub> X</speak>", "there", "there"),
        ("<speak>Zürich &amp; <sub alias='mister'>Mr</sub> X</speak>", "mister", "<sub alias='mister'>Mr</sub>"),
        ("<speak>Zürich &amp; <sub alias='mister'>Mr</sub> X</speak>", "X", "X"),
        ("Use `a * b` here", "a * b", "a * b"),
    ],
)
def test_each_word_keeps_its_place_in_the_source(text: str, word: str, source: str) -> None:
    edited = EditedText(text, read_markup(text, "en").edits)
    start = edited.text.index(word)
    first, last = edited.source_span(start, start + len(word))
    assert text[first:last] == source


@given(st.text("ab1 \n*_`#>-[]()!|<>/&;$\\{}~=.^:'\"+", max_size=60))
def test_any_text_gives_ordered_edits_that_change_something(text: str) -> None:
    text = clean(text)
    edits = read_markup(text, "en").edits
    assert all(text[edit.start : edit.end] != edit.text for edit in edits)
    assert all(one.end <= other.start for one, other in zip(edits, edits[1:], strict=False))
    result = EditedText(text, edits).text
    assert not [char for char in result if "\ue000" <= char <= "\uf8ff"]


MARKS = (
    *("\\textbf{", "\\cite{a}", "}", "{", "{{", "}}", "[[", "]]", "|", "||", "[b]", "[/b]", "[*]", "[list]", "[code]", "[/code]", "[img]"),
    *("[/img]", "''", "'''", "~", "**", "*", "_", "`", "``", "\n", "\n\n", " ", "a", "word", ":a:", "<@U12>", "<b>", "$", "::\n"),
    *(".. note::\n", "--", "\n--\n", "<a@b> wrote:\n", "{|\n", "|}", "|-\n", "[[File:", ":ref:`x <y>`_", "{color}", "!a.png!", ">!", "!<"),
    *("\\begin{tabular}", "\\end{tabular}", "&", "\\\\", "\n$ ", "```\n", "<ref>", "</ref>", "{\\bf ", "![[", "."),
)


@given(st.lists(st.sampled_from(MARKS), max_size=14))
def test_any_marks_give_ordered_edits(marks: list[str]) -> None:
    text = clean("".join(marks))
    edits = read_markup(text, "en").edits
    assert all(one.end <= other.start for one, other in zip(edits, edits[1:], strict=False))
    assert not [char for char in EditedText(text, edits).text if "\ue000" <= char <= "\uf8ff"]


@given(st.lists(st.sampled_from([text for text, _ in ALL]), min_size=2, max_size=4))
def test_letters_of_prose_between_blocks_are_kept(texts: list[str]) -> None:
    text = "\n\n".join(f"{given} \n\nkept{index} words" for index, given in enumerate(texts) if "```" not in given)
    result = plain(clean(text))
    assert all(f"kept{index} words" in result for index, given in enumerate(texts) if "```" not in given)


HOSTILE = [
    *("[", "]", "*", "**", "_", "`", "<", "$", "{", "> ", "<b", "&", "[](", "![", "](", "[[", "[^", "~~", "~~a", "==a", "*a", "a*"),
    *("_a", "**a", "$a", "$a$", "\\(", "\\[", "$\\frac{", "{\\", "<b>", "<b a=", "<b a='", "<!--", "<![CDATA[", "<script>", "<div>"),
    *("<p>a", "&amp;", "|", "| a |\n", "a|b\n|-|-|\n", "- a\n", "1. a\n", "# a\n", "> a\n", "```\n", "a\n---\n", "-Hi. - ", "- a. - b"),
    *("1\n00:00:01,000 --> 00:00:02,000\n", "NOTE\n\n", "[a]: b\n", "[a][1] ", "[a](/b/)", "[voice:", "♪", "\\N", "\\", "[a](b"),
    *("[a](b (", "<td>", "<v ", "(*", "*)", "https://a", "$$", "$^{", "|---|\n", "<phoneme ph='a'>", "<break", "1", "1,", "a.", "(((("),
    *("-", "=", "中*", "[1]", "\\begin{equation}"),
    *("\\textbf{", "\\textbf{a}", "\\cite{a}", "\\item ", "{\\bf ", "\\begin{a}", "\\frac{1}", "\\'e", "``a", "``a''", "``a'' ``", "a~"),
    *("[b]", "[/b]", "[b]a[/b]", "[img]", "[code]", "[*]", "[list][*]", "[url=", "[https://a b", "''", "''a", "'''a ''b", "{{", "{{a}}"),
    *("[[File:", "[[a]]", "[[File:a|b]]", "{|\n", "{|\n|a||b\n|-\n", "||a", "||a||", "~a", "~a~ ", ":a", ":a:", ":a: ", "<@U1", "<@U12> "),
    *("<#C12|", "<https://a|b> ", ":a:`b`", "`a <b>`_", ".. a::\n", ".. note::\n:a: b\n", "a\n^^^\n", "a\n~~~~\n", "a*b*", "aa*bb*cc "),
    *("On <a@b> wrote:\n", "<a@b>", "--- a ---\n", "1--", "a---", "{{[[", "{{a\n\n", "[[File:a|[[b]]]]", "{{a", "*ab*c", "\\verb", "}"),
    *(">!a", ">!a!< ", "{color:a}", "{code}", "!a", "!a.png", "!a.png! ", ":::\n", ":::a\n", "!!! a\n", ": a\n", "[a|https://b] ", "$ a\n"),
    *("\\begin{tabular}{l}", "\\begin{tabular}&", "```\n$ a\n", "[TOC]\n", "[[_TOC_]]", "h1. a\n", "[hr]", ".. _a\n", "a::\n", "&", "\\\\"),
]


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("length", [4096, 40_000])
def test_hostile_patterns_are_read_without_an_error(pattern: str, length: int) -> None:
    text = clean((pattern * (length // len(pattern) + 1))[:length])
    assert len(plain(text)) <= 6 * length
