"""What is made and what was made: progress, the player in reach, seeds, the history, several tabs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from studio import SHORT, Studio, long_text
from support.decoded_audio import hear

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 800}
FILL = """async (count) => {
  const store = await import(new URL("static/js/history/store.js", location.href));
  for (let number = 1; number <= count; number++) {
    await store.addEntry({ text: `text ${number}`, speed: 1, seconds: 1, sampleRate: 24000, created: 0 }, new Int16Array(24000), null);
  }
}"""


@pytest.fixture
def roomy(start_server: Callable[..., Any], open_studio: Callable[..., Studio]) -> Callable[..., Studio]:
    """Opens the page of a server that takes texts so long that no machine has spoken them before the test is over."""
    return lambda **options: open_studio(url=start_server(max_text_length=100_000).url, **options).ready()


def start_long(studio: Studio) -> None:
    studio.start(long_text(60_000))
    expect(studio["#play"]).to_have_attribute("data-playing", "true")


def seed_of(studio: Studio) -> int:
    expect(studio["#seed-copy"]).to_have_text(re.compile(r"^Seed \d+$"))
    return int((studio["#seed-copy"].text_content() or "").split()[1])


def row_button(studio: Studio, name: str, row: int = 0) -> Locator:
    return studio["#history > li"].nth(row).get_by_role("button", name=re.compile(f"^{name}"))


def test_progress_is_told_as_time_and_the_numbers_are_in_the_details(roomy: Callable[..., Studio]) -> None:
    studio = roomy()
    start_long(studio)
    expect(studio["#status"]).to_have_text(re.compile(r"^Making \d+:\d\d of about \d+:\d\d, (\d+ s|\d+:\d\d) left$"))
    studio["#stop"].click()
    expect(studio["#generate"]).to_be_visible()
    studio.generate(SHORT)
    expect(studio["#status"]).to_have_text(re.compile(r"^Done · 0:0\d"))
    expect(studio["#result-numbers"]).to_be_hidden()
    studio["#result-details summary"].click()
    expect(studio["#result-numbers"]).to_have_text(re.compile(r"First sound after [\d.]+ s\. Made in [\d.]+ s\."))


def test_the_title_of_the_tab_follows_the_work_and_the_sound(roomy: Callable[..., Studio]) -> None:
    studio = roomy()
    expect(studio.page).to_have_title("Parlance")
    start_long(studio)
    expect(studio.page).to_have_title(re.compile(r"^\d+ % · Parlance$"))
    studio["#stop"].click()
    expect(studio.page).to_have_title("Parlance")
    studio["#play"].click()
    expect(studio.page).to_have_title("▶ Parlance")


def is_in_window(node: Locator) -> bool:
    return bool(
        node.evaluate(
            """(node) => {
              const box = node.getBoundingClientRect();
              const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
              return box.top >= 0 && box.bottom <= innerHeight && node.contains(at);
            }"""
        )
    )


def test_on_a_phone_the_buttons_and_the_player_are_in_reach_wherever_the_page_is(roomy: Callable[..., Studio]) -> None:
    studio = roomy(viewport=PHONE, has_touch=True)
    expect(studio["#dock-play"]).to_be_hidden()
    assert is_in_window(studio["#generate"])
    start_long(studio)
    for place in ("0", "600", "document.body.scrollHeight"):
        studio.page.evaluate(f"window.scrollTo(0, {place})")
        for name in ("#stop", "#dock-play", "#dock-time"):
            assert is_in_window(studio[name]), (name, place)
    studio["#dock-play"].click()
    expect(studio["#dock-play"]).to_have_attribute("data-playing", "false")
    expect(studio["#dock-play"]).to_have_attribute("aria-label", "Play")
    studio["#stop"].click()
    expect(studio["#generate"]).to_be_visible()
    assert is_in_window(studio["#generate"])


@pytest.mark.parametrize("width", [320, 360])
def test_what_is_docked_covers_nothing(open_studio: Callable[..., Studio], width: int) -> None:
    studio = open_studio(viewport={"width": width, "height": 700})
    studio.generate()
    studio.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    dock, footer = studio["#dock"].bounding_box(), studio["footer"].bounding_box()
    assert dock and footer and footer["y"] + footer["height"] <= dock["y"] + 1
    studio.page.evaluate("window.scrollTo(0, 0)")
    studio["#text"].focus()
    order = []
    for _ in range(45):
        studio.page.keyboard.press("Tab")
        name, bottom, is_docked = studio.page.evaluate(
            """() => {
              const node = document.activeElement;
              const seen = node.closest("label.button, .wave") ?? node;
              return [node.id, seen.getBoundingClientRect().bottom, Boolean(node.closest("#dock")) || node === document.body];
            }"""
        )
        order.append(name)
        assert is_docked or bottom <= dock["y"] + 1, f"#{name} has the focus under the dock"
    assert order.index("reading-button") < order.index("dock-play") < order.index("generate") < order.index("seek")


def test_a_low_window_keeps_the_buttons_in_the_page(open_studio: Callable[..., Studio]) -> None:
    """As at 400 % zoom: what is docked would take most of it."""
    studio = open_studio(viewport={"width": 320, "height": 256}).ready()
    assert studio["#dock"].evaluate("node => getComputedStyle(node).position") == "static"


def test_a_problem_of_a_field_far_away_is_told_at_the_button_too_and_brought_into_view(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(viewport={"width": 1280, "height": 600})
    studio.generate()
    studio["#seed"].fill("lucky")
    studio["#text"].focus()
    studio["#generate"].click()
    expect(studio["#status"]).to_contain_text("seed is a whole number")
    expect(studio["#status"]).not_to_contain_text("Done")
    assert is_in_window(studio.problem("seed"))
    studio["#seed"].fill("7")
    expect(studio["#status"]).to_be_empty()


def test_editing_again_leaves_the_seed_alone_and_every_take_tells_its_own(studio: Studio) -> None:
    studio.generate()
    first = seed_of(studio)
    expect(studio["#history > li"]).to_contain_text(f"Seed {first}")
    row_button(studio, "Edit").click()
    expect(studio["#seed"]).to_have_value("")
    studio["#generate"].click()
    expect(studio["#history > li"]).to_have_count(2)
    assert seed_of(studio) != first


def test_the_same_again_uses_the_seed_once_and_a_new_take_another(studio: Studio) -> None:
    studio.ready()["#voice"].select_option("echo")
    studio.generate()
    first, samples = seed_of(studio), studio.audio().samples
    studio["#text"].fill("Something else.")
    studio["#voice"].select_option("nova")
    studio["#take-same"].click()
    expect(studio["#history > li"]).to_have_count(2)
    expect(studio["#generate"]).to_be_visible()
    assert seed_of(studio) == first
    np.testing.assert_array_equal(studio.audio().samples, samples)
    expect(studio["#text"]).to_have_value("Something else.")
    expect(studio["#seed"]).to_have_value("")
    with studio.page.expect_request("**/v1/audio/speech") as sent:
        studio["#take-new"].click()
    asked: dict[str, Any] = json.loads(sent.value.post_data or "")
    assert (asked["input"], asked["voice"]) == (SHORT, "echo")
    assert asked["seed"] != first


def test_the_seed_is_copied_by_a_click(studio: Studio) -> None:
    studio.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    studio.generate()
    studio["#seed-copy"].click()
    expect(studio["#toast"]).to_contain_text("copied")
    assert studio.page.evaluate("navigator.clipboard.readText()") == str(seed_of(studio))


def test_a_row_shows_that_it_plays_and_pauses(studio: Studio) -> None:
    studio.generate("The first of them is this one, which is long enough to be heard for a while.")
    studio.generate("The second of them is this one, which is long enough to be heard for a while.")
    second, first = studio["#history > li"].nth(0), studio["#history > li"].nth(1)
    row_button(studio, "Play", 1).click()
    expect(first).to_have_attribute("data-playing", "true")
    expect(second).to_have_attribute("data-playing", "false")
    row_button(studio, "Pause", 1).click()
    expect(first).to_have_attribute("data-playing", "false")
    expect(studio["#play"]).to_have_attribute("data-playing", "false")
    studio["#play"].click()
    expect(first).to_have_attribute("data-playing", "true")


def test_a_row_that_is_replayed_while_another_is_made_keeps_its_own_sound(roomy: Callable[..., Studio]) -> None:
    studio = roomy()
    studio.generate()
    seconds = studio.total_seconds()
    start_long(studio)
    row_button(studio, "Play").click()
    made = studio["#progress-bar"].evaluate("node => node.value")
    studio.wait_until(f"document.getElementById('progress-bar').value > {made + 20}")
    assert studio.total_seconds() == pytest.approx(seconds, abs=0.01)
    studio["#stop"].click()
    expect(studio["#history > li"]).to_have_count(2)


def test_each_row_has_its_download(studio: Studio) -> None:
    studio.generate("One.")
    studio.generate()
    studio["#format"].select_option("flac")
    with studio.page.expect_download() as started:
        row_button(studio, "Download", 1).click()
    assert started.value.suggested_filename.endswith("one.flac")
    assert hear(Path(started.value.path()).read_bytes()).rms > 0.01


def test_a_deleted_result_can_be_brought_back(studio: Studio) -> None:
    studio.generate()
    row_button(studio, "Delete").click()
    expect(studio["#history > li"]).to_have_count(0)
    studio["#toast"].get_by_role("button", name="Undo").click()
    expect(studio["#history > li"]).to_contain_text(SHORT)
    row_button(studio, "Play").click()
    expect(studio["#history > li"]).to_have_attribute("data-playing", "true")


def test_deleting_all_asks_with_their_number(studio: Studio) -> None:
    studio.generate()
    studio["#history-clear"].click()
    expect(studio["#history-clear"]).to_have_text("Delete all 1? Undo is not possible.")


def test_what_the_history_drops_is_said(studio: Studio) -> None:
    studio.ready().page.evaluate(FILL, 20)
    studio.page.reload()
    expect(studio["#history-hint"]).to_contain_text("20 of 20 results")
    studio.ready().start(SHORT)
    expect(studio["#toast"]).to_contain_text("The oldest result was removed from the history, which holds 20 results")
    expect(studio["#history > li"]).to_have_count(20)
    expect(studio["#history"]).not_to_contain_text(re.compile(r"text 1\b"))


LONG_REPLY = """
  const send = window.fetch;
  window.fetch = (path, ...rest) => {
    if (!String(path).includes("v1/audio/speech")) return send(path, ...rest);
    const size = 48000 * 60 * 37;
    const header = new DataView(new ArrayBuffer(44));
    [..."RIFF....WAVEfmt ....................data...."].forEach((letter, at) => header.setUint8(at, letter.charCodeAt(0)));
    [[4, 36 + size], [16, 16], [24, 24000], [28, 48000], [40, size]].forEach(([at, value]) => header.setUint32(at, value, true));
    [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => header.setUint16(at, value, true));
    return Promise.resolve(new Response(new Blob([header, new Uint8Array(size)])));
  };
"""
"""Answers requests for speech by 37 minutes of silence: more than the history may hold, and too much to synthesize in a test."""


def test_a_result_that_is_too_long_to_be_kept_is_said_to_be(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(before=LONG_REPLY).ready()
    studio.start(SHORT)
    expect(studio["#toast"]).to_contain_text("too long for the history")
    expect(studio["#result-notes"]).to_contain_text("Too long for the history: download it")
    expect(studio["#history > li"]).to_have_count(0)


def test_a_browser_that_keeps_nothing_is_said_to(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(before="IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };")
    studio.ready().start(SHORT)
    expect(studio["#toast"]).to_contain_text("This browser could not store the result.")


def test_the_browser_is_asked_once_to_keep_the_history(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(before="StorageManager.prototype.persist = async () => { window.asked = (window.asked ?? 0) + 1; return true; };")
    assert studio.ready().page.evaluate("window.asked ?? 0") == 0
    studio.generate()
    studio.generate()
    assert studio.page.evaluate("window.asked") == 1
    studio.page.reload()
    studio.generate()
    assert studio.page.evaluate("window.asked ?? 0") == 0


def test_leaving_asks_while_something_is_made_and_only_then(roomy: Callable[..., Studio]) -> None:
    studio = roomy()
    start_long(studio)
    with studio.page.expect_event("dialog") as asked:
        studio.page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    studio["#stop"].click()
    expect(studio["#generate"]).to_be_visible()
    with studio.page.expect_event("close"):
        studio.page.close(run_before_unload=True)


def second_tab(studio: Studio) -> Studio:
    page: Page = studio.page.context.new_page()
    studio.watch.attach(page)
    return Studio(page, studio.url, studio.watch).visit().ready()


def test_two_tabs_share_the_history_and_one_plays_at_a_time(studio: Studio) -> None:
    studio.ready()
    other = second_tab(studio)
    studio.generate(long_text(900))
    expect(other["#history > li"]).to_have_count(1)
    expect(studio["#play"]).to_have_attribute("data-playing", "true")
    row_button(other, "Play").click()
    expect(other["#play"]).to_have_attribute("data-playing", "true")
    expect(studio["#play"]).to_have_attribute("data-playing", "false")
    row_button(other, "Delete").click()
    expect(studio["#history > li"]).to_have_count(0)


def test_a_row_keeps_the_focus_when_another_tab_adds_one(studio: Studio) -> None:
    studio.generate()
    other = second_tab(studio)
    row_button(studio, "Download").focus()
    other.generate("Another one.")
    expect(studio["#history > li"]).to_have_count(2)
    expect(row_button(studio, "Download", 1)).to_be_focused()


def test_a_proxy_that_takes_small_uploads_only_is_explained(studio: Studio) -> None:
    studio.generate()
    studio.watch.expect("status of 413")
    page = "<html><head><title>413 Request Entity Too Large</title></head></html>"
    studio.page.route("**/page/encode*", lambda route: route.fulfill(status=413, body=page, content_type="text/html"))
    studio["#download"].click()
    expect(studio.problem("format")).to_contain_text("Choose WAV")
    expect(studio.problem("format")).to_contain_text("client_max_body_size")
    row_button(studio, "Download").click()
    expect(studio.problem("history")).to_contain_text("client_max_body_size")
    assert hear(studio.download("wav")).rms > 0.01
    expect(studio.problem("format")).to_be_hidden()
