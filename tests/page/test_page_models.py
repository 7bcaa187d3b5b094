"""Models that are loaded on demand, on the page: their states, their controls, their sounds, their languages."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engines.models_at_hand import PATIENCE, MultilingualEngine, SmallSource, SpeakingEngine
from playwright.sync_api import expect
from studio import Studio

from tts_server.engines.base import LanguageNotice
from tts_server.engines.model_source import ModelState

pytestmark = pytest.mark.browser

TURBO, MULTILINGUAL = "chatterbox-turbo", "chatterbox-multilingual"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def sources() -> Iterator[dict[str, SmallSource]]:
    """Turbo has to be downloaded first, Multilingual is on this machine. Both come when they are let."""
    made = {
        TURBO: SmallSource("Chatterbox Turbo", is_here=False, make=SpeakingEngine),
        MULTILINGUAL: SmallSource("Chatterbox Multilingual", make=MultilingualEngine),
    }
    made[TURBO].download_bytes = 3_000_000_000
    yield made
    for source in made.values():
        source.downloads.set()
        source.creates.set()


@pytest.fixture
def running(start_server: Callable[..., Any], sources: dict[str, SmallSource]) -> Any:
    return start_server(sources=sources)


@pytest.fixture
def with_models(running: Any, open_studio: Callable[..., Studio]) -> Callable[..., Studio]:
    return lambda **options: open_studio(url=running.url, **options).ready()


def option(studio: Studio, model: str) -> Any:
    return studio[f"#model option[value={model}]"]


def test_every_model_is_listed_with_its_state(with_models) -> None:
    studio = with_models()
    expect(option(studio, "embedded")).to_have_text("Built-in voice")
    expect(option(studio, TURBO)).to_have_text("Chatterbox Turbo (download of 3.0 GB)")
    expect(option(studio, MULTILINGUAL)).to_have_text("Chatterbox Multilingual (not loaded)")
    expect(option(studio, "chatterbox-nano")).to_have_text("Chatterbox Nano (not installed)")
    expect(option(studio, "chatterbox-nano")).to_be_disabled()
    expect(studio["#install-command"]).to_have_text("./run.sh install chatterbox")
    expect(studio["#loading"]).to_be_hidden()


def test_a_model_is_downloaded_loaded_and_unloaded_from_the_page(with_models, sources) -> None:
    turbo = sources[TURBO]
    turbo.downloads.clear()
    turbo.creates.clear()
    studio = with_models()
    studio["#model"].select_option(TURBO)
    expect(studio["#loading-words"]).to_have_text("Chatterbox Turbo is not downloaded yet (about 3.0 GB).")
    studio["#loading-button"].click()
    expect(studio["#loading-words"]).to_contain_text("Downloading Chatterbox Turbo")
    expect(studio["#loading-bar"]).to_have_attribute("max", "1000")
    expect(studio["#loading-bar"]).to_have_attribute("value", "400")
    expect(studio["#strip-engine"]).to_have_text("Chatterbox Turbo · downloading, 40 %")
    expect(studio["#loading-button"]).to_have_text("Cancel")
    turbo.downloads.set()
    expect(studio["#loading-words"]).to_have_text("Loading Chatterbox Turbo…")
    turbo.creates.set()
    expect(studio["#loading-words"]).to_have_text("Ready")
    expect(studio["#strip-engine"]).to_have_text("Chatterbox Turbo · English · ready")
    expect(option(studio, TURBO)).to_have_text("Chatterbox Turbo")
    studio["#loading-button"].click()
    expect(studio["#loading-words"]).to_have_text("Chatterbox Turbo is downloaded, but not loaded.")
    expect(studio["#loading-button"]).to_have_text("Load")
    expect(studio["#loading-button"]).to_be_focused()


def test_a_download_is_given_up_from_the_page(with_models, sources) -> None:
    sources[TURBO].downloads.clear()
    studio = with_models()
    studio["#model"].select_option(TURBO)
    studio["#loading-button"].click()
    with studio.page.expect_response("**/unload"):
        studio.page.get_by_role("button", name="Cancel").click()
    sources[TURBO].downloads.set()
    expect(studio["#loading-button"]).to_have_text("Download and load")


def test_who_generates_with_a_model_that_is_not_loaded_waits_for_it_and_hears_it(with_models, sources) -> None:
    studio = with_models()
    studio.watch.expect("status of 503")
    sources[MULTILINGUAL].creates.clear()
    studio["#model"].select_option(MULTILINGUAL)
    studio.start("Good evening.")
    expect(studio["#status"]).to_have_text("Loading Chatterbox Multilingual…")
    expect(studio["#stop"]).to_be_visible()
    sources[MULTILINGUAL].creates.set()
    expect(studio["#history > li"]).to_have_count(1)
    expect(studio["#result-words"]).to_contain_text("Chatterbox Multilingual")


def test_stop_ends_the_waiting_for_a_model(with_models, sources) -> None:
    studio = with_models()
    studio.watch.expect("status of 503")
    sources[MULTILINGUAL].creates.clear()
    studio["#model"].select_option(MULTILINGUAL)
    studio.start("Good evening.")
    expect(studio["#status"]).to_have_text("Loading Chatterbox Multilingual…")
    studio["#stop"].click()
    expect(studio["#status"]).to_have_text("Stopped.")
    expect(studio["#generate"]).to_be_visible()


def test_a_failure_is_told_in_words_and_can_be_tried_again(with_models, sources) -> None:
    sources[MULTILINGUAL].error = OSError("the disk is full")
    studio = with_models()
    studio["#model"].select_option(MULTILINGUAL)
    studio["#loading-button"].click()
    expect(studio["#loading-words"]).to_have_text("Chatterbox Multilingual could not be loaded: the disk is full.")
    studio.watch.expect("status of 503")
    studio.start("Good evening.")
    expect(studio.problem("model")).to_contain_text("the disk is full")
    sources[MULTILINGUAL].error = None
    studio.page.get_by_role("button", name="Try again").click()
    expect(studio["#loading-words"]).to_have_text("Ready")
    expect(studio.problem("model")).to_be_hidden()


def load(running: Any, *models: str) -> None:
    for model in models:
        running.synthesizer.catalog.load(model)
        assert running.synthesizer.catalog.models.wait(model, PATIENCE).state is ModelState.READY


def spoken_fields(studio: Studio, text: str) -> dict[str, Any]:
    with studio.page.expect_request("**/v1/audio/speech") as asked:
        studio.generate(text)
    return asked.value.post_data_json


def test_a_model_shows_its_own_controls_and_they_reach_the_server(running, with_models) -> None:
    load(running, TURBO, MULTILINGUAL)
    studio = with_models()
    studio["#model"].select_option(TURBO)
    assert [control.get_attribute("name") for control in studio["#controls input"].all()] == ["temperature", "top_k", "norm_loudness"]
    expect(studio.page.get_by_label("Temperature")).to_have_value("0.8")
    expect(studio.page.get_by_label("Top K")).to_have_attribute("max", "10000")
    expect(studio.page.get_by_label("loudness")).to_be_checked()
    studio.page.get_by_label("loudness").uncheck()
    fields = spoken_fields(studio, "Good evening.")
    assert (fields["temperature"], fields["top_k"], fields["norm_loudness"]) == (0.8, 1000, False)
    studio["#model"].select_option(MULTILINGUAL)
    assert [control.get_attribute("name") for control in studio["#controls input"].all()] == ["exaggeration"]
    assert "top_k" not in spoken_fields(studio, "Good evening.")


def test_the_sounds_a_model_knows_are_put_where_the_cursor_is(running, with_models) -> None:
    studio = with_models()
    expect(studio["#tags"]).to_be_hidden()
    studio["#model"].select_option(TURBO)
    studio["#text"].fill("Well, that was odd.")
    studio["#text"].evaluate("node => node.setSelectionRange(5, 5)")
    studio["#tag-chips"].get_by_role("button", name="laugh").click()
    expect(studio["#text"]).to_have_value("Well, [laugh] that was odd.")
    studio["#tag-chips"].get_by_role("button", name="sigh").click()
    expect(studio["#text"]).to_have_value("Well, [laugh] [sigh] that was odd.")
    expect(studio["#text"]).to_be_focused()
    studio.page.keyboard.press("Control+z")
    studio.page.keyboard.press("Control+z")
    expect(studio["#text"]).to_have_value("Well, that was odd.")
    studio["#pause-button"].click()
    expect(studio["#text"]).to_have_value(re.compile(r"\[pause:1s\]"))
    studio["#model"].select_option(MULTILINGUAL)
    expect(studio["#tags"]).to_be_hidden()


def test_a_model_of_several_languages_lets_one_be_chosen(running, with_models) -> None:
    load(running, MULTILINGUAL)
    studio = with_models()
    expect(studio["#language"]).to_be_hidden()
    studio["#model"].select_option(MULTILINGUAL)
    assert studio["#language option"].all_inner_texts() == ["Detect automatically", "Chinese", "English", "German"]
    assert "language" not in spoken_fields(studio, "Good evening.")
    studio["#language"].select_option("de")
    assert spoken_fields(studio, "Guten Abend.")["language"] == "de"
    studio.page.reload()
    expect(studio.ready()["#language"]).to_have_value("de")


def test_what_the_server_lacks_for_a_language_is_said_where_it_is_chosen(with_models, sources) -> None:
    notices = (LanguageNotice("zh", "Chinese is spoken without something", "Add it."), LanguageNotice("de", "No words for this", "Do it."))
    sources[MULTILINGUAL].capabilities = dataclasses.replace(MultilingualEngine.capabilities, notices=notices)
    studio = with_models()
    studio["#model"].select_option(MULTILINGUAL)
    expect(studio["#language-notice"]).to_be_hidden()
    studio["#language"].select_option("zh")
    expect(studio["#language-notice"]).to_contain_text("lacks the word segmenter for Chinese")
    studio["#language"].select_option("de")
    expect(studio["#language-notice"]).to_have_text("No words for this. Do it.")
    studio["#language"].select_option("en")
    expect(studio["#language-notice"]).to_be_hidden()


def test_only_one_built_in_voice_is_a_cloning_models_own(with_models, sources) -> None:
    studio = with_models()
    studio["#voice"].select_option("nova")
    expect(studio["#voice-words"]).not_to_contain_text("clone")
    studio["#model"].select_option(MULTILINGUAL)
    expect(studio["#voice-words"]).to_contain_text("With Chatterbox Multilingual this is a clone of the synthetic built-in voice.")
    studio["#voice"].select_option("alloy")
    expect(studio["#voice-words"]).to_have_text("The default voice of Chatterbox Multilingual.")


def test_the_strip_says_cloned_or_matched_as_the_model_does(running, with_models, clip_file: Path) -> None:
    load(running, TURBO)
    studio = with_models()
    studio["#clip-file"].set_input_files(clip_file)
    expect(studio["#strip-clip"]).to_contain_text("It is not a clone")
    studio["#model"].select_option(TURBO)
    expect(studio["#strip-clip"]).to_contain_text("Chatterbox Turbo speaks in the voice of your clip")
    studio.generate("Good evening.")
    expect(studio["#result-cloning"]).to_have_text("Voice cloned")


def test_where_models_may_not_be_loaded_the_page_says_why(start_server, sources, open_studio) -> None:
    studio = open_studio(url=start_server(sources=sources, host="0.0.0.0").url).ready()  # noqa: S104
    studio.watch.expect("status of 503")
    studio["#model"].select_option(TURBO)
    expect(studio["#loading-button"]).to_be_hidden()
    expect(studio["#loading-closed"]).to_contain_text("has no API key")
    studio.start("Good evening.")
    expect(studio.problem("model")).to_contain_text("you may not load it")


def test_where_admin_is_off_a_model_may_be_loaded_by_using_it(start_server, sources, open_studio) -> None:
    server = start_server(sources=sources, host="0.0.0.0", model_loading="anyone")  # noqa: S104
    studio = open_studio(url=server.url).ready()
    studio.watch.expect("status of 503")
    studio["#model"].select_option(TURBO)
    expect(studio["#loading-words"]).to_contain_text("not downloaded yet (about 3.0 GB)")
    expect(studio["#loading-button"]).to_be_hidden()
    studio.start("Good evening.")
    expect(studio["#loading-words"]).to_have_text("Ready")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_phone_shows_all_of_a_model_without_scrolling_sideways(with_models, sources, locale: str) -> None:
    sources[TURBO].downloads.clear()
    studio = with_models(viewport=PHONE, locale=locale)
    studio["#model"].select_option(TURBO)
    studio["#loading-button"].click()
    expect(studio["#loading-bar"]).to_be_visible()
    outside = studio.page.evaluate(
        """() => [...document.querySelectorAll("main *, header *")]
          .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.right > 391 || box.left < -1)).map(([start]) => start)"""
    )
    assert outside == []
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    small = studio.page.evaluate(
        """() => [...document.querySelectorAll("button, select, textarea, label.check")]
          .map((node) => [node.id || node.className, node.getBoundingClientRect()])
          .filter(([, box]) => box.width && (box.height < 32 || box.width < 32)).map(([name]) => name)"""
    )
    assert small == []
