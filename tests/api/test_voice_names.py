"""What a name means: a voice, a file of one, a language, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from support.server import RunningServer, run_server
from websockets.sync.client import connect

from tts_server.languages import VOICE_LANGUAGES, voice_language

CLIP = Path(__file__).parent.parent / "clips" / "male_awb.flac"
UNKNOWN = (
    "my_voice no_such is_anna it_sara af_bella de_thorsten to_delete en_voice en_gb_alan zh_female es-latam de- de_ _de fr_fr_fr pt_br_x "
    "ko_test sv_lisa no_no_no klingon xx cmn yue de1 el_greco vi uk fil"
).split()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with run_server(voice_library_path=tmp_path_factory.mktemp("voices")) as server:
        for name in ("harbor", "news.mp3", "Straße"):
            assert add_voice(server, name).status_code == 201
        yield server


def add_voice(server: RunningServer, name: str) -> requests.Response:
    return requests.post(f"{server.url}/v1/voices", data={"name": name}, files={"file": CLIP.read_bytes()}, timeout=60)


def ask(server: RunningServer, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **options)


Speak = Callable[[RunningServer, str], requests.Response]
ROUTES: dict[str, Speak] = {
    "/v1/audio/speech": lambda server, voice: ask(server, "POST", "/v1/audio/speech", json={"input": "Yes.", "voice": voice}),
    "a stream": lambda server, voice: ask(server, "POST", "/v1/audio/speech/stream", json={"input": "Yes.", "voice": voice}),
    "an object": lambda server, voice: ask(server, "POST", "/v1/audio/speech", json={"input": "Yes.", "voice": {"id": voice}}),
    "/v1/responses": lambda server, voice: ask(
        server, "POST", "/v1/responses", json={"model": "tts-1", "input": "Yes.", "modalities": ["audio"], "audio": {"voice": voice}}
    ),
    "/v1/text/normalize": lambda server, voice: ask(server, "POST", "/v1/text/normalize", json={"input": "Yes.", "voice": voice}),
    "/tts": lambda server, voice: ask(server, "POST", "/tts", json={"text": "Yes.", "predefined_voice_id": voice}),
    "/tts-stream": lambda server, voice: ask(server, "GET", "/tts-stream", params={"text": "Yes.", "predefined_voice_id": voice}),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", UNKNOWN[::4])
def test_a_name_that_is_neither_a_voice_nor_a_language_is_not_spoken_by_another(shared: RunningServer, route: str, name: str) -> None:
    reply = ROUTES[route](shared, name)
    # OpenAI's SDK takes an object for a file of its own, whose absence is a 400.
    assert reply.status_code in ((404,) if route != "an object" else (400,)), reply.text[:200]
    assert reply.json()["error"]["code"] == "voice_not_found"
    assert repr(name) in reply.json()["error"]["message"]


def test_a_deleted_voice_is_not_spoken_by_another(shared: RunningServer) -> None:
    assert add_voice(shared, "de_anna").status_code == 201
    assert ROUTES["/v1/audio/speech"](shared, "de_anna").headers["X-Voice"] == "de_anna"
    assert ask(shared, "DELETE", "/v1/voices/de_anna").ok
    assert ROUTES["/v1/audio/speech"](shared, "de_anna").status_code == 404


@pytest.mark.parametrize("name", sorted(VOICE_LANGUAGES))
def test_a_language_stands_for_the_default_voice(shared: RunningServer, name: str) -> None:
    for spelling in (
        name,
        name.upper(),
        f"{name}-{name if name not in ('el', 'he', 'en', 'da', 'hi', 'ja', 'ko', 'zh', 'ar', 'sw', 'sv', 'ms') else 'us'}",
    ):
        reply = ROUTES["/v1/audio/speech"](shared, spelling)
        assert (reply.status_code, reply.headers.get("X-Voice")) == (200, "alloy"), spelling


@pytest.mark.parametrize(
    ("name", "language"),
    [("pt_BR", "pt"), ("zh-cn", "zh"), ("zh-Hant-TW", "zh"), ("es-419", "es"), ("en_UK", "en"), ("DE-at", "de"), (" fr ", "fr")]
    + [(name, None) for name in UNKNOWN],
)
def test_only_languages_of_the_models_with_a_region_are_languages(name: str, language: str | None) -> None:
    assert voice_language(name) == language


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "WAV", "ogg", "m4a", "opus", "aiff"])
def test_the_name_of_a_file_means_its_voice(shared: RunningServer, route: str, ending: str) -> None:
    for voice in ("harbor", "alloy", "HARBOR", "stra\u00dfe"):
        reply = ROUTES[route](shared, f"{voice}.{ending}")
        assert reply.status_code == 200, reply.text[:200]
        if route != "/v1/text/normalize":
            assert reply.headers["X-Voice"].lower() in (voice.lower(), "stra%c3%9fe")


def test_a_voice_whose_own_name_ends_so_comes_first(shared: RunningServer) -> None:
    assert ROUTES["/v1/audio/speech"](shared, "news.mp3").headers["X-Voice"] == "news.mp3"
    assert ROUTES["/v1/audio/speech"](shared, "news").status_code == 404


@pytest.mark.parametrize("name", ["nobody.wav", ".wav", "wav", "harbor.txt", "harbor.", "harbor.wav.wav.wav", "../harbor.wav"])
def test_other_endings_mean_nothing(shared: RunningServer, name: str) -> None:
    assert ROUTES["/v1/audio/speech"](shared, name).status_code == 404


def test_voices_are_shown_by_the_name_of_their_file_too(shared: RunningServer) -> None:
    assert ask(shared, "GET", "/v1/voices/harbor.wav").json()["id"] == "harbor"
    assert ask(shared, "GET", "/v1/voices/harbor.wav/audio").ok
    assert ask(shared, "GET", "/v1/voices/alloy.mp3/preview").ok


def test_names_mean_the_same_over_a_websocket(shared: RunningServer) -> None:
    with connect(f"ws://127.0.0.1:{shared.port}/v1/realtime?model=tts-1") as socket:
        socket.recv(timeout=30)
        for name, kind in (
            ("harbor.wav", "session.updated"),
            ("zh-cn", "session.updated"),
            ("de_thorsten", "error"),
            ("my_voice", "error"),
        ):
            update = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": name}}}}
            socket.send(json.dumps(update))
            event = json.loads(socket.recv(timeout=30))
            assert event["type"] == kind, (name, event)
            assert kind != "error" or (event["error"]["code"], event["error"]["param"]) == ("voice_not_found", "audio.output.voice")


@pytest.mark.parametrize(
    "language", ["my_voice", "de_thorsten", "is-anna", "klingon", "xx", "en-", "e", "en us", "de_de_anna", "en-" + "us-" * 20]
)
def test_a_language_that_is_none_is_refused_on_every_route(shared: RunningServer, language: str) -> None:
    clip = {"audio_prompt": CLIP.read_bytes()}
    for reply in (
        ask(shared, "POST", "/v1/audio/speech", json={"input": "Yes.", "language": language}),
        ask(shared, "POST", "/v1/text/normalize", json={"input": "Yes.", "language": language}),
        ask(shared, "POST", "/v2/audio/speech_with_prompt", data={"input": "Yes.", "language": language}, files=clip),
        ask(shared, "PATCH", "/v1/voices/harbor", json={"language": language}),
    ):
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "language"), reply.text[:200]
    for path, method in (("/tts", "POST"), ("/tts-stream", "GET")):
        fields = {"text": "Yes.", "language": language}
        reply = ask(shared, method, path, **({"json": fields} if method == "POST" else {"params": fields}))
        assert reply.status_code in (400, 422), reply.text[:200]


@pytest.mark.parametrize(
    "language",
    [
        "de",
        "DE",
        "de-DE",
        "pt_BR",
        "zh-cn",
        "zh-Hant-TW",
        "zh-CHS",
        "zh-yue",
        "yue",
        "es-419",
        "de-1996",
        "ca-valencia",
        "sr-Latn-RS",
        " fr ",
    ],
)
def test_languages_are_accepted_as_clients_write_them(shared: RunningServer, language: str) -> None:
    assert ask(shared, "POST", "/v1/text/normalize", json={"input": "Yes.", "language": language}).status_code == 200
