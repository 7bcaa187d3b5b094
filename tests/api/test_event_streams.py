"""Speech as server-sent events: OpenAI's own, and those in the style of the Responses API."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import requests
from support.decoded_audio import hear, sniff

from tts_server.speech import AudioFormat

TEXT = "Events carry this sentence. And this one, too."


def events(reply: requests.Response) -> list[str]:
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    blocks = reply.content.decode().split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") for block in blocks)
    return [block.removeprefix("data: ") for block in blocks]


@pytest.mark.parametrize("name", [format_.value for format_ in AudioFormat])
def test_joined_deltas_are_one_valid_file(server, name):
    fields = {"input": TEXT, "response_format": name, "seed": 5}
    reply = requests.post(f"{server.url}/v1/audio/speech", json={**fields, "stream_format": "sse"}, timeout=60)
    *deltas, done = map(json.loads, events(reply))
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    data = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    assert name == "pcm" or sniff(data) == name
    plain = requests.post(f"{server.url}/v1/audio/speech", json={**fields, "response_format": "wav"}, timeout=60).content
    assert hear(data, 24000 if name == "pcm" else None).seconds == pytest.approx(hear(plain).seconds, abs=0.12)
    usage = done["usage"]
    assert done["type"] == "speech.audio.done"
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens"] == pytest.approx(25 * hear(plain).seconds, abs=2)


def test_accepting_events_with_pcm_gives_the_responses_style(server):
    reply = requests.post(
        f"{server.url}/v1/audio/speech",
        json={"input": TEXT, "response_format": "pcm", "seed": 5, "sample_rate": 16000},
        headers={"Accept": "text/event-stream"},
        timeout=60,
    )
    *payloads, last = events(reply)
    *deltas, completed = map(json.loads, payloads)
    assert last == "[DONE]"
    assert completed["type"] == "response.completed"
    assert [delta["index"] for delta in deltas] == list(range(len(deltas)))
    assert {(d["type"], d["format"], d["sample_rate"]) for d in deltas} == {("response.output_audio.delta", "pcm16", 16000)}
    joined = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    plain = requests.post(
        f"{server.url}/v1/audio/speech", json={"input": TEXT, "response_format": "pcm", "seed": 5, "sample_rate": 16000}, timeout=60
    )
    assert np.array_equal(np.frombuffer(joined, "<i2"), np.frombuffer(plain.content, "<i2"))


def test_stream_format_wins_over_the_accept_header(server):
    reply = requests.post(
        f"{server.url}/v1/audio/speech",
        json={"input": TEXT, "response_format": "pcm", "stream_format": "sse"},
        headers={"Accept": "text/event-stream"},
        timeout=60,
    )
    assert json.loads(events(reply)[-1])["type"] == "speech.audio.done"


def test_an_error_before_the_first_event_is_a_real_status(server):
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "\u200b", "stream_format": "sse"}, timeout=60)
    assert (reply.status_code, reply.headers["Content-Type"]) == (400, "application/json")
