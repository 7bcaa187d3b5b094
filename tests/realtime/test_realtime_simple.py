"""The simple protocol: a message, frames of PCM, a completion."""

from __future__ import annotations

import json

import pytest
import requests
from support.waiting import wait_until
from talking import LONG, answer, ask, dial


def spoken(server, **fields) -> bytes:
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"response_format": "pcm", **fields}, timeout=30)
    assert reply.status_code == 200
    return reply.content


def test_a_text_comes_as_frames_with_their_length_and_a_completion(server):
    with dial(server) as socket:
        ask(socket, model="tts-1", input="Hello there, how are you?", voice="nova", seed=3)
        pcm, done = answer(socket)
    assert pcm == spoken(server, input="Hello there, how are you?", voice="nova", seed=3)
    assert done["type"] == "response.completed"
    assert done["response"]["status"] == "completed"
    assert done["response"]["usage"]["output_tokens"] > 0
    assert done["response"]["output"][0]["content"][0] == {
        "type": "output_audio",
        "transcript": "Hello there, how are you?",
        "format": "pcm16",
        "sample_rate": 24000,
    }


@pytest.mark.parametrize(
    "audio",
    [
        {"voice": "onyx", "format": "pcm16", "sample_rate": 8000, "speed": 1.5},
        {"output": {"voice": "onyx", "format": {"type": "audio/pcm", "rate": 8000}, "speed": 1.5}},
    ],
    ids=["flat", "as the Realtime API writes it"],
)
def test_what_audio_says_is_obeyed(server, audio):
    with dial(server) as socket:
        ask(socket, text="Hello there.", audio=audio, seed=3)
        pcm, done = answer(socket)
    assert pcm == spoken(server, input="Hello there.", voice="onyx", sample_rate=8000, speed=1.5, seed=3)
    assert done["response"]["output"][0]["content"][0]["sample_rate"] == 8000


def test_the_instructions_are_not_spoken(server):
    with dial(server) as socket:
        ask(socket, text="Hello there.", instructions="Speak as a very old pirate would.", seed=3)
        assert answer(socket)[0] == spoken(server, input="Hello there.", seed=3)


def test_texts_that_come_while_another_is_spoken_are_spoken_in_their_order(server):
    with dial(server) as socket:
        for number in range(5):
            ask(socket, text=f"Number {number}.", id=f"text-{number}")
        done = [answer(socket)[1] for _ in range(5)]
    assert [message["id"] for message in done] == [f"text-{number}" for number in range(5)]
    assert [message["response"]["output"][0]["content"][0]["transcript"] for message in done] == [f"Number {n}." for n in range(5)]


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ('{"text": ""}', "input", "invalid_value"),
        ('{"text": "Hello", "voice": "nobody"}', "voice", "voice_not_found"),
        ('{"text": "Hello", "speed": 9}', "speed", "invalid_value"),
        ('{"text": "Hello", "audio": {"format": "mp3"}}', "audio.format", "invalid_value"),
        ('{"text": "Hello", "audio": "loud"}', "audio", "invalid_value"),
        ('{"text": "Hello", "voice_url": "https://example.com/a.wav"}', "voice", "invalid_value"),
        ('{"text": "' + "a" * 4097 + '"}', "input", "invalid_value"),
        ("Hello", None, "invalid_json"),
        ("[1]", None, "invalid_json"),
        ('{"text": "Hello", "speed": NaN}', None, "invalid_json"),
        ("[" * 100_000, None, "invalid_json"),
        (b"\x00\x01", None, "invalid_json"),
    ],
)
def test_a_wrong_message_is_told_and_the_socket_stays_open(server, message, param, code):
    with dial(server) as socket:
        socket.send(message)
        told = json.loads(socket.recv(timeout=30))
        assert told["type"] == "error"
        assert (told["error"]["param"], told["error"]["code"]) == (param, code)
        ask(socket, text="Still here.", id=1)
        pcm, done = answer(socket)
        assert pcm
        assert (done["type"], done["id"]) == ("response.completed", 1)


def test_cancel_ends_what_is_spoken_and_what_waits_and_the_work_for_them(start_server):
    slow = start_server(synthesis_threads=1, max_text_length=200_000)
    with dial(slow) as socket:
        ask(socket, text=" ".join([LONG] * 20), id=1)
        ask(socket, text=LONG, id=2)
        assert isinstance(socket.recv(timeout=30), bytes)
        ask(socket, type="response.cancel")
        done = [answer(socket)[1] for _ in range(2)]
        assert [(message["id"], message["response"]["status"]) for message in done] == [(1, "cancelled"), (2, "cancelled")]
        ask(socket, text="And on it goes.", id=3)
        pcm, last = answer(socket)
        assert pcm
        assert last["response"]["status"] == "completed"
        wait_until(lambda: health(slow)["segments_waiting"] == 0)
    assert health(slow)["segments_done"] < 300
    assert health(slow)["in_flight"] == 0
    assert health(slow)["total_errors"] == 0


def health(server) -> dict:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]
