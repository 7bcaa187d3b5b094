"""Chatterbox through the server's sockets: the whole way, from a request to watermarked audio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
import requests
from support.chatterbox_server import copy_voices, run_tiny_server
from support.decoded_audio import hear
from support.server import RunningServer

from tts_server.engines.chatterbox.watermark import Watermarker
from tts_server.engines.model_source import ModelState

TURBO, MULTILINGUAL = "chatterbox-turbo", "chatterbox-multilingual"
CLIP = Path(__file__).parent.parent / "clips" / "female_slt.flac"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    """A server with Turbo and Multilingual loaded, and a voices folder of its own."""
    voices = copy_voices(CLIP, folder / "voices")
    with run_tiny_server(folder, ("turbo", "multilingual"), voice_library_path=voices) as running:
        for model in (TURBO, MULTILINGUAL):
            running.synthesizer.catalog.ready(model)
        yield running


def speak(server: RunningServer, **fields) -> requests.Response:
    payload = {"model": TURBO, "input": "Good evening to you all.", "response_format": "wav", "seed": 3, **fields}
    reply = requests.post(f"{server.url}/v1/audio/speech", json=payload, timeout=120)
    assert reply.status_code == 200, reply.text
    return reply


def test_a_model_that_is_not_loaded_answers_503_and_comes_by_itself(tmp_path):
    with run_tiny_server(tmp_path) as server:
        fields = {"model": TURBO, "input": "Hello."}
        reply = requests.post(f"{server.url}/v1/audio/speech", json=fields, timeout=60)
        if reply.status_code != 200:  # a tiny model may be there before the answer
            assert reply.status_code == 503
            assert reply.json()["error"]["code"] == "model_loading"
            assert int(reply.headers["Retry-After"]) >= 1
        assert requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hello."}, timeout=60).headers["X-Model"] == "embedded"
        server.synthesizer.catalog.ready(TURBO)
        assert requests.post(f"{server.url}/v1/audio/speech", json=fields, timeout=60).headers["X-Model"] == TURBO
        assert requests.get(f"{server.url}/health", timeout=10).json()["models"][TURBO]["state"] == ModelState.READY.value


def test_what_chatterbox_says_is_watermarked(server):
    reply = speak(server, input="Good evening to you all, and welcome to this long and pleasant evening.")
    heard = hear(reply.content)
    assert heard.rate == 24000
    assert reply.headers["X-Model"] == TURBO
    assert heard.seconds > 0.1
    assert Watermarker().detect(heard.samples) > 0.9


def test_streamed_and_whole_audio_are_the_same_samples_for_a_seed(server):
    text = "Good evening to you all. It is a pleasure to see so many of you here. Let us begin, shall we?"
    whole, streamed = (hear(speak(server, input=text, stream=stream).content) for stream in (False, True))
    assert np.array_equal(whole.samples, streamed.samples)


@pytest.mark.parametrize("format_", ["mp3", "opus", "flac"])
def test_every_format_works(server, format_):
    assert hear(speak(server, response_format=format_).content).kind == format_


def test_an_uploaded_clip_is_cloned_and_leaves_nothing_on_disk(server, folder):
    before = sorted(folder.rglob("*"))
    with CLIP.open("rb") as file:
        reply = requests.post(
            f"{server.url}/v2/audio/speech_with_prompt",
            data={"input": "Good evening.", "model": TURBO},
            files={"audio_prompt": ("ü.flac", file, "audio/flac")},
            timeout=120,
        )
    assert reply.status_code == 200, reply.text
    assert reply.headers["X-Voice-Cloning"] == "cloned"
    assert hear(reply.content).seconds > 0
    assert sorted(folder.rglob("*")) == before


def test_a_voice_of_the_folder_is_prepared_once_and_cached(server, folder):
    reply = speak(server, voice="reader")
    assert reply.headers["X-Voice-Cloning"] == "cloned"
    kept = list((folder / "prepared" / TURBO).glob("*.safetensors"))
    assert kept
    stamp = {path: path.read_bytes() for path in kept}
    assert speak(server, voice="reader").content == reply.content
    assert {path: path.read_bytes() for path in (folder / "prepared" / TURBO).glob("*.safetensors")} == stamp


def test_the_thirteen_names_are_there_and_differ(server):
    spoken = {name: speak(server, voice=name).content for name in ("alloy", "onyx", "nova")}
    assert len(set(spoken.values())) == 3
    names = {voice["id"] for voice in requests.get(f"{server.url}/v1/audio/voices", timeout=10).json()["voices"]}
    assert {"alloy", "cedar", "marin"} <= names


def test_controls_the_model_has_are_used_and_others_named(server):
    reply = speak(server, temperature=0.5, cfg_weight=0.7, exaggeration=1.0, norm_loudness=False, voice="reader")
    assert set(reply.headers["X-Ignored-Parameters"].split(", ")) == {"cfg_weight", "exaggeration"}


def test_multilingual_speaks_other_scripts(server):
    assert speak(server, model=MULTILINGUAL, input="Добрый вечер, друзья.").headers["X-Model"] == MULTILINGUAL
    assert speak(server, model=MULTILINGUAL, input="Guten Abend.", language="de").status_code == 200


def test_a_script_that_turbo_cannot_speak_names_the_model_that_can(server):
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"model": TURBO, "input": "Добрый вечер, друзья."}, timeout=60)
    assert reply.status_code == 400
    assert f"Use the model '{MULTILINGUAL}'" in reply.json()["error"]["message"]


def test_a_clip_that_is_too_short_is_refused_with_its_length(server):
    import io
    import wave

    short = io.BytesIO()
    with wave.open(short, "wb") as out:
        out.setparams((1, 2, 24000, 0, "NONE", ""))
        samples = hear(CLIP.read_bytes()).samples[: 24000 * 2]
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    reply = requests.post(
        f"{server.url}/v1/audio/speech",
        data={"model": TURBO, "input": "Hello."},
        files={"speaker_wav": ("short.wav", short.getvalue(), "audio/wav")},
        timeout=60,
    )
    assert reply.status_code == 400
    assert "2.0 s" in reply.json()["error"]["message"]
    assert reply.json()["error"]["param"] == "speaker_wav"


def test_a_recording_is_spoken_again_in_another_voice(server):
    recording = CLIP.read_bytes()
    reply = requests.post(
        f"{server.url}/v1/audio/voice-conversion",
        data={"model": TURBO, "voice": "onyx", "response_format": "wav", "seed": 1},
        files={"audio": ("speech.flac", recording, "audio/flac")},
        timeout=120,
    )
    assert reply.status_code == 200, reply.text
    assert hear(reply.content).seconds == pytest.approx(hear(recording).seconds, abs=0.2)
    assert Watermarker().detect(hear(reply.content).samples) > 0.9


def test_the_embedded_voice_says_that_it_cannot_convert(server):
    reply = requests.post(
        f"{server.url}/v1/audio/voice-conversion",
        data={"model": "embedded", "voice": "onyx"},
        files={"audio": ("speech.flac", CLIP.read_bytes(), "audio/flac")},
        timeout=60,
    )
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "model"


def test_the_openai_sdk_speaks_with_chatterbox(server):
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")
    with client.audio.speech.with_streaming_response.create(
        model=TURBO, voice="alloy", input="Good evening to you all.", response_format="pcm"
    ) as reply:
        data = b"".join(reply.iter_bytes())
    assert len(data) > 4800
