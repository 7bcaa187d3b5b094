"""How often one client may ask: counted for its key or its address, told in headers, and never for health, the page and lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import openai
import pytest
import requests
from support.clock import Clock
from support.engine_gate import Gate, queue
from support.server import RunningServer, run_server
from support.waiting import wait_until
from websockets.sync.client import connect

from tts_server import build, rates
from tts_server.client_addresses import forwarded_address, network_name
from tts_server.config import SettingsError
from tts_server.errors import RateLimited
from tts_server.rates import Rate, Rates, parse_rates
from tts_server.settings import load_settings


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rates, "time", SimpleNamespace(monotonic=clock))
    return clock


# Counting


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", ()),
        ("60/minute", (Rate(60, 60, "minute"),)),
        ("5 per second; 1000/hour", (Rate(5, 1, "second"), Rate(1000, 3600, "hour"))),
        (" 3 / Days , ", (Rate(3, 86400, "day"),)),
    ],
)
def test_a_rate_is_read_as_it_is_written(text, rules):
    assert parse_rates(text) == rules


@pytest.mark.parametrize("text", ["60", "0/minute", "60/fortnight", "-1/second", "many", "1.5/second", "60/minute 3/second", "9999999/day"])
def test_what_is_no_rate_is_named(text):
    with pytest.raises(ValueError, match="is not a rate such as '60/minute'"):
        parse_rates(text)


def test_a_wrong_rate_stops_the_start_with_its_name():
    with pytest.raises(SettingsError, match="RATE_LIMIT: 'often' is not a rate"):
        build.rates(load_settings(rate_limit="often"))


def test_no_window_of_its_length_ever_holds_more(clock: Clock):
    """At every moment the client asks as soon as it may."""
    counted, taken = Rates(parse_rates("5/second;20/minute")), []
    while clock.now < 1200.0:
        try:
            counted.take("a")
            taken.append(clock.now)
        except RateLimited as error:
            clock.now += min(error.retry_after, 0.25)
    for begin in taken:
        assert sum(begin <= one < begin + 1 for one in taken) <= 5
        assert sum(begin <= one < begin + 60 for one in taken) <= 20
    assert len(taken) >= 3 * 20


def test_a_window_that_has_just_begun_lasts_its_own_length_whatever_the_clock_says(clock: Clock):
    """A clock and a day added up can round up to a second more."""
    counted = Rates(parse_rates("1/day"))
    for moment in range(1000):
        clock.now = 60_000 + moment / 7
        taken = counted.take(str(moment))
        assert taken is not None
        assert taken.reset == 86400
        with pytest.raises(RateLimited) as refused:
            counted.take(str(moment))
        assert refused.value.retry_after == 86400


def test_who_comes_back_when_told_is_let_in_and_not_before(clock: Clock):
    counted = Rates(parse_rates("2/minute"))
    counted.take("a")
    clock.now += 20
    counted.take("a")
    clock.now += 0.5
    with pytest.raises(RateLimited) as refused:
        counted.take("a")
    assert refused.value.retry_after == 40
    clock.now += 39.4
    with pytest.raises(RateLimited):
        counted.take("a")
    clock.now += 0.2
    counted.take("a")


def test_what_was_refused_does_not_count(clock: Clock):
    counted = Rates(parse_rates("1/second"))
    counted.take("a")
    for _ in range(100):
        with pytest.raises(RateLimited):
            counted.take("a")
    clock.now += 1.0
    counted.take("a")


def test_clients_are_counted_apart_and_forgotten_when_they_are_quiet(clock: Clock):
    counted = Rates(parse_rates("1/minute"))
    for number in range(500):
        counted.take(f"client {number}")
    assert len(counted) == 500
    clock.now += 200
    counted.take("another")
    assert len(counted) == 1


def test_the_headers_tell_of_the_rule_that_is_tightest(clock: Clock):
    counted = Rates(parse_rates("3/second;4/minute"))
    left = []
    for _ in range(4):
        allowance = counted.take("a")
        left.append((allowance.limit, allowance.remaining, allowance.reset))
        clock.now += 0.4
    assert left == [(3, 2, 1), (3, 1, 1), (3, 0, 1), (4, 0, 59)]


# At a server


@pytest.fixture(scope="module")
def limited() -> Iterator[RunningServer]:
    """Three requests for each client; each test comes from addresses of its own, by way of a proxy."""
    with run_server(rate_limit="3/day", trusted_proxy="127.0.0.1") as running:
        yield running


def speak(server: RunningServer, address: str = "", **headers: str) -> requests.Response:
    headers = {"X-Forwarded-For": address, **headers} if address else headers
    return requests.post(f"{server.url}/v1/audio/speech", json={"input": "."}, headers=headers, timeout=30)


def test_beyond_the_rate_a_client_gets_openais_error_and_when_to_come_back(limited):
    replies = [speak(limited, "10.1.0.1") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["X-RateLimit-Limit"] for reply in replies] == ["3"] * 4
    assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]
    assert all(86000 < int(reply.headers["X-RateLimit-Reset"]) <= 86400 for reply in replies)
    error = replies[-1].json()["error"]
    assert (error["code"], error["type"], error["param"]) == ("rate_limit_exceeded", "rate_limit_error", None)
    assert replies[-1].headers["Retry-After"].isdigit()
    assert int(replies[-1].headers["retry-after-ms"]) == 1000 * int(replies[-1].headers["Retry-After"])


def test_it_holds_in_every_dialect_together(limited):
    address = {"X-Forwarded-For": "10.2.0.1"}
    for _ in range(3):
        assert speak(limited, **address).status_code == 200
    client = openai.OpenAI(base_url=f"{limited.url}/v1", api_key="x", max_retries=0, default_headers=address)
    with pytest.raises(openai.RateLimitError):
        client.audio.speech.create(model="tts-1", voice="alloy", input=".")
    refused = requests.post(f"{limited.url}/generate", json={"prompt": "Hi.", "voice_key": "x"}, headers=address, timeout=30)
    assert (refused.status_code, set(refused.json())) == (429, {"detail"})
    assert requests.get(f"{limited.url}/tts-stream", params={"text": "Hi."}, headers=address, timeout=30).status_code == 429


def test_health_the_page_and_lists_are_never_counted(limited):
    address = "10.3.0.1"
    assert [speak(limited, address).status_code for _ in range(4)][-1] == 429
    for path in ("/", "/health", "/healthz", "/metrics", "/static/js/index.js", "/v1/models", "/v1/voices", "/v1/queue/x", "/favicon.ico"):
        reply = requests.get(limited.url + path, headers={"X-Forwarded-For": address}, timeout=30)
        assert reply.status_code == 200, path
        assert "X-RateLimit-Limit" not in reply.headers


def test_clients_behind_a_trusted_proxy_count_for_themselves_and_networks_of_ipv6_as_one(limited):
    def left(address: str) -> int:
        return int(speak(limited, address).headers["X-RateLimit-Remaining"])

    assert [left("10.4.0.1"), left("10.4.0.1"), left("10.4.0.2")] == [2, 1, 2]
    assert [left('"[2001:db8:1:2::7]"'), left('"[2001:db8:1:2:ffff::8]"'), left('"[2001:db8:1:3::7]"')] == [2, 1, 2]
    assert left('"[::ffff:10.4.0.2]"') == 1


ONE_CLIENT = [
    ["10.7.1.1", "10.7.1.1:4711", '"10.7.1.1:80"', "::ffff:10.7.1.1", "[::FFFF:10.7.1.1]:4711", "::ffff:a07:101", " 9.9.9.9 , 10.7.1.1 "],
    [
        "2001:db8:7::1",
        "[2001:db8:7::1]",
        "[2001:db8:7::1]:4711",
        '"[2001:DB8:7:0::1]:80"',
        "2001:0db8:0007:0000:0000:0000:0000:0001",
        "2001:db8:7::ff",
    ],
    ["fe80::1", "fe80::1%eth0", "[fe80::1%25eth0]:4711", "FE80::2%wlan0"],
    ["unknown", "_hidden", '"_obfuscated:80"', "10.7.1", "example.com:80", ":4711", "[", '"', "::1::2", "300.1.1.1", ","],
]
"""Ways to write the address of one client each; the last is all that is no address."""


@pytest.mark.parametrize("ways", ONE_CLIENT, ids=lambda ways: ways[0])
def test_however_a_proxy_writes_an_address_it_is_one_client(ways):
    names = {network_name(forwarded_address(way, "127.0.0.1", "127.0.0.1")) for way in ways}
    assert len(names) == 1, names


def test_addresses_written_in_these_ways_are_different_clients():
    assert len({network_name(forwarded_address(ways[0], "127.0.0.1", "127.0.0.1")) for ways in ONE_CLIENT}) == len(ONE_CLIENT)


@pytest.mark.parametrize("ways", [ways[:4] for ways in ONE_CLIENT], ids=lambda ways: ways[0])
def test_however_a_proxy_writes_an_address_its_requests_count_together(limited, ways):
    assert [speak(limited, way).status_code for way in ways] == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("peer", "trusted", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", "10.8.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1", "10.8.0.1"),
        ("::1", "0:0:0:0:0:0:0:1", "10.8.0.1"),
        ("127.0.0.2", "127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("198.51.100.7", "*", "10.8.0.1"),
    ],
)
def test_only_the_trusted_proxy_names_its_clients(peer, trusted, expected):
    assert forwarded_address("10.8.0.1", peer, trusted) == expected
    assert forwarded_address("", peer, trusted) == peer


def test_without_keys_a_made_up_key_is_no_way_around(limited):
    assert [speak(limited, "10.5.0.1", Authorization=f"Bearer {number}").status_code for number in range(4)] == [200, 200, 200, 429]


def test_each_thing_a_websocket_is_asked_to_speak_counts_like_a_request(limited):
    def answer(websocket: Any, text: str) -> dict[str, Any]:
        websocket.send(json.dumps({"text": text}))
        while isinstance(message := websocket.recv(timeout=30), bytes):
            pass
        return json.loads(message)

    address = f"ws://127.0.0.1:{limited.port}/v1/realtime"
    options = {"proxy": None, "open_timeout": 20, "additional_headers": {"X-Forwarded-For": "10.6.0.1"}}
    with connect(address, **options) as websocket:
        assert [answer(websocket, text)["type"] for text in ("One.", "Two.", "Three.")] == ["response.completed"] * 3
        refused = answer(websocket, "Four.")
        assert (refused["type"], refused["error"]["code"]) == ("error", "rate_limit_exceeded")
    with connect(f"{address}?model=tts-1", **options) as websocket:
        assert json.loads(websocket.recv(timeout=30))["type"] == "session.created"
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Five."}]}
        websocket.send(json.dumps({"type": "response.create", "response": {"input": [item]}}))
        refused = json.loads(websocket.recv(timeout=30))
        assert (refused["type"], refused["error"]["code"]) == ("error", "rate_limit_exceeded")
    assert speak(limited, "10.6.0.1").status_code == 429


def test_what_the_line_refuses_does_not_count_and_what_waits_counts_once(start_server, monkeypatch):
    server = start_server(rate_limit="6/day", threads=4, max_queue=1)
    gate = Gate(server, monkeypatch)
    gate.close()

    def say(text: str) -> requests.Response:
        return requests.post(f"{server.url}/v1/audio/speech", json={"input": text}, timeout=60)

    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(say, "Hello.") for _ in range(5)]
        wait_until(lambda: queue(server)["waiting"] == 1)
        assert [say("Too many.").status_code for _ in range(3)] == [503] * 3
        gate.open()
        replies = [one.result(60) for one in asked]
    assert [reply.status_code for reply in replies] == [200] * 5
    assert all("X-RateLimit-Remaining" in reply.headers for reply in replies)
    assert [say(".").status_code for _ in range(2)] == [200, 429]


def test_keys_are_counted_apart_and_a_wrong_one_counts_for_nobody(start_server):
    server = start_server(rate_limit="2/day", api_keys=("one", "two"))
    assert [speak(server, Authorization="Bearer one").status_code for _ in range(3)] == [200, 200, 429]
    assert speak(server, **{"x-api-key": "one"}).status_code == 429
    assert [speak(server, **{"x-api-key": f"guess-{number}"}).status_code for number in range(5)] == [401] * 5
    assert [speak(server, **{"x-api-key": "two"}).status_code for _ in range(3)] == [200, 200, 429]


def test_a_made_up_forwarding_header_is_no_way_around(start_server):
    server = start_server(rate_limit="1/day")
    assert [speak(server, f"10.0.0.{number}").status_code for number in range(3)] == [200, 429, 429]


def test_without_the_setting_nobody_is_counted(server):
    replies = [speak(server) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200] * 5
    assert "X-RateLimit-Limit" not in replies[0].headers
