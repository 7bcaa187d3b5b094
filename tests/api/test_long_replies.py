"""Replies of any length: refused in words where they would be too long, and sent from a file, so that memory does not grow with them."""

from __future__ import annotations

import base64
import json

import pytest
import requests
from support.decoded_audio import hear
from support.server import RunningServer, run_server

from benchmarks.texts import Writer
from tts_server.errors import AudioTooLong
from tts_server.speech import AudioFormat, SpeechRequest

STORY = Writer(31).characters(2000)
LETTERS = "WWW "
"""Read letter by letter, which takes more than three times as long as a word of that length."""


@pytest.fixture(scope="module")
def brief(tmp_path_factory, clip):
    """A server that makes at most 20 seconds at once, with a voice."""
    folder = tmp_path_factory.mktemp("voices")
    (folder / "reader.flac").write_bytes(clip)
    with run_server(max_audio_seconds=20, voice_library_path=folder) as running:
        yield running


def segments_done(server: RunningServer) -> int:
    return requests.get(f"{server.url}/health", timeout=10).json()["metrics"]["segments_done"]


def speak(server: RunningServer, **fields) -> requests.Response:
    return requests.post(f"{server.url}/v1/audio/speech", json={"seed": 1, **fields}, timeout=120)


WAYS = {
    "whole": lambda url: requests.post(f"{url}/v1/audio/speech", json={"input": STORY}, timeout=60),
    "a stream": lambda url: requests.post(f"{url}/v1/audio/speech", json={"input": STORY, "stream": True}, timeout=60),
    "events": lambda url: requests.post(f"{url}/v1/audio/speech", json={"input": STORY, "stream_format": "sse"}, timeout=60),
    "a wav stream": lambda url: requests.post(f"{url}/v1/audio/speech/stream", json={"input": STORY}, timeout=60),
    "a response": lambda url: requests.post(f"{url}/v1/responses", json={"input": STORY}, timeout=60),
    "/tts": lambda url: requests.post(f"{url}/tts", json={"text": STORY}, timeout=60),
    "/tts-stream": lambda url: requests.get(f"{url}/tts-stream", params={"text": STORY}, timeout=60),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_text_that_would_take_too_long_is_refused_before_it_is_spoken(brief, way):
    before = segments_done(brief)
    reply = WAYS[way](brief.url)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (400, "audio_too_long")
    assert all(words in error["message"] for words in ("3 minutes", "20 seconds", "Divide the text"))
    assert segments_done(brief) == before


def test_resonance_says_it_in_its_own_words(brief):
    reply = requests.post(f"{brief.url}/generate", json={"prompt": STORY, "voice_key": "reader.flac"}, timeout=60)
    (detail,) = reply.json()["detail"]
    assert (reply.status_code, detail["type"], detail["loc"]) == (422, "audio_too_long", ["body", "prompt"])


@pytest.mark.parametrize("length", ["20 s of a pause", "slow", "a rate in the text"])
def test_pauses_and_speed_count(brief, length):
    fields = {
        "20 s of a pause": {"input": "Before. " + "[pause:8s] Then. " * 3},
        "slow": {"input": STORY[:100], "speed": 0.25},
        "a rate in the text": {"input": f'<speak><prosody rate="25%">{STORY[:100]}</prosody></speak>'},
    }[length]
    assert speak(brief, **fields).json()["error"]["code"] == "audio_too_long"
    assert speak(brief, input=STORY[:100]).status_code == 200


def plan(server: RunningServer, text: str, **fields):
    return server.synthesizer.synthesize(SpeechRequest(text, **fields))


def test_an_ordinary_text_of_the_longest_length_may_be_as_slow_and_as_large_as_can_be_asked_for(server):
    text = Writer(32).characters(4096)
    for format_ in AudioFormat:
        plan(server, text, speed=0.25, sample_rate=48000, format=format_)


@pytest.mark.parametrize(
    ("text", "fields", "words"),
    [
        ("777777777777777 " * 170, {"speed": 0.25}, ["minutes", "60 minutes", "raise the speed"]),
        ("\u2030\u2031 " * 2000, {"speed": 0.25}, ["minutes"]),
        ("7" * 4000, {"speed": 0.25, "is_normalized": False}, ["minutes"]),
        ("777777777777777 " * 140, {"speed": 0.5, "sample_rate": 48000, "format": AudioFormat.WAV}, ["MB as wav", "256 MB", "mp3"]),
    ],
)
def test_a_short_text_that_makes_hours_of_audio_is_refused(server, text, fields, words):
    with pytest.raises(AudioTooLong) as refused:
        plan(server, text, **fields)
    assert all(word in refused.value.message for word in words), refused.value.message


def test_the_same_text_may_be_asked_for_in_a_smaller_format(server):
    text = "777777777777777 " * 140
    assert plan(server, text, speed=0.5, sample_rate=48000, format=AudioFormat.MP3)


def test_a_larger_text_limit_raises_the_limits_that_are_not_set(start_server):
    text = " ".join(Writer(seed).characters(4000) for seed in range(16))
    assert plan(start_server(max_text_length=100_000), text, format=AudioFormat.WAV)
    with pytest.raises(AudioTooLong, match="60 minutes"):
        plan(start_server(max_text_length=100_000, max_audio_seconds=3600), text)
    with pytest.raises(AudioTooLong, match="100 MB"):
        plan(start_server(max_text_length=100_000, max_reply_mb=100), text, format=AudioFormat.WAV)


def test_what_turns_out_much_longer_than_its_text_suggests_is_given_up(brief):
    fields = {"input": LETTERS * 38, "response_format": "pcm"}
    whole = speak(brief, **fields)
    assert (whole.status_code, whole.json()["error"]["code"]) == (400, "audio_too_long")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):  # the status is sent: that it is not whole has to be seen
        speak(brief, **fields, stream=True)
    events = [json.loads(line[6:]) for line in speak(brief, **fields, stream_format="sse").text.splitlines() if line.startswith("data: {")]
    assert events[-1]["error"]["code"] == "audio_too_long"
    heard = sum(len(base64.b64decode(event["audio"])) for event in events[:-1]) / 48000
    assert 20 <= heard <= 30


def test_a_file_that_is_too_long_for_memory_has_the_same_bytes(server):
    """More than 4 MB: it comes from the disk, and its header was written at its end."""
    fields = {"input": STORY, "sample_rate": 48000}
    pcm, wav, flac = (speak(server, **fields, response_format=name).content for name in ("pcm", "wav", "flac"))
    assert len(pcm) > 8 * 2**20
    assert speak(server, **fields, response_format="pcm", stream=True).content == pcm
    assert wav[44:] == pcm
    assert int.from_bytes(wav[4:8], "little") == len(wav) - 8
    assert int.from_bytes(wav[40:44], "little") == len(pcm)
    assert int.from_bytes(flac[21:26], "big") & 0xF_FFFF_FFFF == len(pcm) // 2
    assert hear(flac).seconds == pytest.approx(len(pcm) / 96000)


def test_a_response_in_json_holds_the_same_file(server):
    fields = {"input": STORY, "response_format": "wav", "seed": 1}
    reply = requests.post(f"{server.url}/v1/responses", json=fields, timeout=60)
    (part,) = reply.json()["output"][0]["content"]
    assert int(reply.headers["Content-Length"]) == len(reply.content)
    assert base64.b64decode(part["data"]) == speak(server, **fields).content
    assert part["transcript"] == STORY
