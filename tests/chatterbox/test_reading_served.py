"""Chatterbox gets the words that the text front end makes, unless a request wants its text as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.chatterbox_server import copy_voices, run_tiny_server
from support.server import RunningServer

from tts_server.text.pronunciation.respelling import respell

TURBO, MULTILINGUAL = "chatterbox-turbo", "chatterbox-multilingual"
CLIP = Path(__file__).parent.parent / "clips" / "female_slt.flac"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("reading")
    voices = copy_voices(CLIP, folder / "voices")
    with run_tiny_server(folder, ("turbo", "multilingual"), voice_library_path=voices) as running:
        for model in (TURBO, MULTILINGUAL):
            running.synthesizer.catalog.ready(model)
        yield running


def speak(server: RunningServer, text: str, model: str = TURBO, **fields) -> bytes:
    payload = {"model": model, "input": text, "response_format": "pcm", "seed": 3, **fields}
    reply = requests.post(f"{server.url}/v1/audio/speech", json=payload, timeout=120)
    assert reply.status_code == 200, reply.text
    return reply.content


def test_it_says_the_words_for_a_text_with_numbers_and_markup(server):
    written, words = "**It** costs $5, Dr. Smith.", "It costs five dollars, Doctor Smith."
    assert speak(server, written) == speak(server, words) == speak(server, words, text_normalization="off")
    assert speak(server, written, text_normalization="off") != speak(server, words)


def test_the_multilingual_model_gets_the_words_of_the_language(server):
    assert speak(server, "Es kostet 12 Euro.", MULTILINGUAL, language="de") == speak(
        server, "Es kostet zwölf Euro.", MULTILINGUAL, language="de", text_normalization="off"
    )


def test_a_pronunciation_is_respelled_for_it(server):
    respelled = respell("ˈnaɪki", "Nike")
    assert speak(server, "My [Nike](/ˈnaɪki/) shoes.") == speak(server, f"My {respelled} shoes.", text_normalization="off")


def test_a_sound_that_it_makes_stays_in_the_text(server):
    assert speak(server, "Well, [laugh] it costs $5.") == speak(server, "Well, [laugh] it costs five dollars.", text_normalization="off")
