"""The API of devnen's Chatterbox server, called as SillyTavern's provider calls it."""

from __future__ import annotations

import pytest
import requests
from support.decoded_audio import hear, sniff

TEXT = "The tavern is open tonight."

ORIGIN = "http://tavern.example:8000"


def provider_settings(**changes) -> dict:
    """What the provider sends with every text, by its own defaults."""
    return {
        "voice_mode": "predefined",
        "temperature": 0.8,
        "exaggeration": 0.5,
        "cfg_weight": 0.5,
        "seed": 1234,
        "speed_factor": 1.0,
        "language": "en",
        "output_format": "wav",
        **changes,
    }


def tts(server, text=TEXT, **changes) -> requests.Response:
    body = {"text": text, "split_text": True, "chunk_size": 120, **provider_settings(**changes)}
    return requests.post(f"{server.url}/tts", json=body, headers={"Cache-Control": "no-cache"}, timeout=60)


def spoken(reply: requests.Response) -> bytes:
    assert reply.status_code == 200, reply.text
    return reply.content


def test_the_listings_name_voices_and_files_that_can_be_spoken_with(server):
    voices = requests.get(f"{server.url}/get_predefined_voices", timeout=10).json()
    files = requests.get(f"{server.url}/get_reference_files", timeout=10).json()
    assert all(set(voice) == {"display_name", "filename"} for voice in voices)
    assert {"alloy", "harbor.flac"} <= {voice["filename"] for voice in voices}
    assert "harbor.flac" in files
    assert "alloy" not in files
    by_voice = spoken(tts(server, predefined_voice_id="harbor.flac"))
    assert by_voice == spoken(tts(server, voice_mode="clone", reference_audio_filename="harbor.flac"))
    assert by_voice != spoken(tts(server, predefined_voice_id="alloy"))


@pytest.mark.parametrize("name", ["wav", "opus", "mp3"])
def test_a_text_comes_back_in_the_format_that_was_chosen(server, name):
    reply = tts(server, predefined_voice_id="nova", output_format=name)
    content_type = {"wav": "audio/wav", "opus": "audio/ogg", "mp3": "audio/mpeg"}[name]
    assert (sniff(spoken(reply)), reply.headers["Content-Type"]) == (name, content_type)
    assert hear(reply.content).seconds > 1


def test_the_ending_and_the_case_of_a_voice_do_not_matter(server):
    said = {spoken(tts(server, predefined_voice_id=name)) for name in ("harbor", "Harbor.FLAC", "harbor.wav")}
    assert len(said) == 1
    assert spoken(tts(server, predefined_voice_id="Nova.wav")) == spoken(tts(server, predefined_voice_id="nova"))


def test_the_provider_gets_the_default_voice_where_its_user_chose_none(server):
    """It sends the name S1 then, for its narrator too."""
    unchosen = tts(server, predefined_voice_id="S1")
    assert spoken(unchosen) == spoken(tts(server, predefined_voice_id="alloy")) == spoken(tts(server))
    assert unchosen.headers["X-Voice"] == "alloy"


def test_the_streaming_address_gives_the_same_samples_as_a_growing_wav(server):
    params = provider_settings(predefined_voice_id="sage", text=TEXT)
    reply = requests.get(f"{server.url}/tts-stream", params=params, timeout=60)
    assert (reply.headers["Content-Type"], spoken(reply)[40:44]) == ("audio/wav", b"\xff" * 4)
    assert reply.content[44:] == spoken(tts(server, predefined_voice_id="sage"))[44:]


def test_the_streaming_address_needs_nothing_but_a_text(server):
    assert sniff(spoken(requests.get(f"{server.url}/tts-stream?text=Hello+there", timeout=60))) == "wav"


def test_asking_for_the_head_of_the_stream_speaks_nothing(server, monkeypatch):
    spoken_texts = []
    monkeypatch.setattr(server.synthesizer.catalog.engines["embedded"], "submit", spoken_texts.append)
    reply = requests.head(f"{server.url}/tts-stream?text=Hello", timeout=10)
    assert (reply.status_code, reply.headers["Content-Type"], reply.content) == (200, "audio/wav", b"")
    assert spoken_texts == []


def test_a_streamed_post_is_a_growing_wav_too(server):
    reply = tts(server, stream=True)
    assert spoken(reply)[40:44] == b"\xff" * 4
    assert reply.content[44:] == spoken(tts(server))[44:]


def test_the_speed_factor_is_a_tempo(server):
    normal, fast = (hear(spoken(tts(server, speed_factor=factor))).seconds for factor in (1.0, 2.0))
    assert fast == pytest.approx(normal / 2, rel=0.1)


@pytest.mark.parametrize("seed", [-1, 0, None])
def test_a_seed_below_one_means_any(server, seed):
    first, second = tts(server, seed=seed), tts(server, seed=seed)
    assert spoken(first) != b"" != spoken(second)
    assert first.headers["X-Seed"] != second.headers["X-Seed"]


@pytest.mark.parametrize("exaggeration", [0, 0.1, 2, 3])
def test_every_place_of_the_exaggeration_slider_is_served(server, exaggeration):
    assert tts(server, exaggeration=exaggeration).status_code == 200


def test_how_the_text_is_split_is_our_own_affair(server):
    long_text = TEXT * 8
    assert spoken(tts(server, long_text, split_text=False)) == spoken(tts(server, long_text, chunk_size=50))


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"text": ""}, 422, "text"),
        ({"text": "x" * 5000}, 422, "text"),
        ({"voice_mode": "sing"}, 422, "voice_mode"),
        ({"voice_mode": "clone"}, 422, "reference_audio_filename"),
        ({"output_format": "midi"}, 422, "output_format"),
        ({"temperature": "hot"}, 422, "temperature"),
        ({"speed_factor": 9}, 422, "speed_factor"),
        ({"seed": -2}, 422, "seed"),
    ],
)
def test_a_wrong_field_is_told_in_a_list(server, changes, status, field):
    reply = tts(server, **changes)
    (wrong,) = reply.json()["detail"]
    assert (reply.status_code, wrong["loc"]) == (status, ["body", field])
    assert reply.json()["error"]["param"] == field


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"predefined_voice_id": "nobody.wav"}, 404, "predefined_voice_id"),
        ({"voice_mode": "clone", "reference_audio_filename": "nobody.wav"}, 404, "reference_audio_filename"),
        ({"voice_mode": "clone", "reference_audio_filename": "../standard/harbor.flac"}, 404, "reference_audio_filename"),
        ({"voice_mode": "clone", "reference_audio_filename": "alloy"}, 404, "reference_audio_filename"),
        ({"text": "\u200b"}, 400, "text"),
        ({"text": "[pause:10s]" * 13 + "Hi"}, 400, "text"),
        ({"language": "klingon!"}, 400, "language"),
    ],
)
def test_other_errors_are_told_in_a_sentence(server, changes, status, field):
    reply = tts(server, **changes)
    assert (reply.status_code, reply.json()["error"]["param"]) == (status, field), reply.text
    assert isinstance(reply.json()["detail"], str)


def test_errors_of_the_streaming_address_speak_of_the_query(server):
    reply = requests.get(f"{server.url}/tts-stream", params={"speed_factor": 9, "text": TEXT}, timeout=10)
    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["query", "speed_factor"])
    assert requests.get(f"{server.url}/tts-stream", timeout=10).json()["detail"][0]["loc"] == ["query", "text"]


def test_a_body_that_is_no_object_is_a_422(server):
    reply = requests.post(f"{server.url}/tts", data="hello", timeout=10)
    assert (reply.status_code, reply.json()["detail"][0]["type"]) == (422, "json_invalid")


def test_a_browser_page_may_call_it_where_its_origin_is_allowed(start_server):
    running = start_server(cors_origins=(ORIGIN,))
    preflight = requests.options(
        f"{running.url}/tts",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "cache-control,content-type",
        },
        timeout=10,
    )
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
    assert (preflight.status_code, "cache-control" in allowed, "content-type" in allowed) == (204, True, True)
    for path in ("/", "/get_predefined_voices", "/get_reference_files", "/tts-stream?text=Hi"):
        reply = requests.get(running.url + path, headers={"Origin": ORIGIN}, timeout=60)
        assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    said = requests.post(f"{running.url}/tts", json={"text": "Hi."}, headers={"Origin": ORIGIN}, timeout=60)
    assert (said.status_code, said.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    refused = requests.post(f"{running.url}/tts", json={"text": "Hi."}, headers={"Origin": "http://elsewhere.example"}, timeout=10)
    assert refused.status_code == 403
