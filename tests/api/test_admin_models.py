"""Models that are loaded on demand, as clients meet them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from engines.models_at_hand import PATIENCE, SmallSource, SpeakingEngine

from tts_server.engines.base import LanguageNotice
from tts_server.engines.model_source import ModelState

TURBO = "chatterbox-turbo"


def ask(server, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **options)


def speak(server, **fields: Any) -> requests.Response:
    return ask(server, "POST", "/v1/audio/speech", json={"input": "Yes.", "response_format": "wav", **fields})


def state_of(server, model_id: str = TURBO) -> dict[str, Any]:
    models = {model["id"]: model for model in ask(server, "GET", "/admin/models").json()["models"]}
    return models[model_id]


def wait(server, model_id: str = TURBO) -> ModelState:
    return server.synthesizer.catalog.models.wait(model_id, PATIENCE).state


@pytest.fixture
def turbo() -> Iterator[SmallSource]:
    """A Chatterbox Turbo that is not on this machine yet, and comes when it is let."""
    source = SmallSource("Chatterbox Turbo", is_here=False, make=SpeakingEngine)
    yield source
    source.downloads.set()
    source.creates.set()


@pytest.fixture
def server_with_turbo(start_server: Callable[..., Any], turbo: SmallSource) -> Callable[..., Any]:
    return lambda **settings: start_server(sources={TURBO: turbo}, **settings)


def test_a_model_asked_for_by_name_is_fetched_and_answers_when_it_is_ready(server_with_turbo, turbo) -> None:
    turbo.downloads.clear()
    server = server_with_turbo()
    reply = speak(server, model=TURBO)
    assert (reply.status_code, reply.json()["error"]["code"], reply.json()["error"]["param"]) == (503, "model_loading", "model")
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert "x-should-retry" not in reply.headers
    assert turbo.is_half_way.wait(PATIENCE)
    assert "40%" in speak(server, model=TURBO).json()["error"]["message"]
    turbo.downloads.set()
    assert wait(server) is ModelState.READY
    reply = speak(server, model=TURBO)
    assert (reply.status_code, reply.headers["X-Model"]) == (200, TURBO)


def test_a_model_lists_the_languages_for_which_the_server_lacks_something(server_with_turbo, turbo) -> None:
    notice = LanguageNotice("he", "Hebrew is spoken without vowels", "Write them.")
    turbo.capabilities = dataclasses.replace(turbo.capabilities, notices=(notice,))
    server = server_with_turbo()
    told = [{"language": "he", "message": "Hebrew is spoken without vowels. Write them."}]
    assert ask(server, "GET", f"/v1/models/{TURBO}").json()["notices"] == told
    assert ask(server, "GET", "/v1/models/embedded").json()["notices"] == []


def test_while_the_default_model_loads_the_embedded_voice_answers_who_did_not_ask_for_it_by_name(server_with_turbo, turbo) -> None:
    turbo.downloads.clear()
    server = server_with_turbo(default_model=TURBO, model_id_map={"kokoro": TURBO})
    for name in ("tts-1", "chatterbox", "anything", "kokoro", None):
        reply = speak(server, model=name)
        assert (reply.status_code, reply.headers["X-Model"]) == (200, "embedded"), name
    assert speak(server, model="Chatterbox-Turbo").status_code == 503
    turbo.downloads.set()
    assert wait(server) is ModelState.READY
    for name in ("tts-1", "chatterbox", "anything", "kokoro", None):
        assert speak(server, model=name).headers["X-Model"] == TURBO
    assert speak(server, model="embedded").headers["X-Model"] == "embedded"


def test_a_failure_is_told_in_words_and_the_embedded_voice_stands_in(server_with_turbo, turbo) -> None:
    turbo.error = OSError("the disk is full")
    server = server_with_turbo(default_model=TURBO)
    ask(server, "POST", f"/admin/models/{TURBO}/load")
    assert wait(server) is ModelState.FAILED
    reply = speak(server, model=TURBO)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "model_not_available")
    assert "the disk is full" in reply.json()["error"]["message"]
    assert speak(server).headers["X-Model"] == "embedded"
    health = ask(server, "GET", "/health")
    assert (health.status_code, health.json()["model"]) == (200, "embedded")
    assert "the disk is full" in health.json()["engine_error"]


def test_a_model_is_loaded_and_unloaded_by_hand(server_with_turbo, turbo) -> None:
    turbo.downloads.clear()
    server = server_with_turbo()
    assert state_of(server)["state"] == "absent"
    assert state_of(server)["download_bytes"] == 1000
    reply = ask(server, "POST", f"/admin/models/{TURBO}/load")
    assert (reply.status_code, reply.json()["state"]) == (202, "downloading")
    assert turbo.is_half_way.wait(PATIENCE)
    health = ask(server, "GET", "/health").json()["models"]
    assert health[TURBO] == {"state": "downloading", "bytes_done": 400, "bytes_total": 1000}
    assert (health["embedded"], health["chatterbox-nano"]) == ({"state": "ready"}, {"state": "not_installed"})
    turbo.downloads.set()
    wait(server)
    assert (state_of(server)["state"], state_of(server)["memory_bytes"]) == ("ready", 100)
    assert ask(server, "POST", f"/admin/models/{TURBO}/load").status_code == 200
    reply = ask(server, "POST", f"/admin/models/{TURBO}/unload")
    assert (reply.status_code, reply.json()["state"]) == (200, "unloaded")
    assert ask(server, "GET", "/admin/models").json()["memory_bytes"] == 0


def test_a_download_is_given_up_by_hand(server_with_turbo, turbo) -> None:
    turbo.downloads.clear()
    server = server_with_turbo()
    ask(server, "POST", f"/admin/models/{TURBO}/load")
    assert turbo.is_half_way.wait(PATIENCE)
    assert ask(server, "POST", f"/admin/models/{TURBO}/unload").status_code == 202
    turbo.downloads.set()
    assert wait(server) is ModelState.ABSENT


def test_a_model_that_speaks_is_not_unloaded(server_with_turbo, turbo) -> None:
    server = server_with_turbo()
    ask(server, "POST", f"/admin/models/{TURBO}/load")
    wait(server)
    with server.synthesizer.catalog.models.using(TURBO):
        reply = ask(server, "POST", f"/admin/models/{TURBO}/unload")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "model_in_use")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/admin/models/nothing/load", 404, "model_not_found"),
        ("/admin/models/tts-1/unload", 404, "model_not_found"),
        ("/admin/models/chatterbox-nano/load", 503, "model_not_available"),
        ("/admin/models/embedded/unload", 400, "always_loaded"),
    ],
)
def test_what_cannot_be_loaded_or_unloaded_is_told(server, path: str, status: int, code: str) -> None:
    reply = ask(server, "POST", path)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_models_are_listed_with_what_they_will_be_able_to_do(server_with_turbo) -> None:
    model = ask(server_with_turbo(), "GET", f"/v1/models/{TURBO}").json()
    assert (model["available"], model["installed"], model["install_hint"], model["state"]) == (True, True, None, "absent")
    assert model["cloning"] == "cloned"
    assert model["tags"] == ["[laugh]", "[sigh]"]
    assert {control["name"]: control["kind"] for control in model["controls"]} == {
        "temperature": "number",
        "top_k": "whole",
        "norm_loudness": "switch",
    }


def test_models_are_loaded_at_start_where_the_settings_say_so(server_with_turbo, turbo) -> None:
    server = server_with_turbo()
    server.synthesizer.catalog.preload(["embedded", "Chatterbox-Turbo", "chatterbox-nano"])
    assert wait(server) is ModelState.READY


def test_admin_is_off_on_an_address_that_others_reach_without_a_key(server_with_turbo) -> None:
    server = server_with_turbo(host="0.0.0.0")  # noqa: S104
    for method, path in (("GET", "/admin/models"), ("POST", f"/admin/models/{TURBO}/load")):
        reply = ask(server, method, path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "admin_off")
    locked = server_with_turbo(host="0.0.0.0", api_keys=("k",))  # noqa: S104
    assert ask(locked, "GET", "/admin/models").status_code == 401
    assert ask(locked, "GET", "/admin/models", headers={"x-api-key": "k"}).status_code == 200


def test_pages_of_other_sites_load_nothing(server_with_turbo) -> None:
    server = server_with_turbo()
    reply = ask(server, "POST", f"/admin/models/{TURBO}/load", headers={"Origin": "https://evil.example"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "forbidden_origin")
    assert state_of(server)["state"] == "absent"


def test_a_whole_reply_says_how_many_parts_were_made_again(server_with_turbo, turbo, monkeypatch) -> None:
    server = server_with_turbo()
    ask(server, "POST", f"/admin/models/{TURBO}/load")
    wait(server)
    assert "X-Retries" not in speak(server, model=TURBO).headers
    submit = turbo.made[0].submit

    def submit_and_stumble(utterance: Any) -> Any:
        stream = submit(utterance)
        stream.retries = 2
        return stream

    monkeypatch.setattr(turbo.made[0], "submit", submit_and_stumble)
    assert speak(server, model=TURBO).headers["X-Retries"] == "2"
