"""`GET /metrics`: what Prometheus reads, and the dashboard that is drawn from it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from support.server import RunningServer, run_server

PROJECT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((PROJECT / "deploy" / "grafana" / "parlance.json").read_text(encoding="utf-8"))
API = (PROJECT / "docs" / "API.md").read_text(encoding="utf-8")


Scraped = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""(series, labels) -> value"""


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of these tests' own, with a cache."""
    with run_server(cache_ttl_minutes=5, cache_path=tmp_path_factory.mktemp("audio")) as running:
        yield running


def scrape(server: RunningServer, **headers: str) -> Scraped:
    reply = requests.get(f"{server.url}/metrics", headers=headers, timeout=10)
    assert reply.status_code == 200, reply.text
    families = text_string_to_metric_families(reply.text)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


class Since:
    """By how much a series has grown since this was made."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._before = scrape(server)

    def __call__(self, name: str, **labels: str) -> float:
        key = name, frozenset(labels.items())
        return scrape(self._server).get(key, 0.0) - self._before.get(key, 0.0)


def speak(server: RunningServer, text: str = "A sentence to be counted.", **fields) -> requests.Response:
    return requests.post(f"{server.url}/v1/audio/speech", json={"input": text, **fields}, timeout=60)


def test_a_spoken_text_shows_in_every_series_it_touches(counting):
    grown = Since(counting)
    spoken = speak(counting, response_format="pcm", seed=1).content
    assert grown("parlance_http_requests_total", route="/v1/audio/speech", method="POST", status="200") == 1
    assert grown("parlance_speeches_total", model="embedded", format="pcm", outcome="completed") == 1
    assert grown("parlance_audio_seconds_total", model="embedded") == pytest.approx(len(spoken) / 48000, abs=0.01)
    assert grown("parlance_first_audio_seconds_count", model="embedded") == 1
    assert 0 < grown("parlance_first_audio_seconds_sum", model="embedded") < 60
    assert grown("parlance_real_time_factor_count", model="embedded") == 1
    assert 0 < grown("parlance_real_time_factor_sum", model="embedded") < 10
    assert grown("parlance_segments_total", model="embedded") == 1
    assert grown("parlance_cache_requests_total", result="miss") == 1
    assert grown("parlance_cache_entries") == 1
    assert grown("parlance_cache_bytes") >= len(spoken)


def test_the_present_state_is_told(counting):
    now = scrape(counting)

    def of(name: str, **labels: str) -> float:
        return now[name, frozenset(labels.items())]

    assert of("parlance_segments_waiting", model="embedded") == 0
    assert of("parlance_requests_in_flight") == 0
    assert of("parlance_model_state", model="embedded", state="ready") == 1
    assert of("parlance_model_state", model="chatterbox-turbo", state="not_installed") == 1
    assert of("parlance_model_state", model="chatterbox-turbo", state="ready") == 0
    assert of("parlance_cache_limit_bytes") == 512 * 2**20


def test_what_comes_from_the_cache_is_not_spoken_again(counting):
    grown = Since(counting)
    for _ in range(3):
        speak(counting, "Kept after the first time.")
    speak(counting, "Kept after the first time.", cache=False)
    assert grown("parlance_cache_requests_total", result="hit") == 2
    assert grown("parlance_cache_requests_total", result="bypass") == 1
    assert grown("parlance_speeches_total", model="embedded", format="mp3", outcome="completed") == 2


def test_errors_are_counted_by_code_wherever_they_happen(counting, monkeypatch):
    grown = Since(counting)
    speak(counting, speed=99)
    speak(counting, voice="nobody")
    requests.get(f"{counting.url}/nothing/here", timeout=10)
    monkeypatch.setattr(counting.synthesizer.catalog.engine("embedded").hibari, "speak", lambda *_: 1 / 0)
    assert speak(counting, "One that breaks.").status_code == 500
    for code in ("invalid_value", "voice_not_found", "not_found", "engine_failure"):
        assert grown("parlance_errors_total", code=code) == 1, code
    assert grown("parlance_speeches_total", model="embedded", format="mp3", outcome="failed") == 1
    assert grown("parlance_http_requests_total", route="unmatched", method="GET", status="404") == 1


@pytest.mark.parametrize("fields", [{"stream": True}, {"stream_format": "sse"}], ids=["stream", "events"])
def test_an_error_in_the_middle_of_a_stream_is_counted_once(counting, monkeypatch, fields):
    speaker = counting.synthesizer.catalog.engine("embedded").hibari
    speak_well, calls = speaker.speak, []

    def breaks(*arguments):
        calls.append(arguments)
        return speak_well(*arguments) if len(calls) < 2 else 1 / 0

    grown = Since(counting)
    monkeypatch.setattr(speaker, "speak", breaks)
    text = "This is the first sentence of a text that breaks off. " * 8
    try:
        assert "error" in speak(counting, text, response_format="pcm", **fields).text
    except requests.RequestException:
        assert "stream" in fields
    assert grown("parlance_errors_total", code="engine_failure") == 1
    assert grown("parlance_http_requests_total", route="/v1/audio/speech", method="POST", status="200") == 1


def test_nothing_a_client_sends_becomes_a_label(counting):
    speak(counting)
    requests.get(f"{counting.url}/no-such-page", timeout=10)
    requests.request("BREW", f"{counting.url}/health", timeout=10)
    before = set(scrape(counting))
    speak(counting, "Words of mine.", model="model-of-mine", voice="voice-of-mine")
    speak(counting, "Words of mine.", model="model-of-mine", response_format="format-of-mine", language="xx-of-mine")
    for path in ("/of-mine/1", "/of-mine/2", "/v1/models/of-mine", "/static/of-mine.js", "/v1/voices/of-mine"):
        requests.get(counting.url + path, timeout=10)
    requests.request("MINE", f"{counting.url}/of-mine", timeout=10)
    after = scrape(counting)
    assert not [labels for _, labels in after if any("mine" in text for _, text in labels)]
    assert len(after) - len(before) < 60


def test_openmetrics_is_given_where_it_is_asked_for(counting):
    plain = requests.get(f"{counting.url}/metrics", timeout=10)
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    reply = requests.get(f"{counting.url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}, timeout=10)
    assert reply.headers["Content-Type"].startswith("application/openmetrics-text")
    assert reply.text.rstrip().endswith("# EOF")


def test_metrics_need_the_key_where_there_is_one(start_server: Callable[..., RunningServer]):
    server = start_server(api_keys=("secret",))
    assert requests.get(f"{server.url}/metrics", timeout=10).status_code == 401
    assert scrape(server, Authorization="Bearer secret")


def test_two_servers_in_one_process_count_for_themselves(counting, server):
    grown = Since(counting)
    speak(server)
    assert grown("parlance_http_requests_total", route="/v1/audio/speech", method="POST", status="200") == 0
    assert grown("parlance_cache_requests_total", result="disabled") == 0


def test_every_query_of_the_dashboard_names_a_series_that_exists(counting):
    speak(counting)
    speak(counting, speed=99)
    existing = {name for name, _ in scrape(counting)}
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 20
    named = {name for query in queries for name in re.findall(r"\b(?:parlance|process)_\w+", query)}
    if not sys.platform.startswith("linux"):
        named = {name for name in named if not name.startswith("process_")}
    assert sorted(named - existing) == []
    labels = {(name, label) for (name, pairs) in scrape(counting) for label, _ in pairs}
    for query in queries:
        (grouped,) = re.findall(r"\bby \(([^)]*)\)", query)[:1] or [""]
        series = re.findall(r"\bparlance_\w+", query)
        for label in filter(None, grouped.split(", ")):
            assert any((name, label) in labels for name in series), query


def test_the_dashboard_shows_every_series_that_is_counted(counting):
    speak(counting)
    speak(counting, speed=99)
    queries = json.dumps(DASHBOARD)
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name, _ in scrape(counting) if name.startswith("parlance_")}
    assert sorted(name for name in families if name not in queries) == []


def test_every_series_is_documented(counting):
    speak(counting)
    speak(counting, speed=99)
    names = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name, _ in scrape(counting) if name.startswith("parlance_")}
    assert sorted(name for name in names if f"`{name}`" not in API and f"`{name}_total`" not in API) == []
