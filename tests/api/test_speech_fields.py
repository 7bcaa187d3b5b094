"""How the fields of a request are read: JSON, forms, empty values, ranges, the older dialect."""

from __future__ import annotations

import json

import pytest
import requests
from support.decoded_audio import hear, sniff

TEXT = "A short test."


def post(server, path="/v1/audio/speech", **kwargs) -> requests.Response:
    return requests.post(server.url + path, timeout=60, **kwargs)


def test_json_is_read_without_a_content_type(server):
    reply = post(server, data=json.dumps({"input": TEXT, "response_format": "wav"}).encode())
    assert (reply.status_code, sniff(reply.content)) == (200, "wav")


def test_json_is_read_under_the_content_type_that_curl_sends_by_default(server):
    body = json.dumps({"input": TEXT, "response_format": "flac"})
    reply = post(server, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (reply.status_code, sniff(reply.content)) == (200, "flac")


def test_forms_carry_the_same_fields(server):
    fields = {"input": TEXT, "response_format": "wav", "speed": "2", "stream": "true", "seed": "3"}
    urlencoded = post(server, data=fields)
    multipart = post(server, files={name: (None, value) for name, value in fields.items()})
    assert urlencoded.content == multipart.content
    assert sniff(urlencoded.content) == "wav"


def test_empty_and_null_mean_not_given(server):
    names = """model voice response_format speed instructions stream_format stream sample_rate language cfg_weight
exaggeration temperature top_p top_k min_p repetition_penalty seed norm_loudness cfg_value cache voice_url
voice_b64""".split()
    for nothing in ("", None):
        reply = post(server, json={"input": TEXT, **dict.fromkeys(names, nothing)})
        assert (reply.status_code, sniff(reply.content)) == (200, "mp3"), reply.text


def test_unknown_fields_are_tolerated(server):
    assert post(server, json={"input": TEXT, "user": "someone", "nested": {"a": [1]}}).status_code == 200


WRONG = [
    ({"speed": 0.2}, "speed"),
    ({"speed": 4.1}, "speed"),
    ({"speed": "fast"}, "speed"),
    ({"speed": True}, "speed"),
    ({"speed": float("nan")}, "speed"),
    ({"speed": [1]}, "speed"),
    ({"response_format": "ogg"}, "response_format"),
    ({"response_format": 7}, "response_format"),
    ({"stream_format": "json"}, "stream_format"),
    ({"stream": "maybe"}, "stream"),
    ({"sample_rate": 7999}, "sample_rate"),
    ({"sample_rate": 48001}, "sample_rate"),
    ({"sample_rate": 22050.5}, "sample_rate"),
    ({"cfg_weight": 1.1}, "cfg_weight"),
    ({"exaggeration": 0.2}, "exaggeration"),
    ({"exaggeration": 2.1}, "exaggeration"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"top_p": 1.5}, "top_p"),
    ({"top_k": -1}, "top_k"),
    ({"top_k": 10001}, "top_k"),
    ({"min_p": 2}, "min_p"),
    ({"repetition_penalty": 0.9}, "repetition_penalty"),
    ({"repetition_penalty": 2.5}, "repetition_penalty"),
    ({"seed": -1}, "seed"),
    ({"seed": 10**30}, "seed"),
    ({"seed": "abc"}, "seed"),
    ({"norm_loudness": "loud"}, "norm_loudness"),
    ({"cfg_value": 0.4}, "cfg_value"),
    ({"cfg_value": 6}, "cfg_value"),
    ({"cache": "perhaps"}, "cache"),
    ({"voice": 5}, "voice"),
    ({"voice": []}, "voice"),
    ({"voice": {"name": "alloy"}}, "voice"),
    ({"voice": {"id": ""}}, "voice"),
    ({"input": "a[pause:10s]" * 13}, "input"),
    ({"model": 5}, "model"),
    ({"language": "klingon!"}, "language"),
    ({"language": 5}, "language"),
    ({"voice_b64": "%%%"}, "voice_b64"),
    ({"voice_url": "ftp://example.com/a.wav"}, "voice_url"),
    ({"input": ""}, "input"),
    ({"input": None}, "input"),
    ({"input": 5}, "input"),
    ({"input": ["a"]}, "input"),
    ({"input": "x" * 4097}, "input"),
    ({"input": "\u200b\u200b"}, "input"),
    ({"input": "   \n "}, "input"),
]


@pytest.mark.parametrize(("wrong", "param"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_value_is_a_400_that_names_the_field(server, wrong, param):
    reply = post(server, data=json.dumps({"input": TEXT, **wrong}))
    error = reply.json()["error"]
    assert (reply.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert set(error) == {"message", "type", "param", "code"}
    assert reply.json()["detail"]


def test_the_detail_of_a_wrong_value_is_a_list_with_places(server):
    detail = post(server, json={"input": TEXT, "speed": 9, "top_p": 7}).json()["detail"]
    assert {tuple(entry["loc"]) for entry in detail} == {("body", "speed"), ("body", "top_p")}
    assert all(entry["msg"] and entry["type"] for entry in detail)


def test_text_at_the_limit_is_spoken(start_server):
    with_limit = start_server(max_text_length=20)
    assert post(with_limit, json={"input": "a" * 20}).status_code == 200
    assert post(with_limit, json={"input": "a" * 21}).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_a_body_that_is_no_object_is_a_400(server, body):
    reply = post(server, data=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_json")


def test_a_missing_input_is_a_400_that_says_so(server):
    reply = post(server, json={"voice": "alloy"})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "input")


@pytest.mark.parametrize("voice", ["alloy ash ballad coral echo fable onyx nova sage shimmer verse marin cedar".split()])
def test_the_openai_voices_are_always_there_whatever_their_case(server, voice):
    for name in voice:
        for spelling in (name, name.upper()):
            reply = post(server, json={"input": "Yes.", "voice": spelling})
            assert (reply.status_code, reply.headers["X-Voice"]) == (200, name)


def test_a_voice_may_be_an_object_with_an_id(server):
    assert post(server, json={"input": "Yes.", "voice": {"id": "nova"}}).headers["X-Voice"] == "nova"
    unknown = post(server, json={"input": "Yes.", "voice": {"id": "nobody"}})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "voice_not_found")


def test_an_unknown_voice_is_a_404_that_names_the_known_ones(server):
    reply = post(server, json={"input": "Yes.", "voice": "nobody"})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (404, "voice_not_found", "voice")
    assert "shimmer" in error["message"]


@pytest.mark.parametrize("voice", ["en", "zh", "zh-cn", "EN", "pt-BR", "no", "sw"])
def test_a_language_code_stands_for_the_default_voice(server, voice):
    reply = post(server, json={"input": "Yes.", "voice": voice})
    assert (reply.status_code, reply.headers["X-Voice"]) == (200, "alloy")


def test_an_unknown_model_is_served_by_the_default_one(server):
    reply = post(server, json={"input": "Yes.", "model": "something-else"})
    assert (reply.status_code, reply.headers["X-Model"]) == (200, "embedded")


def test_an_unknown_model_is_a_404_when_models_are_strict(start_server):
    reply = post(start_server(strict_models=True), json={"input": "Yes.", "model": "something-else"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")


def test_a_model_that_is_not_installed_is_a_503_with_the_command_that_brings_it(server):
    reply = post(server, json={"input": "Yes.", "model": "chatterbox-turbo"})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (503, "model_not_available")
    assert "install chatterbox" in error["message"]
    assert int(reply.headers["Retry-After"]) > 0
    assert int(reply.headers["retry-after-ms"]) > 0


def test_names_of_the_model_map_are_served(start_server):
    running = start_server(model_id_map={"house-voice": "embedded"}, served_model_name="front-desk", strict_models=True)
    for name in ("house-voice", "front-desk", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "chatterbox", "chatterbox-tts", "embedded"):
        assert post(running, json={"input": "Yes.", "model": name}).headers["X-Model"] == "embedded"


def test_controls_that_the_model_has_not_got_are_named(server):
    reply = post(server, json={"input": "Yes.", "cfg_weight": 0.5, "temperature": 0.8, "language": "de"})
    assert set(reply.headers["X-Ignored-Parameters"].split(", ")) == {"cfg_weight", "temperature", "language"}
    assert "X-Ignored-Parameters" not in post(server, json={"input": "Yes.", "language": "en"}).headers


def test_instructions_are_never_spoken(server):
    plain = post(server, json={"input": "Yes.", "seed": 1, "response_format": "pcm"})
    instructed = post(server, json={"input": "Yes.", "seed": 1, "response_format": "pcm", "instructions": "Speak like a pirate at length."})
    assert plain.content == instructed.content


@pytest.mark.parametrize("instructions", ["0.5", "1", 0.7])
def test_instructions_that_are_a_number_come_from_the_older_dialect(server, instructions):
    """There speed is the cfg_weight, so it must not change the tempo."""
    reply = post(server, json={"input": TEXT, "instructions": instructions, "speed": 0.5, "seed": 1, "response_format": "wav"})
    plain = post(server, json={"input": TEXT, "seed": 1, "response_format": "wav"})
    assert reply.content == plain.content
    assert set(reply.headers["X-Ignored-Parameters"].split(", ")) == {"exaggeration", "cfg_weight"}


def test_empty_instructions_for_the_older_model_name_are_the_older_dialect(server):
    fields = {"input": TEXT, "model": "chatterbox-tts", "instructions": "", "speed": 0.5, "response_format": "wav", "seed": 1}
    older = hear(post(server, json=fields).content).seconds
    current = hear(post(server, json={**fields, "model": "tts-1"}).content).seconds
    assert current > older * 1.5


def test_in_the_older_dialect_the_weight_has_its_own_range(server):
    reply = post(server, json={"input": TEXT, "instructions": "0.5", "speed": 1.5})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "cfg_weight")


@pytest.mark.parametrize(
    "text", ["你好，世界。", "Привет, мир!", "こんにちは", "مرحبا بالعالم", "Hello there. 今天天气很好，我们去公园吧。"]
)
def test_text_in_a_script_the_voice_cannot_speak_is_refused_with_the_way_out(server, text):
    reply = post(server, json={"input": text})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (400, "unsupported_text", "input")
    assert "chatterbox-multilingual" in error["message"]
    assert "install chatterbox" in error["message"]


def test_a_foreign_word_inside_english_is_spoken(server):
    with_word = hear(post(server, json={"input": "She said Привет to everyone in the room.", "response_format": "wav"}).content)
    without = hear(post(server, json={"input": "She said to everyone in the room.", "response_format": "wav"}).content)
    assert with_word.seconds > without.seconds + 0.15
