"""The page of a server with keys: it asks, it remembers, and it says what a key does not open."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect
from studio import SHORT, Studio

from tts_server.keys import KeyFile, Role

pytestmark = pytest.mark.browser


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def locked(open_studio: Callable[..., Studio], start_server: Callable[..., Any], key_file: KeyFile, tmp_path: Path) -> Studio:
    """The page of a server whose keys are in a file."""
    key_file.add("first", [Role.ADMIN])
    studio = open_studio(url=start_server(api_keys_file=key_file.path, voice_library_path=tmp_path).url)
    studio.watch.expect("status of 401")
    return studio


def give(studio: Studio, key: str) -> None:
    expect(studio["#key-dialog"]).to_be_visible()
    studio["#key"].fill(key)
    studio["#key"].press("Enter")


def test_a_key_of_the_file_opens_the_page_and_is_remembered(locked: Studio, key_file: KeyFile) -> None:
    key = key_file.add("reader", [Role.SPEECH])
    give(locked, key)
    locked.ready().generate()
    locked.page.reload()
    locked.ready()
    expect(locked["#key-dialog"]).to_be_hidden()
    assert locked.page.evaluate("document.cookie") == ""
    assert key not in locked.page.url


def test_a_key_that_was_taken_away_is_asked_for_again(locked: Studio, key_file: KeyFile) -> None:
    give(locked, key_file.add("old", [Role.SPEECH]))
    locked.ready()
    key_file.remove("old")
    locked.start(SHORT)
    expect(locked["#key-error"]).to_have_text("The key is not accepted. Check it and try again.")
    give(locked, key_file.add("new", [Role.SPEECH]))
    expect(locked["#history > li"]).to_have_count(1)


def test_a_refusal_that_comes_after_the_key_was_given_asks_for_no_other(locked: Studio, key_file: KeyFile) -> None:
    key, held = key_file.add("reader", [Role.SPEECH]), []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    expect(locked["#key-dialog"]).to_be_visible()  # all requests of this visit are sent
    locked.page.route("**/v1/voices", hold_the_first)
    with locked.page.expect_request("**/v1/voices"):
        locked.page.reload()
    give(locked, key)
    expect(locked["#key-dialog"]).to_be_hidden()
    with locked.page.expect_response(lambda reply: reply.url.endswith("/v1/voices") and reply.status == 401):
        held[0].continue_()
    locked.ready()
    expect(locked["#key-dialog"]).to_be_hidden()


def test_what_a_key_does_not_open_is_said_with_its_role(locked: Studio, key_file: KeyFile, clip_file: Path) -> None:
    locked.watch.expect("status of 403")
    give(locked, key_file.add("librarian", [Role.VOICES]))
    locked.ready().start(SHORT)
    expect(locked.problem("general")).to_contain_text("a key with the role 'speech'")
    expect(locked["#key-dialog"]).to_be_hidden()


def test_the_key_goes_to_its_own_server_only(locked: Studio, key_file: KeyFile) -> None:
    key = key_file.add("reader", [Role.SPEECH])
    sent: list[tuple[str, bool]] = []
    locked.page.on("request", lambda request: sent.append((request.url, key in str(request.headers))))
    give(locked, key)
    locked.ready().generate()
    assert [url for url, has_key in sent if has_key and not url.startswith(locked.url)] == []
    assert [url for url, has_key in sent if has_key and url.endswith("/v1/audio/speech")] != []


def test_without_a_key_the_page_says_what_it_is_needed_for_and_offers_to_enter_it(locked: Studio, key_file: KeyFile) -> None:
    expect(locked["#key-dialog"]).to_be_visible()
    expect(locked["#key"]).to_be_focused()
    locked["#key-cancel"].click()
    expect(locked["#strip-engine"]).to_have_text("This server requires an API key")
    expect(locked["#voice option:checked"]).to_have_text("Enter the key to see voices")
    expect(locked["#model option:checked"]).to_have_text("Enter the key to see models")
    locked["[data-language=zh]"].click()
    expect(locked["#voice option:checked"]).to_have_text("输入密钥后显示声音")
    locked["#key-enter"].click()
    give(locked, key_file.add("reader", [Role.SPEECH]))
    locked.ready()
    expect(locked["#voice"]).to_have_value("alloy")
    expect(locked["#key-enter"]).to_be_hidden()


@pytest.mark.parametrize("wrong", ["wrong", "密钥", "two words"])
def test_a_wrong_key_is_refused_in_the_dialog_and_not_remembered(locked: Studio, key_file: KeyFile, wrong: str) -> None:
    give(locked, wrong)
    expect(locked["#key-error"]).to_have_text("The key is not accepted. Check it and try again.")
    expect(locked["#key"]).to_have_attribute("aria-invalid", "")
    assert locked.page.evaluate("localStorage.getItem('parlance.key')") is None
    give(locked, "")
    expect(locked["#key-error"]).to_have_text("Enter the key first.")
    give(locked, key_file.add("reader", [Role.SPEECH]))
    locked.ready()


def test_the_key_can_be_changed_and_forgotten(locked: Studio, key_file: KeyFile) -> None:
    first, second = (key_file.add(name, [Role.SPEECH]) for name in ("one", "two"))
    give(locked, first)
    locked.ready()["#key-change"].click()
    with locked.page.expect_request("**/v1/voices") as asked:
        give(locked, second)
    assert asked.value.headers["authorization"] == f"Bearer {second}"
    locked.ready()["#key-change"].click()
    locked["#key-forget"].click()
    expect(locked["#strip"]).to_have_attribute("data-state", "locked")
    expect(locked["#voice option:checked"]).to_have_text("Enter the key to see voices")
    expect(locked["#key-change"]).to_be_hidden()
    assert locked.page.evaluate("localStorage.getItem('parlance.key')") is None


def test_the_time_to_type_the_key_is_no_time_of_generation(
    open_studio: Callable[..., Studio], start_server: Callable[..., Any], key_file: KeyFile
) -> None:
    key = key_file.add("reader", [Role.SPEECH])
    studio = open_studio(url=start_server(api_keys_file=key_file.path, listings_open=True).url)
    studio.watch.expect("status of 401")
    studio["#key-cancel"].click()  # of the dialog with which the page begins
    studio.ready().page.clock.install()
    studio.start(SHORT)
    expect(studio["#key-dialog"]).to_be_visible()
    studio.page.clock.fast_forward(3_600_000)
    give(studio, key)
    studio.page.clock.resume()
    expect(studio["#history > li"]).to_have_count(1)
    numbers = studio["#result-numbers"].text_content() or ""
    assert max(float(number) for number in re.findall(r"\d+(?:\.\d+)?", numbers.replace(",", ""))) < 3000, numbers
