"""Requests of real applications, byte for byte as they send them. What other tests replay already is not repeated:
pyVideoTrans' lines and clones, keys of clients without one, Home Assistant's full stop (tests/api/test_real_clients.py)."""

from __future__ import annotations

import http.client
import io
import json
import socket
import struct

import pytest
import requests
from support.decoded_audio import hear, sniff

TEXT = "An application lets this be spoken."


def post(server, body: dict | bytes, headers: dict[str, str] | None = None, path: str = "/v1/audio/speech") -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(server.url + path, data=data, headers={"Content-Type": "application/json", **(headers or {})}, timeout=60)


def mp3_seconds(data: bytes) -> float:
    assert sniff(data) == "mp3"
    return hear(data).seconds


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({"User-Agent": "python-requests/2.32"}, {"input": TEXT, "voice": "nova", "speed": 1.2}, id="pyVideoTrans, Kokoro"),
        pytest.param(
            {"Authorization": "Bearer sk-1", "X-OpenWebUI-User-Name": "J%C3%B6rg", "User-Agent": "Python/3.11 aiohttp/3.12"},
            {"model": "tts-1", "input": TEXT, "voice": "alloy"},
            id="Open WebUI",
        ),
        pytest.param(
            {"Authorization": "Bearer ", "User-Agent": "node-fetch"},
            {"input": TEXT, "response_format": "mp3", "voice": "alloy", "speed": 1, "model": "tts-1"},
            id="SillyTavern",
        ),
        pytest.param({"Authorization": "Bearer x"}, {"input": TEXT, "model": "tts-1", "backend": "openai"}, id="LibreChat without a voice"),
        pytest.param(
            {"User-Agent": "HomeAssistant-OpenAI-TTS", "Authorization": "Bearer "},
            {"model": "tts-1", "input": TEXT, "voice": "shimmer", "response_format": "mp3", "speed": 1.0, "instructions": "Be kind."},
            id="Home Assistant",
        ),
        pytest.param(
            {"Authorization": "Bearer undefined", "Accept": "application/octet-stream"},
            {"model": "tts-1", "input": TEXT, "voice": "alloy", "response_format": "mp3", "instructions": None, "speed": None},
            id="LobeChat",
        ),
        pytest.param({"Accept": "*/*"}, {"model": "tts-1", "input": TEXT, "voice": "onyx", "response_format": "mp3"}, id="n8n"),
        pytest.param({}, {"model": "tts-1", "input": TEXT, "voice": "alloy", "speed": 1, "response_format": ""}, id="NextChat"),
        pytest.param({"Accept": "application/octet-stream"}, {"model": "tts-1", "input": TEXT, "voice": "fable"}, id="AnythingLLM"),
    ],
)
def test_an_application_gets_the_mp3_it_plays_without_asking(server, headers, body):
    reply = post(server, body, headers)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "audio/mpeg"), reply.text
    assert int(reply.headers["Content-Length"]) == len(reply.content)
    assert mp3_seconds(reply.content) > 1


def test_dify_validates_with_a_word_and_wants_exactly_200(server):
    reply = post(server, {"model": "tts-1", "input": "Test.", "voice": "alloy", "response_format": "mp3"}, {"Authorization": "Bearer x"})
    assert reply.status_code == 200
    assert mp3_seconds(reply.content) > 0.2


def test_librechat_and_epub_to_audiobook_join_replies_by_bytes(server):
    """What one file lasts, the joined one lasts as often; a header in the middle would end it for some players."""
    text = "A page of a book, cut off at four thousand characters. " * 3
    one = post(server, {"model": "tts-1", "input": text, "voice": "alloy", "response_format": "mp3", "seed": 1}).content
    assert one[:3] != b"ID3"
    assert b"Xing" not in one[:200]
    assert b"Info" not in one[:200]
    assert mp3_seconds(one * 3) == pytest.approx(3 * mp3_seconds(one), rel=0.02)


def test_livekit_prewarms_its_connection_without_harm(server):
    """It asks for `{base}/` before the first words, and uses the connection for them."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/v1/", headers={"Authorization": "Bearer x"})
    assert connection.getresponse().read()
    body = {"model": "gpt-4o-mini-tts", "input": TEXT, "voice": "ash", "response_format": "mp3", "stream_format": "sse", "speed": 1.0}
    connection.request("POST", "/v1/audio/speech", json.dumps(body), {"Content-Type": "application/json", "Authorization": "Bearer x"})
    reply = connection.getresponse()
    assert (reply.status, reply.headers.get_content_type()) == (200, "text/event-stream")
    events = [json.loads(line[6:]) for line in reply.read().decode().splitlines() if line.startswith("data: {")]
    assert {event["type"] for event in events} == {"speech.audio.delta", "speech.audio.done"}
    connection.close()


PIPECAT_VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()


@pytest.mark.parametrize("voice", PIPECAT_VOICES)
def test_pipecat_may_choose_each_of_its_voices(server, voice):
    reply = post(server, {"model": "gpt-4o-mini-tts", "input": "Yes.", "voice": voice, "response_format": "pcm"})
    assert reply.status_code == 200
    assert reply.headers["X-Voice"] == voice
    assert len(reply.content) % 2 == 0
    assert hear(reply.content, 24000).rms > 0.005


def test_openai_agents_may_leave_the_instructions_null(server):
    body = {"model": "gpt-4o-mini-tts", "voice": "ash", "input": TEXT, "response_format": "pcm", "instructions": None}
    assert hear(post(server, body, {"Accept": "application/octet-stream"}).content, 24000).seconds > 1


def test_wyoming_openai_reads_the_wav_header_as_it_arrives(server):
    body = {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": "wav", "stream": True}
    with requests.post(f"{server.url}/v1/audio/speech", json=body, stream=True, timeout=60) as reply:
        data = b"".join(reply.iter_content(chunk_size=None))
    stream = io.BytesIO(data)
    riff, _, wave, fmt, size, codec, channels, rate = struct.unpack("<4sI4s4sIHHI", stream.read(28))
    assert (riff, wave, fmt, size, codec, channels, rate) == (b"RIFF", b"WAVE", b"fmt ", 16, 1, 1, 24000)
    _, _, bits, name, length = struct.unpack("<IHH4sI", stream.read(16))
    assert (bits, name, length) == (16, b"data", 0xFFFFFFFF)
    assert len(stream.read()) > 24000


def test_voicemode_lists_models_and_voices_in_time_without_a_key(server):
    models = requests.get(f"{server.url}/v1/models", timeout=5).json()
    assert models["object"] == "list"
    assert all({"id", "object", "created", "owned_by"} <= set(model) for model in models["data"])
    assert all(isinstance(model["created"], int) for model in models["data"])
    assert "alloy" in [voice["id"] for voice in requests.get(f"{server.url}/v1/audio/voices", timeout=5).json()["voices"]]


def test_vercels_sdk_reads_the_message_of_an_error(server):
    reply = post(server, {"model": "tts-1", "voice": "nobody", "input": TEXT, "response_format": "mp3"})
    assert reply.status_code == 404
    assert "nobody" in reply.json()["error"]["message"]


def test_a_client_that_never_checks_the_status_does_not_take_an_error_for_audio(server):
    reply = post(server, {"model": "tts-1", "voice": "nobody", "input": TEXT})
    assert reply.headers["Content-Type"].startswith("application/json")
    assert sniff(reply.content) == "unknown"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=utf-8"])
def test_json_is_read_whatever_it_is_called(server, content_type):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": content_type} if content_type else {}
    connection.request("POST", "/v1/audio/speech", json.dumps({"input": TEXT}).encode(), headers)
    reply = connection.getresponse()
    assert (reply.status, sniff(reply.read())) == (200, "mp3")
    connection.close()


def test_a_client_that_waits_for_leave_to_send_is_told_to_go_on(server):
    """curl and .NET send `Expect: 100-continue` and hold the body back for a moment."""
    body = json.dumps({"input": TEXT}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        sock.sendall(head.encode())
        assert sock.recv(64).startswith(b"HTTP/1.1 100")
        sock.sendall(body)
        assert b" 200 " in sock.recv(64)


def test_requests_follow_each_other_on_one_connection(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(3):
        connection.request("POST", "/v1/audio/speech", json.dumps({"input": "Yes."}), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        assert (reply.status, sniff(reply.read())) == (200, "mp3")
    connection.close()
