"""The panel "How it will be read": the words, the changes marked, and nothing spoken."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from playwright.sync_api import Request, Route, expect
from studio import SHORT, Studio
from support.server import RunningServer

pytestmark = pytest.mark.browser

TEXT = "The ﬁrst oﬀer [laugh] is a ﬁne one."
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}

SPOKEN_WORDS = """() => {
  const copy = document.getElementById("reading-words").cloneNode(true);
  for (const node of copy.querySelectorAll("del")) node.remove();
  return copy.textContent.split(/\\s+/).join(" ").trim();
}"""


def read_by_the_api(server: RunningServer, text: str, **fields: Any) -> dict[str, Any]:
    reply = requests.post(f"{server.url}/v1/text/normalize", json={"input": text, **fields}, timeout=60)
    reply.raise_for_status()
    body: dict[str, Any] = reply.json()
    return body


def fields_of(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = request.post_data_json or {}
    return fields


def open_panel(studio: Studio, text: str) -> None:
    studio.ready()["#text"].fill(text)
    studio["#reading-button"].click()
    expect(studio["#reading"]).to_have_attribute("aria-busy", "false")


def asked_of(studio: Studio, path: str) -> list[Request]:
    """Every request for the path from here on."""
    asked: list[Request] = []
    studio.page.on("request", lambda request: asked.append(request) if request.url.endswith(path) else None)
    return asked


def test_the_panel_shows_the_words_with_a_mark_for_each_change(studio: Studio, server: RunningServer) -> None:
    expect(studio["#reading"]).to_be_hidden()
    open_panel(studio, TEXT)
    changes = read_by_the_api(server, TEXT)["changes"]
    assert len(changes) >= 4
    assert studio["#reading-words .change"].all_text_contents() == [(change["to"] or change["from"]).strip() for change in changes]
    expect(studio["#reading-words del"]).to_have_text("[laugh]")
    expect(studio["#reading-words mark"].first).to_have_attribute("title", "Special character: ﬁ → fi")
    expect(studio["#reading-words del"]).to_have_attribute("title", "Sound that this model cannot make: [laugh] → not spoken")
    expect(studio["#reading-summary"]).to_have_text(f"Read as English. {len(changes)} changes.")
    expect(studio["#reading-button"]).to_have_attribute("aria-expanded", "true")
    studio["#reading-button"].click()
    expect(studio["#reading"]).to_be_hidden()
    expect(studio["#reading-button"]).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize(
    "text",
    [
        "😀😀 The 👩‍👩‍👧 family is ﬁne, and 𠮷野家 has oﬀers.",
        "# A heading\n\nSome *words*, and ４２ more.\n\n- one\n- two",
        "Dr. Lee paid $5.50 on 2026-09-03 for 10 km. See https://example.com/a?b=1 (No. 7).",
        "  spaces \t around\n\n\n\nand between  ",
        "No change at all.",
    ],
)
def test_without_what_is_not_spoken_the_panel_has_the_words_of_the_api(studio: Studio, server: RunningServer, text: str) -> None:
    open_panel(studio, text)
    assert studio.page.evaluate(SPOKEN_WORDS) == " ".join(read_by_the_api(server, text)["text"].split())


def test_what_is_added_is_told_as_such(studio: Studio) -> None:
    open_panel(studio, "# A heading\n\nA line.")
    titles = studio["#reading-words .change"].evaluate_all("nodes => nodes.map((node) => node.title)")
    assert titles == ["Markdown: # → not spoken", "Markdown: “.” is added"]


def test_looking_never_speaks_and_never_queues(studio: Studio, server: RunningServer) -> None:
    spoken = asked_of(studio, "/v1/audio/speech")
    queued = [*asked_of(studio, "/v1/queue"), *spoken]
    before = server.synthesizer.metrics.snapshot()
    open_panel(studio, TEXT)
    after = server.synthesizer.metrics.snapshot()
    assert (after["total_completed"], after["total_errors"]) == (before["total_completed"], before["total_errors"])
    assert spoken == queued == []


def test_the_open_panel_follows_the_text_and_the_closed_one_asks_nothing(studio: Studio) -> None:
    asked = asked_of(studio, "/v1/text/normalize")
    studio.ready()["#text"].fill("Nobody looks.")
    studio["#reading-button"].click()
    expect(studio["#reading-words"]).to_have_text("Nobody looks.")
    assert len(asked) == 1
    studio["#text"].fill("Somebody looks at a ﬁsh.")
    expect(studio["#reading-words"]).to_have_text("Somebody looks at a fish.")
    studio["#text"].fill("")
    expect(studio["#reading-words"]).to_have_text("Type some text to see how it will be read.")
    assert len(asked) == 2
    studio["#reading-button"].click()
    studio["#text"].fill(TEXT)
    studio.generate(SHORT)
    assert len(asked) == 2


def test_many_keys_in_a_row_ask_once_or_twice(studio: Studio) -> None:
    open_panel(studio, "A")
    asked = asked_of(studio, "/v1/text/normalize")
    studio["#text"].press_sequentially(" text of many letters", delay=10)
    expect(studio["#reading-words"]).to_have_text("A text of many letters")
    assert len(asked) <= 2


def test_a_late_answer_does_not_take_the_place_of_a_newer_one(studio: Studio) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    studio.ready().page.route("**/v1/text/normalize", hold_the_first)
    studio["#text"].fill("The older text.")
    studio["#reading-button"].click()
    expect(studio["#reading-words"]).to_have_text("Reading…")
    studio["#text"].fill("The newer text.")
    expect(studio["#reading-words"]).to_have_text("The newer text.")
    try:
        held[0].continue_()
    except Exception:  # noqa: BLE001 - the page has given the request up, and the browser may say so
        held.clear()
    studio.page.wait_for_load_state("networkidle")
    expect(studio["#reading-words"]).to_have_text("The newer text.")


def test_marks_are_reached_by_one_tab_and_then_by_arrow_keys(studio: Studio) -> None:
    open_panel(studio, TEXT)
    keys = studio.page.keyboard
    studio["#reading-button"].focus()
    keys.press("Tab")
    marks = studio["#reading-words .change"]
    expect(marks.nth(0)).to_be_focused()
    expect(studio["#reading-detail"]).to_have_text("Special character: ﬁ → fi")
    assert studio.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    for key, index in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("Home", 0), ("ArrowLeft", 0), ("End", marks.count() - 1)]:
        keys.press(key)
        expect(marks.nth(index)).to_be_focused()
        expect(studio["#reading-detail"]).to_have_text(marks.nth(index).get_attribute("title") or "")
    keys.press("Tab")
    expect(studio["#generate"]).to_be_focused()
    keys.press("Shift+Tab")
    expect(marks.last).to_be_focused()


def test_the_space_bar_on_a_mark_plays_nothing(studio: Studio) -> None:
    studio.generate()
    expect(studio["#play"]).to_have_attribute("data-playing", "false")
    open_panel(studio, TEXT)
    studio["#reading-words .change"].nth(1).focus()
    studio.page.keyboard.press(" ")
    expect(studio["#play"]).to_have_attribute("data-playing", "false")
    expect(studio["#reading-words .change"].nth(1)).to_be_focused()


def test_a_tap_on_a_mark_shows_what_was_changed(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(**PHONE)
    open_panel(studio, TEXT)
    studio["#reading-words del"].tap()
    expect(studio["#reading-detail"]).to_have_text("Sound that this model cannot make: [laugh] → not spoken")


def test_changes_are_told_apart_without_color(studio: Studio) -> None:
    open_panel(studio, TEXT)
    lines = studio["#reading-words .change"].evaluate_all("nodes => nodes.map((node) => getComputedStyle(node).textDecorationLine)")
    assert sorted(set(lines)) == ["line-through", "underline"]


def test_the_language_that_was_found_is_named(studio: Studio) -> None:
    open_panel(studio, "今天天气很好，我们去公园散步吧。")
    expect(studio["#reading-summary"]).to_have_text("Read as Chinese. Nothing is changed.")
    expect(studio["#reading-words"]).to_have_attribute("lang", "zh")


def test_in_chinese_the_panel_is_in_chinese(open_studio: Callable[..., Studio], server: RunningServer) -> None:
    studio = open_studio(locale="zh-CN")
    open_panel(studio, TEXT)
    expect(studio["#reading-summary"]).to_contain_text("按英语朗读。")
    expect(studio["#reading-words mark"].first).to_have_attribute("title", "特殊字符：ﬁ → fi")
    studio.page.get_by_role("button", name="English").click()
    expect(studio["#reading-summary"]).to_contain_text("Read as English.")


def test_a_text_that_cannot_be_read_is_told_in_words_until_it_is_mended(studio: Studio) -> None:
    studio.watch.expect("status of 400")
    open_panel(studio, "<speak>One <p>two</speak>")
    expect(studio["#reading-error"]).to_contain_text("SSML")
    expect(studio["#text"]).not_to_be_focused()
    studio["#text"].fill("<speak>One <p>two</p></speak>")
    expect(studio["#reading-error"]).to_be_hidden()
    expect(studio["#reading-words"]).to_contain_text("two")


def test_a_text_that_is_too_long_is_told_before_the_server_is_asked(studio: Studio) -> None:
    asked = asked_of(studio, "/v1/text/normalize")
    studio.ready()["#text"].fill("a" * 4097)
    studio["#reading-button"].click()
    expect(studio["#reading-error"]).to_contain_text("the limit is 4,096")
    assert asked == []


def test_an_unreachable_server_is_told_in_words(studio: Studio) -> None:
    studio.watch.expect("ERR_")
    studio.ready().page.route("**/v1/text/normalize", lambda route: route.abort())
    studio["#text"].fill(TEXT)
    studio["#reading-button"].click()
    expect(studio["#reading-error"]).to_contain_text("cannot be reached")


def test_the_choice_to_read_the_text_as_written_is_sent_shown_and_remembered(studio: Studio) -> None:
    spoken = asked_of(studio, "/v1/audio/speech")
    open_panel(studio, TEXT)
    studio.generate()
    assert "text_normalization" not in fields_of(spoken[-1])
    studio["#text"].fill(TEXT)
    box = studio.page.get_by_label("Read numbers and markup as words")
    expect(box).to_be_checked()
    box.uncheck()
    expect(studio["#reading-words"]).to_contain_text("ﬁrst oﬀer")
    studio.generate()
    assert fields_of(spoken[-1])["text_normalization"] == "off"
    studio.page.reload()
    expect(box).not_to_be_checked()
    box.check()
    studio["#history > li"].first.get_by_role("button", name=re.compile("^Edit .* again")).click()
    expect(box).not_to_be_checked()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_a_long_text_is_scrolled_within_the_panel(open_studio: Callable[..., Studio], options: dict[str, Any]) -> None:
    studio = open_studio(**options)
    open_panel(studio, ("A ﬁne day, and a good oﬀer. " * 200)[:4000] + " " + "ﬁ" * 90)
    assert studio["#reading-words .change"].count() > 200
    height, inner = studio["#reading-words"].evaluate("node => [node.clientHeight, node.scrollHeight]")
    assert height <= 300 < inner
    studio["#reading-words .change"].first.focus()
    studio.page.keyboard.press("End")
    expect(studio["#reading-words .change"].last).to_be_in_viewport()
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= studio.page.evaluate("innerWidth")


def test_nothing_around_moves_while_the_text_is_read_again(studio: Studio) -> None:
    open_panel(studio, "A short text.")
    before = studio["#generate"].bounding_box()
    studio["#text"].fill("A ﬁne text.")
    expect(studio["#reading-words mark"]).to_have_count(1)
    studio["#reading-words mark"].focus()
    expect(studio["#reading-detail"]).not_to_be_empty()
    assert studio["#generate"].bounding_box() == before


def test_markup_in_a_text_and_in_an_answer_is_text(studio: Studio) -> None:
    attack = "<img src=x onerror=window.hacked=1 data-xss>"

    def answer(route: Route) -> None:
        changes = [{"start": 0, "end": 2, "from": attack, "to": attack, "rule": attack}]
        body = {"text": attack, "language": attack, "segments": [], "changes": changes, "removed_voices": [attack]}
        route.fulfill(json=body)

    studio.ready().page.route("**/v1/text/normalize", answer)
    open_panel(studio, f"Hi {attack}")
    expect(studio["#reading-words"]).to_have_text(f"{attack} {attack}")
    expect(studio["#reading-summary"]).to_contain_text(attack)
    expect(studio["#reading-detail"]).not_to_be_empty()
    expect(studio["[data-xss]"]).to_have_count(0)
    assert studio.page.evaluate("window.hacked") is None
