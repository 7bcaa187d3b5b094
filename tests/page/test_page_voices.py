"""The dialog of voices: all are heard and described there, the visitor's own are changed, downloaded and deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, expect
from studio import Studio
from support.decoded_audio import hear
from support.server import RunningServer

from tts_server.keys import KeyFile, Role

pytestmark = pytest.mark.browser


@pytest.fixture
def shelf(start_server: Callable[..., RunningServer], clip: bytes, tmp_path: Path) -> RunningServer:
    """A server with two voices of its own and one that came with it."""
    for name in ("anna.flac", "custom/Old Tom's.flac", "standard/harbor.flac"):
        path = tmp_path / "voices" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip)
    return start_server(voice_library_path=tmp_path / "voices")


@pytest.fixture
def studio(shelf: RunningServer, open_studio: Callable[..., Studio]) -> Studio:
    studio = open_studio(shelf.url).ready()
    studio["#voices-button"].click()
    return studio


def row(studio: Studio, voice: str) -> Locator:
    return studio["#voices-lists"].locator(f'[data-voice="{voice}"]')


def own_voices(shelf: RunningServer) -> dict[str, dict[str, Any]]:
    voices = requests.get(f"{shelf.url}/v1/voices", timeout=10).json()["data"]
    return {voice["id"]: voice for voice in voices if voice["removable"]}


def test_the_visitors_own_voices_come_first_and_only_they_can_be_changed(studio: Studio) -> None:
    expect(studio["#voices-lists h3"]).to_have_text(["Your voices", "Built-in voices", "More voices"])
    expect(row(studio, "anna").get_by_role("button")).to_have_count(5)
    for fixed in ("nova", "harbor"):
        expect(row(studio, fixed).get_by_role("button")).to_have_count(2)
    expect(row(studio, "nova")).to_contain_text("Young and quick")
    expect(row(studio, "harbor")).to_contain_text("low, unhurried")
    expect(row(studio, "anna")).not_to_contain_text("From anna.flac")


def test_a_voice_is_renamed_and_described_and_stays_chosen(studio: Studio, shelf: RunningServer) -> None:
    row(studio, "anna").get_by_role("button", name="Use Anna").click()
    expect(studio["#voice"]).to_have_value("anna")
    studio["#voices-button"].click()
    row(studio, "anna").get_by_role("button", name="Rename or describe Anna").click()
    expect(studio.page.get_by_label("Name", exact=True)).to_be_focused()
    studio.page.get_by_label("Name", exact=True).fill("Aunt Anna")
    studio.page.get_by_label("Description").fill("Calm, for long texts")
    studio.page.keyboard.press("Enter")
    expect(row(studio, "Aunt Anna")).to_contain_text("Calm, for long texts")
    expect(studio["#voices-status"]).to_have_text("“Aunt Anna” is saved.")
    expect(row(studio, "Aunt Anna").get_by_role("button", name="Rename or describe Aunt Anna")).to_be_focused()
    assert own_voices(shelf)["Aunt Anna"]["description"] == "Calm, for long texts"
    studio.page.keyboard.press("Escape")
    expect(studio["#voices-dialog"]).to_be_hidden()
    expect(studio["#voice"]).to_have_value("Aunt Anna")
    studio.page.reload()
    expect(studio.ready()["#voice"]).to_have_value("Aunt Anna")


@pytest.mark.parametrize(("name", "words"), [("", "Give the voice a name."), ("nova", "built-in voice"), ("a/b", "none of < > :")])
def test_a_name_that_cannot_be_is_said_under_the_voice(studio: Studio, shelf: RunningServer, name: str, words: str) -> None:
    studio.watch.expect("status of 4")
    row(studio, "anna").get_by_role("button", name="Rename").click()
    studio.page.get_by_label("Name", exact=True).fill(name)
    studio.page.keyboard.press("Enter")
    expect(row(studio, "anna").get_by_role("alert")).to_contain_text(words)
    expect(studio.page.get_by_label("Name", exact=True)).to_be_focused()
    expect(studio.page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    studio.page.keyboard.press("Escape")
    expect(studio["#voices-dialog"]).to_be_visible()
    expect(row(studio, "anna").get_by_role("button", name="Rename")).to_be_focused()
    assert sorted(own_voices(shelf)) == ["Old Tom's", "anna"]


def test_a_voice_is_deleted_only_after_a_question_that_names_it(studio: Studio, shelf: RunningServer) -> None:
    delete = row(studio, "Old Tom's").get_by_role("button", name="Delete")
    delete.click()
    expect(row(studio, "Old Tom's")).to_contain_text("Delete “Old Tom'S” and its recording? Undo is not possible.")
    expect(row(studio, "Old Tom's").get_by_role("button", name="Cancel")).to_be_focused()
    studio.page.keyboard.press("Enter")
    expect(delete).to_be_focused()
    assert "Old Tom's" in own_voices(shelf)
    delete.click()
    row(studio, "Old Tom's").get_by_role("button", name="Delete", exact=True).click()
    expect(row(studio, "Old Tom's")).to_have_count(0)
    expect(studio["#voices-status"]).to_contain_text("is deleted.")
    assert list(own_voices(shelf)) == ["anna"]
    assert studio.page.evaluate("document.getElementById('voices-dialog').contains(document.activeElement)")


def test_where_the_chosen_voice_is_deleted_the_default_one_takes_its_place(studio: Studio) -> None:
    row(studio, "anna").get_by_role("button", name="Use").click()
    studio["#voices-button"].click()
    row(studio, "anna").get_by_role("button", name="Delete").click()
    row(studio, "anna").get_by_role("button", name="Delete", exact=True).click()
    expect(studio["#voices-status"]).to_have_text("“Anna” is deleted. Alloy is used now.")
    expect(studio["#voice"]).to_have_value("alloy")


def test_a_voice_that_is_gone_already_says_so(studio: Studio, shelf: RunningServer) -> None:
    studio.watch.expect("status of 404")
    row(studio, "anna").get_by_role("button", name="Delete").click()
    requests.delete(f"{shelf.url}/v1/voices/anna", timeout=10)
    row(studio, "anna").get_by_role("button", name="Delete", exact=True).click()
    expect(row(studio, "anna").get_by_role("alert")).to_contain_text("no voice")


def test_the_recording_is_downloaded_as_it_was_saved(studio: Studio, clip: bytes) -> None:
    with studio.page.expect_download() as started:
        row(studio, "Old Tom's").get_by_role("button", name="Download").click()
    assert started.value.suggested_filename == "Old Tom's.flac"
    assert hear(Path(started.value.path()).read_bytes()).seconds == pytest.approx(hear(clip).seconds, abs=0.01)


def test_every_voice_is_heard_in_the_dialog(shelf: RunningServer, open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(shelf.url, bypass_csp=True).ready()
    studio.record_sound()
    studio["#voices-button"].click()
    button = row(studio, "anna").get_by_role("button", name="Listen to Anna")
    with studio.page.expect_request("**/v1/audio/speech") as asked:
        button.click()
    assert asked.value.post_data_json["voice"] == "anna"
    studio.wait_for_sound()
    studio.page.keyboard.press("Escape")
    expect(button).to_have_count(0)


def test_where_voices_cannot_be_changed_the_dialog_says_why(
    start_server: Callable[..., RunningServer], open_studio: Callable[..., Studio], clip: bytes, tmp_path: Path
) -> None:
    (tmp_path / "anna.flac").write_bytes(clip)
    running = start_server(host="0.0.0.0", voice_library_path=tmp_path)  # noqa: S104
    studio = open_studio(f"http://127.0.0.1:{running.port}").ready()
    studio["#voices-button"].click()
    expect(studio["#voices-closed"]).to_contain_text("has no API key")
    expect(row(studio, "anna").get_by_role("button")).to_have_count(2)


def test_a_key_without_the_role_is_told_which_one_it_needs(
    start_server: Callable[..., RunningServer], open_studio: Callable[..., Studio], clip: bytes, tmp_path: Path
) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.add("reader", [Role.SPEECH])
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "anna.flac").write_bytes(clip)
    studio = open_studio(start_server(api_keys_file=keys.path, voice_library_path=tmp_path / "voices").url)
    studio.watch.expect("status of 40")
    studio["#key"].fill(key)
    studio["#key"].press("Enter")
    studio.ready()["#voices-button"].click()
    row(studio, "anna").get_by_role("button", name="Delete").click()
    row(studio, "anna").get_by_role("button", name="Delete", exact=True).click()
    expect(row(studio, "anna").get_by_role("alert")).to_contain_text("a key with the role 'voices'")
    expect(studio["#voices-closed"]).to_have_text("Only keys with the role “voices” may change or download voices.")
    studio.page.keyboard.press("Escape")
    studio.page.keyboard.press("Escape")
    studio["#voices-button"].click()
    expect(row(studio, "anna").get_by_role("button")).to_have_count(2)


def test_a_shipped_voice_is_no_likeness_of_the_visitors_and_gets_no_badge(studio: Studio) -> None:
    row(studio, "harbor").get_by_role("button", name="Use").click()
    studio.generate()
    expect(studio["#result-cloning"]).to_be_hidden()
    studio["#voices-button"].click()
    row(studio, "anna").get_by_role("button", name="Use").click()
    studio.generate()
    expect(studio["#result-cloning"]).to_have_text("Voice matched, not cloned")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_dialog_fits_a_phone(shelf: RunningServer, open_studio: Callable[..., Studio], locale: str) -> None:
    studio = open_studio(shelf.url, locale=locale, viewport={"width": 360, "height": 740}).ready()
    studio["#voices-button"].click()
    row(studio, "anna").get_by_role("button").nth(1).click()
    outside = studio.page.evaluate(
        """() => [...document.querySelectorAll("#voices-dialog *")]
          .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.right > 361 || box.left < -1)).map(([start]) => start)"""
    )
    assert outside == []
    small = studio.page.evaluate(
        """() => [...document.querySelectorAll("#voices-dialog button")].map((node) => node.getBoundingClientRect())
          .filter((box) => box.width && (box.height < 32 || box.width < 32)).length"""
    )
    assert small == 0
