"""The embedded voice's reader: no text breaks it, none takes it long, and ordinary text is read as hibari reads it."""

from __future__ import annotations

import pytest
from hibari.g2p.lexicon import Lexicon
from hibari.g2p.tokenize import Tokenizer
from hibari.tts import MAX_PHONEMES
from speech.sentences import SENTENCES

from tts_server.engines.embedded.reader import TOKEN_PARTS, Reader
from tts_server.engines.embedded.written import COUNTED_DIGITS

NINE, NINTH, ONE, ZERO = "nˈIn", "nˈInθ", "wˈʌn", "zˈɪɹO"
LONG = [COUNTED_DIGITS + 1, 37, 300, 4096]


@pytest.fixture
def look_ups(monkeypatch):
    """Counts what costs time: the look-ups of words and joined words."""
    counted: list[int] = []
    look_up = Lexicon.__call__

    def counting(lexicon, token, context):
        counted.append(len(token.text))
        return look_up(lexicon, token, context)

    monkeypatch.setattr(Lexicon, "__call__", counting)
    return counted


def spoken(reader: Reader, text: str) -> str:
    return " ".join(reader.phonemes(text))


def words(reader: Reader, text: str) -> list[str]:
    return spoken(reader, text).split()


def tokens(reader: Reader, text: str, monkeypatch) -> list[str]:
    """What hibari is given, token by token."""
    given: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "__call__", lambda _, text: given.append(text) or [])
        reader.phonemes(text)
    return " ".join(given).split()


def test_fifteen_digits_are_still_read_as_one_number(reader):
    assert "tɹˈɪljən" in spoken(reader, "9" * 15)
    assert spoken(reader, "999,999,999,999,999") == spoken(reader, "9" * 15)


@pytest.mark.parametrize("count", LONG)
def test_more_digits_are_read_one_by_one(reader, count):
    assert words(reader, "9" * count) == [NINE] * count
    assert words(reader, f"The number {'9' * count} is big.").count(NINE) == count


@pytest.mark.parametrize("count", LONG)
def test_signs_and_endings_of_long_numbers_are_spoken(reader, count):
    digits = "9" * count
    assert words(reader, f"-{digits}") == ["mˈInəs"] + [NINE] * count
    assert words(reader, f"${digits}") == [NINE] * count + ["dˈɑləɹz"]
    assert words(reader, f"{digits} €") == [NINE] * count + ["jˈʊɹOz"]
    assert words(reader, f"{digits}th") == [NINE] * (count - 1) + [NINTH]
    assert words(reader, f"{digits}%") == [NINE] * count + ["pəɹsˈɛnt"]


@pytest.mark.parametrize("count", LONG)
def test_long_numbers_with_fractions_keep_every_digit(reader, count):
    assert words(reader, f"{'9' * count}.{'9' * count}") == [NINE] * count + ["pˈYnt"] + [NINE] * count
    assert words(reader, f"9.{'9' * count}") == [NINE, "pˈYnt"] + [NINE] * count
    assert words(reader, f"0.{'0' * count}9")[-2:] == [ZERO, NINE]


@pytest.mark.parametrize("groups", [6, 13, 100, 1000])
def test_thousands_commas_of_long_numbers_make_no_pauses(reader, groups):
    assert words(reader, "1" + ",000" * groups) == [ONE] + [ZERO] * 3 * groups


def test_a_long_list_of_numbers_without_spaces_is_read_as_a_list(reader):
    listed = ",".join(str(n) for n in range(1, 15))
    assert spoken(reader, listed) == spoken(reader, listed.replace(",", ", "))


@pytest.mark.parametrize("nine", ["٩", "९", "９", "𝟗"])
def test_long_numbers_in_other_digits_are_read_one_by_one(reader, nine):
    assert words(reader, nine * 40) == [NINE] * 40
    assert words(reader, nine * 15) == words(reader, "9" * 15)


@pytest.mark.parametrize(
    "text",
    [
        "¹See below",
        "note①a",
        "¹õ",
        "x¹$",
        "m²k",
        "²" * 40,
        "⑳" * 40,
        "9²" * 40,
        "999999999999999²" * 3,
        "1.1." + "1" + "0" * 40,
        "9,,9" * 30,
        ",9" * 50,
    ],
)
def test_odd_digits_and_commas_are_spoken(reader, text):
    assert spoken(reader, text)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_ordinary_sentences_are_read_as_hibari_reads_them(reader, hibari, sentence):
    assert reader.phonemes(sentence) == [hibari(sentence)]


@pytest.mark.parametrize(
    "text",
    [
        "It costs $1,234,567,890.99 or 3.5% more",
        "Call 555-1234 at 10:30 on 2024-05-06",
        "See https://www.example.com/blog/2024/05/my-article-title",
        "Write to first.last@mail.example.com",
        "a well-known-by-all-but-never-really-understood-state-of-the-art idea",
        "snake_case_name and camelCaseName and/or version 1.2.3",
    ],
)
def test_ordinary_tokens_are_not_cut(reader, hibari, text):
    assert reader.phonemes(text) == [hibari(text)]


def test_long_tokens_are_cut_after_signs_and_between_letters_and_digits(reader, monkeypatch):
    assert tokens(reader, "one-two)three," * 9, monkeypatch) == ["one-", "two)", "three,"] * 9
    assert tokens(reader, "B1" * 50, monkeypatch) == ["B", "1"] * 50


def test_words_with_apostrophes_and_decimals_are_not_cut(reader, monkeypatch):
    assert tokens(reader, "don't/1.5-" * 12, monkeypatch) == ["don't", "/", "1.5-"] * 12


def test_the_slashes_of_long_addresses_are_spoken_and_their_zeros_kept(reader):
    address = "https://example.com/" + "/".join(["2024", "05"] * 10)
    assert words(reader, address).count("slˈæʃ") == 22
    assert words(reader, address).count(ZERO) == 10


@pytest.mark.parametrize("unit", ["a/b", "B1", "a1-b2/", "$1", "é1", "'s", "a ,", "(x)", "&amp;"])
def test_no_token_that_hibari_gets_has_too_many_parts_and_nothing_is_lost(reader, monkeypatch, unit):
    text = (unit * 4000)[:4000]
    given = tokens(reader, text, monkeypatch)
    assert max(map(len, given)) <= 2 * TOKEN_PARTS
    if unit not in ("&amp;", "$1"):
        assert "".join(given) == text.replace(" ", "")


@pytest.mark.parametrize("unit", ["a/b", "A1", "a1-b2/", "1-", "0x1F", "'s", "a ,", "é1", "http://a.bc/"])
def test_work_grows_with_the_length_of_a_token_and_no_faster(reader, look_ups, unit):
    spent = []
    for length in (200, 400):
        look_ups.clear()
        assert all(len(part) <= MAX_PHONEMES for part in reader.phonemes((unit * length)[:length]))
        spent.append(sum(look_ups))
    assert spent[1] <= 2.2 * spent[0]
    assert spent[1] <= 10 * 400


def test_many_tokens_just_below_the_limit_cost_a_bounded_amount(reader, look_ups):
    reader.phonemes(("A1" * (TOKEN_PARTS // 2) + " ") * 10)
    assert sum(look_ups) <= 10 * TOKEN_PARTS**3 / 3
