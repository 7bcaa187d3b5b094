"""Type a text, hear it, stop it, keep it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
from playwright.sync_api import expect
from studio import SHORT, Studio, long_text
from support.decoded_audio import hear

from tts_server.speech import AudioFormat

pytestmark = pytest.mark.browser

HALF_AN_HOUR = long_text(30_000)


@pytest.fixture
def roomy(start_server: Callable[..., Any], open_studio: Callable[..., Studio]) -> Studio:
    """The page of a server that takes texts so long that no machine has spoken them before the test is over."""
    studio = open_studio(url=start_server(max_text_length=100_000).url, bypass_csp=True).ready()
    studio.record_sound()
    return studio


def test_a_long_text_is_heard_while_the_rest_of_it_is_still_being_made(roomy: Studio) -> None:
    roomy.start(HALF_AN_HOUR)
    roomy.wait_for_sound()
    expect(roomy["#stop"]).to_be_visible(timeout=1)
    expect(roomy["#status"]).to_contain_text("Making")
    roomy["#stop"].click()


def test_what_is_heard_is_what_was_made_sample_for_sample_without_a_gap(listening: Studio) -> None:
    listening.generate("One two three. Four five six.")
    made = listening.audio().samples
    expect(listening["#play"]).to_have_attribute("data-playing", "false")
    heard = listening.recorded_sound()
    loud_made, loud_heard = int(np.argmax(np.abs(made) > 0.02)), int(np.argmax(np.abs(heard) > 0.02))
    heard = heard[loud_heard - loud_made :][: len(made)]
    assert np.abs(made).max() > 0.1
    np.testing.assert_allclose(heard, made[: len(heard)], atol=1e-4)
    assert len(heard) > len(made) - 0.1 * 24000


def test_stop_ends_the_work_of_the_server_and_silences_the_page(roomy: Studio) -> None:
    before = requests.get(f"{roomy.url}/health", timeout=10).json()["metrics"]
    roomy.start(HALF_AN_HOUR)
    roomy.wait_for_sound()
    roomy["#stop"].click()
    expect(roomy["#status"]).to_have_text("Stopped.")
    expect(roomy["#play"]).to_have_attribute("data-playing", "false")
    deadline = time.monotonic() + 15
    while (metrics := requests.get(f"{roomy.url}/health", timeout=10).json()["metrics"])["in_flight"] and time.monotonic() < deadline:
        roomy.page.wait_for_timeout(50)
    assert metrics["in_flight"] == 0
    assert metrics["audio_seconds"] - before["audio_seconds"] < 900, "the server went on speaking"
    expect(roomy["#history > li"]).to_contain_text("stopped early")
    roomy.page.evaluate("window.sound.length = 0")
    roomy.wait_until("window.sound.length > 50")
    assert np.abs(roomy.recorded_sound()).max() == 0


def test_escape_stops_too(roomy: Studio) -> None:
    roomy.start(HALF_AN_HOUR)
    expect(roomy["#stop"]).to_be_visible()
    roomy.page.keyboard.press("Escape")
    expect(roomy["#status"]).to_have_text("Stopped.")
    expect(roomy["#generate"]).to_be_visible()


def test_the_progress_tells_how_much_of_about_how_much_is_made(roomy: Studio) -> None:
    roomy.start(HALF_AN_HOUR)
    expect(roomy["#status"]).to_contain_text("of about 34:")
    assert float(roomy["#progress-bar"].get_attribute("value") or 0) > 0
    assert float(roomy["#progress-bar"].get_attribute("max") or 0) > 100
    roomy["#stop"].click()


def test_every_format_of_the_download_holds_the_same_speech_without_a_second_synthesis(studio: Studio) -> None:
    studio.generate()
    seconds = studio.total_seconds()
    spoken: list[str] = []
    studio.page.on("request", lambda request: spoken.append(request.url) if "/audio/speech" in request.url else None)
    for kind in [format_.value for format_ in AudioFormat if format_.spec.extension]:
        heard = hear(studio.download(kind))
        assert heard.kind == kind
        assert heard.seconds == pytest.approx(seconds, abs=0.15)
        assert heard.rms > 0.01
    assert spoken == []


def test_the_waveform_seeks_by_click_and_by_key(studio: Studio) -> None:
    studio.generate()
    studio["#play"].click()
    expect(studio["#play"]).to_have_attribute("data-playing", "false")
    box = studio["#wave"].bounding_box()
    assert box
    studio.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    half = studio["#seek"].evaluate("node => node.valueAsNumber")
    assert half == pytest.approx(studio.total_seconds() / 2, abs=0.2)
    studio["#seek"].press("ArrowLeft")
    assert studio["#seek"].evaluate("node => node.valueAsNumber") == pytest.approx(max(0, half - 2), abs=0.05)
    studio["#seek"].press(" ")
    expect(studio["#play"]).to_have_attribute("data-playing", "true")


def test_seeking_while_it_plays_goes_on_from_there_and_ends_at_the_end(studio: Studio) -> None:
    studio.generate()
    studio["#seek"].evaluate("node => { node.value = node.max - 0.3; node.dispatchEvent(new Event('input')); }")
    expect(studio["#play"]).to_have_attribute("data-playing", "false")
    assert studio["#seek"].evaluate("node => node.valueAsNumber") == pytest.approx(studio.total_seconds(), abs=0.02)
    studio["#play"].click()
    expect(studio["#play"]).to_have_attribute("data-playing", "true")
    assert studio["#seek"].evaluate("node => node.valueAsNumber") < 1


def test_the_voice_and_the_speed_reach_the_server_and_the_result(studio: Studio) -> None:
    studio.ready()["#voice"].select_option("onyx")
    studio["#speed"].fill("1.5")
    with studio.page.expect_request("**/v1/audio/speech") as sent:
        studio.generate()
    asked = sent.value.post_data_json
    assert (asked["voice"], asked["speed"], asked["response_format"], asked["stream"]) == ("onyx", 1.5, "wav", True)
    expect(studio["#result-words"]).to_contain_text("Onyx")
    expect(studio["#result-words"]).to_contain_text("1.50 ×")


def test_a_voice_can_be_heard_before_it_is_chosen(listening: Studio) -> None:
    listening["#preview"].click()
    listening.wait_for_sound()
    expect(listening["#preview"]).to_have_attribute("data-playing", "true")
    listening["#preview"].click()
    expect(listening["#preview"]).to_have_attribute("data-playing", "false")
    expect(listening["#history > li"]).to_have_count(0)


def test_history_survives_a_reload_and_replays(listening: Studio) -> None:
    listening.generate()
    seconds = listening.total_seconds()
    listening.page.reload()
    expect(listening["#history > li"]).to_contain_text(SHORT)
    listening.ready().record_sound()
    listening["#history > li button"].first.click()
    listening.wait_for_sound()
    assert listening.total_seconds() == pytest.approx(seconds, abs=0.01)


def test_using_a_result_again_with_its_seed_makes_the_same_audio(studio: Studio) -> None:
    studio.ready()["#voice"].select_option("echo")
    studio.generate()
    first = studio.audio().samples
    studio["#voice"].select_option("nova")
    studio["#text"].fill("Something else.")
    studio["#history > li button"].nth(1).click()
    expect(studio["#text"]).to_have_value(SHORT)
    expect(studio["#voice"]).to_have_value("echo")
    studio["#seed"].fill((studio["#seed-copy"].text_content() or "").removeprefix("Seed "))
    studio.generate()
    np.testing.assert_array_equal(studio.audio().samples, first)


def test_history_entries_are_deleted_one_by_one_or_all_after_a_second_click(studio: Studio) -> None:
    for text in ("One.", "Two.", "Three."):
        studio.generate(text)
    studio["#history > li"].first.get_by_role("button", name="Delete").click()
    expect(studio["#history > li"]).to_have_count(2)
    expect(studio["#history"]).not_to_contain_text("Three.")
    studio["#history-clear"].click()
    expect(studio["#history > li"]).to_have_count(2)
    studio["#history-clear"].click()
    expect(studio["#history > li"]).to_have_count(0)
    studio.page.reload()
    expect(studio["#history-empty"]).to_be_visible()


def test_history_keeps_the_last_twenty(studio: Studio) -> None:
    studio.ready()
    listed = studio.page.evaluate(
        """async () => {
          const store = await import(new URL("static/js/history/store.js", location.href));
          for (let number = 1; number <= 23; number++) await store.addEntry({ text: `text ${number}` }, new Int16Array(10), null);
          return (await store.listEntries()).map((entry) => entry.text);
        }"""
    )
    assert listed == [f"text {number}" for number in range(23, 3, -1)]


def test_history_is_bounded_in_bytes(studio: Studio) -> None:
    listed = studio.ready().page.evaluate(
        """async () => {
          const store = await import(new URL("static/js/history/store.js", location.href));
          for (let number = 1; number <= 3; number++) await store.addEntry({ text: `${number}` }, new Int16Array(20 * 2 ** 20), null);
          const large = (await store.listEntries()).map((entry) => entry.text);
          await store.addEntry({ text: "too large" }, new Int16Array(60 * 2 ** 20), null);
          const after = (await store.listEntries()).map((entry) => entry.text);
          await store.clearEntries();
          return [large, after];
        }"""
    )
    assert listed == [["3", "2"], ["3", "2"]]


def test_draft_and_settings_are_remembered(studio: Studio) -> None:
    studio.ready()["#text"].fill("Half a thought")
    studio["#voice"].select_option("fable")
    studio["#speed"].fill("0.75")
    studio["#seed"].fill("42")
    studio.page.reload()
    studio.ready()
    expect(studio["#text"]).to_have_value("Half a thought")
    expect(studio["#voice"]).to_have_value("fable")
    expect(studio["#speed"]).to_have_value("0.75")
    expect(studio["#seed"]).to_have_value("42")


def test_it_plays_on_a_plain_http_address_of_the_network_too(open_studio: Callable[..., Studio], start_server: Callable[..., Any]) -> None:
    """Such a page is no secure context: no worklets, no microphone, no clipboard."""
    server = start_server(allow_local_names=True)
    studio = open_studio(url=server.url.replace("127.0.0.1", "parlance.local"))
    assert studio.ready().page.evaluate("window.isSecureContext") is False
    studio.start(SHORT)
    expect(studio["#play"]).to_have_attribute("data-playing", "true")
    studio.wait_until("document.getElementById('seek').valueAsNumber > 0.2")
    expect(studio["#record"]).to_be_disabled()
    expect(studio["#microphone-words"]).to_contain_text("recording only on secure pages")
