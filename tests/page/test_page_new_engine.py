"""An engine that no script of the page names: it is shown, loaded and used like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from engines.tone_package import TONE
from playwright.sync_api import expect
from studio import Studio

from tts_server.engines.embedded.package import EMBEDDED

pytestmark = pytest.mark.browser

TEXT = "A tone of some length."


@pytest.fixture
def open_page(start_server: Callable[..., Any], open_studio: Callable[..., Studio]) -> Callable[..., Studio]:
    return lambda package, **settings: open_studio(url=start_server(packages=[EMBEDDED, package], **settings).url).ready()


def test_it_is_chosen_loaded_spoken_with_and_unloaded_on_the_page(open_page: Callable[..., Studio]) -> None:
    studio = open_page(TONE)
    expect(studio["#loading"]).to_be_hidden()
    expect(studio["#model option[value=tone]"]).to_have_text("Tone (not loaded)")
    studio["#model"].select_option("tone")
    assert [control.get_attribute("name") for control in studio["#controls input"].all()] == ["temperature"]
    studio["#loading-button"].click()
    expect(studio["#loading-words"]).to_have_text("Ready")
    expect(studio["#strip-engine"]).to_have_text("Tone · English · ready")
    with studio.page.expect_request("**/v1/audio/speech") as sent:
        studio.generate(TEXT)
    assert sent.value.post_data_json["model"] == "tone"
    expect(studio["#result-words"]).to_contain_text("Tone")
    assert studio.audio().seconds > 1
    studio["#loading-button"].click()
    expect(studio["#loading-words"]).to_have_text("Tone is downloaded, but not loaded.")


def test_the_command_that_installs_it_is_offered(open_page: Callable[..., Studio]) -> None:
    studio = open_page(replace(TONE, is_installed=lambda: False))
    expect(studio["#model option[value=tone]"]).to_have_text("Tone (not installed)")
    expect(studio["#model option[value=tone]"]).to_be_disabled()
    expect(studio["#strip-install-words"]).to_contain_text("install Tone generator on this machine")
    expect(studio["#install-command"]).to_have_text("./run.sh install tone")


def test_without_anything_to_install_nothing_is_offered(open_page: Callable[..., Studio]) -> None:
    studio = open_page(TONE)
    expect(studio["#strip-install"]).to_be_hidden()
