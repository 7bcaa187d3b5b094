"""What holds at every address: an id, JSON for errors, nothing that was not meant for the client; and the fields to their last value."""

from __future__ import annotations

import http.client
import json
import re

import numpy as np
import pytest
import requests
from support.decoded_audio import hear

from tests.audio.sounds import make_file
from tts_server.controls import Controls
from tts_server.speech import SpeechRequest
from tts_server.web.app import MAX_BODY_BYTES
from tts_server.web.middleware.browsers import CORS_EXPOSED_HEADERS
from tts_server.web.routes.sillytavern import TtsFields

TEXT = "Good morning."
NO_JSON = ("/", "/favicon.ico", "/metrics", "/docs", "/page/encode")
"""Addresses whose good replies are for eyes or ears, or for Prometheus."""


def post(server, path: str = "/v1/audio/speech", **kwargs) -> requests.Response:
    return requests.post(server.url + path, timeout=60, **kwargs)


def every_route(server) -> list[tuple[str, str]]:
    """(method, address), with `x` in place of names."""
    return sorted((method, re.sub(r"<[^>]+>", "x", str(rule))) for rule in server.app.url_map.iter_rules() for method in rule.methods or ())


NONSENSE = {
    "nothing": b"",
    "half of JSON": b"{",
    "wrong types": b'{"input": [], "name": 5, "text": {}, "prompt": null}',
    "bytes": b"\x00\xff" * 50,
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_every_address_answers_nonsense_in_json_with_an_id_and_without_a_trace(server, body):
    wrong = []
    for method, path in [*every_route(server), ("GET", "/nothing"), ("PUT", "/v1/audio/speech"), ("POST", "/nothing")]:
        reply = requests.request(method, server.url + path, data=body, timeout=60)
        kind = reply.headers.get("Content-Type", "")
        is_right = "json" in kind or not reply.content or (path in NO_JSON and reply.status_code < 400)
        if not reply.headers.get("x-request-id") or not is_right or reply.status_code in (500, 502) or "Traceback" in reply.text:
            wrong.append((method, path, reply.status_code, kind, reply.text[:100]))
    assert wrong == []


def test_a_stream_and_its_events_have_an_id_too(server):
    for fields in ({"stream": True}, {"stream_format": "sse"}, {}):
        assert post(server, json={"input": ".", **fields}).headers["x-request-id"]


def test_the_detail_beside_an_error_is_its_message_where_no_field_is_wrong(server):
    for reply in (post(server, json={"input": TEXT, "voice": "nobody"}), post(server, json={"input": TEXT, "model": "chatterbox-nano"})):
        assert reply.json()["detail"] == reply.json()["error"]["message"]


def test_pages_that_are_let_in_can_read_every_header_that_describes_a_reply(start_server, clip):
    running = start_server(cors_origins=("https://app.example",))
    reply = post(
        running,
        data={"input": TEXT, "temperature": "0.5"},
        files={"speaker_wav": ("me.flac", clip)},
        headers={"Origin": "https://app.example"},
    )
    told = post(running, json={"input": TEXT, "model": "chatterbox-nano"}, headers={"Origin": "https://app.example"})
    exposed = {name.strip().lower() for name in CORS_EXPOSED_HEADERS.split(",")}
    about_the_transfer = {"x-content-type-options", "x-should-retry", "x-accel-buffering"}
    sent = {name.lower() for headers in (reply.headers, told.headers) for name in headers if name.lower().startswith("x-")}
    assert sent - about_the_transfer <= exposed
    assert "retry-after" in exposed
    assert reply.headers["Access-Control-Expose-Headers"] == CORS_EXPOSED_HEADERS


ENDS = {
    "speed": (0.25, 4),
    "sample_rate": (8000, 48000),
    "cfg_weight": (0, 1),
    "exaggeration": (0.25, 2),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (0, 10000),
    "min_p": (0, 1),
    "repetition_penalty": (1, 2),
    "cfg_value": (0.5, 5),
    "seed": (0, 2**63 - 1),
    "norm_loudness": (False, True),
}


@pytest.mark.parametrize("end", [0, 1], ids=["lowest", "highest"])
def test_a_field_may_have_the_ends_of_its_range_in_json_and_in_a_form(server, end):
    fields = {name: ends[end] for name, ends in ENDS.items()}
    for reply in (post(server, json={"input": TEXT, **fields}), post(server, data={"input": TEXT, **fields})):
        assert reply.status_code == 200, reply.text
        assert set(reply.headers["X-Ignored-Parameters"].split(", ")) == set(Controls.model_fields)
        assert reply.headers["X-Seed"] == str(fields["seed"])


def test_an_empty_field_of_a_form_is_not_given(server):
    names = [*ENDS, "model", "voice", "response_format", "stream", "stream_format", "language", "cache", "voice_url", "voice_b64"]
    reply = post(server, data={"input": TEXT, **dict.fromkeys(names, "")})
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "audio/mpeg")
    assert "X-Ignored-Parameters" not in reply.headers


def test_without_a_rate_the_reply_has_24000_hz_or_what_the_settings_say(server, start_server):
    assert hear(post(server, json={"input": TEXT, "response_format": "wav"}).content).rate == 24000
    assert hear(post(start_server(sample_rate=16000), json={"input": TEXT, "response_format": "wav"}).content).rate == 16000


def test_the_stream_of_wav_takes_the_fields_of_speech_whatever_the_format(server):
    fields = {"input": TEXT, "voice": "onyx", "speed": 1.5, "seed": 3, "sample_rate": 16000}
    plain = hear(post(server, json={**fields, "response_format": "wav"}).content)
    for asked in ({}, {"response_format": "mp3"}, {"stream": False}):
        stream = post(server, "/v1/audio/speech/stream", json={**fields, **asked})
        assert stream.headers["Content-Type"] == "audio/wav"
        assert np.array_equal(hear(stream.content).samples, plain.samples)
    wrong = post(server, "/v1/audio/speech/stream", json={**fields, "speed": 9})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "speed")


@pytest.mark.parametrize("path", ["/v1/audio/speech/stream", "/tts-stream"])
def test_a_stream_of_wav_begins_before_the_text_is_spoken(start_server, path):
    """The reader holds back after its first bytes: most of the text is not made yet, and more comes when it reads on."""
    running = start_server(synthesis_threads=1)
    text = " ".join(f"This is sentence number {number} of a long story." for number in range(80))[:4000]
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    if path == "/tts-stream":
        connection.request("GET", f"{path}?text={text.replace(' ', '%20')}")
    else:
        connection.request("POST", path, json.dumps({"input": text}))
    reply = connection.getresponse()
    assert reply.read1(4096)[:4] == b"RIFF"
    health = requests.get(f"{running.url}/health", timeout=10).json()["metrics"]
    assert (health["in_flight"], health["segments_done"] < 10) == (1, True)
    assert len(reply.read(300_000)) == 300_000
    connection.close()


def test_the_prompt_route_takes_every_control_and_names_those_that_change_nothing(server, clip):
    fields = {"input": TEXT, "response_format": "mp3", "language": "en", **{name: ends[1] for name, ends in ENDS.items()}}
    reply = post(server, "/v2/audio/speech_with_prompt", data=fields, files={"audio_prompt": ("Aufnahme ü 录音.flac", clip)})
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "audio/mpeg")
    assert set(reply.headers["X-Ignored-Parameters"].split(", ")) == set(Controls.model_fields)
    wrong = post(server, "/v2/audio/speech_with_prompt", data={**fields, "exaggeration": 3}, files={"audio_prompt": ("a.flac", clip)})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "exaggeration")


def test_a_prompt_of_resonance_without_controls_has_its_servers_defaults(server, monkeypatch):
    asked: list[SpeechRequest] = []
    synthesize = server.synthesizer.synthesize
    monkeypatch.setattr(server.synthesizer, "synthesize", lambda request: asked.append(request) or synthesize(request))
    assert post(server, "/generate", json={"prompt": TEXT, "voice_key": "standard/harbor.flac"}).status_code == 200
    assert asked[0].controls == {"temperature": 0.8, "top_p": 0.95, "top_k": 1000, "repetition_penalty": 1.2, "norm_loudness": True}


@pytest.mark.parametrize(
    ("ending", "container", "codec"),
    [
        (".wav", "wav", "pcm_s16le"),
        (".flac", "flac", "flac"),
        (".mp3", "mp3", "libmp3lame"),
        (".ogg", "ogg", "libopus"),
        (".M4A", "mp4", "aac"),
    ],
)
def test_a_file_of_every_common_kind_is_a_voice_by_its_stem(start_server, clip, tmp_path, ending, container, codec):
    path = tmp_path / "standard" / f"Somebody{ending}"
    path.parent.mkdir()
    heard = hear(clip)
    path.write_bytes(make_file(container, codec, heard.samples, heard.rate))
    (path.parent / "notes.txt").write_text("not a voice", encoding="utf-8")
    running = start_server(voice_library_path=tmp_path)
    library = [voice for voice in requests.get(f"{running.url}/v1/voices", timeout=10).json()["data"] if voice["origin"] == "library"]
    assert [voice["id"] for voice in library] == ["Somebody"]
    reply = post(running, json={"input": TEXT, "voice": "somebody"})
    assert (reply.status_code, reply.headers["X-Voice"]) == (200, "Somebody")
    recording = requests.get(f"{running.url}/v1/voices/Somebody/audio", timeout=10)
    assert recording.content == path.read_bytes()


def test_a_body_without_a_stated_length_is_counted_while_it_is_read(server):
    """In chunks, so that nothing says beforehand how long it will be, and without an end: the answer does not wait for it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/v1/audio/speech")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    piece = b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    for _ in range(MAX_BODY_BYTES // (1 << 20) + 2):
        connection.send(piece)
    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["error"]["code"]) == (413, "too_large")
    connection.close()
    assert post(server, json={"input": "."}).status_code == 200


@pytest.mark.parametrize("path", ["/tts", "/tts-stream"])
def test_every_field_of_sillytavern_arrives_at_the_voice(server, monkeypatch, path):
    asked: list[SpeechRequest] = []
    synthesize = server.synthesizer.synthesize
    monkeypatch.setattr(server.synthesizer, "synthesize", lambda request: asked.append(request) or synthesize(request))
    fields = {
        "text": TEXT,
        "voice_mode": "clone",
        "predefined_voice_id": "nova",
        "reference_audio_filename": "harbor.flac",
        "output_format": "mp3",
        "temperature": 0.7,
        "exaggeration": 0.6,
        "cfg_weight": 0.4,
        "seed": 11,
        "speed_factor": 1.5,
        "language": "en",
        "split_text": "true",
        "chunk_size": 120,
        "stream": "true",
        "text_normalization": "off",
    }
    assert set(fields) == set(TtsFields.model_fields)
    reply = post(server, path, json=fields) if path == "/tts" else requests.get(server.url + path, params=fields, timeout=60)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "audio/mpeg")
    (request,) = asked
    assert (request.text, request.voice, request.format.value, request.speed, request.seed) == (TEXT, "harbor", "mp3", 1.5, 11)
    assert not request.is_normalized
    assert (request.language, request.controls) == ("en", {"temperature": 0.7, "exaggeration": 0.6, "cfg_weight": 0.4})


def test_the_controls_of_a_voice_have_the_ranges_of_a_requests(start_server, clip, tmp_path):
    running = start_server(voice_library_path=tmp_path)

    def keep(name: str, controls: dict) -> requests.Response:
        return post(running, "/v1/voices", data={"name": name, "controls": json.dumps(controls)}, files={"audio": ("a.flac", clip)})

    ranges = {name: ends for name, ends in ENDS.items() if name in Controls.model_fields}
    assert set(ranges) == set(Controls.model_fields)
    beyond = {name: ends[1] + 1 for name, ends in ranges.items()} | {"norm_loudness": "loud"}
    for name, value in beyond.items():
        refused = keep("fresh", {name: value})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, f"controls.{name}")
    for end in (0, 1):
        kept = keep(f"voice {end}", {name: ends[end] for name, ends in ranges.items()})
        assert (kept.status_code, kept.json()["controls"]) == (201, {name: ends[end] for name, ends in ranges.items()})
