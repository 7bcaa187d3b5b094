"""Voices made, heard, changed and deleted over the API."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import openai
import pytest
import requests
import soundfile
from support.decoded_audio import hear
from support.server import run_server

from tests.engines.models_at_hand import CAPABILITIES, SmallEngine
from tts_server.audio.decode import decode_clip
from tts_server.engines.base import Control
from tts_server.engines.catalog import ModelCatalog
from tts_server.metrics import Metrics
from tts_server.speech import SpeechRequest
from tts_server.synthesis.synthesizer import Synthesizer
from tts_server.voices.library import VoiceLibrary


@pytest.fixture(scope="module")
def folder(tmp_path_factory, clip) -> Path:
    """The folder of voices, beside a recording that is none of its business."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.flac").write_bytes(clip)
    (outside / "voices" / "standard").mkdir(parents=True)
    (outside / "voices" / "standard" / "harbor.flac").write_bytes(clip)
    return outside / "voices"


@pytest.fixture(scope="module")
def voices(folder):
    with run_server(voice_library_path=folder) as running:
        yield running


def ask(server, method, path, **kwargs) -> requests.Response:
    return requests.request(method, server.url + path, timeout=60, **kwargs)


def create(server, name, clip, path="/v1/voices", field="audio", **fields) -> requests.Response:
    return ask(server, "POST", path, data={"name": name, **fields}, files={field: ("Aufnahme ä.flac", clip, "audio/flac")})


def speak(server, voice, **fields) -> requests.Response:
    return ask(server, "POST", "/v1/audio/speech", json={"input": "Yes.", "voice": voice, "seed": 1, "response_format": "pcm", **fields})


def code(reply) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


@pytest.fixture
def anna(voices, clip):
    """A voice of its own for one test, with an alias."""
    reply = create(voices, "Änna Maria", clip, aliases="narrator, Erzählerin", language="en-GB", description="Warm")
    assert reply.status_code == 201, reply.text
    yield reply.json()
    for voice in ask(voices, "GET", "/v1/voices").json()["data"]:
        if voice["removable"]:
            ask(voices, "DELETE", f"/v1/voices/{voice['id']}")


def test_an_uploaded_clip_becomes_a_voice_that_speaks(voices, folder, anna):
    assert {name: told for name, told in anna.items() if name not in ("quality", "gender", "controls")} == {
        "id": "Änna Maria",
        "object": "voice",
        "name": "Änna Maria",
        "origin": "library",
        "language": "en",
        "aliases": ["narrator", "Erzählerin"],
        "description": "Warm",
        "pronunciation_dictionary_locators": [],
        "removable": True,
        "wav_path": "voices/custom/Änna Maria.flac",
    }
    assert ask(voices, "GET", "/v1/voices/%C3%84nna%20Maria").json() == {name: anna[name] for name in anna if name != "quality"}
    reply = speak(voices, "änna maria")
    assert (reply.status_code, reply.headers["X-Voice"], reply.headers["X-Voice-Cloning"]) == (200, "%C3%84nna Maria", "matched")
    assert speak(voices, "NARRATOR").content == speak(voices, "erzählerin").content == reply.content != speak(voices, "alloy").content
    assert "Änna Maria" in ask(voices, "GET", "/v1/audio/voices?legacy=true").json()["voices"]


def test_the_reply_says_what_the_clip_is_like(anna, clip):
    report = anna["quality"]
    assert report["measures"]["seconds"]["value"] == pytest.approx(hear(clip).seconds, abs=0.01)
    for measure in report["measures"].values():
        assert set(measure) == {"value", "unit", "good", "advice"}
    assert report["good"] == (report["problems"] == [])


def test_the_voice_is_the_same_after_a_restart_and_stays_while_it_is_the_default(voices, anna, folder, start_server):
    before = speak(voices, "narrator").content
    restarted = start_server(voice_library_path=folder, default_voice_name="narrator")
    assert speak(restarted, "narrator").content == speak(restarted, None).content == before
    assert ask(restarted, "GET", "/v1/voices").json()["default"] == anna["id"]
    assert code(ask(restarted, "DELETE", f"/v1/voices/{anna['id']}")) == (409, "default_voice")
    assert code(ask(restarted, "PATCH", f"/v1/voices/{anna['id'].upper()}", json={"name": "berta"})) == (409, "default_voice")


def test_the_recording_comes_back(voices, clip, anna):
    reply = ask(voices, "GET", "/v1/voices/narrator/audio")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "audio/flac")
    assert "filename*=UTF-8''%C3%84nna%20Maria.flac" in reply.headers["Content-Disposition"]
    got, sent = hear(reply.content), hear(clip)
    assert (got.kind, got.rate, got.channels) == ("flac", 24000, 1)
    assert got.seconds == pytest.approx(sent.seconds, abs=0.01)
    assert ask(voices, "HEAD", "/v1/voices/narrator/audio").content == b""


@pytest.mark.parametrize("voice", ["nova", "HARBOR", "narrator"])
def test_a_preview_is_a_sentence_in_that_voice(voices, anna, voice):
    reply = ask(voices, "GET", f"/v1/voices/{voice}/preview")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "audio/mpeg")
    assert hear(reply.content).seconds > 1.5
    assert reply.headers["X-Voice"].lower() == {"narrator": "%c3%84nna maria"}.get(voice, voice.lower())
    assert ask(voices, "GET", f"/v1/voices/{voice}/preview").content == reply.content


def test_a_voice_is_renamed_and_its_fields_change(voices, folder, anna):
    before = speak(voices, anna["id"]).content
    reply = ask(voices, "PATCH", "/v1/voices/änna maria", json={"name": "Berta", "controls": {"exaggeration": 0.4}, "description": None})
    changed = reply.json()
    assert (reply.status_code, changed["id"], changed["aliases"], changed["controls"], changed["description"]) == (
        200, "Berta", anna["aliases"], {"exaggeration": 0.4}, "From Berta.flac",
    )  # fmt: skip
    assert code(speak(voices, anna["id"])) == (404, "voice_not_found")
    assert speak(voices, "berta").content == speak(voices, "narrator").content == before
    assert list(json.loads((folder / "voices.json").read_text(encoding="utf-8"))) == ["Berta"]
    assert ask(voices, "PATCH", "/v1/voices/Berta", data={"aliases": '["b", "c"]', "language": ""}).json()["aliases"] == ["b", "c"]
    assert code(speak(voices, "narrator")) == (404, "voice_not_found")
    assert ask(voices, "GET", "/v1/voices/b").json()["language"] is None


@pytest.mark.parametrize("path", ["/v1/voices", "/v1/audio/voices"])
def test_a_deleted_voice_is_gone_with_its_file_and_its_names(voices, folder, anna, path):
    reply = ask(voices, "DELETE", f"{path}/Änna Maria")
    kind = "voice.deleted" if path == "/v1/voices" else "audio.voice.deleted"
    assert (reply.status_code, reply.json()) == (200, {"id": "Änna Maria", "object": kind, "deleted": True})
    assert code(ask(voices, "DELETE", f"{path}/Änna Maria")) == (404, "voice_not_found")
    assert code(speak(voices, "narrator")) == (404, "voice_not_found")
    assert code(ask(voices, "GET", "/v1/voices/narrator")) == (404, "voice_not_found")
    assert list((folder / "custom").iterdir()) == []


def test_an_alias_is_no_handle_for_changes(voices, anna):
    assert code(ask(voices, "DELETE", "/v1/voices/narrator")) == (404, "voice_not_found")
    assert code(ask(voices, "PATCH", "/v1/voices/narrator", json={"description": "x"})) == (404, "voice_not_found")


def test_the_openai_sdk_makes_and_deletes_a_voice(voices, clip):
    client = openai.OpenAI(base_url=f"{voices.url}/v1", api_key="any", max_retries=0)
    if not hasattr(client.audio, "voices"):
        pytest.skip("this version of the SDK knows no voices")
    made = client.audio.voices.create(name="From the SDK", audio_sample=("sample.flac", io.BytesIO(clip), "audio/flac"), consent="cons_1")
    assert (made.id, made.name, made.object, made.created_at > 1_700_000_000) == ("From the SDK", "From the SDK", "audio.voice", True)
    with client.audio.speech.with_streaming_response.create(model="tts-1", voice=made.id, input="Yes.") as reply:
        assert reply.headers["X-Voice"] == "From the SDK"
        assert hear(reply.read()).seconds > 0.2
    with pytest.raises(openai.ConflictError):
        client.audio.voices.create(name="from the sdk", audio_sample=("sample.flac", io.BytesIO(clip)), consent="cons_1")
    gone = client.audio.voices.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "audio.voice.deleted")
    with pytest.raises(openai.NotFoundError):
        client.audio.voices.delete(made.id)


def test_a_voice_from_a_description_is_refused_in_words(voices):
    reply = ask(voices, "POST", "/v1/audio/voices", data={"name": "x", "type": "prompt", "prompt": "a pirate"})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "type")


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "../up"}, "name", "may not hold /"),
        ({"name": "NUL"}, "name", "device on Windows"),
        ({"aliases": "ok,a:b"}, "aliases", "may not hold :"),
        ({"aliases": "[1]"}, "aliases.0", "string"),
        ({"language": "klingon"}, "language", "not a language code"),
        ({"controls": '{"exaggeration": 5}'}, "controls.exaggeration", "less than or equal to 2"),
        ({"controls": '{"loudness": 5}'}, "controls.loudness", "no such field"),
        ({"controls": "{"}, "controls", "must be JSON"),
        ({"description": "x" * 501}, "description", "500"),
    ],
)
def test_a_wrong_field_is_named(voices, clip, fields, param, words):
    reply = create(voices, **{"name": "fresh", "clip": clip, **fields})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
    assert words in reply.json()["error"]["message"]
    assert code(ask(voices, "GET", "/v1/voices/fresh")) == (404, "voice_not_found")


def test_a_clip_that_cannot_be_a_voice_is_refused_and_nothing_stays(voices, clip, folder, temporary_folder):
    before = sorted(folder.rglob("*"))
    assert create(voices, "fresh", b"ffconcat version 1.0\nfile /etc/passwd").status_code == 415
    assert create(voices, "fresh", b"").status_code == 400
    assert create(voices, "fresh", clip[: len(clip) // 50]).status_code in (400, 415)
    no_file = ask(voices, "POST", "/v1/voices", data={"name": "fresh"})
    assert (no_file.status_code, no_file.json()["error"]["param"]) == (400, "audio")
    assert sorted(folder.rglob("*")) == before
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.parametrize("name", ["alloy", "HARBOR", "Narrator"])
def test_a_name_that_is_taken_is_a_409(voices, clip, anna, name):
    assert code(create(voices, name, clip)) == (409, "voice_exists")
    assert code(create(voices, "fresh", clip, aliases=name)) == (409, "voice_exists")


@pytest.mark.parametrize("voice", ["alloy", "harbor"])
def test_what_ships_cannot_be_deleted_or_renamed(voices, voice):
    assert code(ask(voices, "PATCH", f"/v1/voices/{voice}", json={"name": "mine"}))[0] in (403, 409)
    if voice == "harbor":
        assert code(ask(voices, "DELETE", f"/v1/voices/{voice}")) == (403, "voice_is_fixed")
        assert ask(voices, "GET", f"/v1/voices/{voice}/audio").status_code == 200
    else:
        assert ask(voices, "DELETE", f"/v1/voices/{voice}").status_code in (403, 409)
        assert code(ask(voices, "GET", f"/v1/voices/{voice}/audio")) == (404, "not_found")


OUTSIDE = "%2e%2e ..%2fsecret %2e%2e%2fsecret ..%5csecret C:%5csecret %5c%5chost%5cshare NUL secret%00 %00 secret".split()


def test_no_name_in_an_address_leaves_the_folder(voices, folder, clip):
    answers = set()
    for name in OUTSIDE:
        for method, rest in [("GET", ""), ("GET", "/audio"), ("GET", "/preview"), ("DELETE", ""), ("PATCH", "")]:
            connection = http.client.HTTPConnection("127.0.0.1", voices.port, timeout=30)
            with contextlib.closing(connection):
                connection.request(method, f"/v1/voices/{name}{rest}", body='{"name": "x"}' if method == "PATCH" else None)
                answers.add(connection.getresponse().status)
    assert answers == {404}
    assert (folder.parent / "secret.flac").read_bytes() == clip


def test_a_voice_brings_its_language_and_controls_where_a_request_says_nothing(voices, anna):
    ask(voices, "PATCH", f"/v1/voices/{anna['id']}", json={"language": "de", "controls": {"exaggeration": 1.5, "temperature": 0.5}})
    # The embedded voice has none of these; what only the voice wished for is not reported to who did not ask for it.
    assert "X-Ignored-Parameters" not in speak(voices, "narrator").headers
    assert speak(voices, "narrator", language="fr", cfg_weight=0.1).headers["X-Ignored-Parameters"] == "cfg_weight, language"


def test_an_engine_is_given_what_the_voice_wishes_and_the_request_goes_first(tmp_path, clip):
    engine = SmallEngine()
    controls = (Control("exaggeration", 0.25, 2.0, 0.5), Control("top_p", 0.0, 1.0, 1.0))
    engine.capabilities = replace(CAPABILITIES, languages=("en", "de"), controls=controls)
    (tmp_path / "anna.flac").write_bytes(clip)
    entry = {"aliases": ["narrator"], "language": "de", "controls": {"exaggeration": 1.5, "top_p": 0.3, "top_k": 5}}
    (tmp_path / "voices.json").write_text(json.dumps({"anna": entry}), encoding="utf-8")
    synthesizer = Synthesizer(ModelCatalog({"embedded": engine}), VoiceLibrary(tmp_path, decode_clip), Metrics(), default_voice="anna")
    for voice in ("Narrator", None):
        plan = synthesizer.synthesize(SpeechRequest("Yes.", voice=voice, controls={"top_p": 0.9})).plan
        assert (dict(plan.controls), plan.language, plan.ignored) == ({"exaggeration": 1.5, "top_p": 0.9}, "de", ())
    assert synthesizer.synthesize(SpeechRequest("Yes.", voice="narrator", language="en")).plan.language == "en"
    assert synthesizer.synthesize(SpeechRequest("Yes.", voice="own")).plan.controls == ()


def test_reloading_picks_up_what_changed_on_disk(voices, clip, folder, anna):
    ask(voices, "POST", "/admin/reload-voices")
    (folder / "custom" / "Änna Maria.flac").unlink()
    (folder / "elite").mkdir(exist_ok=True)
    (folder / "elite" / "dropped_in.flac").write_bytes(clip)
    try:
        found = ask(voices, "POST", "/admin/reload-voices").json()
        assert (found["status"], found["total"], found["loaded"]) == ("ok", 2, ["dropped_in", "harbor"])
        assert (found["added"], found["dropped"], found["failed"]) == (["dropped_in"], ["Änna Maria"], ["Änna Maria"])
        assert "there is no recording of this name" in found["problems"][0]
        assert speak(voices, "dropped_in").headers["X-Voice"] == "dropped_in"
        assert code(speak(voices, "narrator")) == (404, "voice_not_found")
    finally:
        (folder / "voices.json").write_text("{}", encoding="utf-8")


CHANGES = [
    ("POST", "/v1/voices"),
    ("POST", "/v1/audio/voices"),
    ("PATCH", "/v1/voices/x"),
    ("DELETE", "/v1/voices/x"),
    ("DELETE", "/v1/audio/voices/x"),
]


def test_where_others_can_reach_the_server_voices_change_only_with_a_key(start_server, tmp_path, clip):
    open_to_all = start_server(host="0.0.0.0", voice_library_path=tmp_path)
    url = f"http://127.0.0.1:{open_to_all.port}"
    for method, path in [*CHANGES, ("POST", "/admin/reload-voices")]:
        reply = requests.request(method, url + path, timeout=30)
        assert code(reply) == (403, "admin_off"), path
    assert requests.get(f"{url}/v1/voices", timeout=30).status_code == 200
    locked = start_server(host="0.0.0.0", api_keys=("k",), voice_library_path=tmp_path)
    url = f"http://127.0.0.1:{locked.port}"
    for method, path in CHANGES:
        assert requests.request(method, url + path, timeout=30).status_code == 401, path
    made = requests.post(f"{url}/v1/voices", data={"name": "new"}, files={"audio": clip}, headers={"x-api-key": "k"}, timeout=30)
    assert made.status_code == 201


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_pages_of_other_sites_change_no_voice(voices, method, path):
    assert code(ask(voices, method, path, headers={"Origin": "https://evil.example"})) == (403, "forbidden_origin")


def test_fifty_threads_make_use_and_delete_one_voice(voices, clip, folder):
    start = threading.Barrier(50)
    short = clip_of_seconds(clip, 1.5)

    def work(number: int) -> list[tuple[str, int]]:
        start.wait(30)
        # Each begins at another step, so that every step meets every other.
        steps = [
            ("create", lambda: create(voices, "Crowd", short, aliases="many")),
            ("speak", lambda: speak(voices, "many", input=".")),
            ("change", lambda: ask(voices, "PATCH", "/v1/voices/crowd", json={"description": str(number)})),
            ("audio", lambda: ask(voices, "GET", "/v1/voices/crowd/audio")),
            ("delete", lambda: ask(voices, "DELETE", "/v1/voices/crowd")),
        ]
        return [(name, step().status_code) for name, step in steps[number % 5 :] + steps[: number % 5]]

    with ThreadPoolExecutor(50) as threads:
        seen = {result for results in threads.map(work, range(50)) for result in results}
    assert {status for _, status in seen} <= {200, 201, 404, 409}
    assert {("create", 201), ("delete", 200)} <= seen
    ask(voices, "DELETE", "/v1/voices/crowd")
    assert create(voices, "Crowd", short).status_code == 201
    assert speak(voices, "crowd").status_code == 200
    assert ask(voices, "DELETE", "/v1/voices/crowd").status_code == 200
    assert [path for path in folder.rglob("*") if path.is_file() and path.name != "voices.json"] == [folder / "standard" / "harbor.flac"]
    assert json.loads((folder / "voices.json").read_text(encoding="utf-8")) == {}


def clip_of_seconds(clip: bytes, seconds: float) -> bytes:
    samples, rate = soundfile.read(io.BytesIO(clip))
    out = io.BytesIO()
    soundfile.write(out, samples[: round(seconds * rate)], rate, format="WAV")
    return out.getvalue()
