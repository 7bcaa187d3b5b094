"""Texts that break what reads them: each is spoken or refused in words, by every route, and megabytes take time in proportion.

TEST_SCALE makes it longer: 17 sends every text through every route, and the long ones have a million characters.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hostile import PATIENCE, SCALE, at_once, scaled, told
from support.decoded_audio import hear
from support.server import RunningServer, run_server
from websockets.sync.client import connect

LONG_TEXT = min(1_000_000, scaled(60_000))
ROUTES_OF_A_TEXT = min(8, scaled(1))
ENOUGH_BYTES = 16_384

TEXTS = {
    "controls": "One\x00two\x01three\x07\x08\x1b[31mfour\x7f\x9f five.",
    "only controls": "\x00\x01\x02\x1f\x7f",
    "bidi overrides": "\u202eevil\u202c \u2066text\u2069 \u200fhere\u200e.",
    "unclosed bidi": "\u202e" * 200 + "Hello.",
    "a lone high surrogate": "Hello \ud83d there.",
    "a lone low surrogate": "Hello \ude00 there.",
    "only surrogates": "\ud800\udfff\ud800",
    "surrogates the wrong way round": "Hi \ude00\ud83d you.",
    "zalgo": "".join(letter + "\u0300\u0315\u0330\u0489" * 20 for letter in "Hello you"),
    "one letter of accents": "a" + "\u0301\u0316" * 1500,
    "a very long word": "Llanfair" * 5,
    "a very long number": "9" * 30,
    "a very long fraction": "0." + "1" * 25,
    "a huge exponent": "1e999999999 and 9e-999999999.",
    "dates that are none": "99/99/9999 at 99:99:99 on 2026-13-45, $9,99,9.9.9",
    "all emoji": "😀🎉👨\u200d👩\u200d👧\u200d👦🏳\ufe0f\u200d🌈" * 100,
    "emoji and a word": "😀" * 1000 + " yes",
    "flags": "🇩🇪🇫🇷" * 200,
    "nothing to see": "\u200b\u2060\ufeff\u00ad" * 500,
    "spaces of every kind": "Hi\u00a0\u1680\u2000\u3000\u2028\u2029\u0085\v\fthere.",
    "private use": "Hi \ue000\uf8ff\U000f0000\U0010fffd there.",
    "not characters": "Hi \ufffe\uffff\U0001ffff there.",
    "tags of a plane": "Hi\U000e0001\U000e0041 there.",
    "old scripts": "𐎠𐎡 𓀀𓁐 ꙮ ﷽ Hi.",
    "mathematical letters": "𝕳𝖊𝖑𝖑𝖔 ｗｏｒｌｄ ⓗⓘ",
    "markup": "<script>alert(1)</script> &lt;b&gt; <!-- --> ]]>",
    "speech markup": '<speak><break time="9999s"/><audio src="file:///etc/passwd"/>Hi</speak>',
    "templates": "{{7*7}} ${jndi:ldap://x} %s%n%x #{1} `id` $(id)",
    "a query": "'; DROP TABLE voices; -- ",
    "unfinished marks": "[pause: [pause:1 [pause:s] [pause:1s [[pause:0.01s]] Hi.",
    "pauses of ages": "[pause:999999999s] [pause:1e9s] Hi.",
    "many short pauses": "[pause:1ms]" * 300 + "Hi.",
    "sounds": "[laugh][LAUGH][ cough ][clear throat]" * 3 + "Hi.",
    "marks": "?!.,;:-()[]{}\"'…—" * 200,
    "one mark": "." * 4000,
    "abbreviations": "Mr. Dr. e.g. i.e. U.S.A. ",
    "quotes": '"' * 2000 + "Hi.",
    "lines": "\n" * 4000 + "Hi.",
    "line ends of every kind": "Hi\r\n\r\r\n\n\rthere\u2028.\u2029",
    "words of one letter": "a " * 20,
    "slashes": "/" * 200 + "a\\" * 10,
    "an address": "https://user:pw@example.com:8080/a/b?c=d&e=%00#f ",
    "hyphens": "a-" * 20,
    "apostrophes": "o'" * 20,
    "of other scripts": "שלום мир 你好 สวัสดี Hi.",
    "mixed directions": "abc שלום def مرحبا ghi ",
}  # fmt: skip


def by_responses(text: str) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}]}


ROUTES = {
    "/v1/audio/speech": lambda text: {"input": text, "response_format": "wav"},
    "/v1/audio/speech/stream": lambda text: {"input": text},
    "/v1/audio/speech as events": lambda text: {"input": text, "stream_format": "sse", "response_format": "mp3"},
    "/v1/responses": by_responses,
    "/generate": lambda text: {"prompt": text, "voice_key": "standard/harbor.flac"},
    "/tts": lambda text: {"text": text},
    "realtime": lambda text: {"input": text},
    "realtime of OpenAI": lambda text: {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]},
    },
}


def speak(server, route: str, text: str) -> str:
    """What became of a text: `spoken`, or the words of the refusal."""
    payload = json.dumps(ROUTES[route](text))
    if route.startswith("realtime"):
        return talk(server, route, payload)
    path = route.partition(" ")[0]
    reply = requests.post(server.url + path, data=payload, headers={"Content-Type": "application/json"}, timeout=PATIENCE)
    if reply.status_code == 200:
        assert len(reply.content) > 100
        return "spoken"
    assert reply.status_code in (400, 422), (route, text[:40], reply.status_code, reply.text[:300])
    error = told(reply)
    return str(error.get("message") or error["detail"])


def talk(server, route: str, payload: str) -> str:
    path = "/v1/realtime?model=tts-1" if "OpenAI" in route else "/v1/realtime"
    with connect(f"ws://127.0.0.1:{server.port}{path}", proxy=None, open_timeout=PATIENCE, max_size=None) as peer:
        peer.send(payload)
        if "OpenAI" in route:
            peer.send(json.dumps({"type": "response.create"}))
        while True:
            frame = peer.recv(timeout=PATIENCE)
            event = json.loads(frame) if isinstance(frame, str) else {"type": "audio"}
            if event["type"] == "error":
                return str(event["error"]["message"])
            if event["type"] in ("response.completed", "response.done"):
                response = event["response"]
                if response["status"] == "completed":
                    return "spoken"
                return str(response["status_details"]["error"])


def test_every_strange_text_is_spoken_or_refused_in_words_by_every_route(server) -> None:
    draw = random.Random(3)
    cases = [(route, name) for name in TEXTS for route in draw.sample(sorted(ROUTES), ROUTES_OF_A_TEXT)]
    outcomes = dict(zip(cases, at_once(lambda case: speak(server, case[0], TEXTS[case[1]]), cases), strict=True))
    assert [case for case, outcome in outcomes.items() if not outcome.strip()] == []
    assert "spoken" in outcomes.values()
    # Whether a text can be spoken is a question of the text, and not of the route.
    for name in TEXTS:
        assert len({outcomes[case] == "spoken" for case in cases if case[1] == name}) == 1, name


@pytest.mark.parametrize(
    "name", ["controls", "bidi overrides", "a lone high surrogate", "zalgo", "emoji and a word", "templates", "markup"]
)
def test_what_can_be_said_of_a_strange_text_is_heard(server, name: str) -> None:
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": TEXTS[name], "response_format": "wav"}, timeout=PATIENCE)
    assert reply.status_code == 200
    assert hear(reply.content).seconds > 0.2


LONG = {
    "a word": "a", "spaces": " ", "lines": "\n", "dots": ".", "quotes": '"', "brackets": "[",
    "pauses that are none": "[pause:", "sounds": "[laugh]", "accents": "\u0301\u0316", "joiners": "\u200d", "emoji": "👨\u200d👩\u200d👧",
    "han": "漢", "initials": "A. ",  "hyphens": "x-",  "surrogates": "\ud83d",
    "replaced": "\ufffd", "addresses": "http://a.b/", "marks": "?!",  "spaces and marks": " .",
    "half a tag": "[ pause : ", "digits": "7",
}  # fmt: skip


@pytest.fixture(scope="module")
def patient() -> Iterator[RunningServer]:
    """A server that takes texts of any length."""
    with run_server(max_text_length=10_000_000) as running:
        yield running


@pytest.mark.parametrize("name", LONG)
def test_a_long_text_of_one_kind_is_begun_or_refused_soon(patient, name: str) -> None:
    """What takes time in proportion to its square would take hours for these."""
    text = "Yes. " + LONG[name] * (LONG_TEXT // len(LONG[name]))
    fields = json.dumps({"input": text, "stream": True, "response_format": "wav"})
    with requests.post(f"{patient.url}/v1/audio/speech", data=fields, timeout=PATIENCE, stream=True) as reply:
        assert reply.status_code in (200, 400)
        if reply.status_code == 200:
            assert len(reply.raw.read(ENOUGH_BYTES)) > 1000
        else:
            assert told(reply)["message"]


def test_a_text_over_the_limit_is_refused_by_every_route_before_it_is_looked_at(server) -> None:
    text = "a" + "\u0301" * (2_000_000 if SCALE > 1 else 900_000)
    for route in ROUTES:
        if not route.startswith("realtime"):
            assert "spoken" not in speak(server, route, text)
    assert speak(server, "realtime", text[:100_000]) != "spoken"
