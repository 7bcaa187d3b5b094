"""The interactive description of the API at /docs: offline, within the page's rules, and it speaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Response, expect
from studio import Studio
from support.server import RunningServer

pytestmark = pytest.mark.browser

SPEECH = "#operations-Speech-createSpeech"
CLONING = "#operations-Speech-speakWithPrompt"


@pytest.fixture
def documentation(server: RunningServer, open_studio: Callable[..., Studio]) -> Studio:
    return open_studio(f"{server.url}/docs")


def opened(studio: Studio, operation: str) -> Locator:
    block = studio[operation]
    block.locator(".opblock-summary-control").click()
    expect(block.locator(".execute")).to_be_visible()
    return block


def executed(studio: Studio, block: Locator, path: str) -> Response:
    with studio.page.expect_response(f"**{path}") as answered:
        block.locator(".execute").click()
    expect(block.locator(".live-responses-table")).to_be_visible()
    return answered.value


def test_it_shows_every_operation(server: RunningServer, documentation: Studio) -> None:
    document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    expect(documentation[".opblock"]).to_have_count(sum(len(item) for item in document["paths"].values()))
    expect(documentation[".title"]).to_contain_text("Parlance")
    expect(documentation[".errors-wrapper"]).to_have_count(0)


def test_the_page_leads_to_it(server: RunningServer, open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(server.url)
    studio[".footer a"].click()
    expect(studio[".title"]).to_contain_text("Parlance")
    assert studio.page.url == f"{server.url}/docs"


def test_a_text_is_spoken_and_played_without_asking_again(documentation: Studio) -> None:
    block = opened(documentation, SPEECH)
    answer = executed(documentation, block, "/v1/audio/speech")
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/mpeg")
    documentation.wait_until("document.querySelector('.live-responses-table audio')?.duration > 0.5")


def test_a_clip_is_chosen_and_sent(documentation: Studio, clip_file: Path) -> None:
    block = opened(documentation, CLONING)
    block.locator("input[type=file]").set_input_files(clip_file)
    answer = executed(documentation, block, "/v2/audio/speech_with_prompt")
    assert answer.status == 200, answer.text()


def test_the_key_that_the_page_knows_is_sent(start_server: Callable[..., Any], open_studio: Callable[..., Studio]) -> None:
    guarded = start_server(api_keys=("right",))
    studio = open_studio(f"{guarded.url}/docs", before="localStorage.setItem('parlance.key', '\"right\"')")
    assert executed(studio, opened(studio, SPEECH), "/v1/audio/speech").status == 200


def test_a_wrong_request_shows_what_was_wrong(documentation: Studio) -> None:
    documentation.watch.expect("status of 400")
    block = opened(documentation, SPEECH)
    block.locator("textarea").fill('{"input": ""}')
    assert executed(documentation, block, "/v1/audio/speech").status == 400
    expect(block.locator(".live-responses-table")).to_contain_text("the text to speak is required")
