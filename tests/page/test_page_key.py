"""The page of a server with keys: it asks, it remembers, and it says what a key does not open."""

from __future__ import annotations

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
    expect(locked["#key-words"]).to_contain_text("not accepted")
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
