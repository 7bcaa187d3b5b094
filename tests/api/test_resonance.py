"""Resonance's dialect: `POST /generate`, its key, its tags and its words for errors."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import requests
from support.decoded_audio import hear, sniff
from support.server import run_server

from tts_server.errors import EngineFailure

CLIPS = Path(__file__).parents[1] / "clips"

KEY = "voices/system/default.wav"
PROMPT = "A voice from the store."


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """A folder as Resonance fills its bucket: not every file has an ending."""
    folder = tmp_path_factory.mktemp("outside") / "store"
    for key, clip in {KEY: "female_slt", "voices/orgs/7/é 3": "male_kal", "voices/system/damaged.wav": None}.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((CLIPS / f"{clip}.flac").read_bytes() if clip else b"RIFF no audio at all")
    return folder


@pytest.fixture(scope="module")
def resonance(store):
    with run_server(resonance_voices=str(store), seed=5) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(store):
    """A server with a key, and little patience for long texts."""
    with run_server(resonance_voices=str(store), chatterbox_api_key="right", max_text_length=100) as running:
        yield running


def generate(server, key=KEY, prompt=PROMPT, headers=None, **fields) -> requests.Response:
    body = {"prompt": prompt, "voice_key": key, **fields}
    return requests.post(f"{server.url}/generate", json=body, headers=headers, timeout=60)


def test_a_prompt_is_spoken_in_the_voice_at_its_key(resonance):
    female, male = generate(resonance), generate(resonance, "voices/orgs/7/é 3")
    assert (female.headers["Content-Type"], sniff(female.content)) == ("audio/wav", "wav")
    assert hear(female.content).seconds > 1
    assert female.content != male.content
    assert (female.headers["X-Voice-Cloning"], male.headers["X-Voice-Cloning"]) == ("matched", "matched")


def test_a_changed_file_is_heard_by_the_next_request(resonance, store):
    path = store / "voices/system/changing"
    shutil.copy(CLIPS / "female_slt.flac", path)
    before = generate(resonance, "voices/system/changing").content
    shutil.copy(CLIPS / "male_kal.flac", path)
    assert generate(resonance, "voices/system/changing").content == generate(resonance, "voices/orgs/7/é 3").content != before


def test_without_a_store_of_its_own_it_has_the_voices_of_the_library(server):
    library = requests.get(f"{server.url}/v1/voices", timeout=10).json()["data"]
    (path,) = (voice["wav_path"] for voice in library if voice["id"] == "harbor")
    assert path.startswith("voices/")
    assert generate(server, path).status_code == 200
    assert generate(server, path.removeprefix("voices/")).status_code == 200


def test_only_controls_that_were_asked_for_are_called_ignored(resonance):
    assert "X-Ignored-Parameters" not in generate(resonance).headers
    assert generate(resonance, temperature=0.5, top_k=40).headers["X-Ignored-Parameters"] == "temperature, top_k"


def test_tags_that_the_model_cannot_perform_are_not_spoken(resonance):
    plain = generate(resonance, prompt="Well, that was odd.").content
    assert generate(resonance, prompt="Well, [laugh] that was odd. [sigh]").content == plain
    assert generate(resonance, prompt="Well, [Clear Throat] that was odd.").content == plain


def test_a_prompt_is_read_as_words_unless_that_is_switched_off(resonance):
    words = generate(resonance, prompt="It costs five dollars.").content
    assert generate(resonance, prompt="It costs $5.").content == words
    link = "See [the prices](https://example.com/a)."
    assert generate(resonance, prompt=link).content == generate(resonance, prompt="See the prices.").content
    assert generate(resonance, prompt=link, text_normalization="off").content != generate(resonance, prompt=link).content


def test_a_prompt_may_be_longer_than_a_text_of_the_other_routes(guarded):
    assert generate(guarded, prompt="Yes. " * 40, headers={"x-api-key": "right"}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"), [({}, 403), ({"x-api-key": "wrong"}, 403), ({"x-api-key": ""}, 403), ({"x-api-key": "right"}, 200)]
)
def test_the_key_has_its_own_header_and_its_own_refusal(guarded, sent, status):
    reply = generate(guarded, headers=sent)
    assert reply.status_code == status
    if status == 403:
        assert reply.json() == {"detail": "Invalid API key"}
    other = requests.post(f"{guarded.url}/v1/audio/speech", json={"input": "Hi"}, timeout=10)
    assert (other.status_code, "error" in other.json()) == (401, True)


def test_a_key_without_a_voice_is_told_word_for_word(resonance):
    reply = generate(resonance, "voices/system/nobody.wav")
    assert (reply.status_code, reply.json()) == (400, {"detail": "Voice not found at 'voices/system/nobody.wav'"})


@pytest.mark.parametrize(
    ("fields", "name", "type_"),
    [
        ({"prompt": None}, "prompt", "missing"),
        ({"prompt": ""}, "prompt", "missing"),
        ({"prompt": "x" * 5001}, "prompt", "string_too_long"),
        ({"prompt": "\u200b"}, "prompt", "nothing_to_say"),
        ({"voice_key": None}, "voice_key", "missing"),
        ({"voice_key": "x" * 301}, "voice_key", "string_too_long"),
        ({"voice_key": "half a letter \ud800"}, "voice_key", "string_unicode"),
        ({"temperature": 2.1}, "temperature", "less_than_equal"),
        ({"temperature": -0.1}, "temperature", "greater_than_equal"),
        ({"temperature": "hot"}, "temperature", "float_parsing"),
        ({"top_p": 1.5}, "top_p", "less_than_equal"),
        ({"top_k": 0}, "top_k", "greater_than_equal"),
        ({"top_k": 10001}, "top_k", "less_than_equal"),
        ({"repetition_penalty": 0.9}, "repetition_penalty", "greater_than_equal"),
        ({"repetition_penalty": 2.1}, "repetition_penalty", "less_than_equal"),
        ({"norm_loudness": "perhaps"}, "norm_loudness", "bool_parsing"),
    ],
)
def test_a_wrong_field_is_a_422_with_its_place(resonance, fields, name, type_):
    reply = requests.post(f"{resonance.url}/generate", json={"prompt": PROMPT, "voice_key": KEY, **fields}, timeout=60)
    assert (reply.status_code, set(reply.json())) == (422, {"detail"}), reply.text
    (wrong,) = reply.json()["detail"]
    assert (wrong["loc"], wrong["type"], bool(wrong["msg"])) == (["body", name], type_, True)


def test_a_body_that_is_no_object_is_a_422(resonance):
    reply = requests.post(f"{resonance.url}/generate", data="[1]", timeout=10)
    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["body"])


def test_a_file_that_is_not_audio_is_told_without_a_trace(resonance):
    reply = generate(resonance, "voices/system/damaged.wav")
    assert (reply.status_code, set(reply.json())) == (400, {"detail"})


@pytest.mark.parametrize("error", [EngineFailure("the device is lost"), ZeroDivisionError("secret")])
def test_an_engine_that_fails_is_a_500_in_its_words(resonance, monkeypatch, error):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(resonance.synthesizer.catalog.engines["embedded"], "submit", fail)
    reply = generate(resonance)
    assert (reply.status_code, set(reply.json())) == (500, {"detail"})
    assert reply.json()["detail"].startswith("Failed to generate audio: ")
    assert "secret" not in reply.text


OUTSIDE = [
    "../outside.wav",
    "voices/../../outside.wav",
    "voices/system/../../../outside.wav",
    "./voices/system/default.wav",
    "voices//system/default.wav",
    "/etc/passwd",
    "//server/share/outside.wav",
    "\\\\server\\share\\outside.wav",
    "..\\outside.wav",
    "voices\\system\\default.wav",
    "%2e%2e/outside.wav",
    "..%2foutside.wav",
    "%252e%252e/outside.wav",
    "C:/outside.wav",
    "C:outside.wav",
    "voices/system/default.wav::$DATA",
    "NUL",
    "voices/nul.wav",
    "voices/COM1",
    "~/outside.wav",
    "voices/system/default.wav\x00.txt",
    "voices/system/default.wav\n",
    "voices/system/default.wav.",
    "voices/system/default.wav ",
    "voices/system/",
    "voices/system",
    "voices/\u202e/default.wav",
    "．．/outside.wav",
    "link.wav",
    "linked/inside.wav",
    ".hidden.wav",
]


@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "there"])
def test_no_key_leads_out_of_the_store_and_none_tells_what_lies_there(resonance, store, is_there):
    outside = store.parent / "outside.wav"
    outside.unlink(missing_ok=True)
    if is_there:
        shutil.copy(CLIPS / "male_kal.flac", outside)
        (store.parent / "elsewhere").mkdir(exist_ok=True)
        shutil.copy(outside, store.parent / "elsewhere" / "inside.wav")
        shutil.copy(outside, store / ".hidden.wav")
        for name, target in (("link.wav", outside), ("linked", store.parent / "elsewhere")):
            if not (store / name).exists() and os.name != "nt":
                (store / name).symlink_to(target)
    for key in OUTSIDE:
        body = json.dumps({"prompt": PROMPT, "voice_key": key})
        reply = requests.post(f"{resonance.url}/generate", data=body, headers={"Content-Type": "application/json"}, timeout=60)
        assert (reply.status_code, reply.json()) == (400, {"detail": f"Voice not found at '{key}'"})
