"""A clip that is kept becomes a voice to choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect
from studio import Studio
from support.server import RunningServer

pytestmark = pytest.mark.browser


@pytest.fixture
def shelf(start_server: Callable[..., RunningServer], tmp_path: Path) -> RunningServer:
    """A server with an empty folder of voices."""
    (tmp_path / "voices").mkdir()
    return start_server(voice_library_path=tmp_path / "voices")


def test_a_kept_clip_is_a_voice_that_is_chosen_and_speaks(
    shelf: RunningServer, open_studio: Callable[..., Studio], clip_file: Path
) -> None:
    studio = open_studio(shelf.url).ready()
    studio["#clip-file"].set_input_files(clip_file)
    expect(studio["#clip-voice"]).to_have_value("a speaker ü")
    studio["#clip-voice"].fill("Aunt Anna")
    studio["#clip-voice"].press("Enter")
    expect(studio["#voice"]).to_have_value("Aunt Anna")
    expect(studio["#voice"]).to_be_enabled()
    expect(studio["#clip"]).to_be_hidden()
    expect(studio["#status"]).to_contain_text("Aunt Anna")
    with studio.page.expect_response("**/v1/audio/speech") as answered:
        studio.generate()
    assert answered.value.header_value("x-voice") == "Aunt Anna"
    studio.page.reload()
    expect(studio.ready()["#voice"]).to_have_value("Aunt Anna")


def test_a_name_that_cannot_be_is_told_beside_the_name_and_the_clip_stays(
    shelf: RunningServer, open_studio: Callable[..., Studio], clip_file: Path
) -> None:
    studio = open_studio(shelf.url).ready()
    studio.watch.expect("status of 4")
    studio["#clip-file"].set_input_files(clip_file)
    for name, words in [("nova", "built-in voice"), ("a/b", "none of < > :"), ("", "Give the voice a name.")]:
        studio["#clip-voice"].fill(name)
        studio["#clip-save"].click()
        expect(studio.problem("clip-voice")).to_contain_text(words)
        expect(studio["#clip-save"]).to_be_enabled()
    expect(studio["#clip-name"]).to_have_text(clip_file.name)
    studio["#clip-voice"].fill("anna")
    studio["#clip-save"].click()
    expect(studio["#voice"]).to_have_value("anna")
    assert requests.get(f"{shelf.url}/v1/voices/anna", timeout=10).json()["removable"]


def test_where_voices_cannot_change_the_page_says_why(
    start_server: Callable[..., RunningServer], open_studio: Callable[..., Studio], clip_file: Path
) -> None:
    running = start_server(host="0.0.0.0")
    studio = open_studio(f"http://127.0.0.1:{running.port}").ready()
    studio["#clip-file"].set_input_files(clip_file)
    expect(studio["#clip-name"]).to_have_text(clip_file.name)
    expect(studio["#clip-keep"]).to_be_hidden()
    expect(studio["#clip-keep-closed"]).to_contain_text("has no API key")
