"""Whatever a name, a text, a file or a message holds: the page shows it as text, and no script of it runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Route, expect
from studio import Studio

pytestmark = pytest.mark.browser

MARKUP = (
    "\"'><img src=x onerror=window.hacked=1 data-xss><svg onload=window.hacked=1 data-xss></svg><script data-xss>window.hacked=1</script>"
    "<a data-xss href=javascript:window.hacked=1>x</a></option></select></textarea></script><!--<script>{{7*7}}${window.hacked=1}&lt;b&gt;"
)
FILE_MARKUP = "'><img src=x onerror=window.hacked=1 data-xss><!--<script>{{7*7}}&lt;"
"""Without what no name of a file can hold."""


def assert_harmless(studio: Studio) -> None:
    assert studio.page.evaluate("window.hacked") is None
    expect(studio["[data-xss]"]).to_have_count(0)
    assert (
        studio.page.evaluate("[...document.querySelectorAll('*')].flatMap((n) => n.getAttributeNames()).filter((n) => n.startsWith('on'))")
        == []
    )
    assert studio.page.evaluate("document.querySelectorAll('script:not([src]):not([type=\"application/json\"])').length") == 0


@pytest.fixture
def hostile_server(start_server: Callable[..., Any], tmp_path: Path, clip: bytes) -> Any:
    """Markup in everything that the owner of a server, or who may make voices, can name."""
    (tmp_path / "reader.flac").write_bytes(clip)
    if os.name != "nt":
        (tmp_path / f"{FILE_MARKUP}.flac").write_bytes(clip)
    (tmp_path / "voices.json").write_text(json.dumps({"reader": {"description": MARKUP}}))
    return start_server(
        voice_library_path=tmp_path,
        default_voice_name="reader",
        model_id_map={MARKUP: "embedded", "tts-1": "embedded"},
        served_model_name=MARKUP,
    )


def test_markup_in_voices_and_models_is_text(open_studio: Callable[..., Studio], hostile_server: Any) -> None:
    studio = open_studio(url=hostile_server.url).ready()
    studio["#voice"].select_option("reader")
    expect(studio["#voice-words"]).to_have_text(MARKUP)
    assert_harmless(studio)
    studio.generate()
    assert_harmless(studio)


def test_markup_in_a_text_is_text_in_the_result_and_the_history(studio: Studio) -> None:
    studio.generate(f"Hello there. {MARKUP}")
    expect(studio["#history > li"].first).to_contain_text("<img src=x")
    assert_harmless(studio)
    studio.page.reload()
    studio.ready()
    expect(studio["#history > li"].first).to_contain_text("<img src=x")  # from the browser's own store
    assert_harmless(studio)


def test_markup_in_the_name_of_a_clip_is_text(studio: Studio, clip: bytes) -> None:
    studio.ready()["#clip-file"].set_input_files({"name": f"{MARKUP}.flac", "mimeType": "audio/flac", "buffer": clip})
    expect(studio["#clip-name"]).to_contain_text("<img src=x")
    expect(studio["#clip-check > li"]).not_to_have_count(0)
    assert_harmless(studio)


def test_markup_in_a_message_of_the_server_is_text(studio: Studio) -> None:
    studio.watch.expect("status of 400")
    params = iter(["input", "voice", "custom_voice_file", MARKUP, None])

    def answer(route: Route) -> None:
        error = {"message": MARKUP, "type": MARKUP, "param": next(params), "code": MARKUP}
        route.fulfill(status=400, json={"error": error, "detail": MARKUP})

    studio.ready().page.route("**/v1/audio/speech", answer)
    for _ in range(5):
        studio.start("Hello.")
        expect(studio["[data-error-for]:visible"].first).to_contain_text("<img src=x")
        assert_harmless(studio)


KEPT = frozenset({"id", "object", "state", "origin", "kind", "default", "default_voice", "status", "languages"})
"""What the page needs as it is, to show the rest; codes of languages are named by the browser, which refuses others."""


def with_markup(value: Any, name: str = "") -> Any:
    """The same answer with markup behind every text in it."""
    if isinstance(value, dict):
        return {key: with_markup(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_markup(inner, name) for inner in value]
    if name in ("available", "installed"):
        return True  # so that every model can be chosen
    return value + MARKUP if isinstance(value, str) and name not in KEPT else value


def test_markup_in_every_field_of_every_answer_is_text(studio: Studio) -> None:
    """Also in those that no setting and no file can fill: the page does not rely on what the server lets through."""

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=with_markup(response.json()))

    for path in ("health", "v1/models", "v1/voices"):
        studio.page.route(f"**/{path}", answer)
    studio.visit().ready()
    for language in ("zh", "en"):
        studio[f'[data-language="{language}"]'].click()
        for selector in ("#model", "#voice"):
            for index in range(studio[f"{selector} option"].count()):
                studio[selector].select_option(index=index)
        expect(studio["#voice-words"]).to_contain_text("<img src=x")
        assert_harmless(studio)


def test_markup_in_an_address_is_no_page(open_studio: Callable[..., Studio], hostile_server: Any) -> None:
    studio = open_studio(url=hostile_server.url).ready()
    studio.watch.expect("status of 404")
    for path in (
        f"/{quote(MARKUP, safe='')}",
        f"/v1/voices/{quote(MARKUP, safe='')}",
        f"/v1/models/{quote(MARKUP, safe='')}",
        "/v1/voices",
    ):
        studio.page.goto(hostile_server.url + path)
        assert studio.page.evaluate("document.contentType") == "application/json"
        assert studio.page.evaluate("window.hacked") is None
        expect(studio["[data-xss]"]).to_have_count(0)


def test_markup_in_an_address_does_not_reach_the_page(studio: Studio) -> None:
    studio.page.goto(f"{studio.url}/?q={quote(MARKUP)}#{quote(MARKUP)}")
    studio.ready()
    assert_harmless(studio)


def test_the_documentation_shows_markup_as_text(open_studio: Callable[..., Studio], hostile_server: Any) -> None:
    studio = open_studio(url=hostile_server.url).ready()
    studio.page.goto(f"{hostile_server.url}/docs?url={quote('data:application/json,{}')}&configUrl=https://evil.example#{quote(MARKUP)}")
    expect(studio[".opblock"].first).to_be_visible()
    assert studio.page.evaluate("window.hacked") is None
    expect(studio["[data-xss]"]).to_have_count(0)


def test_an_inline_script_would_not_run(studio: Studio) -> None:
    """If markup ever came through, the page's policy stops it."""
    studio.watch.expect("Content Security Policy")
    studio.watch.expect("status of 404")
    studio.ready().page.evaluate(
        """(markup) => {
          document.body.insertAdjacentHTML("beforeend", markup);
          const script = document.createElement("script");
          script.textContent = "window.hacked = 1";
          document.body.append(script);
          document.body.setAttribute("onclick", "window.hacked = 1");
          document.body.click();
        }""",
        MARKUP,
    )
    studio.page.wait_for_load_state("networkidle")
    assert studio.page.evaluate("window.hacked") is None


def test_no_other_site_can_show_the_page_in_a_frame_or_use_the_server(open_studio: Callable[..., Studio], server: Any) -> None:
    """A page of another site in the same browser: it frames, embeds, posts a form, fetches and opens a WebSocket."""
    studio = open_studio().ready()
    studio.watch.expect("")  # this page is meant to fail
    studio.page.route(
        "http://parlance.local:1/", lambda route: route.fulfill(content_type="text/html", body="<!doctype html><body></body>")
    )
    studio.page.goto("http://parlance.local:1/")
    voices = requests.get(f"{server.url}/v1/voices", timeout=60).json()
    told = studio.page.evaluate(
        """async (url) => {
          const settle = (promise) => promise.then((reply) => reply?.type ?? "done", () => "failed");
          const frame = document.createElement("iframe");
          const framed = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
          frame.src = url;
          document.body.append(frame);
          await framed;
          const sound = new Audio(`${url}/tts-stream?text=Yes.`);
          const heard = new Promise((resolve) => {
            sound.addEventListener("canplay", () => resolve("played"), { once: true });
            sound.addEventListener("error", () => resolve("failed"), { once: true });
          });
          const json = { method: "POST", body: JSON.stringify({ input: "Yes." }) };
          return {
            framed: frame.contentDocument === null ? "hidden" : "readable",
            read: await settle(fetch(`${url}/v1/voices`)),
            speak: await settle(fetch(`${url}/v1/audio/speech`, json)),
            json: await settle(fetch(`${url}/v1/audio/speech`, { ...json, headers: { "Content-Type": "application/json" } })),
            remove: await settle(fetch(`${url}/v1/voices/reader`, { method: "DELETE" })),
            heard: await heard,
            socket: await new Promise((resolve) => {
              const socket = new WebSocket(`${url.replace("http", "ws")}/v1/realtime`);
              socket.addEventListener("open", () => resolve("open"), { once: true });
              socket.addEventListener("error", () => resolve("failed"), { once: true });
            }),
          };
        }""",
        server.url,
    )
    assert told == {
        "framed": "hidden",
        "read": "failed",
        "speak": "failed",
        "json": "failed",
        "remove": "failed",
        "heard": "failed",
        "socket": "failed",
    }
    # What a page may send without asking first does arrive; nothing is spoken for it, and nothing changes.
    spoken = server.synthesizer.metrics.snapshot()
    studio.page.evaluate(
        """async (url) => {
          const simple = { method: "POST", mode: "no-cors", body: new URLSearchParams({ input: "Yes." }) };
          await Promise.allSettled([fetch(`${url}/v1/audio/speech`, simple), fetch(`${url}/admin/reload-voices`, simple)]);
        }""",
        server.url,
    )
    after = server.synthesizer.metrics.snapshot()
    assert (after["total_completed"], after["total_errors"]) == (spoken["total_completed"], spoken["total_errors"])
    assert requests.get(f"{server.url}/v1/voices", timeout=60).json() == voices
