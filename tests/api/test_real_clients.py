"""Clients of the wild, unmodified or replayed from their own source."""

from __future__ import annotations

import openai
import pytest
import requests
from support.decoded_audio import hear, sniff

TEXT = "This line comes from a real client."


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="not-needed", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_the_openai_sdk_gets_every_format(client, name):
    reply = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=name)
    assert hear(reply.content, 24000 if name == "pcm" else None).seconds > 1


def test_the_openai_sdk_streams_into_a_file(client, tmp_path):
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="marin", input=TEXT, instructions="Calmly."
    ) as reply:
        reply.stream_to_file(tmp_path / "speech.mp3")
    assert hear((tmp_path / "speech.mp3").read_bytes()).kind == "mp3"


def test_the_openai_sdk_reads_server_sent_events_line_by_line(client):
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="ash", input=TEXT, extra_body={"stream_format": "sse"}
    ) as reply:
        lines = [line for line in reply.iter_lines() if line]
    assert len(lines) >= 2
    assert all(line.startswith("data: ") for line in lines)
    assert "speech.audio.done" in lines[-1]


def test_the_openai_sdk_lists_models(client):
    assert {"tts-1", "gpt-4o-mini-tts", "embedded", "chatterbox-turbo"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("tts-1").object == "model"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"voice": "alloy", "speed": 9.0}, openai.BadRequestError),
        ({"voice": "nobody"}, openai.NotFoundError),
        ({"voice": "alloy", "model": "chatterbox-nano"}, openai.InternalServerError),
    ],
)
def test_the_openai_sdk_raises_the_class_of_the_status(client, fields, error):
    with pytest.raises(error) as raised:
        client.audio.speech.create(**{"model": "tts-1", "input": TEXT, **fields})
    assert raised.value.body["message"]
    assert raised.value.request_id


def test_the_openai_sdk_does_not_wait_for_a_model_that_is_not_installed(server):
    """Its two retries would honour Retry-After; the header of OpenAI's own service tells it not to."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x") as client, pytest.raises(openai.InternalServerError) as raised:
        client.audio.speech.create(model="chatterbox-turbo", voice="alloy", input=TEXT)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert raised.value.response.request.headers["x-stainless-retry-count"] == "0"


def test_a_base_address_with_a_slash_too_many_works(server):
    reply = requests.post(f"{server.url}/v1//audio/speech", json={"input": TEXT}, timeout=60, allow_redirects=False)
    assert (reply.status_code, sniff(reply.content)) == (200, "mp3")


def test_a_wrong_key_is_the_sdks_authentication_error(start_server):
    running = start_server(api_keys=("right",))
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="wrong", max_retries=0) as client, pytest.raises(openai.AuthenticationError):
        client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)


@pytest.mark.parametrize("instructions", ["0.5", ""])
def test_pyvideotrans_speaks_a_subtitle_line(server, instructions):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="123456") as client:
        reply = client.audio.speech.create(
            model="chatterbox-tts", voice="en", input="A subtitle line.", speed=0.5, instructions=instructions, response_format="mp3"
        )
    assert (sniff(reply.content), 0.5 < hear(reply.content).seconds < 3) == ("mp3", True)


@pytest.mark.parametrize("empty", ["", "0.5"])
def test_pyvideotrans_clones_from_a_file_with_a_chinese_name(server, clip, empty, tmp_path):
    reply = requests.post(
        f"{server.url}/v2/audio/speech_with_prompt",
        data={"input": "A subtitle line.", "response_format": "mp3", "cfg_weight": empty, "exaggeration": empty, "language": "en"},
        files={"audio_prompt": ("参考音频 è.wav", clip, "audio/wav")},
        timeout=60,
    )
    reply.raise_for_status()
    (tmp_path / "out.mp3").write_bytes(reply.content)
    assert hear((tmp_path / "out.mp3").read_bytes()).kind == "mp3"
    assert reply.headers["X-Voice-Cloning"] == "matched"


def test_open_webui_sends_no_format_and_lists_without_a_key(server):
    voices = requests.get(f"{server.url}/v1/audio/voices", timeout=10).json()["voices"]
    assert all(set(voice) == {"id", "name"} for voice in voices)
    assert requests.get(f"{server.url}/v1/audio/models", timeout=10).json()["models"][0]["id"]
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": TEXT, "voice": voices[0]["id"], "model": "tts-1"}, timeout=60)
    assert (reply.headers["Content-Type"], sniff(reply.content)) == ("audio/mpeg", "mp3")


@pytest.mark.parametrize("key", ["Bearer ", "Bearer undefined", "Bearer sk-123"])
def test_clients_that_send_a_key_to_a_server_without_one_are_served(server, key):
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Yes."}, headers={"Authorization": key}, timeout=60)
    assert reply.status_code == 200


def test_home_assistant_tries_its_key_with_a_full_stop(server):
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": ".", "model": "tts-1", "voice": "shimmer"}, timeout=10)
    assert reply.status_code < 400


def test_the_server_is_not_mistaken_for_another_by_wyoming_openai(server):
    assert requests.get(f"{server.url}/v1/readyz", timeout=10).status_code == 404
    assert requests.get(f"{server.url}/v1/test", timeout=10).status_code == 404
    assert requests.get(f"{server.url}/health", timeout=10).text != "OK"


def test_an_http_1_0_client_gets_a_streamed_file(server):
    import socket

    body = b'{"input": "An old client.", "response_format": "wav", "stream": true}'
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        sock.sendall(b"POST /v1/audio/speech HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        reply = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, audio = reply.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    assert hear(audio).seconds > 0.5
