"""What the cache has of a model that was unloaded is given without loading the model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.server import RunningServer, run_server

from tests.engines.models_at_hand import SmallSource, SpeakingEngine

TURBO = "chatterbox-turbo"
CLIPS = Path(__file__).parents[1] / "clips"


@pytest.fixture
def turbo() -> SmallSource:
    return SmallSource(make=SpeakingEngine)


@pytest.fixture
def server(turbo: SmallSource, tmp_path: Path) -> Iterator[RunningServer]:
    """A server with a cache whose default model comes and goes, and a voice of its own."""
    voices = tmp_path / "voices"
    voices.mkdir()
    shutil.copy(CLIPS / "female_slt.flac", voices / "anna.flac")
    settings = {"cache_ttl_minutes": 5, "cache_path": tmp_path / "audio", "voice_library_path": voices, "default_model": TURBO}
    with run_server({TURBO: turbo}, **settings) as running:
        running.synthesizer.catalog.ready(TURBO)
        yield running


def speak(server: RunningServer, **fields) -> requests.Response:
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Good evening.", **fields}, timeout=60)
    assert (reply.status_code, reply.headers["X-Model"]) == (200, TURBO), reply.text
    return reply


def unload(server: RunningServer) -> None:
    assert requests.post(f"{server.url}/admin/models/{TURBO}/unload", timeout=60).json()["state"] == "unloaded"


@pytest.mark.parametrize(
    "fields",
    [
        {"model": TURBO, "voice": "onyx", "response_format": "mp3"},
        {"model": "tts-1", "voice": "anna", "response_format": "wav", "temperature": 0.5},
        {"voice": "ANNA", "response_format": "opus", "stream": True, "seed": 3},
        {"stream_format": "sse", "response_format": "pcm"},
    ],
    ids=["a built-in voice", "a voice of the folder", "a stream", "events"],
)
def test_a_hit_does_not_load_the_model(server, turbo, fields):
    first = speak(server, **fields)
    unload(server)
    second = speak(server, **fields)
    assert (first.headers["X-Cache"], second.headers["X-Cache"], second.headers["X-Route"]) == ("MISS", "HIT", "CACHE")
    assert second.content == first.content
    assert {name: second.headers.get(name) for name in ("X-Voice", "X-Seed")} == {
        name: first.headers.get(name) for name in ("X-Voice", "X-Seed")
    }
    assert len(turbo.made) == 1
    assert server.synthesizer.catalog.status(TURBO).state.value == "unloaded"


@pytest.mark.parametrize("change", [{"input": "Something else."}, {"voice": "anna"}, {"cache": False}, {"temperature": 0.2}], ids=str)
def test_what_the_cache_has_not_got_loads_it(server, turbo, change):
    fields = {"model": TURBO, "response_format": "mp3"}
    speak(server, **fields)
    unload(server)
    assert speak(server, **{**fields, **change}).headers["X-Cache"] in ("MISS", "BYPASS")
    assert len(turbo.made) == 2


@pytest.mark.parametrize("voice", ["anna", "onyx"])
def test_a_whole_file_that_is_asked_for_as_a_stream_is_spoken_by_the_model_that_is_loaded_for_it(server, turbo, voice):
    fields = {"model": TURBO, "response_format": "wav", "voice": voice, "seed": 1}
    whole = speak(server, **fields)
    unload(server)
    stream = speak(server, **fields, stream=True)
    assert (stream.headers["X-Cache"], len(turbo.made)) == ("MISS", 2)
    assert stream.content[-1000:] == whole.content[-1000:]
    assert speak(server, **fields, voice_b64=None).headers["X-Cache"] == "HIT"


def test_other_files_are_another_model(server, turbo):
    fields = {"model": TURBO, "response_format": "mp3"}
    speak(server, **fields)
    unload(server)
    turbo.files = "2"
    speak(server, **fields)
    assert len(turbo.made) == 2


def test_errors_are_those_of_the_model_itself(server):
    speak(server)
    unload(server)
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Yes.", "model": TURBO, "voice": "nobody"}, timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "voice_not_found")
