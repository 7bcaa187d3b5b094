"""The page with the real Chatterbox engine: choose Turbo, bring a clip, type, play, stop."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect
from studio import Studio, long_text
from support.chatterbox_server import run_tiny_server
from support.server import RunningServer

pytestmark = pytest.mark.browser

TURBO = "chatterbox-turbo"


@pytest.fixture(scope="module")
def tiny_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with run_tiny_server(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def turbo(tiny_server: RunningServer, open_studio) -> Studio:
    studio = open_studio(url=tiny_server.url).ready()
    studio["#model"].select_option(TURBO)
    if studio["#loading"].get_attribute("data-state") == "unloaded":  # later tests find it ready, where the button would unload it
        studio["#loading-button"].click()
    expect(studio["#loading-words"]).to_have_text("Ready", timeout=60_000)
    return studio


def test_a_visitor_clones_a_voice_with_turbo_and_hears_it(turbo: Studio, clip_file: Path) -> None:
    turbo["#clip-file"].set_input_files(str(clip_file))
    expect(turbo["#clip-check"]).to_contain_text("Ready to use")
    with turbo.page.expect_response("**/v1/audio/speech") as answered:
        turbo.generate()
    assert answered.value.header_value("x-model") == TURBO
    assert answered.value.header_value("x-voice-cloning") == "cloned"
    assert turbo.audio().seconds > 0.1


def test_only_turbos_controls_and_sounds_are_shown(turbo: Studio) -> None:
    turbo["#text"].fill("Well ")
    turbo["#tag-chips"].get_by_role("button", name="laugh").click()
    expect(turbo["#text"]).to_have_value(re.compile(r"^Well \[laugh\]"))
    expect(turbo["#controls"]).to_contain_text("Temperature")
    expect(turbo["#controls"]).not_to_contain_text("Exaggeration")


def test_stop_ends_the_engines_work(tiny_server: RunningServer, turbo: Studio) -> None:
    turbo.start(long_text(4000))
    expect(turbo["#stop"]).to_be_visible()
    turbo["#stop"].click()
    expect(turbo["#status"]).to_have_text("Stopped.")
    engine = tiny_server.synthesizer.catalog.engine(TURBO)

    def at_work() -> tuple[float, float, int]:
        stats = engine.stats()
        in_flight = requests.get(f"{tiny_server.url}/health", timeout=10).json()["metrics"]["in_flight"]
        return stats["sequences_running"], stats["segments_waiting"], in_flight

    deadline = time.monotonic() + 30
    while at_work() != (0, 0, 0) and time.monotonic() < deadline:
        turbo.page.wait_for_timeout(50)
    assert at_work() == (0, 0, 0)
