"""Models, voices and health, as clients list them; errors in one shape everywhere."""

from __future__ import annotations

import shutil

import pytest
import requests

OPENAI_VOICES = set("alloy ash ballad coral echo fable onyx nova sage shimmer verse marin cedar".split())


def get(server, path, **kwargs) -> requests.Response:
    return requests.get(server.url + path, timeout=10, **kwargs)


def test_models_are_listed_as_openai_lists_them(server):
    listing = get(server, "/v1/models").json()
    assert listing["object"] == "list"
    for model in listing["data"]:
        assert (model["object"], type(model["created"]), model["owned_by"]) == ("model", int, "parlance")
        assert get(server, f"/v1/models/{model['id']}").json() == model
    models = {model["id"]: model for model in listing["data"]}
    assert models["embedded"]["available"]
    assert models["embedded"]["cloning"] == "matched"
    assert not models["chatterbox-turbo"]["available"]
    assert "install chatterbox" in models["chatterbox-turbo"]["install_hint"]
    assert models["tts-1"]["alias_of"] == "embedded"


def test_an_unknown_model_is_not_found(server):
    reply = get(server, "/v1/models/nothing")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")


def test_voices_are_listed_in_every_shape(server):
    voices = get(server, "/v1/voices").json()
    assert (voices["object"], voices["default"]) == ("list", "alloy")
    ids = [voice["id"] for voice in voices["data"]]
    assert set(ids) >= OPENAI_VOICES
    assert len(ids) == len(set(ids))
    assert [voice["id"] for voice in get(server, "/v1/audio/voices").json()["voices"]] == ids
    assert get(server, "/v1/audio/voices?legacy=true").json()["voices"] == ids


def test_a_file_in_the_voices_folder_is_a_voice_at_once(start_server, clip, tmp_path):
    running = start_server(voice_library_path=tmp_path)
    (tmp_path / "elite").mkdir()
    (tmp_path / "elite" / "Großmutter Ava.flac").write_bytes(clip)
    voice = next(v for v in get(running, "/v1/voices").json()["data"] if v["origin"] == "library")
    assert (voice["id"], voice["wav_path"]) == ("Großmutter Ava", "voices/elite/Großmutter Ava.flac")
    reply = requests.post(
        f"{running.url}/v1/audio/speech", json={"input": "Yes.", "voice": "grossmutter ava".replace("ss", "ß")}, timeout=60
    )
    assert (reply.status_code, reply.headers["X-Voice"], reply.headers["X-Voice-Cloning"]) == (200, "Gro%C3%9Fmutter Ava", "matched")
    shutil.rmtree(tmp_path / "elite")
    assert requests.post(f"{running.url}/v1/audio/speech", json={"input": "Yes.", "voice": voice["id"]}, timeout=60).status_code == 404


def test_a_damaged_file_in_the_voices_folder_is_refused_in_words(start_server, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF not really")
    running = start_server(voice_library_path=tmp_path)
    reply = requests.post(f"{running.url}/v1/audio/speech", json={"input": "Yes.", "voice": "broken"}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "voice")
    assert "broken" in reply.json()["error"]["message"]


@pytest.mark.parametrize("voice", "../secret ..\\secret %2e%2e/secret /etc/passwd C:\\secret \\\\host\\share NUL a\x00b secret".split())
def test_no_voice_name_leaves_the_folder_and_the_answer_is_always_the_same(start_server, clip, tmp_path, voice):
    (tmp_path / "secret.flac").write_bytes(clip)
    (tmp_path / "voices").mkdir()
    running = start_server(voice_library_path=tmp_path / "voices")
    reply = requests.post(f"{running.url}/v1/audio/speech", json={"input": "Yes.", "voice": voice}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "voice_not_found")


def test_the_samples_that_ship_with_the_project_can_be_spoken_with(server):
    library = [voice for voice in get(server, "/v1/voices").json()["data"] if voice["origin"] == "library"]
    assert len(library) >= 2
    for voice in library:
        reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Yes.", "voice": voice["id"]}, timeout=60)
        assert (reply.status_code, reply.headers["X-Voice-Cloning"]) == (200, "matched")


@pytest.mark.parametrize("path", ["/health", "/healthz"])
def test_health_says_what_runs(server, path):
    health = get(server, path).json()
    assert health["status"] == "healthy"
    assert health["engine_ready"] is True
    assert health["engine_error"] is None
    assert health["default_voice"] == "alloy"
    assert health["voices_loaded"] >= 13
    assert health["routing"]["accepts_requests"] is True
    assert {"in_flight", "total_completed", "total_errors"} <= set(health["metrics"])
    head = requests.head(server.url + path, timeout=10)
    assert (head.status_code, head.content) == (200, b"")


def test_voices_are_listed_also_while_the_default_model_is_not_there(start_server):
    assert len(get(start_server(default_model="chatterbox-turbo"), "/v1/voices").json()["data"]) >= 13


def test_the_default_voice_is_listed_by_the_name_it_has(start_server):
    running = start_server(default_voice_name="NOVA")
    voices = get(running, "/v1/voices").json()
    assert voices["default"] == "nova"


def test_health_is_a_503_while_the_default_model_is_not_there(start_server):
    running = start_server(default_model="chatterbox-turbo")
    health = get(running, "/health")
    assert (health.status_code, health.json()["engine_ready"], health.json()["routing"]["accepts_requests"]) == (503, False, False)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v1/audio/speech", 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/static/none.js", 404),
    ],
)
def test_wrong_addresses_answer_json_in_the_one_shape(server, method, path, status):
    reply = requests.request(method, server.url + path, timeout=10)
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "application/json")
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert reply.headers["x-request-id"]


def test_a_request_id_that_the_client_brings_is_kept(server):
    assert get(server, "/health", headers={"x-request-id": "abc-123"}).headers["x-request-id"] == "abc-123"
    assert get(server, "/health", headers={"x-request-id": "<script>"}).headers["x-request-id"] != "<script>"


def test_a_failure_of_the_engine_is_a_500_without_a_trace(start_server, monkeypatch):
    running = start_server()
    engine = running.synthesizer.catalog.engine("embedded")
    monkeypatch.setattr(engine.hibari, "speak", lambda *_: 1 / 0)
    reply = requests.post(f"{running.url}/v1/audio/speech", json={"input": "Yes."}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "engine_failure")
    assert "ZeroDivision" not in reply.text
    monkeypatch.undo()
    assert requests.post(f"{running.url}/v1/audio/speech", json={"input": "Yes."}, timeout=60).status_code == 200


def test_an_unforeseen_error_is_a_500_without_a_trace(start_server, monkeypatch):
    running = start_server()
    monkeypatch.setattr(running.synthesizer, "synthesize", lambda *_: 1 / 0)
    reply = requests.post(f"{running.url}/v1/audio/speech", json={"input": "Yes."}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "server_error")
    assert "ZeroDivision" not in reply.text
    assert reply.headers["x-request-id"] in reply.json()["error"]["message"]
