"""How a text will be read: the preview route, and the fields of speech requests that decide it."""

from __future__ import annotations

import json
import re

import pytest
import requests
from support.decoded_audio import hear

FIELDS = {"response_format": "wav", "seed": 7, "cache": False}


def normalize(server, **fields) -> requests.Response:
    return requests.post(f"{server.url}/v1/text/normalize", json=fields, timeout=60)


def speak(server, path="/v1/audio/speech", **fields) -> requests.Response:
    reply = requests.post(server.url + path, json={**FIELDS, **fields}, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply


def test_the_preview_gives_words_language_segments_and_changes(server):
    text = "It costs $5.50 now.\n\n**Dr. Smith** paid on 3/4."
    reply = normalize(server, input=text).json()
    assert reply["language"] == "en"
    assert not re.search(r"[\d$*/]", reply["text"])
    assert "five dollars and fifty cents" in reply["text"]
    assert " ".join(segment["text"] for segment in reply["segments"]).split() == reply["text"].split()
    assert [text[segment["start"] : segment["end"]].split()[0] for segment in reply["segments"]] == ["It", "Dr."]
    assert reply["segments"][0]["pause_after"] == pytest.approx(0.6)
    for change in reply["changes"]:
        assert text[change["start"] : change["end"]] == change["from"]
        assert change["from"] != change["to"]
    assert {"money", "abbreviation", "markdown"} <= {change["rule"] for change in reply["changes"]}


def test_the_changes_make_the_words_of_the_input(server):
    text = "Call 555-0199 at 9:05, see https://example.com/a?b=1, pay 12,50 € for ½ kg & read pp. 10-12."
    reply = normalize(server, input=text).json()
    for change in reversed(reply["changes"]):
        text = text[: change["start"]] + change["to"] + text[change["end"] :]
    assert text.split() == reply["text"].split()


def test_offsets_count_characters_beyond_the_basic_plane_as_one(server):
    text = "🙂🙂 Pay $5."
    change = next(change for change in normalize(server, input=text).json()["changes"] if change["rule"] == "money")
    assert text[change["start"] : change["end"]] == "$5"


def test_off_leaves_the_text_as_it_was_written(server):
    text = "It costs $5 **now**, <b>Dr.</b> Smith."
    reply = normalize(server, input=text, text_normalization="off").json()
    assert (reply["text"], reply["changes"]) == (text, [])


def test_a_language_that_is_named_wins_over_the_one_that_is_found(server):
    text = "Das kostet 12 Euro, und wir gehen morgen wieder nach Hause."
    assert normalize(server, input=text).json()["language"] == "de"
    assert "zwölf" in normalize(server, input=text).json()["text"]
    assert "twelve" in normalize(server, input=text, language="en-US").json()["text"]
    assert "douze" in normalize(server, input=text, voice="fr").json()["text"]


def test_a_short_text_has_the_default_language(server, start_server):
    assert normalize(server, input="Oma, 12").json()["text"] == "Oma, twelve"
    german = start_server(default_language="de")
    assert normalize(german, input="Oma, 12").json()["text"] == "Oma, zwölf"


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"input": ""}, "input", "invalid_value"),
        ({"input": "\u200b"}, "input", "nothing_to_say"),
        ({"input": "<speak>Hello"}, "input", None),
        ({"input": '<!DOCTYPE x [<!ENTITY a "b">]><speak>&a;</speak>'}, None, None),
        ({"input": "Hi.", "text_normalization": "perhaps"}, "text_normalization", "invalid_value"),
        ({"input": "Hi.", "language": "klingon!"}, "language", None),
        ({"input": "Hi.", "voice": "no such voice"}, "voice", "voice_not_found"),
        ({"input": "x" * 4097}, "input", "invalid_value"),
    ],
)
def test_a_wrong_field_is_told(server, fields, param, code):
    reply = normalize(server, **fields)
    if param is None:
        return
    error = reply.json()["error"]
    assert reply.status_code == (404 if param == "voice" else 400)
    assert error["param"] == param
    assert code in (None, error["code"])


def test_a_preview_neither_queues_nor_counts_as_speech(start_server):
    server = start_server(threads=4, max_queue=0)
    before = requests.get(f"{server.url}/metrics", timeout=10).text
    reply = normalize(server, input="It costs $5.", model="chatterbox-multilingual")
    assert reply.status_code == 200
    assert "X-Queue-Position" not in reply.headers
    spoken = re.compile(r"^tts_\w*audio_seconds\w*\{?.*$", re.MULTILINE)
    assert spoken.findall(requests.get(f"{server.url}/metrics", timeout=10).text) == spoken.findall(before)


@pytest.mark.parametrize(("path", "name"), [("/v1/audio/speech", "input"), ("/v1/audio/speech/stream", "input"), ("/tts", "text")])
def test_every_route_that_speaks_takes_text_normalization(server, path, name):
    words = speak(server, path, **{name: "It costs five dollars."}, text_normalization="off")
    auto = speak(server, path, **{name: "It costs $5."})
    assert auto.content == words.content


def test_a_form_may_hold_the_options_as_json(server):
    options = json.dumps({"unit_normalization": False, "url_normalization": True})
    form = {"input": "It is 10km.", "normalization_options": options, "response_format": "wav", "seed": "7"}
    plain = requests.post(f"{server.url}/v1/audio/speech", data=form, timeout=60)
    assert plain.status_code == 200
    assert hear(plain.content).seconds > 0.5


def test_kokoros_options_switch_parts_of_reading_off(server):
    text = "Send 10KB to jo@example.com or https://example.com, file(s) & more."
    everything = normalize(server, input=text).json()
    assert {"unit", "email", "url"} <= {change["rule"] for change in everything["changes"]}
    off = {"unit_normalization": False, "email_normalization": False, "url_normalization": False}
    some = normalize(server, input=text, normalization_options=off).json()
    assert not {"unit", "email", "url"} & {change["rule"] for change in some["changes"]}
    assert normalize(server, input=text, normalization_options={"normalize": False}).json()["text"] == text


def test_ssml_sets_pauses_and_rate(server):
    plain = hear(speak(server, input="One two three four five.").content).seconds
    slow = hear(speak(server, input='<speak><prosody rate="50%">One two three four five.</prosody></speak>').content).seconds
    assert slow / plain == pytest.approx(2, rel=0.2)
    paused = hear(speak(server, input='<speak>One two three four five.<break time="2s"/></speak>').content).seconds
    assert paused - plain == pytest.approx(2, abs=0.3)


def test_a_tag_that_would_switch_the_voice_is_removed_and_named(server):
    reply = speak(server, input="Hello. [voice:nova]Good morning.[/voice] <b>Bye.</b>")
    assert reply.headers["X-Removed-Voices"] == "nova"
    assert reply.content == speak(server, input="Hello. Good morning. Bye.").content
    assert normalize(server, input="[voice:nova]Hi.").json()["removed_voices"] == ["nova"]


def test_a_word_with_its_pronunciation_is_spoken_so(server):
    plain = speak(server, input="The tomato is red.").content
    assert speak(server, input="The [tomato](/təˈmɑːtoʊ/) is red.").content != plain
    assert normalize(server, input="The [tomato](/təˈmɑːtoʊ/) is red.").json()["text"] == "The tomato is red."


@pytest.mark.parametrize("text", ["777777777777777 " * 256, "⥥" * 4096, "$" * 4096, "1/2 " * 1024, "9:05 " * 819, "€€€ 1e9 " * 500])
def test_what_is_said_is_bounded_before_it_is_said(server, text):
    reply = normalize(server, input=text)
    if reply.status_code == 200:
        assert len(reply.json()["text"]) <= 30_000
    else:
        assert reply.json()["error"]["code"] == "text_too_long"
        assert "Divide the text" in reply.json()["error"]["message"]
        refused = requests.post(f"{server.url}/v1/audio/speech", json={"input": text}, timeout=60)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "text_too_long")
