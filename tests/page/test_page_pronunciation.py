"""The list "Pronunciation": words with how they are said, kept on the server, and the other lists there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Request, expect
from studio import SHORT, Studio
from support.server import RunningServer

from tts_server.keys import KeyFile, Role

pytestmark = pytest.mark.browser

PATH = "/v1/pronunciation-dictionaries"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
CSV = "string_to_replace,type,alias\nSQL,alias,sequel\nGIF,alias,jiff\n"
PLS = """<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa" xml:lang="en">
  <lexeme><grapheme>Worcester</grapheme><phoneme>ˈwʊstɚ</phoneme></lexeme>
</lexicon>
"""


@pytest.fixture
def own(start_server: Callable[..., RunningServer], tmp_path: Path) -> RunningServer:
    """A server without any dictionary."""
    return start_server(pronunciation_path=tmp_path / "dictionaries")


@pytest.fixture
def page(open_studio: Callable[..., Studio], own: RunningServer) -> Studio:
    return open_studio(own.url).ready()


def ask(server: RunningServer, method: str, path: str = "", **fields: Any) -> dict[str, Any]:
    reply = requests.request(method, f"{server.url}{PATH}{path}", json=fields or None, timeout=60)
    reply.raise_for_status()
    body: dict[str, Any] = reply.json()
    return body


def listed(server: RunningServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(server, "GET")["pronunciation_dictionaries"]
    return found


def rules(server: RunningServer, name: str = "Page") -> list[dict[str, Any]]:
    id_ = next(one["id"] for one in listed(server) if one["name"] == name)
    found: list[dict[str, Any]] = ask(server, "GET", f"/{id_}")["rules"]
    return found


def made(server: RunningServer, name: str, *words: tuple[str, str], default: bool = True) -> str:
    """A dictionary that another client makes."""
    given = [{"type": "alias", "string_to_replace": word, "alias": alias} for word, alias in words]
    id_: str = ask(server, "POST", "/add-from-rules", name=name, rules=given)["id"]
    ask(server, "PATCH", f"/{id_}", default=default)
    return id_


def read_words(server: RunningServer, text: str) -> str:
    reply = requests.post(f"{server.url}/v1/text/normalize", json={"input": text}, timeout=60)
    words: str = reply.json()["text"]
    return words


def add(studio: Studio, word: str, how: str) -> None:
    studio["#word"].fill(word)
    studio["#word-how"].fill(how)
    studio["#word-add"].click()
    expect(row(studio, word)).to_contain_text(how)


def row(studio: Studio, word: str) -> Locator:
    return studio["#words > li"].filter(has=studio.page.locator("b", has_text=re.compile(f"^{re.escape(word)}$")))


def spoken_by(studio: Studio) -> list[Request]:
    """Every request for speech from here on."""
    asked: list[Request] = []
    studio.page.on("request", lambda request: asked.append(request) if request.url.endswith("/v1/audio/speech") else None)
    return asked


def fields_of(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = request.post_data_json or {}
    return fields


def give_file(studio: Studio, name: str, content: str) -> None:
    studio["#words-file"].set_input_files({"name": name, "mimeType": "text/plain", "buffer": content.encode()})


def test_an_empty_list_explains_itself_by_an_example_and_makes_nothing(page: Studio, own: RunningServer) -> None:
    expect(page["#words-empty"]).to_have_text("If a name is pronounced wrong, add it here with how it sounds: Nguyen → win")
    expect(page["#words > li"]).to_have_count(0)
    expect(page["#list-field"]).to_be_hidden()
    expect(page["#words-csv"]).to_be_hidden()
    assert listed(own) == []


def test_the_first_word_makes_a_dictionary_that_every_text_is_read_with(page: Studio, own: RunningServer) -> None:
    add(page, "Nguyen", "win")
    expect(page["#words-empty"]).to_be_hidden()
    expect(page["#words-status"]).to_have_text("“Nguyen” is now pronounced win.")
    expect(page["#word"]).to_be_focused()
    expect(page["#word"]).to_have_value("")
    assert [(one["name"], one["default"]) for one in listed(own)] == [("Page", True)]
    assert read_words(own, "Call Nguyen today.") == "Call win today."
    add(page, "SQL", "sequel")
    assert [one["name"] for one in listed(own)] == ["Page"]
    page.page.reload()
    expect(page.ready()["#words > li"]).to_have_count(2)


def test_ipa_between_slashes_is_a_pronunciation(page: Studio, own: RunningServer) -> None:
    add(page, "Nguyen", "/wɪn/")
    (rule,) = rules(own)
    assert (rule["type"], rule["phoneme"], rule["alphabet"]) == ("phoneme", "wɪn", "ipa")


@pytest.mark.parametrize(
    ("word", "text", "is_matched"), [("gif", "GIF", True), ("gif", "Gif", True), ("US", "us", False), ("US", "US", True)]
)
def test_a_word_in_small_letters_also_matches_with_capitals(
    page: Studio, own: RunningServer, word: str, text: str, is_matched: bool
) -> None:
    add(page, word, "something else")
    assert (read_words(own, f"one {text} here") == "one something else here") == is_matched


def test_say_it_speaks_the_word_as_its_rule_says(page: Studio, own: RunningServer) -> None:
    add(page, "Nguyen", "win")
    asked = spoken_by(page)
    with page.page.expect_response("**/v1/audio/speech") as answered:
        page.page.get_by_role("button", name="Say “Nguyen”").click()
    assert answered.value.status == 200
    fields = fields_of(asked[0])
    assert fields["input"] == "Nguyen"
    assert fields["pronunciation_dictionary_locators"] == [{"pronunciation_dictionary_id": listed(own)[0]["id"]}]
    expect(page["#words button[data-playing=true]"]).to_have_count(0)
    expect(page["#history > li"]).to_have_count(0)


@pytest.mark.parametrize(("how", "text"), [("win", "win"), ("/wɪn/", "[Nguyen](/wɪn/)")])
def test_a_word_can_be_heard_before_it_is_added(page: Studio, own: RunningServer, how: str, text: str) -> None:
    page["#word"].fill("Nguyen")
    page["#word-how"].fill(how)
    with page.page.expect_response("**/v1/audio/speech") as answered:
        page["#word-say"].click()
    assert answered.value.status == 200
    assert fields_of(answered.value.request)["input"] == text
    assert listed(own) == []


def test_escape_stops_what_is_said(page: Studio) -> None:
    page["#word"].fill("story")
    page["#word-how"].fill("a long, long story that goes on, and on, and on, and then goes on for ever, and ever, and ever")
    page["#word-say"].click()
    expect(page["#word-say"]).to_have_attribute("data-playing", "true")
    page.page.keyboard.press("Escape")
    expect(page["#word-say"]).to_have_attribute("data-playing", "false")


def test_a_word_can_be_changed(page: Studio, own: RunningServer) -> None:
    add(page, "Nguyen", "nigh gen")
    add(page, "SQL", "sequel")
    page.page.get_by_role("button", name="Change “Nguyen”").click()
    expect(page["#word"]).to_have_value("Nguyen")
    expect(page["#word-how"]).to_be_focused()
    expect(page["#word-add"]).to_have_text("Save")
    page.page.keyboard.type("win")
    page.page.keyboard.press("Enter")
    expect(row(page, "Nguyen")).to_contain_text("win")
    expect(page["#word-add"]).to_have_text("Add")
    page.page.get_by_role("button", name="Change “SQL”").click()
    page["#word"].fill("MySQL")
    page["#word-add"].click()
    expect(row(page, "MySQL")).to_contain_text("sequel")
    expect(page["#words > li"]).to_have_count(2)
    assert {rule["string_to_replace"]: rule["alias"] for rule in rules(own)} == {"Nguyen": "win", "MySQL": "sequel"}


def test_a_change_can_be_left(page: Studio, own: RunningServer) -> None:
    add(page, "Nguyen", "win")
    page.page.get_by_role("button", name="Change “Nguyen”").click()
    page["#word-how"].fill("other")
    page["#word-cancel"].click()
    expect(page["#word"]).to_have_value("")
    expect(page["#word-cancel"]).to_be_hidden()
    assert [rule["alias"] for rule in rules(own)] == ["win"]


def test_a_changed_rule_keeps_how_it_matches(page: Studio, own: RunningServer) -> None:
    rule = {"type": "alias", "string_to_replace": "Abc", "alias": "old", "case_sensitive": False, "word_boundaries": False}
    id_ = ask(own, "POST", "/add-from-rules", name="Page", rules=[rule])["id"]
    ask(own, "PATCH", f"/{id_}", default=True)
    page.page.reload()
    page.ready().page.get_by_role("button", name="Change “Abc”").click()
    page["#word-how"].fill("new")
    page["#word-add"].click()
    expect(row(page, "Abc")).to_contain_text("new")
    (changed,) = rules(own)
    assert (changed["alias"], changed["case_sensitive"], changed["word_boundaries"]) == ("new", False, False)


def test_a_word_that_is_removed_is_said_as_before_and_the_focus_goes_on(page: Studio, own: RunningServer) -> None:
    for word in ("one", "two", "three"):
        add(page, word, f"{word} {word}")
    page.page.get_by_role("button", name="Remove “two”").click()
    expect(page["#words > li"]).to_have_count(2)
    expect(page["#words-status"]).to_have_text("“two” has its usual pronunciation again.")
    expect(page.page.get_by_role("button", name="Remove “three”")).to_be_focused()
    page.page.keyboard.press("Enter")
    expect(page.page.get_by_role("button", name="Remove “one”")).to_be_focused()
    page.page.keyboard.press("Enter")
    expect(page["#words-empty"]).to_be_visible()
    expect(page["#word"]).to_be_focused()
    assert read_words(own, "one two") == "one two"


@pytest.mark.parametrize(
    ("word", "how", "words", "focused"),
    [("", "win", "Enter the word first.", "#word"), ("Nguyen", " ", "Enter how the word sounds.", "#word-how")],
)
def test_what_is_missing_is_told_before_the_server_is_asked(
    page: Studio, own: RunningServer, word: str, how: str, words: str, focused: str
) -> None:
    page["#word"].fill(word)
    page["#word-how"].fill(how)
    page["#word-add"].click()
    expect(page.problem("pronunciation")).to_have_text(words)
    expect(page[focused]).to_be_focused()
    page[focused].press("a")
    expect(page.problem("pronunciation")).to_be_hidden()
    assert listed(own) == []


def test_what_the_server_refuses_is_told_and_nothing_is_lost(page: Studio, own: RunningServer) -> None:
    page.watch.expect("status of 400")
    add(page, "Nguyen", "/wɪn/")
    page.page.get_by_role("button", name="Change “Nguyen”").click()
    page["#word-how"].fill("/123/")
    page["#word-add"].click()
    expect(page.problem("pronunciation")).not_to_be_empty()
    expect(page["#word-how"]).to_have_value("/123/")
    assert [rule["phoneme"] for rule in rules(own)] == ["wɪn"]


def test_enter_in_the_fields_adds_the_word_and_speaks_nothing(page: Studio) -> None:
    asked = spoken_by(page)
    page["#text"].fill(SHORT)
    page["#word"].fill("Nguyen")
    page.page.keyboard.press("Tab")
    page.page.keyboard.type("win")
    page.page.keyboard.press("Enter")
    expect(row(page, "Nguyen")).to_contain_text("win")
    assert asked == []


def test_the_open_panel_is_read_again_with_a_new_word(page: Studio) -> None:
    page["#text"].fill("Call Nguyen today.")
    page["#reading-button"].click()
    expect(page["#reading-summary"]).to_have_text("Read as English. Nothing is changed.")
    add(page, "Nguyen", "win")
    expect(page["#reading-words"]).to_have_text("Call win today.")
    expect(page["#reading-words mark"]).to_have_attribute("title", "Pronunciation list: Nguyen → win")


@pytest.mark.parametrize(
    ("name", "content", "word", "how"), [("words.csv", CSV, "SQL", "sequel"), ("english.pls", PLS, "Worcester", "/ˈwʊstɚ/")]
)
def test_a_file_is_imported_as_a_list_in_use(page: Studio, own: RunningServer, name: str, content: str, word: str, how: str) -> None:
    add(page, "Nguyen", "win")
    give_file(page, name, content)
    stem = name.partition(".")[0]
    expect(page["#words-status"]).to_have_text(f"The list “{stem}” is imported and in use.")
    expect(row(page, word)).to_contain_text(how)
    expect(page["#list"].locator("option:checked")).to_have_text(
        f"{stem} ({content.count(word)})" if name == "english.pls" else f"{stem} (2)"
    )
    expect(page["#list-default"]).to_be_checked()
    assert {one["name"]: one["default"] for one in listed(own)} == {"Page": True, stem: True}
    page["#list"].select_option(label="My words")
    expect(row(page, "Nguyen")).to_contain_text("win")
    expect(page["#words > li"]).to_have_count(1)


def test_a_file_that_is_no_list_is_told_in_words(page: Studio, own: RunningServer) -> None:
    page.watch.expect("status of 400")
    give_file(page, "broken.pls", "<?xml version='1.0'?><lexicon>")
    expect(page.problem("pronunciation")).not_to_be_empty()
    assert listed(own) == []


@pytest.mark.parametrize("format_", ["csv", "pls"])
def test_an_exported_list_can_be_imported_again(page: Studio, own: RunningServer, format_: str) -> None:
    add(page, "Nguyen", "/wɪn/")
    add(page, "SQL", "sequel")
    with page.page.expect_download() as started:
        page[f"#words-{format_}"].click()
    assert started.value.suggested_filename == f"Page.{format_}"
    content = Path(started.value.path()).read_text(encoding="utf-8-sig")
    give_file(page, f"again.{format_}", content)
    expect(page["#list"].locator("option:checked")).to_have_text("again (2)")
    assert {rule["string_to_replace"]: rule["type"] for rule in rules(own, "again")} == {"Nguyen": "phoneme", "SQL": "alias"}


def test_another_list_can_be_switched_off_changed_and_removed(open_studio: Callable[..., Studio], own: RunningServer) -> None:
    made(own, "Medicine", ("mg", "milligrams"), ("bpm", "beats a minute"))
    page = open_studio(own.url).ready()
    expect(page["#words-empty"]).to_be_visible()
    page["#list"].select_option(label="Medicine (2)")
    expect(page["#words > li"]).to_have_count(2)
    with page.page.expect_response(lambda reply: reply.request.method == "PATCH"):
        page["#list-default"].uncheck()
    expect(page["#list-default"]).not_to_be_checked()
    assert [one["default"] for one in listed(own)] == [False]
    add(page, "ml", "milliliters")
    assert len(rules(own, "Medicine")) == 3
    page["#list-remove"].click()
    expect(page["#list-remove"]).to_have_text("Remove it? Undo is not possible.")
    assert len(listed(own)) == 1
    page["#list-remove"].click()
    expect(page["#words-status"]).to_have_text("The list “Medicine” is removed.")
    expect(page["#list-field"]).to_be_hidden()
    expect(page["#words-empty"]).to_be_visible()
    assert listed(own) == []


def test_a_long_list_is_shown_in_part_until_all_is_wanted(open_studio: Callable[..., Studio], own: RunningServer) -> None:
    made(own, "Page", *((f"word{number}", f"said {number}") for number in range(300)))
    page = open_studio(own.url).ready()
    expect(page["#words > li"]).to_have_count(50)
    page.page.get_by_role("button", name="Show all 300 words").click()
    expect(page["#words > li"]).to_have_count(300)
    expect(page["#words > li"].nth(50).get_by_role("button").first).to_be_focused()
    expect(page["#words-more"]).to_be_hidden()


def test_many_lists_are_all_there(open_studio: Callable[..., Studio], own: RunningServer) -> None:
    for number in range(103):
        made(own, f"List {number}", ("word", "said"), default=False)
    page = open_studio(own.url).ready()
    expect(page["#list option"]).to_have_count(104)


def test_a_list_that_another_page_has_removed_is_told_and_left(page: Studio, own: RunningServer) -> None:
    page.watch.expect("status of 404")
    add(page, "Nguyen", "win")
    ask(own, "DELETE", f"/{listed(own)[0]['id']}")
    page["#word"].fill("SQL")
    page["#word-how"].fill("sequel")
    page["#word-add"].click()
    expect(page.problem("pronunciation")).not_to_be_empty()
    expect(page["#words > li"]).to_have_count(0)
    page["#word-add"].click()
    expect(row(page, "SQL")).to_contain_text("sequel")


def test_where_words_cannot_change_they_are_shown_and_said_and_it_is_explained(
    open_studio: Callable[..., Studio], start_server: Callable[..., RunningServer], own: RunningServer, tmp_path: Path
) -> None:
    made(own, "Page", ("Nguyen", "win"))
    running = start_server(host="0.0.0.0", pronunciation_path=tmp_path / "dictionaries")
    page = open_studio(f"http://127.0.0.1:{running.port}").ready()
    expect(row(page, "Nguyen")).to_contain_text("win")
    expect(page["#words-closed"]).to_be_visible()
    for hidden in ("#words-editor", "#words-import"):
        expect(page[hidden]).to_be_hidden()
    expect(page["#words button"]).to_have_count(1)
    with page.page.expect_response("**/v1/audio/speech") as answered:
        page.page.get_by_role("button", name="Say “Nguyen”").click()
    assert answered.value.status == 200


def test_a_key_without_the_role_changes_no_words_and_the_page_says_so(
    open_studio: Callable[..., Studio], start_server: Callable[..., RunningServer], own: RunningServer, tmp_path: Path
) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    speech, voices = keys.add("reader", [Role.SPEECH]), keys.add("editor", [Role.SPEECH, Role.VOICES])
    running = start_server(api_keys_file=keys.path, pronunciation_path=tmp_path / "dictionaries")
    page = open_studio(running.url)
    page.watch.expect("status of 401")
    page.watch.expect("status of 403")
    page["#key"].fill(speech)
    page["#key"].press("Enter")
    page.ready()["#word"].fill("Nguyen")
    page["#word-how"].fill("win")
    page["#word-add"].click()
    expect(page.problem("pronunciation")).to_contain_text("a key with the role 'voices'")
    made(own, "Page", ("Nguyen", "win"))
    page.page.reload()
    expect(row(page.ready(), "Nguyen")).to_contain_text("win")
    expect(page["#words-editor"]).to_be_hidden()
    expect(page["#words-closed"]).to_be_visible()
    page.page.evaluate("key => localStorage.setItem('parlance.key', JSON.stringify(key))", voices)
    page.page.reload()
    add(page.ready(), "SQL", "sequel")


@pytest.mark.parametrize(("locale", "words"), [("en-US", "How to say it"), ("zh-CN", "读作")])
def test_a_phone_shows_the_list_without_scrolling_sideways_and_with_names_for_everything(
    open_studio: Callable[..., Studio], own: RunningServer, locale: str, words: str
) -> None:
    made(own, "Page", ("Nguyen", "win"), ("Pneumonoultramicroscopicsilicovolcanoconiosis", "a very long word " * 12))
    made(own, "A list of somebody else with a long name, and more words after it", ("mg", "milligrams"))
    page = open_studio(own.url, locale=locale, **PHONE).ready()
    expect(page["#words > li"]).to_have_count(2)
    page["#words > li"].first.get_by_role("button").nth(1).click()
    expect(page.page.get_by_label(words)).to_have_value("win")
    outside = page.page.evaluate(
        """() => [...document.querySelectorAll("#pronunciation *")]
          .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.right > 361 || box.left < -1)).map(([start]) => start)"""
    )
    assert outside == []
    nameless_or_small = page.page.evaluate(
        """() => [...document.querySelectorAll("#pronunciation button, #pronunciation select, #pronunciation input")]
          .map((node) => [node, node.getBoundingClientRect()]).filter(([, box]) => box.width > 1)
          .filter(([node, box]) => !(node.getAttribute("aria-label") || node.labels?.length || node.textContent.trim())
            || (node.type !== "checkbox" && (box.height < 32 || box.width < 32)))
          .map(([node]) => node.outerHTML)"""
    )
    assert nameless_or_small == []


def test_switching_the_language_changes_the_words_of_the_list(page: Studio) -> None:
    add(page, "Nguyen", "win")
    page.page.get_by_role("button", name="中文").click()
    expect(page["#words-status"]).to_have_text("“Nguyen”现在读作 win。")
    expect(page.page.get_by_role("button", name="朗读“Nguyen”")).to_be_visible()
    expect(page["#word-add"]).to_have_text("添加")


def test_markup_in_words_and_names_is_text(open_studio: Callable[..., Studio], own: RunningServer) -> None:
    attack = "<img src=x onerror=window.hacked=1 data-xss>"
    made(own, "Page", (attack, attack))
    made(own, attack, ("word", "said"))
    page = open_studio(own.url).ready()
    expect(page["#words > li"]).to_contain_text(f"{attack} → ")
    expect(page["#list option"].last).to_contain_text(attack)
    page["#words > li"].get_by_role("button").nth(1).click()
    expect(page["#word"]).to_have_value(attack)
    page["#words > li"].get_by_role("button").nth(2).click()
    expect(page["#words-status"]).to_contain_text(attack)
    expect(page["[data-xss]"]).to_have_count(0)
    assert page.page.evaluate("window.hacked") is None
