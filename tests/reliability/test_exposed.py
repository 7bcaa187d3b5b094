"""A server that others may reach although it listens on this machine only: through a proxy, by a shared name, or by CORS for any page."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from engines.models_at_hand import PATIENCE, SmallSource, SpeakingEngine
from support.server import RunningServer, run_server
from websockets.sync.client import connect

from tts_server.config import PROJECT
from tts_server.engines.model_source import ModelState
from tts_server.keys import KeyFile, Role
from tts_server.serve_command import warn_of_exposure
from tts_server.settings import load_settings

TURBO = "chatterbox-turbo"
CHANGES = (
    ("POST", "/v1/voices"),
    ("PATCH", "/v1/voices/alloy"),
    ("DELETE", "/v1/voices/alloy"),
    ("POST", "/admin/reload-voices"),
    ("GET", "/admin/models"),
    ("POST", f"/admin/models/{TURBO}/load"),
    ("POST", "/v1/pronunciation-dictionaries/add-from-rules"),
)
EXPOSING = {
    "TRUSTED_PROXY": {"trusted_proxy": "127.0.0.1"},
    "ALLOWED_HOSTS": {"allowed_hosts": ("tts.example.com",)},
    "ALLOWED_HOSTS=*": {"allowed_hosts": ("*",)},
    "CORS_ORIGINS": {"cors_origins": ("*",)},
    "ENABLE_CORS": {"enable_cors": True},
    "ALLOW_LOCAL_NAMES": {"allow_local_names": True},
    "HOST": {"host": "0.0.0.0"},  # noqa: S104
}


def ask(server: RunningServer, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **options)


def code_of(reply: requests.Response) -> str | None:
    return None if reply.ok else reply.json()["error"]["code"]


@pytest.mark.parametrize("settings", EXPOSING.values(), ids=EXPOSING)
def test_without_a_key_nothing_is_changed_on_a_server_that_others_may_reach(settings: dict[str, Any]) -> None:
    with run_server(**settings) as server:
        for method, path in CHANGES:
            assert code_of(ask(server, method, path)) == "admin_off", (method, path)
        assert ask(server, "POST", "/v1/audio/speech", json={"input": "Yes."}).status_code == 200


@pytest.mark.parametrize(
    "settings",
    [{}, {"allowed_hosts": ("localhost", "127.0.0.1", "a.localhost")}, {"cors_origins": ("https://app.example",)}, {"host": "::1"}],
    ids=str,
)
def test_without_a_key_this_machine_changes_its_own_server(settings: dict[str, Any]) -> None:
    with run_server(**settings) as server:
        assert ask(server, "POST", "/admin/reload-voices").status_code == 200


@pytest.mark.parametrize("settings", EXPOSING.values(), ids=EXPOSING)
def test_a_key_opens_changes_again(settings: dict[str, Any]) -> None:
    with run_server(api_keys=("k",), **settings) as server:
        assert ask(server, "POST", "/admin/reload-voices", headers={"x-api-key": "k"}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host"])
def test_a_request_that_a_proxy_passes_on_changes_nothing_without_a_key(server: RunningServer, header: str) -> None:
    for method, path in CHANGES:
        assert code_of(ask(server, method, path, headers={header: "203.0.113.7"})) == "admin_off", (method, path)
    assert ask(server, "POST", "/v1/audio/speech", json={"input": "Yes."}, headers={header: "203.0.113.7"}).status_code == 200


@pytest.mark.parametrize(("name", "settings"), EXPOSING.items(), ids=EXPOSING)
def test_the_start_warns_of_the_setting_that_lets_others_in_without_a_key(name: str, settings: dict[str, Any], caplog: Any) -> None:
    read = load_settings(**settings)
    assert read.exposed_by == name.partition("=")[0]
    warn_of_exposure(read, read.exposed_by or "")
    assert "WITHOUT A KEY" in caplog.text
    assert f"{read.exposed_by}=" in caplog.text
    assert "API_KEYS" in caplog.text


def test_a_real_start_warns(tmp_path: Any) -> None:
    variables = {"OPEN_BROWSER": "false", "API_KEYS_FILE": str(tmp_path / "none"), "TRUSTED_PROXY": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tts_server", "serve", "--port", "0"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **variables},
    )
    try:
        assert process.stderr is not None
        assert "REACHABLE WITHOUT A KEY, by TRUSTED_PROXY=127.0.0.1" in process.stderr.readline().decode()
    finally:
        process.kill()
        process.communicate()


# Models


@pytest.fixture
def turbo() -> Iterator[SmallSource]:
    source = SmallSource("Chatterbox Turbo", is_here=False, make=SpeakingEngine)
    yield source
    source.downloads.set()
    source.creates.set()


@pytest.fixture
def with_turbo(start_server: Callable[..., RunningServer], turbo: SmallSource) -> Callable[..., RunningServer]:
    return lambda **settings: start_server(sources={TURBO: turbo}, **settings)


def speak(server: RunningServer, key: str = "", **fields: Any) -> requests.Response:
    body = {"input": "Yes.", "model": TURBO, "response_format": "wav", **fields}
    return ask(server, "POST", "/v1/audio/speech", json=body, headers={"x-api-key": key} if key else {})


def preview(server: RunningServer, key: str = "") -> requests.Response:
    return ask(server, "GET", f"/v1/voices/alloy/preview?model={TURBO}", headers={"x-api-key": key} if key else {})


def state(server: RunningServer) -> ModelState:
    return server.synthesizer.catalog.status(TURBO).state


@pytest.fixture
def keys(tmp_path: Any) -> tuple[KeyFile, dict[str, str]]:
    file = KeyFile(tmp_path / "keys.json")
    return file, {role.value: file.add(role.value, [role]) for role in Role}


def test_only_who_may_manage_models_has_one_downloaded(with_turbo: Callable[..., RunningServer], keys: Any) -> None:
    file, texts = keys
    server = with_turbo(api_keys_file=file.path)
    for role in ("speech", "voices"):
        reply = speak(server, texts[role])
        assert (reply.status_code, code_of(reply)) == ((503, "model_not_loaded") if role == "speech" else (403, "wrong_role"))
    reply = speak(server, texts["speech"])
    assert "MODEL_LOADING" in reply.json()["error"]["message"]
    assert reply.headers["x-should-retry"] == "false"
    assert state(server) is ModelState.ABSENT
    assert code_of(speak(server, texts["admin"])) == "model_loading"
    assert server.synthesizer.catalog.models.wait(TURBO, PATIENCE).state is ModelState.READY
    assert speak(server, texts["speech"]).headers["X-Model"] == TURBO


@pytest.mark.parametrize("settings", EXPOSING.values(), ids=EXPOSING)
def test_strangers_have_no_model_downloaded(with_turbo: Callable[..., RunningServer], settings: dict[str, Any]) -> None:
    server = with_turbo(**settings, model_id_map={"kokoro": TURBO})
    for reply in (speak(server), speak(server, model="kokoro"), preview(server)):
        assert (reply.status_code, code_of(reply)) == (503, "model_not_loaded")
    assert state(server) is ModelState.ABSENT
    assert speak(server, model="tts-1").headers["X-Model"] == "embedded"


def test_a_websocket_has_a_model_downloaded_only_for_who_may_manage_models(with_turbo: Callable[..., RunningServer], keys: Any) -> None:
    file, texts = keys
    server = with_turbo(api_keys_file=file.path)
    codes = {}
    for role in ("speech", "admin"):
        with connect(f"ws://127.0.0.1:{server.port}/v1/realtime", additional_headers={"x-api-key": texts[role]}) as socket:
            socket.send(json.dumps({"input": "Yes.", "model": TURBO}))
            codes[role] = json.loads(socket.recv(timeout=30))["error"]["code"]
    assert codes == {"speech": "model_not_loaded", "admin": "model_loading"}


def test_a_get_has_no_model_downloaded(with_turbo: Callable[..., RunningServer]) -> None:
    server = with_turbo(api_keys=("k",))
    assert code_of(preview(server, "k")) == "model_not_loaded"
    assert state(server) is ModelState.ABSENT


def test_a_model_that_was_unloaded_is_not_loaded_again_for_strangers(with_turbo: Callable[..., RunningServer], turbo: SmallSource) -> None:
    server = with_turbo(host="0.0.0.0")  # noqa: S104
    models = server.synthesizer.catalog.models
    models.load(TURBO)
    assert models.wait(TURBO, PATIENCE).state is ModelState.READY
    assert speak(server).status_code == 200
    models.unload(TURBO)
    assert code_of(speak(server)) == "model_not_loaded"
    assert state(server) is ModelState.UNLOADED


def test_a_setting_lets_everybody_load_models(with_turbo: Callable[..., RunningServer]) -> None:
    server = with_turbo(host="0.0.0.0", model_loading="anyone")  # noqa: S104
    assert code_of(speak(server)) == "model_loading"
    assert server.synthesizer.catalog.models.wait(TURBO, PATIENCE).state is ModelState.READY


def test_models_that_the_settings_name_load_for_everybody(with_turbo: Callable[..., RunningServer]) -> None:
    for settings in ({"default_model": TURBO}, {"preload_models": (TURBO,)}):
        server = with_turbo(host="0.0.0.0", **settings)  # noqa: S104
        assert speak(server).status_code in (200, 503)
        assert server.synthesizer.catalog.models.wait(TURBO, PATIENCE).state is ModelState.READY
        assert speak(server).headers["X-Model"] == TURBO


# Names


LOCAL_NAMES = ("evil", "evil.local", "evil.lan", "evil.internal", "evil.home.arpa", "evil.home", "EVIL.Local.", "a.b.local")


def test_names_that_a_network_can_point_elsewhere_reach_nothing(server: RunningServer) -> None:
    for name in LOCAL_NAMES:
        for method, path in (("GET", "/"), ("POST", "/v1/audio/speech"), ("GET", "/v1/voices"), ("DELETE", "/v1/voices/alloy")):
            origin = {"Origin": f"http://{name}:5093"}
            reply = ask(server, method, path, headers={"Host": f"{name}:5093", **origin})
            assert (reply.status_code, code_of(reply)) == (403, "forbidden_host"), (name, path)
    assert "ALLOW_LOCAL_NAMES=true" in reply.json()["error"]["message"]
    assert "ALLOWED_HOSTS=a.b.local" in reply.json()["error"]["message"]


def test_a_setting_allows_the_names_of_the_network() -> None:
    with run_server(allow_local_names=True) as server:
        for name in LOCAL_NAMES:
            assert ask(server, "GET", "/v1/voices", headers={"Host": name}).status_code == 200, name
        assert ask(server, "GET", "/v1/voices", headers={"Host": "evil.example"}).status_code == 403


def test_this_machines_own_names_are_answered_to(server: RunningServer) -> None:
    own = socket.gethostname()
    bare = own.partition(".")[0]
    for name in (own, bare, f"{bare}.local", f"{bare}.lan", "host.docker.internal", "app.localhost", "localhost", "127.0.0.1", "[::1]"):
        assert ask(server, "GET", "/v1/voices", headers={"Host": f"{name}:5093"}).status_code == 200, name
