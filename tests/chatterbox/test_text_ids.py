"""Text is converted to the ids that stock `generate` passes to its model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch

from tts_server.engines.chatterbox.weights import stock
from tts_server.engines.chatterbox.weights.loading import Parts
from tts_server.errors import InvalidRequest, NothingToSay

TEXTS = ["Hello there, how are you today?", "well: this — and that…", "it’s ‘here’", "?", "  12  eggs;  ", "naïve café"]


class FedEnough(Exception):
    """The stock code came to its model."""


def stock_ids(tts: Any, text: str, **options: Any) -> list[int]:
    """What stock `generate` feeds its T3 with."""
    fed: list[torch.Tensor] = []

    def stop(*_: Any, text_tokens: torch.Tensor, **__: Any) -> None:
        fed.append(text_tokens)
        raise FedEnough

    method = "inference_turbo" if tts.t3.is_gpt else "inference"
    with patch.object(tts.t3, method, stop), pytest.raises(FedEnough):
        tts.generate(text, **options)
    return [int(token) for token in fed[0][0]]


@pytest.mark.parametrize("text", TEXTS)
def test_ids_equal_those_of_stock(kind: str, text: str, parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]) -> None:
    options = {"language_id": "en"} if kind == "multilingual" else {}
    ids = parts(kind).text_ids(text, "en")
    assert ids.dtype == torch.int64
    assert ids.tolist() == stock_ids(stock_tts(kind), text, **options)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "你好世界"),
        ("ja", "カタカナ です"),
        ("ko", "안녕하세요"),
        ("ru", "Привет"),
        ("fr", "Où êtes-vous ?"),
        ("ar", "مرحبا"),
        ("hi", "नमस्ते"),
    ],
)
def test_each_language_is_prepared_as_in_stock(
    language: str, text: str, parts: Callable[[str], Parts], stock_tts: Callable[[str], Any]
) -> None:
    model = parts("multilingual")
    ids = model.text_ids(text, language).tolist()
    assert ids == stock_ids(stock_tts("multilingual"), text, language_id=language)
    assert ids[1] == model.tokenizer.tokenizer.token_to_id(f"[{language}]")


def test_chinese_is_spelled_by_the_table_in_the_models_own_folder(parts: Callable[[str], Parts]) -> None:
    model = parts("multilingual")
    pieces = [model.tokenizer.tokenizer.id_to_token(token) for token in model.text_ids("你好", "zh").tolist()]
    assert pieces == ["[START]", "[zh]", *(f"[cj_{key}]" for key in "onf.vnd."), ".", "[STOP]"]


def test_the_segmenter_is_loaded_from_its_folder_and_never_downloaded(
    checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import spacy_pkuseg

    monkeypatch.setenv("PKUSEG_HOME", str(tmp_path))
    monkeypatch.setattr(spacy_pkuseg, "download_model", lambda *_: pytest.fail("something is downloaded"))
    tokenizer = stock.MTLTokenizer(str(checkpoint("multilingual") / "grapheme_mtl_merged_expanded_v1.json"))
    assert tokenizer.encode("你好", "zh")
    assert tokenizer.cangjie_converter.segmenter is None


def test_english_is_the_language_of_requests_without_one(parts: Callable[[str], Parts]) -> None:
    model = parts("multilingual")
    assert torch.equal(model.text_ids("Hello"), model.text_ids("Hello", "en"))


def test_a_language_that_the_model_does_not_speak_is_refused(parts: Callable[[str], Parts]) -> None:
    with pytest.raises(InvalidRequest, match="does not speak 'th'.*ar, da, de") as caught:
        parts("multilingual").text_ids("สวัสดี", "th")
    assert caught.value.param == "language"


def test_models_of_one_language_ignore_the_language(parts: Callable[[str], Parts]) -> None:
    assert torch.equal(parts("turbo").text_ids("Hola", "es"), parts("turbo").text_ids("Hola"))


@pytest.mark.parametrize("kind", ["turbo", "nano"])
def test_tags_reach_the_models_that_know_them_in_their_own_spelling(kind: str, parts: Callable[[str], Parts]) -> None:
    model = parts(kind)
    laugh = model.tokenizer.convert_tokens_to_ids("[laugh]")
    assert laugh in model.text_ids("Oh [Laugh] really?").tolist()
    assert torch.equal(model.text_ids("Oh [LAUGH] really?"), model.text_ids("Oh [laugh] really?"))


@pytest.mark.parametrize("kind", ["english", "multilingual"])
def test_tags_are_taken_out_for_models_that_would_read_them_aloud(kind: str, parts: Callable[[str], Parts]) -> None:
    model = parts(kind)
    assert torch.equal(model.text_ids("Oh [laugh] really? [clear throat]"), model.text_ids("Oh really?"))
    assert not torch.equal(model.text_ids("Oh [1] really?"), model.text_ids("Oh really?"))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('He said "wait" and left.', "He said wait and left."),
        ("“Wait,” she said.", "Wait, she said."),
        ("«Attends», dit-elle.", "Attends, dit-elle."),
        ("„Warte“, sagte sie.", "Warte, sagte sie."),
    ],
)
def test_double_quotes_reach_no_model_that_voices_them(text: str, same: str, parts: Callable[[str], Parts]) -> None:
    for kind in ("turbo", "nano"):
        assert torch.equal(parts(kind).text_ids(text), parts(kind).text_ids(same))
    assert not torch.equal(parts("english").text_ids('He said "wait" and left.'), parts("english").text_ids("He said wait and left."))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Great 😀!", "Great!"),
        ("Great 👍🏽 work 👩‍👩‍👧 here ❤️.", "Great work here."),
        ("One🎉two", "One two"),
        ("One 🎉 (two) 🎉, three", "One (two), three"),
        ("🇩🇪 Hallo", "Hallo"),
    ],
)
def test_emoji_reach_no_model(kind: str, text: str, same: str, parts: Callable[[str], Parts]) -> None:
    assert torch.equal(parts(kind).text_ids(text, "en"), parts(kind).text_ids(same, "en"))


def test_joiners_of_scripts_stay(parts: Callable[[str], Parts]) -> None:
    word = "क्\u200dष"
    assert not torch.equal(parts("multilingual").text_ids(word, "hi"), parts("multilingual").text_ids(word.replace("\u200d", ""), "hi"))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Chapter One\nIt was a dark night.", "Chapter One. It was a dark night."),
        ("Shopping list\neggs\nmilk", "Shopping list, eggs, milk"),
        ("Is it late?\nYes.", "Is it late? Yes."),
        ("First,\nsecond", "First, second"),
        ("She said (twice.)\nThen left", "She said (twice.) Then left"),
        ("\n\nOnly one line\n", "Only one line"),
    ],
)
def test_a_line_without_a_full_stop_does_not_run_into_the_next(kind: str, text: str, same: str, parts: Callable[[str], Parts]) -> None:
    assert torch.equal(parts(kind).text_ids(text, "en"), parts(kind).text_ids(same, "en"))


@pytest.mark.parametrize(
    ("text", "inside", "same"),
    [
        ("to light the lamp he found", {"ends_inside": True}, "To light the lamp he found,"),
        ("in the evening,", {"ends_inside": True}, "In the evening,"),
        ("he said (twice)", {"ends_inside": True}, "He said (twice),"),
        ("第一章很长", {"ends_inside": True}, "第一章很长，"),
    ],
)
def test_a_text_cut_inside_of_a_sentence_ends_with_a_comma(
    kind: str, text: str, inside: dict[str, bool], same: str, parts: Callable[[str], Parts]
) -> None:
    assert torch.equal(parts(kind).text_ids(text, "en", **inside), parts(kind).text_ids(same, "en"))


@pytest.mark.parametrize("kind", ["turbo", "english"])  # the tokenizer of Multilingual knows no capitals
def test_a_text_that_begins_inside_of_a_sentence_gets_no_capital(kind: str, parts: Callable[[str], Parts]) -> None:
    model = parts(kind)
    continued = model.text_ids("letter lying there.", "en", begins_inside=True)
    assert not torch.equal(continued, model.text_ids("letter lying there.", "en"))
    assert torch.equal(model.text_ids("Letter lying there.", "en", begins_inside=True), model.text_ids("letter lying there.", "en"))


def test_a_chinese_line_ends_with_a_full_stop_of_its_own(parts: Callable[[str], Parts]) -> None:
    model = parts("multilingual")
    assert torch.equal(model.text_ids("第一章\n夜很黑。", "zh"), model.text_ids("第一章。 夜很黑。", "zh"))


@pytest.mark.parametrize("text", ["", "   ", "[laugh]", " [sigh] [Cough] "])
def test_nothing_to_say_is_said_so(text: str, parts: Callable[[str], Parts]) -> None:
    with pytest.raises(NothingToSay):
        parts("english").text_ids(text)


def test_marks_of_the_tokenizers_own_in_a_text_are_only_words(parts: Callable[[str], Parts]) -> None:
    assert parts("english").text_ids("Then [STOP] here").tolist().count(0) == 1
    model = parts("turbo")
    end = model.tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert end not in model.text_ids("Then <|endoftext|> here").tolist()


def test_a_text_beyond_the_table_of_positions_is_refused(parts: Callable[[str], Parts]) -> None:
    with pytest.raises(InvalidRequest, match="too long for Chatterbox English"):
        parts("english").text_ids("x y " * 1000)
