"""`POST /v1/responses`: text in, audio out, as OpenAI's Responses API words it."""

from __future__ import annotations

import base64
import copy
import json

import openai
import pytest
import requests
from openai.types.responses import Response
from support.decoded_audio import hear, sniff

from tts_server.speech import AudioFormat

TEXT = "This answer is spoken."


def post(server, fields, **headers) -> requests.Response:
    return requests.post(f"{server.url}/v1/responses", json=fields, headers=headers, timeout=60)


def speech(server, **fields) -> bytes:
    reply = requests.post(f"{server.url}/v1/audio/speech", json=fields, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.content


def part_of(reply: requests.Response) -> dict:
    assert reply.status_code == 200, reply.text
    (message,) = reply.json()["output"]
    (part,) = message["content"]
    return part


def events(reply: requests.Response) -> list[str]:
    assert reply.headers["Content-Type"].startswith("text/event-stream"), reply.text
    return [block.removeprefix("data: ") for block in reply.content.decode().split("\n\n") if block]


@pytest.mark.parametrize(
    "given",
    [
        TEXT,
        [{"role": "user", "content": TEXT}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": TEXT}]}],
        [
            {"role": "system", "content": "Speak like a pirate."},
            {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Ahoy."}]},
            {"role": "user", "content": [{"type": "input_text", "text": "This answer"}, {"type": "input_text", "text": "is spoken."}]},
        ],
    ],
    ids=["text", "message", "part", "conversation"],
)
def test_the_words_of_the_user_are_spoken_whatever_their_wrapping(server, given):
    reply = post(server, {"model": "gpt-4o-mini-tts", "input": given, "voice": "alloy", "seed": 3, "audio": {"format": "wav"}})
    assert base64.b64decode(part_of(reply)["data"]) == speech(server, input=TEXT, voice="alloy", seed=3, response_format="wav")


@pytest.mark.parametrize("instructions", ["Speak like a pirate.", "0.9"])
def test_instructions_are_neither_spoken_nor_taken_for_a_control(server, instructions):
    fields = {"input": TEXT, "seed": 3, "speed": 1.0, "model": "tts-1", "audio": {"format": "pcm"}}
    with_them = post(server, {**fields, "instructions": instructions})
    assert part_of(with_them)["data"] == part_of(post(server, fields))["data"]
    assert "X-Ignored-Parameters" not in with_them.headers


@pytest.mark.parametrize("name", [format_.value for format_ in AudioFormat if format_ is not AudioFormat.PCM])
def test_the_audio_comes_in_the_format_that_audio_names(server, name):
    part = part_of(post(server, {"input": TEXT, "audio": {"format": name, "voice": "sage"}}))
    assert (part["type"], part["format"], part["transcript"]) == ("output_audio", name, TEXT)
    assert sniff(base64.b64decode(part["data"])) == name


def test_options_may_stand_beside_audio_or_where_the_realtime_api_has_them(server):
    plain = post(server, {"input": TEXT, "seed": 8, "voice": "onyx", "response_format": "pcm", "sample_rate": 16000})
    realtime = {"output": {"voice": "onyx", "format": {"type": "audio/pcm", "rate": 16000}}}
    nested = post(server, {"input": TEXT, "seed": 8, "voice": "alloy", "audio": realtime})
    assert part_of(nested) == part_of(plain)
    assert part_of(nested)["sample_rate"] == 16000
    assert nested.headers["X-Voice"] == "onyx"


def test_without_options_it_is_an_mp3_in_the_default_voice(server):
    reply = post(server, {"input": TEXT})
    assert (sniff(base64.b64decode(part_of(reply)["data"])), reply.headers["X-Voice"]) == ("mp3", "alloy")


def test_the_reply_is_a_response_of_the_openai_sdk(server):
    """Its model knows text and refusals as content; everything around them must fit it strictly."""
    reply = post(server, {"input": TEXT, "model": "tts-1"}).json()
    assert reply["usage"]["total_tokens"] == reply["usage"]["input_tokens"] + reply["usage"]["output_tokens"] > 0
    known = copy.deepcopy(reply)
    known["output"][0]["content"] = [{"type": "output_text", "text": "", "annotations": []}]
    assert Response.model_validate(known).status == "completed"


def test_the_openai_sdk_gets_its_audio(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
        reply = client.responses.create(model="gpt-4o-mini-tts", input=TEXT, extra_body={"audio": {"voice": "coral", "format": "wav"}})
    assert (reply.object, reply.status, reply.model) == ("response", "completed", "embedded")
    assert hear(base64.b64decode(reply.output[0].content[0].data)).seconds > 0.8


def test_the_openai_sdk_streams_it(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
        heard = list(client.responses.create(model="tts-1", input=TEXT, stream=True, extra_body={"voice": "coral", "seed": 2}))
    assert {event.type for event in heard[:-1]} == {"response.output_audio.delta"}
    assert (heard[-1].type, heard[-1].response.status) == ("response.completed", "completed")
    pcm = b"".join(base64.b64decode(event.audio) for event in heard[:-1])
    assert pcm == speech(server, input=TEXT, voice="coral", seed=2, response_format="pcm")


def test_events_come_on_stream_and_on_accept_alike(server):
    fields = {"input": TEXT, "seed": 4, "sample_rate": 16000}
    *streamed, done = events(post(server, {**fields, "stream": True}))
    *accepted, _ = events(post(server, fields, Accept="text/event-stream"))
    assert done == "[DONE]"
    assert streamed[:-1] == accepted[:-1]
    deltas = [json.loads(event) for event in streamed[:-1]]
    assert {(delta["type"], delta["format"], delta["sample_rate"]) for delta in deltas} == {("response.output_audio.delta", "pcm16", 16000)}
    assert [delta["index"] for delta in deltas] == list(range(len(deltas)))
    completed = json.loads(streamed[-1])
    assert completed["response"]["output"][0]["content"][0]["transcript"] == TEXT


def test_events_carry_another_format_when_it_is_asked_for(server):
    *deltas, _completed, _done = events(post(server, {"input": TEXT, "stream": True, "audio": {"format": "mp3"}}))
    data = b"".join(base64.b64decode(json.loads(delta)["audio"]) for delta in deltas)
    assert (sniff(data), json.loads(deltas[0])["format"]) == ("mp3", "mp3")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["Hello"]}, "input.0"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0"),
        ({"input": [{"role": "pirate", "content": "Hello"}]}, "input.0.role"),
        ({"input": [{"role": "user"}]}, "input.0.content"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input.0.content.0"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": 4}]}]}, "input.0.content.0"),
        ({"input": TEXT, "audio": "loud"}, "audio"),
        ({"input": TEXT, "audio": {"format": "midi"}}, "response_format"),
        ({"input": TEXT, "audio": {"format": 7}}, "response_format"),
        ({"input": TEXT, "audio": {"speed": 9}}, "speed"),
        ({"input": "x" * 5000}, "input"),
    ],
)
def test_a_wrong_field_is_named(server, fields, param):
    reply = post(server, fields)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param), reply.text


def test_an_unknown_voice_is_a_404_and_as_an_object_a_400(server):
    assert post(server, {"input": TEXT, "audio": {"voice": "nobody"}}).status_code == 404
    assert post(server, {"input": TEXT, "audio": {"voice": {"id": "nobody"}}, "stream": True}).status_code == 400
